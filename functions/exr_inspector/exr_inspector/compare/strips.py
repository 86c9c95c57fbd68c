"""Decode two parts in lockstep: for each run of lines that both have, the samples of both."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from exr_inspector.pixels.places import Block, Window, data_window
from exr_inspector.pixels.plan import plan_full
from exr_inspector.pixels.stream import Group, PartStream

Array = npt.NDArray[Any]


class Strip(NamedTuple):
    """Whole lines of a part. `blocks` is None if some of them were not decoded.

    It has the samples of each channel of the stream; of a deep part only the sample counts of the pixels.
    `samples` are those of each channel of a deep part, pixel after pixel.
    """

    pixels: Window
    blocks: list[Block] | None
    samples: Sequence[Array] = ()

    def cut(self, index: int, pixels: Window) -> Block:
        """Return what a block has of some pixels."""
        assert self.blocks is not None
        lines, columns, samples = self.blocks[index]
        rows = slice(*np.searchsorted(lines, (pixels.y, pixels.bottom)))
        across = slice(*np.searchsorted(columns, (pixels.x, pixels.right)))
        return Block(lines[rows], columns[across], samples[rows, across])

    def deep(self, index: int, pixels: Window, chosen: Array) -> Array:
        """Return the samples of a deep channel in the pixels that a mask of `pixels` chooses."""
        assert self.blocks is not None
        counts = self.blocks[0].samples
        mask = np.zeros(counts.shape, bool)
        x, y = pixels.x - self.pixels.x, pixels.y - self.pixels.y
        mask[y : y + chosen.shape[0], x : x + chosen.shape[1]] = chosen
        found: Array = self.samples[index][np.repeat(mask.reshape(-1), counts.reshape(-1))]
        return found


def lockstep(a: PartStream, b: PartStream) -> Iterator[tuple[Window, Strip, Strip]]:
    """Yield the pixels that strips of both parts have in common, and these strips, in order of y.

    At most one strip of each part is held, besides what the streams hold. Raises what the sources raise.
    """
    both = data_window(a.layout).overlap(data_window(b.layout))
    if both is None:
        return
    left, right = _strips(a, both), _strips(b, both)
    ours, theirs = next(left, None), next(right, None)
    while ours and theirs:
        pixels = ours.pixels.overlap(theirs.pixels)
        if pixels := pixels and pixels.overlap(both):
            yield pixels, ours, theirs
        end = ours.pixels.bottom, theirs.pixels.bottom
        if end[0] <= end[1]:
            ours = next(left, None)
        if end[1] <= end[0]:
            theirs = next(right, None)


def _strips(stream: PartStream, pixels: Window) -> Iterator[Strip]:
    """Yield the lines of a part that have some of these pixels, and others beside them."""
    window, chunk = data_window(stream.layout), stream.layout.chunk

    def lines(first: int, last: int) -> Window:
        top, bottom = chunk(first).y, chunk(last).y + chunk(last).height
        return window._replace(y=top, height=bottom - top)

    plan = plan_full(stream.layout)
    units = tuple(unit for unit in plan.units if pixels.meets(lines(unit[0], unit[-1])))
    for group in stream.groups(replace(plan, units=units)):
        found = lines(group.units[0][0], group.units[-1][-1])
        if not stream.layout.is_deep:
            yield from _flat_strips(stream, group, found)
        elif group.has_lines:
            counts, samples = group.deep_lines()
            yield Strip(found, [counts], samples)
        else:
            yield Strip(found, None)


def _flat_strips(stream: PartStream, group: Group, pixels: Window) -> Iterator[Strip]:
    """Yield the lines of a group: runs of lines that are complete, and of lines that are not."""
    blocks = [group.block(index) for index in range(len(group.channels))] if group.pieces else None
    if group.has_lines:
        yield Strip(pixels, blocks)
        return
    widths = np.zeros(pixels.height, np.int64)
    for index in (index for piece in group.pieces for unit in piece.units for index in unit):
        chunk = stream.layout.chunk(index)
        widths[chunk.y - pixels.y : chunk.y - pixels.y + chunk.height] += chunk.width
    is_whole = widths == pixels.width
    edges = [0, *(np.flatnonzero(np.diff(is_whole)) + 1).tolist(), len(widths)]
    for start, end in pairwise(edges):
        run = pixels._replace(y=pixels.y + start, height=end - start)
        yield Strip(run, blocks if is_whole[start] else None)
