"""Decode two parts in lockstep: for each run of lines that both have, the samples of both."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from exr_inspector.exr.layout import ChannelLayout
from exr_inspector.pixels.decode import DTYPES
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
    """Whole lines of a part. `planes` is None if some of them were not decoded.

    It has the samples of each channel of the stream, as rows and columns. Of a deep part it has the sample
    counts of the pixels first, then each channel's samples, pixel after pixel.
    """

    pixels: Rectangle
    planes: list[Array] | None

    def flat(self, index: int, pixels: Rectangle, layout: ChannelLayout) -> Array:
        """Return the samples of a flat channel in some of its pixels, as rows and columns."""
        assert self.planes is not None
        _, xs, ys = layout
        # A coordinate has a sample if it is a multiple of the sampling, also if it is negative.
        left, top = -(-self.pixels.left // xs), -(-self.pixels.top // ys)
        rows = slice(-(-pixels.top // ys) - top, -(-pixels.bottom // ys) - top)
        columns = slice(-(-pixels.left // xs) - left, -(-pixels.right // xs) - left)
        return self.planes[index][rows, columns]

    def counts(self, pixels: Rectangle) -> Array:
        """Return the sample counts of some pixels of a deep part."""
        return self.flat(0, pixels, ChannelLayout(4, 1, 1))

    def deep(self, index: int, pixels: Rectangle, chosen: Array) -> Array:
        """Return the samples of a deep channel in the pixels that a mask of `pixels` chooses."""
        assert self.planes is not None
        counts = self.planes[0]
        mask = np.zeros(counts.shape, bool)
        x, y = pixels.left - self.pixels.left, pixels.top - self.pixels.top
        mask[y : y + chosen.shape[0], x : x + chosen.shape[1]] = chosen
        found: Array = self.planes[index + 1][np.repeat(mask.reshape(-1), counts.reshape(-1))]
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
        strip = Strip(lines(group.units[0][0], group.units[-1][-1]), None)
        if group.has_lines and stream.layout.is_deep:
            found = (piece.planes for piece in group.pieces)
            yield strip._replace(planes=[np.concatenate(each) for each in zip(*found, strict=True)])
        elif group.has_lines:
            yield strip._replace(planes=[group.block(index).samples for index in range(len(group.channels))])
        elif stream.layout.is_deep:
            yield strip
        else:
            yield from _decoded_lines(stream, group, strip.pixels)


def _decoded_lines(stream: PartStream, group: Group, pixels: Rectangle) -> Iterator[Strip]:
    """Yield runs of the lines of a group of which chunks failed, and of the lines that are complete."""
    widths = np.zeros(pixels.bottom - pixels.top, np.int64)
    for index in (index for piece in group.pieces for unit in piece.units for index in unit):
        chunk = stream.layout.chunk(index)
        widths[chunk.y - pixels.top : chunk.y - pixels.top + chunk.height] += chunk.width
    is_whole = widths == pixels.right - pixels.left
    edges = [0, *(np.flatnonzero(np.diff(is_whole)) + 1).tolist(), len(widths)]
    whole = Strip(pixels, [_assembled(group, index, pixels) for index in range(len(group.channels))])
    for start, end in pairwise(edges):
        run = pixels._replace(top=pixels.top + start, bottom=pixels.top + end)
        planes = [whole.flat(index, run, each.layout) for index, each in enumerate(group.channels)]
        yield Strip(run, planes if is_whole[start] else None)


def _assembled(group: Group, index: int, pixels: Rectangle) -> Array:
    """Return the lines of a channel, with zeros for the samples that were not decoded."""
    channel = group.channels[index]
    _, xs, ys = channel.layout
    left, top = -(-pixels.left // xs), -(-pixels.top // ys)
    plane = np.zeros((-(-pixels.bottom // ys) - top, -(-pixels.right // xs) - left), DTYPES[channel.type])
    for lines, columns, samples in (each for piece in group.pieces for each in piece.blocks(index, channel)):
        plane[np.ix_(lines // ys - top, columns // xs - left)] = samples
    return plane
