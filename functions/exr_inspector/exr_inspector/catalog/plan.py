"""Decide what a store writes for a batch of deliveries: a pure function of stored and delivered rows.

A store reads its rows of the files, calls `plan`, and executes the plan in the same transaction.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timezone
from itertools import chain
from typing import Literal, NamedTuple

from exr_inspector.catalog.facets import FACETS, Facet, Facets, FileRows, Row, basis
from exr_inspector.catalog.order import is_older, later_sequencer, version_time
from exr_inspector.sequences import PATH_COLUMNS

Action = Literal["inserted", "replaced", "unchanged", "outdated", "deleted", "absent"]

# Columns of `files` that say how the file was found, and what its path says. No fact depends on them.
FOUND_COLUMNS = ("ctime", "inode", "device", "writing", *PATH_COLUMNS.values())
# Columns of `files` that a store sets in every write of a row.
AUDIT_COLUMNS = ("sequencer", "first_seen", "last_inspected", "inspection_count", "write_id", *FOUND_COLUMNS)


class Outcome(NamedTuple):
    """What a store did with a file.

    `inserted`: the file is new. `replaced`: the rows of a facet were written. `unchanged`: only audit columns
    were. `outdated`: nothing, since a newer version is stored. `deleted` and `absent`: the file was removed,
    and was or was not stored.
    """

    file_id: str
    action: Action


class Removal(NamedTuple):
    """A deleted file. `sequencer` and `time` are those of the deletion, if the event states them.

    `is_current`: the file is known to be absent now, so no stored version is newer. `unless_since`: the
    `write_id` of the row when the file was found to be absent; a row written since then is newer.
    """

    file_id: str
    sequencer: str | None = None
    time: datetime | None = None
    is_current: bool = False
    unless_since: str | None = None


@dataclass(frozen=True)
class Stored:
    """Columns of a row of `files`. A row of an older version or of another writer may lack any value."""

    file_id: str
    facts_hash: str | None
    etag: str | None
    sequencer: str | None
    mtime: datetime | None
    first_seen: datetime | None
    inspection_count: int | None
    write_id: str | None = None


# The columns of `files` and of `facets` that a store reads before it plans.
STORED_COLUMNS = (*(each.name for each in fields(Stored)), "last_inspected")
STORED_FACET_COLUMNS = ("file_id", "facet", "input_hash", "computed_from")


class StoredFacet(NamedTuple):
    """Columns of a row of the table `facets`."""

    input_hash: str | None
    computed_from: str | None


@dataclass(frozen=True)
class StoredFile:
    """What a store has of one file.

    `row` is None if there are rows of the file, but none in `files`. `counts` is the number of rows of the
    file by table; tables that the store did not count are trusted to be complete.
    """

    row: Stored | None
    facets: Mapping[str, StoredFacet] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Write:
    """One attempt at one transaction: the mark that its rows of `files` bear, and its time in UTC, naive."""

    id: str
    now: datetime

    @classmethod
    def new(cls) -> Write:
        return cls(uuid.uuid4().hex, datetime.now(timezone.utc).replace(tzinfo=None))


@dataclass(frozen=True)
class Plan:
    """What to write, in this order: `touched` and the two kinds of deletions, then `inserted`.

    Every written file is in exactly one row of `touched` or of `inserted["files"]`, which bears `write_id`; a
    removed file that is not delivered again is in neither.
    """

    outcomes: list[Outcome] = field(default_factory=list)
    """One for each file: the delivered files in order, then the files that were only removed."""
    touched: list[Row] = field(default_factory=list)
    """Values for rows of `files`: `file_id` and `AUDIT_COLUMNS`."""
    deleted: dict[str, list[str]] = field(default_factory=dict)
    """Files whose rows are deleted, all of them, by table."""
    dropped: list[tuple[str, str]] = field(default_factory=list)
    """Pairs (file_id, facet) whose rows in the table `facets` are deleted."""
    inserted: dict[str, list[Row]] = field(default_factory=dict)
    """New rows by table."""

    @property
    def removed(self) -> list[str]:
        """The files whose rows are deleted from all tables and not written again."""
        return [each.file_id for each in self.outcomes if each.action == "deleted"]

    @property
    def marked(self) -> list[str]:
        """The files whose row of `files` bears this write's id."""
        return [row["file_id"] for row in chain(self.touched, self.inserted.get("files", ()))]

    @property
    def file_ids(self) -> list[str]:
        """All files that are written or deleted, sorted."""
        return sorted({*self.removed, *self.marked})


def plan(
    stored: Mapping[str, StoredFile],
    incoming: Sequence[FileRows],
    removals: Sequence[Removal],
    write: Write,
    facets: Facets = FACETS,
) -> Plan:
    """Return the writes after which the tables have the delivered files and none of the removed ones.

    `stored` has the files of `incoming` and `removals` that are stored. Removals come first. Several
    deliveries of one file have the same effect as one after the other, but count as one inspection.

    - A delivery or a removal that is older than the stored version changes nothing, unless it is current.
      Of equally old ones the later one in the sequence wins.
    - A facet's rows are replaced if its inputs differ from the stored ones, if rows are missing, or if there
      are too many. Otherwise, and if the delivery does not contain the facet, they stay,
    - unless their input has changed: then they are deleted.
    """
    made = Plan()
    gone = [
        each.file_id
        for each in removals
        if (held := stored.get(each.file_id)) and not _is_late(each, held.row)
    ]
    for file_id in dict.fromkeys(gone):
        for table in (*_tables(_stored_facets(stored[file_id], facets)), "facets"):
            made.deleted.setdefault(table, []).append(file_id)
    deliveries: dict[str, list[FileRows]] = {}
    for file in incoming:
        deliveries.setdefault(file.file_id, []).append(file)
    for file_id, versions in deliveries.items():
        known = None if file_id in gone else stored.get(file_id)
        _plan_file(made, known, versions, write, facets)
    for file_id in dict.fromkeys(each.file_id for each in removals):
        if file_id not in deliveries:
            late: Action = "outdated" if file_id in stored else "absent"
            made.outcomes.append(Outcome(file_id, "deleted" if file_id in gone else late))
    return made


def stored_files(
    files: Iterable[Row], facets: Iterable[Row] = (), counts: Mapping[str, Mapping[str, int]] | None = None
) -> dict[str, StoredFile]:
    """Return the stored state of each file.

    `files` and `facets` are rows with `STORED_COLUMNS` and `STORED_FACET_COLUMNS`; `counts` has, for each
    table whose rows were counted, the number of rows by file. Of several rows of one file the one that was
    inspected last represents it, and of equally late ones the last in the sequence.
    """
    rows: dict[str, list[Row]] = {}
    for row in sorted(files, key=lambda row: row["last_inspected"] or datetime.min):  # noqa: DTZ901 - UTC, naive
        rows.setdefault(row["file_id"], []).append(row)
    computed: dict[str, dict[str, StoredFacet]] = {}
    for row in facets:
        found = computed.setdefault(row["file_id"], {})
        # Two rows for one facet agree with nothing, so that both are replaced.
        twice = row["facet"] in found
        found[row["facet"]] = StoredFacet(
            *(None if twice else row[name] for name in STORED_FACET_COLUMNS[2:])
        )
    return {
        file_id: StoredFile(
            Stored(*(rows[file_id][-1][each.name] for each in fields(Stored))) if file_id in rows else None,
            computed.get(file_id, {}),
            {
                "files": len(rows.get(file_id, ())),
                **{table: found.get(file_id, 0) for table, found in (counts or {}).items()},
            },
        )
        for file_id in (*rows, *(each for each in computed if each not in rows))
    }


def audit(row: Row, stored: Stored | None, write: Write) -> Row:
    """Return the audit columns of a row of `files`."""
    return {
        "sequencer": later_sequencer(row["sequencer"], stored.sequencer if stored else None),
        "first_seen": (stored.first_seen if stored else None) or write.now,
        "last_inspected": write.now,
        "inspection_count": ((stored.inspection_count if stored else None) or 0) + 1,
        "write_id": write.id,
        **{name: row.get(name) for name in FOUND_COLUMNS},
    }


def _plan_file(
    made: Plan, held: StoredFile | None, deliveries: Sequence[FileRows], write: Write, facets: Facets
) -> None:
    """Add to a plan what becomes of one file."""
    row = held.row if held else None
    file = _latest(deliveries, row, facets)
    if file is None:
        made.outcomes.append(Outcome(deliveries[0].file_id, "outdated"))
        return
    fresh = [facets[name] for name in file.facets if _differs(held, file, facets[name])]
    stale = _stale(held, file, facets) if held else []
    stored = _stored_facets(held, facets) if held else []
    for facet in (each for each in (*fresh, *stale) if each in stored):
        for table in facet.tables:
            made.deleted.setdefault(table, []).append(file.file_id)
        if held and facet.name in held.facets:
            made.dropped.append((file.file_id, facet.name))
    stamps = audit(file.file, row, write)
    writes_file = any("files" in facet.tables for facet in fresh)
    for facet in fresh:
        made.inserted.setdefault("facets", []).append({**file.facets[facet.name], "computed_at": write.now})
        for table in facet.tables:
            rows = [{**file.file, **stamps}] if table == "files" else file.rows[table]
            made.inserted.setdefault(table, []).extend(rows)
    if not writes_file:
        made.touched.append({"file_id": file.file_id, **stamps})
    changed: Action = "replaced" if fresh or stale else "unchanged"
    made.outcomes.append(Outcome(file.file_id, changed if row else "inserted"))


def _latest(deliveries: Sequence[FileRows], stored: Stored | None, facets: Facets) -> FileRows | None:
    """Return what several deliveries of a file, one after the other, leave; None if all are outdated.

    A facet that only an earlier delivery contains is kept if it was computed from what the last one has.
    """
    accepted: list[FileRows] = []
    for each in deliveries:
        row = each.file
        if stored and _is_outdated(each, stored):
            continue
        sequencer = later_sequencer(row["sequencer"], stored.sequencer if stored else None)
        stored = Stored(each.file_id, row["facts_hash"], row["etag"], sequencer, row["mtime"], None, None)
        accepted.append(replace(each, rows={**each.rows, "files": [{**row, "sequencer": sequencer}]}))
    if not accepted:
        return None
    *others, chosen = accepted
    for each in reversed(others):
        for name, computed in each.facets.items():
            if name not in chosen.facets and computed["computed_from"] == basis(facets[name], chosen.file):
                rows = {table: each.rows[table] for table in facets[name].tables}
                rows["facets"] = [*chosen.rows["facets"], computed]
                chosen = replace(chosen, rows={**chosen.rows, **rows})
    return chosen


def _is_outdated(file: FileRows, stored: Stored) -> bool:
    """Return whether a delivery is older than the stored version and has other facts."""
    if file.is_current or file.file["facts_hash"] == stored.facts_hash:
        return False
    return is_older(file.file["sequencer"], version_time(file.file), stored.sequencer, stored.mtime)


def _is_late(removal: Removal, stored: Stored | None) -> bool:
    if stored is None or removal.is_current:
        return False
    if removal.unless_since is not None:
        return removal.unless_since != (stored.write_id or "")
    return is_older(removal.sequencer, removal.time, stored.sequencer, stored.mtime)


def _differs(held: StoredFile | None, file: FileRows, facet: Facet) -> bool:
    """Return whether the stored rows of a facet are not those of a delivery."""
    if held is None or held.row is None or facet.name not in held.facets:
        return True
    if "files" in facet.tables and held.row.facts_hash != file.file["facts_hash"]:
        return True
    counted = (table for table in facet.tables if table in held.counts)
    return held.facets[facet.name].input_hash != file.facets[facet.name]["input_hash"] or any(
        held.counts[table] != len(file.rows[table]) for table in counted
    )


def _stale(held: StoredFile, file: FileRows, facets: Facets) -> list[Facet]:
    """Return the facets that are stored and not delivered, and were computed from what has changed since.

    If the rows of the table `facets` are lost, nothing says what the others were computed from.
    """
    if not held.facets:
        return [facet for facet in facets.values() if facet.name not in file.facets]
    return [
        facets[name]
        for name, computed in held.facets.items()
        if name in facets
        and name not in file.facets
        and computed.computed_from != basis(facets[name], file.file)
    ]


def _stored_facets(held: StoredFile, facets: Facets) -> list[Facet]:
    """Return the facets that may have rows of a file: any, if the rows of the table `facets` are lost."""
    names = held.facets or facets
    return [facet for facet in facets.values() if "files" in facet.tables or facet.name in names]


def _tables(facets: Iterable[Facet]) -> list[str]:
    return [table for facet in facets for table in facet.tables]
