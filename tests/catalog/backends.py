"""The two databases behind one face, so that one suite can hold both stores to the same contract."""

from __future__ import annotations

import contextlib
import functools
import itertools
from typing import TYPE_CHECKING, Any, Protocol

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from exr_inspector.catalog.columns import TABLES
from exr_inspector.catalog.duckdb.store import DuckDBStore
from exr_inspector.catalog.vast.sdk import connect
from exr_inspector.catalog.vast.store import VastStore
from exr_inspector.settings import Settings
from tests.catalog.rows import comparable
from tests.vast_server.faults import Fault
from tests.vast_server.server import VastServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from exr_inspector.catalog.store import Store

Row = dict[str, Any]


class Failure:
    """Whether the step that was to fail has been reached."""

    reached = False


class Backend(Protocol):
    def store(self) -> Store:
        """A new store on the same database."""

    def table(self, name: str) -> pa.Table:
        """The rows that have been committed."""

    def failing(self, step: int) -> contextlib.AbstractContextManager[Failure]:
        """Inside, the `step`-th thing that the last store asks of its database fails, once."""

    def make_table(self, name: str, columns: pa.Schema, rows: list[Row]) -> None:
        """A table that someone else has made."""

    def drop_table(self, name: str) -> None:
        """Someone else drops a table."""


def rows(backend: Backend, name: str) -> list[Row]:
    """A table as it has been committed."""
    found: list[Row] = backend.table(name).to_pylist()
    return found


def tables(backend: Backend, under: str = "") -> dict[str, list[str]]:
    """All tables, comparable; `under` keeps the files whose names begin so."""
    return {table: comparable(_under(backend.table(table), under)) for table in TABLES}


def _under(table: pa.Table, names: str) -> list[Row]:
    if names:
        table = table.filter(pc.starts_with(table["file_path"], f"/show/{names}"))
    rows: list[Row] = table.to_pylist()
    return rows


class DuckDB:
    def __init__(self, folder: Path) -> None:
        self._path = str(folder / "exr.duckdb")
        self._stores: list[DuckDBStore] = []

    def store(self) -> DuckDBStore:
        self._stores.append(DuckDBStore(self._path))
        return self._stores[-1]

    def table(self, name: str) -> pa.Table:
        with duckdb.connect(self._path) as connection:
            return connection.sql(f"SELECT * FROM {name}").to_arrow_table()

    @contextlib.contextmanager
    def failing(self, step: int) -> Iterator[Failure]:
        failure, left = Failure(), itertools.count(step, -1)

        def check(_statement: str) -> None:
            if next(left) == 1:
                failure.reached = True
                raise duckdb.IOException("a fault that the test asked for")

        with self._watched(check):
            yield failure

    @contextlib.contextmanager
    def counting(self) -> Iterator[list[str]]:
        """Inside, the statements of the last store are noted."""
        statements: list[str] = []
        with self._watched(statements.append):
            yield statements

    @contextlib.contextmanager
    def _watched(self, check: Callable[[str], None]) -> Iterator[None]:
        """Inside, `check` is called before each statement of the last store."""
        store = self._stores[-1]
        connection = store._connection
        store._connection = _WatchedConnection(connection, check)  # type: ignore[assignment]
        try:
            yield
        finally:
            store._connection = connection

    def make_table(self, name: str, columns: pa.Schema, rows: list[Row]) -> None:
        incoming = pa.Table.from_pylist(rows, schema=columns)
        with duckdb.connect(self._path) as connection:
            connection.register("incoming", incoming)
            connection.execute(f"CREATE TABLE {name} AS SELECT * FROM incoming")

    def drop_table(self, name: str) -> None:
        with duckdb.connect(self._path) as connection:
            connection.execute(f"DROP TABLE {name}")

    def close(self) -> None:
        for store in self._stores:
            store.close()


class _WatchedConnection:
    """A connection or cursor that calls a function before each statement."""

    def __init__(self, connection: Any, check: Callable[[str], None]) -> None:
        self._connection = connection
        self._check = check

    def cursor(self) -> _WatchedConnection:
        return _WatchedConnection(self._connection.cursor(), self._check)

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def execute(self, *arguments: Any) -> Any:
        self._check(arguments[0])
        return self._connection.execute(*arguments)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


class Vast:
    """`session` is the real SDK's. Stores do not wait: `waits` has the seconds that they would have."""

    def __init__(self, server: VastServer, session: Any, schema: str = "exr_metadata") -> None:
        self.server = server
        self.session = session
        self.schema = schema
        self.waits: list[float] = []
        self.wait: Callable[[float], object] = self.waits.append

    def settings(self, **changes: Any) -> Settings:
        server = self.server
        return Settings(
            **{
                "vast_endpoint": server.endpoint,
                "vast_access_key": server.access_key,
                "vast_secret_key": server.secret_key,
                "vast_bucket": server.bucket,
                "vast_schema": self.schema,
                "vast_journal": "none",
                **changes,
            }
        )

    def store(self, **changes: Any) -> VastStore:
        """`changes` are settings."""
        return VastStore(self.settings(**changes), self.session, self.wait)

    def table(self, name: str) -> pa.Table:
        return self.server.rows(self.schema, name)

    @contextlib.contextmanager
    def failing(self, step: int) -> Iterator[Failure]:
        faults, failure = self.server.faults, Failure()
        faults.at(step, Fault(status=403))
        with self.server.counting() as kinds:
            yield failure
            faults.clear()
        failure.reached = len(kinds) >= step

    def make_table(self, name: str, columns: pa.Schema, rows: list[Row]) -> None:
        with self.session.transaction() as tx:
            bucket = tx.bucket(self.server.bucket)
            schema = bucket.create_schema(self.schema, fail_if_exists=False)
            table = schema.create_table(name, columns)
            if rows:
                table.insert(pa.Table.from_pylist(rows, schema=columns))

    def drop_table(self, name: str) -> None:
        with self.session.transaction() as tx:
            tx.bucket(self.server.bucket).schema(self.schema).table(name).drop()


@contextlib.contextmanager
def vast(
    version: Any = "5.5", conflict: Any = "write", *, tables: bool = False, **settings: Any
) -> Iterator[Vast]:
    """A server, and a session of the SDK as the store makes its own.

    `tables` says whether a store has made its tables before, which takes longer than most tests.
    """
    with VastServer(version, conflict) as server:
        if tables:
            server.take(_server_with_tables())
        database = Vast(server, None)
        database.session = connect(database.settings(**settings))
        with database.session.api:
            yield database


@functools.cache
def _server_with_tables() -> VastServer:
    with vast() as database:
        database.store().ensure_tables()
        return database.server
