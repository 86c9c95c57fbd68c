"""Rows as Arrow tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from exr_inspector.catalog.columns import TABLES
from exr_inspector.catalog.facets import Row

# One conversion of whole rows costs less than one for each column; vectors are converted apart, from their
# buffers.
_VECTORS = {
    table: [(index, field) for index, field in enumerate(schema) if pa.types.is_fixed_size_list(field.type)]
    for table, schema in TABLES.items()
}
_STRUCTS = {
    table: pa.struct([field for field in schema if not pa.types.is_fixed_size_list(field.type)])
    for table, schema in TABLES.items()
}


def arrow_table(name: str, rows: Sequence[Row]) -> pa.Table:
    """Return rows of one table as Arrow, in the table's schema; a column that a row lacks is null."""
    batch = pa.RecordBatch.from_struct_array(pa.array(rows, type=_STRUCTS[name]))
    for index, field in _VECTORS[name]:
        batch = batch.add_column(index, field, _vectors([row.get(field.name) for row in rows], field.type))
    return pa.Table.from_batches([batch], TABLES[name])


def _vectors(values: list[Any], kind: pa.DataType) -> pa.Array:
    """Return vectors as one Arrow array, NumPy arrays without a detour through Python floats."""
    if values and all(isinstance(each, np.ndarray) and each.dtype == np.float32 for each in values):
        return pa.FixedSizeListArray.from_arrays(pa.array(np.concatenate(values)), type=kind)
    return pa.array(values, type=kind)
