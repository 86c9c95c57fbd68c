"""Inspect many files in worker processes; a worker that dies costs a retry, never a file."""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager
from itertools import islice
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
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
    """Runs shards on workers, and yields the shards with their results in any order.

    At most two shards for each worker are in progress, so memory does not grow with their number. If a worker
    dies, the shards that may have killed it are inspected again at the end, one at a time. A shard that kills
    a worker again is halved until a single file is left; `refuse` returns its result.
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


class WorkerDiedError(Exception):
    """A worker process ended before it answered, or could not be started."""


class Processes:
    """Spawned processes of this machine, each with a thread that feeds it through a pipe of its own.

    If one dies, its shard is lost and another process takes its place. All processes of a ProcessPoolExecutor
    share one pipe: if one is killed in the middle of an answer, the executor waits for the rest forever.
    """

    lost = WorkerDiedError

    def __init__(self, count: int, settings: Settings) -> None:
        self._count = count
        self._settings = settings
        self._idle: deque[tuple[BaseProcess, Connection]] = deque()

    def __enter__(self) -> Self:
        self._threads = ThreadPoolExecutor(self._count)
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown(cancel_futures=True)
        for process, pipe in self._idle:
            pipe.close()  # the process ends by itself
            process.join()

    def _start(self) -> tuple[BaseProcess, Connection]:
        # Forked processes would share the locks of the threads that list and store.
        context = multiprocessing.get_context("spawn")
        pipe, theirs = context.Pipe()
        with theirs:
            process = context.Process(target=worker.answer, args=(theirs,), daemon=True)
            process.start()
        return process, pipe

    def count(self) -> int:
        return self._count

    def submit(self, shard: Shard) -> Future[Inspected]:
        return self._threads.submit(self._inspect, shard)

    def wait(self, futures: Collection[Future[Inspected]]) -> Collection[Future[Inspected]]:
        return wait(futures, return_when=FIRST_COMPLETED).done

    def _inspect(self, shard: Shard) -> Inspected:
        """Let a process inspect a shard. Raises WorkerDiedError, and what the inspection raises."""
        try:
            process, pipe = self._idle.pop() if self._idle else self._start()
            pipe.send((worker.inspect_shard, shard, self._settings))
            found: Inspected | Exception = pipe.recv()
        except (EOFError, OSError) as error:
            raise WorkerDiedError from error
        self._idle.append((process, pipe))
        if isinstance(found, Exception):
            raise found
        return found
