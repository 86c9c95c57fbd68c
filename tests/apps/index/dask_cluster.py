# mypy: disable-error-code="no-untyped-call"
"""A Dask cluster of processes, started by the commands of docs/SCALING.md."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from distributed import Security

from tests.apps.cli.command import environment

ROOT = Path(__file__).parents[3]
GUIDE = (ROOT / "docs" / "SCALING.md").read_text()


class Cluster(NamedTuple):
    """A scheduler; `options` are those that `index` takes for it."""

    address: str
    options: Sequence[str]
    scheduler: subprocess.Popen[bytes]
    folder: Path


def make_certificates(folder: Path) -> Path:
    """Write a certificate that is its own authority into `ca.pem` and `cert.pem`, and its key."""
    made = Security.temporary()
    for name, text in {
        "ca": made.tls_ca_file,
        "cert": made.tls_client_cert,
        "key": made.tls_client_key,
    }.items():
        (folder / f"{name}.pem").write_text(str(text))
    return folder


def guide(command: str, address: str, folder: Path) -> list[str]:
    """Return the words of a command of the guide, for a cluster of this machine."""
    (line,) = re.findall(rf"^{command} (.*)$", GUIDE, re.MULTILINE)
    if address.startswith("tcp:"):
        line = re.sub(r" --(tls|dask)-\S+ \S+", "", line.replace("--protocol tls", "--protocol tcp"))
    line = line.replace("tls://HOST:8786", address)
    return [str(folder / word) if word.endswith(".pem") else word for word in line.split()]


@contextmanager
def running_scheduler(folder: Path, *, is_encrypted: bool) -> Iterator[Cluster]:
    """Run a scheduler. It gives up a task that two workers died of."""
    make_certificates(folder)
    words = guide("dask scheduler", "" if is_encrypted else "tcp:", folder)
    file = folder / "scheduler.json"
    here = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(file)]
    with _running("scheduler", [*words, *here], folder) as scheduler:
        while not file.exists() or not file.read_text():
            assert scheduler.poll() is None
            time.sleep(0.05)
        address = json.loads(file.read_text())["address"]
        options = guide("exr-inspector index /renders", address, folder)
        yield Cluster(address, options, scheduler, folder)


@contextmanager
def running_workers(cluster: Cluster, count: int) -> Iterator[None]:
    """Run some worker processes of one thread, each with a nanny that starts it again if it dies."""
    words = guide("dask worker", cluster.address, cluster.folder)
    words[words.index("auto")] = str(count)
    with _running("worker", [*words, "--no-dashboard"], cluster.folder):
        yield


@contextmanager
def _running(command: str, words: Sequence[str], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    variables = environment(DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES="1")
    # Workers import the tests' faulty worker too.
    variables["PYTHONPATH"] += f":{ROOT}"
    with (folder / f"{command}.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.dask_{command}", *words],
            cwd=folder,
            env=variables,
            stdout=log,
            stderr=log,
        )
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
