"""The show "dune": files with real pixels, measured, for the questions about pixels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.exrfiles.attributes import attribute
from tests.exrfiles.parts import scanline
from tests.exrfiles.writer import write
from tests.queries.pictures import File

HEIGHT, WIDTH = 48, 64
Planes = dict[str, Any]


def picture(frame: int, light: float = 1.0) -> Planes:
    """A bright disk over a gradient that moves with the frame, with depth, alpha and an unused layer."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    disk = (x - frame % 10 - 30) ** 2 + (y - 24) ** 2 < 120
    colors = {"R": (0.9, 0.3), "G": (0.7, 0.4), "B": (0.5, 0.5)}
    return {
        **{
            name: (light * np.where(disk, bright, dark * (y + 1) / HEIGHT)).astype(np.float16)
            for name, (bright, dark) in colors.items()
        },
        "A": np.where(disk, 1, 0).astype(np.float16),
        "Z": np.where(disk, 10, 40).astype(np.float32),
        **{f"volume.{name}": np.zeros((HEIGHT, WIDTH), np.float16) for name in "RGB"},
    }


def dune() -> Iterator[File]:
    yield from _first_shot()
    yield from _second_shot()


def _first_shot() -> Iterator[File]:
    """Return six frames: 1001 has a firefly, 1002 NaN, 1004 repeats 1003, 1005 is black, 1006 too bright."""
    frames = {number: picture(number) for number in (1001, 1002, 1003)}
    frames[1001]["R"][3, 4] = 50
    frames[1002]["R"][[2, 5], [4, 1]] = np.nan, np.inf
    frames[1002]["Z"][0, 0] = np.inf
    frames[1004] = frames[1003]
    frames[1005] = {name: plane * 0 for name, plane in picture(1005).items()}
    frames[1006] = picture(1006, light=8)
    yield from _files("dune/sq010/sh010/render/beauty", frames)


def _second_shot() -> Iterator[File]:
    """Return four frames: alpha above 1 in 1002, and another depth in 1003."""
    frames = {number: picture(number) for number in (1001, 1002, 1003, 1004)}
    frames[1002]["A"][:2] = 1.5
    frames[1003]["Z"] *= 3
    yield from _files("dune/sq010/sh020/render/beauty", frames)


def _files(name: str, frames: dict[int, Planes]) -> Iterator[File]:
    for number, planes in frames.items():
        counter = attribute("imageCounter", "int", number)
        yield File(f"{name}.{number}.exr", write(scanline(planes, [counter])))
