"""Which pixels the samples of a stitched file belong to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from exr_inspector.exr.header import Part
from exr_inspector.exr.layout import ChannelLayout, Layout
from exr_inspector.pixels.accumulate import Locate
from exr_inspector.pixels.stitch import RawChunk

PIXELS = ChannelLayout(4, 1, 1)
"""The sampling of the sample counts of deep pixels."""

Array = npt.NDArray[Any]
Lines = npt.NDArray[np.int64]


class Window(NamedTuple):
    """A rectangle in pixel coordinates, of at least one pixel."""

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """The column behind the last one."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """The line below the last one."""
        return self.y + self.height

    def overlap(self, other: Window) -> Window | None:
        """Return the pixels that are in both windows; None if there are none."""
        x, y = max(self.x, other.x), max(self.y, other.y)
        width, height = min(self.right, other.right) - x, min(self.bottom, other.bottom) - y
        return Window(x, y, width, height) if width > 0 and height > 0 else None

    def contains(self, other: Window) -> bool:
        """Return whether all pixels of another window are in this one."""
        return self.overlap(other) == other

    def meets(self, other: Window) -> bool:
        """Return whether the windows have a pixel in common."""
        return self.overlap(other) is not None


class Block(NamedTuple):
    """A rectangle of samples, one row for each of `lines` and one column for each of `columns`.

    `lines` and `columns` are ascending pixel coordinates; in a subsampled channel they have gaps.
    """

    lines: Lines
    columns: Lines
    samples: Array


class Places:
    """Which pixels the samples of a stitched file have. `lines` and `columns` hold their coordinates."""

    def __init__(self, lines: Lines, columns: Lines, tile_width: int = 0, tops: Lines | None = None) -> None:
        self.lines = lines
        self.columns = columns
        self.tile_width = tile_width
        self.tops = tops

    def shape(self, channel: ChannelLayout) -> tuple[int, int]:
        """Return the rows and columns of a channel."""
        return len(_sampled(self.lines, channel.y_sampling)), len(_sampled(self.columns, channel.x_sampling))

    def blocks(self, channel: ChannelLayout, plane: Array) -> Iterator[Block]:
        """Yield the samples of a channel: all of them for scan lines, one block for each tile."""
        if self.tops is None:
            lines = _sampled(self.lines, channel.y_sampling)
            yield Block(lines, _sampled(self.columns, channel.x_sampling), plane)
            return
        for number, top in enumerate(self.tops):  # tiled parts have no subsampled channels
            cut = slice(number * self.tile_width, (number + 1) * self.tile_width)
            yield Block(self.lines + top, self.columns[cut], plane[:, cut])

    def outside(self, channel: ChannelLayout, window: Window) -> Array:
        """Return the mask of the samples outside a window."""
        lines = _sampled(self.lines, channel.y_sampling)[:, None]
        columns = _sampled(self.columns, channel.x_sampling)
        if self.tops is not None:
            lines = lines + np.repeat(self.tops, self.tile_width)
        left, top = columns - window.x, lines - window.y
        found: Array = (left < 0) | (left >= window.width) | (top < 0) | (top >= window.height)
        return found

    def finder(self, channel: ChannelLayout) -> Locate:
        """Return the function that finds the smallest (y, x) of the samples that a mask selects."""

        def find(mask: Array) -> tuple[int, int]:
            found = []
            for lines, columns, part in self.blocks(channel, mask):
                rows = part.any(axis=1)
                if rows.any():
                    row = int(rows.argmax())
                    found.append((int(lines[row]), int(columns[part[row].argmax()])))
            return min(found)

        return find


def _sampled(coordinates: Lines, sampling: int) -> Lines:
    return coordinates if sampling == 1 else coordinates[coordinates % sampling == 0]


def data_window(layout: Layout) -> Window:
    """Return the rectangle of the pixels that a part has."""
    return Window(layout.x, layout.y, layout.widths[0], layout.heights[0])


def display_window(part: Part) -> Window | None:
    """Return the rectangle of the pixels that a viewer shows; None if it is absent, not valid or empty."""
    value = part.value("displayWindow", "box2i")
    if value is None:
        return None
    (x, y), (right, bottom) = ((value[end]["x"], value[end]["y"]) for end in ("min", "max"))
    return Window(x, y, right - x + 1, bottom - y + 1) if x <= right and y <= bottom else None


def places_of(layout: Layout, chunks: list[RawChunk]) -> Places:
    """Return the places of the samples of chunks that are stitched in this order.

    Tiles lie side by side, so that their lines are counted from their own tops.
    """
    pixels = [each.pixels for each in chunks]
    if layout.is_tiled:
        columns = np.concatenate([np.arange(each.x, each.x + each.width) for each in pixels])
        tops = np.array([each.y for each in pixels])
        return Places(np.arange(pixels[0].height), columns, pixels[0].width, tops)
    lines = np.concatenate([np.arange(each.y, each.y + each.height) for each in pixels])
    return Places(lines, np.arange(layout.x, layout.x + layout.widths[0]))


def unit_means(plane: Array, channel: ChannelLayout, places: Places, heights: list[int]) -> list[float]:
    """Return the mean of the finite samples of each unit that has some, in order. `heights` are in pixels."""
    if places.tops is not None:
        pieces = np.split(plane, len(heights), axis=1)
    else:
        has_samples = places.lines % channel.y_sampling == 0
        rows = np.cumsum(has_samples)[np.cumsum(heights) - 1]
        pieces = np.split(plane, rows[:-1])
    means = []
    for piece in pieces:
        finite = piece[np.isfinite(piece)] if piece.dtype.kind == "f" else piece
        if finite.size:
            means.append(float(finite.mean(dtype=np.float64)))
    return means
