"""Rows as Arrow tables."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from exr_inspector.catalog.columns import TABLES
from exr_inspector.catalog.facets import Row

# One conversion of whole rows costs a third of one for each column.
_STRUCTS = {table: pa.struct(list(schema)) for table, schema in TABLES.items()}


def arrow_table(name: str, rows: Sequence[Row]) -> pa.Table:
    """Return rows of one table as Arrow, in the table's schema; a column that a row lacks is null."""
    return pa.Table.from_struct_array(pa.array(rows, type=_STRUCTS[name]))


# Rows of one record batch of a scan.
ROWS_OF_A_BATCH = 10_000


def after(prefix: str) -> str:
    """Return the first text, in the order of its bytes, that follows all texts that begin with a prefix."""
    return prefix[:-1] + chr(ord(prefix[-1]) + 1)
