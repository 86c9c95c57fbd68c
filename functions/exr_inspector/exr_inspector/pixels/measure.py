"""Measure one part: read, stitch and decode its groups, and accumulate their samples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from itertools import groupby
from math import sqrt
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from exr_inspector.errors import CHUNK_CORRUPT, DECODER_LOST, Fault
from exr_inspector.exr.header import Part
from exr_inspector.exr.layout import ChannelLayout, Layout
from exr_inspector.pixels.accumulate import STATS, Locate, Stats
from exr_inspector.pixels.decode import DTYPES, DecodeError, Decoder, DecoderLostError, Job
from exr_inspector.pixels.deep import DeepChunks
from exr_inspector.pixels.fetch import ChunkError, ChunkReader
from exr_inspector.pixels.places import Band, Places, places_of, unit_means
from exr_inspector.pixels.plan import GROUP_BYTES, Plan, Unit, groups
from exr_inspector.pixels.stitch import RawChunk, channel_order, stitch

MAX_LOST = 16
"""Decoders that a part may crash or hang before its other chunks are given up."""
MAX_HASHED_ROW = 64 << 20
"""A row of tiles that is larger is not put together to be hashed."""
MIN_ERROR_UNITS = 8
"""From fewer chunks, no standard error is estimated."""
MAX_FAILURES = 100
OWN_DEEP = ("none", "rle", "zips", "zip")

Array = npt.NDArray[Any]


class Channel(NamedTuple):
    """A channel that is measured. `rank` is its position among the sorted names of its part."""

    name: str
    type: str
    layout: ChannelLayout
    rank: int


@dataclass
class Measure:
    """Measures one part. `failures` and the counts are filled in by `run`."""

    index: int
    part: Part
    layout: Layout
    reader: ChunkReader
    decoder: Decoder
    channels: list[Channel]
    all_types: list[str]
    """Numpy types of all channels, in the order of their samples."""
    failures: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    chunks_read: int = 0
    lost: int = 0

    def __post_init__(self) -> None:
        self.stats: list[Stats] = [STATS[each.type]() for each in self.channels]
        self.means: list[list[float]] = [[] for _ in self.channels]
        self.deep = DeepStats() if self.layout.is_deep else None
        self.hashers: list[Any] | None = None
        self.plan: Plan | None = None

    def run(self, plan: Plan) -> None:
        """Measure the chunks of a plan. Raises what the source raises."""
        import xxhash  # noqa: PLC0415 - an optional library

        self.plan = plan
        if plan.is_full and self.deep is None:
            self.hashers = [xxhash.xxh3_128() for _ in self.channels]
        for group in groups(plan, self._sizes(plan)):
            found = dict(self.reader.read([index for unit in group for index in unit]))
            whole = [unit for unit in group if self._is_whole(unit, found)]
            band = self._band(group)
            for members in self._alike(whole):
                self._measure(members, found, band)
            if band is not None and self.hashers is not None:
                for hasher, plane in zip(self.hashers, band.planes, strict=True):
                    hasher.update(plane)

    def _sizes(self, plan: Plan) -> Sequence[int]:
        """Return the decoded sizes of the chunks, as far as they are known before the chunks are read."""
        sizes = self.layout.unpacked_sizes()
        if sizes is not None:
            found: list[int] = sizes.tolist()
            return found
        count = max((unit[-1] for unit in plan.units), default=-1) + 1
        return [4 * self.reader.packed_size(index) for index in range(count)]

    def _is_whole(self, unit: Unit, found: dict[int, RawChunk | ChunkError]) -> bool:
        """Return whether all chunks of a unit can be used; record those that cannot."""
        errors = [(index, each) for index in unit if isinstance(each := found[index], ChunkError)]
        for index, error in errors:
            self._fail((index,), error.fault, str(error))
        if errors and len(errors) < len(unit):
            rest = tuple(index for index in unit if not isinstance(found[index], ChunkError))
            self._fail(rest, CHUNK_CORRUPT, "a chunk that must be decoded with this one cannot be used")
        return not errors

    def _alike(self, units: list[Unit]) -> Iterator[list[Unit]]:
        """Yield the units that can be in one stitched file, of about GROUP_BYTES."""
        if not self.layout.is_tiled:
            if units:
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

    def _measure(self, units: list[Unit], found: dict[int, RawChunk | ChunkError], band: Band | None) -> None:
        """Decode units together; if that fails, in halves, until the bad ones are alone."""
        indexes = [index for unit in units for index in unit]
        chunks = [each for index in indexes if isinstance(each := found[index], RawChunk)]
        try:
            if self.lost >= MAX_LOST:
                raise DecoderLostError(f"not decoded, since {MAX_LOST} decoders were lost before")
            places = places_of(self.layout, chunks)
            planes = self.decoder.decode(self._job(chunks, places))
        except (DecodeError, ValueError) as error:
            fault = error.fault if isinstance(error, DecodeError) else CHUNK_CORRUPT
            given_up = self.lost >= MAX_LOST
            self.lost += fault is DECODER_LOST
            if len(units) == 1 or given_up:
                self._fail(indexes, fault, str(error))
                return
            middle = len(units) // 2
            self._measure(units[:middle], found, band)
            self._measure(units[middle:], found, band)
            return
        self.chunks_read += len(chunks)
        if self.deep is None:
            self._add_flat(planes, places, [self._lines(unit) for unit in units], band)
        else:
            self._add_deep(planes, places)

    def _lines(self, unit: Unit) -> int:
        return sum(self.layout.chunk(index).height for index in unit)

    def _job(self, chunks: list[RawChunk], places: Places) -> Job:
        if self.layout.is_deep:
            size = sum(each.unpacked_size + 4 * each.pixels.width * each.pixels.height for each in chunks)
            shapes = [places.shape(ChannelLayout(4, 1, 1))]
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
            len(self.all_types),
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
        head = (16 if self.layout.is_tiled else 4) + 24
        data = sum(head + len(each.table) + len(each.data) for each in chunks)
        table = len(file) - data - 8 * len(chunks)
        return DeepChunks(
            str(compression),
            table,
            head - 24,
            chunks[0].pixels.width,
            [each.pixels.height for each in chunks],
            self.all_types,
        )

    def _add_flat(self, planes: list[Array], places: Places, heights: list[int], band: Band | None) -> None:
        for index, (channel, plane) in enumerate(zip(self.channels, planes, strict=True)):
            self.stats[index].add(plane, places.finder(channel.layout))
            if self.plan is not None and not self.plan.is_full:
                self.means[index] += unit_means(plane, channel.layout, places, heights)
            if band is not None:
                band.put(index, plane, places)
            elif self.hashers is not None:
                self.hashers[index].update(np.ascontiguousarray(plane))

    def _add_deep(self, planes: list[Array], places: Places) -> None:
        assert self.deep is not None
        counts, *samples = planes
        find = places.finder(ChannelLayout(4, 1, 1))
        self.deep.add(counts, find)
        pixels = np.repeat(np.arange(counts.size), counts.reshape(-1))

        def find_sample(mask: Array) -> tuple[int, int]:
            flags = np.zeros(counts.size, bool)
            flags[pixels[mask]] = True
            return find(flags.reshape(counts.shape))

        for stats, plane in zip(self.stats, samples, strict=True):
            stats.add(plane, find_sample)

    def _band(self, group: list[Unit]) -> Band | None:
        """Return the memory in which tiles are put together; None if nothing is to be."""
        if self.hashers is None or not self.layout.is_tiled:
            return None
        top, bottom = self.layout.chunk(group[0][0]), self.layout.chunk(group[-1][-1])
        band = Band(self.layout.x, top.y, self.layout.widths[0], bottom.y + bottom.height - top.y)
        if (
            sum(each.layout.sample_bytes for each in self.channels) * band.width * band.height
            > MAX_HASHED_ROW
        ):
            self.hashers = None
            return None
        band.planes = [
            np.zeros((band.height, band.width), f"V{each.layout.sample_bytes}") for each in self.channels
        ]
        return band

    def _fail(self, indexes: Sequence[int], fault: Fault, message: str) -> None:
        self.hashers = None
        key = fault.code, message
        if key not in self.failures:
            if len(self.failures) >= MAX_FAILURES:
                key = fault.code, "further failures with other reasons"
            pixels = self.layout.chunk(indexes[0])
            place = {"x": pixels.x, "y": pixels.y}
            empty = {"part_index": self.index, "code": key[0], "message": key[1], "chunks": 0, "first": place}
            self.failures.setdefault(key, empty)
        self.failures[key]["chunks"] += len(indexes)

    def channel_results(self) -> Iterator[dict[str, Any]]:
        """Yield the statistics of each channel."""
        for index, channel in enumerate(self.channels):
            digest = f"xxh3_128:{self.hashers[index].hexdigest()}" if self.hashers else None
            yield {
                "part_index": self.index,
                "name": channel.name,
                "type": channel.type,
                **self.stats[index].result(),
                "mean_standard_error": self._standard_error(self.means[index]),
                "hash": digest,
            }

    def _standard_error(self, means: list[float]) -> float | None:
        """Return an estimate from the differences between neighbors; None for a full pass or few chunks."""
        count = len(means)
        if self.plan is None or self.plan.is_full or count < MIN_ERROR_UNITS:
            return None
        squares = float(np.square(np.diff(means)).sum())
        return sqrt(squares / (2 * count * (count - 1)) * (1 - count / self.plan.total))


class DeepStats:
    """The numbers of samples of the pixels of a deep part."""

    def __init__(self) -> None:
        self.pixels = self.samples = self.empty = 0
        self.low: int | None = None
        self.high = 0
        self.deepest: tuple[int, int] | None = None

    def add(self, counts: Array, find: Locate) -> None:
        """Add the sample counts of pixels; `find` returns the first place that a mask selects."""
        low, high = int(counts.min()), int(counts.max())
        if self.deepest is None or high >= self.high:
            place = find(counts == high)
            is_equal = self.deepest is not None and high == self.high
            self.deepest = min(place, self.deepest) if is_equal and self.deepest else place
            self.high = high
        self.low = low if self.low is None else min(self.low, low)
        self.pixels += counts.size
        self.samples += int(counts.sum(dtype=np.uint64))
        self.empty += int(counts.size - np.count_nonzero(counts))

    def result(self, part_index: int) -> dict[str, Any]:
        """Return the statistics of the counts; values are None if no pixel was read."""
        deepest = self.deepest and {"x": self.deepest[1], "y": self.deepest[0], "samples": self.high}
        return {
            "part_index": part_index,
            "pixels": self.pixels,
            "samples": self.samples,
            "empty_pixels": self.empty,
            "samples_per_pixel": {
                "min": self.low,
                "max": self.high if self.pixels else None,
                "mean": self.samples / self.pixels if self.pixels else None,
            },
            "deepest": deepest,
        }


def sample_types(part: Part) -> list[str]:
    """Return the numpy types of all channels, in the order of the samples: sorted by name."""
    described: list[dict[str, Any]] = part.value("channels", "chlist")
    ranked = sorted(zip(channel_order(part), described, strict=True), key=lambda pair: pair[0])
    return [DTYPES[each["type"]].str for _, each in ranked]


def chosen_channels(part: Part, layout: Layout, patterns: Sequence[str] | None) -> list[Channel]:
    """Return the channels of a part that match a pattern, in the order of the file; all without patterns."""
    described: list[dict[str, Any]] = part.value("channels", "chlist")
    rows = zip(described, layout.channels or (), channel_order(part), strict=True)
    return [
        Channel(each["name"], each["type"], sizes, rank)
        for each, sizes, rank in rows
        if patterns is None or any(fnmatchcase(each["name"], pattern) for pattern in patterns)
    ]
