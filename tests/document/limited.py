"""Inspects files within limits: `python -m tests.document.limited < PATHS` prints a document for each line.

The kernel ends the process (SIGXCPU) that computes for too long, and refuses memory beyond the limit. The
last line tells how many KiB the process had in memory when it began, and at most.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from exr_inspector import inspect, to_json
from exr_inspector.document import oiio_report  # noqa: F401 - part of what the process has in memory at its start

ROOT = Path(__file__).parents[2]
CPU_SECONDS = 60
ADDRESS_SPACE = 4 << 30


class Run(NamedTuple):
    """Documents in the order of the paths; resident memory in KiB."""

    documents: list[dict[str, Any]]
    began_with: int
    peak: int


def inspect_limited(paths: Iterable[Path]) -> Run:
    """Inspect files in one process of limited means. CalledProcessError where they do not suffice."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.document.limited"],
        cwd=ROOT,
        env={"PYTHONPATH": f"{ROOT / 'functions' / 'exr_inspector'}"},
        input="\n".join(map(str, paths)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    *documents, memory = map(json.loads, done.stdout.splitlines())
    return Run(documents, *memory)


def main() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    began = _peak()
    for path in sys.stdin.read().splitlines():
        print(to_json(inspect(path)).replace("\u2028", " "))
    print([began, _peak()])


def _peak() -> int:
    """Not `ru_maxrss`, which begins with the peak of the process that started this one."""
    fields = (line.split() for line in Path("/proc/self/status").read_text().splitlines())
    return next(int(words[1]) for words in fields if words[0] == "VmHWM:")


if __name__ == "__main__":
    main()
