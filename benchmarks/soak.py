"""`make bench`: the function under load, as DataEngine would run it. Alone: `python -m benchmarks.soak`.

The stand-in is a process of its own and reads from an S3 server on loopback. Each client writes a new version
of some frame, sends its event, waits for the answer, and goes on: every event is read and replaces its
frame's rows, so that tables stay as large as they are. It is run without a store, and with what is deployed:
VAST DataBase, of which the tests' server runs in a third process. `--store duckdb` takes the embedded store.

Memory is looked at once a warm-up has sent every frame several times, and must stay within a bound. Without
the process's own store that is a few MiB, of threads and of what the allocator keeps. DuckDB holds up to
16 MiB of changes between its checkpoints, in this process, and takes thousands of events to level off.
Exit code 1: memory grew beyond the bound, or an event failed.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import socket
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
from typing import Any

from exr_inspector.apps.devserver.invoke import binary_message, send
from tests.exrfiles.demo import demo_files
from tests.exrfiles.metadata import DATE
from tests.sources.server import KEYS, S3Server
from tests.vast_server.server import VastServer

BUCKET = "shots"
STAGES = 20
"""How often the memory is looked at while events run."""
HEAD = 16384
"""Bytes of each file that the server keeps: header and offset table. It sends zeros for the rest."""


class Show:
    """Frames in a bucket, made of the demo's files."""

    def __init__(self, s3: S3Server, frames: int) -> None:
        self._s3, self._frames = s3, frames
        self._files = [(data[:HEAD], len(data)) for _, data in demo_files()]

    def write(self, number: int) -> dict[str, Any]:
        """Put version after version of all frames, each with its own capDate; its event."""
        frame = number % self._frames
        head, size = self._files[frame % len(self._files)]
        key = f"sq{frame // 1000:03}/sh{frame // 100 % 10:03}/beauty.{1001 + frame % 100}.exr"
        self._s3.announce(BUCKET, key, head.replace(DATE.encode(), _date(number).encode()), size)
        return _event(number, key, size)


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
    """What came of the events."""

    milliseconds: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    seconds: float = 0.0
    mebibytes: list[float] = field(default_factory=list)
    """Resident memory at the start and after each stage."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak")
    parser.add_argument("--events", type=int, default=5000)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--frames", type=int, default=100, help="files")
    parser.add_argument("--warm-up", type=int, default=1000, help="events before the memory is looked at")
    parser.add_argument("--store", choices=STORES, action="append", help="can be repeated; none and vast")
    parser.add_argument("--batch", action="store_true", help="have the batch handler called")
    asked = parser.parse_args()
    print(f"{asked.events} events from {asked.clients} clients, on {asked.frames} frames", flush=True)
    sound = [soak(store, asked) for store in asked.store or ("none", "vast")]
    sys.exit(not all(sound))


def soak(store: str, asked: argparse.Namespace) -> bool:
    """Whether the memory stays within the bound and no event fails, with this store."""
    bound, opened = STORES[store]
    with S3Server() as s3, opened() as envs, standin(s3, envs, batch=asked.batch) as (url, process):
        show = Show(s3, asked.frames)
        deliver(show, range(asked.warm_up), url, asked.clients, Found())
        found = Found(mebibytes=[resident(process)])
        edges = [asked.warm_up + asked.events * stage // STAGES for stage in range(STAGES + 1)]
        for stage in pairwise(edges):
            deliver(show, range(*stage), url, asked.clients, found)
            found.mebibytes.append(resident(process))
    print(f"\nstore              {store}")
    return report(found, bound)


def report(found: Found, bound: float) -> bool:
    """Print what came of the events; whether all is well."""
    p50, p95, p99 = (quantiles(found.milliseconds, n=100)[percent - 1] for percent in (50, 95, 99))
    print(f"events per second  {len(found.milliseconds) / found.seconds:.1f}")
    print(f"latency in ms      p50 {p50:.1f}, p95 {p95:.1f}, p99 {p99:.1f}")
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

    def one(number: int) -> None:
        event = show.write(number)
        started = time.perf_counter()
        status, text = send(event, url, binary_message)
        found.milliseconds.append(1000 * (time.perf_counter() - started))
        if status != 204:
            found.errors.append(f"{status} {text}")

    started = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(one, numbers))
    found.seconds += time.perf_counter() - started


@contextmanager
def no_store() -> Iterator[dict[str, str]]:
    yield {}


@contextmanager
def vast_database() -> Iterator[dict[str, str]]:
    """The tests' VAST DataBase, in a process of its own."""
    spawning = multiprocessing.get_context("spawn")
    ours, theirs = spawning.Pipe()
    process = spawning.Process(target=_serve_vast, args=(theirs,))
    process.start()
    try:
        yield ours.recv()
    finally:
        ours.send(None)
        process.join()


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
def duckdb_file() -> Iterator[dict[str, str]]:
    with tempfile.TemporaryDirectory() as folder:
        yield {"EXR_INSPECTOR_DB": str(Path(folder, "soak.duckdb"))}


STORES: dict[str, tuple[float, Callable[[], AbstractContextManager[dict[str, str]]]]] = {
    "none": (8, no_store),
    "vast": (8, vast_database),
    "duckdb": (24, duckdb_file),
}
"""By how many MiB memory may grow from start to end, and the settings that select the store."""


@contextmanager
def standin(s3: S3Server, store: dict[str, str], *, batch: bool) -> Iterator[tuple[str, int]]:
    """`exr-inspector serve`, ready for events: its address, and the number of its process."""
    with tempfile.TemporaryDirectory() as folder, Path(folder, "log").open("wb") as log:
        port = _free_port()
        config = _config(Path(folder), s3, store)
        command = [sys.executable, "-m", "exr_inspector", "serve", "--port", str(port), "--config", config]
        process = subprocess.Popen([*command, *["--batch"] * batch], stdout=log, stderr=log)
        try:
            _wait_until_ready(port, process)
            yield f"http://127.0.0.1:{port}", process.pid
        finally:
            process.terminate()
            process.wait()


def _config(folder: Path, s3: S3Server, store: dict[str, str]) -> str:
    envs = {
        "S3_ENDPOINT": s3.url,
        "S3_ACCESS_KEY": KEYS["s3_access_key"],
        "S3_SECRET_KEY": KEYS["s3_secret_key"],
        **store,
    }
    config = folder / "config.yaml"
    config.write_text(json.dumps({"envs": envs}))
    return str(config)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


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
    sys.exit("the stand-in ended before it was ready; `exr-inspector serve` tells why")


def resident(process: int) -> float:
    """The MiB of memory that a process holds."""
    pages = Path(f"/proc/{process}/statm")
    if pages.exists():
        return int(pages.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    shown = subprocess.run(["ps", "-o", "rss=", "-p", str(process)], capture_output=True, check=True)
    return int(shown.stdout) / 1024


if __name__ == "__main__":
    main()
