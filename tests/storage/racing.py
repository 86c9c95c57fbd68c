"""Many writers of the same files: what each delivers, and the process that is one more of them.

`python -m tests.storage.racing SETTINGS WRITER` delivers one writer's share and prints its `Tally`.
"""

from __future__ import annotations

import json
import random
import sys
from dataclasses import asdict, dataclass

from exr_inspector.errors import InspectorError
from exr_inspector.settings import Settings
from exr_inspector.storage.store import Store
from exr_inspector.storage.tables import FileRows
from exr_inspector.storage.vast_store import VastStore
from tests.storage.rows import delivered

THREADS, PROCESSES = 16, 2
WRITERS = THREADS + PROCESSES
FILES, TIMES = 200, 8
MOST_AT_ONCE = 8  # files of one delivery
VERSIONS = (1, 1, 2, 1, 2, 2, 2, 1)


@dataclass
class Tally:
    """What a writer was told: files that were inspected, files that were outdated, tries that failed."""

    inspected: int = 0
    outdated: int = 0
    failed: int = 0


def newest(number: int) -> FileRows:
    return _version(number, max(VERSIONS))


def share(writer: int) -> list[list[FileRows]]:
    """The deliveries of one writer: all writers' together have each file `TIMES` times, in random order."""
    rng = random.Random(4)
    everything = [(number, version) for number in range(FILES) for version in VERSIONS]
    rng.shuffle(everything)
    mine = [_version(*each) for each in everything[writer::WRITERS]]
    deliveries = []
    while mine:
        count = rng.randint(1, MOST_AT_ONCE)
        deliveries.append(mine[:count])
        mine = mine[count:]
    return deliveries


def deliver(store: Store, deliveries: list[list[FileRows]]) -> Tally:
    """Deliver everything, and again what failed, as DataEngine does."""
    tally = Tally()
    for files in deliveries:
        outcomes = None
        while outcomes is None:
            try:
                outcomes = store.upsert(files)
            except InspectorError as error:
                if not error.retry:
                    raise
                tally.failed += 1
        outdated = sum(outcome.action == "outdated" for outcome in outcomes)
        tally.outdated += outdated
        tally.inspected += len(outcomes) - outdated
    return tally


def _version(number: int, version: int) -> FileRows:
    return delivered(f"{number}", version, sequencer=f"{version:04X}")


def main() -> None:
    settings = Settings(**json.loads(sys.argv[1]))
    print(json.dumps(asdict(deliver(VastStore.connect(settings), share(int(sys.argv[2]))))))


if __name__ == "__main__":
    main()
