"""Summary tables that a snapshot has in addition to the store's tables.

Each table has the column `key`: the name of a sequence in fileseq notation, or the path of a file without a
frame number. The files of a sequence have ranks from `first_rank` to `last_rank`; other files may be between.
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from exr_inspector.catalog.duckdb.errors import coded
from exr_inspector.catalog.duckdb.grouping import SELECT_RECORDS, group_files
from exr_inspector.sequences import format_frames, gaps

# Memory limit of the computation; DuckDB spills to disk.
MEMORY = "512MiB"
# Maximum length of a frame range; longer text is truncated with an ellipsis.
MAX_FRAMES_TEXT = 500

# The result of `_describe` for all frames of a sequence, and for the broken frames.
_FRAMES = "STRUCT(frames VARCHAR, missing_frames VARCHAR, missing_frame_count BIGINT, broken_frames VARCHAR)"
# Only sequences with gaps, steps or broken frames, which are few, are described in Python.
_ODD = """
    CREATE TEMP TABLE odd AS
    SELECT key, unnest(describe_frames(frame_list, coalesce(broken_list, [])))
    FROM grouped JOIN extra USING (key)
    WHERE frame_list[-1] - frame_list[1] >= len(frame_list) OR broken_list IS NOT NULL
"""

# Padding is the last run of `#` or `@` before the extension.
_MARKS = r"([#@]+)(\.[^.]*)$"
_EXTRA = """
    CREATE TEMP TABLE extra AS
    WITH files AS (
        SELECT key, file_path, path_rank, frame_number, status NOT IN ('ok', 'writing') AS is_broken,
            policy.file_id IS NOT NULL AS is_judged, coalesce(mtime, first_seen) AS changed,
            struct_pack(file_id := chosen.file_id, frame := frame_number, status := status,
                has_thumbnail := shown.file_id IS NOT NULL) AS frame
        FROM (SELECT * REPLACE (if(writing, 'writing', status) AS status) FROM chosen) chosen
            JOIN (SELECT file_id, path_rank FROM file_paths) ranked USING (file_id)
            LEFT JOIN (SELECT file_id FROM facets WHERE facet = 'policy') policy USING (file_id)
            LEFT JOIN (SELECT file_id FROM pixels WHERE thumbnail IS NOT NULL) shown USING (file_id)
    )
    SELECT key, min(path_rank) AS first_rank, max(path_rank) AS last_rank, max(changed) AS changed,
        count(*) FILTER (is_judged) AS judged_count,
        list(frame_number ORDER BY frame_number) FILTER (is_broken AND frame_number IS NOT NULL)
            AS broken_list,
        list_select(list(frame ORDER BY frame_number, file_path),
            list_sort(list_distinct([1, (count(*) + 1) // 2, count(*)]))) AS contact
    FROM files GROUP BY key
"""
_SEQUENCES = f"""
    CREATE TABLE sequences AS
    WITH records AS ({SELECT_RECORDS}),
    named AS (
        SELECT records.* EXCLUDE (frame_list, incomplete_list), extra.* EXCLUDE (key, broken_list),
            regexp_replace(key, '/[^/]*$', '') AS folder,
            regexp_extract(key, '[^/]*$') AS last_name,
            CASE WHEN frame_list IS NOT NULL THEN regexp_extract(key, '{_MARKS}', 1) ELSE '' END AS marks,
            frame_list[1] AS first_frame, frame_list[-1] AS last_frame,
            coalesce(odd.frames, nullif(concat_ws('-', frame_list[1],
                nullif(frame_list[-1], frame_list[1])), '')) AS frames,
            odd.missing_frames, if(odd.key IS NULL, 0, odd.missing_frame_count) AS missing_frame_count,
            odd.broken_frames,
            display_window.max_x - display_window.min_x + 1 AS width,
            display_window.max_y - display_window.min_y + 1 AS height,
            list_sum(list_transform(layers, lambda layer: len(layer.channels)))::BIGINT AS channel_count
        FROM records JOIN extra USING (key) LEFT JOIN odd USING (key)
    )
    SELECT key,
        CASE WHEN marks = '' THEN last_name ELSE regexp_replace(last_name, '{_MARKS}', concat(
            repeat('#', CASE WHEN marks[1] = '#' THEN 4 ELSE 1 END * len(marks)), '\\2')) END AS name,
        CASE
            WHEN corrupt_count + incomplete_count + unsupported_count + missing_count > 0
                OR (missing_frame_count > 0 AND writing_count = 0) THEN 'broken'
            WHEN error_findings > 0 THEN 'failing'
            WHEN writing_count > 0 THEN 'writing'
            WHEN warning_findings + unknown_findings > 0 THEN 'warning'
            WHEN judged_count < file_count THEN 'unjudged'
            ELSE 'ok'
        END AS state,
        * EXCLUDE (key, last_name, marks)
    FROM named ORDER BY key
"""
STATES = {
    "broken": "a frame is missing, corrupt, incomplete or unsupported",
    "failing": "a policy found an error",
    "writing": "a frame was still being written when it was inspected",
    "warning": "a policy found a warning, or lacked evidence",
    "unjudged": "complete; no policy was applied to every frame",
    "ok": "complete, and every frame passed its policies",
}
"""The values of `sequences.state`, the worst first, and their meanings."""

# A layer's share of the bytes is its share of the first file: of packed chunk bytes if measured, otherwise
# of samples.
_LAYERS = """
    CREATE TABLE sequence_layers AS
    WITH weighted AS (
        SELECT key, coalesce(c.layer_name, '') AS layer, p.compression, s.packed_bytes,
            CASE c.type WHEN 'half' THEN 2 ELSE 4 END * greatest(p.width, 1)::DOUBLE * greatest(p.height, 1)
                / greatest(c.x_sampling, 1) / greatest(c.y_sampling, 1) AS samples_bytes,
            bool_and(s.packed_bytes IS NOT NULL) OVER (PARTITION BY key) AS is_measured
        FROM first JOIN channels c USING (file_id)
            JOIN parts p ON p.file_id = c.file_id AND p.part_index = c.part_index
            LEFT JOIN channel_stats s
                ON s.file_id = c.file_id AND s.part_index = c.part_index AND s.name = c.name
    ),
    grouped AS (
        SELECT key, layer, compression, count(*) AS channel_count,
            sum(CASE WHEN is_measured THEN packed_bytes ELSE samples_bytes END) AS weight
        FROM weighted GROUP BY ALL
    )
    SELECT key, layer, compression, channel_count,
        (size_bytes * weight / nullif(sum(weight) OVER (PARTITION BY key), 0))::BIGINT AS size_bytes
    FROM grouped JOIN (SELECT key, size_bytes FROM sequences) USING (key) ORDER BY key, layer
"""
_ATTRIBUTES = """
    CREATE TABLE sequence_attributes AS
    SELECT DISTINCT key, attr_name, left(coalesce(value_text, value_json), 200) AS value
    FROM first JOIN attributes USING (file_id)
    WHERE attr_type NOT IN ('chlist', 'preview')
    ORDER BY key, attr_name
"""
_FINDINGS = """
    CREATE TABLE sequence_findings AS
    SELECT key, policy_id, rule_id, severity, verdict, min(message) AS message,
        count(DISTINCT file_id) AS file_count
    FROM chosen JOIN findings USING (file_id) WHERE NOT coalesce(writing, false)
    GROUP BY ALL ORDER BY key, rule_id
"""


def summarize(path: str) -> None:
    """Add the summaries to a DuckDB file that has the store's tables. Raises InspectorError."""
    with coded(path), duckdb.connect(path, config={"memory_limit": MEMORY}) as connection:
        group_files(connection)
        connection.create_function("describe_frames", _describe, ["BIGINT[]", "BIGINT[]"], _FRAMES)
        for statement in (_EXTRA, _ODD, _SEQUENCES, _LAYERS, _ATTRIBUTES, _FINDINGS):
            connection.execute(statement)
        connection.execute(
            "CHECKPOINT"
        )  # to close the connection does it too, and hides that the disk is full


def _describe(frames: Sequence[int], broken: Sequence[int]) -> dict[str, str | int | None]:
    missing = gaps(frames)
    return {
        "frames": _short(format_frames([*frames, *(missing or ())])),
        "missing_frames": _short(format_frames(missing or ())),
        "missing_frame_count": None if missing is None else len(missing),
        "broken_frames": _short(format_frames(broken)),
    }


def _short(text: str) -> str | None:
    """Return frames in notation, truncated after a range if long; None if there are none."""
    if len(text) <= MAX_FRAMES_TEXT:
        return text or None
    return text[: text.rfind(",", 0, MAX_FRAMES_TEXT) + 1] + " …"
