"""Copies of a DuckDB store that other processes read while it is being written."""

from __future__ import annotations

import time

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
        self._ended = self._took = 0.0

    def __call__(self) -> None:
        count = self._store.count_files()
        if count >= self._next:
            self.publish()
            self._next = 2 * count

    def publish(self) -> None:
        """Write the copy now."""
        began = time.monotonic()
        self._store.publish(self._path)
        self._ended = time.monotonic()
        self._took = self._ended - began

    @property
    def is_due(self) -> bool:
        """Whether another copy would take at most a tenth of the time since the last one."""
        return time.monotonic() - self._ended >= 9 * self._took
