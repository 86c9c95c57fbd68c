"""Snapshots: copies of a store that others read while it is being written.

A snapshot has the tables of the store, sorted by path, the summaries of `summaries.py`, and the table
`snapshot` with one row. Vectors take most of the space, so it has those of one file of each sequence.
"""

from __future__ import annotations

from contextlib import closing

import duckdb

from exr_inspector.catalog.arrow import ROWS_OF_A_BATCH
from exr_inspector.catalog.columns import TABLES
from exr_inspector.catalog.duckdb.copies import replacement
from exr_inspector.catalog.duckdb.errors import check_path, coded
from exr_inspector.catalog.duckdb.summaries import summarize
from exr_inspector.catalog.duckdb.types import identifier, literal, sql_type
from exr_inspector.catalog.facets import FACETS
from exr_inspector.catalog.search import VECTORS

# Memory of the copy; DuckDB continues on disk.
MEMORY = "512MiB"

# Raised if a snapshot of an older release lacks a table or a column that its readers need.
SNAPSHOT_VERSION = 1

# Rows of these tables are always written with those of `files`, under the same path.
_HEADER_TABLES = FACETS["header"].tables


def publish_file(store: str, path: str) -> None:
    """Write a snapshot of a DuckDB file, which is only read, to another one; it replaces `path` at the end.

    Raises InspectorError, DATABASE_IN_USE if a process has the store open to write.
    """
    check_path(store, read_only=True)
    with (
        coded(store),
        closing(
            duckdb.connect(config={"temp_directory": f"{path}.tmp", "memory_limit": MEMORY})
        ) as connection,
    ):
        connection.execute(f"ATTACH {literal(store)} AS store (READ_ONLY)")
        publish_tables(connection, "store", path, store)


def publish_tables(cursor: duckdb.DuckDBPyConnection, source: str, path: str, name: str) -> None:
    """Copy the tables of the attached database `source` to a DuckDB file, which replaces `path` at the end.

    `name` is what the snapshot calls its source. Raises duckdb.Error; then `path` is as it was, and the
    cursor has to be closed.
    """
    with replacement(path) as part:
        # A database of its own, so that sorting is limited: the store's may use most of the memory.
        with duckdb.connect(part, config={"memory_limit": MEMORY}) as copy:
            cursor.execute("BEGIN")  # all tables as of now
            _copy(cursor, f"{identifier(source)}.main", copy, name)
            cursor.execute("COMMIT")
        summarize(part)


def _copy(cursor: duckdb.DuckDBPyConnection, source: str, copy: duckdb.DuckDBPyConnection, name: str) -> None:
    present = {table for (table,) in cursor.execute(f"SHOW TABLES FROM {source}").fetchall()}
    for table, schema in TABLES.items():
        columns = ", ".join(f"{field.name} {sql_type(field.type)}" for field in schema)
        copy.execute(f"CREATE TABLE {table} ({columns})")
        if table in present:
            rows = cursor.sql(_selected(cursor, source, table)).to_arrow_reader(ROWS_OF_A_BATCH)
            copy.register("incoming", rows)
            sorted_rows = "SELECT * EXCLUDE (row_id) FROM incoming ORDER BY file_path, row_id"
            copy.execute(f"INSERT INTO {table} BY NAME {sorted_rows}")
            copy.unregister("incoming")
    copy.execute(
        f"""
        CREATE TABLE snapshot AS
        SELECT {SNAPSHOT_VERSION} AS snapshot_version, {literal(name)} AS source,
            now() AT TIME ZONE 'UTC' AS published_at, max(last_inspected) AS last_inspected,
            count(*) AS file_count
        FROM files"""
    )


def _selected(cursor: duckdb.DuckDBPyConnection, source: str, table: str) -> str:
    """Return what selects the rows of a table, which lacks columns if an older release wrote it."""
    names = [name for name, *_ in cursor.execute(f"DESCRIBE {source}.{table}").fetchall()]
    values = {name: f"stored.{name}" for name in names if name in TABLES[table].names}
    rows = f"{source}.{table} AS stored"
    for vector in VECTORS.values():
        if vector.table == table and vector.column in values:
            values[vector.column] = (
                f"CASE WHEN stored.file_path IN (FROM led) THEN {values[vector.column]} END"
            )
    if table not in _HEADER_TABLES:
        # A file may have been measured under another of its names.
        values["file_path"] = "named.file_path"
        rows += f" JOIN {source}.files AS named USING (file_id)"
    return f"""
        WITH led AS (SELECT min(file_path) FROM {source}.files GROUP BY coalesce(sequence_key, file_path))
        SELECT {", ".join(f"{value} AS {name}" for name, value in values.items())}, stored.rowid AS row_id
        FROM {rows}"""
