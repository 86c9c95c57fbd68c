"""A process whose children are killed: each upserts until the response to its n-th request has arrived.

`python -m tests.catalog.dying SETTINGS` reads lines "STEP NAME" and answers each with the child's wait
status: 0 if it ended before its n-th request. A forked child need not import the SDK.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from exr_inspector.catalog.vast.store import VastStore
from exr_inspector.settings import Settings
from tests.catalog.deliveries import batch


def main() -> None:
    settings = Settings(**json.loads(sys.argv[1]))
    for line in sys.stdin:
        step, name = line.split()
        child = os.fork()
        if child == 0:
            _live(settings, int(step), name)
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
