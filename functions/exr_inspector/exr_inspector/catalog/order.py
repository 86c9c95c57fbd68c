"""The order of two events or versions of one file, as far as S3 sequencers and times tell."""

from __future__ import annotations

from datetime import datetime
from typing import Any


def is_older(
    sequencer: str | None, time: datetime | None, than_sequencer: str | None, than_time: datetime | None
) -> bool:
    """Return whether the first is known to precede the second: by sequencer if both have one, else by time.

    Equal ones, and those without a sequencer and a time in common, do not precede each other.
    """
    if sequencer and than_sequencer:
        return compare_sequencers(sequencer, than_sequencer) < 0
    return bool(time and than_time and time < than_time)


def compare_sequencers(a: str, b: str) -> int:
    """Return a negative number, zero or a positive number, as `a` precedes, equals or follows `b`.

    S3 compares sequencers as hexadecimal text, the shorter one padded with zeros on the right.
    """
    width = max(len(a), len(b))
    left, right = a.lower().ljust(width, "0"), b.lower().ljust(width, "0")
    return (left > right) - (left < right)


def later_sequencer(sequencer: str | None, other: str | None) -> str | None:
    """Return the later of two sequencers, or the one that is known."""
    if not sequencer or not other:
        return sequencer or other
    return sequencer if compare_sequencers(sequencer, other) >= 0 else other


def version_time(row: dict[str, Any]) -> datetime | None:
    """Return the time that orders the versions of a file, given its row of `files`; None for a local file.

    A local file may be restored with an older time; the time of an object only increases.
    """
    time: datetime | None = row["mtime"] if row["etag"] else None
    return time
