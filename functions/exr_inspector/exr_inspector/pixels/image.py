"""A small image of chosen channels: from a mip level, from some of the lines, or from all chunks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from glob import escape
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from exr_inspector.errors import BAD_CONFIG, InspectorError
from exr_inspector.exr.layout import Layout, Level
from exr_inspector.pixels.fetch import SAMPLE_GAP
from exr_inspector.pixels.pixel_file import PixelFile
from exr_inspector.pixels.places import Block, Window, data_window, display_window
from exr_inspector.pixels.plan import Plan, plan_full, rows
from exr_inspector.pixels.stream import Channel, PartStream, Piece

Array = npt.NDArray[Any]


class Image(NamedTuple):
    """`planes` is a float32 array of channels, rows and columns.

    A pixel is the mean of the finite samples that it covers; NaN if all of them are not finite, and 0 outside
    the data window or if its chunks failed. `coverage` has the level that was read, as its width and height,
    and counts chunks and bytes; `failures` are those of `pixel_stats`.
    """

    planes: npt.NDArray[np.float32]
    window: Window
    coverage: dict[str, Any]
    failures: list[dict[str, Any]]


def read_image(
    file: PixelFile, part: int, channels: Sequence[str], max_size: int, budget: int | None = None
) -> Image:
    """Return the channels of a flat part, reduced to at most `max_size` pixels in width and height.

    The image shows the display window, or the data window if the two do not overlap. Reads the smallest mip
    level that has `max_size` pixels. Without levels, reads as many lines as the result has if chunks are
    single lines, otherwise all chunks. If those have more than `budget` bytes, reads about as many evenly
    spaced rows of chunks, and repeats their pixels in between.

    Raises InspectorError: BAD_CONFIG if there is no such part or channel or the part is deep, CHUNK_CORRUPT
    if its channels are invalid, and the source's errors.
    """
    stream = file.stream(part, [escape(each) for each in channels])
    found = {each.name: each for each in stream.channels}
    layout = stream.layout
    if missing := sorted(set(channels) - set(found)):
        raise InspectorError(BAD_CONFIG, f"part {part} has no channel {missing[0]}")
    if layout.is_deep:
        raise InspectorError(BAD_CONFIG, f"part {part} is deep and has no image")
    frame = Frame.of(stream, max_size)
    window, scale, plan = frame.window, frame.scale, frame.plan
    every = list(rows(plan))
    step = 1 if layout.is_tiled else max(1, int(scale) // stream.lines(every[0][0]))
    if budget is not None:
        size = sum(stream.reader.packed_size(index) for row in every for unit in row for index in unit)
        step = max(step, -(-size // max(budget, 1)))
    chosen = every[(step - 1) // 2 :: step] or every[:1]
    plan = replace(plan, units=tuple(unit for row in chosen for unit in row))
    if not plan.is_full:
        stream.reader.max_gap = SAMPLE_GAP
    shrink = Shrink(layout, plan.level, stream.channels, window, frame.size)
    for group in stream.groups(plan):
        for piece in group.pieces:
            shrink.add(piece)
    planes = shrink.result(0 if plan.is_full else int(step * stream.lines(every[0][0]) / scale) + 1)
    size = file.header_bytes + stream.reader.bytes_read
    coverage = _coverage(plan, stream.chunks_read, size, stream.reader.requests)
    order = [stream.channels.index(found[name]) for name in channels]
    return Image(planes[order], window, coverage, list(stream.failures.values()))


class Frame(NamedTuple):
    """What an image of a part shows: a window, `scale` times as large as `size`, its height and width.

    `plan` reads the level that suits the scale.
    """

    window: Window
    scale: float
    size: tuple[int, int]
    plan: Plan

    @classmethod
    def of(cls, stream: PartStream, max_size: int) -> Frame:
        """Return the frame of an image with at most `max_size` pixels in width and height."""
        window, data = display_window(stream.part), data_window(stream.layout)
        if window is None or not window.meets(data):
            window = data
        scale = max(1.0, max(window.width, window.height) / max_size)
        height, width = (max(1, round(each / scale)) for each in (window.height, window.width))
        return cls(window, scale, (height, width), _level_plan(stream.layout, scale))


class Tap:
    """Makes an image of some channels while a part is decoded whole for another purpose."""

    def __init__(self, stream: PartStream, channels: Sequence[str], frame: Frame) -> None:
        names = [each.name for each in stream.channels]
        self.stream = stream
        self._frame = frame
        self._indexes = [names.index(each) for each in channels]
        chosen = [stream.channels[index] for index in self._indexes]
        self._shrink = Shrink(stream.layout, frame.plan.level, chosen, frame.window, frame.size)

    def add(self, piece: Piece) -> None:
        """Add decoded samples of all channels of the stream."""
        self._shrink.add(piece._replace(planes=[piece.planes[index] for index in self._indexes]))

    def image(self) -> Image:
        """Return the image of the added chunks. Its coverage counts no bytes, since none were read for it."""
        coverage = _coverage(self._frame.plan, self.stream.chunks_read, 0, 0)
        return Image(self._shrink.result(0), self._frame.window, coverage, [])


def _coverage(plan: Plan, chunks_read: int, bytes_read: int, requests: int) -> dict[str, Any]:
    return {
        "level": {"width": plan.level.width, "height": plan.level.height},
        "chunks": sum(map(len, plan.units)),
        "chunks_read": chunks_read,
        "bytes_read": bytes_read,
        "requests": requests,
    }


class Shrink:
    """Averages the samples of a level into an image of `size`, its height and width, that shows `window`."""

    def __init__(
        self,
        layout: Layout,
        level: Level,
        channels: Sequence[Channel],
        window: Window,
        size: tuple[int, int],
    ) -> None:
        self.channels = channels
        self.sums = np.zeros((len(channels), *size))
        self.counts = np.zeros((len(channels), *size))
        self._seen = np.zeros(size, bool)
        x, y = layout.widths[0] / level.width, layout.heights[0] / level.height
        # The pixel i of the level begins at the full-resolution pixel corner + (i - corner) * factor.
        self._columns = _Bins(layout.x, x, window.x, window.width, size[1])
        self._rows = _Bins(layout.y, y, window.y, window.height, size[0])

    def add(self, piece: Piece) -> None:
        """Add decoded samples."""
        for index, channel in enumerate(self.channels):
            for block in piece.blocks(index, channel):
                self._add(index, _full(block, channel))

    @np.errstate(invalid="ignore")  # the conversion of signaling NaN
    def _add(self, index: int, block: Block) -> None:
        rows, first, last, row_starts = self._rows.of(block.lines)
        columns, left, right, column_starts = self._columns.of(block.columns)
        if not len(rows) or not len(columns):
            return
        samples = block.samples[first:last, left:right].astype(np.float64)
        finite = np.isfinite(samples)
        if not finite.all():
            samples[~finite] = 0
        place = np.ix_(rows, columns)
        for target, values in ((self.sums, samples), (self.counts, finite)):
            narrow = np.add.reduceat(values, column_starts, axis=1, dtype=np.float64)
            target[index][place] += np.add.reduceat(narrow, row_starts, axis=0)
        self._seen[place] = True

    def result(self, reach: int) -> npt.NDArray[np.float32]:
        """Return the means. A row without samples repeats the nearest one within `reach` rows."""
        with np.errstate(invalid="ignore", over="ignore"):
            planes = (self.sums / self.counts).astype(np.float32)
        planes[:, ~self._seen] = 0
        seen = np.flatnonzero(self._seen.any(axis=1))
        for row in range(len(self._seen)) if len(seen) else ():
            nearest = seen[np.argmin(np.abs(seen - row))]
            if 0 < abs(nearest - row) <= reach:
                planes[:, row] = planes[:, nearest]
        return planes


class _Bins:
    """Which rows or columns of an image the coordinates of a level fall into."""

    def __init__(self, corner: int, factor: float, start: int, length: int, count: int) -> None:
        self.corner, self.factor = corner, factor
        self.start, self.length, self.count = start, length, count

    def of(self, coordinates: Array) -> tuple[Array, int, int, Array]:
        """Return the bins that ascending coordinates meet, the coordinates' slice, and each bin's first."""
        middles = (coordinates - self.corner + 0.5) * self.factor + (self.corner - self.start)
        bins = np.floor(middles * self.count / self.length).astype(np.int64)
        first, last = np.searchsorted(bins, (0, self.count)).tolist()
        inside = bins[first:last]
        starts = np.flatnonzero(np.diff(inside, prepend=-1))
        return inside[starts], first, last, starts


def _full(block: Block, channel: Channel) -> Block:
    """Return a block with the samples of a subsampled channel repeated for each pixel."""
    _, x, y = channel.layout
    if (x, y) == (1, 1):
        return block
    lines = (block.lines[:, None] + np.arange(y)).ravel()
    columns = (block.columns[:, None] + np.arange(x)).ravel()
    return Block(lines, columns, block.samples.repeat(y, 0).repeat(x, 1))


def _level_plan(layout: Layout, scale: float) -> Plan:
    """Return the plan of the smallest level whose pixels are no larger than `scale` pixels of level 0."""
    fitting = [
        number
        for number, level in enumerate(layout.levels)
        if level.x == level.y
        and max(layout.widths[0] / level.width, layout.heights[0] / level.height) <= scale
    ]
    return plan_full(layout, fitting[-1] if fitting else 0)
