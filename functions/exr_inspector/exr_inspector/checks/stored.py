"""The evidence that a DuckDB file holds: stored files are judged without being read.

Findings can be stored too, with the fields of the paths from the show configuration.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import pyarrow as pa

from exr_inspector.catalog.columns import TABLES
from exr_inspector.catalog.facets import FACETS, FileRows, facet_row
from exr_inspector.catalog.finding_rows import with_findings
from exr_inspector.catalog.pixel_rows import stored_statistics
from exr_inspector.catalog.search import StoredRows
from exr_inspector.catalog.store import Sink
from exr_inspector.catalog.stored_document import whole_document
from exr_inspector.checks.judge import Evidence
from exr_inspector.location import Location
from exr_inspector.policy.model import Validation
from exr_inspector.sequences import PATH_COLUMNS
from exr_inspector.shows import Shows

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


class QueryStore(Sink, Protocol):
    """A store that answers SQL."""

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> pa.Table:
        """Return the answer. Raises InspectorError."""


def stored_evidence(rows: StoredRows) -> Evidence:
    """Return the evidence in all rows of a file, by table. Tables of details may be empty."""
    (file,), pixels = rows["files"], rows["pixels"]
    stats = stored_statistics(pixels[0], rows["channel_stats"]) if pixels else None
    return Evidence(whole_document(file, rows), stats)  # type: ignore[arg-type]


class StoredFiles:
    """The files of a store, and the evidence that it has of them. With `shows`, `keep` stores findings.

    With `with_looks`, statistics have `look` as `pixels.stats.source_stats` gives it, without the thumbnail.
    """

    def __init__(self, store: QueryStore, shows: Shows | None = None, *, with_looks: bool = False) -> None:
        self._store = store
        self._shows = shows
        self._tables = [*_TABLES, *(["facets"] if shows else [])]
        if shows:
            store.ensure_tables()
        sql = "SELECT file_path, file_path_normalized, file_id FROM files ORDER BY file_path"
        rows = store.query(sql).to_pylist()
        self.locations = [Location(row["file_path"], row["file_path_normalized"]) for row in rows]
        self._ids = {row["file_path_normalized"]: row["file_id"] for row in rows}
        # A table or column that a later release has added may be absent.
        sql = "SELECT table_name, column_name FROM information_schema.columns"
        self._columns: dict[str, list[str]] = {}
        for table, column in (row.values() for row in store.query(sql).to_pylist()):
            is_wanted = column not in _UNUSED or (shows and table == "files")
            is_look = with_looks and column == "look_vector"
            if column in TABLES.get(table, pa.schema([])).names and (is_wanted or is_look):
                self._columns.setdefault(table, []).append(column)
        self._held: dict[str, dict[str, list[Row]]] = {}
        self._judged: list[FileRows] = []

    def look(self, files: Sequence[Location]) -> Iterator[Evidence]:
        """Yield the evidence of stored files, in order."""
        for start in range(0, len(files), BATCH):
            ids = [self._ids[each.canonical] for each in files[start : start + BATCH]]
            rows = {table: self._rows(table, ids) for table in self._tables}
            for file_id in ids:
                found = {table: by_file.get(file_id, []) for table, by_file in rows.items()}
                found["files"] = [{**dict.fromkeys(TABLES["files"].names), **found["files"][0]}]
                self._held = {file_id: found}
                yield stored_evidence(found)

    def keep(self, location: Location, validation: Validation) -> None:
        """Keep the findings of the file that `look` yielded last, to store them later."""
        assert self._shows is not None
        file_id = self._ids[location.canonical]
        rows = self._held[file_id]
        (file,), facets = rows["files"], {row["facet"]: row["input_hash"] for row in rows["facets"]}
        said = self._shows.describe(location.path).fields
        path_columns = {column: said.get(name) for name, column in PATH_COLUMNS.items()}
        has_changed = any(file[column] != value for column, value in path_columns.items())
        header = {table: rows[table] for table in FACETS["header"].tables if table != "files"}
        header["facets"] = [facet_row(FACETS["header"], file, file["facts_hash"])]
        delivery = FileRows(file_id, {**header, "files": [{**file, **path_columns}]})
        policies = [[each["id"], each["hash"]] for each in validation["policies"]]
        inputs: list[Any] = [policies, facets.get("pixels"), []]
        judged = with_findings(delivery, validation, inputs, facets.get("policy"))
        if judged is not delivery or has_changed:
            self._judged.append(judged)
        if len(self._judged) >= BATCH:
            self.flush()

    def flush(self) -> None:
        """Store the kept findings in one transaction. Raises InspectorError."""
        if self._judged:
            self._store.upsert(self._judged)
        self._judged = []

    def _rows(self, table: str, file_ids: list[str]) -> dict[str, list[Row]]:
        found: dict[str, list[Row]] = {}
        if table in self._columns:
            columns, order = ", ".join(self._columns[table]), _TABLES.get(table, "facet")
            where = "file_id IN (SELECT unnest(?))"
            sql = f"SELECT {columns} FROM {table} WHERE {where} ORDER BY {order}"  # noqa: S608 - constants
            for row in self._store.query(sql, [file_ids]).to_pylist():
                found.setdefault(row["file_id"], []).append(row)
        return found
