"""The embedded store: the tables in one DuckDB file, which one process at a time may write to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import pyarrow as pa

from exr_inspector.catalog.arrow import ROWS_OF_A_BATCH, after, arrow_table
from exr_inspector.catalog.columns import TABLES
from exr_inspector.catalog.facets import FileRows, Row, owners
from exr_inspector.catalog.limits import SEARCH_SECONDS, QueryLimits, time_limit
from exr_inspector.catalog.plan import (
    AUDIT_COLUMNS,
    STORED_COLUMNS,
    STORED_FACET_COLUMNS,
    Outcome,
    Plan,
    Removal,
    Stored,
    StoredFile,
    Write,
    plan,
    stored_files,
)
from exr_inspector.errors import (
    BAD_QUERY,
    NOT_A_DATABASE,
    NOT_INSTALLED,
    QUERY_LIMIT,
    TABLE_MISMATCH,
    InspectorError,
)

try:
    import duckdb
except ImportError as error:
    raise InspectorError(
        NOT_INSTALLED, "the embedded store needs DuckDB: pip install 'exr-inspector[cli]'"
    ) from error

from exr_inspector.catalog.duckdb.errors import check_path, coded, coded_query
from exr_inspector.catalog.duckdb.publish import IS_SNAPSHOT, publish_tables
from exr_inspector.catalog.duckdb.types import sql_type
from exr_inspector.catalog.nearest import nearest
from exr_inspector.catalog.search import DETAIL_TABLES, VECTORS, By, Match, Search, StoredRows
from exr_inspector.catalog.store import Result
from exr_inspector.catalog.stored_document import by_file

# The columns of `files` that state how many rows a file has in another table.
_PROMISES = {"parts": "multipart_count", "channels": "channel_count", "attributes": "attribute_count"}


class DuckDBStore:
    """A Store in a DuckDB file; `:memory:` lives as long as the object.

    Writers take turns. Readers use separate cursors, see the last commit, and never wait. `limits` opens the
    file read-only for statements that are not trusted: they reach no other file, change no setting, and raise
    InspectorError(QUERY_LIMIT) above a limit. Raises InspectorError: DATABASE_NOT_FOUND, NOT_A_DATABASE,
    DATABASE_DENIED, DATABASE_UNAVAILABLE if another process has the file open.
    """

    commits = True

    def __init__(self, path: str, *, read_only: bool = False, limits: QueryLimits | None = None) -> None:
        self.name = path
        self._limits = limits
        self._lock = threading.RLock()
        read_only = read_only or limits is not None
        self._ready = self._is_read_only = read_only
        self._counts = False
        check_path(path, read_only=read_only)
        with coded(path):
            self._connection = duckdb.connect(
                path, read_only=read_only, config=_safe(limits) if limits else {}
            )

    def ensure_tables(self) -> None:
        with self._transaction() as cursor:
            if cursor.execute(IS_SNAPSHOT).fetchall() == [(True,)]:
                message = "this is a snapshot, which is never changed; name the store that it is a copy of"
                raise InspectorError(NOT_A_DATABASE, message, self.name)
            present = {name for (name,) in cursor.execute("SHOW TABLES").fetchall()}
            for table, schema in TABLES.items():
                self._ensure_table(cursor, table, schema, can_complete="files" in present)
            if "files" not in present:
                # A file that is not in `files` is taken for new: no other table may have rows of it.
                for table in present.intersection(TABLES):
                    cursor.execute(f"DELETE FROM {table}")
            # Facets that have lost a table are written again when they are next delivered.
            lost = owners(TABLES.keys() - present)
            sql = "UPDATE facets SET input_hash = NULL WHERE facet IN (SELECT unnest(?))"
            cursor.execute(sql, [lost])
            self._counts = _lacks_rows(cursor)
        self._ready = True

    def check_columns(self) -> None:
        """Raise InspectorError(TABLE_MISMATCH) if a column is missing that `ensure_tables` adds."""
        with self._connection.cursor() as cursor, coded(self.name):
            sql = "SELECT table_name, column_name FROM duckdb_columns()"
            found = set(cursor.execute(sql).fetchall())
        for table, schema in TABLES.items():
            if lacking := [name for name in schema.names if (table, name) not in found]:
                message = f"table {table} has no column {lacking[0]}, as in a database of an older release"
                raise InspectorError(TABLE_MISMATCH, message, self.name)

    def upsert(self, files: Sequence[FileRows], removals: Sequence[Removal] = ()) -> list[Outcome]:
        with self._lock:
            if not self._ready:
                self.ensure_tables()
            with self._transaction() as cursor:
                file_ids = sorted({*(each.file_id for each in files), *(each.file_id for each in removals)})
                rows = _read(cursor, "files", (*STORED_COLUMNS, "rowid"), file_ids)
                made = plan(self._stored(cursor, rows, file_ids), files, removals, Write.new())
                _execute(cursor, made, {row["file_id"]: row["rowid"] for row in rows})
        return made.outcomes

    def lookup(self, file_ids: Sequence[str]) -> dict[str, Stored]:
        if not self._ready:
            self.ensure_tables()
        with self._connection.cursor() as cursor, coded(self.name):
            found = stored_files(_read(cursor, "files", STORED_COLUMNS, file_ids))
        return {file_id: each.row for file_id, each in found.items() if each.row}

    def computed(self, file_ids: Sequence[str], facet: str) -> dict[str, str | None]:
        if not self._ready:
            self.ensure_tables()
        with self._connection.cursor() as cursor, coded(self.name):
            found = _read(cursor, "facets", STORED_FACET_COLUMNS, file_ids)
        return {row["file_id"]: row["input_hash"] for row in found if row["facet"] == facet}

    def query(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> pa.Table:
        """Return the answer to a statement of the user's, with values by position or by name bound to it.

        Raises InspectorError: BAD_QUERY, QUERY_LIMIT.
        """
        seconds = self._limits.seconds if self._limits else None
        with self._connection.cursor() as cursor, coded_query(self.name):
            if not duckdb.extract_statements(sql):
                raise InspectorError(BAD_QUERY, "there is no statement")
            with time_limit(cursor.interrupt, seconds):
                values = parameters if isinstance(parameters, Mapping) else list(parameters)
                answer = cursor.sql(sql, params=values)
                return pa.table({}) if answer is None else _arrow(answer, self._limits)

    def search(self, search: Search) -> list[Match]:
        with self._connection.cursor() as cursor:
            if self._limits is None:
                # The condition must open no file. From here on, nothing opens files with this store.
                cursor.execute("SET enable_external_access = false")
            with time_limit(cursor.interrupt, self._limits.seconds if self._limits else SEARCH_SECONDS):
                return nearest(cursor, search)

    def vector(self, file_id: str, by: By) -> list[float] | None:
        table, column, version_column, version = VECTORS[by]
        sql = f"SELECT {column} FROM {table} WHERE file_id = ? AND {version_column} = ?"
        found = self.query(sql, [file_id, version]).to_pylist()
        return found[0][column] if found else None

    def stored_rows(self, file_ids: Sequence[str]) -> dict[str, StoredRows]:
        return by_file(self.read_rows(file_ids, DETAIL_TABLES))

    def read_rows(self, file_ids: Sequence[str], tables: Sequence[str]) -> dict[str, list[Row]]:
        where = "WHERE file_id IN (SELECT unnest(?))"
        return {
            table: self.query(f"SELECT * FROM {table} {where}", [list(file_ids)]).to_pylist()
            for table in tables
        }

    def scan(
        self,
        table: str,
        columns: Sequence[str],
        read: Callable[[pa.RecordBatchReader], Result],
        under: str = "",
    ) -> Result:
        if not self._ready:
            self.ensure_tables()
        elif self._is_read_only:
            self.check_columns()
        sql = f"SELECT {', '.join(columns)} FROM {table}"
        if under:
            condition = "file_path_normalized >= $under AND file_path_normalized < $after"
            keys = f"file_id IN (SELECT file_id FROM files WHERE {condition})"
            sql += f" WHERE {condition if table == 'files' else keys}"
        bounds = {"under": under, "after": after(under)} if under else {}
        with self._connection.cursor() as cursor, coded(self.name):
            return read(cursor.sql(sql, params=bounds).to_arrow_reader(ROWS_OF_A_BATCH))

    def count_files(self) -> int:
        """Return the number of rows of `files`."""
        return int(self.query("SELECT count(*) AS n FROM files")["n"][0].as_py()) if self._ready else 0

    def publish(self, path: str) -> None:
        """Write a snapshot, as `duckdb.publish` says, which replaces `path` once it is complete."""
        if not self._ready:
            self.ensure_tables()
        with self._connection.cursor() as cursor, coded(self.name):
            (database,) = cursor.execute("SELECT current_database()").fetchall()[0]
            publish_tables(cursor, database, path, self.name)

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    @contextmanager
    def _transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Begin a transaction on a cursor of its own, and commit it unless the block raises."""
        with self._lock, coded(self.name), self._connection.cursor() as cursor:
            cursor.execute("BEGIN")
            try:
                yield cursor
                cursor.execute("COMMIT")
            except BaseException:
                # A failed statement may have ended the transaction; its error is the one to show.
                with suppress(duckdb.Error):
                    cursor.execute("ROLLBACK")
                raise

    def _ensure_table(
        self, cursor: duckdb.DuckDBPyConnection, table: str, schema: pa.Schema, *, can_complete: bool
    ) -> None:
        """Create a table, or add its missing columns if `can_complete`: else it may be someone else's."""
        columns = ", ".join(f"{field.name} {sql_type(field.type)}" for field in schema)
        cursor.execute(f"CREATE TABLE IF NOT EXISTS {table} ({columns})")
        described = cursor.execute(f"DESCRIBE {table}").fetchall()
        found = {name: kind for name, kind, *_ in described}
        for field in schema:
            if field.name not in found and can_complete:
                cursor.execute(f"ALTER TABLE {table} ADD COLUMN {field.name} {sql_type(field.type)}")
            elif field.name not in found:
                message = (
                    f"table {table} has no column {field.name}, and there is no table files; move it away"
                )
                raise InspectorError(TABLE_MISMATCH, message, self.name)
            elif found[field.name] != sql_type(field.type):
                message = f"column {table}.{field.name} is {found[field.name]}, not {sql_type(field.type)}"
                raise InspectorError(TABLE_MISMATCH, message, self.name)

    def _stored(
        self, cursor: duckdb.DuckDBPyConnection, files: Sequence[Row], file_ids: Sequence[str]
    ) -> dict[str, StoredFile]:
        facets = _read(cursor, "facets", STORED_FACET_COLUMNS, file_ids)
        counts = {table: _count(cursor, table, file_ids) for table in _PROMISES if self._counts}
        return stored_files(files, facets, counts)


def _execute(cursor: duckdb.DuckDBPyConnection, made: Plan, row_ids: Mapping[str, int]) -> None:
    """Execute a plan: one statement for each table and kind of change. `row_ids` are those of `files`."""
    if made.touched:
        columns = pa.schema([TABLES["files"].field(name) for name in AUDIT_COLUMNS])
        values = ", ".join(f"{name} = incoming.{name}" for name in AUDIT_COLUMNS)
        incoming = pa.Table.from_pylist(made.touched, schema=columns)
        touched = pa.array([row_ids[row["file_id"]] for row in made.touched])
        # By row id, since `file_id` has no index: it would take another scan of the table.
        sql = f"UPDATE files SET {values} FROM incoming WHERE files.rowid = incoming.touched"
        _execute_with(cursor, sql, incoming.append_column("touched", touched))
    for table, file_ids in made.deleted.items():
        cursor.execute(f"DELETE FROM {table} WHERE file_id IN (SELECT unnest(?))", [file_ids])
    if made.dropped:
        pairs = pa.table(dict(zip(("file_id", "facet"), zip(*made.dropped, strict=True), strict=True)))
        sql = "DELETE FROM facets WHERE (file_id, facet) IN (SELECT (file_id, facet) FROM incoming)"
        _execute_with(cursor, sql, pairs)
    for table, rows in made.inserted.items():
        if rows:
            incoming = arrow_table(table, rows)
            names = ", ".join(incoming.column_names)
            _execute_with(cursor, f"INSERT INTO {table} ({names}) SELECT {names} FROM incoming", incoming)


def _execute_with(cursor: duckdb.DuckDBPyConnection, sql: str, incoming: pa.Table) -> None:
    """Execute a statement that reads the Arrow table `incoming`. The cursor holds it until it is closed."""
    cursor.register("incoming", incoming)
    cursor.execute(sql)


def _read(
    cursor: duckdb.DuckDBPyConnection, table: str, columns: Sequence[str], file_ids: Sequence[str]
) -> list[Row]:
    sql = f"SELECT {', '.join(columns)} FROM {table} WHERE file_id IN (SELECT unnest(?)) ORDER BY rowid"
    return [dict(zip(columns, row, strict=True)) for row in cursor.execute(sql, [list(file_ids)]).fetchall()]


def _count(cursor: duckdb.DuckDBPyConnection, table: str, file_ids: Sequence[str]) -> Mapping[str, int]:
    sql = f"SELECT file_id, count(*) FROM {table} WHERE file_id IN (SELECT unnest(?)) GROUP BY file_id"
    return dict(cursor.execute(sql, [list(file_ids)]).fetchall())


def _lacks_rows(cursor: duckdb.DuckDBPyConnection) -> bool:
    """Return whether some table has more or fewer rows than `files` states, as one created later has.

    If so, the rows of each file are counted before they are compared, which takes a scan of each table.
    """
    for table, column in _PROMISES.items():
        sql = f"SELECT (SELECT count(*) FROM {table}) = (SELECT coalesce(sum({column}), 0) FROM files)"
        if cursor.execute(sql).fetchall() != [(True,)]:
            return True
    return False


def _arrow(answer: duckdb.DuckDBPyRelation, limits: QueryLimits | None) -> pa.Table:
    """Return an answer. With limits, measure its batches: DuckDB's limit does not include Arrow's memory."""
    if limits is None:
        return answer.to_arrow_table()
    reader = answer.to_arrow_reader()
    batches: list[pa.RecordBatch] = []
    size = 0
    for batch in reader:
        batches.append(batch)
        size += batch.nbytes
        if size > limits.answer_mib << 20:
            message = f"the answer is larger than {limits.answer_mib} MiB; add LIMIT or select fewer columns"
            raise InspectorError(QUERY_LIMIT, message)
    return pa.Table.from_batches(batches, reader.schema)


def _safe(limits: QueryLimits) -> dict[str, str | bool | int | float | list[str]]:
    """Return the configuration of a database for statements that are not trusted."""
    return {
        "enable_external_access": "false",
        "python_enable_replacements": "false",
        "memory_limit": f"{limits.memory_mib}MiB",
        "temp_directory": "",
        "lock_configuration": "true",
    }
