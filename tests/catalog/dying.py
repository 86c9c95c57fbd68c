"""A process whose children are killed: each upserts until the response to its n-th request has arrived.

`python -m tests.catalog.dying` reads lines `[SETTINGS, STEP, NAME]` in JSON and answers each with the child's
wait status: 0 if it ended before its n-th request. A forked child need not import the SDK.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from exr_inspector.catalog.vast.store import VastStore
from exr_inspector.settings import Settings
from tests.catalog.deliveries import batch


class Dying:
    """The process, for tests."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def die(self, settings: Settings, step: int, name: str) -> bool:
        """Let a child deliver `batch(name)`; return whether its `step`-th request was its last."""
        assert self._process.stdin
        assert self._process.stdout
        print(json.dumps([asdict(settings), step, name]), file=self._process.stdin, flush=True)
        return {0: False, signal.SIGKILL: True}[int(self._process.stdout.readline())]


@contextmanager
def dying() -> Iterator[Dying]:
    """Run the process, which ends with its input."""
    command = [sys.executable, "-m", "tests.catalog.dying"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        yield Dying(process)
        process.communicate()


def main() -> None:
    for line in sys.stdin:
        settings, step, name = json.loads(line)
        child = os.fork()
        if child == 0:
            _live(Settings(**settings), step, name)
        print(os.waitpid(child, 0)[1], flush=True)


def _live(settings: Settings, step: int, name: str) -> None:
    store = VastStore(settings)
    store.ensure_tables()
    _die_at(step)
    store.upsert(batch(name))
    os._exit(0)


def _die_at(step: int) -> None:
    send = HTTPAdapter.send
    sent = 0

    def send_and_die(*arguments: Any, **options: Any) -> requests.Response:
        nonlocal sent
        answer = send(*arguments, **options)
        sent += 1
        if sent == step:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    HTTPAdapter.send = send_and_die  # type: ignore[method-assign]


if __name__ == "__main__":
    main()
