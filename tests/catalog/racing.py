"""Many writers of the same files: the share of each, and a process that is one of them.

`python -m tests.catalog.racing SETTINGS FILES WRITER` delivers one writer's share and prints how many
inspections the store has reported.
"""

from __future__ import annotations

import json
import random
import sys

from exr_inspector.catalog.facets import FileRows
from exr_inspector.catalog.store import Outcome, Store
from exr_inspector.catalog.vast.store import VastStore
from exr_inspector.errors import InspectorError
from exr_inspector.settings import Settings
from tests.catalog.rows import delivered

THREADS, PROCESSES = 16, 2
WRITERS = THREADS + PROCESSES
MAX_AT_ONCE = 8  # files of one delivery
MAX_TRIES = 20  # of one delivery
VERSIONS = (1, 1, 2, 1, 2, 2, 2, 1)  # of each file, unordered


def newest(number: int) -> FileRows:
    return _version(number, max(VERSIONS))


def share(files: int, writer: int) -> list[list[FileRows]]:
    """Return the deliveries of one writer; those of all writers have all `VERSIONS` of each file, mixed."""
    rng = random.Random(4)
    everything = [(number, version) for number in range(files) for version in VERSIONS]
    rng.shuffle(everything)
    mine = [_version(*each) for each in everything[writer::WRITERS]]
    deliveries = []
    while mine:
        count = rng.randint(1, MAX_AT_ONCE)
        deliveries.append(mine[:count])
        mine = mine[count:]
    return deliveries


def deliver(store: Store, deliveries: list[list[FileRows]]) -> int:
    """Deliver everything, repeat what failed as DataEngine does, and return the number of inspections."""
    return sum(outcome.action != "outdated" for files in deliveries for outcome in _delivered(store, files))


def _delivered(store: Store, files: list[FileRows]) -> list[Outcome]:
    for _ in range(MAX_TRIES):
        try:
            return store.upsert(files)
        except InspectorError as error:
            if not error.retry:
                raise
    raise AssertionError(f"not stored in {MAX_TRIES} deliveries")


def _version(number: int, version: int) -> FileRows:
    return delivered(f"{number}", version, sequencer=f"{version:04X}")


def main() -> None:
    settings = Settings(**json.loads(sys.argv[1]))
    deliveries = share(int(sys.argv[2]), int(sys.argv[3]))
    print(deliver(VastStore(settings), deliveries))


if __name__ == "__main__":
    main()
