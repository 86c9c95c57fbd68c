"""Inspect many files in worker processes; a worker that dies costs a retry, never a file."""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager
from itertools import islice
from typing import Any, Protocol

from typing_extensions import Self

from exr_inspector.apps.index import worker
from exr_inspector.apps.index.worker import SHARD, Inspected
from exr_inspector.catalog.duckdb.inventory import Difference
from exr_inspector.errors import NO_WORKERS, InspectorError
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


class Workers(AbstractContextManager["Workers"], Protocol):
    """Processes that run `worker.inspect_shard`."""

    @property
    def lost(self) -> type[Exception]:
        """What a future raises if the process that inspected its shard died, or may have."""

    def count(self) -> int:
        """Return how many shards are inspected at once."""

    def submit(self, shard: Shard) -> Any:
        """Return the future of a shard's `Inspected`."""

    def wait(self, futures: Collection[Any]) -> Collection[Any]:
        """Wait until some futures are done, and return those."""


class Pool:
    """An executor that has workers. It yields shards and what was found in any order.

    At most two shards for each worker are under way, so that memory does not grow with their number. Shards
    that a worker died of, or may have, are inspected again at the end, one at a time. One that a worker dies
    of again is halved until a single file is left, for which `refuse` gives the result.
    """

    def __init__(self, workers: Workers, refuse: Callable[[Difference], Inspected]) -> None:
        self._workers = workers
        self._refuse = refuse

    def __call__(self, files: Iterable[Difference]) -> Iterator[tuple[Shard, Inspected]]:
        waiting = shards(files)
        running: dict[Any, Shard] = {}
        suspects: deque[Shard] = deque()
        with self._workers as workers:
            while True:
                for shard in islice(waiting, max(2 * workers.count() - len(running), 0)):
                    running[workers.submit(shard)] = shard
                if not running:
                    break
                for done in workers.wait(running):
                    shard = running.pop(done)
                    try:
                        inspected = done.result()
                    except workers.lost:
                        suspects.append(shard)
                    else:
                        yield shard, inspected
            yield from self._one_by_one(suspects)

    def _one_by_one(self, suspects: deque[Shard]) -> Iterator[tuple[Shard, Inspected]]:
        while suspects:
            shard = suspects.popleft()
            try:
                inspected = self._workers.submit(shard).result()
            except self._workers.lost:
                if len(shard) > 1:
                    suspects.extendleft((shard[len(shard) // 2 :], shard[: len(shard) // 2]))
                    continue
                self._check_workers()
                inspected = self._refuse(shard[0])
            yield shard, inspected

    def _check_workers(self) -> None:
        """Raise NO_WORKERS if a worker dies of no file at all."""
        try:
            self._workers.submit([]).result()
        except self._workers.lost as error:
            message = "worker processes do not start, or die on every file"
            raise InspectorError(NO_WORKERS, message) from error


class Processes:
    """Spawned processes of this machine. If one dies, all shards that were under way are lost."""

    lost = BrokenProcessPool

    def __init__(self, count: int, settings: Settings) -> None:
        self._count = count
        self._settings = settings

    def __enter__(self) -> Self:
        self._executor = self._start()
        return self

    def __exit__(self, *_: object) -> None:
        self._executor.shutdown()

    def _start(self) -> ProcessPoolExecutor:
        # Forked processes would share the locks of the threads that list and store.
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(self._count, context, worker.start)

    def count(self) -> int:
        return self._count

    def submit(self, shard: Shard) -> Future[Inspected]:
        try:
            return self._executor.submit(worker.inspect_shard, shard, self._settings)
        except BrokenProcessPool:
            self._executor = self._start()
            return self._executor.submit(worker.inspect_shard, shard, self._settings)

    def wait(self, futures: Collection[Future[Inspected]]) -> Collection[Future[Inspected]]:
        return wait(futures, return_when=FIRST_COMPLETED).done
