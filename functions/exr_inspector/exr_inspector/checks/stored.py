"""The evidence that a DuckDB file holds: stored files are judged without being read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import pyarrow as pa

from exr_inspector.catalog.columns import TABLES
from exr_inspector.catalog.pixel_rows import stored_statistics
from exr_inspector.catalog.stored_document import whole_document
from exr_inspector.checks.judge import Evidence
from exr_inspector.location import Location

# Files whose rows are read at once.
BATCH = 1000
# The tables, and the order of a file's rows in them.
_TABLES = {
    "files": "file_id",
    "parts": "part_index",
    "channels": "part_index, channel_index",
    "attributes": "part_index, attribute_index",
    "pixels": "file_id",
    "channel_stats": "part_index, name",
}
_UNUSED = ("metadata_embedding", "channel_fingerprint", "thumbnail", "look_vector")

Row = dict[str, Any]


class Queryable(Protocol):
    """A store that answers SQL."""

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> pa.Table:
        """Return the answer. Raises InspectorError."""


class StoredFiles:
    """The files of a store, and the evidence that it has of them."""

    def __init__(self, store: Queryable) -> None:
        self._store = store
        sql = "SELECT file_path, file_path_normalized, file_id FROM files ORDER BY file_path"
        rows = store.query(sql).to_pylist()
        self.locations = [Location(row["file_path"], row["file_path_normalized"]) for row in rows]
        self._ids = {row["file_path_normalized"]: row["file_id"] for row in rows}
        # A table or column that a later release has added may be absent.
        sql = "SELECT table_name, column_name FROM information_schema.columns"
        self._columns: dict[str, list[str]] = {}
        for table, column in (row.values() for row in store.query(sql).to_pylist()):
            if column not in _UNUSED and column in TABLES.get(table, pa.schema([])).names:
                self._columns.setdefault(table, []).append(column)

    def look(self, files: Sequence[Location]) -> Iterator[Evidence]:
        """Yield the evidence of stored files, in order."""
        for start in range(0, len(files), BATCH):
            ids = [self._ids[each.canonical] for each in files[start : start + BATCH]]
            rows = {table: self._rows(table, ids) for table in _TABLES}
            for file_id in ids:
                found = {table: by_file.get(file_id, []) for table, by_file in rows.items()}
                file = {**dict.fromkeys(TABLES["files"].names), **found["files"][0]}
                pixels = found["pixels"]
                stats = stored_statistics(pixels[0], found["channel_stats"]) if pixels else None
                yield Evidence(whole_document(file, found), stats)  # type: ignore[arg-type]

    def _rows(self, table: str, file_ids: list[str]) -> dict[str, list[Row]]:
        found: dict[str, list[Row]] = {}
        if table in self._columns:
            columns = ", ".join(self._columns[table])
            where = "file_id IN (SELECT unnest(?))"
            sql = f"SELECT {columns} FROM {table} WHERE {where} ORDER BY {_TABLES[table]}"  # noqa: S608 - constants
            for row in self._store.query(sql, [file_ids]).to_pylist():
                found.setdefault(row["file_id"], []).append(row)
        return found
