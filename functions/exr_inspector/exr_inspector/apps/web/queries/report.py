"""The contents of a report."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from exr_inspector.apps.web.queries.compare import evenly
from exr_inspector.apps.web.queries.frames import JOINED, MEASURED, Frame, frame_sequence
from exr_inspector.apps.web.queries.sequences import COLUMNS, Filter, sequence_of
from exr_inspector.apps.web.queries.sequences import Sequence as Listed
from exr_inspector.apps.web.queries.whole import whole_findings
from exr_inspector.catalog.duckdb.snapshot import Reader, Row
from exr_inspector.catalog.duckdb.summaries import STATES
from exr_inspector.errors import InspectorError
from exr_inspector.policy.model import SEVERITIES
from exr_inspector.settings import Settings

if TYPE_CHECKING:
    from exr_inspector.checks.report import CheckFinding

TOO_LONG = "it is too long; `exr-inspector check --db` does it"


@dataclass(frozen=True)
class Section:
    """One sequence. Its state is `failing` if an error is found in the sequence as a whole.

    `findings` has one finding for each failed rule, and one for each reason why rules are unknown. Those of
    the sequence as a whole are also in `whole`; `unchecked` says why there are none.
    """

    sequence: Listed
    files: tuple[Frame, ...]
    findings: list[Row]
    channels: list[Row]
    whole: Sequence[CheckFinding]
    unchecked: str

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


def section(reader: Reader, key: str, settings: Settings) -> Section:
    """Return the stored data of a sequence in the scope, and what is found in it as a whole."""
    found = frame_sequence(reader, key)
    assert found is not None
    findings, channels = (reader.rows(sql, **found.bounds) for sql in (_FINDINGS, _CHANNELS))
    whole: Sequence[CheckFinding] = ()
    unchecked = ""
    try:
        checked = whole_findings(reader, found, settings)
        whole, unchecked = checked or (), TOO_LONG if checked is None else ""
    except InspectorError as error:
        unchecked = error.message
    files = {each.frame: each.file_id for each in found.frames}
    rows = sorted([*(_row(each, files) for each in whole), *findings], key=_gravity)
    has_error = any(each["verdict"] == "fail" and each["severity"] == "error" for each in whole)
    is_failing = has_error and found.summary.state != "broken"
    summary = replace(found.summary, state="failing") if is_failing else found.summary
    return Section(summary, found.frames, rows, channels, whole, unchecked)


def _row(found: CheckFinding, files: Mapping[int | None, str]) -> Row:
    """Return a finding in a sequence like those of its files."""
    is_failure = found["verdict"] == "fail"
    return {
        "is_failure": is_failure,
        "severity": found["severity"] if is_failure else None,
        "rules": [found["rule_id"]],
        "message": found["message"],
        "fix": found["fix"],
        "frames": found["frames"],
        "file_ids": [files[each] for each in found["frames"] if each in files],
    }


def _gravity(row: Row) -> int:
    return SEVERITIES.index(row["severity"]) if row["is_failure"] else len(SEVERITIES)


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
