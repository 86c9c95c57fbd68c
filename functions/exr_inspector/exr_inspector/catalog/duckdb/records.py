"""Records for other systems: one for each sequence, or for each file, with what a store knows of it.

The tables that a record needs are streamed from any store into a temporary DuckDB file, without vectors and
pixels, and grouped there. Memory does not grow with the number of files.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from typing_extensions import Self

from exr_inspector.catalog.columns import TABLES
from exr_inspector.catalog.duckdb.errors import coded
from exr_inspector.catalog.duckdb.grouping import SELECT_RECORDS, Per, group_files
from exr_inspector.catalog.nearest import check_condition
from exr_inspector.catalog.search import VECTORS
from exr_inspector.catalog.store import Store
from exr_inspector.errors import BAD_QUERY, InspectorError

MEMORY = "512MiB"
# Records that are held at once.
BATCH = 1_000

_VECTORS = {each.column for each in VECTORS.values()}
_COLUMNS = {
    "files": [each for each in TABLES["files"].names if each not in _VECTORS],
    "parts": TABLES["parts"].names,
    "channels": ["file_id", "part_index", "channel_index", "name", "layer_name", "component_name", "type"],
    "attributes": ["file_id", "part_index", "attr_name", "value_json", "value_text", "value_float"],
    "findings": ["file_id", "severity", "verdict"],
}


class Records:
    """A context manager; iterate over it."""

    def __init__(self, store: Store, per: Per, where: str = "", since: datetime | None = None) -> None:
        """`where` is a condition in DuckDB's SQL on the columns of `files`.

        `since` keeps records with a file that was inspected at or after this time, in UTC.
        """
        self._store = store
        self._per = per
        self._where = where
        self._since = since

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="exr-inspector-", ignore_cleanup_errors=True)
        path = str(Path(self._folder.name, "records.duckdb"))
        with coded(path):
            self._database = duckdb.connect(path, config={"memory_limit": MEMORY})
        try:
            self._copy_tables()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()
        self._folder.cleanup()

    def _copy_tables(self) -> None:
        for table, columns in _COLUMNS.items():

            def copy(rows: pa.RecordBatchReader, table: str = table) -> None:
                with self._database.cursor() as cursor, coded(self._folder.name):
                    cursor.register("incoming", rows)
                    cursor.execute(f"CREATE OR REPLACE TABLE {table} AS FROM incoming")

            self._store.scan(table, columns, copy)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Yield records as mappings, ordered by `key`. Raises InspectorError(BAD_QUERY) for the condition."""
        condition = self._where or "true"
        check_condition(condition)
        with self._database.cursor() as cursor:
            # The condition must open no file.
            cursor.execute("SET enable_external_access = false")
            try:
                group_files(cursor, self._per, condition, self._since)
            except duckdb.Error as error:
                raise InspectorError(BAD_QUERY, str(error), self._where) from error
            with coded(self._folder.name):
                cursor.execute(SELECT_RECORDS)
                columns = [each[0] for each in cursor.description or ()]
                while rows := cursor.fetchmany(BATCH):
                    yield from (dict(zip(columns, row, strict=True)) for row in rows)
