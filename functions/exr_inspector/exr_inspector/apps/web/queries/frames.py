"""One sequence: its frames, their statistics, their differences, and the findings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple

from exr_inspector.apps.web.queries import sequences
from exr_inspector.apps.web.queries.attributes import value_text
from exr_inspector.catalog.duckdb.snapshot import Reader, Row
from exr_inspector.catalog.stored_document import by_file, stored_document
from exr_inspector.compare.outliers import Outlier, find_outliers, frame_facts
from exr_inspector.sequences import format_frames, gaps

MAX_FRAMES = 5_000
"""Maximum number of frames on a page."""
MAX_COMPARED = 1_500
"""Maximum number of frames to search for outliers: all of their attributes are read."""
MAX_VALUES = 6
"""Maximum number of distinct values of one fact to list."""
MAX_VALUE, MAX_STORED = 200, 2_000
"""Maximum characters of a value on the page, and of its stored JSON."""


@dataclass(frozen=True)
class Frame:
    """One file of a sequence. `status` is the column of `files`, or `writing`. Only failed findings count."""

    file_id: str
    file_path: str
    frame: int | None
    status: str
    size_bytes: int | None
    mtime: datetime | None
    etag: str | None
    thumbnail_bytes: int | None
    errors: int
    warnings: int


@dataclass(frozen=True)
class FrameSequence:
    """A sequence and its first MAX_FRAMES frames."""

    summary: sequences.Sequence
    first_rank: int
    last_rank: int
    frames: tuple[Frame, ...]

    @cached_property
    def missing(self) -> tuple[int, ...]:
        """The frames that are missing between the first and the last."""
        return gaps([each.frame for each in self.frames if each.frame is not None]) or ()

    @property
    def bounds(self) -> dict[str, Any]:
        """The parameters of OF_SEQUENCE."""
        return {"key": self.summary.key, "first": self.first_rank, "last": self.last_rank}


OF_SEQUENCE = """
    SELECT file_id, file_path, frame_number FROM files
    WHERE path_rank BETWEEN $first AND $last AND coalesce(sequence_key, file_path) = $key"""
JOINED = f"""
    (SELECT * FROM {{table}} WHERE path_rank BETWEEN $first AND $last) AS {{table}}
    JOIN ({OF_SEQUENCE}) AS of_sequence USING (file_id)"""
"""Join another table's rows to each frame. The range of ranks lets the database skip other rows."""

MEASURED = f"{JOINED.format(table='channel_stats')} WHERE NOT coalesce(is_cryptomatte, false)"
"""Join the statistics of each frame, except Cryptomatte channels, whose samples are ids."""


def frame_sequence(reader: Reader, key: str) -> FrameSequence | None:
    """Return the sequence with a key; None if it is not in the scope."""
    columns = f"{sequences.COLUMNS}, first_rank, last_rank"
    row = reader.row(f"SELECT {columns} FROM sequences WHERE key = $key", key=key)
    if row is None:
        return None
    bounds = {"key": key, "first": row["first_rank"], "last": row["last_rank"]}
    frames = reader.rows(
        f"""
        WITH of_sequence AS (
            SELECT file_id, file_path, frame_number AS frame, if(writing, 'writing', status) AS status,
                size_bytes, mtime, etag
            FROM files
            WHERE path_rank BETWEEN $first AND $last AND coalesce(sequence_key, file_path) = $key
            ORDER BY frame_number, file_path LIMIT {MAX_FRAMES}
        ),
        shown AS (
            SELECT file_id, octet_length(thumbnail) AS thumbnail_bytes FROM pixels
            WHERE path_rank BETWEEN $first AND $last
        ),
        found AS (
            SELECT file_id, count(*) FILTER (severity = 'error') AS errors,
                count(*) FILTER (severity = 'warning') AS warnings
            FROM findings WHERE path_rank BETWEEN $first AND $last AND verdict = 'fail' GROUP BY file_id
        )
        SELECT of_sequence.*, thumbnail_bytes, coalesce(errors, 0) AS errors,
            coalesce(warnings, 0) AS warnings
        FROM of_sequence LEFT JOIN shown USING (file_id) LEFT JOIN found USING (file_id)
        ORDER BY frame, file_path""",
        **bounds,
    )
    return FrameSequence(
        sequences.sequence_of(row),
        row["first_rank"],
        row["last_rank"],
        tuple(Frame(**each) for each in frames),
    )


class ChannelName(NamedTuple):
    """A channel whose pixels were measured in at least one frame."""

    part_index: int
    name: str

    @property
    def text(self) -> str:
        """The channel as a parameter of a URL."""
        return f"{self.part_index}:{self.name}"


def measured_channels(reader: Reader, found: FrameSequence) -> list[ChannelName]:
    """Return the channels with statistics, except Cryptomatte channels."""
    rows = reader.rows(
        f"""
        SELECT part_index, name FROM {MEASURED} GROUP BY part_index, name
        ORDER BY part_index, contains(name, '.'), regexp_extract(name, '(.*)[.]', 1),
            list_position(['R', 'G', 'B', 'A', 'X', 'Y', 'Z'], regexp_extract(name, '[^.]*$')), name""",
        **found.bounds,
    )
    return [ChannelName(**row) for row in rows]


STATISTICS = {
    "min": "Min",
    "p1": "1 %",
    "p50": "Median",
    "mean": "Mean",
    "p99": "99 %",
    "max": "Max",
    "nan_count": "NaN",
    "inf_count": "Infinite",
    "negative_count": "Below 0",
    "packed_bytes": "Packed bytes",
}
"""The statistics of a channel that can be plotted over the frames."""


def channel_series(reader: Reader, found: FrameSequence, channel: ChannelName) -> dict[str, Row]:
    """Return the statistics of a channel in each frame where it was measured, by `file_id`."""
    rows = reader.rows(
        f"""
        SELECT file_id, min, p1, p50, mean, p99, max, nan_count, pos_inf_count + neg_inf_count AS inf_count,
            negative_count, packed_bytes
        FROM {JOINED.format(table="channel_stats")} WHERE part_index = $part AND name = $name""",
        **found.bounds,
        part=channel.part_index,
        name=channel.name,
    )
    return {row["file_id"]: row for row in rows}


class Value(NamedTuple):
    """A value, and its frames in notation; `text` is None if the frames lack the attribute."""

    text: str | None
    frames: str


@dataclass(frozen=True)
class Variation:
    """A fact that differs between frames: its number of values, the most frequent values, and the last."""

    part_index: int | None
    name: str
    count: int
    values: tuple[Value, ...]


_WINDOW = "format('[{{}},{{}} - {{}},{{}}]', {0}_min_x, {0}_min_y, {0}_max_x, {0}_max_y)"
_FACTS = {
    "name": "name",
    "view": "view",
    "type": "type",
    "data window": _WINDOW.format("data_window"),
    "display window": _WINDOW.format("display_window"),
    "compression": "compression",
    "pixel aspect ratio": "pixel_aspect_ratio",
    "line order": "line_order",
    "tiles": "tile_width || 'x' || tile_height || ' ' || level_mode",
    "color space": "color_space",
    "program": "render_software",
}
# Attributes that `_FACTS` and the channels already show.
_SHOWN = ("channels", "chunkCount", "dataWindow", "displayWindow", "compression", "lineOrder", "preview")


def variations(reader: Reader, found: FrameSequence) -> list[Variation]:
    """Return the facts and attributes that differ among the frames whose header was read."""
    facts = " UNION ALL ".join(
        f"SELECT frame_number, part_index, '{name}' AS fact, ({value})::VARCHAR AS value, NULL AS type"
        " FROM sequence_parts"
        for name, value in _FACTS.items()
    )
    rows = reader.rows(
        f"""
        WITH sequence_parts AS (SELECT * FROM {JOINED.format(table="parts")}),
        facts AS (
            {facts}
            UNION ALL
            SELECT frame_number, part_index, 'channels', string_agg(name || ' ' || type, ', ' ORDER BY name),
                NULL
            FROM {JOINED.format(table="channels")} GROUP BY ALL
            UNION ALL
            SELECT frame_number, part_index, attr_name, coalesce(value_text, value_json),
                if(value_text IS NULL, attr_type, NULL)
            FROM {JOINED.format(table="attributes")} WHERE attr_name NOT IN (SELECT unnest($shown))
        ),
        valued AS (
            SELECT part_index, fact, value, type, list(frame_number ORDER BY frame_number) AS frames,
                count(*) OVER (PARTITION BY part_index, fact) AS value_count,
                sum(count(*)) OVER (PARTITION BY part_index, fact) AS fact_count
            FROM facts WHERE value IS NOT NULL GROUP BY part_index, fact, value, type
        ),
        total AS (SELECT count(DISTINCT file_id) AS n FROM sequence_parts)
        SELECT part_index, fact, left(value, {MAX_STORED}) AS value, type, frames, value_count,
            (SELECT list(DISTINCT frame_number) FROM sequence_parts) AS all_frames
        FROM valued, total
        WHERE value_count > 1 OR fact_count < n
        QUALIFY value_count <= {MAX_VALUES}
            OR row_number() OVER (PARTITION BY part_index, fact ORDER BY len(frames) DESC, frames[1])
                < {MAX_VALUES}
            OR row_number() OVER (PARTITION BY part_index, fact ORDER BY frames[-1] DESC) = 1
        ORDER BY part_index, fact, frames[1]""",
        **found.bounds,
        shown=list(_SHOWN),
    )
    grouped: dict[tuple[int, str], list[Row]] = defaultdict(list)
    for row in rows:
        grouped[row["part_index"], row["fact"]].append(row)
    has_parts = any(part for part, _ in grouped)
    return [_variation(part if has_parts else None, name, each) for (part, name), each in grouped.items()]


def _variation(part: int | None, name: str, rows: Sequence[Row]) -> Variation:
    count = rows[0]["value_count"]
    values = [Value(_text(row)[:MAX_VALUE], format_frames(_numbers(row["frames"]))) for row in rows]
    if count == len(rows):
        having = {frame for row in rows for frame in row["frames"]}
        lacking = [frame for frame in rows[0]["all_frames"] if frame not in having]
        if lacking:
            values.append(Value(None, format_frames(_numbers(lacking))))
    return Variation(part, name, count, tuple(values))


def _text(row: Row) -> str:
    """Return a value as the file page shows it. `type` is None unless the value is an attribute's JSON."""
    return value_text(row["fact"], row["type"], row["value"]) if row["type"] else str(row["value"])


def _numbers(frames: Iterable[int | None]) -> list[int]:
    return [each for each in frames if each is not None]


@dataclass(frozen=True)
class SequenceFinding:
    """A rule's finding in some frames, with the message of the first frame."""

    rule_id: str
    severity: str
    verdict: str
    message: str
    fix: str
    frames: str
    file_count: int


def sequence_findings(reader: Reader, found: FrameSequence) -> list[SequenceFinding]:
    """Return the findings by rule, errors first."""
    rows = reader.rows(
        f"""
        SELECT rule_id, severity, verdict, arg_min(message, frame_number) AS message,
            arg_min(fix, frame_number) AS fix, list(DISTINCT frame_number) AS frames,
            count(DISTINCT file_id) AS file_count
        FROM {JOINED.format(table="findings")} GROUP BY rule_id, severity, verdict
        ORDER BY verdict, list_position(['error', 'warning', 'info'], severity), rule_id""",
        **found.bounds,
    )
    return [SequenceFinding(**{**row, "frames": format_frames(_numbers(row["frames"]))}) for row in rows]


def frame_outliers(reader: Reader, found: FrameSequence) -> list[Outlier] | None:
    """Return the outliers of the sequence; None if it is too long to search.

    A snapshot has the look vector of only one frame of a sequence, so looks are not compared.
    """
    if len(found.frames) > MAX_COMPARED:
        return None
    frames = {each.file_id: each for each in found.frames if each.frame is not None}
    rows = {
        "parts": f"SELECT parts.* FROM {JOINED.format(table='parts')}",
        "channels": f"SELECT channels.* FROM {JOINED.format(table='channels')}",
        "attributes": f"SELECT attributes.* FROM {JOINED.format(table='attributes')}",
    }
    tables = {table: reader.rows(sql, **found.bounds) for table, sql in rows.items()}
    documents = {file_id: stored_document(rows) for file_id, rows in by_file(tables).items()}
    statistics = _statistics(reader, found)
    facts = [
        frame_facts(
            frames[file_id].frame or 0,
            {
                **document,
                "file": {"path": frames[file_id].file_path, "size_bytes": frames[file_id].size_bytes},
            },
            statistics.get(file_id),
        )
        for file_id, document in documents.items()
        if file_id in frames
    ]
    return find_outliers(facts)


def _statistics(reader: Reader, found: FrameSequence) -> dict[str, dict[str, Any]]:
    """Return the statistics for `frame_facts`, by `file_id`."""
    rows = reader.rows(
        f"""
        SELECT file_id, channel_stats.name, is_cryptomatte, mean, stddev, nan_count, pos_inf_count,
            neg_inf_count, struct_pack(p99 := p99) AS percentiles,
            struct_pack(count := coalesce(firefly_count, 0)) AS fireflies,
            struct_pack(count := coalesce(hole_count, 0)) AS holes,
            struct_pack(count := coalesce(flat_rectangle_count, 0)) AS flat_rectangles
        FROM {JOINED.format(table="channel_stats")}""",
        **found.bounds,
    )
    hashes = reader.rows(f"SELECT file_id, pixels.hash FROM {JOINED.format(table='pixels')}", **found.bounds)
    statistics: dict[str, dict[str, Any]] = {
        row["file_id"]: {"hash": row["hash"], "channels": []} for row in hashes
    }
    for row in rows:
        statistics[row["file_id"]]["channels"].append(row)
    return statistics
