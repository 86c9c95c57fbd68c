"""A table as an immutable value: a snapshot is a reference to an old one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tests.vast_server.answers import Refusal, conflict, invalid, missing

ROW_ID = "$row_id"
CELL_LIMIT = 126 * 1024  # bytes of one cell

_CHUNKS = 32  # of a column before they are joined


@dataclass(frozen=True)
class Table:
    """A table. `rows` has `$row_id` (uint64, ascending) and then the columns.

    `handle` distinguishes tables that had the same name one after the other.
    """

    handle: int
    rows: pa.Table

    @classmethod
    def empty(cls, handle: int, columns: pa.Schema) -> Table:
        check_columns(columns)
        return cls(handle, pa.schema([(ROW_ID, pa.uint64()), *columns]).empty_table())

    @property
    def columns(self) -> pa.Schema:
        return self.rows.schema.remove(0)

    def insert(self, row_ids: pa.Array, batch: pa.RecordBatch) -> Table:
        """Insert rows; columns that `batch` lacks are null."""
        self._check(batch)
        given = set(batch.schema.names)
        values = [
            batch[field.name] if field.name in given else pa.nulls(len(batch), field.type)
            for field in self.columns
        ]
        added = pa.Table.from_arrays([row_ids, *values], schema=self.rows.schema)
        return self._with(pa.concat_tables([self.rows, added]))

    def update(self, batch: pa.RecordBatch) -> Table:
        """Replace the cells of the rows that `batch` names in `$row_id`, in the columns that it has."""
        self._check(batch)
        positions = self._positions(batch[ROW_ID])
        order = np.arange(len(self.rows))
        order[positions] = len(self.rows) + np.arange(len(batch))
        rows = self.rows
        for field in batch.schema:
            if field.name != ROW_ID:
                column = pa.chunked_array([*rows[field.name].chunks, batch[field.name]]).take(order)
                rows = rows.set_column(rows.schema.get_field_index(field.name), field.name, column)
        return self._with(rows)

    def delete(self, row_ids: pa.Array) -> Table:
        keep = np.ones(len(self.rows), dtype=bool)
        keep[self._positions(row_ids)] = False
        return self._with(self.rows.filter(pa.array(keep)))

    def present(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return the rows of a batch that are in the table."""
        return batch.filter(pc.is_in(batch[ROW_ID], self.rows[ROW_ID]))

    def add_columns(self, columns: pa.Schema) -> Table:
        check_columns(columns)
        if twice := set(columns.names) & set(self.rows.schema.names):
            raise conflict(f"columns {sorted(twice)} exist")
        rows = self.rows
        for field in columns:
            rows = rows.append_column(field, pa.nulls(len(rows), field.type))
        return self._with(rows)

    def drop_columns(self, names: list[str]) -> Table:
        self.check_names(names)
        return self._with(self.rows.drop_columns(names))

    def _check(self, batch: pa.RecordBatch) -> None:
        """Refuse what does not fit the columns, and cells over the limit."""
        self.check_names(batch.schema.names)
        for field, column in zip(batch.schema, batch.columns, strict=True):
            expected = self.rows.schema.field(field.name)
            if field.name != ROW_ID and (field.type, field.nullable) != (expected.type, expected.nullable):
                message = f"column {field.name} is {expected.type}, not {field.type}"
                raise Refusal(400, "TabularMismatchColumnType", message)
            _check_cells(field.name, column)

    def check_names(self, names: list[str]) -> None:
        if unknown := set(names) - set(self.rows.schema.names):
            raise missing(f"columns {sorted(unknown)}")

    def _positions(self, row_ids: pa.Array) -> Any:
        """Return the positions of the rows, as a numpy array."""
        _check_ascending(row_ids)
        wanted, held = row_ids.to_numpy(), self.rows[ROW_ID].to_numpy()
        positions = np.searchsorted(held, wanted)
        if np.any(positions == len(held)) or np.any(held[positions] != wanted):
            raise missing("a row with such a $row_id")
        return positions

    def _with(self, rows: pa.Table) -> Table:
        ids = rows[ROW_ID]
        if ids.num_chunks > _CHUNKS:
            rows = rows.combine_chunks()
        # Rows get their ids at the insert, but are added to the table in the order of the commits.
        return replace(self, rows=rows if _ascending(ids) else rows.sort_by(ROW_ID))


def check_columns(columns: pa.Schema) -> None:
    """Refuse columns of types that a VAST table cannot have, or that this server does not support."""
    for field in columns:
        if not field.nullable:
            raise _unsupported(field, "is not nullable")
        if pa.types.is_fixed_size_list(field.type):
            _check_vector(field)
        elif not _is_flat(field.type.value_type if pa.types.is_list(field.type) else field.type):
            raise _unsupported(field, f"is {field.type}")


def _check_vector(field: pa.Field) -> None:
    item = field.type.value_field
    if field.type.list_size == 0:
        raise Refusal(400, "TabularInvalidColumnTypeParam", f"column {field.name} has lists of no items")
    if item.nullable or not _is_measure(item.type):
        raise _unsupported(field, f"has items of {item}")
    if field.type.list_size * item.type.bit_width // 8 > CELL_LIMIT:
        raise _unsupported(field, f"has cells of more than {CELL_LIMIT} bytes")


def _is_measure(kind: pa.DataType) -> bool:
    types = pa.types
    return any(
        is_kind(kind)
        for is_kind in (types.is_integer, types.is_floating, types.is_decimal128, types.is_temporal)
    )


def _is_flat(kind: pa.DataType) -> bool:
    types = pa.types
    return _is_measure(kind) or any(
        is_kind(kind)
        for is_kind in (types.is_boolean, types.is_string, types.is_binary, types.is_fixed_size_binary)
    )


def _unsupported(field: pa.Field, reason: str) -> Refusal:
    return Refusal(400, "TabularUnsupportedColumnType", f"column {field.name} {reason}")


def _check_cells(name: str, column: pa.Array) -> None:
    if pa.types.is_string(column.type) or pa.types.is_binary(column.type):
        longest = pc.max(pc.binary_length(column)).as_py() or 0
        if longest > CELL_LIMIT:
            raise invalid(f"column {name} has a cell of {longest} bytes; {CELL_LIMIT} is the limit")


def _check_ascending(row_ids: pa.Array) -> None:
    if not _ascending(row_ids):
        raise invalid("row ids must be sorted and distinct")


def _ascending(row_ids: pa.Array | pa.ChunkedArray) -> bool:
    ids = row_ids.to_numpy()
    return bool(np.all(ids[1:] > ids[:-1]))
