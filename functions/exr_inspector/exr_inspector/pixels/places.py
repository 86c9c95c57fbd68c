"""Which pixels the samples of a stitched file belong to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from exr_inspector.exr.layout import ChannelLayout, Layout
from exr_inspector.pixels.accumulate import Locate
from exr_inspector.pixels.stitch import RawChunk

Array = npt.NDArray[Any]
Lines = npt.NDArray[np.int64]


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

    def finder(self, channel: ChannelLayout) -> Locate:
        """Return the function that finds the smallest (y, x) of the samples that a mask selects."""
        lines = _sampled(self.lines, channel.y_sampling)
        columns = _sampled(self.columns, channel.x_sampling)

        def find(mask: Array) -> tuple[int, int]:
            rows, places = np.nonzero(mask)
            y, x = lines[rows], columns[places]
            if self.tops is not None:
                y = y + self.tops[places // self.tile_width]
            top = int(y.min())
            return top, int(x[y == top].min())

        return find


def _sampled(coordinates: Lines, sampling: int) -> Lines:
    return coordinates if sampling == 1 else coordinates[coordinates % sampling == 0]


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


@dataclass
class Band:
    """Whole rows of tiles, put together. `planes` are the channels' samples, as bytes."""

    x: int
    y: int
    width: int
    height: int
    planes: list[Array] = field(default_factory=list)

    def put(self, index: int, plane: Array, places: Places) -> None:
        """Copy the tiles of a stitched file to their places."""
        assert places.tops is not None
        target = self.planes[index].view(plane.dtype)
        width = places.tile_width
        for number, top in enumerate(places.tops):
            tile = plane[:, number * width : (number + 1) * width]
            y, x = int(top) - self.y, int(places.columns[number * width]) - self.x
            target[y : y + len(tile), x : x + width] = tile
