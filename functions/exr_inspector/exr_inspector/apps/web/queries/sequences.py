"""Filters and lists of sequences, from the snapshot's summaries."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from typing import Any

from exr_inspector.catalog.duckdb.snapshot import Reader
from exr_inspector.catalog.duckdb.summaries import STATES

PAGE = 100
"""Maximum number of sequences on a page."""
MAX_WORDS = 20
"""Maximum number of search words for a path."""

FILTERS = (
    *("q", "layer", "attribute", "state", "program", "color_space", "compression", "resolution", "larger"),
    *("rule", "show", "under", "since"),
)
"""The names of the filter parameters, as in URLs."""

# The condition for each name.
_CONDITIONS = {
    "layer": "key IN (SELECT key FROM sequence_layers WHERE contains(lower(layer), lower($layer)))",
    "state": "state IN (SELECT unnest($state))",
    "program": "contains(lower(render_software), lower($program))",
    "color_space": "contains(lower(color_space), lower($color_space))",
    "compression": "list_contains(compressions, $compression)",
    "resolution": "width || 'x' || height = $resolution",
    "larger": "size_bytes >= $larger",
    "rule": "key IN (SELECT key FROM sequence_findings WHERE rule_id = $rule)",
    "show": "show_name = $show",
    "under": "key >= $under || '/' AND key < $under || '0'",  # "0" is the character after "/"
    "since": "changed >= $since",
}
_NAMED = """key IN (SELECT key FROM sequence_attributes
    WHERE contains(lower(attr_name), lower($attribute)) AND contains(lower(value), lower($value)))"""
_EITHER = """key IN (SELECT key FROM sequence_attributes
    WHERE contains(lower(attr_name), lower($attribute)) OR contains(lower(value), lower($attribute)))"""

_SIZE = re.compile(r"([0-9]{1,12}(?:\.[0-9]+)?)\s*([kmgt]?)(?:i?b)?", re.IGNORECASE)
_SINCE = re.compile(r"([0-9]{1,4})([hd])")


class FilterError(ValueError):
    """An invalid filter; the message says what to write."""


@dataclass(frozen=True)
class Filter:
    """A filter for sequences. `text` has the user's text for each of FILTERS, or an empty text."""

    text: Mapping[str, str]
    condition: str = "false"
    """The condition in SQL; `values` are its parameters."""
    values: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def unparsed(cls, asked: Mapping[str, str]) -> Filter:
        """Return a filter with this text that matches no sequence."""
        return cls({name: asked.get(name, "").strip() for name in FILTERS})

    @classmethod
    def parse(cls, asked: Mapping[str, str], as_of: datetime) -> Filter:
        """Return the filter for the parameters of a URL. `since` counts back from `as_of`.

        All words of `q` must be in the path; `attribute` is a name or value, or `name=value`; `state` is one
        or more of STATES with commas; `since` is like `24h`; `larger` like `1.5G`. Raises FilterError.
        """
        text = cls.unparsed(asked).text
        values: dict[str, Any] = {name: text[name] for name in _CONDITIONS if text[name]}
        conditions = [_CONDITIONS[name] for name in values]
        if "state" in values:
            values["state"] = text["state"].split(",")
        if "larger" in values:
            values["larger"] = parse_size(text["larger"])
        if "since" in values:
            values["since"] = as_of - parse_since(text["since"])
        if "under" in values:
            values["under"] = text["under"].rstrip("/")
        words = text["q"].split()
        if len(words) > MAX_WORDS:
            raise FilterError(f"the name has more than {MAX_WORDS} words")
        for index, word in enumerate(words):
            conditions.append(f"contains(lower(key), lower($word{index}))")
            values[f"word{index}"] = word
        if name := text["attribute"]:
            name, equals, value = name.partition("=")
            conditions.append(_NAMED if equals else _EITHER)
            values |= {"attribute": name.strip()} | ({"value": value.strip()} if equals else {})
        return cls(text, " AND ".join(conditions) or "true", values)

    @property
    def is_empty(self) -> bool:
        """Whether it matches all sequences."""
        return not any(self.text.values())

    def but(self, **text: str) -> dict[str, str]:
        """Return the text of this filter with the text of some names replaced."""
        return {**self.text, **text}


def parse_size(text: str) -> int:
    """Return a number of bytes: `500 MB`, `1.5g`, in powers of 1024. Raises FilterError."""
    found = _SIZE.fullmatch(text)
    if not found:
        raise FilterError(f"{text!r} is not a size; write one like 500M or 1.5G")
    return int(float(found[1]) * 1024 ** " kmgt".index(found[2].lower() or " "))


def parse_since(text: str) -> timedelta:
    """Return a time span: `24h`, `7d`. Raises FilterError."""
    found = _SINCE.fullmatch(text)
    if not found:
        raise FilterError(f"{text!r} is not a time span; write one like 24h or 7d")
    return timedelta(hours=int(found[1]) * {"h": 1, "d": 24}[found[2]])


@dataclass(frozen=True)
class Shown:
    """One file of a contact strip. `status` is the column of `files`, or `writing`."""

    file_id: str
    frame: int | None
    status: str
    has_thumbnail: bool


@dataclass(frozen=True)
class Sequence:
    """A sequence in a list: columns of `sequences`. `layer_names` are the layers of its first file.

    `width` and `height` are the size of the display window in pixels, `data_width` and `data_height` the size
    of the union of all data windows.
    """

    key: str
    name: str
    folder: str
    state: str
    show_name: str | None
    sequence: str | None
    shot: str | None
    frames: str | None
    file_count: int
    missing_frames: str | None
    missing_frame_count: int | None
    broken_frames: str | None
    incomplete_count: int
    corrupt_count: int
    unsupported_count: int
    missing_count: int
    writing_count: int
    judged_count: int
    error_findings: int
    warning_findings: int
    unknown_findings: int
    size_bytes: int | None
    width: int | None
    height: int | None
    data_width: int | None
    data_height: int | None
    part_count: int | None
    is_deep: bool | None
    layer_names: list[str] | None
    channel_count: int | None
    compressions: list[str] | None
    color_space: str | None
    render_software: str | None
    changed: datetime | None
    last_inspected: datetime | None
    contact: list[Shown]

    @property
    def is_overscan(self) -> bool:
        """Whether the data window and the display window differ in size."""
        return self.data_width is not None and (self.data_width, self.data_height) != (
            self.width,
            self.height,
        )

    @property
    def faults(self) -> list[str]:
        """The statuses of its broken files."""
        counts = {
            "corrupt": self.corrupt_count,
            "incomplete": self.incomplete_count,
            "unsupported": self.unsupported_count,
            "missing": self.missing_count,
        }
        return [status for status, count in counts.items() if count]


# Expressions for the fields of Sequence that are not columns of the table.
_EXPRESSIONS = {
    "layer_names": "list_transform(layers, lambda layer: layer.name)",
    "data_width": "data_window.max_x - data_window.min_x + 1",
    "data_height": "data_window.max_y - data_window.min_y + 1",
}
COLUMNS = ", ".join(
    f"{_EXPRESSIONS[each.name]} AS {each.name}" if each.name in _EXPRESSIONS else f'"{each.name}"'
    for each in fields(Sequence)
)
"""The columns to select from `sequences` for `sequence_of`."""


def sequence_of(row: Mapping[str, Any]) -> Sequence:
    """Return a row with COLUMNS, and optionally others, as a Sequence."""
    known = {each.name: row[each.name] for each in fields(Sequence)}
    return Sequence(**{**known, "contact": [Shown(**each) for each in row["contact"]]})


@dataclass(frozen=True)
class Sort:
    """A sort order. `sql` is never null; `kind` is its type; `falls` means descending."""

    sql: str
    kind: str = "BIGINT"
    falls: bool = True


_WORST_FIRST = f"list_position({list(STATES)}, state)"
SORTS = {
    "name": Sort("key", "VARCHAR", falls=False),
    "state": Sort(_WORST_FIRST, falls=False),
    "missing": Sort("coalesce(missing_frame_count, 0)"),
    "files": Sort("file_count"),
    "size": Sort("coalesce(size_bytes, 0)"),
    "resolution": Sort("coalesce(width * height, 0)"),
    "channels": Sort("coalesce(channel_count, 0)"),
    "findings": Sort("error_findings * 1000000 + warning_findings"),
    "changed": Sort("epoch_us(coalesce(changed, TIMESTAMP '1970-01-01'))"),
}
"""The sort orders of a list by name. Ties are sorted by key."""


@dataclass(frozen=True)
class Place:
    """The start of a page of a list: after the sequence with this sort value and key."""

    value: str
    key: str


@dataclass(frozen=True)
class Listed:
    """A page of a list. `next` is the start of the next page; None on the last page."""

    sequences: list[Sequence]
    next: Place | None


def list_sequences(reader: Reader, asked: Filter, sort: Sort, after: Place | None = None) -> Listed:
    """Return a page of the sequences that match the filter. Every page takes the same time."""
    rows = reader.rows(_listing(asked, sort, after, f"LIMIT {PAGE + 1}"), **_values(asked, after))
    last = rows[PAGE - 1] if len(rows) > PAGE else None
    place = Place(str(last["place"]), last["key"]) if last else None
    return Listed([sequence_of(row) for row in rows[:PAGE]], place)


def all_sequences(reader: Reader, asked: Filter, sort: Sort) -> Iterator[list[dict[str, Any]]]:
    """Yield all sequences that match the filter, in batches of rows."""
    return reader.batches(_listing(asked, sort, None, ""), **asked.values)


def _listing(asked: Filter, sort: Sort, after: Place | None, limit: str) -> str:
    conditions = [f"({asked.condition})"]
    if after:
        place = f"TRY_CAST($place AS {sort.kind})"
        further = f"{sort.sql} {'<' if sort.falls else '>'} {place}"
        conditions.append(f"({further} OR {sort.sql} = {place} AND key > $after)")
    return f"""
        SELECT {COLUMNS}, {sort.sql} AS place FROM sequences
        WHERE {" AND ".join(conditions)}
        ORDER BY place {"DESC" if sort.falls else "ASC"}, key {limit}"""


def _values(asked: Filter, after: Place | None) -> dict[str, Any]:
    return {**asked.values, **({"place": after.value, "after": after.key} if after else {})}


@dataclass(frozen=True)
class Count:
    """The number of sequences and files that match a filter, and their size."""

    sequences: int
    files: int
    size_bytes: int


def count_sequences(reader: Reader, asked: Filter) -> Count:
    """Return the number of sequences and files that match the filter, and their size."""
    row = reader.row(
        f"""
        SELECT count(*) AS sequences, coalesce(sum(file_count), 0)::BIGINT AS files,
            coalesce(sum(size_bytes), 0)::BIGINT AS size_bytes
        FROM sequences WHERE {asked.condition}""",
        **asked.values,
    )
    return Count(**(row or {}))


# The values to choose from: the most frequent values.
_CHOICES = {
    "program": "SELECT render_software AS value FROM sequences",
    "color_space": "SELECT color_space AS value FROM sequences",
    "compression": "SELECT unnest(compressions) AS value FROM sequences",
    "resolution": "SELECT width || 'x' || height AS value FROM sequences",
    "layer": "SELECT layer AS value FROM sequence_layers",
    "attribute": "SELECT attr_name AS value FROM sequence_attributes",
}
MAX_CHOICES = 40


def choices(reader: Reader) -> dict[str, list[str]]:
    """Return the most frequent values for the filters, in alphabetical order."""
    found = {}
    for name, values in _CHOICES.items():
        rows = reader.rows(f"""
            SELECT value FROM ({values}) WHERE value <> '' GROUP BY value
            ORDER BY count(*) DESC, value LIMIT {MAX_CHOICES}""")
        found[name] = sorted(row["value"] for row in rows)
    return found
