"""Workers that die: of some files, or of everything. They run in processes instead of the real ones."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from pathlib import Path

from exr_inspector.apps.index import worker
from exr_inspector.apps.index.worker import Inspected
from exr_inspector.catalog.duckdb.inventory import Difference
from exr_inspector.settings import Settings

_inspect_shard = worker.inspect_shard


def inspect_shard(files: Sequence[Difference], settings: Settings) -> Inspected:
    """Die if a file is called `killer`, and once of a file called `once`."""
    for each in files:
        path = Path(each.path)
        if path.name == "killer.exr":
            os.kill(os.getpid(), signal.SIGKILL)
        if path.name == "once.exr" and not path.with_suffix(".died").exists():
            path.with_suffix(".died").touch()
            os.kill(os.getpid(), signal.SIGKILL)
    return _inspect_shard(files, settings)


def die(*_: object) -> Inspected:
    """Die of any shard, also of an empty one."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError
