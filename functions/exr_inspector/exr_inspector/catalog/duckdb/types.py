"""DuckDB's names for the types of columns, and text in its SQL."""

from __future__ import annotations

import pyarrow as pa

_TYPES = {
    pa.string(): "VARCHAR",
    pa.int64(): "BIGINT",
    pa.float64(): "DOUBLE",
    pa.bool_(): "BOOLEAN",
    pa.timestamp("us"): "TIMESTAMP",
    pa.binary(): "BLOB",
}


def sql_type(kind: pa.DataType) -> str:
    """Return DuckDB's name for the type of a column."""
    if pa.types.is_fixed_size_list(kind):
        return f"FLOAT[{kind.list_size}]"
    return _TYPES[kind]


def literal(value: object) -> str:
    """Return a value as a literal of SQL: text, a number, a flag or None."""
    if value is None:
        return "NULL"
    if isinstance(value, (bool, int, float)):
        return str(value)
    return "'" + str(value).replace("'", "''") + "'"


def identifier(name: str) -> str:
    """Return a name as a quoted identifier of SQL."""
    return '"' + name.replace('"', '""') + '"'
