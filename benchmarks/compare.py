"""`python -m benchmarks.compare`: `exr-inspector diff --pixels full` beside `idiff`, on the same pairs.

idiff is the program in the OpenImageIO wheel, not its Python wrapper. The best of three runs counts.
"""

from __future__ import annotations

import importlib.util
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR

from benchmarks.processes import Usage, measure

RUNS = 3
CODECS = {
    "zip": OpenEXR.ZIP_COMPRESSION,
    "piz": OpenEXR.PIZ_COMPRESSION,
    "dwaa": OpenEXR.DWAA_COMPRESSION,
}


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
    """Write the files, and return the pairs by their description."""
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
