"""What every store does, and what becomes of a file that is delivered: said once for all stores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

if TYPE_CHECKING:
    from exr_inspector.settings import Settings
    from exr_inspector.storage.tables import FileRows, Row

Action = Literal["inserted", "replaced", "unchanged", "outdated"]


@dataclass(frozen=True)
class Stored:
    """What a store holds of a file."""

    file_id: str
    facts_hash: str
    etag: str | None
    sequencer: str | None
    mtime: datetime | None
    first_seen: datetime
    inspection_count: int


class Outcome(NamedTuple):
    """What a store did with a file's rows."""

    file_id: str
    action: Action


class Removal(NamedTuple):
    """A file that is gone. `sequencer` and `time` say when, as far as the event does."""

    file_id: str
    sequencer: str | None = None
    time: datetime | None = None


class Store(Protocol):
    """Four tables behind four verbs. Every method raises InspectorError; after an error nothing has changed.

    All are safe to call from many threads.
    """

    name: str

    def ensure_tables(self) -> None:
        """Create what is missing: tables, columns. Raises TABLE_MISMATCH for a column of another type."""

    def upsert(self, files: Sequence[FileRows]) -> list[Outcome]:
        """Bring the rows of these files up to date in one transaction, and say what was done with each.

        Of files given twice the last counts. `decide` says what happens to a file.
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
    # A local file may be restored with an older time; the versions of an object only grow younger.
    time = row["mtime"] if row["etag"] else None
    return "outdated" if is_older(row["sequencer"], time, stored) else "replaced"


def is_older(sequencer: str | None, time: datetime | None, stored: Stored) -> bool:
    """Whether something happened before the stored version: by sequencer where both have one, else time."""
    if sequencer and stored.sequencer:
        return compare_sequencers(sequencer, stored.sequencer) < 0
    return bool(time and stored.mtime and time < stored.mtime)


def compare_sequencers(a: str, b: str) -> int:
    """Below zero, zero or above. Sequencers are hexadecimal texts that S3 compares as text, the shorter one
    padded with zeros on the right.
    """
    width = max(len(a), len(b))
    left, right = a.lower().ljust(width, "0"), b.lower().ljust(width, "0")
    return (left > right) - (left < right)


def latest(files: Sequence[FileRows]) -> list[FileRows]:
    """Each file once: of several deliveries in one batch the last."""
    return list({each.file_id: each for each in files}.values())


def audited(row: Row, stored: Stored | None, now: datetime) -> Row:
    """A row of `files` with its audit columns: seen first when, last now, how often."""
    return {
        **row,
        "sequencer": later_sequencer(row["sequencer"], stored),
        "first_seen": stored.first_seen if stored else now,
        "last_inspected": now,
        "inspection_count": stored.inspection_count + 1 if stored else 1,
    }


def later_sequencer(sequencer: str | None, stored: Stored | None) -> str | None:
    """Of the incoming and the stored sequencer the later one."""
    held = stored.sequencer if stored else None
    if not sequencer or not held:
        return sequencer or held
    return sequencer if compare_sequencers(sequencer, held) >= 0 else held


def open_store(settings: Settings) -> Store | None:
    """The store that the settings select: VAST DataBase, else the DuckDB file, else none."""
    if settings.vast_endpoint:
        from exr_inspector.storage.vast_store import VastStore  # noqa: PLC0415 - 1.5 s, only where selected

        return VastStore.connect(settings)
    if settings.db_file:
        from exr_inspector.storage.duckdb_store import DuckDBStore  # noqa: PLC0415 - an extra

        return DuckDBStore(settings.db_file)
    return None
