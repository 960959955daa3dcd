"""Benchmarks: each module has a ``main`` that prints a table; see ``benchmarks.run``."""
