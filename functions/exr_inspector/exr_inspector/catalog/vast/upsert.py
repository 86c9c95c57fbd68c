"""Write a batch of deliveries and removals in one transaction: read the stored rows, plan, execute the plan.

`catalog.plan` decides what to write. docs/decisions/003-one-set-of-rows-per-file.md explains the locks.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import pyarrow as pa

from exr_inspector.catalog.arrow import arrow_table
from exr_inspector.catalog.columns import TABLES
from exr_inspector.catalog.facets import FileRows, Row
from exr_inspector.catalog.plan import (
    AUDIT_COLUMNS,
    STORED_COLUMNS,
    STORED_FACET_COLUMNS,
    Outcome,
    Plan,
    Removal,
    Stored,
    Write,
    plan,
    stored_files,
)
from exr_inspector.catalog.vast.locks import lock
from exr_inspector.catalog.vast.rows import ROW_ID, Rows
from exr_inspector.catalog.vast.transactions import Transaction

_TOUCHED = pa.schema([TABLES["files"].field(name) for name in AUDIT_COLUMNS])


def upsert(transaction: Transaction, files: Sequence[FileRows], removals: Sequence[Removal]) -> list[Outcome]:
    """Write these deliveries and removals, and commit. Returns the outcomes of the plan.

    No table is read after it was written. If nothing is to be written, nothing is committed.
    """
    file_ids = sorted({*(each.file_id for each in files), *(each.file_id for each in removals)})
    write = Write.new()
    found = _find_stored(transaction.rows, file_ids)
    made = plan(stored_files(found["files"].rows, found["facets"].rows), files, removals, write)
    if made.file_ids:
        # Locks come first: a lost race costs the fewest requests.
        lock(transaction, made.file_ids, write)
        _execute(transaction.rows, made, found)
        transaction.commit()
    return made.outcomes


def lookup(rows: Rows, file_ids: Collection[str]) -> dict[str, Stored]:
    """Return the stored state of these files."""
    found = _Found(rows.find("files", sorted(set(file_ids)), STORED_COLUMNS))
    return {file_id: each.row for file_id, each in stored_files(found.rows).items() if each.row}


def computed(rows: Rows, file_ids: Collection[str], facet: str) -> dict[str, str | None]:
    """Return the stored `input_hash` of a facet by file."""
    found = rows.find("facets", sorted(set(file_ids)), STORED_FACET_COLUMNS).to_pylist()
    return {row["file_id"]: row["input_hash"] for row in found if row["facet"] == facet}


class _Found:
    """Rows of one table that were read: as dictionaries, and by their `$row_id`."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table.sort_by(ROW_ID) if table.num_rows > 1 else table
        self.rows: list[Row] = self._table.to_pylist()

    def row_ids(self, positions: Sequence[int]) -> pa.Table:
        """Return the row ids at these positions."""
        return self._table.select([ROW_ID]).take(pa.array(positions, pa.int64()))


def _find_stored(rows: Rows, file_ids: Sequence[str]) -> dict[str, _Found]:
    """Return the rows of `files` and `facets`; a file that is not in `files` has no other rows."""
    files = _Found(rows.find("files", file_ids, STORED_COLUMNS))
    known = sorted({row["file_id"] for row in files.rows})
    facets = rows.find("facets", known, STORED_FACET_COLUMNS) if known else pa.table({ROW_ID: []})
    return {"files": files, "facets": _Found(facets)}


def _execute(rows: Rows, made: Plan, found: dict[str, _Found]) -> None:
    """Write what a plan says, with at most one update, one deletion and one insert for each table."""
    positions = {row["file_id"]: position for position, row in enumerate(found["files"].rows)}
    touched = found["files"].row_ids([positions[row["file_id"]] for row in made.touched])
    changes = pa.Table.from_pylist(made.touched, schema=_TOUCHED)
    rows.update("files", changes.add_column(0, ROW_ID, touched[ROW_ID]))
    dropped = set(made.dropped)
    for table, stored in found.items():
        gone = set(made.deleted.get(table, ()))
        doomed = [
            position
            for position, row in enumerate(stored.rows)
            if row["file_id"] in gone or (row["file_id"], row.get("facet")) in dropped
        ]
        rows.delete(table, stored.row_ids(doomed))
    for table, file_ids in made.deleted.items():
        if table not in found:
            rows.delete(table, rows.find(table, file_ids))
    for table, fresh in made.inserted.items():
        rows.insert(table, arrow_table(table, fresh))
