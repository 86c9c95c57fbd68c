"""Snapshots of a store that other processes read while it is being written."""

from __future__ import annotations

import time
from pathlib import Path

from exr_inspector.catalog.duckdb.pull import publish_store
from exr_inspector.catalog.duckdb.snapshot import has_snapshot
from exr_inspector.catalog.duckdb.store import DuckDBStore
from exr_inspector.catalog.store import Store
from exr_inspector.errors import BAD_SETTING, DATABASE_NOT_FOUND, InspectorError

# With at least this many files, a copy is also written before the end.
FIRST = 10_000


class Publisher:
    """Writes a snapshot of a DuckDB store, at each call after which the number of files has doubled.

    A snapshot takes time in proportion to the number of files, and so do all of them together. One of another
    store is pulled over the network, so it is written only by `publish`.
    """

    def __init__(self, store: Store, path: str) -> None:
        """Raises InspectorError unless a snapshot, or nothing in a folder that exists, is at `path`."""
        _check_target(store, path)
        self._store = store
        self._path = path
        self._next = max(FIRST, 2 * store.count_files()) if isinstance(store, DuckDBStore) else 0
        self._ended = self._took = 0.0

    def __call__(self) -> None:
        if isinstance(self._store, DuckDBStore) and (count := self._store.count_files()) >= self._next:
            self.publish()
            self._next = 2 * count

    def publish(self) -> None:
        """Write the snapshot now."""
        began = time.monotonic()
        if isinstance(self._store, DuckDBStore):
            self._store.publish(self._path)
        else:
            publish_store(self._store, self._path)
        self._ended = time.monotonic()
        self._took = self._ended - began

    @property
    def is_due(self) -> bool:
        """Whether another snapshot would take at most a tenth of the time since the last one."""
        return time.monotonic() - self._ended >= 9 * self._took


def _check_target(store: Store, path: str) -> None:
    target = Path(path)
    # Before it is opened: to close a file gives up the locks that this process has on it.
    is_store = isinstance(store, DuckDBStore) and target.exists() and target.samefile(store.name)
    try:
        is_store = is_store or not has_snapshot(path)
    except InspectorError as error:
        if error.fault is not DATABASE_NOT_FOUND or not target.parent.is_dir():
            raise
    if is_store:
        message = "a snapshot would replace this file, which is a store; name another one"
        raise InspectorError(BAD_SETTING, message, path)
