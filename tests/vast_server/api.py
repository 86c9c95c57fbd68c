"""The table of routes, and a function for each request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa

from tests.vast_server.answers import Answer, Refusal, invalid, missing, not_offered
from tests.vast_server.database import Database, Ref
from tests.vast_server.protocol import arrow_stream, query_stream, schema_list, table_list, table_statistics
from tests.vast_server.queries import Query, Share, run
from tests.vast_server.tables import ROW_ID, Table
from tests.vast_server.transactions import Change, Claim, Transactions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

REQUEST_LIMIT = 5 << 20  # bytes of a request's body

_NOT_OFFERED = {
    "tabular-sorted-column-0": "sorted tables",
    "tabular-vector-index-column": "vector indexes",
}


@dataclass(frozen=True)
class Request:
    """A request. `command` is the first word of its query string; header names are in lower case."""

    method: str
    path: tuple[str, ...]
    command: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def kind(self) -> str:
        """Return the kind of request, as tests count it and `Faults` matches it."""
        route = ROUTES.get((self.method, self.command))
        return route.kind if route else "unknown"

    @property
    def txid(self) -> int:
        return int(self.headers["tabular-txid"])

    @property
    def schema(self) -> str:
        return "/".join(self.path[1:])

    @property
    def table(self) -> Ref:
        return Ref("/".join(self.path[1:-1]), self.path[-1])


@dataclass(frozen=True)
class Api:
    transactions: Transactions
    access_key: str
    buckets: set[str]
    """Names of the bucket: the tables are the same under each."""

    def answer(self, request: Request) -> Answer:
        try:
            self._check(request)
            return ROUTES[request.method, request.command].serve(self, request)
        except Refusal as refusal:
            return refusal.answer()

    def _check(self, request: Request) -> None:
        if f"Credential={self.access_key}/" not in request.headers.get("authorization", ""):
            raise Refusal(403, "InvalidAccessKeyId", "the access key is not known")
        if len(request.body) > REQUEST_LIMIT:
            raise Refusal(400, "EntityTooLarge", f"a request has at most {REQUEST_LIMIT} bytes")
        if (request.method, request.command) not in ROUTES:
            raise not_offered(f"{request.method} {request.command}")
        if request.path and request.path[0] not in self.buckets:
            raise missing(f"bucket {request.path[0]}")

    def view(self, request: Request) -> Database:
        return self.transactions.view(request.txid)

    def table(self, request: Request) -> Table:
        return self.view(request).table(request.table)

    def write(self, request: Request, apply: Callable[[Database], Database], *claims: Claim) -> Answer:
        self.transactions.write(request.txid, Change(apply, frozenset(claims)))
        return Answer()

    def write_table(self, request: Request, change: Callable[[Table], Table], *claims: Claim) -> Answer:
        ref, handle = request.table, self.table(request).handle
        return self.write(request, lambda database: database.with_changed(ref, handle, change), *claims)

    def write_rows(
        self, request: Request, rows: pa.RecordBatch, change: Callable[[Table, pa.RecordBatch], Table]
    ) -> Answer:
        """Update or delete the rows that `rows` names."""
        ref, handle = request.table, self.table(request).handle

        def changing(*, left: bool) -> Callable[[Database], Database]:
            """With `left`, skip rows that no longer exist."""
            return lambda database: database.with_changed(
                ref, handle, lambda table: change(table, table.present(rows) if left else rows)
            )

        claims = frozenset(("row", ref, row_id) for row_id in _row_ids(rows).to_pylist())
        deletes = request.method == "DELETE"
        self.transactions.write(
            request.txid, Change(changing(left=False), claims, changing(left=True), deletes)
        )
        return Answer()


def _version(api: Api, request: Request) -> Answer:
    """Answer with the version, which is in the Server header of every answer, or for one transaction."""
    if "tabular-get-vast-version" not in request.headers:
        api.view(request)
    return Answer()


def _begin(api: Api, _request: Request) -> Answer:
    headers = {"tabular-txid": str(api.transactions.begin()), "x-vast-rcf-id": "E1:1"}
    return Answer(headers=headers)


def _commit(api: Api, request: Request) -> Answer:
    api.transactions.commit(request.txid)
    return Answer()


def _rollback(api: Api, request: Request) -> Answer:
    api.transactions.rollback(request.txid)
    return Answer()


def _bucket(_api: Api, _request: Request) -> Answer:
    return Answer()


def _schemas(api: Api, request: Request) -> Answer:
    names, headers = _page(request, api.view(request).children(request.schema))
    return Answer(body=schema_list(request.path[0], names), headers=headers)


def _create_schema(api: Api, request: Request) -> Answer:
    schema = request.schema
    return api.write(request, lambda database: database.with_schema(schema), ("schema", schema))


def _drop_schema(api: Api, request: Request) -> Answer:
    schema = request.schema
    return api.write(request, lambda database: database.without_schema(schema), ("schema", schema))


def _tables(api: Api, request: Request) -> Answer:
    tables = api.view(request).tables(request.schema)
    names, headers = _page(request, tables)
    body = table_list(request.path[0], request.schema, {name: tables[name] for name in names})
    return Answer(body=body, headers=headers)


def _create_table(api: Api, request: Request) -> Answer:
    for header, feature in _NOT_OFFERED.items():
        if header in request.headers:
            raise not_offered(feature)
    ref = request.table
    table = Table.empty(api.transactions.new_handle(), _schema(request))
    return api.write(request, lambda database: database.with_table(ref, table), ("table", ref))


def _drop_table(api: Api, request: Request) -> Answer:
    ref = request.table
    return api.write(request, lambda database: database.without_table(ref), ("table", ref))


def _statistics(api: Api, request: Request) -> Answer:
    return Answer(body=table_statistics(api.table(request)))


def _columns(api: Api, request: Request) -> Answer:
    columns = api.table(request).columns
    names, headers = _page(request, columns.names)
    # The SDK reads this property of every column and fails if it is absent.
    fields = [columns.field(name).with_metadata({"VAST:sort_type": "Unsorted"}) for name in names]
    return Answer(body=bytes(pa.schema(fields).serialize()), headers=headers)


def _sorted_columns(_api: Api, _request: Request) -> Answer:
    raise invalid("Listing sorted columns without elysium enabled")


def _add_columns(api: Api, request: Request) -> Answer:
    columns = _schema(request)
    return api.write_table(request, lambda table: table.add_columns(columns), ("table", request.table))


def _drop_columns(api: Api, request: Request) -> Answer:
    names = _schema(request).names
    return api.write_table(request, lambda table: table.drop_columns(names), ("table", request.table))


def _select(api: Api, request: Request) -> Answer:
    parts = run(api.table(request), Query.parse(request.body), Share.parse(request.headers))
    return Answer(body=query_stream(parts))


def _insert(api: Api, request: Request) -> Answer:
    batch = _batch(request)
    row_ids = api.transactions.new_row_ids(api.table(request).handle, len(batch))
    api.write_table(request, lambda table: table.insert(row_ids, batch))
    return Answer(body=arrow_stream(pa.record_batch({ROW_ID: row_ids})))


def _update(api: Api, request: Request) -> Answer:
    return api.write_rows(request, _batch(request), Table.update)


def _delete(api: Api, request: Request) -> Answer:
    return api.write_rows(request, _batch(request), lambda table, rows: table.delete(rows[ROW_ID]))


class Route(NamedTuple):
    kind: str
    serve: Callable[[Api, Request], Answer]


ROUTES: dict[tuple[str, str], Route] = {
    ("GET", "transaction"): Route("version", _version),
    ("POST", "transaction"): Route("begin", _begin),
    ("PUT", "transaction"): Route("commit", _commit),
    ("DELETE", "transaction"): Route("rollback", _rollback),
    ("HEAD", ""): Route("bucket", _bucket),
    ("GET", "schema"): Route("schema", _schemas),
    ("POST", "schema"): Route("create_schema", _create_schema),
    ("DELETE", "schema"): Route("drop_schema", _drop_schema),
    ("GET", "table"): Route("table", _tables),
    ("POST", "table"): Route("create_table", _create_table),
    ("DELETE", "table"): Route("drop_table", _drop_table),
    ("GET", "stats"): Route("stats", _statistics),
    ("GET", "column"): Route("columns", _columns),
    ("GET", "sorted-columns"): Route("sorted_columns", _sorted_columns),
    ("POST", "column"): Route("add_columns", _add_columns),
    ("DELETE", "column"): Route("drop_columns", _drop_columns),
    ("GET", "data"): Route("select", _select),
    ("POST", "rows"): Route("insert", _insert),
    ("PUT", "rows"): Route("update", _update),
    ("DELETE", "rows"): Route("delete", _delete),
}


def _page(request: Request, names: Iterable[str]) -> tuple[list[str], dict[str, str]]:
    """Return the names that a listing requests, and headers that say whether there are more."""
    exact = request.headers.get("tabular-name-exact-match")
    prefix = request.headers.get("tabular-name-prefix", "")
    found = [name for name in names if (name.startswith(prefix) if exact is None else name == exact)]
    start = int(request.headers["tabular-next-key"])
    end = start + int(request.headers["tabular-max-keys"])
    headers = {
        "tabular-next-key": str(end),
        "tabular-is-truncated": str(end < len(found)).lower(),
        "tabular-list-count": str(len(found)),
    }
    return found[start:end], headers


def _schema(request: Request) -> pa.Schema:
    return pa.ipc.read_schema(pa.py_buffer(request.body))


def _batch(request: Request) -> pa.RecordBatch:
    (batch,) = pa.ipc.open_stream(request.body)
    return batch


def _row_ids(batch: pa.RecordBatch) -> pa.Array:
    if ROW_ID not in batch.schema.names:
        raise invalid(f"{ROW_ID} is missing")
    return batch[ROW_ID]
