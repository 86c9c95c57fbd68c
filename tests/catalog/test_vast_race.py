"""Threads and processes that deliver the same files at once, with delays and faults: one set of rows each."""

from __future__ import annotations

import contextlib
import json
import os
import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING

import pytest

from exr_inspector.catalog.vast.store import VastStore
from tests.catalog.backends import Vast, rows, tables, vast
from tests.catalog.racing import MAX_AT_ONCE, THREADS, WRITERS, deliver, newest, share
from tests.catalog.rows import expected
from tests.slow import slow
from tests.vast_server.faults import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator

FAULTS = [
    Fault(status=500),
    Fault(status=503, after=True),
    Fault(status=503, code="SlowDown"),
    Fault(reset=True),
    Fault(reset=True, after=True),
    Fault(cut=True, after=True),
]


class Trouble:
    """One request in a hundred fails, five are slow. No beginning is lost, which would leave it open.

    `commits` counts the commits that were executed and then failed.
    """

    def __init__(self, database: Vast) -> None:
        self.commits = 0
        self._random = random.Random(5)
        for fault in FAULTS:
            database.server.faults.every(fault, on=partial(self._fails, fault))
        database.server.faults.every(Fault(delay=0.01), on=lambda _kind: self._random.random() < 0.05)

    def _fails(self, fault: Fault, kind: str) -> bool:
        fails = kind != "begin" and self._random.random() < 0.01 / len(FAULTS)
        self.commits += fails and kind == "commit" and fault.after
        return fails


@pytest.mark.parametrize(
    ("conflict", "files"),
    [("lenient", 60), *slow(("commit", 200), ("write", 200))],
)
def test_however_many_deliver_each_file_has_one_set_of_rows(conflict: str, files: int) -> None:
    with vast(conflict=conflict, tables=True) as database:
        store = VastStore(database.settings(), database.session)
        store.ensure_tables()
        trouble = Trouble(database)
        with contextlib.ExitStack() as running, ThreadPoolExecutor(THREADS) as threads:
            processes = [
                running.enter_context(process(database, files, writer)) for writer in range(THREADS, WRITERS)
            ]
            reported = list(threads.map(lambda writer: deliver(store, share(files, writer)), range(THREADS)))
            reported += [int(process.communicate()[0]) for process in processes]
        database.server.faults.clear()
        assert database.server.open_transactions == []
        assert tables(database) == expected(*(newest(number) for number in range(files)))
        check_counts(database, sum(reported), trouble)


@contextlib.contextmanager
def process(database: Vast, files: int, writer: int) -> Iterator[subprocess.Popen[str]]:
    """Start a process that delivers one writer's share; it is killed at the end of the block."""
    arguments = [json.dumps(asdict(database.settings())), str(files), str(writer)]
    command = [sys.executable, "-m", "tests.catalog.racing", *arguments]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as started:
        try:
            yield started
        finally:
            started.kill()


def check_counts(database: Vast, reported: int, trouble: Trouble) -> None:
    """Check that every inspection is counted once.

    Only one whose commit was executed and then failed may be counted twice: if another writer has taken its
    locks before the store looked for its mark, the inspection is done again.
    """
    counted = sum(row["inspection_count"] for row in rows(database, "files"))
    assert reported <= counted <= reported + MAX_AT_ONCE * trouble.commits
