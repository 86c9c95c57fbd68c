"""Snapshots of a store that is not a DuckDB file: stream its tables to a temporary DuckDB file first."""

from __future__ import annotations

import tempfile
from contextlib import closing
from pathlib import Path

import duckdb
import pyarrow as pa

from exr_inspector.catalog.columns import TABLES
from exr_inspector.catalog.duckdb.errors import coded
from exr_inspector.catalog.duckdb.publish import MEMORY, publish_tables
from exr_inspector.catalog.search import VECTORS
from exr_inspector.catalog.store import Store

# The files whose vectors are copied, as in a snapshot.
_LED = "SELECT min(file_path) FROM led GROUP BY coalesce(sequence_key, file_path)"


def publish_store(store: Store, path: str) -> None:
    """Write a snapshot of any store to a DuckDB file, which replaces `path` at the end.

    Tables are read one after the other. If rows are written meanwhile, a file's rows may be old in one table
    and new in another. Raises InspectorError; then `path` is unchanged.
    """
    with tempfile.TemporaryDirectory(dir=Path(path).absolute().parent) as folder, coded(path):
        database = duckdb.connect(f"{folder}/pulled.duckdb", config={"memory_limit": MEMORY})
        with closing(database) as connection:
            _pull(store, connection, "files", ["file_path", "sequence_key"], into="led")
            for table, schema in TABLES.items():
                _pull(store, connection, table, schema.names, into=table)
            publish_tables(connection, "pulled", path, store.name)


def _pull(
    store: Store, connection: duckdb.DuckDBPyConnection, table: str, columns: list[str], into: str
) -> None:
    vectors = {vector.column for vector in VECTORS.values() if vector.table == table}
    selected = ", ".join(
        f"CASE WHEN file_path IN ({_LED}) THEN {name}::FLOAT[] END AS {name}" if name in vectors else name
        for name in columns
    )

    def copy(rows: pa.RecordBatchReader) -> None:
        connection.register("incoming", rows)
        connection.execute(f"CREATE OR REPLACE TABLE {into} AS SELECT {selected} FROM incoming")
        connection.unregister("incoming")

    store.scan(table, columns, copy)
