"""The embedded store: the four tables in one DuckDB file.

DuckDB lets one process at a time write to a file; threads of that process take turns here.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import pyarrow as pa

from exr_inspector.catalog.rows import AUDIT_COLUMNS, TABLES, FileRows, Row, arrow_table
from exr_inspector.catalog.store import (
    Outcome,
    Removal,
    Stored,
    Write,
    audit,
    decide,
    going,
    latest,
)
from exr_inspector.errors import (
    BAD_QUERY,
    DATABASE_CONFLICT,
    DATABASE_UNAVAILABLE,
    NOT_INSTALLED,
    TABLE_MISMATCH,
    InspectorError,
)
from exr_inspector.vectors.embedding import EMBEDDING_VERSION

try:
    import duckdb
except ImportError as error:
    raise InspectorError(
        NOT_INSTALLED, "the embedded store needs DuckDB: pip install 'exr-inspector[cli]'"
    ) from error

from exr_inspector.catalog.nearest import nearest
from exr_inspector.catalog.search import VECTORS, By, Match, Search, StoredRows
from exr_inspector.catalog.stored_document import by_file

_TYPES = {
    pa.string(): "VARCHAR",
    pa.int64(): "BIGINT",
    pa.float64(): "DOUBLE",
    pa.bool_(): "BOOLEAN",
    pa.timestamp("us"): "TIMESTAMP",
}
_STORED = tuple(Stored.__dataclass_fields__)


class DuckDBStore:
    """A Store in a DuckDB file; `:memory:` for one that lives as long as the object."""

    def __init__(self, path: str, *, read_only: bool = False) -> None:
        self.name = path
        self._lock = threading.RLock()
        self._ready = False
        with _coded(path):
            self._connection = duckdb.connect(path, read_only=read_only)

    def ensure_tables(self) -> None:
        with self._begun():
            for table, schema in TABLES.items():
                self._ensure_table(table, schema)
        self._ready = True

    def upsert(self, files: Sequence[FileRows], removals: Sequence[Removal] = ()) -> list[Outcome]:
        with self._transaction():
            self._remove(removals)
            stored = self._lookup([each.file_id for each in files])
            planned = [(each, decide(each, stored.get(each.file_id))) for each in latest(files)]
            write = Write.new()
            for each, action in planned:
                if action == "unchanged":
                    self._touch(each, stored[each.file_id], write)
            self._delete([each.file_id for each, action in planned if action == "replaced"])
            fresh = [each for each, action in planned if action in ("inserted", "replaced")]
            self._insert(fresh, stored, write)
            return [Outcome(each.file_id, action) for each, action in planned]

    def delete(self, removals: Sequence[Removal]) -> int:
        with self._transaction():
            return self._remove(removals)

    def lookup(self, file_ids: Sequence[str]) -> dict[str, Stored]:
        with self._transaction():
            return self._lookup(file_ids)

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> pa.Table:
        """The answer to a statement of the user's. Raises InspectorError(BAD_QUERY)."""
        with self._lock, _coded(self.name, wrong=BAD_QUERY):
            if not duckdb.extract_statements(sql):
                raise InspectorError(BAD_QUERY, "there is no statement")
            answer = self._connection.sql(sql, params=list(parameters))
            return pa.table({}) if answer is None else answer.to_arrow_table()

    def search(self, search: Search) -> list[Match]:
        with self._lock:
            return nearest(self._connection, search)

    def vector(self, file_id: str, by: By) -> list[float] | None:
        sql = f"SELECT {VECTORS[by]} FROM files WHERE file_id = ? AND embedding_version = ?"
        found = self.query(sql, [file_id, EMBEDDING_VERSION]).to_pylist()
        return found[0][VECTORS[by]] if found else None

    def stored_rows(self, file_ids: Sequence[str]) -> dict[str, StoredRows]:
        found = {
            table: self.query(
                f"SELECT * FROM {table} WHERE file_id IN (SELECT unnest(?))", [list(file_ids)]
            ).to_pylist()
            for table in TABLES
            if table != "files"
        }
        return by_file(found)

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._lock:
            if not self._ready:
                self.ensure_tables()
            with self._begun():
                yield

    @contextmanager
    def _begun(self) -> Iterator[None]:
        with self._lock, _coded(self.name):
            self._connection.execute("BEGIN")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                # A failed statement may have ended the transaction; its error is the one to show.
                with suppress(duckdb.Error):
                    self._connection.execute("ROLLBACK")
                raise

    def _ensure_table(self, table: str, schema: pa.Schema) -> None:
        columns = ", ".join(f"{field.name} {_type(field.type)}" for field in schema)
        self._connection.execute(f"CREATE TABLE IF NOT EXISTS {table} ({columns})")
        described = self._connection.execute(f"DESCRIBE {table}").fetchall()
        found = {name: kind for name, kind, *_ in described}
        for field in schema:
            if field.name not in found:
                self._connection.execute(f"ALTER TABLE {table} ADD COLUMN {field.name} {_type(field.type)}")
            elif found[field.name] != _type(field.type):
                message = f"column {table}.{field.name} is {found[field.name]}, not {_type(field.type)}"
                raise InspectorError(TABLE_MISMATCH, message, self.name)

    def _lookup(self, file_ids: Sequence[str]) -> dict[str, Stored]:
        sql = f"SELECT {', '.join(_STORED)} FROM files WHERE file_id IN (SELECT unnest(?))"
        rows = self._connection.execute(sql, [list(file_ids)]).fetchall()
        return {row[0]: Stored(*row) for row in rows}

    def _touch(self, file: FileRows, stored: Stored, write: Write) -> None:
        columns = audit(file.file, stored, write)
        places = ", ".join(f"{name} = ?" for name in AUDIT_COLUMNS)
        self._connection.execute(
            f"UPDATE files SET {places} WHERE file_id = ?",
            [*(columns[name] for name in AUDIT_COLUMNS), file.file_id],
        )

    def _remove(self, removals: Sequence[Removal]) -> int:
        gone = going(removals, self._lookup([each.file_id for each in removals])) if removals else []
        self._delete(gone)
        return len(gone)

    def _delete(self, file_ids: Sequence[str]) -> None:
        for table in TABLES if file_ids else ():
            self._connection.execute(
                f"DELETE FROM {table} WHERE file_id IN (SELECT unnest(?))", [list(file_ids)]
            )

    def _insert(self, files: Sequence[FileRows], stored: dict[str, Stored], write: Write) -> None:
        for table in TABLES:
            rows = [row for each in files for row in _rows(each, table, stored, write)]
            if rows:
                incoming = arrow_table(table, rows)
                names = ", ".join(incoming.column_names)
                self._connection.register("incoming", incoming)
                self._connection.execute(f"INSERT INTO {table} ({names}) SELECT {names} FROM incoming")
                self._connection.unregister("incoming")


def _rows(file: FileRows, table: str, stored: dict[str, Stored], write: Write) -> list[Row]:
    if table == "files":
        return [{**file.file, **audit(file.file, stored.get(file.file_id), write)}]
    return file.rows[table]


def _type(kind: pa.DataType) -> str:
    if pa.types.is_fixed_size_list(kind):
        return f"FLOAT[{kind.list_size}]"
    return _TYPES[kind]


@contextmanager
def _coded(where: str, wrong: Any = None) -> Iterator[None]:
    """DuckDB's errors as ours. `wrong` is the fault of a statement that is not valid."""
    try:
        yield
    except duckdb.TransactionException as error:
        raise InspectorError(DATABASE_CONFLICT, str(error), where) from error
    except (duckdb.IOException, duckdb.ConnectionException) as error:
        raise InspectorError(DATABASE_UNAVAILABLE, str(error), where) from error
    except duckdb.Error as error:
        raise InspectorError(wrong or DATABASE_UNAVAILABLE, str(error), where) from error
