"""Records for other systems: one for each sequence, or for each file, with what a store knows of it.

The tables that a record needs are streamed from any store into a temporary DuckDB file, without vectors and
pixels, and grouped there. Memory does not grow with the number of files.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import duckdb
import pyarrow as pa
from typing_extensions import Self

from exr_inspector.catalog.columns import TABLES
from exr_inspector.catalog.duckdb.errors import coded
from exr_inspector.catalog.search import VECTORS
from exr_inspector.catalog.store import Store
from exr_inspector.errors import BAD_QUERY, InspectorError

Per = Literal["sequence", "file"]

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
_KEY = {"sequence": "coalesce(sequence_key, file_path)", "file": "file_path"}

_WINDOW = """struct_pack(min_x := min(p.{0}_window_min_x), min_y := min(p.{0}_window_min_y),
    max_x := max(p.{0}_window_max_x), max_y := max(p.{0}_window_max_y)) AS {0}_window"""

_RECORDS = f"""
    CREATE TABLE chosen AS SELECT *, {{key}} AS key FROM files WHERE ({{where}}
    );
    CREATE TABLE first AS SELECT key, arg_min(file_id, file_path) AS file_id FROM chosen GROUP BY key;
    CREATE TABLE grouped AS
    SELECT key,
        list(frame_number ORDER BY frame_number) FILTER (frame_number IS NOT NULL) AS frame_list,
        list(frame_number ORDER BY frame_number) FILTER (NOT coalesce(complete, status = 'ok'))
            AS incomplete_list,
        count(*) AS file_count,
        sha256(string_agg(facts_hash, ' ' ORDER BY file_path)) AS facts_hash,
        max(inspector_version) AS inspector_version, max(schema_version) AS schema_version,
        {{naming}},
        max(multipart_count) AS part_count, bool_or(is_deep) AS is_deep, bool_or(is_tiled) AS is_tiled,
        bool_and(coalesce(complete, false)) AS is_complete,
        count(*) FILTER (status = 'ok') AS ok_count,
        count(*) FILTER (status = 'incomplete' AND NOT coalesce(writing, false)) AS incomplete_count,
        count(*) FILTER (status = 'corrupt') AS corrupt_count,
        count(*) FILTER (status = 'unsupported') AS unsupported_count,
        count(*) FILTER (status = 'missing') AS missing_count,
        count(*) FILTER (writing) AS writing_count,
        sum(size_bytes)::BIGINT AS size_bytes,
        min(mtime) AS mtime_min, max(mtime) AS mtime_max,
        min(first_seen) AS first_seen, max(last_inspected) AS last_inspected
    FROM chosen GROUP BY key
    HAVING max(last_inspected) >= getvariable('since') OR getvariable('since') IS NULL;
    CREATE TABLE images AS
    SELECT key, {_WINDOW.format("data")}, {_WINDOW.format("display")},
        max(p.pixel_aspect_ratio) AS pixel_aspect_ratio,
        list_sort(list(DISTINCT p.compression) FILTER (p.compression IS NOT NULL)) AS compressions,
        list_sort(list(DISTINCT p.type) FILTER (p.type IS NOT NULL)) AS part_types,
        list_sort(list(DISTINCT p.view) FILTER (p.view IS NOT NULL)) AS views,
        max(p.color_space) AS color_space, max(p.color_space_source) AS color_space_source,
        max(p.render_software) AS render_software
    FROM chosen JOIN parts p USING (file_id) GROUP BY key;
    CREATE TABLE layered AS
    SELECT key, list(struct_pack(name := layer, channels := names, type := kind) ORDER BY layer) AS layers
    FROM (
        SELECT key, coalesce(layer_name, '') AS layer,
            list(component_name ORDER BY part_index, channel_index) AS names,
            string_agg(DISTINCT type, ',' ORDER BY type) AS kind
        FROM first JOIN channels USING (file_id) GROUP BY key, layer
    ) GROUP BY key;
    CREATE TABLE judged AS
    SELECT key,
        count(*) FILTER (verdict = 'fail' AND severity = 'error') AS error_findings,
        count(*) FILTER (verdict = 'fail' AND severity = 'warning') AS warning_findings,
        count(*) FILTER (verdict = 'unknown') AS unknown_findings
    FROM chosen JOIN findings USING (file_id) GROUP BY key;
    CREATE TABLE stated AS
    SELECT key,
        max(value_float) FILTER (attr_name = 'framesPerSecond') AS frames_per_second,
        max(value_json) FILTER (attr_name = 'chromaticities') AS chromaticities,
        max(value_text) FILTER (attr_name = 'owner') AS owner
    FROM first JOIN attributes USING (file_id) GROUP BY key;
"""
_SELECT = """
    SELECT grouped.*, images.* EXCLUDE (key), layers, frames_per_second, chromaticities, owner,
        coalesce(error_findings, 0) AS error_findings, coalesce(warning_findings, 0) AS warning_findings,
        coalesce(unknown_findings, 0) AS unknown_findings
    FROM grouped LEFT JOIN images USING (key) LEFT JOIN layered USING (key) LEFT JOIN stated USING (key)
        LEFT JOIN judged USING (key)
    ORDER BY key
"""


class Records:
    """A context manager; iterate over it."""

    def __init__(self, store: Store, per: Per, where: str = "", since: datetime | None = None) -> None:
        """`where` is a condition in DuckDB's SQL on the columns of `files`.

        `since` keeps records of which a file was inspected at this time, in UTC, or later.
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
        for table, columns in _COLUMNS.items():

            def copy(rows: pa.RecordBatchReader, table: str = table) -> None:
                with self._database.cursor() as cursor, coded(self._folder.name):
                    cursor.register("incoming", rows)
                    cursor.execute(f"CREATE OR REPLACE TABLE {table} AS FROM incoming")

            self._store.scan(table, columns, copy)
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()
        self._folder.cleanup()

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Yield records as mappings, ordered by `key`. Raises InspectorError(BAD_QUERY) for the condition."""
        names = ("show_name", "sequence", "shot", "pass", "version")
        naming = ", ".join(f'any_value("{name}") AS "{name}"' for name in names)
        condition = self._where or "true"
        with self._database.cursor() as cursor:
            # The condition must open no file.
            cursor.execute("SET enable_external_access = false")
            try:
                duckdb.SQLExpression(condition)  # a single expression cannot close the brackets around it
                sql = _RECORDS.format(key=_KEY[self._per], where=condition, naming=naming)
                cursor.execute("SET VARIABLE since = $since::TIMESTAMP", {"since": self._since})
                cursor.execute(sql)
            except duckdb.Error as error:
                raise InspectorError(BAD_QUERY, str(error), self._where) from error
            with coded(self._folder.name):
                cursor.execute(_SELECT)
                columns = [each[0] for each in cursor.description or ()]
                while rows := cursor.fetchmany(BATCH):
                    yield from (dict(zip(columns, row, strict=True)) for row in rows)
