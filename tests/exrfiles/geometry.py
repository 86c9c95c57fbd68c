"""How the format cuts an image into chunks: scan line blocks, tiles and resolution levels."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, NamedTuple

from tests.exrfiles.attributes import COMPRESSIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

Level = tuple[int, int]

# Scan lines in one chunk, for each of COMPRESSIONS.
LINES_PER_CHUNK = dict(
    zip(COMPRESSIONS, (1, 1, 1, 16, 32, 16, 32, 32, 32, 256, 256, 32, 256, 1), strict=True)
)


class Tiling(NamedTuple):
    """The four facts of a tiledesc."""

    width: int
    height: int
    levels: str = "one"
    rounding: str = "down"


class Tile(NamedTuple):
    """Tile coordinates, and the pixels that it covers: columns and rows of its level, end excluded."""

    x: int
    y: int
    level: Level
    columns: tuple[int, int]
    rows: tuple[int, int]


def blocks(height: int, compression: str) -> Iterator[tuple[int, int]]:
    """The rows [first, end) of each scan line block, counted from the top of the data window."""
    step = LINES_PER_CHUNK[compression]
    return ((first, min(first + step, height)) for first in range(0, height, step))


def level_sizes(width: int, height: int, tiling: Tiling) -> dict[Level, tuple[int, int]]:
    """Width and height of every resolution level, in the order of the offset table."""
    if tiling.levels == "one":
        return {(0, 0): (width, height)}
    widths, heights = _halvings(width, tiling.rounding), _halvings(height, tiling.rounding)
    if tiling.levels == "mipmap":
        return {(n, n): size for n, size in enumerate(zip_longest(widths, heights, fillvalue=1))}
    return {(x, y): (widths[x], heights[y]) for y in range(len(heights)) for x in range(len(widths))}


def tiles(level: Level, width: int, height: int, tiling: Tiling) -> Iterator[Tile]:
    """The tiles of one level of this size, row by row; those at the right and bottom are clipped."""
    for y, top in enumerate(range(0, height, tiling.height)):
        for x, left in enumerate(range(0, width, tiling.width)):
            right, bottom = min(left + tiling.width, width), min(top + tiling.height, height)
            yield Tile(x, y, level, (left, right), (top, bottom))


def scanline_chunk_count(height: int, compression: str) -> int:
    """Number of chunks of an image in scan lines."""
    return -(-height // LINES_PER_CHUNK[compression])


def tile_chunk_count(width: int, height: int, tiling: Tiling) -> int:
    """Number of chunks of a tiled image, over all levels."""
    sizes = level_sizes(width, height, tiling).values()
    return sum(-(-w // tiling.width) * -(-h // tiling.height) for w, h in sizes)


def _halvings(size: int, rounding: str) -> list[int]:
    """`size`, half of it, and so on down to 1."""
    sizes = [size]
    while sizes[-1] > 1:
        sizes.append((sizes[-1] + (rounding == "up")) // 2)
    return sizes
