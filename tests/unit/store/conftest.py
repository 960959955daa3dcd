"""The fixtures of the search tests."""

from tests.unit.store.content import people, results

__all__ = ["people", "results"]
