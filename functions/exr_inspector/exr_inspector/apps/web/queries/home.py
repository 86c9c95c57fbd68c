"""Recent changes, totals and disk usage."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime
from itertools import groupby, takewhile
from typing import Any, Literal

from exr_inspector.apps.web.queries.sequences import COLUMNS, Filter, Sequence, sequence_of
from exr_inspector.catalog.duckdb.snapshot import Reader
from exr_inspector.catalog.duckdb.summaries import STATES

Kind = Literal["broken", "complete", "writing"]

KINDS: dict[Kind, tuple[str, ...]] = {
    "broken": ("broken", "failing"),
    "complete": ("warning", "unjudged", "ok"),
    "writing": ("writing",),
}
"""The states of sequences that are grouped together."""

SHOWN = 8
"""Maximum number of sequences of one kind."""
LARGEST = 10
"""Maximum number of rows in a list of disk usage."""


@dataclass(frozen=True)
class Shot:
    """Sequences of one shot, or of one folder if no show configuration defines shots."""

    name: str
    sequences: list[Sequence]


@dataclass(frozen=True)
class Changes:
    """The changed sequences of one kind: the most recent, by shot, and the total count."""

    count: int
    shots: list[Shot]


def changes(reader: Reader, asked: Filter) -> dict[Kind, Changes]:
    """Return the changed sequences that match the filter, by kind."""
    kind = " ".join(
        f"WHEN state IN {states} THEN '{kind}'"
        if len(states) > 1
        else f"WHEN state = '{states[0]}' THEN '{kind}'"
        for kind, states in KINDS.items()
    )
    rows = reader.rows(
        f"""
        WITH placed AS (
            SELECT key, kind, count(*) OVER (PARTITION BY kind) AS total,
                row_number() OVER (PARTITION BY kind ORDER BY changed DESC NULLS LAST, key) AS place
            FROM (SELECT key, changed, CASE {kind} END AS kind FROM sequences WHERE {asked.condition})
        )
        SELECT kind, total, {COLUMNS} FROM sequences JOIN placed USING (key)
        WHERE place <= {SHOWN} ORDER BY kind, key""",
        **asked.values,
    )
    found = {kind: [row for row in rows if row["kind"] == kind] for kind in KINDS}
    return {
        kind: Changes(of_kind[0]["total"] if of_kind else 0, _by_shot(map(sequence_of, of_kind)))
        for kind, of_kind in found.items()
    }


def _by_shot(sequences: Iterable[Sequence]) -> list[Shot]:
    by_name = groupby(sorted(sequences, key=lambda each: (_shot(each), each.key)), _shot)
    return [Shot(name, list(of_shot)) for name, of_shot in by_name]


def _shot(sequence: Sequence) -> str:
    named = [each for each in (sequence.show_name, sequence.sequence, sequence.shot) if each]
    return " / ".join(named) if sequence.shot else sequence.folder


@dataclass(frozen=True)
class Total:
    """Sums over some sequences. `states` are numbers of sequences in the order of STATES.

    `name` is None for the overall sum, and for files directly in the folder.
    """

    name: str | None
    sequences: int
    files: int
    size_bytes: int
    states: list[int]
    missing_frames: int
    ok_count: int
    incomplete_count: int
    corrupt_count: int
    unsupported_count: int
    missing_count: int
    writing_count: int
    judged_count: int
    error_findings: int
    warning_findings: int
    unknown_findings: int
    changed: datetime | None


_SUMMED = [each.name for each in fields(Total) if each.name.endswith(("_count", "_findings"))]
_SUMS = ", ".join(
    [
        "count(*) AS sequences",
        "coalesce(sum(file_count), 0)::BIGINT AS files",
        "coalesce(sum(size_bytes), 0)::BIGINT AS size_bytes",
        f"[{', '.join(f'count(*) FILTER (state = {state!r})' for state in STATES)}] AS states",
        "coalesce(sum(missing_frame_count), 0)::BIGINT AS missing_frames",
        *(f"coalesce(sum({name}), 0)::BIGINT AS {name}" for name in _SUMMED),
        "max(changed) AS changed",
    ]
)


def overall(reader: Reader, asked: Filter) -> Total:
    """Return the sums over the sequences that match the filter."""
    return _totals(reader, asked, "NULL", "")[0]


def by_show(reader: Reader, asked: Filter) -> list[Total]:
    """Return sums by show, the largest first, without sequences that have no show name."""
    return [each for each in _totals(reader, asked, "show_name") if each.name]


def by_folder(reader: Reader, asked: Filter, folder: str) -> list[Total]:
    """Return sums by subfolder, the largest first."""
    start = len(folder) + 2
    rest = f"substr(key, {start})"
    return _totals(reader, asked, f"CASE WHEN contains({rest}, '/') THEN split_part({rest}, '/', 1) END")


def _totals(reader: Reader, asked: Filter, name: str, group: str = "GROUP BY ALL") -> list[Total]:
    rows = reader.rows(
        f"""
        SELECT {name} AS name, {_SUMS} FROM sequences WHERE {asked.condition}
        {group} ORDER BY size_bytes DESC, name""",
        **asked.values,
    )
    return [Total(**row) for row in rows]


def common_folder(reader: Reader, asked: Filter) -> str:
    """Return the deepest common folder of the sequences that match the filter; empty if there is none."""
    row = reader.row(
        f"SELECT min(folder) AS first, max(folder) AS last FROM sequences WHERE {asked.condition}",
        **asked.values,
    )
    if not row or row["first"] is None:
        return ""
    both = zip(row["first"].split("/"), row["last"].split("/"), strict=False)
    return "/".join(one for one, _ in takewhile(lambda steps: steps[0] == steps[1], both))


@dataclass(frozen=True)
class Space:
    """The estimated disk usage of a compression or layer; `name` is None if unknown."""

    name: str | None
    sequences: int
    size_bytes: int


def space(reader: Reader, asked: Filter, by: Literal["compression", "layer"]) -> list[Space]:
    """Return the disk usage of the sequences that match the filter, the largest first."""
    rows = reader.rows(
        f"""
        SELECT "{by}" AS name, count(DISTINCT key) AS sequences,
            coalesce(sum(size_bytes), 0)::BIGINT AS size_bytes
        FROM sequence_layers WHERE key IN (SELECT key FROM sequences WHERE {asked.condition})
        GROUP BY ALL ORDER BY size_bytes DESC, name LIMIT {LARGEST}""",
        **asked.values,
    )
    return [Space(**row) for row in rows]


@dataclass(frozen=True)
class Rule:
    """The findings of a rule: the number of sequences and files, and a sample message."""

    rule_id: str
    severity: str
    verdict: str
    sequences: int
    files: int
    message: str


def rules(reader: Reader, asked: Filter) -> list[Rule]:
    """Return the rules with the most findings in the matching sequences, the most severe first."""
    rows: list[dict[str, Any]] = reader.rows(
        f"""
        SELECT rule_id, severity, verdict, count(DISTINCT key) AS sequences,
            sum(file_count)::BIGINT AS files, min(message) AS message
        FROM sequence_findings WHERE key IN (SELECT key FROM sequences WHERE {asked.condition})
        GROUP BY rule_id, severity, verdict
        ORDER BY verdict, list_position(['error', 'warning', 'info'], severity), files DESC, rule_id
        LIMIT {LARGEST}""",
        **asked.values,
    )
    return [Rule(**row) for row in rows]
