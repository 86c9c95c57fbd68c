"""SQL that groups the rows of a database's tables by sequence or by file."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import duckdb

from exr_inspector.sequences import PATH_COLUMNS

Per = Literal["sequence", "file"]

_KEY = {"sequence": "coalesce(sequence_key, file_path)", "file": "file_path"}

_NAMING = ", ".join(f'any_value("{column}") AS "{column}"' for column in PATH_COLUMNS.values())

_WINDOW = """struct_pack(min_x := min(p.{0}_window_min_x), min_y := min(p.{0}_window_min_y),
    max_x := max(p.{0}_window_max_x), max_y := max(p.{0}_window_max_y)) AS {0}_window"""

_CHOOSE = """
    CREATE TEMP TABLE chosen AS
    SELECT {key} AS key, file_id, file_path, frame_number, facts_hash, inspector_version, schema_version,
        {naming}, multipart_count, is_deep, is_tiled, complete, status, writing, size_bytes, mtime,
        first_seen, last_inspected
    FROM files WHERE ({where}
    );
"""
_GROUP = f"""
    CREATE TEMP TABLE first AS SELECT key, arg_min(file_id, file_path) AS file_id FROM chosen GROUP BY key;
    CREATE TEMP TABLE grouped AS
    SELECT key,
        list(frame_number ORDER BY frame_number) FILTER (frame_number IS NOT NULL) AS frame_list,
        list(frame_number ORDER BY frame_number) FILTER (NOT coalesce(complete, status = 'ok'))
            AS incomplete_list,
        count(*) AS file_count,
        sha256(string_agg(facts_hash, ' ' ORDER BY file_path)) AS facts_hash,
        max(inspector_version) AS inspector_version, max(schema_version) AS schema_version,
        {_NAMING},
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
    CREATE TEMP TABLE images AS
    SELECT key, {_WINDOW.format("data")}, {_WINDOW.format("display")},
        max(p.pixel_aspect_ratio) AS pixel_aspect_ratio,
        list_sort(list(DISTINCT p.compression) FILTER (p.compression IS NOT NULL)) AS compressions,
        list_sort(list(DISTINCT p.type) FILTER (p.type IS NOT NULL)) AS part_types,
        list_sort(list(DISTINCT p.view) FILTER (p.view IS NOT NULL)) AS views,
        max(p.color_space) AS color_space, max(p.color_space_source) AS color_space_source,
        max(p.render_software) AS render_software
    FROM chosen JOIN parts p USING (file_id) GROUP BY key;
    CREATE TEMP TABLE layered AS
    SELECT key, list(struct_pack(name := layer, channels := names, type := kind) ORDER BY layer) AS layers
    FROM (
        SELECT key, coalesce(layer_name, '') AS layer,
            list(component_name ORDER BY part_index, channel_index) AS names,
            string_agg(DISTINCT type, ',' ORDER BY type) AS kind
        FROM first JOIN channels USING (file_id) GROUP BY key, layer
    ) GROUP BY key;
    CREATE TEMP TABLE judged AS
    SELECT key,
        count(*) FILTER (verdict = 'fail' AND severity = 'error') AS error_findings,
        count(*) FILTER (verdict = 'fail' AND severity = 'warning') AS warning_findings,
        count(*) FILTER (verdict = 'unknown') AS unknown_findings
    FROM chosen JOIN findings USING (file_id)
    WHERE NOT coalesce(writing, false)  -- the missing frames may still be written
    GROUP BY key;
    CREATE TEMP TABLE stated AS
    SELECT key,
        max(value_float) FILTER (attr_name = 'framesPerSecond') AS frames_per_second,
        max(value_json) FILTER (attr_name = 'chromaticities') AS chromaticities,
        max(value_text) FILTER (attr_name = 'owner') AS owner
    FROM first JOIN attributes USING (file_id) GROUP BY key;
"""

SELECT_RECORDS = """
    SELECT grouped.*, images.* EXCLUDE (key), layers, frames_per_second, chromaticities, owner,
        coalesce(error_findings, 0) AS error_findings, coalesce(warning_findings, 0) AS warning_findings,
        coalesce(unknown_findings, 0) AS unknown_findings
    FROM grouped LEFT JOIN images USING (key) LEFT JOIN layered USING (key) LEFT JOIN stated USING (key)
        LEFT JOIN judged USING (key)
    ORDER BY key
"""
"""One row for each sequence or file that `group_files` found."""


def group_files(
    cursor: duckdb.DuckDBPyConnection,
    per: Per = "sequence",
    where: str = "true",
    since: datetime | None = None,
) -> None:
    """Create the temporary tables that SELECT_RECORDS joins. They last as long as the cursor's connection.

    `chosen` has the files that match `where`, each with the `key` of its sequence; `first` the first
    file of each key; `grouped`, `images`, `layered`, `judged` and `stated` one row for each key.
    `since` keeps only keys with a file inspected at this time or later. Raises duckdb.Error.
    """
    naming = ", ".join(f'"{column}"' for column in PATH_COLUMNS.values())
    cursor.execute("SET VARIABLE since = $since::TIMESTAMP", {"since": since})
    cursor.execute(_CHOOSE.format(key=_KEY[per], naming=naming, where=where))
    cursor.execute(_GROUP)
