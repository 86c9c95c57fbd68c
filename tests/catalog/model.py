"""A Store in memory that executes plans, so that decisions can be tested without a database."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from exr_inspector.catalog.facets import FACETS, Facets, Row
from exr_inspector.catalog.plan import Outcome, Plan, Removal, Stored, StoredFile, Write, plan, stored_files

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pyarrow as pa

    from exr_inspector.catalog.facets import FileRows
    from exr_inspector.catalog.search import By, Match, Search, StoredRows
    from exr_inspector.catalog.store import Result

START = datetime(2026, 10, 1)  # noqa: DTZ001 - UTC, as the tables hold it


class ModelStore:
    name = "model"
    commits = True

    def __init__(self, facets: Facets = FACETS) -> None:
        self.facets = facets
        self.tables: dict[str, list[Row]] = defaultdict(list)
        self._writes = itertools.count(1)

    def ensure_tables(self) -> None:
        """There is nothing to create."""

    def upsert(self, files: Sequence[FileRows], removals: Sequence[Removal] = ()) -> list[Outcome]:
        return self.execute(self.plan(files, removals))

    def plan(self, files: Sequence[FileRows], removals: Sequence[Removal] = ()) -> Plan:
        number = next(self._writes)
        write = Write(f"write {number}", START + timedelta(seconds=number))
        return plan(self.stored(), files, removals, write, self.facets)

    def execute(self, made: Plan) -> list[Outcome]:
        for values in made.touched:
            for row in self.tables["files"]:
                if row["file_id"] == values["file_id"]:
                    row.update(values)
        for table, file_ids in made.deleted.items():
            self.tables[table] = [row for row in self.tables[table] if row["file_id"] not in file_ids]
        kept = [row for row in self.tables["facets"] if (row["file_id"], row["facet"]) not in made.dropped]
        self.tables["facets"] = kept
        for table, rows in made.inserted.items():
            self.tables[table].extend(map(dict, rows))
        return made.outcomes

    def stored(self) -> dict[str, StoredFile]:
        owned = [table for facet in self.facets.values() for table in facet.tables if table != "files"]
        counts = {table: Counter(row["file_id"] for row in self.tables[table]) for table in owned}
        return stored_files(self.tables["files"], self.tables["facets"], counts)

    def lookup(self, file_ids: Sequence[str]) -> dict[str, Stored]:
        found = self.stored()
        return {each: row for each in file_ids if each in found and (row := found[each].row)}

    def computed(self, file_ids: Sequence[str], facet: str) -> dict[str, str | None]:
        found = self.stored()
        return {
            each: row.facets[facet].input_hash
            for each in file_ids
            if (row := found.get(each)) and facet in row.facets
        }

    def search(self, search: Search) -> list[Match]:
        raise NotImplementedError

    def vector(self, file_id: str, by: By) -> list[float] | None:
        raise NotImplementedError

    def stored_rows(self, file_ids: Sequence[str]) -> dict[str, StoredRows]:
        raise NotImplementedError

    def read_rows(self, file_ids: Sequence[str], tables: Sequence[str]) -> dict[str, list[Row]]:
        raise NotImplementedError

    def scan(
        self,
        table: str,
        columns: Sequence[str],
        read: Callable[[pa.RecordBatchReader], Result],
        under: str = "",
    ) -> Result:
        raise NotImplementedError

    def close(self) -> None:
        """There is nothing to release."""

    def rows(self, file_id: str, *, without: Sequence[str] = ()) -> dict[str, list[dict[str, Any]]]:
        """The rows of one file by table, in order, without some columns; tables without rows are left out."""
        found = {
            table: sorted(
                (
                    {name: value for name, value in row.items() if name not in without}
                    for row in rows
                    if row["file_id"] == file_id
                ),
                key=repr,
            )
            for table, rows in self.tables.items()
        }
        return {table: rows for table, rows in found.items() if rows}
