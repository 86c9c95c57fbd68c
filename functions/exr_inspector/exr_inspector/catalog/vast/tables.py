"""The tables in VAST DataBase: created and completed where they are not, and their metadata, kept."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any

import pyarrow as pa
from vastdb.table_metadata import TableMetadata, TableRef

from exr_inspector.catalog.rows import TABLES
from exr_inspector.catalog.vast.errors import reading
from exr_inspector.catalog.vast.transactions import Transactions, Work
from exr_inspector.errors import TABLE_MISMATCH, InspectorError

# Two transactions that insert the same new file have no row of it to conflict on, so the files of a shard
# meet in one row of `locks` (docs/decisions/003-one-set-of-rows-per-file.md). Instances must agree on the
# number.
SHARDS = 1 << 16
LOCKS = pa.schema([("shard", pa.int64()), ("holder", pa.string())])
SCHEMAS: dict[str, pa.Schema] = {**TABLES, "locks": LOCKS}

Kept = Mapping[str, TableMetadata]


def shard_of(file_id: str) -> int:
    """The lock that a file shares with others: its first four hexadecimal digits."""
    return int(file_id[:4], 16)


class Tables:
    """What the SDK has to know of the tables, asked once and kept. Safe for threads."""

    def __init__(self, transactions: Transactions, bucket: str, schema: str) -> None:
        self._transactions = transactions
        self._bucket = bucket
        self._schema = schema
        self._lock = threading.Lock()
        self._found: Future[Kept] | None = None

    def kept(self) -> Kept:
        """The metadata of all tables. Raises as `Transactions.run`, and TABLE_MISMATCH.

        Threads that ask at the same time share one look, and its failure: with a database that hangs each
        of them would take as long again.
        """
        with self._lock:
            found, first = self._found or Future(), self._found is None
            self._found = found
        if first:
            self._look_for(found)
        return found.result()

    def renewed(self, used: Kept) -> Kept:
        """The metadata, asked for again unless another thread has done so since it gave out `used`."""
        with self._lock:
            if self._found and self._found.done() and self._found.result() is used:
                self._found = None
        return self.kept()

    def ensure(self) -> None:
        """Look now, whatever is kept."""
        with self._lock:
            self._found = None
        self.kept()

    def _look_for(self, found: Future[Kept]) -> None:
        try:
            found.set_result(self._transactions.run(self._look))
        except BaseException as error:  # whatever it is, the threads that wait must not wait for ever
            with self._lock:
                if self._found is found:
                    self._found = None
            found.set_exception(error)
            raise

    def _look(self, tx: Any) -> Work[Kept]:
        bucket = tx.bucket(self._bucket)
        schema = bucket.schema(self._schema, fail_if_missing=False) or bucket.create_schema(self._schema)
        present = set(schema.tablenames())
        absent = [name for name in SCHEMAS if name not in present]
        for name in absent:
            _create(schema, name)
        kept = {name: TableMetadata(TableRef(self._bucket, self._schema, name)) for name in SCHEMAS}
        for metadata in kept.values():
            _load(metadata, tx)
        grown = [name for name, metadata in kept.items() if self._grow(schema, tx, name, metadata)]
        # Whoever creates meets the same tables again when it looks again, and needs no other answer.
        return Work(kept, took_place=not (absent or grown))

    def _grow(self, schema: Any, tx: Any, name: str, metadata: TableMetadata) -> bool:
        """Add the columns that a table of an older version lacks; whether there were any."""
        found = metadata.arrow_schema
        for field in SCHEMAS[name]:
            if field.name in found.names and found.field(field.name).type != field.type:
                message = f"column {name}.{field.name} is {found.field(field.name).type}, not {field.type}"
                raise InspectorError(TABLE_MISMATCH, message, f"{self._bucket}/{self._schema}")
        lacking = [field for field in SCHEMAS[name] if field.name not in found.names]
        if lacking:
            schema.table(name).add_column(pa.schema(lacking))
            _load(metadata, tx)
        return bool(lacking)


def _load(metadata: TableMetadata, tx: Any) -> None:
    with reading():
        metadata.load(tx)


def _create(schema: Any, name: str) -> None:
    table = schema.create_table(name, SCHEMAS[name])
    if name == "locks":
        table.insert(pa.record_batch({"shard": pa.array(range(SHARDS), pa.int64())}))
