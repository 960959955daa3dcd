"""Benchmarks: each module has a ``main`` that prints a table; ``python -m benchmarks.run`` runs them."""
