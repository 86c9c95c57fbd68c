"""Decode two parts in lockstep: for each run of lines that both have, the samples of both."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from exr_inspector.pixels.places import Block
from exr_inspector.pixels.plan import plan_full
from exr_inspector.pixels.stream import Group, PartStream

Array = npt.NDArray[Any]


class Rectangle(NamedTuple):
    """Pixels from `left` to `right` and from `top` to `bottom`; right and bottom are outside."""

    left: int
    top: int
    right: int
    bottom: int

    def __bool__(self) -> bool:
        return self.left < self.right and self.top < self.bottom

    def overlap(self, other: Rectangle) -> Rectangle:
        """Return the pixels that are in both; a rectangle that is false if there are none."""
        low = map(max, self[:2], other[:2])
        high = map(min, self[2:], other[2:])
        return Rectangle(*low, *high)


class Strip(NamedTuple):
    """Whole lines of a part. `blocks` is None if some of them were not decoded.

    It has the samples of each channel of the stream; of a deep part only the sample counts of the pixels.
    `samples` are those of each channel of a deep part, pixel after pixel.
    """

    pixels: Rectangle
    blocks: list[Block] | None
    samples: Sequence[Array] = ()

    def cut(self, index: int, pixels: Rectangle) -> Block:
        """Return what a block has of some pixels."""
        assert self.blocks is not None
        lines, columns, samples = self.blocks[index]
        rows = slice(*np.searchsorted(lines, (pixels.top, pixels.bottom)))
        across = slice(*np.searchsorted(columns, (pixels.left, pixels.right)))
        return Block(lines[rows], columns[across], samples[rows, across])

    def deep(self, index: int, pixels: Rectangle, chosen: Array) -> Array:
        """Return the samples of a deep channel in the pixels that a mask of `pixels` chooses."""
        assert self.blocks is not None
        counts = self.blocks[0].samples
        mask = np.zeros(counts.shape, bool)
        x, y = pixels.left - self.pixels.left, pixels.top - self.pixels.top
        mask[y : y + chosen.shape[0], x : x + chosen.shape[1]] = chosen
        found: Array = self.samples[index][np.repeat(mask.reshape(-1), counts.reshape(-1))]
        return found


def data_window(stream: PartStream) -> Rectangle:
    """Return the pixels of a part."""
    layout = stream.layout
    return Rectangle(layout.x, layout.y, layout.x + layout.widths[0], layout.y + layout.heights[0])


def lockstep(a: PartStream, b: PartStream) -> Iterator[tuple[Rectangle, Strip, Strip]]:
    """Yield the pixels that strips of both parts have in common, and these strips, in order of y.

    At most one strip of each part is held, besides what the streams hold. Raises what the sources raise.
    """
    both = data_window(a).overlap(data_window(b))
    left, right = _strips(a, both), _strips(b, both)
    ours, theirs = next(left, None), next(right, None)
    while ours and theirs:
        if pixels := both.overlap(ours.pixels).overlap(theirs.pixels):
            yield pixels, ours, theirs
        end = ours.pixels.bottom, theirs.pixels.bottom
        if end[0] <= end[1]:
            ours = next(left, None)
        if end[1] <= end[0]:
            theirs = next(right, None)


def _strips(stream: PartStream, pixels: Rectangle) -> Iterator[Strip]:
    """Yield the lines of a part that have some of these pixels, and others beside them."""
    window, chunk = data_window(stream), stream.layout.chunk

    def lines(first: int, last: int) -> Rectangle:
        bottom = chunk(last)
        return window._replace(top=chunk(first).y, bottom=bottom.y + bottom.height)

    plan = plan_full(stream.layout)
    units = tuple(unit for unit in plan.units if pixels.overlap(lines(unit[0], unit[-1])))
    for group in stream.groups(replace(plan, units=units)):
        found = lines(group.units[0][0], group.units[-1][-1])
        if not stream.layout.is_deep:
            yield from _flat_strips(stream, group, found)
        elif group.has_lines:
            planes = zip(*(piece.planes for piece in group.pieces), strict=True)
            counts, *samples = (np.concatenate(each) for each in planes)
            rows, columns = np.arange(found.top, found.bottom), np.arange(found.left, found.right)
            yield Strip(found, [Block(rows, columns, counts)], samples)
        else:
            yield Strip(found, None)


def _flat_strips(stream: PartStream, group: Group, pixels: Rectangle) -> Iterator[Strip]:
    """Yield the lines of a group: runs of lines that are complete, and of lines that are not."""
    blocks = [group.block(index) for index in range(len(group.channels))] if group.pieces else None
    if group.has_lines:
        yield Strip(pixels, blocks)
        return
    widths = np.zeros(pixels.bottom - pixels.top, np.int64)
    for index in (index for piece in group.pieces for unit in piece.units for index in unit):
        chunk = stream.layout.chunk(index)
        widths[chunk.y - pixels.top : chunk.y - pixels.top + chunk.height] += chunk.width
    is_whole = widths == pixels.right - pixels.left
    edges = [0, *(np.flatnonzero(np.diff(is_whole)) + 1).tolist(), len(widths)]
    for start, end in pairwise(edges):
        run = pixels._replace(top=pixels.top + start, bottom=pixels.top + end)
        yield Strip(run, blocks if is_whole[start] else None)
