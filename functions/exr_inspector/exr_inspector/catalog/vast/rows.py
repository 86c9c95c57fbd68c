"""Rows of the tables within one transaction: found by a key, written and deleted by `$row_id`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from exr_inspector.catalog.arrow import after
from exr_inspector.catalog.vast import sdk
from exr_inspector.catalog.vast.errors import FAILURES, decoding
from exr_inspector.catalog.vast.sdk_select import select_keys
from exr_inspector.errors import InspectorError

ROW_ID = "$row_id"

# Keys of one select. With 40 bytes each, 20,000 keys pass and 40,000 are refused.
MAX_KEYS = 10_000
# Bytes of one insert. The server accepts 5 MiB. The SDK would split larger batches by columns, and would fail
# on columns that the rows do not have.
MAX_INSERT_BYTES = 4 << 20


class Rows:
    """The tables as one transaction sees them."""

    def __init__(self, transaction: Any, metadata: Mapping[str, sdk.TableMetadata]) -> None:
        self._transaction = transaction
        self._metadata = metadata
        self._tables: dict[str, Any] = {}

    def find(
        self, name: str, keys: Sequence[Any], columns: Sequence[str] = (), key: str = "file_id"
    ) -> pa.Table:
        """Return `columns` and `$row_id` of the rows whose `key` is one of `keys`, which are not empty."""
        table = self._table(name)
        found = []
        for start in range(0, len(keys), MAX_KEYS):
            with decoding():
                reader = select_keys(table, list(columns), key, keys[start : start + MAX_KEYS])
                found.append(reader.read_all())
        return pa.concat_tables(found)

    @contextlib.contextmanager
    def scan(self, name: str, columns: Sequence[str], under: str = "") -> Iterator[pa.RecordBatchReader]:
        """Provide a reader of `columns` of all rows, or of files whose canonical name begins with `under`.

        If a failure of the database interrupts the code that reads, the failure is raised, whatever that code
        made of it.
        """
        failures: list[Exception] = []
        with decoding():
            reader = self._reader(name, list(columns), under)
        try:
            yield pa.RecordBatchReader.from_batches(reader.schema, _recording(failures, reader))
        except InspectorError as error:
            raise (failures or [error])[0] from error

    def _reader(self, name: str, columns: list[str], under: str) -> pa.RecordBatchReader:
        table, path = self._table(name), "file_path_normalized"
        if not under:
            return table.select(columns)
        if name == "files":
            return table.select(columns, (table[path] >= under) & (table[path] < after(under)))
        # Only `files` has the canonical name.
        keys = self._reader("files", ["file_id"], under).read_all()["file_id"].to_pylist()
        schema = pa.schema([table.arrow_schema.field(each) for each in columns])
        pieces = (keys[start : start + MAX_KEYS] for start in range(0, len(keys), MAX_KEYS))
        batches = (
            batch
            for piece in pieces
            for batch in self.find(name, piece, columns).select(columns).to_batches()
        )
        return pa.RecordBatchReader.from_batches(schema, batches)

    def insert(self, name: str, rows: pa.Table) -> None:
        """Insert rows, with one request for each 4 MiB; none without rows."""
        if not rows.num_rows:
            return
        table = self._table(name)
        # The SDK wants the table's order, which differs from ours if the table has gained columns.
        given, wanted = rows.column_names, table.arrow_schema.names
        if given != wanted:
            rows = rows.select([each for each in wanted if each in given])
        for batch in rows.combine_chunks().to_batches():
            for piece in pieces(batch):
                with decoding():  # the answer holds row ids
                    table.insert(piece)

    def update(self, name: str, rows: pa.Table) -> None:
        """Set the columns of `rows`, which has `$row_id`, each once."""
        if rows.num_rows:
            self._table(name).update(rows)

    def delete(self, name: str, rows: pa.Table) -> None:
        """Delete the rows that `rows` names in `$row_id`."""
        if rows.num_rows:
            self._table(name).delete(rows)

    def _table(self, name: str) -> Any:
        if name not in self._tables:
            self._tables[name] = sdk.table_of(self._transaction, self._metadata[name])
        return self._tables[name]


def _recording(failures: list[Exception], batches: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    """Yield batches, and keep a failure of the database."""
    try:
        with decoding():
            yield from batches
    except FAILURES as error:
        failures.append(error)
        raise


def pieces(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """Yield a batch in pieces of at most MAX_INSERT_BYTES; a single row is never split."""
    size = pa.ipc.get_record_batch_size(batch)
    if size <= MAX_INSERT_BYTES or batch.num_rows == 1:
        yield batch
        return
    rows = -(-batch.num_rows // (1 + size // MAX_INSERT_BYTES))
    for start in range(0, batch.num_rows, rows):
        yield from pieces(batch.slice(start, rows))
