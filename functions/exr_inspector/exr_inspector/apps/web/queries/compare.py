"""Compare the stored rows of two sequences or two files."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, cast

from exr_inspector.apps.cli.values import change_text, readable_window
from exr_inspector.apps.web.queries.sequences import COLUMNS, sequence_of
from exr_inspector.apps.web.queries.sequences import Sequence as Listed
from exr_inspector.apps.web.templating import size
from exr_inspector.catalog.duckdb.snapshot import Reader, Row
from exr_inspector.catalog.search import VECTORS
from exr_inspector.catalog.stored_document import whole_document
from exr_inspector.compare.files import diff_documents
from exr_inspector.compare.sequences import (
    VERSION,
    Frame,
    SequenceDiff,
    SequencePair,
    pair_frames,
    summarize,
    versionless,
)
from exr_inspector.document.model import Document
from exr_inspector.sequences import Group, format_frames

MAX_HEADERS = 24
"""Maximum number of frames whose headers are compared, including the first and the last."""
MAX_FRAMES = 5000
"""Maximum number of frames of a sequence that are compared."""
MAX_TEXT = 500
"""Maximum characters of a value."""
MAX_VERSIONS = 100
MAX_CANDIDATES = 5000
"""Maximum number of sequences that are searched for other versions by name."""

_VECTORS = ", ".join(sorted({each.column for each in VECTORS.values() if each.table == "files"}))


@dataclass(frozen=True)
class Side:
    """One side: the rows of its files in order of frames. `key` names a sequence or a file."""

    key: str
    files: list[Row]

    @property
    def statuses(self) -> dict[str, int]:
        """The number of files by status."""
        return dict(sorted(Counter(row["status"] for row in self.files).items()))

    @property
    def size_bytes(self) -> int:
        return sum(row["size_bytes"] or 0 for row in self.files)


_FILES = f"""
    SELECT * EXCLUDE ({_VECTORS}, status), if(writing, 'writing', status) AS status, frame_number AS frame
    FROM files WHERE {{}} ORDER BY frame_number, file_path LIMIT {MAX_FRAMES}"""


def side(reader: Reader, name: str) -> Side | None:
    """Return the files of a sequence key, or the file at a path; None if neither is in the scope."""
    found = reader.row("SELECT first_rank, last_rank FROM sequences WHERE key = $key", key=name)
    if found:
        condition = "path_rank BETWEEN $first AND $last AND coalesce(sequence_key, file_path) = $key"
        bounds = {"key": name, "first": found["first_rank"], "last": found["last_rank"]}
        return Side(name, reader.rows(_FILES.format(condition), **bounds))
    files = reader.rows(_FILES.format("file_path = $path"), path=name)
    return Side(name, files) if files else None


@dataclass(frozen=True)
class Channel:
    """The statistics of a channel over the common frames; None if a side has no statistics."""

    part_index: int
    name: str
    frames: int
    a: Row | None
    b: Row | None
    different: list[int]
    """The frames whose pixel hashes differ."""
    unknown: int
    """The number of frames with a missing hash."""

    @property
    def change(self) -> float | None:
        """The change of the mean relative to the mean of `a`; None if that is 0 or missing."""
        means = [each["mean"] if each else None for each in (self.a, self.b)]
        return (means[1] - means[0]) / abs(means[0]) if means[0] and means[1] is not None else None


@dataclass(frozen=True)
class Comparison:
    """The result of a comparison. `frames` are pairs of files, one for each common frame."""

    a: Side
    b: Side
    frames: list[tuple[int | None, Row, Row]]
    difference: SequenceDiff
    headers: int
    """The number of pairs whose headers were compared."""
    documents: tuple[Document, Document] | None
    """The first pair of files that both have a header."""
    channels: list[Channel]

    @cached_property
    def different(self) -> list[int]:
        """The frames in which the pixels of a channel differ."""
        return sorted({frame for each in self.channels for frame in each.different})

    @cached_property
    def layers(self) -> tuple[list[str], list[str], list[str]]:
        """The layers of both sides, of `a` only and of `b` only; empty for channels without a layer."""
        if not self.documents:
            return [], [], []
        a, b = ({each["layer_name"] or "" for each in document["channels"]} for document in self.documents)
        return sorted(a & b), sorted(a - b), sorted(b - a)


class Fact(NamedTuple):
    """A fact of both sides, as text."""

    label: str
    a: str
    b: str


def facts(found: Comparison) -> list[Fact]:
    """Return the facts at the top of the comparison."""
    values = [
        _facts(side, found.documents[index] if found.documents else None)
        for index, side in enumerate((found.a, found.b))
    ]
    return [Fact(label, *(each[label] for each in values)) for label in values[0]]


def _facts(side: Side, document: Document | None) -> dict[str, str]:
    parts: Sequence[Any] = document["parts"] if document else ()
    channels = document["channels"] if document else ()

    def every(of_part: Callable[[Any], object]) -> str:
        return ", ".join(dict.fromkeys(str(value) for part in parts if (value := of_part(part)) is not None))

    mtimes = [row["mtime"] for row in side.files if row["mtime"]]
    return {
        "Frames": format_frames(row["frame"] for row in side.files if row["frame"] is not None),
        "Status": ", ".join(f"{count:,} {status}" for status, count in side.statuses.items()),
        "Size": size(side.size_bytes),
        "Size of a file": size(side.size_bytes / len(side.files)),
        "Last modified": max(mtimes).strftime("%Y-%m-%d %H:%M") if mtimes else "",
        "Resolution": every(lambda part: f"{part['display_width']}x{part['display_height']}"),
        "Data window": every(lambda part: part["data_window"] and readable_window(part["data_window"])),
        "Parts": str(len(parts)) if parts else "",
        "Channels": str(len(channels)) if channels else "",
        "Compression": every(lambda part: part["compression"]),
        "Color space": every(lambda part: part["color_space"]),
        "Program": every(lambda part: part["render_software"]),
    }


def value_text(what: str, value: Any) -> str:
    """Return the `before` or `after` value of a header change as text, truncated if it is long."""
    text = change_text(what, value)
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}… ({len(text):,} characters)"


def compare(reader: Reader, a: Side, b: Side) -> Comparison:
    """Compare two sequences, or two files regardless of their frame numbers."""
    is_single = len(a.files) == len(b.files) == 1
    pair = SequencePair(_group(a, is_single), _group(b, is_single))
    frames = [
        (each.frame, each.a, each.b)
        for each in pair_frames(pair)
        if each.a is not None and each.b is not None
    ]
    chosen = evenly(frames, MAX_HEADERS)
    documents = _documents(reader, [row for _, *rows in chosen for row in rows])
    pairs = [
        (frame, documents[ours["file_id"]], documents[theirs["file_id"]]) for frame, ours, theirs in chosen
    ]
    diffs = ((frame, diff_documents(ours, theirs)) for frame, ours, theirs in pairs)
    compared = (Frame(frame, found["status"], found["header"], None) for frame, found in diffs)
    readable = ((ours, theirs) for _, ours, theirs in pairs if ours["parts"] and theirs["parts"])
    return Comparison(
        a, b, frames, summarize(pair, compared), len(chosen), next(readable, None), _channels(reader, frames)
    )


def _group(side: Side, is_single: bool) -> Group[Row]:
    """Return the files of a side by frame. Two single files are paired regardless of their frame numbers."""
    return Group(side.key, tuple(side.files), () if is_single else tuple(row["frame"] for row in side.files))


def evenly(items: Sequence[Any], most: int) -> list[Any]:
    """Return up to `most` evenly spaced items, including the first and the last."""
    if len(items) <= most:
        return list(items)
    return [items[index * (len(items) - 1) // (most - 1)] for index in range(most)]


def _documents(reader: Reader, files: Iterable[Row]) -> dict[str, Document]:
    by_id = {row["file_id"]: row for row in files}
    stored = reader.stored_rows(list(by_id)) if by_id else {}
    nothing: dict[str, list[Row]] = {"parts": [], "channels": [], "attributes": []}
    return {
        file_id: cast("Document", whole_document(row, stored.get(file_id, nothing)))
        for file_id, row in by_id.items()
    }


_SUMS = """min({0}.min) AS min_{0}, max({0}.max) AS max_{0}, avg({0}.mean) AS mean_{0},
    sum({0}.nan_count + {0}.pos_inf_count + {0}.neg_inf_count)::BIGINT AS nonfinite_{0},
    avg({0}.packed_bytes) AS packed_{0}, count({0}.name) AS frames_{0}"""
_STATS = """
    SELECT pairs.place, pairs.frame, s.* FROM channel_stats s
    JOIN pairs ON s.file_path = pairs.{0}"""
_CHANNELS = f"""
    WITH pairs AS (
        SELECT unnest($frames) AS frame, unnest($a) AS a, unnest($b) AS b, unnest($places) AS place
    ),
    a AS ({_STATS.format("a")}), b AS ({_STATS.format("b")})
    SELECT part_index, name, count(DISTINCT place) AS frames, {_SUMS.format("a")}, {_SUMS.format("b")},
        count(*) FILTER (a.hash IS NULL OR b.hash IS NULL) AS unknown,
        list(coalesce(a.frame, b.frame)) FILTER (a.hash <> b.hash) AS different
    FROM a FULL JOIN b USING (place, part_index, name)
    GROUP BY part_index, name ORDER BY part_index, name"""


def _channels(reader: Reader, frames: Sequence[tuple[int | None, Row, Row]]) -> list[Channel]:
    if not frames:
        return []
    rows = reader.rows(
        _CHANNELS,
        frames=[frame if frame is not None else 0 for frame, *_ in frames],
        a=[ours["file_path"] for _, ours, _ in frames],
        b=[theirs["file_path"] for _, _, theirs in frames],
        places=list(range(len(frames))),
    )

    def part(row: Row, name: str) -> Row | None:
        keys = ("min", "max", "mean", "nonfinite", "packed")
        return {key: row[f"{key}_{name}"] for key in keys} if row[f"frames_{name}"] else None

    return [
        Channel(
            row["part_index"], row["name"], row["frames"], part(row, "a"), part(row, "b"),
            sorted(row["different"] or ()), row["unknown"],
        )
        for row in rows
    ]  # fmt: skip


def other_versions(reader: Reader, key: str) -> list[Listed]:
    """Return the other versions of a sequence, newest first.

    Versions share the fields of the show, or else differ only in the version in the name. Return nothing for
    a name without a version.
    """
    fields = """show_name, shot, coalesce("sequence", ''), coalesce("pass", '')"""
    rows = reader.rows(
        f"""
        WITH mine AS (FROM sequences WHERE key = $key)
        SELECT {COLUMNS} FROM sequences
        WHERE ({fields}) = (SELECT ({fields}) FROM mine) AND version <> (SELECT version FROM mine)
        ORDER BY key LIMIT {MAX_VERSIONS}""",
        key=key,
    )
    version = VERSION.search(key)
    if not rows and version:
        named = reader.rows(
            f"""
            SELECT {COLUMNS} FROM sequences WHERE starts_with(key, $start) AND key <> $key
            ORDER BY key LIMIT {MAX_CANDIDATES}""",
            start=key[: version.start()],
            key=key,
        )
        rows = [row for row in named if versionless(row["key"]) == versionless(key)]
    return sorted(map(sequence_of, rows), key=lambda each: in_order(each.key), reverse=True)[:MAX_VERSIONS]


class Version(NamedTuple):
    """A version to compare with. `name` is its key, or the path of its file with the same frame."""

    sequence: Listed
    name: str


def versions(reader: Reader, a: Side) -> list[Version]:
    """Return the other versions of a sequence; for a file in a sequence, their files with the same frame."""
    file = a.files[0]
    if a.key != file["file_path"] or file["sequence_key"] is None:
        return [Version(each, each.key) for each in other_versions(reader, a.key)]
    found = {each.key: each for each in other_versions(reader, file["sequence_key"])}
    rows = reader.rows(
        """
        SELECT sequence_key, file_path FROM files
        WHERE frame_number = $frame AND sequence_key IN (SELECT unnest($keys))""",
        frame=file["frame"],
        keys=list(found),
    )
    paths = {row["sequence_key"]: row["file_path"] for row in rows}
    return [Version(each, paths[key]) for key, each in found.items() if key in paths]


def in_order(name: str) -> list[tuple[int, str]]:
    """Return a natural sort key: v9 before v10."""
    return [(int(each) if each.isdigit() else -1, each) for each in re.split("([0-9]+)", name)]
