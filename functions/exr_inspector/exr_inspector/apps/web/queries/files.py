"""What is stored of one file."""

from __future__ import annotations

from dataclasses import dataclass

from exr_inspector.catalog.duckdb.snapshot import Reader, Row
from exr_inspector.catalog.search import VECTORS

_VECTORS = ", ".join(sorted({each.column for each in VECTORS.values() if each.table == "files"}))
# By path first: the tables are sorted by it.
_ROWS = "SELECT * {} FROM {} WHERE file_path = $path AND file_id = $id"


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
    """Return what is stored of a file; None if no file in the scope has this id."""
    sql = f"SELECT * EXCLUDE ({_VECTORS}) FROM files WHERE file_id = $id"  # noqa: S608 - constants
    file = reader.row(sql, id=file_id)
    if file is None:
        return None

    def rows(table: str, exclude: str = "") -> list[Row]:
        return reader.rows(_ROWS.format(exclude, table), path=file["file_path"], id=file_id)

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
