"""Inspect many files in worker processes; a worker that dies costs a retry, never a file."""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import islice

from exr_inspector.apps.index import worker
from exr_inspector.apps.index.worker import SHARD, Inspected
from exr_inspector.catalog.duckdb.inventory import Difference
from exr_inspector.pipeline import Runtime
from exr_inspector.settings import Settings

Shard = list[Difference]
Executor = Callable[[Iterable[Difference]], Iterator[tuple[Shard, Inspected]]]


def shards(files: Iterable[Difference], size: int = SHARD) -> Iterator[Shard]:
    """Yield files in lists of at most `size`."""
    remaining = iter(files)
    while shard := list(islice(remaining, size)):
        yield shard


def serial(runtime: Runtime) -> Executor:
    """Return an executor that inspects in this process and stores the rows itself."""
    return lambda files: ((shard, Inspected(worker.inspect_files(shard, runtime))) for shard in shards(files))


class Pool:
    """Spawned worker processes. Call it with files; it yields shards and what was found, in any order.

    At most two shards for each worker are under way, so that memory does not grow with their number. If a
    worker dies, the shards that were under way are inspected again, one at a time. One that a worker dies of
    again is halved until a single file is left, for which `refuse` gives the result.
    """

    def __init__(self, jobs: int, settings: Settings, refuse: Callable[[Difference], Inspected]) -> None:
        self._jobs = jobs
        self._settings = settings
        self._refuse = refuse

    def __call__(self, files: Iterable[Difference]) -> Iterator[tuple[Shard, Inspected]]:
        waiting = shards(files)
        while lost := (yield from self._side_by_side(waiting)):
            yield from self._one_by_one(deque(lost))

    def _side_by_side(
        self, waiting: Iterator[Shard]
    ) -> Generator[tuple[Shard, Inspected], None, list[Shard]]:
        """Inspect shards until none is left or a worker dies; return those whose results are lost."""
        running: dict[Future[Inspected], Shard] = {}
        with self._executor(self._jobs) as executor:
            while True:
                for shard in islice(waiting, 2 * self._jobs - len(running)):
                    try:
                        running[executor.submit(worker.inspect_shard, shard)] = shard
                    except BrokenProcessPool:
                        return [*running.values(), shard]
                if not running:
                    return []
                for done in wait(running, return_when=FIRST_COMPLETED).done:
                    try:
                        inspected = done.result()
                    except BrokenProcessPool:
                        return list(running.values())
                    yield running.pop(done), inspected

    def _one_by_one(self, suspects: deque[Shard]) -> Iterator[tuple[Shard, Inspected]]:
        while suspects:
            with self._executor(1) as executor:
                try:
                    while suspects:
                        inspected = executor.submit(worker.inspect_shard, suspects[0]).result()
                        yield suspects.popleft(), inspected
                except BrokenProcessPool:
                    shard = suspects.popleft()
                    if len(shard) == 1:
                        yield shard, self._refuse(shard[0])
                    else:
                        suspects.extendleft((shard[len(shard) // 2 :], shard[: len(shard) // 2]))

    def _executor(self, jobs: int) -> ProcessPoolExecutor:
        # Forked processes would share the locks of the threads that list and store.
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(jobs, context, worker.start, (self._settings,))
