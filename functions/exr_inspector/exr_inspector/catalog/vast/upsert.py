"""Bringing files up to date and deleting them, inside one transaction.

Whoever writes the rows of a file first updates the row of the file's shard in `locks`: of two transactions
that do so at once, one is refused and begins anew. Why this suffices is told in
docs/decisions/003-one-set-of-rows-per-file.md.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import get_args

import pyarrow as pa

from exr_inspector.catalog.rows import AUDIT_COLUMNS, TABLES, FileRows, Row, arrow_table
from exr_inspector.catalog.store import (
    Action,
    Outcome,
    Removal,
    Stored,
    Write,
    audit,
    decide,
    going,
    latest,
)
from exr_inspector.catalog.vast.locks import lock
from exr_inspector.catalog.vast.rows import ROW_ID, Rows
from exr_inspector.catalog.vast.transactions import Transaction

_STORED = tuple(Stored.__dataclass_fields__)


class Known:
    """The rows of `files` for some files: one for a file, or more where a foreign writer has made them."""

    def __init__(self, found: pa.Table) -> None:
        self._found = found
        rows = found.to_pylist()
        self._places: dict[str, list[int]] = {}
        for place in sorted(range(len(rows)), key=lambda place: _recency(rows[place])):
            self._places.setdefault(rows[place]["file_id"], []).append(place)
        # Of several rows the one that was inspected last speaks for the file.
        self.stored = {
            file_id: Stored(*(rows[places[-1]][name] for name in _STORED))
            for file_id, places in self._places.items()
        }

    @classmethod
    def of(cls, rows: Rows, file_ids: Sequence[str]) -> Known:
        columns = [*_STORED, "last_inspected"]
        return cls(rows.find("files", sorted(set(file_ids)), columns))

    def without(self, file_ids: Collection[str]) -> Known:
        """What is known once the rows of these files are deleted."""
        left = [row["file_id"] not in file_ids for row in self._found.to_pylist()]
        return Known(self._found.filter(pa.array(left, pa.bool_()))) if file_ids else self

    def action(self, file: FileRows) -> Action:
        """What becomes of a file. One that would stay as it is loses its surplus rows by being replaced."""
        action = decide(file, self.stored.get(file.file_id))
        surplus = len(self._places.get(file.file_id, ())) > 1
        return "replaced" if action == "unchanged" and surplus else action

    def row_ids(self, file_ids: Sequence[str]) -> pa.Table:
        """`$row_id` of all rows of these files, in their order."""
        places = [place for file_id in file_ids for place in self._places[file_id]]
        return self._found.take(pa.array(places, pa.int64())).select([ROW_ID])


def _recency(row: Row) -> tuple[datetime, int]:
    return row["last_inspected"] or datetime.min, row[ROW_ID]  # noqa: DTZ901 - UTC without saying so


def write_all(
    transaction: Transaction, files: Sequence[FileRows], removals: Sequence[Removal]
) -> tuple[list[Outcome], list[str]]:
    """Delete the rows of removed files, bring those of the others up to date, and commit.

    Returns the outcome of each file, and the ids of the files that were deleted. No table is read after it
    was written.
    """
    write = Write.new()
    rows = transaction.rows
    chosen = latest(files)
    known = Known.of(rows, [*(each.file_id for each in chosen), *(each.file_id for each in removals)])
    gone = going(removals, known.stored)
    rest = known.without(gone)
    outcomes = [Outcome(each.file_id, rest.action(each)) for each in chosen]
    doing = {
        action: [each for each, outcome in zip(chosen, outcomes, strict=True) if outcome.action == action]
        for action in get_args(Action)
    }
    touched, changed = doing["unchanged"], [each.file_id for each in doing["replaced"]]
    fresh = doing["inserted"] + doing["replaced"]
    written = [*gone, *(each.file_id for each in touched + fresh)]
    if written:
        # Locks come first: a lost race costs the fewest requests.
        lock(transaction, written, write.id)
        _touch(rows, touched, rest, write)
        _remove(rows, [*gone, *changed], known)
        _insert(rows, fresh, rest, write)
        transaction.commit()
    return outcomes, gone


def _touch(rows: Rows, files: Sequence[FileRows], known: Known, write: Write) -> None:
    """Count up the audit columns of files that have not changed."""
    touched = [audit(each.file, known.stored[each.file_id], write) for each in files]
    columns = pa.schema([TABLES["files"].field(name) for name in AUDIT_COLUMNS])
    changes = pa.Table.from_pylist(touched, schema=columns)
    row_ids = known.row_ids([each.file_id for each in files])[ROW_ID]
    rows.update("files", changes.add_column(0, ROW_ID, row_ids))


def _remove(rows: Rows, file_ids: Sequence[str], known: Known) -> None:
    """Delete all rows of these files, surplus ones as well."""
    if not file_ids:
        return
    rows.delete("files", known.row_ids(file_ids))
    for table in TABLES:
        if table != "files":
            rows.delete(table, rows.find(table, file_ids))


def _insert(rows: Rows, files: Sequence[FileRows], known: Known, write: Write) -> None:
    for table in TABLES:
        fresh = [row for each in files for row in _rows(each, table, known, write)]
        rows.insert(table, arrow_table(table, fresh))


def _rows(file: FileRows, table: str, known: Known, write: Write) -> list[Row]:
    if table == "files":
        return [{**file.file, **audit(file.file, known.stored.get(file.file_id), write)}]
    return file.rows[table]
