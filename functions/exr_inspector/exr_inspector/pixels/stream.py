"""Decode chosen channels of a part, group after group in order of y, with bounded memory.

Statistics, hashes, thumbnails and comparisons of images all consume `PartStream.groups`.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np

from exr_inspector.errors import CHUNK_CORRUPT, DECODER_LOST, PIXELS_TIMEOUT, Fault
from exr_inspector.exr.header import Part
from exr_inspector.exr.layout import ChannelLayout, Layout
from exr_inspector.pixels.decode import DTYPES, DecodeError, Decoder, Job
from exr_inspector.pixels.deep import DeepChunks
from exr_inspector.pixels.fetch import ChunkError, ChunkReader, Found
from exr_inspector.pixels.memory import decoder_memory, file_memory, shared_memory
from exr_inspector.pixels.places import PIXELS, Array, Block, Places, places_of
from exr_inspector.pixels.plan import GROUP_BYTES, MAX_ROW_BYTES, Plan, Unit, groups
from exr_inspector.pixels.raw import is_raw, raw_planes
from exr_inspector.pixels.stitch import RawChunk, channel_order, stitch

MAX_LOST = 16
"""Decoders that a part may crash or hang before its other chunks are given up."""
MAX_FAILURES, MAX_FAILED = 100, 10_000
"""Reasons why chunks failed, and chunks that did, that are kept."""
PARALLEL_BYTES = 64 << 20
"""Samples from which on a second decoder is worth its start."""
OWN_DEEP = ("none", "rle", "zips", "zip")


class Channel(NamedTuple):
    """A channel that is decoded. `rank` is its position among the sorted names of its part."""

    name: str
    type: str
    layout: ChannelLayout
    rank: int


class Piece(NamedTuple):
    """Units that were decoded together.

    `planes` has the samples of each channel, as an array of rows and columns. Of a deep part it has the
    sample counts of the pixels first, then each channel's samples, pixel after pixel.
    """

    units: list[Unit]
    planes: list[Array]
    places: Places

    def blocks(self, index: int, channel: Channel) -> Iterator[Block]:
        """Yield the samples of a channel of a flat part as rectangles; `index` is its place in `planes`."""
        return self.places.blocks(channel.layout, self.planes[index])


class Group(NamedTuple):
    """Consecutive units of a plan. `pieces` lack the units that failed, which `PartStream.failures` has."""

    channels: list[Channel]
    units: list[Unit]
    pieces: list[Piece]
    has_lines: bool
    """Whether all samples of the group's lines are here: nothing failed, and rows of tiles are complete."""

    def block(self, index: int) -> Block:
        """Return the lines of a channel of a flat part. Only for groups that have lines."""
        channel = self.channels[index]
        return _joined([block for piece in self.pieces for block in piece.blocks(index, channel)])

    def deep_lines(self) -> tuple[Block, list[Array]]:
        """Return the sample counts of the pixels, and each channel's samples, pixel after pixel.

        Only for groups of a deep part that have lines.
        """
        blocks: list[Block] = []
        runs: list[tuple[int, int, int, slice]] = []  # y, x, piece, and its samples in a line of a block
        for number, piece in enumerate(self.pieces):
            here = list(piece.places.blocks(PIXELS, piece.planes[0]))
            lengths = np.stack([block.samples.sum(axis=1, dtype=np.int64) for block in here], axis=1)
            ends = np.cumsum(lengths).reshape(lengths.shape)
            for block, column in zip(here, np.stack((ends - lengths, ends)).T.tolist(), strict=True):
                x = int(block.columns[0])
                for y, cut in zip(block.lines.tolist(), column, strict=True):
                    runs.append((y, x, number, slice(*cut)))
            blocks += here
        runs.sort(key=lambda run: run[:2])
        samples = [
            np.concatenate([self.pieces[number].planes[1 + index][cut] for _, _, number, cut in runs])
            for index in range(len(self.channels))
        ]
        return _joined(blocks), samples


def _joined(blocks: list[Block]) -> Block:
    """Return the rectangle that blocks side by side, or one below the other, make up."""
    if len(blocks) == 1:
        return blocks[0]
    lines, columns = (np.unique(np.concatenate(each)) for each in list(zip(*blocks, strict=True))[:2])
    samples = np.empty((len(lines), len(columns)), blocks[0].samples.dtype)
    for block in blocks:
        y, x = np.searchsorted(lines, block.lines[:1]), np.searchsorted(columns, block.columns[:1])
        for top, left in zip(y.tolist(), x.tolist(), strict=True):
            height, width = block.samples.shape
            samples[top : top + height, left : left + width] = block.samples
    return Block(lines, columns, samples)


class _Task(NamedTuple):
    """Units that are decoded together: their chunks. `found` has all chunks of their group."""

    group: list[Unit]
    units: list[Unit]
    found: Found
    is_last: bool = False
    """Whether this is the group's last task."""

    @property
    def indexes(self) -> list[int]:
        return [index for unit in self.units for index in unit]

    @property
    def chunks(self) -> list[RawChunk]:
        found = (self.found[index] for index in self.indexes)
        return [each for each in found if isinstance(each, RawChunk)]


@dataclass
class PartStream:
    """Decodes a part. `failures` and `chunks_read` describe the progress."""

    index: int
    part: Part
    layout: Layout
    reader: ChunkReader
    decoders: Sequence[Decoder]
    all_channels: list[Channel]
    channels: list[Channel]
    deadline: float | None = None
    """A time of `time.monotonic`, after which the rest is given up."""
    failures: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    failed_chunks: dict[int, tuple[str, str]] = field(default_factory=dict)
    """The code and the message of the first MAX_FAILED chunks that failed."""
    chunks_read: int = 0
    _lost: int = 0

    def __post_init__(self) -> None:
        self._is_raw = is_raw(self.layout)
        self._ranked = sorted(self.all_channels, key=lambda channel: channel.rank)
        self._types = [DTYPES[each.type].str for each in self._ranked]

    def groups(self, plan: Plan) -> Iterator[Group]:
        """Decode the units of a plan. Raises what the source raises.

        Holds one group for each decoder, besides the group that was yielded. Waits until the instance has
        the memory for that.
        """
        memory, job, held = shared_memory(), *self._largest(plan)
        one = 0 if self._is_raw else decoder_memory(job)
        sizes = [one + file_memory(held), one]
        taken = []
        try:
            if not memory.reserve(sizes[0], self.deadline):
                self._give_up(plan.units, "no memory was free in time")
                return
            taken.append(sizes[0])
            total = sum(self.reader.unpacked_size(index) for unit in plan.units for index in unit)
            if one and total > PARALLEL_BYTES and memory.reserve(one, time.monotonic()):
                taken.append(one)
            decoders = self.decoders[: len(taken)]
            for decoder in decoders:
                decoder.memory = one
            yield from self._groups(plan, decoders)
        finally:
            for size in taken:
                memory.release(size)

    def _largest(self, plan: Plan) -> tuple[int, int]:
        """Return the bytes of samples of the largest job, and of all that is held at once."""
        limit, size_of = self.reader.max_chunk, self.reader.unpacked_size
        if self.layout.is_deep:  # the sizes are estimates, and _alike divides what is larger
            return min(4 * GROUP_BYTES, limit), 2 * min(4 * GROUP_BYTES, limit)
        largest = max((sum(map(size_of, unit)) for unit in plan.units), default=0)
        job = min(max(GROUP_BYTES, largest), limit)
        row = largest * plan.level.columns if self.layout.is_tiled else 0
        return job, max(job, min(row, MAX_ROW_BYTES))

    def _groups(self, plan: Plan, decoders: Sequence[Decoder]) -> Iterator[Group]:
        columns = plan.level.columns if self.layout.is_tiled else 1
        pieces: list[Piece] = []
        for task, decoder in self._in_flight(self._tasks(plan), decoders):
            pieces += self._pieces(task, decoder)
            if task.is_last:
                is_whole = sum(len(piece.units) for piece in pieces) == len(task.group)
                yield Group(self.channels, task.group, pieces, is_whole and len(task.group) % columns == 0)
                pieces = []

    def _is_late(self) -> bool:
        return self.deadline is not None and time.monotonic() >= self.deadline

    def _give_up(self, units: Iterable[Unit], reason: str) -> None:
        indexes = [index for unit in units for index in unit]
        if indexes:
            self.failed(indexes, PIXELS_TIMEOUT, reason)

    def lines(self, unit: Unit) -> int:
        """Return the number of pixel rows of a unit."""
        return sum(self.layout.chunk(index).height for index in unit)

    def failed(self, indexes: Sequence[int], fault: Fault, message: str) -> None:
        """Record chunks that cannot be used; those with the same reason are counted together."""
        key = fault.code, message
        if key not in self.failures:
            if len(self.failures) >= MAX_FAILURES:
                key = fault.code, "further failures with other reasons"
            pixels = self.layout.chunk(indexes[0])
            place = {"x": pixels.x, "y": pixels.y}
            empty = {"part_index": self.index, "code": key[0], "message": key[1], "chunks": 0, "first": place}
            self.failures.setdefault(key, empty)
        self.failures[key]["chunks"] += len(indexes)
        some = indexes[: MAX_FAILED - len(self.failed_chunks)]
        self.failed_chunks.update(dict.fromkeys(some, (fault.code, message)))

    def _tasks(self, plan: Plan) -> Iterator[_Task]:
        """Read the groups of a plan, and divide each into units that can be in one stitched file."""
        planned = list(groups(plan, self.reader.unpacked_size, min(GROUP_BYTES, self.reader.max_chunk)))
        for number, (group, found) in enumerate(self.reader.read(planned)):
            if self._is_late():
                self._give_up((unit for rest in planned[number:] for unit in rest), "not read in time")
                return
            whole = [unit for unit in group if self._is_whole(unit, found)]
            *first, last = self._alike(whole) if whole else [[]]
            for units in first:
                yield _Task(group, units, found)
            yield _Task(group, last, found, is_last=True)

    def _is_whole(self, unit: Unit, found: Found) -> bool:
        """Return whether all chunks of a unit can be used; record those that cannot."""
        errors = [(index, each) for index in unit if isinstance(each := found[index], ChunkError)]
        for index, error in errors:
            self.failed((index,), error.fault, str(error))
        if errors and len(errors) < len(unit):
            rest = tuple(index for index in unit if not isinstance(found[index], ChunkError))
            self.failed(rest, CHUNK_CORRUPT, "a chunk that must be decoded with this one cannot be used")
        return not errors

    def _alike(self, units: list[Unit]) -> Iterator[list[Unit]]:
        """Yield the units that can be in one stitched file, of about GROUP_BYTES."""
        if not self.layout.is_tiled:
            yield units
            return
        chunk = self.layout.chunk

        def size(unit: Unit) -> tuple[int, int]:
            return chunk(unit[0]).width, chunk(unit[0]).height

        for _, members in groupby(sorted(units, key=size), key=size):
            alike = list(members)
            tile = self.layout.unpacked_size(alike[0][0]) or GROUP_BYTES // 16
            step = max(1, GROUP_BYTES // tile)
            yield from (alike[first : first + step] for first in range(0, len(alike), step))

    def _in_flight(
        self, tasks: Iterator[_Task], decoders: Sequence[Decoder]
    ) -> Iterator[tuple[_Task, Decoder]]:
        """Send one task to each decoder; yield them in order, when the result of the first is wanted."""
        idle, busy = deque(decoders), deque[tuple[_Task, Decoder]]()
        for task in tasks:
            if not idle:
                yield busy[0]
                idle.append(busy.popleft()[1])
            decoder = idle.popleft()
            self._submit(task, decoder)
            busy.append((task, decoder))
        yield from busy

    def _submit(self, task: _Task, decoder: Decoder) -> None:
        if task.units and self._lost < MAX_LOST and not self._is_raw:
            decoder.submit(self._job(task))

    def _pieces(self, task: _Task, decoder: Decoder) -> Iterator[Piece]:
        """Yield what a decoder made of a task; if it failed, decode halves, until the bad units are alone."""
        if not task.units:
            return
        if not (decoder.is_busy or self._is_raw):
            message = f"not decoded, since {MAX_LOST} decoders were lost before"
            self.failed(task.indexes, DECODER_LOST, message)
            return
        try:
            planes = self._raw_planes(task) if self._is_raw else decoder.result(self.deadline)
        except DecodeError as error:
            if self._is_late():
                self._give_up(task.units, "not decoded in time")
                return
            self._lost += error.fault is DECODER_LOST
            if len(task.units) == 1:
                self.failed(task.indexes, error.fault, str(error))
                return
            middle = len(task.units) // 2
            for half in (task.units[:middle], task.units[middle:]):
                part = task._replace(units=half)
                self._submit(part, decoder)
                yield from self._pieces(part, decoder)
            return
        self.chunks_read += len(task.indexes)
        yield Piece(task.units, planes, places_of(self.layout, task.chunks))

    def _raw_planes(self, task: _Task) -> list[Array]:
        chunks = task.chunks
        places = places_of(self.layout, chunks[:1])
        widths = [places.shape(each.layout)[1] for each in self._ranked]
        return raw_planes(chunks, self._types, widths, [each.rank for each in self.channels])

    def _job(self, task: _Task) -> Job:
        chunks = task.chunks
        places = places_of(self.layout, chunks)
        if self.layout.is_deep:
            size = sum(each.unpacked_size + 4 * each.pixels.width * each.pixels.height for each in chunks)
            shapes = [places.shape(PIXELS)]
        else:
            shapes = [places.shape(each.layout) for each in self.channels]
            size = sum(
                each.sample_bytes * rows * columns
                for each in self.layout.channels or ()
                for rows, columns in (places.shape(each),)
            )
        file = stitch(self.part, self.layout, chunks)
        return Job(
            file,
            [each.rank for each in self.channels],
            len(self.layout.channels or ()),
            [each.type for each in self.channels],
            shapes,
            size,
            self.layout.is_deep,
            self._deep_chunks(file, chunks),
        )

    def _deep_chunks(self, file: bytes, chunks: list[RawChunk]) -> DeepChunks | None:
        """Return where the chunks of a stitched file are, if they can be decoded without the library."""
        compression = self.layout.compression
        if not self.layout.is_deep or compression not in OWN_DEEP:
            return None
        is_tiled = self.layout.is_tiled
        head = 40 if is_tiled else 28
        first = len(file) - sum(head + len(each.table) + len(each.data) for each in chunks)
        heights = [each.pixels.height for each in chunks]
        width, has_samples = chunks[0].pixels.width, not self.reader.counts_only
        return DeepChunks(str(compression), is_tiled, has_samples, first, width, heights, self._types)


def channels_of(part: Part, layout: Layout) -> list[Channel]:
    """Return the channels of a part in the order of the file."""
    described: list[dict[str, Any]] = part.value("channels", "chlist")
    rows = zip(described, layout.channels or (), channel_order(part), strict=True)
    return [Channel(each["name"], each["type"], sizes, rank) for each, sizes, rank in rows]
