"""A sequence of 240 small frames with one fault of each kind, as a render farm leaves it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import OpenEXR

from tests.exrfiles.demo import simple
from tests.exrfiles.parts import scanline
from tests.exrfiles.writer import write

FRAMES = range(1001, 1241)
LAYERS = ("B", "G", "R", "specular.B", "specular.G", "specular.R")
WIDTH, HEIGHT = 16, 9


def faulty_sequence(folder: Path) -> None:
    """Write `beauty.1001.exr` to `beauty.1240.exr`; 1050, 1051 and 1240 are missing."""
    folder.mkdir(parents=True)
    good = simple(WIDTH, HEIGHT, LAYERS)
    odd = {
        1050: None,
        1051: None,
        1100: good[:-20],
        1101: b"",
        1102: with_corrupt_pixels(good),
        1111: simple(WIDTH, HEIGHT, LAYERS[:3]),
        1112: simple(WIDTH + 1, HEIGHT, LAYERS),
        1113: with_nan(),
        1240: None,
    }
    for frame in FRAMES:
        content = odd.get(frame, good)
        if content is not None:
            (folder / f"beauty.{frame}.exr").write_bytes(content)
    _write_dwaa(folder / "beauty.1110.exr")


def _write_dwaa(path: Path) -> None:
    ramp = np.linspace(0, 1, WIDTH * HEIGHT, dtype=np.float16).reshape(HEIGHT, WIDTH)
    header = {"compression": OpenEXR.DWAA_COMPRESSION, "type": OpenEXR.scanlineimage}
    OpenEXR.File(header, dict.fromkeys(LAYERS, ramp)).write(str(path))


def with_corrupt_pixels(data: bytes) -> bytes:
    """Return a file whose only chunk, which is the end of the file, is not a valid zlib stream."""
    return data[:-40] + b"\xff" * 40


def with_nan() -> bytes:
    """Return a frame in which one sample of G is NaN."""
    ramp = np.linspace(0, 1, WIDTH * HEIGHT, dtype=np.float16).reshape(HEIGHT, WIDTH)
    planes = {name: ramp.copy() for name in LAYERS}
    planes["G"][4, 7] = np.nan
    return write(scanline(planes, compression="zip"))
