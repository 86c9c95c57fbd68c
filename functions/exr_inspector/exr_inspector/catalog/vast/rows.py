"""Rows of the tables within one transaction: found by a key, written and deleted by `$row_id`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
from vastdb.config import QueryConfig

from exr_inspector.catalog.vast.errors import FAILURES, reading
from exr_inspector.catalog.vast.tables import Kept
from exr_inspector.errors import InspectorError

ROW_ID = "$row_id"

# Keys of one select: of 40 bytes, 20,000 pass and 40,000 are refused.
MOST_KEYS = 10_000
# Bytes of one insert. The server takes 5 MiB; what is larger the SDK would split by columns, and fail on
# columns that the rows do not have.
LARGEST_INSERT = 4 << 20

# One request for each select, however large the table.
_ONE_REQUEST = QueryConfig(num_splits=1)


class Rows:
    """The tables as one transaction sees them."""

    def __init__(self, tx: Any, kept: Kept) -> None:
        self._tx = tx
        self._kept = kept
        self._tables: dict[str, Any] = {}

    def within(self, tx: Any) -> Rows:
        """The same tables in another transaction."""
        return Rows(tx, self._kept)

    def find(
        self, name: str, keys: Sequence[Any], columns: Sequence[str] = (), key: str = "file_id"
    ) -> pa.Table:
        """`columns` and `$row_id` of the rows whose `key` is one of `keys`; there must be a key."""
        starts = range(0, len(keys), MOST_KEYS)
        return pa.concat_tables(
            self._find(name, keys[start : start + MOST_KEYS], columns, key) for start in starts
        )

    @contextlib.contextmanager
    def scan(self, name: str, columns: Sequence[str]) -> Iterator[pa.RecordBatchReader]:
        """`columns` of all rows, in batches, to be read inside. A failure of the database comes out as it is,
        whatever the reader's reader has made of it.
        """
        failures: list[Exception] = []
        with reading():
            reader = self._table(name).select(list(columns))
        try:
            yield pa.RecordBatchReader.from_batches(reader.schema, _noting(failures, reader))
        except InspectorError as error:
            raise (failures or [error])[0] from error

    def insert(self, name: str, rows: pa.Table) -> None:
        if not rows.num_rows:
            return
        table = self._table(name)
        # In the table's order: that of a table which has gained columns is another.
        ordered = rows.select([each for each in table.arrow_schema.names if each in rows.column_names])
        for batch in ordered.combine_chunks().to_batches():
            for piece in pieces(batch):
                with reading():  # the row ids
                    table.insert(piece)

    def update(self, name: str, rows: pa.Table) -> None:
        """Set the columns of `rows`, which has `$row_id`, each once."""
        if rows.num_rows:
            self._table(name).update(rows)

    def delete(self, name: str, rows: pa.Table) -> None:
        """Delete the rows that `rows` names in `$row_id`."""
        if rows.num_rows:
            self._table(name).delete(rows)

    def _find(self, name: str, keys: Sequence[Any], columns: Sequence[str], key: str) -> pa.Table:
        table = self._table(name)
        predicate = table[key].isin(list(keys))
        with reading():
            # The SDK appends `$row_id` to the list that it is given.
            return table.select(list(columns), predicate, _ONE_REQUEST, internal_row_id=True).read_all()

    def _table(self, name: str) -> Any:
        if name not in self._tables:  # the SDK copies the metadata each time
            self._tables[name] = self._tx.table_from_metadata(self._kept[name])
        return self._tables[name]


def _noting(failures: list[Exception], batches: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    try:
        with reading():
            yield from batches
    except FAILURES as error:
        failures.append(error)
        raise


def pieces(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """A batch in as many pieces as requests are needed."""
    size = pa.ipc.get_record_batch_size(batch)
    if size <= LARGEST_INSERT or batch.num_rows == 1:
        yield batch
        return
    rows = -(-batch.num_rows // (1 + size // LARGEST_INSERT))
    for start in range(0, batch.num_rows, rows):
        yield from pieces(batch.slice(start, rows))
