"""The contents of a report."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from exr_inspector.apps.web.queries.compare import evenly
from exr_inspector.apps.web.queries.frames import JOINED, MEASURED, Frame, frame_sequence
from exr_inspector.apps.web.queries.sequences import COLUMNS, Filter, sequence_of
from exr_inspector.apps.web.queries.sequences import Sequence as Listed
from exr_inspector.catalog.duckdb.snapshot import Reader, Row
from exr_inspector.catalog.duckdb.summaries import STATES


@dataclass(frozen=True)
class Section:
    """One sequence.

    `findings` has one finding for each failed rule, and one for each reason why rules are unknown.
    """

    sequence: Listed
    files: tuple[Frame, ...]
    findings: list[Row]
    channels: list[Row]

    @cached_property
    def rules(self) -> Mapping[str, list[str]]:
        """The failed rules of each file, by file_id."""
        found: defaultdict[str, list[str]] = defaultdict(list)
        for each in self.findings:
            for file_id in each["file_ids"] if each["is_failure"] else ():
                found[file_id] += each["rules"]
        return found

    def pictures(self, most: int) -> list[Frame]:
        """Return up to `most` files to show, files with faults or findings first."""
        shown = [file for file in self.files if file.thumbnail_bytes]
        chosen = evenly([file for file in shown if file.status != "ok" or file.errors or file.warnings], most)
        others = [file for file in shown if file not in chosen]
        chosen += evenly(others, most - len(chosen)) if len(chosen) < most - 1 else []
        return sorted(chosen, key=self.files.index)


def selection(names: Iterable[str]) -> Filter:
    """Return a filter for sequences by key, parent folder, or one of their files.

    Without names, the filter matches all sequences.
    """
    values = {f"name{index}": name for index, name in enumerate(names)}
    conditions = (
        f"(key = ${each} OR (key >= ${each} || '/' AND key < ${each} || '0') OR key IN"
        f" (SELECT coalesce(sequence_key, file_path) FROM files WHERE file_path = ${each}))"
        for each in values
    )
    return Filter({}, " OR ".join(conditions) or "true", values)


def worst(reader: Reader, asked: Filter, most: int) -> list[Listed]:
    """Return the sequences that match the filter, the worst first."""
    rows = reader.rows(
        f"""
        SELECT {COLUMNS} FROM sequences WHERE {asked.condition}
        ORDER BY list_position({list(STATES)}, state), key LIMIT {most}""",
        **asked.values,
    )
    return [sequence_of(row) for row in rows]


_FINDINGS = f"""
    WITH found AS (
        SELECT verdict = 'fail' AS is_failure, CASE verdict WHEN 'fail' THEN severity END AS severity,
            CASE verdict WHEN 'fail' THEN rule_id ELSE message END AS subject, rule_id, message, fix,
            frame_number, file_id
        FROM {JOINED.format(table="findings")}
    )
    SELECT is_failure, severity, list_sort(list(DISTINCT rule_id)) AS rules, min(message) AS message,
        min(fix) AS fix, list_sort(list(DISTINCT frame_number)) AS frames, list(DISTINCT file_id) AS file_ids
    FROM found GROUP BY is_failure, severity, subject
    ORDER BY is_failure DESC, list_position(['error', 'warning', 'info'], severity), subject"""
_CHANNELS = f"""
    WITH measured AS (SELECT * FROM {MEASURED}),
    part_names AS (
        SELECT part_index, coalesce(min(parts.name), min(view)) AS part_name
        FROM {JOINED.format(table="parts")} GROUP BY part_index
    )
    SELECT part_index, part_name, name, min(min) AS min, avg(mean) AS mean, max(max) AS max,
        sum(nan_count + pos_inf_count + neg_inf_count)::BIGINT AS nonfinite,
        list(mean ORDER BY frame_number) AS means
    FROM measured LEFT JOIN part_names USING (part_index)
    GROUP BY part_index, part_name, name ORDER BY part_index, name"""


def section(reader: Reader, key: str) -> Section:
    """Return the stored data of a sequence in the scope."""
    found = frame_sequence(reader, key)
    assert found is not None
    findings, channels = (reader.rows(sql, **found.bounds) for sql in (_FINDINGS, _CHANNELS))
    return Section(found.summary, found.frames, findings, channels)


def thumbnails(reader: Reader, file_ids: Sequence[str]) -> dict[str, bytes]:
    """Return the stored thumbnails of files, by file_id, in the given order."""
    rows = reader.rows(
        """
        SELECT file_id, thumbnail FROM pixels
        WHERE thumbnail IS NOT NULL AND file_id IN (SELECT unnest($ids))""",
        ids=list(file_ids),
    )
    found = {row["file_id"]: bytes(row["thumbnail"]) for row in rows}
    return {file_id: found[file_id] for file_id in file_ids if file_id in found}
