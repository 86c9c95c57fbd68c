"""Compare listed and stored files: which are new, changed, unchanged and missing.

Both sides are streamed into a temporary DuckDB file, which compares them on disk: memory does not grow with
the number of files.
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple

import duckdb
import pyarrow as pa
from typing_extensions import Self

from exr_inspector.catalog.duckdb.errors import coded
from exr_inspector.catalog.facets import HEADER_VERSION, UNFINISHED
from exr_inspector.catalog.plan import Removal
from exr_inspector.catalog.store import Store
from exr_inspector.vectors.embedding import EMBEDDING_VERSION

MEMORY = "128MiB"
# Rows that are fetched at once.
BATCH = 2_000

# The columns of a listed file. `root` is the index of its root; a path need not be UTF-8; times are
# microseconds since 1970. The other columns are those of `files`.
_LISTED = {
    "root": "INTEGER",
    "file_id": "VARCHAR",
    "path": "BLOB",
    "size_bytes": "BIGINT",
    "mtime": "TIMESTAMP",
    "etag": "VARCHAR",
    "ctime": "TIMESTAMP",
    "inode": "BIGINT",
    "device": "VARCHAR",
}
# Lists as parameters, not Arrow: to make an array, pyarrow imports pandas if it is installed, in 0.4 s.
_INSERT = "INSERT INTO listed SELECT " + ", ".join(
    f"make_timestamp(unnest(?::BIGINT[])) AS {name}"
    if kind == "TIMESTAMP"
    else f"unnest(?::{kind}[]) AS {name}"
    for name, kind in _LISTED.items()
)

# Table here -> table of the store, and its columns.
_COPIED = {
    "stored": (
        "files",
        [
            *("file_id", "file_path_normalized", "size_bytes", "mtime", "etag", "ctime", "inode", "device"),
            *("writing", "embedding_version", "write_id", "last_inspected"),
        ],
    ),
    "computed": ("facets", ["file_id", "facet", "engine_version"]),
}
# The columns that are needed if more than the header is wanted.
_COPIED_TOO = {"stored": ["status", "multipart_count"], "computed": ["request", "status", "input_hash"]}

# The version of an object is its eTag. That of a file is all of these, since tools restore sizes and times. A
# catalog has neither eTag nor inode; S3 reports whole seconds.
_COMPARE = """
    CREATE TABLE differing AS
    SELECT DISTINCT ON (listed.file_id) listed.file_id, listed.path, listed.size_bytes,
        stored.file_id IS NULL AS is_new, listed.etag IS NOT NULL AS is_object
    FROM listed LEFT JOIN stored USING (file_id)
    WHERE stored.file_id IS NULL
        OR CASE
            WHEN listed.etag IS NOT NULL THEN stored.etag IS DISTINCT FROM listed.etag
            WHEN listed.inode IS NULL AND listed.size_bytes IS NOT NULL
            THEN stored.size_bytes IS DISTINCT FROM listed.size_bytes
                OR date_trunc('second', stored.mtime) IS DISTINCT FROM date_trunc('second', listed.mtime)
                OR date_trunc('second', stored.ctime) <> date_trunc('second', listed.ctime)
            ELSE stored.size_bytes IS DISTINCT FROM listed.size_bytes
                OR stored.mtime IS DISTINCT FROM listed.mtime
                OR stored.ctime IS DISTINCT FROM listed.ctime
                OR stored.inode IS DISTINCT FROM listed.inode
            END
        OR stored.writing
        OR stored.embedding_version IS DISTINCT FROM $embedding_version
"""
_LACKS = """
        OR ({condition}) AND NOT EXISTS (
            FROM computed
            WHERE computed.file_id = listed.file_id AND facet = '{facet}' AND engine_version = {version}
                {answer}
        )
"""
_KNOWN = """
    LEFT JOIN (
        SELECT file_id, list([facet, input_hash]) AS known FROM computed WHERE facet <> 'header' GROUP BY ALL
    ) USING (file_id)
"""


_GONE = """
    FROM stored ANTI JOIN listed USING (file_id)
    WHERE stored.root = $root AND ($as_of IS NULL OR stored.last_inspected < $as_of::TIMESTAMP)
"""


class Counts(NamedTuple):
    """Numbers of listed files. `size_bytes` and `objects` are those of the new and changed ones."""

    seen: int
    new: int
    changed: int
    size_bytes: int
    objects: int

    @property
    def unchanged(self) -> int:
        return self.seen - self.new - self.changed


class Wanted(NamedTuple):
    """A facet that every file shall have in this version, computed for one of these requests; none means any.

    Only stored files that fulfill `condition` can have it.
    """

    facet: str
    version: int
    requests: Sequence[str] = ()
    condition: str = "true"


HEADER = Wanted("header", HEADER_VERSION)
HAS_HEADER = "stored.multipart_count > 0"
IS_SUPPORTED = f"{HAS_HEADER} OR stored.status <> 'unsupported'"


class Difference(NamedTuple):
    """A file to inspect: the path that was listed, and whether it is stored already.

    `is_link`: it is a link, and leads nowhere. `known` has pairs of a facet and the stored hash.
    """

    path: str
    change: Literal["new", "changed"]
    is_link: bool = False
    known: Sequence[Sequence[str]] = ()


class Gone(NamedTuple):
    """A file that is stored and was not listed. `name` is its canonical name."""

    name: str
    removal: Removal


class OfRoot(NamedTuple):
    """Numbers of the files of one root. `gone`: stored and not listed.

    `lost_device` is a file system of stored files that the listing did not see; None if it saw all.
    """

    stored: int
    listed: int
    gone: int
    lost_device: str | None


class Inventory:
    """The comparison of one run. A context manager."""

    def __init__(self, wanted: Sequence[Wanted] = (HEADER,)) -> None:
        self._wanted = wanted

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="exr-inspector-", ignore_cleanup_errors=True)
        path = str(Path(self._folder.name, "inventory.duckdb"))
        with coded(path):
            self._database = duckdb.connect(path, config={"memory_limit": MEMORY})
            columns = ", ".join(f"{name} {kind}" for name, kind in _LISTED.items())
            self._database.execute(f"CREATE TABLE listed ({columns})")
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()
        self._folder.cleanup()

    def copy_stored(self, store: Store, roots: Sequence[str]) -> None:
        """Copy what a store has below each root, given as the beginning of canonical names.

        Do it before the roots are listed. Then a file that is stored in the meantime does not look gone.
        """
        for table, (source, columns) in _COPIED.items():
            if len(self._wanted) > 1:
                columns = [*columns, *_COPIED_TOO[table]]  # noqa: PLW2901
            for index, root in enumerate(roots):
                how = f"INSERT INTO {table}" if index else f"CREATE OR REPLACE TABLE {table} AS"

                def copy(
                    rows: pa.RecordBatchReader, sql: str = f"{how} SELECT *, {index} AS root FROM incoming"
                ) -> None:
                    self._write(sql, rows)

                store.scan(source, columns, copy, root)

    def add_listed(self, rows: Sequence[Sequence[Any]]) -> None:
        """Add listed files: root, file_id, path, size, mtime, etag, ctime, inode and device of each."""
        with coded(self._folder.name):
            self._database.execute(_INSERT, [list(column) for column in zip(*rows, strict=True)])

    def compare(self) -> Counts:
        """Compare the listed with the stored files."""
        values: dict[str, Any] = {"embedding_version": EMBEDDING_VERSION}
        sql = _COMPARE
        for facet, version, requests, condition in self._wanted:
            answer = ""
            if requests:
                answer = f"AND list_contains($requests_{facet}, request) AND status <> '{UNFINISHED}'"
                values[f"requests_{facet}"] = list(requests)
            sql += _LACKS.format(condition=condition, facet=facet, version=version, answer=answer)
        with coded(self._folder.name):
            self._database.execute(sql, values)
        seen, *_ = self._row("SELECT count(DISTINCT file_id) FROM listed")
        return Counts(
            seen,
            *self._row(
                "SELECT count(*) FILTER (is_new), count(*) FILTER (NOT is_new), coalesce(sum(size_bytes), 0),"
                " count(*) FILTER (is_object) FROM differing"
            ),
        )

    def differences(self) -> Iterator[Difference]:
        """Yield the new and the changed files, ordered by path."""
        known, join = ("known", _KNOWN) if len(self._wanted) > 1 else ("NULL", "")
        sql = f"SELECT path, is_new, size_bytes IS NULL, {known} FROM differing {join} ORDER BY path"
        for path, is_new, is_link, hashes in self._rows(sql):
            name = path.decode("utf-8", "surrogateescape")
            yield Difference(name, "new" if is_new else "changed", is_link, hashes or ())

    def of_root(self, root: int, devices: Collection[str], as_of: datetime | None = None) -> OfRoot:
        """Return numbers of a root's files; `devices` are the file systems that its listing saw.

        Files that were inspected after `as_of` are not gone: the listing is older.
        """
        stored, device = self._row(
            """SELECT count(*), min(device) FILTER (NOT list_contains($devices, device))
            FROM stored WHERE root = $root""",
            {"root": root, "devices": list(devices)},
        )
        (listed,) = self._row("SELECT count(*) FROM listed WHERE root = $root", {"root": root})
        (gone,) = self._row(f"SELECT count(*) {_GONE}", {"root": root, "as_of": as_of})
        return OfRoot(stored, listed, gone, device)

    def gone(self, root: int, as_of: datetime | None = None) -> Iterator[Gone]:
        """Yield the files that are stored below a root and were not listed, as `of_root` counts them."""
        sql = f"SELECT file_path_normalized, file_id, coalesce(write_id, '') {_GONE} ORDER BY 1"
        for name, file_id, write_id in self._rows(sql, {"root": root, "as_of": as_of}):
            yield Gone(name, Removal(file_id, unless_since=write_id))

    def _write(self, sql: str, incoming: pa.RecordBatchReader) -> None:
        with self._database.cursor() as cursor, coded(self._folder.name):
            cursor.register("incoming", incoming)
            cursor.execute(sql)

    def _row(self, sql: str, values: Mapping[str, Any] | None = None) -> tuple[Any, ...]:
        (row,) = self._rows(sql, values)
        return row

    def _rows(self, sql: str, values: Mapping[str, Any] | None = None) -> Iterator[tuple[Any, ...]]:
        with self._database.cursor() as cursor, coded(self._folder.name):
            cursor.execute(sql, values or {})
            while rows := cursor.fetchmany(BATCH):
                yield from rows
