"""Accumulate the statistics of one part."""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt
from typing import Any

import numpy as np
import numpy.typing as npt

from exr_inspector.exr.layout import ChannelLayout
from exr_inspector.pixels.accumulate import STATS, Locate, Stats
from exr_inspector.pixels.places import unit_means
from exr_inspector.pixels.plan import Plan
from exr_inspector.pixels.stream import Group, PartStream, Piece

MIN_ERROR_UNITS = 8
"""From fewer chunks, no standard error is estimated."""

Array = npt.NDArray[Any]


class Measure:
    """The statistics of the channels of one part, filled in by `run`."""

    def __init__(self, stream: PartStream) -> None:
        self.stream = stream
        self.channels = stream.channels
        self.stats: list[Stats] = [STATS[each.type]() for each in self.channels]
        self.means: list[list[float]] = [[] for _ in self.channels]
        self.deep = DeepStats() if stream.layout.is_deep else None
        self.hashers: list[Any] | None = None
        self.plan: Plan | None = None

    def run(self, plan: Plan) -> None:
        """Measure the chunks of a plan. Raises what the source raises."""
        import xxhash  # noqa: PLC0415 - an optional library

        self.plan = plan
        if plan.is_full and self.deep is None:
            self.hashers = [xxhash.xxh3_128() for _ in self.channels]
        for group in self.stream.groups(plan):
            for piece in group.pieces:
                if self.deep is None:
                    self._add_flat(piece, plan)
                else:
                    self._add_deep(piece.planes, piece.places.finder(ChannelLayout(4, 1, 1)), self.deep)
            self._hash(group)

    def _add_flat(self, piece: Piece, plan: Plan) -> None:
        heights = [self.stream.lines(unit) for unit in piece.units]
        for index, (channel, plane) in enumerate(zip(self.channels, piece.planes, strict=True)):
            self.stats[index].add(plane, piece.places.finder(channel.layout))
            if not plan.is_full:
                self.means[index] += unit_means(plane, channel.layout, piece.places, heights)

    def _add_deep(self, planes: list[Array], find: Locate, deep: DeepStats) -> None:
        counts, *samples = planes
        deep.add(counts, find)
        pixels = np.repeat(np.arange(counts.size), counts.reshape(-1))

        def find_sample(mask: Array) -> tuple[int, int]:
            flags = np.zeros(counts.size, bool)
            flags[pixels[mask]] = True
            return find(flags.reshape(counts.shape))

        for stats, plane in zip(self.stats, samples, strict=True):
            stats.add(plane, find_sample)

    def _hash(self, group: Group) -> None:
        if self.hashers is None:
            return
        if not group.has_lines:
            self.hashers = None
            return
        for index, hasher in enumerate(self.hashers):
            hasher.update(np.ascontiguousarray(group.plane(index)))

    def channel_results(self) -> Iterator[dict[str, Any]]:
        """Yield the statistics of each channel."""
        for index, channel in enumerate(self.channels):
            digest = f"xxh3_128:{self.hashers[index].hexdigest()}" if self.hashers else None
            yield {
                "part_index": self.stream.index,
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
