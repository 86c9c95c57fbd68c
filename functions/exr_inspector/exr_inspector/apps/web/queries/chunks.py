"""The chunks that are present in a file, at their positions in the image."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np
import numpy.typing as npt

from exr_inspector.exr.completeness import Completeness

MAX_COLUMNS = MAX_ROWS = 64
"""Maximum number of cells in the map of a part. If a part has more chunks, several share a cell."""
MAX_PARTS = 16
"""Maximum number of parts shown."""
MAX_LINES = 512
"""Maximum number of cells for chunks of scan lines, which form one column."""


@dataclass(frozen=True)
class Cell:
    """One chunk, or several adjacent chunks, in pixels of the data window.

    A cell is present if all of its chunks are. `weight` is the bytes per pixel, scaled from 0 to 1.
    """

    x: int
    y: int
    width: int
    height: int
    is_present: bool
    weight: float


@dataclass(frozen=True)
class PartChunks:
    """The chunks of a part; `cells` are those of the full resolution. `packed_bytes` is None if unknown."""

    index: int
    width: int
    height: int
    total: int
    present: int
    cells: tuple[Cell, ...]
    chunk_width: int
    chunk_height: int
    packed_bytes: int | None


def part_chunks(found: Completeness) -> list[PartChunks] | None:
    """Return the chunks of the first MAX_PARTS parts; None if it is unknown which chunks are present."""
    present = found.present_chunks()
    if found.table is None or present is None:
        return None
    table = found.table
    flags = np.zeros(table.total, bool)
    flags[list(present)] = True
    parts = []
    for index, layout in enumerate(table.layouts[:MAX_PARTS]):
        own = slice(table.entry(index, 0), table.entry(index, table.counts[index]))
        level = layout.levels[0]
        sizes = (
            np.where(flags[own], np.maximum(table.packed_sizes(index).sizes, 0), 0)
            if table.raw is not None
            else np.zeros(table.counts[index], np.int64)
        )
        shape = (level.rows, level.columns)
        count = level.rows * level.columns
        parts.append(
            PartChunks(
                index,
                level.width,
                level.height,
                table.counts[index],
                int(flags[own].sum()),
                _cells(
                    flags[own][:count].reshape(shape),
                    sizes[:count].reshape(shape),
                    (level.width, level.height),
                    (layout.chunk_width, layout.chunk_height),
                ),
                layout.chunk_width,
                layout.chunk_height,
                int(sizes.sum()) if table.raw is not None else None,
            )
        )
    return parts


def _cells(
    flags: npt.NDArray[np.bool_],
    sizes: npt.NDArray[np.int64],
    image: tuple[int, int],
    chunk: tuple[int, int],
) -> tuple[Cell, ...]:
    rows, columns = flags.shape
    across = ceil(columns / MAX_COLUMNS)
    down = ceil(rows / (MAX_LINES if columns == 1 else MAX_ROWS))
    found = []
    for row in range(0, rows, down):
        for column in range(0, columns, across):
            place = (slice(row, row + down), slice(column, column + across))
            x, y = column * chunk[0], row * chunk[1]
            width, height = min(across * chunk[0], image[0] - x), min(down * chunk[1], image[1] - y)
            density = float(sizes[place].sum()) / (width * height)
            found.append(Cell(x, y, width, height, bool(flags[place].all()), density))
    densest = max((each.weight for each in found), default=0) or 1
    return tuple(
        Cell(each.x, each.y, each.width, each.height, each.is_present, each.weight / densest)
        for each in found
    )
