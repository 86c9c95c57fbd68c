"""The snapshot behind the pages, reopened when its file is replaced."""

from __future__ import annotations

import hashlib
import os
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from exr_inspector.catalog.duckdb.publish import publish_file
from exr_inspector.catalog.duckdb.pull import publish_store
from exr_inspector.catalog.duckdb.snapshot import LIMITS, Reader, Scope, Snapshot, has_snapshot
from exr_inspector.catalog.limits import QueryLimits
from exr_inspector.catalog.store import Store
from exr_inspector.errors import DATABASE_IN_USE, InspectorError

# Seconds between checks of the file.
LOOK_SECONDS = 1.0


class CurrentSnapshot:
    """The newest snapshot at a path. Raises the errors of Snapshot."""

    def __init__(self, path: str, limits: QueryLimits = LIMITS) -> None:
        self.path = path
        self._limits = limits
        self._lock = threading.Lock()
        self._version = _version(path)
        self._snapshot = Snapshot(path, limits)
        self._due = time.monotonic() + LOOK_SECONDS

    @contextmanager
    def reading(self, scope: Scope) -> Iterator[tuple[Snapshot, Reader]]:
        """Yield a reader of the newest snapshot. The snapshot does not change within the block."""
        snapshot = self._newest()
        with snapshot.reading(scope) as reader:
            yield snapshot, reader

    def _newest(self) -> Snapshot:
        """Return the newest snapshot. If the new file cannot be opened, keep the old snapshot."""
        with self._lock:
            if time.monotonic() >= self._due:
                version = _version(self.path)
                if version not in (None, self._version):
                    try:
                        self._snapshot, self._version = Snapshot(self.path, self._limits), version
                    except InspectorError:
                        self._version = version
                self._due = time.monotonic() + LOOK_SECONDS
            return self._snapshot


def _version(path: str) -> tuple[int, int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def pulled_path(store: Store) -> str:
    """Return the path of a new snapshot of a store that is not a DuckDB file. Raises InspectorError."""
    path = _copy_of(store.name, store.name)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    publish_store(store, str(path))
    return str(path)


def snapshot_path(db: str) -> str:
    """Return the path of the snapshot to show for a DuckDB file: the file itself, or a new copy of a store.

    If another process has the store open, return the previous copy. Raises InspectorError:
    DATABASE_IN_USE if there is no copy, and the errors of DuckDBStore.
    """
    path = _copy_of(os.path.realpath(db), Path(db).stem)
    try:
        if has_snapshot(db):
            return db
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        publish_file(db, str(path))
    except InspectorError as error:
        if error.fault is not DATABASE_IN_USE or not path.exists():
            raise
    return str(path)


def _copy_of(store: str, title: str) -> Path:
    """Return the path for the copy of a store, in a folder that only this user can read."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "exr-inspector"
    digest = hashlib.sha256(store.encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return folder / f"{re.sub('[^A-Za-z0-9_.-]+', '-', title)[:60]}-{digest}.duckdb"
