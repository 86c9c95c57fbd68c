"""`make bench`: the function under load, as DataEngine would run it. Alone: `python -m benchmarks.soak`.

The development server, the S3 server and the server for VAST DataBase are three processes on loopback. Each
client writes a new version of a frame, sends its event, waits for the answer and goes on, so every event is
read and replaces its frame's rows; with `--frames 0` every event is of a new file. It runs without a store
and with VAST DataBase; `--store duckdb` uses the embedded store.

CPU time is that of the function's process, all threads. The servers' is printed apart, since it must not be
what is measured; so is that of the development server, in the function's process, for events that need no
action. `--batch 50 --clients 100` has the batch handler called with up to 50 events.

Memory is measured after a warm-up that has sent every frame several times, and must stay within a bound: a
few MiB for threads and the allocator. DuckDB holds up to 16 MiB of changes between its checkpoints, in this
process, and takes thousands of events to level off. Exit code 1: memory grew beyond the bound, or an event
failed.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from itertools import pairwise
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import quantiles
from threading import Lock
from typing import Any

from benchmarks.processes import free_port
from exr_inspector.apps.devserver.invoke import binary_message, send
from tests.exrfiles.demo import demo_files
from tests.exrfiles.metadata import DATE
from tests.sources.server import KEYS, S3Server
from tests.vast_server.server import VastServer

BUCKET = "shots"
STAGES = 20
"""How often the memory is looked at while events run."""
IDLE = 500
"""Events that need no action, to measure the development server."""
HEAD = 16384
"""Bytes of each file that the server keeps: header and offset table. It sends zeros for the rest."""


class Show:
    """Frames in a bucket, made of the demo's files."""

    def __init__(self, s3: RemoteS3, frames: int) -> None:
        self._s3, self._frames = s3, frames
        self._files = [(data[:HEAD], len(data)) for _, data in demo_files()]

    def write(self, number: int) -> dict[str, Any]:
        """Put version after version of all frames, each with its own capDate; its event."""
        frame = number % self._frames if self._frames else number
        head, size = self._files[frame % len(self._files)]
        key = f"sq{frame // 1000:03}/sh{frame // 100 % 10:03}/beauty.{1001 + frame % 100}.exr"
        self._s3.announce(key, head.replace(DATE.encode(), _date(number).encode()), size)
        return _event(number, key, size)


def ignored(number: int) -> dict[str, Any]:
    """Return an event that needs no action."""
    return {**_event(number, "sq000/tags.json", 1), "type": "vastdata.com:Element.ElementTagged"}


def _date(number: int) -> str:
    hours, minute = divmod(number, 60)
    days, hour = divmod(hours, 24)
    return f"2026:{1 + days // 28:02}:{1 + days % 28:02} {hour:02}:{minute:02}:30"


def _event(number: int, key: str, size: int) -> dict[str, Any]:
    stored = {"key": key, "size": size, "sequencer": f"{number:016x}"}
    record = {"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": BUCKET}, "object": stored}}
    return {
        "specversion": "1.0",
        "id": f"{number:016x}",
        "type": "vastdata.com:Element.ElementCreated",
        "source": "vastdata.com:exr-landing.6f1d2c3b-1111-4222-8333-444455556666",
        "subject": "render-broker.main",
        "elementpath": f"{BUCKET}/{key}",
        "data": {"Records": [record]},
    }


@dataclass
class Found:
    """What came of the events. `cpu` has CPU seconds of each process by name."""

    milliseconds: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    seconds: float = 0.0
    cpu: dict[str, float] = field(default_factory=dict)
    mebibytes: list[float] = field(default_factory=list)
    """Resident memory at the start and after each stage."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak")
    parser.add_argument("--events", type=int, default=10_000)
    parser.add_argument("--clients", type=int, default=16, help="events in flight")
    parser.add_argument("--frames", type=int, default=100, help="files; 0 for as many as events")
    parser.add_argument("--warm-up", type=int, default=1000, help="events before the memory is looked at")
    parser.add_argument("--store", choices=STORES, action="append", help="can be repeated; none and vast")
    parser.add_argument("--batch", type=int, default=0, metavar="SIZE", help="have the batch handler called")
    asked = parser.parse_args()
    print(f"{asked.events} events from {asked.clients} clients, on {asked.frames} frames", flush=True)
    sound = [soak(store, asked) for store in asked.store or ("none", "vast")]
    sys.exit(not all(sound))


def soak(store: str, asked: argparse.Namespace) -> bool:
    """Whether the memory stays within the bound and no event fails, with this store."""
    bound, opened = STORES[store]
    with (
        s3_server() as s3,
        opened() as (envs, database),
        function(s3, envs, batch=asked.batch) as (url, process),
    ):
        show = Show(s3, asked.frames)
        deliver(show, range(asked.warm_up), url, asked.clients, Found())
        found = Found(mebibytes=[resident(process)])
        processes = {"function": process, "S3 server": s3.process, "VAST server": database}
        before = {name: cpu_seconds(number) for name, number in processes.items() if number}
        edges = [asked.warm_up + asked.events * stage // STAGES for stage in range(STAGES + 1)]
        for stage in pairwise(edges):
            deliver(show, range(*stage), url, asked.clients, found)
            found.mebibytes.append(resident(process))
        found.cpu = {name: cpu_seconds(processes[name]) - start for name, start in before.items()}
        idle, before_idle = Found(), cpu_seconds(process)
        send_all((ignored(number) for number in range(IDLE)), url, asked.clients, idle)
        found.errors += idle.errors
        spent = (cpu_seconds(process) - before_idle) / IDLE
        found.cpu["of it the development server"] = spent * len(found.milliseconds)
    print(f"\nstore              {store}")
    return report(found, bound)


def report(found: Found, bound: float) -> bool:
    """Print what came of the events; whether all is well."""
    p50, p95, p99 = (quantiles(found.milliseconds, n=100)[percent - 1] for percent in (50, 95, 99))
    print(f"events per second  {len(found.milliseconds) / found.seconds:.1f}")
    print(f"latency in ms      p50 {p50:.1f}, p95 {p95:.1f}, p99 {p99:.1f}")
    for name, seconds in found.cpu.items():
        print(f"CPU ms per event   {1000 * seconds / len(found.milliseconds):.2f} {name}")
    first, *_, last = found.mebibytes
    print(
        f"resident MiB       {first:.1f} at the start, {last:.1f} at the end: {last - first:+.1f} of {bound}"
    )
    fifths = [found.mebibytes[1 + start : 5 + start] for start in range(0, STAGES, 4)]
    print(f"                   {', '.join(f'{min(each):.1f}' for each in fifths)} at least in each fifth")
    print(f"errors             {len(found.errors)}", *found.errors[:1], flush=True)
    return last - first <= bound and not found.errors


def deliver(show: Show, numbers: range, url: str, clients: int, found: Found) -> None:
    """Write these versions and send their events, so many at once."""
    send_all(map(show.write, numbers), url, clients, found)


def send_all(events: Iterator[dict[str, Any]], url: str, clients: int, found: Found) -> None:
    """Send events, so many at once. Each is made when a client is free."""
    turn = Lock()

    def client(_: int) -> None:
        while True:
            with turn:
                event = next(events, None)
            if event is None:
                return
            started = time.perf_counter()
            status, text = send(event, url, binary_message)
            found.milliseconds.append(1000 * (time.perf_counter() - started))
            if status != 204:
                found.errors.append(f"{status} {text}")

    started = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(client, range(clients)))
    found.seconds += time.perf_counter() - started


class RemoteS3:
    """The tests' S3 server in a process of its own."""

    def __init__(self, pipe: Connection, process: int) -> None:
        self.process = process
        self.url: str = pipe.recv()
        self._pipe, self._lock = pipe, Lock()

    def announce(self, key: str, head: bytes, size: int) -> None:
        """Put a version of an object: its first bytes, and its size."""
        with self._lock:
            self._pipe.send((key, head, size))
            self._pipe.recv()


@contextmanager
def _process(serve: Callable[[Connection], None]) -> Iterator[tuple[Connection, int]]:
    """Run a server in a process of its own, until it is sent None."""
    spawning = multiprocessing.get_context("spawn")
    ours, theirs = spawning.Pipe()
    process = spawning.Process(target=serve, args=(theirs,))
    process.start()
    try:
        yield ours, process.pid or 0
    finally:
        ours.send(None)
        process.join()


@contextmanager
def s3_server() -> Iterator[RemoteS3]:
    with _process(_serve_s3) as (pipe, number):
        yield RemoteS3(pipe, number)


def _serve_s3(pipe: Connection) -> None:
    with S3Server() as server:
        pipe.send(server.url)
        while command := pipe.recv():
            server.announce(BUCKET, *command)
            pipe.send(None)


@contextmanager
def no_store() -> Iterator[tuple[dict[str, str], int]]:
    yield {}, 0


@contextmanager
def vast_database() -> Iterator[tuple[dict[str, str], int]]:
    with _process(_serve_vast) as (pipe, number):
        yield pipe.recv(), number


def _serve_vast(pipe: Connection) -> None:
    with VastServer() as server:
        envs = {
            "VAST_DB_ENDPOINT": server.endpoint,
            "VAST_DB_ACCESS_KEY": server.access_key,
            "VAST_DB_SECRET_KEY": server.secret_key,
            "VAST_DB_BUCKET": server.bucket,
        }
        pipe.send(envs)
        pipe.recv()


@contextmanager
def duckdb_file() -> Iterator[tuple[dict[str, str], int]]:
    with tempfile.TemporaryDirectory() as folder:
        yield {"EXR_INSPECTOR_DB": str(Path(folder, "soak.duckdb"))}, 0


STORES: dict[str, tuple[float, Callable[[], AbstractContextManager[tuple[dict[str, str], int]]]]] = {
    "none": (8, no_store),
    "vast": (8, vast_database),
    "duckdb": (24, duckdb_file),
}
"""By how many MiB memory may grow; the settings that select the store, and the number of its process."""


@contextmanager
def function(s3: RemoteS3, store: dict[str, str], *, batch: int) -> Iterator[tuple[str, int]]:
    """Run `exr-inspector serve` until it is ready for events: its address, and the number of its process."""
    with tempfile.TemporaryDirectory() as folder, Path(folder, "log").open("wb") as log:
        port = free_port()
        config = _config(Path(folder), s3, store)
        command = [sys.executable, "-m", "exr_inspector", "serve", "--port", str(port), "--config", config]
        if batch:
            command += ["--batch", "--batch-size", str(batch)]
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            _wait_until_ready(port, process)
            yield f"http://127.0.0.1:{port}", process.pid
        finally:
            process.terminate()
            process.wait()


def _config(folder: Path, s3: RemoteS3, store: dict[str, str]) -> str:
    envs = {
        "S3_ENDPOINT": s3.url,
        "S3_ACCESS_KEY": KEYS["s3_access_key"],
        "S3_SECRET_KEY": KEYS["s3_secret_key"],
        **store,
    }
    config = folder / "config.yaml"
    config.write_text(json.dumps({"envs": envs}))
    return str(config)


def _wait_until_ready(port: int, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        connection = HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("GET", "/readiness")
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.1)
        finally:
            connection.close()
    sys.exit("the development server ended before it was ready; run `exr-inspector serve` to see why")


def cpu_seconds(process: int) -> float:
    """Return the CPU time of a process, all threads, user and system."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident(process: int) -> float:
    """The MiB of memory that a process holds."""
    pages = Path(f"/proc/{process}/statm")
    if pages.exists():
        return int(pages.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    shown = subprocess.run(["ps", "-o", "rss=", "-p", str(process)], capture_output=True, check=True)
    return int(shown.stdout) / 1024


if __name__ == "__main__":
    main()
