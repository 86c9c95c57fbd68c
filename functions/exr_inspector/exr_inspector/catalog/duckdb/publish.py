"""Snapshots: copies of a store for readers while the store is being written.

A snapshot has the tables of the store, sorted by path, the summaries of `summaries.py`, and the table
`snapshot` with one row. Each row has a `path_rank`: the position of its file in the order of paths, from 0.
DuckDB can skip blocks of rows by rank, but not by path: its statistics keep only eight bytes of a text.
`file_paths` has the path and the rank of each file, sorted by file id. Vectors take most of the space, so a
snapshot has the vectors of only one file of each sequence.
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
from exr_inspector.catalog.search import VECTORS

# Memory limit of the copy; DuckDB spills to disk.
MEMORY = "512MiB"

# Increase this if readers need a table or a column that older snapshots lack.
SNAPSHOT_VERSION = 1

# Whether a database is a snapshot. A table of this name may also be someone else's.
IS_SNAPSHOT = """
    SELECT count(*) > 0 FROM duckdb_columns()
    WHERE table_name = 'snapshot' AND column_name = 'snapshot_version'"""


def publish_file(store: str, path: str) -> None:
    """Write a snapshot of a DuckDB file to another DuckDB file, which replaces `path` at the end.

    The source is not modified. Raises InspectorError, DATABASE_IN_USE if a process has it open for writing.
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

    `name` is the source's name in the snapshot. Raises duckdb.Error; then `path` is unchanged, and the caller
    must close the cursor.
    """
    with replacement(path) as part:
        # Use a separate database to limit the memory for sorting: the store's limit is most of the memory.
        with duckdb.connect(part, config={"memory_limit": MEMORY}) as copy:
            # Arrow streams have no known size, so the optimizer would hold them in memory, not the ranks.
            copy.execute("SET disabled_optimizers = 'join_order,build_side_probe_side'")
            cursor.execute("BEGIN")  # read all tables in one state
            _copy(cursor, f"{identifier(source)}.main", copy, name)
            cursor.execute("COMMIT")
        summarize(part)


def _copy(cursor: duckdb.DuckDBPyConnection, source: str, copy: duckdb.DuckDBPyConnection, name: str) -> None:
    def execute(sql: str, selected: str) -> None:
        copy.register("incoming", cursor.sql(selected).to_arrow_reader(ROWS_OF_A_BATCH))
        copy.execute(sql)
        copy.unregister("incoming")

    execute(_RANKS, f"SELECT file_id, file_path FROM {source}.files")
    present = {table for (table,) in cursor.execute(f"SHOW TABLES FROM {source}").fetchall()}
    for table, schema in TABLES.items():
        columns = ", ".join(f"{field.name} {sql_type(field.type)}" for field in schema)
        copy.execute(f"CREATE TABLE {table} ({columns}, path_rank BIGINT)")
        if table in present:
            execute(_ROWS.format(table), _selected(cursor, source, table))
    copy.execute(
        f"""
        CREATE TABLE snapshot AS
        SELECT {SNAPSHOT_VERSION} AS snapshot_version, {literal(name)} AS source,
            now() AT TIME ZONE 'UTC' AS published_at, max(last_inspected) AS last_inspected,
            count(*) AS file_count
        FROM files"""
    )


_RANKS = """
    CREATE TABLE file_paths AS
    SELECT *, row_number() OVER (ORDER BY file_path, file_id) - 1 AS path_rank
    FROM (SELECT file_id, min(file_path) AS file_path FROM incoming GROUP BY file_id) ORDER BY file_id
"""
# The pixels may have been measured under another path of the file.
_ROWS = """
    INSERT INTO {} BY NAME
    SELECT incoming.* EXCLUDE (row_id) REPLACE (named.file_path AS file_path), named.path_rank
    FROM incoming JOIN file_paths AS named USING (file_id) ORDER BY path_rank, row_id
"""


def _selected(cursor: duckdb.DuckDBPyConnection, source: str, table: str) -> str:
    """Return the SELECT for a table, which may lack columns if an older release wrote it."""
    names = [name for name, *_ in cursor.execute(f"DESCRIBE {source}.{table}").fetchall()]
    values = {name: f"stored.{name}" for name in names if name in TABLES[table].names}
    for vector in VECTORS.values():
        if vector.table == table and vector.column in values:
            # A list, since DuckDB 1 has no CASE of arrays.
            values[vector.column] = (
                f"CASE WHEN stored.file_path IN (FROM led) THEN {values[vector.column]}::FLOAT[] END"
            )
    return f"""
        WITH led AS (SELECT min(file_path) FROM {source}.files GROUP BY coalesce(sequence_key, file_path))
        SELECT {", ".join(f"{value} AS {name}" for name, value in values.items())}, stored.rowid AS row_id
        FROM {source}.{table} AS stored"""
