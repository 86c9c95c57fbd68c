"""Whole files of every kind of part, small, with the number of chunks that the writer put into each part."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np

from tests.exrfiles.attributes import Attribute, attribute
from tests.exrfiles.geometry import Tiling, level_sizes
from tests.exrfiles.parts import deep_scanline, scanline, tiled
from tests.exrfiles.writer import Part, header, write

WIDTH, HEIGHT = 45, 37
WINDOW = attribute("displayWindow", "box2i", (0, 0, 99, 99))


class File(NamedTuple):
    """`head`: bytes of the header. `counts`: chunks of each part. `tables`: where the offset tables end."""

    data: bytes
    head: int
    counts: list[int]

    @property
    def tables(self) -> int:
        return self.head + 8 * sum(self.counts)


def pixels(height: int = HEIGHT, width: int = WIDTH) -> dict[str, Any]:
    random = np.random.default_rng(7)
    return {"R": random.random((height, width)).astype(np.float16), "Z": np.ones((height, width), np.float32)}


def tiles(levels: str, rounding: str, *more: Attribute) -> Part:
    tiling = Tiling(16, 8, levels, rounding)
    sizes = level_sizes(WIDTH, HEIGHT, tiling)
    return tiled({level: pixels(height, width) for level, (width, height) in sizes.items()}, tiling, more)


def deep(*more: Attribute) -> Part:
    counts = np.random.default_rng(8).integers(0, 3, (HEIGHT, WIDTH)).astype(np.int32)
    return deep_scanline(counts, {"Z": np.ones(int(counts.sum()), np.float32)}, more)


def shuffled(part: Part) -> Part:
    order = np.random.default_rng(9).permutation(len(part.chunks))
    return Part(part.attributes, part.chunks, tuple(map(int, order)))


def named(name: str) -> tuple[Attribute, Attribute]:
    return attribute("name", "string", name), WINDOW


KINDS: dict[str, tuple[Part, ...]] = {
    "scan lines": (scanline(pixels(), compression="none"),),
    "blocks of scan lines": (scanline(pixels(), compression="zip"),),
    "scan lines backwards": (scanline(pixels(), compression="zips", line_order="decreasingY"),),
    "one scan line": (scanline(pixels(1, 1)),),
    "scan lines in any order": (shuffled(scanline(pixels(), compression="zips")),),
    **{
        f"{levels} tiles, {rounding}": (tiles(levels, rounding),)
        for levels in ("one", "mipmap", "ripmap")
        for rounding in ("down", "up")
    },
    "deep scan lines": (deep(),),
    "parts of every kind": (
        scanline(pixels(), named("flat")),
        tiles("mipmap", "up", *named("texture")),
        deep(*named("deep")),
        scanline(pixels(3, 3), named("last")),
    ),
}


@cache
def file(kind: str) -> File:
    """The file of one of KINDS."""
    parts = KINDS[kind]
    size = header(part.attributes for part in parts).size
    return File(write(*parts), size, [len(part.chunks) for part in parts])
