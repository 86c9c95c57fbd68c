"""A rendered sequence in which the camera moves and the light changes, and faults to plant in its frames."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR

HEIGHT, WIDTH = 72, 128

Planes = dict[str, Any]
Header = dict[str, Any]


def picture(frame: int, *, seed: int = 0, camera: int = 0) -> Planes:
    """Return the channels of a frame: hills and a sun, under a light that swings and once is switched on."""
    noise = np.random.default_rng((seed, frame))
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH] / WIDTH
    x = x + 0.01 * frame + 0.9 * camera + 0.37 * seed
    hills = 0.3 + 0.1 * np.sin(9 * x) + 0.05 * np.sin(23 * x + seed)
    ground = y > hills
    light = (1 + 0.3 * np.sin(frame / 9)) * (1.6 if frame >= 25 else 1.0)
    shade = np.where(ground, 0.1 + 0.2 * y, 0.4 - 0.3 * y) * light
    sun = np.exp(-200 * ((x % 1 - 0.5) ** 2 + (y - 0.12) ** 2)) * 2 * light
    planes = {
        "R": shade * np.where(ground, 0.6, 0.5) + sun,
        "G": shade * np.where(ground, 0.9, 0.7) + 0.8 * sun,
        "B": shade * np.where(ground, 0.3, 1.1) + 0.4 * sun,
    }
    grain = noise.normal(0, 0.01, (HEIGHT, WIDTH))
    found: Planes = {name: (plane * (1 + grain)).astype(np.float16) for name, plane in planes.items()}
    found["A"] = np.ones((HEIGHT, WIDTH), np.float16)
    found["Z"] = (np.where(ground, 10 / (y + 0.1), 1000) + grain).astype(np.float32)
    return found


def _scaled(planes: Planes, factor: float, names: str = "RGB") -> None:
    for name in names:
        planes[name] = (planes[name].astype(np.float32) * factor).astype(planes[name].dtype)


def _flash(planes: Planes, _: Header) -> None:
    _scaled(planes, 2.5)


def _dark(planes: Planes, _: Header) -> None:
    _scaled(planes, 0.4)


def _black(planes: Planes, _: Header) -> None:
    _scaled(planes, 0)


def _tinted(planes: Planes, _: Header) -> None:
    _scaled(planes, 1.6, "R")


def _black_tile(planes: Planes, _: Header) -> None:
    for name in "RGB":
        planes[name][16:48, 32:64] = 0


def _nan(planes: Planes, _: Header) -> None:
    planes["R"][40, 60] = np.nan


def _noisy(planes: Planes, _: Header) -> None:
    grain = np.random.default_rng(9).normal(1, 0.25, (HEIGHT, WIDTH))
    for name in "RGB":
        planes[name] = (planes[name] * grain).astype(np.float16)


def _far(planes: Planes, _: Header) -> None:
    _scaled(planes, 0.5, "Z")


def _piz(_: Planes, header: Header) -> None:
    header["compression"] = OpenEXR.PIZ_COMPRESSION


def _lacks_depth(planes: Planes, _: Header) -> None:
    del planes["Z"]


def _other_version(_: Planes, header: Header) -> None:
    header["software"] = "renderer 2.1"


FAULTS: dict[str, Callable[[Planes, Header], None]] = {
    "flashed": _flash,
    "too dark": _dark,
    "black": _black,
    "tinted": _tinted,
    "black tile": _black_tile,
    "NaN": _nan,
    "undersampled": _noisy,
    "depth of another scale": _far,
    "another compression": _piz,
    "a missing layer": _lacks_depth,
    "another version of the renderer": _other_version,
}
"""What changes a frame's channels or header."""
KINDS = (*FAULTS, "wrong camera", "frozen")
"""All kinds; those of FAULTS, and two for which another picture is written."""


def write(folder: Path, count: int = 40, *, seed: int = 0, kind: str = "", fault_at: int = -1) -> None:
    """Write a sequence of `beauty.1001.exr` and so on, with a fault of a kind in the frame `fault_at`."""
    for frame in range(count):
        is_faulty = bool(kind) and frame == fault_at
        shown = frame - 1 if is_faulty and kind == "frozen" else frame
        planes = picture(shown, seed=seed, camera=int(is_faulty and kind == "wrong camera"))
        header: Header = {
            "compression": OpenEXR.ZIP_COMPRESSION,
            "type": OpenEXR.scanlineimage,
            "software": "renderer 2.0",
            "capDate": f"2026:01:01 10:{frame:02}:00",
        }
        if is_faulty and kind in FAULTS:
            FAULTS[kind](planes, header)
        with OpenEXR.File(header, planes) as file:
            file.write(str(folder / f"beauty.{1001 + frame}.exr"))
