"""A session of the real SDK with a table, for the tests of the server."""

from __future__ import annotations

import contextlib
import datetime as dt
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
import vastdb
from vastdb.config import BackoffConfig
from vastdb.table_metadata import TableMetadata, TableRef

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.vast_server.server import VastServer

SCHEMA = "exr"
COLUMNS = pa.schema([("path", pa.string()), ("size", pa.int64()), ("seen", pa.timestamp("us", "UTC"))])
NOON = dt.datetime(2026, 10, 1, 12, 0, 0, 123456, dt.timezone.utc)


class Client(NamedTuple):
    """A session, and the kept metadata of a table `files` with the rows a, b, c and null."""

    server: VastServer
    session: Any
    files: TableMetadata

    def table(self, tx: Any) -> Any:
        return tx.table_from_metadata(self.files)

    def paths(self) -> list[str | None]:
        return list(self.server.rows(SCHEMA, "files")["path"].to_pylist())


@contextlib.contextmanager
def connected(server: VastServer, **options: Any) -> Iterator[Any]:
    quick = BackoffConfig(max_value=0.01)
    session = vastdb.connect(
        endpoint=server.endpoint,
        access=server.access_key,
        secret=server.secret_key,
        backoff_config=quick,
        **options,
    )
    with session.api:
        yield session


@contextlib.contextmanager
def client_of(server: VastServer) -> Iterator[Client]:
    with server, connected(server) as session:
        metadata = TableMetadata(TableRef(server.bucket, SCHEMA, "files"))
        with session.transaction() as tx:
            table = tx.bucket(server.bucket).create_schema(SCHEMA).create_table("files", COLUMNS)
            table.insert(files("a", "b", "c", None))
            metadata.load(tx)
            # The first select of a session looks for the address of the data.
            rows_of(tx.table_from_metadata(metadata))
        yield Client(server, session, metadata)
        assert server.open_transactions == []


def files(*paths: str | None) -> pa.Table:
    days = [NOON + dt.timedelta(days=day) for day in range(len(paths))]
    return pa.table([paths, range(len(paths)), days], schema=COLUMNS)


def rows_of(table: Any, predicate: Any = None, **options: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = table.select(predicate=predicate, **options).read_all().to_pylist()
    return rows


def sizes(row_ids: list[int], size: int) -> pa.RecordBatch:
    ids = pa.array(row_ids, pa.uint64())
    return pa.record_batch({"$row_id": ids, "size": pa.array([size] * len(row_ids), pa.int64())})
