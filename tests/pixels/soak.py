"""Measure files one after another, or many at once, and print what that cost as JSON.

`python -m tests.pixels.soak files COUNT`: good, truncated and damaged files in turn. `growth` has the MiB
by which this process and the decoders' server grew after the first tenth, `descriptors` those that were
left open, and `children` the decoders that were left.

`python -m tests.pixels.soak events COUNT MIB`: one file of 12 channels so many times at once, in an instance
that has so much memory. `memory` has the highest sum of the PSS of all processes, in MiB.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from exr_inspector import pixel_stats
from exr_inspector.pixels import memory, pixel_file, stream
from exr_inspector.pixels.helper import shared_helper
from exr_inspector.pixels.memory import HELPER, MIN_RESIDENT, USABLE, Memory
from exr_inspector.settings import MIB
from tests.exr import files
from tests.pixels.images import library_file, picture


def main() -> None:
    kind, *numbers = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        run = soak if kind == "files" else crowd
        print(json.dumps(run(Path(folder), *map(int, numbers))))


def soak(folder: Path, count: int) -> dict[str, Any]:
    paths = _files(folder)
    found: Counter[str] = Counter()
    helper, start = 0, [0, 0]
    for number in range(count):
        found[pixel_stats(paths[number % len(paths)])["status"]] += 1
        if number == count // 10:
            helper = shared_helper().process.pid
            start = [_resident("self"), _resident(helper)]
            descriptors = _descriptors("self"), _descriptors(helper)
    children = Path(f"/proc/{helper}/task/{helper}/children").read_text().split()
    left = [_descriptors("self") - descriptors[0], _descriptors(helper) - descriptors[1]]
    growth = [_resident("self") - start[0], _resident(helper) - start[1]]
    return {"status": found, "growth": growth, "descriptors": left, "children": len(children)}


def crowd(folder: Path, count: int, limit: int) -> dict[str, Any]:
    held = Memory(int(USABLE * limit * MIB) - MIN_RESIDENT - HELPER)
    for module in (memory, pixel_file, stream):
        module.shared_memory = lambda: held  # type: ignore[attr-defined]
    library_file(_large(), "zip", folder / "x.exr")
    peak, is_over = [0], threading.Event()

    def watch() -> None:
        while not is_over.is_set():
            peak[0] = max(peak[0], pss(os.getpid()))
            time.sleep(0.02)

    watcher = threading.Thread(target=watch)
    watcher.start()
    with ThreadPoolExecutor(count) as pool:
        found = list(pool.map(pixel_stats, [folder / "x.exr"] * count))
    is_over.set()
    watcher.join()
    return {"status": Counter(each["status"] for each in found), "memory": peak[0] // 1024}


def pss(process: int) -> int:
    """Return the KiB of a process and of all processes below it."""
    total = 0
    with suppress(OSError):  # it ended
        for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
            total += int(line.split()[1]) if line.startswith("Pss:") else 0
        for task in Path(f"/proc/{process}/task").iterdir():
            total += sum(pss(int(child)) for child in (task / "children").read_text().split())
    return total


def _large() -> dict[str, Any]:
    """Twelve half channels of 1024 by 540 pixels."""
    return {f"{index}.{name}": plane for index in range(3) for name, plane in _four(index).items()}


def _four(seed: int) -> dict[str, Any]:
    return {name: plane for name, plane in picture(540, 1024, seed).items() if name in "ABGR"}


def _files(folder: Path) -> list[Path]:
    """Write files of every kind: good, cut short, and with changed bytes."""
    random = np.random.default_rng(5)
    whole = [files.file(kind).data for kind in files.KINDS]
    whole += [library_file(picture(64, 48), each, folder / "x") for each in ("piz", "dwaa", "b44")]
    contents = []
    for data in whole:
        changed = bytearray(data)
        for place in random.integers(len(data) // 3, len(data), 5):
            changed[place] ^= int(random.integers(1, 256))
        contents += [data, data[: len(data) * 2 // 3], bytes(changed)]
    paths = [folder / f"{number}.exr" for number in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    return paths


def _resident(process: int | str) -> int:
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // MIB


def _descriptors(process: int | str) -> int:
    return len(list(Path(f"/proc/{process}/fd").iterdir()))


if __name__ == "__main__":
    main()
