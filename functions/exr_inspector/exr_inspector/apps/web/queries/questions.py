"""Answers to the questions of `apps/questions`, and the properties of their columns."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any, Literal, NamedTuple

from exr_inspector.apps.questions.question import EMPTY, Question
from exr_inspector.catalog.duckdb.snapshot import Reader, Row

# These questions need the vectors of every frame; a snapshot has only those of the first frame.
NEEDS_ALL_VECTORS = frozenset({"odd-headers", "look-jumps"})

_KINDS: Mapping[str, Kind] = {
    "sequence_key": "sequence",
    "sequence_or_file": "sequence",
    "file_path": "file",
    "status": "status",
}
_FRAMES = re.compile(r"frames(_without|_with)?")
# Numbers that are identifiers or positions, not measures.
_PLACES = re.compile(r"(frame_number|first_.*|last_.*|x|y|width|height|.*_side|.*version|millimetres|value)")

Kind = Literal["sequence", "file", "status", "frames", "bytes", "measure", "number", "text"]


class Column(NamedTuple):
    """A column of an answer. `most` is its largest value if the values are measures and differ."""

    name: str
    kind: Kind
    most: float = 0


@dataclass(frozen=True)
class Answer:
    """The rows of an answer. `reason` explains an empty answer."""

    columns: list[Column]
    rows: list[Row]
    is_cut: bool
    """Whether there are more rows."""
    reason: str = ""


def answer(reader: Reader, question: Question, values: Mapping[str, object], most: int) -> Answer:
    """Return up to `most` rows of an answer. Raises InspectorError, BAD_QUERY for an invalid value."""
    rows = reader.answer(*question.bind(values), most + 1)
    columns = [_column(name, [row[name] for row in rows]) for name in (rows[0] if rows else ())]
    return Answer(columns, rows[:most], len(rows) > most, "" if rows else _reason(reader, question, values))


def _reason(reader: Reader, question: Question, values: Mapping[str, object]) -> str:
    for table, (sql, parameters) in question.counts(values).items():
        if not reader.answer(sql, parameters, 1)[0]["n"]:
            return EMPTY[table]
    return "nothing found"


def _column(name: str, values: Sequence[Any]) -> Column:
    present = [value for value in values if value is not None]
    is_numeric = bool(present) and all(
        isinstance(value, Real) and not isinstance(value, bool) for value in present
    )
    if is_numeric and _PLACES.fullmatch(name):
        return Column(name, "number")
    if is_numeric:
        is_uniform = min(present) == max(present)
        return Column(name, "bytes" if "bytes" in name else "measure", 0 if is_uniform else max(present))
    if _FRAMES.fullmatch(name):
        return Column(name, "frames")
    return Column(name, _KINDS.get(name, "text"))
