"""`make bench`: the function under load, as DataEngine would run it; alone: `python -m benchmarks.soak`.

The stand-in runs as a process of its own, with the embedded store and an S3 server on loopback. Clients
send one event for each of many objects, whose headers differ, and wait for each answer.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from exr_inspector.standin.invoke import binary_message, send
from tests.exrfiles.demo import demo_files
from tests.exrfiles.metadata import DATE
from tests.s3.server import KEYS, S3Server

BUCKET = "shots"
WARM_UP = 300
"""Events before the first look at the memory: threads, connections and caches are there by then."""
STAGES = 4
"""How often the memory is looked at while events run."""


@dataclass
class Soak:
    """What came of the events."""

    milliseconds: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    seconds: float = 0.0


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak")
    parser.add_argument("--events", type=int, default=5000)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--batch", action="store_true", help="call the batch handler")
    options = parser.parse_args()
    with S3Server() as s3, tempfile.TemporaryDirectory() as folder:
        events = announce(s3, WARM_UP + options.events)
        with standin(Path(folder), s3, batch=options.batch) as (url, process):
            report(url, process, events, options.clients)


def report(url: str, process: int, events: Sequence[dict[str, Any]], clients: int) -> None:
    deliver(url, events[:WARM_UP], clients, Soak())
    print(f"{len(events) - WARM_UP} events from {clients} clients, after {WARM_UP} to warm up")
    memory = [resident_mib(process)]
    soak = Soak()
    for stage in range(STAGES):
        deliver(url, events[WARM_UP + stage :: STAGES], clients, soak)
        memory.append(resident_mib(process))
    p50, p95, p99 = (statistics.quantiles(soak.milliseconds, n=100)[each - 1] for each in (50, 95, 99))
    print(f"events per second {len(soak.milliseconds) / soak.seconds:9.1f}")
    print(
        f"latency in ms     p50 {p50:.1f}, p95 {p95:.1f}, p99 {p99:.1f}, worst {max(soak.milliseconds):.1f}"
    )
    print(f"resident MiB      {' -> '.join(f'{each:.1f}' for each in memory)}")
    print(f"errors            {len(soak.errors)} {soak.errors[:1] or ''}")


def deliver(url: str, events: Sequence[dict[str, Any]], clients: int, soak: Soak) -> None:
    """Send events from so many clients at once, each waiting for its answer before it sends the next."""

    def one(event: dict[str, Any]) -> None:
        started = time.perf_counter()
        status, text = send(event, url, binary_message)
        soak.milliseconds.append(1000 * (time.perf_counter() - started))
        if status != 204:
            soak.errors.append(f"{status} {text}")

    started = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(one, events))
    soak.seconds += time.perf_counter() - started


def announce(s3: S3Server, count: int) -> list[dict[str, Any]]:
    """Let the server hold so many objects, the demo's files with another capDate each; their events."""
    events = []
    for number, (_, data) in enumerate(islice(cycle(list(demo_files())), count)):
        day, minute = divmod(number, 1440)
        date = f"2026:{1 + day // 28:02}:{1 + day % 28:02} {minute // 60:02}:{minute % 60:02}:30"
        key = f"sq{number // 1000:03}/sh{number // 100 % 10:03}/beauty.{1001 + number % 100}.exr"
        head = data[:65536].replace(DATE.encode(), date.encode())
        s3.announce(BUCKET, key, head, len(data))
        events.append(_event(number, key, len(data)))
    return events


def _event(number: int, key: str, size: int) -> dict[str, Any]:
    stored = {"key": key, "size": size, "sequencer": f"{number:016x}"}
    record = {"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": BUCKET}, "object": stored}}
    return {
        "specversion": "1.0",
        "id": f"{number:016x}",
        "type": "vastdata.com:Element.ElementCreated",
        "source": "vastdata.com:exr-landing.6f1d2c3b-1111-4222-8333-444455556666",
        "subject": "render-broker.main",
        "time": "2026-10-01T09:15:30.123456+00:00",
        "elementpath": f"{BUCKET}/{key}",
        "data": {"Records": [record]},
    }


@contextmanager
def standin(folder: Path, s3: S3Server, *, batch: bool) -> Iterator[tuple[str, int]]:
    """`exr-inspector serve`, ready: its address and process."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    envs = {
        "S3_ENDPOINT": s3.url,
        "S3_ACCESS_KEY": KEYS["s3_access_key"],
        "S3_SECRET_KEY": KEYS["s3_secret_key"],
        "EXR_INSPECTOR_DB": str(folder / "soak.duckdb"),
    }
    config = folder / "config.yaml"
    config.write_text(json.dumps({"envs": envs}))
    command = [sys.executable, "-m", "exr_inspector", "serve", "--port", str(port), "--config", str(config)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([*command, *["--batch"] * batch], stdout=log, stderr=log)
        try:
            _wait_until_ready(port, process)
            yield f"http://127.0.0.1:{port}", process.pid
        finally:
            process.terminate()
            process.wait()


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
    sys.exit("the stand-in ended before it was ready")


def resident_mib(process: int) -> float:
    """The memory that a process holds."""
    status = Path(f"/proc/{process}/statm")
    if status.exists():
        return int(status.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    shown = subprocess.run(["ps", "-o", "rss=", "-p", str(process)], capture_output=True, check=True)
    return int(shown.stdout) / 1024


if __name__ == "__main__":
    main()
