"""The stored rows of one file."""

from __future__ import annotations

from dataclasses import dataclass

from exr_inspector.catalog.duckdb.snapshot import Reader, Row
from exr_inspector.catalog.search import VECTORS

_VECTORS = ", ".join(sorted({each.column for each in VECTORS.values() if each.table == "files"}))
# The tables are sorted by `path_rank`.
_ROWS = "SELECT * {} FROM {} WHERE path_rank = $rank"


@dataclass(frozen=True)
class StoredFile:
    """The rows of one file, by table. `pixels` is None if they were not measured."""

    file: Row
    parts: list[Row]
    channels: list[Row]
    attributes: list[Row]
    facets: dict[str, Row]
    findings: list[Row]
    pixels: Row | None
    channel_stats: list[Row]
    deep_stats: list[Row]
    cryptomattes: list[Row]

    @property
    def path(self) -> str:
        """The path as it is stored."""
        return str(self.file["file_path"])


def stored_file(reader: Reader, file_id: str) -> StoredFile | None:
    """Return the stored rows of a file; None if no file in the scope has this id."""
    rank = reader.rank(file_id)
    if rank is None:
        return None

    def rows(table: str, exclude: str = "") -> list[Row]:
        return reader.rows(_ROWS.format(exclude, table), rank=rank)

    file, *_ = rows("files", f"EXCLUDE ({_VECTORS})")

    return StoredFile(
        file,
        rows("parts"),
        rows("channels"),
        rows("attributes"),
        {row["facet"]: row for row in rows("facets")},
        rows("findings"),
        next(iter(rows("pixels", "EXCLUDE (thumbnail, look_vector)")), None),
        rows("channel_stats"),
        rows("deep_stats"),
        rows("cryptomattes"),
    )


def cryptomatte_objects(
    reader: Reader, found: StoredFile, limit: int | None
) -> dict[tuple[str, str], list[Row]]:
    """Return the objects of each Cryptomatte by (key, view), in descending order of coverage."""
    sql = """
        SELECT * FROM cryptomatte_objects WHERE path_rank = $rank
        QUALIFY row_number() OVER (
            PARTITION BY key, view ORDER BY area DESC NULLS LAST, name, object_id) <= coalesce($limit, 5000)
        ORDER BY key, view, area DESC NULLS LAST, name, object_id"""
    objects: dict[tuple[str, str], list[Row]] = {}
    if found.cryptomattes:
        for row in reader.rows(sql, rank=found.file["path_rank"], limit=limit):
            objects.setdefault((row["key"], row["view"]), []).append(row)
    return objects


@dataclass(frozen=True)
class Neighbors:
    """The previous and next frame of a file in its sequence; None if there is none."""

    previous: Row | None
    following: Row | None


def neighbors(reader: Reader, found: StoredFile) -> Neighbors:
    """Return the frames before and after a file in its sequence."""
    key, frame = found.file["sequence_key"], found.file["frame_number"]
    if not key or frame is None:
        return Neighbors(None, None)
    bounds = reader.row("SELECT first_rank, last_rank FROM sequences WHERE key = $key", key=key) or {}
    sql = """
        SELECT file_id, frame_number FROM files
        WHERE path_rank BETWEEN $first_rank AND $last_rank AND sequence_key = $key AND frame_number {} $frame
        ORDER BY frame_number {} LIMIT 1"""
    bounds |= {"key": key, "frame": frame}
    return Neighbors(
        reader.row(sql.format("<", "DESC"), **bounds), reader.row(sql.format(">", "ASC"), **bounds)
    )
