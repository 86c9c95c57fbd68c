"""What every store does, and what becomes of a file that is delivered: said once for all stores."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

from exr_inspector.catalog.search import Searchable

if TYPE_CHECKING:
    from exr_inspector.catalog.rows import FileRows, Row

Action = Literal["inserted", "replaced", "unchanged", "outdated"]


@dataclass(frozen=True)
class Stored:
    """What a store holds of a file. A row of an older version or of a foreign writer may lack any of it."""

    file_id: str
    facts_hash: str | None
    etag: str | None
    sequencer: str | None
    mtime: datetime | None
    first_seen: datetime | None
    inspection_count: int | None


class Outcome(NamedTuple):
    """What a store did with a file's rows."""

    file_id: str
    action: Action


class Removal(NamedTuple):
    """A file that is gone. `sequencer` and `time` say when, as far as the event does."""

    file_id: str
    sequencer: str | None = None
    time: datetime | None = None


class Store(Searchable, Protocol):
    """Four tables behind four verbs, and a search by vector.

    Every method raises InspectorError; after an error nothing has changed. All are safe to call from many
    threads.
    """

    name: str

    def ensure_tables(self) -> None:
        """Create what is missing: tables, columns. Raises TABLE_MISMATCH for a column of another type."""

    def upsert(self, files: Sequence[FileRows], removals: Sequence[Removal] = ()) -> list[Outcome]:
        """Bring the rows of these files up to date, and say what was done with each.

        In the same transaction, and before that, the rows of `removals` are deleted as `delete` does. Of a
        file given twice the last counts, unless it is older. `decide` says what happens to a file.
        """

    def delete(self, removals: Sequence[Removal]) -> int:
        """Delete the rows of these files in one transaction, but of none that is newer than its removal.
        Returns how many files went.
        """

    def lookup(self, file_ids: Sequence[str]) -> dict[str, Stored]:
        """What is stored of these files; an absent file is absent from the answer."""

    def close(self) -> None:
        """Give back connections and files."""


def decide(incoming: FileRows, stored: Stored | None) -> Action:
    """New files are inserted, changed ones replaced; an unchanged one only counts up its audit columns.

    What was read before the stored version is outdated: it changes nothing.
    """
    if stored is None:
        return "inserted"
    row = incoming.file
    if row["facts_hash"] == stored.facts_hash:
        return "unchanged"
    older = not incoming.is_current and is_older(
        row["sequencer"], _version_time(row), stored.sequencer, stored.mtime
    )
    return "outdated" if older else "replaced"


def going(removals: Sequence[Removal], stored: Mapping[str, Stored]) -> list[str]:
    """The files whose rows go: those that are stored and not newer than their removal."""
    gone = {
        each.file_id
        for each in removals
        if (held := stored.get(each.file_id))
        and not is_older(each.sequencer, each.time, held.sequencer, held.mtime)
    }
    return sorted(gone)


def is_older(
    sequencer: str | None, time: datetime | None, than_sequencer: str | None, than_time: datetime | None
) -> bool:
    """Whether something happened before something else: by sequencer where both have one, else by time."""
    if sequencer and than_sequencer:
        return compare_sequencers(sequencer, than_sequencer) < 0
    return bool(time and than_time and time < than_time)


def _version_time(row: Row) -> datetime | None:
    """A local file may be restored with an older time; the versions of an object only grow younger."""
    return row["mtime"] if row["etag"] else None


def compare_sequencers(a: str, b: str) -> int:
    """Below zero, zero or above. Sequencers are hexadecimal texts that S3 compares as text, the shorter one
    padded with zeros on the right.
    """
    width = max(len(a), len(b))
    left, right = a.lower().ljust(width, "0"), b.lower().ljust(width, "0")
    return (left > right) - (left < right)


def latest(files: Sequence[FileRows]) -> list[FileRows]:
    """Each file once: of several deliveries in one batch the last that is not older than one before it."""
    chosen: dict[str, FileRows] = {}
    for each in files:
        held = chosen.get(each.file_id)
        if held is None or not _precedes(each.file, held.file):
            chosen[each.file_id] = each
    return list(chosen.values())


def _precedes(row: Row, other: Row) -> bool:
    return is_older(row["sequencer"], _version_time(row), other["sequencer"], other["mtime"])


@dataclass(frozen=True)
class Write:
    """One try of one transaction: who marks the rows, and when (UTC, as the tables hold it)."""

    id: str
    now: datetime

    @classmethod
    def new(cls) -> Write:
        return cls(uuid.uuid4().hex, datetime.now(timezone.utc).replace(tzinfo=None))


def audit(row: Row, stored: Stored | None, write: Write) -> Row:
    """The audit columns of a row of `files`: seen first when, last now, how often, written by whom."""
    return {
        "sequencer": later_sequencer(row["sequencer"], stored),
        "first_seen": (stored.first_seen if stored else None) or write.now,
        "last_inspected": write.now,
        "inspection_count": ((stored.inspection_count if stored else None) or 0) + 1,
        "write_id": write.id,
    }


def later_sequencer(sequencer: str | None, stored: Stored | None) -> str | None:
    """Of the incoming and the stored sequencer the later one."""
    held = stored.sequencer if stored else None
    if not sequencer or not held:
        return sequencer or held
    return sequencer if compare_sequencers(sequencer, held) >= 0 else held
