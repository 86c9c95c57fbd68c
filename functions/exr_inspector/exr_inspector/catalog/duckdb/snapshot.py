"""Read a snapshot with many cursors. Each cursor sees only the rows in one scope."""

from __future__ import annotations

import re
import textwrap
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from typing import Any

import duckdb

from exr_inspector.catalog.duckdb.errors import check_path, coded, coded_query
from exr_inspector.catalog.duckdb.publish import IS_SNAPSHOT, SNAPSHOT_VERSION
from exr_inspector.catalog.duckdb.types import identifier, literal
from exr_inspector.catalog.limits import QueryLimits, time_limit
from exr_inspector.catalog.nearest import nearest
from exr_inspector.catalog.search import DETAIL_TABLES, VECTORS, By, Match, Search, StoredRows
from exr_inspector.catalog.stored_document import by_file
from exr_inspector.errors import NOT_A_DATABASE, InspectorError
from exr_inspector.location import S3

Row = dict[str, Any]

LIMITS = QueryLimits(seconds=20.0, memory_mib=320)
"""Limits of one statement of a page. All statements share the memory."""

# Rows fetched at once.
BATCH = 10_000

# Columns that contain a path or begin with one, in order of preference. Each table has at least one.
_PATHS = ("file_path", "key")


@dataclass(frozen=True)
class Scope:
    """The visible rows: all, or those of files at or below one of these folders.

    A folder is an absolute path or `s3://bucket/folder`, without a trailing slash. It is compared with stored
    paths; the path map does not apply. The root folder is the empty text.
    """

    folders: tuple[str, ...] | None = None

    def condition(self, column: str) -> str:
        """Return the SQL condition that a path is in the scope."""
        if self.folders is None:
            return "true"
        # Ranges, not patterns: names can contain `%` and `_`. "0" is the character after "/".
        below = "({0} = {1} OR {0} >= {2} AND {0} < {3})"
        conditions = (
            below.format(column, literal(each), literal(f"{each}/"), literal(f"{each}0"))
            for each in self.folders
        )
        return f"({' OR '.join(conditions) or 'false'})"

    def has(self, path: str) -> bool:
        """Return whether a path is in the scope."""
        return self.folders is None or any(
            path == each or path.startswith(f"{each}/") for each in self.folders
        )


ALL = Scope()


@dataclass(frozen=True)
class SnapshotFacts:
    """The row of the table `snapshot`, times in UTC. `last_inspected` is None if there is no file.

    `folders` are the common folders of all local files and of all objects, without trailing slashes.
    """

    source: str
    published_at: datetime
    last_inspected: datetime | None
    file_count: int
    folders: tuple[str, ...]


class Reader:
    """The rows of a snapshot in one scope; also a Searchable.

    Table names without a schema refer to views with only the rows in the scope.
    """

    def __init__(self, cursor: duckdb.DuckDBPyConnection, name: str, seconds: float) -> None:
        self.statements: list[str] = []
        """The executed statements, as SQL that can be run on the snapshot."""
        self._cursor = cursor
        self._name = name
        self._seconds = seconds

    def rows(self, sql: str, **parameters: Any) -> list[Row]:
        """Return the rows of a statement with parameters `$name`.

        Raises InspectorError, QUERY_LIMIT above the limits.
        """
        return [row for batch in self.batches(sql, **parameters) for row in batch]

    def batches(self, sql: str, **parameters: Any) -> Iterator[list[Row]]:
        """Yield the rows of a statement in batches. Do not run other statements before the last batch."""
        with coded(self._name):
            yield from self._run(sql, parameters, BATCH)

    def answer(self, sql: str, parameters: Mapping[str, Any], most: int) -> list[Row]:
        """Return up to `most` rows of a statement with a user's values.

        Raises InspectorError: BAD_QUERY for a value that the statement does not accept, QUERY_LIMIT.
        """
        with coded_query(self._name):
            return next(self._run(sql, parameters, most), [])

    def _run(self, sql: str, parameters: Mapping[str, Any], batch: int) -> Iterator[list[Row]]:
        self.statements.append(_filled(sql, parameters))
        with time_limit(self._cursor.interrupt, self._seconds):
            cursor = self._cursor.execute(sql, dict(parameters) or None)
            names = [name for name, *_ in cursor.description]
            while found := cursor.fetchmany(batch):
                yield [dict(zip(names, row, strict=True)) for row in found]

    def row(self, sql: str, **parameters: Any) -> Row | None:
        """Return the first row of a statement; None if there is none."""
        return next(iter(self.rows(sql, **parameters)), None)

    def rank(self, file_id: str) -> int | None:
        """Return the `path_rank` of a file, the sort key of the tables; None if it is not in the scope."""
        found = self.row("SELECT path_rank FROM file_paths WHERE file_id = $id", id=file_id)
        return found["path_rank"] if found else None

    def search(self, search: Search) -> list[Match]:
        """See Searchable."""
        with coded(self._name), time_limit(self._cursor.interrupt, self._seconds):
            return nearest(self._cursor, search)

    def vector(self, file_id: str, by: By) -> list[float] | None:
        """See Searchable. A snapshot has the vectors of only the first file of a sequence."""
        table, column, version_column, version = VECTORS[by]
        sql = f"""
            SELECT {column} FROM {table}
            WHERE path_rank = $rank AND {version_column} = $version"""
        found = self.row(sql, rank=self.rank(file_id), version=version)
        return list(found[column]) if found and found[column] else None

    def stored_rows(self, file_ids: Sequence[str]) -> dict[str, StoredRows]:
        """See Searchable."""
        sql = "SELECT path_rank FROM file_paths WHERE file_id IN (SELECT unnest($ids))"
        ranks = [row["path_rank"] for row in self.rows(sql, ids=list(file_ids))]
        sql = "SELECT * EXCLUDE (path_rank) FROM {} WHERE path_rank IN (SELECT unnest($ranks::BIGINT[]))"
        return by_file({table: self.rows(sql.format(table), ranks=ranks) for table in DETAIL_TABLES})


class Snapshot:
    """One snapshot, open for reading by many threads. It stays open while one of its cursors is in use.

    Raises InspectorError: DATABASE_NOT_FOUND, NOT_A_DATABASE if the file is not a snapshot of this release.
    """

    def __init__(self, path: str, limits: QueryLimits = LIMITS) -> None:
        check_path(path, read_only=True)
        self._path = path
        self._limits = limits
        self._idle: dict[Scope, list[duckdb.DuckDBPyConnection]] = {}
        self._lock = threading.Lock()
        with coded(path):
            # Attach it to a separate database: otherwise DuckDB would return the open file for the same path,
            # even if the file has been replaced.
            self._connection = duckdb.connect(
                config={"memory_limit": f"{limits.memory_mib}MiB", "temp_directory": "", "threads": 2}
            )
            self._connection.execute(f"ATTACH {literal(path)} AS snapshot (READ_ONLY)")
            # Before anything in it is read, which may be a view of other files.
            self._connection.execute("SET enable_external_access = false")
            self._connection.execute("SET lock_configuration = true")
            self._tables = self._described()
            self.facts = self._read_facts()

    @contextmanager
    def reading(self, scope: Scope = ALL) -> Iterator[Reader]:
        """Yield a reader that sees only the rows in a scope."""
        with self._lock:
            idle = self._idle.setdefault(scope, [])
            cursor = idle.pop() if idle else None
        if cursor is None:
            with coded(self._path):
                cursor = self._scoped(scope)
        yield Reader(cursor, self._path, self._limits.seconds)
        with self._lock:
            idle.append(cursor)  # not after an error: its state is unknown

    def _scoped(self, scope: Scope) -> duckdb.DuckDBPyConnection:
        """Return a new cursor in which a view with the name of each table hides the table."""
        cursor = self._connection.cursor()
        for table, columns in self._tables.items():
            path = next((each for each in _PATHS if each in columns), None)
            if path is None and scope != ALL:
                continue  # the scope of its rows is unknown
            condition = scope.condition(path) if path else "true"
            name = identifier(table)
            cursor.execute(f"CREATE TEMP VIEW {name} AS SELECT * FROM snapshot.main.{name} WHERE {condition}")
        return cursor

    def _described(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        sql = """
            SELECT table_name, column_name FROM duckdb_columns()
            WHERE database_name = 'snapshot' AND schema_name = 'main'"""
        for table, column in self._connection.execute(sql).fetchall():
            found.setdefault(table, set()).add(column)
        return found

    def _read_facts(self) -> SnapshotFacts:
        if "snapshot_version" not in self._tables.get("snapshot", ()):
            message = "this file has no table snapshot; write one with `exr-inspector index --publish`"
            raise InspectorError(NOT_A_DATABASE, message, self._path)
        columns = "snapshot_version, source, published_at, last_inspected, file_count"
        found = self._connection.execute(f"SELECT {columns} FROM snapshot.main.snapshot").fetchone()
        if not found or found[0] != SNAPSHOT_VERSION:
            message = "another release wrote this snapshot; publish it again"
            raise InspectorError(NOT_A_DATABASE, message, self._path)
        _, source, published_at, last_inspected, file_count = found
        return SnapshotFacts(source, published_at, last_inspected, file_count, self._common_folders())

    def _common_folders(self) -> tuple[str, ...]:
        sql = f"""
            SELECT min(file_path), max(file_path) FROM snapshot.main.files
            GROUP BY starts_with(file_path, {literal(S3)})"""
        return tuple(sorted(_common_folder(*ends) for ends in self._connection.execute(sql).fetchall()))


def _common_folder(first: str, last: str) -> str:
    """Return the common folder of two paths, without a trailing slash."""
    both = zip(first.split("/")[:-1], last.split("/")[:-1], strict=False)
    return "/".join(a for a, _ in takewhile(lambda pair: pair[0] == pair[1], both))


def has_snapshot(path: str) -> bool:
    """Return whether a DuckDB file is a snapshot, not a store. Raises the errors of DuckDBStore."""
    check_path(path, read_only=True)
    with coded(path), duckdb.connect() as connection:
        connection.execute(f"ATTACH {literal(path)} AS file (READ_ONLY)")
        return connection.execute(IS_SNAPSHOT).fetchall() == [(True,)]


def _filled(sql: str, parameters: Mapping[str, Any]) -> str:
    """Return a statement with its parameters as literals."""

    def text(value: object) -> str:
        if isinstance(value, (list, tuple)):
            return f"[{', '.join(map(literal, value))}]"
        return literal(value)

    filled = re.sub(r"\$(\w+)", lambda found: text(parameters[found[1]]), sql)
    return textwrap.dedent(filled).strip()
