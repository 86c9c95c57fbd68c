"""The Store protocol: what every store does. `catalog.plan` decides what is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from exr_inspector.catalog.facets import FileRows
from exr_inspector.catalog.order import compare_sequencers, is_older, later_sequencer, version_time
from exr_inspector.catalog.plan import Action, Outcome, Plan, Removal, Stored, StoredFile, Write, audit, plan
from exr_inspector.catalog.search import Searchable

__all__ = [
    "Action", "Outcome", "Plan", "Removal", "Store", "Stored", "StoredFile", "Write", "audit",
    "compare_sequencers", "decide", "going", "is_older", "later_sequencer", "latest", "plan",
]  # fmt: skip


class Store(Searchable, Protocol):
    """The tables, written in batches and searched by vector.

    Every method raises InspectorError; after an error nothing has changed. All are safe to call from many
    threads.
    """

    name: str

    def ensure_tables(self) -> None:
        """Create missing tables and columns. Raises TABLE_MISMATCH for a column of another type."""

    def upsert(self, files: Sequence[FileRows], removals: Sequence[Removal] = ()) -> list[Outcome]:
        """Write what `catalog.plan.plan` makes of these deliveries and removals, in one transaction.

        Returns one outcome for each file: the delivered files in order, then those that were only removed.
        """

    def lookup(self, file_ids: Sequence[str]) -> dict[str, Stored]:
        """Return what is stored of these files; a file that is not stored is not in the result."""

    def close(self) -> None:
        """Release connections and files."""


# --- for stores that do not execute plans yet ---------------------------------------------------------


def decide(incoming: FileRows, stored: Stored | None) -> Action:
    """Deprecated: `plan` decides."""
    if stored is None:
        return "inserted"
    row = incoming.file
    if row["facts_hash"] == stored.facts_hash:
        return "unchanged"
    older = not incoming.is_current and is_older(
        row["sequencer"], version_time(row), stored.sequencer, stored.mtime
    )
    return "outdated" if older else "replaced"


def going(removals: Sequence[Removal], stored: Mapping[str, Stored]) -> list[str]:
    """Deprecated: `Plan.removed`."""
    gone = {
        each.file_id
        for each in removals
        if (held := stored.get(each.file_id))
        and not is_older(each.sequencer, each.time, held.sequencer, held.mtime)
    }
    return sorted(gone)


def latest(files: Sequence[FileRows]) -> list[FileRows]:
    """Deprecated: `plan` does it."""
    chosen: dict[str, FileRows] = {}
    for each in files:
        held = chosen.get(each.file_id)
        if held is None or not _precedes(each.file, held.file):
            chosen[each.file_id] = each
    return list(chosen.values())


def _precedes(row: dict, other: dict) -> bool:  # type: ignore[type-arg]
    return is_older(row["sequencer"], version_time(row), other["sequencer"], other["mtime"])
