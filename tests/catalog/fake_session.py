"""A stand-in for a session of the `vastdb` SDK, without a network: rows in memory, and transactions.

It has only what the store uses. tests/vast_server tests the store with the real SDK.
"""

from __future__ import annotations

import copy
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Self

ROW_ID = "$row_id"
Tables = dict[str, "FakeTable"]


class FakeSession:
    """A session. `calls` lists the calls, in order; `failing` has the exception that a call raises."""

    def __init__(self) -> None:
        self.tables: Tables = {}
        self.calls: list[str] = []
        self.failing: dict[str, Exception] = {}
        self.features = SimpleNamespace(vast_version=(5, 5))
        self.api = self  # the SDK's own metadata and rollbacks go through the session's `api`

    def transaction(self) -> FakeTransaction:
        return FakeTransaction(self)

    def asked(self, what: str) -> None:
        self.calls.append(what)
        if what in self.failing:
            raise self.failing[what]

    def rollback_transaction(self, _txid: int) -> None:
        self.asked("rollback")

    def list_all_columns(
        self, _bucket: str, _schema: str, table: str, txid: Any, **_options: Any
    ) -> pa.Schema:
        columns = txid.tables[table].columns
        fields = [field.with_metadata({"VAST:sort_type": "Unsorted"}) for field in columns]
        return pa.schema(fields, metadata={"by": "a fake"})

    def get_table_stats(self, **_options: Any) -> Any:
        return SimpleNamespace(vector_index=None, vips=[], num_rows=0)

    def rows(self, table: str) -> list[dict[str, Any]]:
        return list(self.tables[table].rows.values())


class FakeTransaction:
    """A transaction on a copy of the tables, which replaces them at the commit.

    It is its own bucket, schema and transaction id.
    """

    def __init__(self, session: FakeSession) -> None:
        self._rpc = session
        self.tables: Tables = {}
        self.txid = self.active_txid = self

    def __enter__(self) -> Self:
        self._rpc.asked("begin")
        self.tables = copy.deepcopy(self._rpc.tables)
        for table in self.tables.values():
            table.asked = self._rpc.asked
        return self

    def __exit__(self, *exception: object) -> None:
        assert exception == (None, None, None)
        self._rpc.asked("commit")
        self._rpc.tables = self.tables

    def bucket(self, _name: str) -> FakeTransaction:
        return self

    def schema(self, _name: str, **_options: Any) -> FakeTransaction:
        return self

    def tablenames(self) -> list[str]:
        return list(self.tables)

    def create_table(self, name: str, columns: pa.Schema) -> FakeTable:
        self.tables[name] = FakeTable(columns)
        return self.tables[name]

    def table_from_metadata(self, metadata: Any) -> FakeTable:
        return self.tables[metadata.ref.table]


class FakeTable:
    def __init__(self, columns: pa.Schema) -> None:
        self.columns = self.arrow_schema = columns
        self.rows: dict[int, dict[str, Any]] = {}
        self.asked: Callable[[str], object] = str
        self._next = 0

    def __deepcopy__(self, _memo: object) -> FakeTable:
        other = FakeTable(self.columns)
        other.rows = {row_id: dict(row) for row_id, row in self.rows.items()}
        other._next = self._next
        return other

    def __getitem__(self, column: str) -> Any:
        return SimpleNamespace(isin=lambda keys: (column, set(keys)))

    def select_splits(
        self, columns: list[str], predicate: Any, _config: Any, *, internal_row_id: bool
    ) -> list[Any]:
        self.asked("select")
        assert internal_row_id
        column, keys = predicate
        found = [{ROW_ID: row_id, **row} for row_id, row in self.rows.items() if row.get(column) in keys]
        schema = pa.schema([*(self.columns.field(name) for name in columns), (ROW_ID, pa.uint64())])
        return [SimpleNamespace(read_all=lambda: pa.Table.from_pylist(found, schema=schema))]

    def insert(self, rows: pa.RecordBatch) -> None:
        self.asked("insert")
        assert rows.schema.names == [name for name in self.columns.names if name in rows.schema.names]
        for row in rows.to_pylist():
            self.rows[self._next] = row
            self._next += 1

    def update(self, rows: pa.Table) -> None:
        self.asked("update")
        for row in rows.to_pylist():
            self.rows[row.pop(ROW_ID)].update(row)

    def delete(self, rows: pa.Table) -> None:
        self.asked("delete")
        for row_id in rows[ROW_ID].to_pylist():
            del self.rows[row_id]


def answered(error: type[Exception], status: int) -> Exception:
    """Return an error of the SDK as for a response of the server."""
    kind: Any = error
    made: Exception = kind(code="", message="", method="", url="", status=status, headers={})
    return made
