"""Copies of a DuckDB store that other processes read while it is being written."""

from __future__ import annotations

from exr_inspector.catalog.duckdb.store import DuckDBStore

# Files from which on a copy is written before the end.
FIRST = 10_000


class Publisher:
    """Writes a copy of a store to a file, at each call after which the number of files has doubled.

    A copy takes time in proportion to the number of files, and so do all copies together.
    """

    def __init__(self, store: DuckDBStore, path: str) -> None:
        self._store = store
        self._path = path
        self._next = max(FIRST, 2 * store.count_files())

    def __call__(self) -> None:
        count = self._store.count_files()
        if count >= self._next:
            self.publish()
            self._next = 2 * count

    def publish(self) -> None:
        """Write the copy now."""
        self._store.publish(self._path)
