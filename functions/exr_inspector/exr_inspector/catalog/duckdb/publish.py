"""Snapshots: copies of a store that others read while it is being written.

A snapshot has the tables of the store, sorted by path, and the table `snapshot` with one row. Vectors take
most of the space, so it has those of one file of each sequence.
"""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

import duckdb

from exr_inspector.catalog.columns import TABLES
from exr_inspector.catalog.duckdb.errors import check_path, coded
from exr_inspector.catalog.duckdb.types import identifier, literal, sql_type
from exr_inspector.catalog.facets import FACETS
from exr_inspector.catalog.search import VECTORS

# Raised if a snapshot of an older release lacks a table or a column that its readers need.
SNAPSHOT_VERSION = 1

# Rows of these tables are always written with those of `files`, under the same path.
_HEADER_TABLES = FACETS["header"].tables


def publish_file(store: str, path: str) -> None:
    """Write a snapshot of a DuckDB file, which is only read, to another one; it replaces `path` at the end.

    Raises InspectorError, DATABASE_IN_USE if a process has the store open to write.
    """
    check_path(store, read_only=True)
    with closing(duckdb.connect(config={"temp_directory": f"{path}.tmp"})) as connection, coded(store):
        connection.execute(f"ATTACH {literal(store)} AS store (READ_ONLY)")
        publish_tables(connection, "store", path, store)


def publish_tables(cursor: duckdb.DuckDBPyConnection, source: str, path: str, name: str) -> None:
    """Copy the tables of the attached database `source` to a DuckDB file, which replaces `path` at the end.

    `name` is what the snapshot calls its source. Raises duckdb.Error, and then `path` is as it was.
    """
    part = f"{path}.{os.getpid()}.part"
    try:
        cursor.execute(f"ATTACH {literal(part)} AS published")
        try:
            cursor.execute("BEGIN")
            _copy(cursor, f"{identifier(source)}.main", name)
            cursor.execute("COMMIT")
        except duckdb.Error:
            cursor.execute("ROLLBACK")
            raise
        finally:
            cursor.execute("DETACH published")
        os.replace(part, path)  # noqa: PTH105
    finally:
        for leftover in (part, f"{part}.wal"):
            Path(leftover).unlink(missing_ok=True)


def _copy(cursor: duckdb.DuckDBPyConnection, source: str, name: str) -> None:
    present = {table for (table,) in cursor.execute(f"SHOW TABLES FROM {source}").fetchall()}
    for table, schema in TABLES.items():
        columns = ", ".join(f"{field.name} {sql_type(field.type)}" for field in schema)
        cursor.execute(f"CREATE TABLE published.main.{table} ({columns})")
        if table in present:
            _copy_rows(cursor, source, table)
    cursor.execute(
        f"""
        CREATE TABLE published.main.snapshot AS
        SELECT {SNAPSHOT_VERSION} AS snapshot_version, {literal(name)} AS source,
            now() AT TIME ZONE 'UTC' AS published_at, max(last_inspected) AS last_inspected,
            count(*) AS file_count
        FROM published.main.files"""
    )


def _copy_rows(cursor: duckdb.DuckDBPyConnection, source: str, table: str) -> None:
    """Copy the rows of a table, which may lack columns of this release if an older one wrote it."""
    names = [name for name, *_ in cursor.execute(f"DESCRIBE {source}.{table}").fetchall()]
    names = [name for name in names if name in TABLES[table].names]
    values = {name: f"stored.{name}" for name in names}
    rows = f"{source}.{table} AS stored"
    for vector in VECTORS.values():
        if vector.table == table and vector.column in values:
            values[vector.column] = (
                f"CASE WHEN stored.file_path IN (FROM led) THEN {values[vector.column]} END"
            )
    if table not in _HEADER_TABLES:
        # A file may have been measured under another of its names.
        values["file_path"] = "named.file_path"
        rows += " JOIN published.main.files AS named USING (file_id)"
    cursor.execute(
        f"""
        INSERT INTO published.main.{table} ({", ".join(values)})
        WITH led AS (SELECT min(file_path) FROM {source}.files GROUP BY coalesce(sequence_key, file_path))
        SELECT {", ".join(values.values())} FROM {rows} ORDER BY {values["file_path"]}, stored.rowid"""
    )
