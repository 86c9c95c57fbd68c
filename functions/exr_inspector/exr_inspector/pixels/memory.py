"""The memory of the instance, which all files that are decoded at once share.

A container whose limit is exceeded is killed with all of its events. So every file reserves what its decoders
and its own buffers can take, and waits until others have finished. The limit is that of the control group
(Linux control groups v2 and v1), else the physical memory.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

from exr_inspector.pixels.plan import GROUP_BYTES
from exr_inspector.settings import MIB

USABLE = 0.8
"""The share of the limit that is used."""
MIN_RESIDENT = 64 * MIB
HELPER = 48 * MIB
"""What the process that starts the decoders takes."""
DECODER_BASE, DECODER_FACTOR = 40 * MIB, 5
"""Bytes that a decoder may take: a constant, and for each byte of its largest job."""
FILE_BASE, FILE_FACTOR = 40 * MIB, 2
"""Bytes that one file takes in this process, most of them answers to requests for ranges."""
MAX_CHUNK = 128 * MIB
"""A chunk that unpacks to more is never decoded."""
MAX_WAIT = 600.0
"""Seconds that a file without a deadline waits for memory."""


def decoder_memory(job: int) -> int:
    """Return how many bytes a decoder may take whose largest job unpacks to `job` bytes."""
    return DECODER_BASE + DECODER_FACTOR * job


def file_memory(held: int) -> int:
    """Return how many bytes a file takes in this process if it holds `held` bytes of samples at once."""
    return FILE_BASE + FILE_FACTOR * held


def instance_limit(root: Path = Path("/")) -> int:
    """Return the bytes of memory that this instance may use."""
    limits = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    for path in _limit_files(root):
        with suppress(OSError, ValueError):  # ValueError: "max", for no limit
            limits.append(int(path.read_text(encoding="ascii")))
    return min(limits)


def _limit_files(root: Path) -> Iterator[Path]:
    """Yield the files that limit this process: those of its control group and of the groups around it."""
    mount = root / "sys/fs/cgroup"
    with suppress(OSError):
        for line in (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines():
            _, controllers, path = line.split(":", 2)
            steps = [step for step in path.split("/") if step not in ("", "..")]
            for depth in range(len(steps) + 1):
                group = Path(*steps[:depth])
                if not controllers:
                    yield mount / group / "memory.max"
                elif "memory" in controllers.split(","):
                    yield mount / "memory" / group / "memory.limit_in_bytes"


class Memory:
    """Memory that is reserved and released by threads. `total` is in bytes."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.free = total
        self._changed = threading.Condition()

    @property
    def max_chunk(self) -> int:
        """The largest chunk, in bytes of samples, for which the memory suffices."""
        room = self.total - DECODER_BASE - FILE_BASE
        return max(min(room // (DECODER_FACTOR + FILE_FACTOR), MAX_CHUNK), GROUP_BYTES // 8)

    def reserve(self, size: int, deadline: float | None) -> bool:
        """Wait until `size` bytes are free and take them; return False if the deadline passes before.

        A request larger than the whole budget is granted alone. `deadline` is a time of `time.monotonic`.
        """
        size = min(size, self.total)
        end = time.monotonic() + MAX_WAIT if deadline is None else deadline
        with self._changed:
            while self.free < size:
                left = end - time.monotonic()
                if left <= 0:
                    return False
                self._changed.wait(left)
            self.free -= size
            return True

    def release(self, size: int) -> None:
        """Give back what `reserve` took for the same size."""
        with self._changed:
            self.free += min(size, self.total)
            self._changed.notify_all()


@cache
def shared_memory() -> Memory:
    """Return the memory of this instance that decoding may take."""
    resident = MIN_RESIDENT
    with suppress(OSError):  # other systems have no such file
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        resident = max(resident, pages * os.sysconf("SC_PAGE_SIZE"))
    return Memory(max(int(USABLE * instance_limit()) - resident - HELPER, 0))
