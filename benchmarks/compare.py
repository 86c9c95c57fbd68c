"""`python -m benchmarks.compare`: `exr-inspector diff --pixels full` beside `idiff`, on the same pairs.

idiff is the program in the OpenImageIO wheel, not its Python wrapper. Memory is the largest sum of the
proportional set sizes of all processes; CPU is that of all processes. The best of three runs counts.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import OpenEXR

RUNS = 3
SECONDS_BETWEEN_SAMPLES = 0.01
CODECS = {
    "zip": OpenEXR.ZIP_COMPRESSION,
    "piz": OpenEXR.PIZ_COMPRESSION,
    "dwaa": OpenEXR.DWAA_COMPRESSION,
}


class Usage(NamedTuple):
    """What a command needed: seconds, seconds of CPU, MiB. `code` is its exit code."""

    wall: float
    cpu: float
    memory: float
    code: int


def measure(command: Sequence[str]) -> Usage:
    """Run a command and its descendants."""
    began, before = time.perf_counter(), os.times()
    largest = 0.0
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None:
            largest = max(largest, sum(map(_memory, _tree(process.pid))))
            time.sleep(SECONDS_BETWEEN_SAMPLES)
    after = os.times()
    cpu = sum(after[2:4]) - sum(before[2:4])
    return Usage(time.perf_counter() - began, cpu, largest, process.returncode)


def _tree(root: int) -> list[int]:
    """Return a process and its descendants."""
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
    found = [root]
    for each in found:
        found += [child for child, parent in parents.items() if parent == each]
    return found


def _memory(process: int) -> float:
    """Return the proportional set size of a process in MiB; 0 if it has ended."""
    with suppress(OSError, IndexError):
        text = Path(f"/proc/{process}/smaps_rollup").read_text()
        return int(text.split("\nPss:")[1].split()[0]) / 1024
    return 0.0


def write(path: Path, shape: tuple[int, int, int], codec: str, *, has_inf: bool = False) -> Path:
    """Write a picture of a width, height and number of channels, always the same for one shape."""
    width, height, channels = shape
    random = np.random.default_rng(1)
    ramp = np.linspace(0, 4, width * height, dtype=np.float32).reshape(height, width)
    planes: dict[str, Any] = {}
    for number in range(channels):
        noise = random.integers(0, 32, (height, width)).astype(np.float32) / 1024
        name = "RGBA"[number] if number < 4 else f"layer{number // 4}.{'RGBA'[number % 4]}"
        planes[name] = (ramp * (1 + number / 8) + noise).astype(np.float16)
    if has_inf:
        planes["R"][height // 2, width // 2] = np.inf
    with OpenEXR.File({"compression": CODECS[codec], "type": OpenEXR.scanlineimage}, planes) as file:
        file.write(str(path))
    return path


def pairs(folder: Path) -> dict[str, tuple[Path, Path]]:
    """Write the files, and return the pairs by what they are."""
    small, large = (2048, 1080, 12), (4096, 2160, 40)
    return {
        "2K, 12 channels, ZIP and PIZ": (
            write(folder / "zip.exr", small, "zip"),
            write(folder / "piz.exr", small, "piz"),
        ),
        "2K, 12 channels, ZIP and DWAA": (
            folder / "zip.exr",
            write(folder / "dwaa.exr", small, "dwaa"),
        ),
        "2K, 12 channels, one Inf": (
            folder / "zip.exr",
            write(folder / "inf.exr", small, "zip", has_inf=True),
        ),
        "4K, 40 channels, ZIP and ZIP": (
            write(folder / "large.exr", large, "zip"),
            write(folder / "other.exr", large, "zip"),
        ),
    }


def main() -> None:
    found = importlib.util.find_spec("OpenImageIO")
    if not found or not found.origin:
        sys.exit("idiff comes with OpenImageIO, which is not installed")
    idiff = str(Path(found.origin).parent / "bin" / "idiff")
    print(f"{'':30} {'':14} {'wall s':>7} {'CPU s':>7} {'MiB':>6}  exit")
    with tempfile.TemporaryDirectory() as folder:
        for name, (a, b) in pairs(Path(folder)).items():
            commands = {
                "idiff": [idiff, str(a), str(b)],
                "exr-inspector": [
                    sys.executable, "-m", "exr_inspector", "diff", "--pixels", "full", str(a), str(b)
                ],
            }  # fmt: skip
            runs: dict[str, list[Usage]] = {each: [] for each in commands}
            for _ in range(RUNS):
                for program, command in commands.items():
                    runs[program].append(measure(command))
            for program, usages in runs.items():
                wall, cpu, memory = (min(values) for values in list(zip(*usages, strict=True))[:3])
                print(
                    f"{name:30} {program:14} {wall:7.2f} {cpu:7.2f} {memory:6.0f}  {usages[0].code}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
