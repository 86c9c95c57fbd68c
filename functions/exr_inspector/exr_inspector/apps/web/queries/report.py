"""What a report says of some sequences."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from exr_inspector.apps.web.queries.compare import evenly
from exr_inspector.apps.web.queries.sequences import COLUMNS, Filter, sequence_of
from exr_inspector.apps.web.queries.sequences import Sequence as Listed
from exr_inspector.catalog.duckdb.snapshot import Reader, Row
from exr_inspector.catalog.duckdb.summaries import STATES

MAX_FRAMES = 5000
"""Frames of a sequence that are read."""


@dataclass(frozen=True)
class Section:
    """One sequence: `files` has frame, status and rules of each file, by rising frame.

    `findings` are one for each rule that failed, and one for each reason why others could not be judged.
    """

    sequence: Listed
    files: list[Row]
    findings: list[Row]
    channels: list[Row]

    def pictures(self, most: int) -> list[Row]:
        """Return up to `most` files to show: those with faults or findings first, then others."""
        shown = [row for row in self.files if row["has_thumbnail"]]
        chosen = evenly([row for row in shown if row["status"] != "ok" or row["rules"]], most)
        others = [row for row in shown if row not in chosen]
        chosen += evenly(others, most - len(chosen)) if len(chosen) < most - 1 else []
        return sorted(chosen, key=self.files.index)


def selection(names: Iterable[str]) -> Filter:
    """Return the filter of sequences by name: their key, a folder above them, or one of their files.

    Without a name, it is the filter of all sequences.
    """
    values = {f"name{index}": name for index, name in enumerate(names)}
    conditions = (
        f"(key = ${each} OR (key >= ${each} || '/' AND key < ${each} || '0') OR key IN"
        f" (SELECT coalesce(sequence_key, file_path) FROM files WHERE file_path = ${each}))"
        for each in values
    )
    return Filter({}, " OR ".join(conditions) or "true", values)


def worst(reader: Reader, asked: Filter, most: int) -> list[Listed]:
    """Return the sequences that are asked for, the worst first."""
    rows = reader.rows(
        f"""
        SELECT {COLUMNS} FROM sequences WHERE {asked.condition}
        ORDER BY list_position({list(STATES)}, state), key LIMIT {most}""",
        **asked.values,
    )
    return [sequence_of(row) for row in rows]


_OF = """path_rank BETWEEN $first AND $last
    AND file_id IN (SELECT file_id FROM files WHERE path_rank BETWEEN $first AND $last
        AND coalesce(sequence_key, file_path) = $key)"""
_FILES = f"""
    SELECT file_id, frame_number AS frame, file_path, if(writing, 'writing', status) AS status, size_bytes,
        errors_json, has_thumbnail IS NOT NULL AS has_thumbnail, coalesce(rules, []) AS rules
    FROM files
    LEFT JOIN (SELECT file_id, true AS has_thumbnail FROM pixels WHERE {_OF} AND thumbnail IS NOT NULL)
        USING (file_id)
    LEFT JOIN (SELECT file_id, list(DISTINCT rule_id ORDER BY rule_id) AS rules FROM findings WHERE {_OF}
        AND verdict = 'fail' GROUP BY file_id) USING (file_id)
    WHERE {_OF} ORDER BY frame_number, file_path LIMIT {MAX_FRAMES}"""
_FINDINGS = f"""
    WITH found AS (
        SELECT verdict = 'fail' AS is_failure, CASE verdict WHEN 'fail' THEN severity END AS severity,
            CASE verdict WHEN 'fail' THEN rule_id ELSE message END AS subject, rule_id, message, fix,
            frame_number
        FROM (SELECT * FROM findings WHERE {_OF}) JOIN (SELECT file_id, frame_number FROM files WHERE {_OF})
            USING (file_id)
    )
    SELECT is_failure, severity, list_sort(list(DISTINCT rule_id)) AS rules, min(message) AS message,
        min(fix) AS fix, list_sort(list(DISTINCT frame_number)) AS frames
    FROM found GROUP BY is_failure, severity, subject
    ORDER BY is_failure DESC, list_position(['error', 'warning', 'info'], severity), subject"""
_CHANNELS = f"""
    SELECT part_index, name, min(min) AS min, avg(mean) AS mean, max(max) AS max,
        sum(nan_count + pos_inf_count + neg_inf_count)::BIGINT AS nonfinite,
        list(mean ORDER BY frame_number) AS means
    FROM (SELECT * FROM channel_stats WHERE {_OF}) JOIN (SELECT file_id, frame_number FROM files WHERE {_OF})
        USING (file_id)
    GROUP BY part_index, name ORDER BY part_index, name"""


def section(reader: Reader, sequence: Listed) -> Section:
    """Return what is stored of a sequence."""
    found = reader.row("SELECT first_rank, last_rank FROM sequences WHERE key = $key", key=sequence.key)
    assert found is not None
    bounds = {"key": sequence.key, "first": found["first_rank"], "last": found["last_rank"]}
    files, findings, channels = (reader.rows(sql, **bounds) for sql in (_FILES, _FINDINGS, _CHANNELS))
    return Section(sequence, files, findings, channels)


def thumbnails(reader: Reader, file_ids: Sequence[str]) -> dict[str, bytes]:
    """Return the thumbnails that are stored of some files, by file_id and in this order."""
    rows = reader.rows(
        """
        SELECT file_id, thumbnail FROM pixels
        WHERE thumbnail IS NOT NULL AND file_id IN (SELECT unnest($ids))""",
        ids=list(file_ids),
    )
    found = {row["file_id"]: bytes(row["thumbnail"]) for row in rows}
    return {file_id: found[file_id] for file_id in file_ids if file_id in found}
