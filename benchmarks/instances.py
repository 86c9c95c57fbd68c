"""Four instances that write one table at once, with group commit and without: what the locks cost.

`python -m benchmarks.instances` runs the tests' server for VAST DataBase in a process of its own, and
instances in theirs, each with as many threads as DataEngine gives it events. Each thread stores one version
after another of files that it draws at random from files of all, as events of a busy show come. It prints
events per second, CPU time per event of the instances, and how many transactions were begun and rolled back;
a rollback is a conflict. Without group commit each event is a transaction.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

from benchmarks.soak import cpu_seconds
from exr_inspector import inspect
from exr_inspector.catalog.facets import FileRows
from exr_inspector.catalog.rows import rows_of
from exr_inspector.catalog.vast.store import VastStore
from exr_inspector.errors import InspectorError
from exr_inspector.settings import Settings
from tests.exrfiles.demo import layered_beauty
from tests.vast_server.server import VastServer

FILES = 400


class Job(NamedTuple):
    """What one instance does."""

    settings: Settings
    threads: int
    events: int
    is_grouped: bool
    seed: int


class Done(NamedTuple):
    """CPU seconds of an instance, all threads, and its events that failed."""

    cpu: float
    errors: int


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.instances")
    parser.add_argument("--instances", type=int, default=4)
    parser.add_argument("--threads", type=int, default=16, help="events at once in each instance")
    parser.add_argument("--events", type=int, default=500, help="of each instance")
    asked = parser.parse_args()
    print(
        f"{asked.instances} instances, {asked.threads} threads and {asked.events} events each, {FILES} files"
    )
    columns = ("events/s", "CPU ms", "server ms", "begun", "files each", "conflicts", "failed")
    print(f"{'':14}", *(f"{each:>12}" for each in columns), sep="")
    failed = [
        _compare(is_grouped, asked.instances, asked.threads, asked.events) for is_grouped in (False, True)
    ]
    sys.exit(any(failed))


def _compare(is_grouped: bool, instances: int, threads: int, events: int) -> int:
    """Run the instances, print a line, and return the number of events that failed."""
    spawning = get_context("spawn")
    database, theirs = spawning.Pipe()
    server = spawning.Process(target=_serve, args=(theirs,))
    server.start()
    settings: Settings = database.recv()
    VastStore(settings).ensure_tables()
    pipes, processes = [], []
    for number in range(instances):
        ours, theirs = spawning.Pipe()
        job = Job(settings, threads, events, is_grouped, number)
        processes.append(spawning.Process(target=_instance, args=(theirs, job)))
        processes[-1].start()
        pipes.append(ours)
    for pipe in pipes:
        pipe.recv()  # ready
    before, busy, started = _requests(database), cpu_seconds(server.pid or 0), time.perf_counter()
    for pipe in pipes:
        pipe.send(None)
    done = [Done(*pipe.recv()) for pipe in pipes]
    seconds, busy = time.perf_counter() - started, cpu_seconds(server.pid or 0) - busy
    made = _requests(database) - before
    database.send(None)
    for process in (*processes, server):
        process.join()
    count, failed = instances * events, sum(each.errors for each in done)
    cpu = 1000 * sum(each.cpu for each in done) / count
    figures = [
        *(f"{count / seconds:.1f}", f"{cpu:.2f}", f"{1000 * busy / count:.2f}", made["begin"]),
        *(f"{count / made['begin']:.2f}", made["rollback"], failed),
    ]
    name = "group commit" if is_grouped else "one by one"
    print(f"{name:14}", *(f"{each:>12}" for each in figures), sep="", flush=True)
    return failed


def _serve(pipe: Connection) -> None:
    with VastServer() as server:
        pipe.send(
            Settings(
                vast_endpoint=server.endpoint,
                vast_access_key=server.access_key,
                vast_secret_key=server.secret_key,
                vast_bucket=server.bucket,
            )
        )
        while pipe.recv():
            pipe.send(Counter(server.requests))


def _requests(database: Connection) -> Counter[str]:
    """Return the number of requests so far, by kind."""
    database.send(True)
    made: Counter[str] = database.recv()
    return made


def _instance(pipe: Connection, job: Job) -> None:
    store = VastStore(job.settings)
    store.ensure_tables()
    file_of, chance = _files(), random.Random(job.seed)
    drawn = [(chance.randrange(FILES), chance.randrange(10**9)) for _ in range(job.events)]
    errors = []

    def deliver(drawing: tuple[int, int]) -> None:
        file = file_of(*drawing)
        try:
            if job.is_grouped:
                store.upsert([file])
            else:
                store._write([file], [])  # noqa: SLF001 - what it is compared with
        except InspectorError as error:
            errors.append(error)

    with ThreadPoolExecutor(job.threads) as pool:
        pipe.send("ready")
        pipe.recv()
        started = time.process_time()
        list(pool.map(deliver, drawn))
        pipe.send(Done(time.process_time() - started, len(errors)))
    store.close()


def _files() -> Callable[[int, int], FileRows]:
    """Return a function that makes the rows of a version of a file, cheaply: alike but for their hashes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "beauty.exr")
        path.write_bytes(layered_beauty(width=64, height=36))
        model = rows_of(inspect(path))

    def file_of(number: int, version: int) -> FileRows:
        file_id, facts = hashlib.md5(b"%d" % number).hexdigest(), f"{version:064x}"  # noqa: S324 - no secret
        cells = {"file_id": file_id, "file_path": f"/shows/bench/beauty.{number:04}.exr"}
        rows = {table: [{**row, **cells} for row in found] for table, found in model.rows.items()}
        rows["files"][0].update(facts_hash=facts, etag=facts, sequencer=None)
        rows["facets"][0].update(input_hash=facts, computed_from=facts)
        return replace(model, file_id=file_id, rows=rows)

    return file_of


if __name__ == "__main__":
    main()
