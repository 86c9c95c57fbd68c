"""The tables in VAST DataBase: created and completed if necessary, and their metadata, loaded once."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import Any

import pyarrow as pa

from exr_inspector.catalog.columns import TABLES
from exr_inspector.catalog.facets import owners
from exr_inspector.catalog.vast.errors import decoding
from exr_inspector.catalog.vast.locks import LOCKS, all_locks
from exr_inspector.catalog.vast.rows import ROW_ID, Rows
from exr_inspector.catalog.vast.sdk import TableMetadata, TableRef
from exr_inspector.catalog.vast.transactions import Metadata, Transaction, Transactions
from exr_inspector.errors import TABLE_MISMATCH, InspectorError

SCHEMAS: dict[str, pa.Schema] = {**TABLES, "locks": LOCKS}


class Tables:
    """The metadata of all tables, loaded once. Safe for threads."""

    def __init__(self, transactions: Transactions, bucket: str, schema: str) -> None:
        self._transactions = transactions
        self._bucket = bucket
        self._schema = schema
        self._lock = threading.Lock()
        self._found: Future[Metadata] | None = None

    def current(self) -> Metadata:
        """Return the metadata of all tables. Raises as `Transactions.attempts`, and TABLE_MISMATCH.

        Threads that ask at the same time share one load, and its failure: with a database that hangs, loads
        one after the other would take a multiple of the time.
        """
        with self._lock:
            found, is_first = self._found or Future(), self._found is None
            self._found = found
        if is_first:
            self._load(found)
        return found.result()

    def renew(self, used: Metadata) -> None:
        """Load the metadata again, unless another thread has done so since `used` was current."""
        with self._lock:
            if self._found and self._found.done() and self._found.result() is used:
                self._found = None
        self.current()

    def ensure(self) -> None:
        """Create or complete the tables, and load the metadata again."""
        with self._lock:
            self._found = None
        self.current()

    def _load(self, found: Future[Metadata]) -> None:
        try:
            for transaction in self._transactions.attempts():
                with transaction:
                    metadata = self._prepare(transaction)
            found.set_result(metadata)
        except BaseException as error:  # whatever it is, the threads that wait must not wait for ever
            with self._lock:
                if self._found is found:
                    self._found = None
            found.set_exception(error)
            raise

    def _prepare(self, transaction: Transaction) -> Metadata:
        """Create absent tables, add missing columns, and return the metadata of all tables.

        The transaction is committed only if it changed something. It leaves no proof: if its commit fails,
        the next attempt finds the tables or creates them again.
        """
        bucket = transaction.sdk.bucket(self._bucket)
        schema = bucket.schema(self._schema, fail_if_missing=False) or bucket.create_schema(self._schema)
        present = set(schema.tablenames())
        if "files" not in present:
            # A file that is not in `files` is taken for new: no other table may have rows of it.
            for name in sorted(present.intersection(TABLES)):
                self._drop(schema.table(name))
            present -= set(TABLES)
        absent = [name for name in SCHEMAS if name not in present]
        for name in absent:
            table = schema.create_table(name, SCHEMAS[name])
            if name == "locks":
                table.insert(all_locks())
        metadata = {name: TableMetadata(TableRef(self._bucket, self._schema, name)) for name in SCHEMAS}
        is_changed = bool(absent)
        for name, each in metadata.items():
            _load(each, transaction)
            missing = self._missing_columns(name, each.arrow_schema)
            if missing:
                schema.table(name).add_column(pa.schema(missing))
                _load(each, transaction)
                is_changed = True
        if is_changed:
            _forget(transaction, metadata, absent)
            transaction.commit()
        return metadata

    def _drop(self, table: Any) -> None:
        """Drop a table that is ours. Raises TABLE_MISMATCH if it may be someone else's."""
        if missing := self._missing_columns(table.name, table.arrow_schema):
            message = (
                f"table {table.name} has no column {missing[0].name}, and there is no table files; move it"
                " away, or choose another schema with VAST_DB_SCHEMA"
            )
            raise InspectorError(TABLE_MISMATCH, message, f"{self._bucket}/{self._schema}")
        table.drop()

    def _missing_columns(self, name: str, found: pa.Schema) -> list[pa.Field]:
        """Return the columns that a table of an older version lacks. Raises TABLE_MISMATCH."""
        for field in SCHEMAS[name]:
            if field.name in found.names and found.field(field.name).type != field.type:
                message = (
                    f"column {name}.{field.name} is {found.field(field.name).type}, not {field.type}; move"
                    " the table away, or choose another schema with VAST_DB_SCHEMA"
                )
                raise InspectorError(TABLE_MISMATCH, message, f"{self._bucket}/{self._schema}")
        return [field for field in SCHEMAS[name] if field.name not in found.names]


def _forget(transaction: Transaction, metadata: Metadata, absent: list[str]) -> None:
    """Let `facets` no longer say that the rows of facets are stored that have lost a table.

    They are written again when they are next delivered.
    """
    lost = owners(absent)
    if lost and "facets" not in absent:
        rows = Rows(transaction.sdk, metadata)
        found = rows.find("facets", lost, key="facet").select([ROW_ID])
        nothing = pa.nulls(found.num_rows, TABLES["facets"].field("input_hash").type)
        rows.update("facets", found.append_column("input_hash", nothing))


def _load(metadata: Any, transaction: Transaction) -> None:
    with decoding():
        metadata.load(transaction.sdk)
