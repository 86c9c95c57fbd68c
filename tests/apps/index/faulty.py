"""Workers that die: of some files, or of everything. They run in processes instead of the real ones."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from exr_inspector.apps.index import worker
from exr_inspector.apps.index.worker import Inspected
from exr_inspector.catalog.duckdb.inventory import Difference
from exr_inspector.settings import Settings

_inspect_shard = worker.inspect_shard


def inspect_shard(files: Sequence[Difference], settings: Settings) -> Inspected:
    """Die if a file is called `killer`, once of a file called `once`, and once in the answer about `half`."""
    for each in files:
        path = Path(each.path)
        if path.name == "killer.exr":
            os.kill(os.getpid(), signal.SIGKILL)
        if path.name == "once.exr" and not path.with_suffix(".died").exists():
            path.with_suffix(".died").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        if path.name == "half.exr" and not path.with_suffix(".died").exists():
            path.with_suffix(".died").touch()
            connection: Any = Connection
            connection._send = _send_half
    return _inspect_shard(files, settings)


def _send_half(pipe: Connection, data: bytes) -> None:
    os.write(pipe.fileno(), data[: len(data) // 2])
    os.kill(os.getpid(), signal.SIGKILL)


def die(*_: object) -> Inspected:
    """Die of any shard, also of an empty one."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def fail(*_: object) -> Inspected:
    """Fail, as a bug does."""
    raise ZeroDivisionError("of a worker")
