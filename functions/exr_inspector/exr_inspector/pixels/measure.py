"""Accumulate the statistics of one part."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from exr_inspector.exr.layout import ChannelLayout
from exr_inspector.pixels.accumulate import STATS, Stats
from exr_inspector.pixels.deep_stats import DeepStats, sample_pixels
from exr_inspector.pixels.places import PIXELS, data_window, display_window, unit_means
from exr_inspector.pixels.plan import Plan
from exr_inspector.pixels.roles import Role
from exr_inspector.pixels.stream import Group, PartStream, Piece
from exr_inspector.pixels.suspects import Suspects

if TYPE_CHECKING:
    from exr_inspector.pixels.hashes import DeepHash, WindowHash

MIN_ERROR_UNITS = 8
"""From fewer chunks, no standard error is estimated."""

Array = npt.NDArray[Any]


class Measure:
    """The statistics of the channels of one part, filled in by `run`."""

    def __init__(self, stream: PartStream, roles: Mapping[tuple[int, str], Role]) -> None:
        self.stream = stream
        self.channels = stream.channels
        self.roles = [roles[stream.index, each.name] for each in self.channels]
        self.suspects: dict[int, Suspects] = {}
        """Of the half and float channels of the picture, if every chunk is read."""
        self.stats: list[Stats] = [STATS[each.type]() for each in self.channels]
        self.means: list[list[float]] = [[] for _ in self.channels]
        state = stream.part.value("deepImageState", "deepImageState")
        self.deep = DeepStats(state) if stream.layout.is_deep else None
        self.data, self.display = data_window(stream.layout), display_window(stream.part)
        self.outside: list[Stats] | None = None
        """Of the samples outside the display window, if there are any."""
        if self.display and not self.display.contains(self.data):
            self.outside = [STATS[each.type]() for each in self.channels]
        self.hashes: list[WindowHash] = []
        """Of the data window and, if it is another, the display window; none if they cannot be known."""
        self.deep_hashes: list[DeepHash] = []
        self.plan: Plan | None = None

    def run(self, plan: Plan, tap: Callable[[Piece], None] | None = None) -> None:
        """Measure the chunks of a plan; `tap` also receives the chunks. Raises the source's errors."""
        self.plan = plan
        self._begin_lines()
        for group in self.stream.groups(plan):
            for piece in group.pieces:
                if tap:
                    tap(piece)
                if self.deep is None:
                    self._add_flat(piece, plan)
                else:
                    self._add_deep(piece, self.deep)
            self._add_lines(group)

    def _add_lines(self, group: Group) -> None:
        """Add a group to what needs whole lines."""
        if not group.has_lines:
            self.hashes, self.deep_hashes = [], []
            for suspects in self.suspects.values():
                suspects.skip()
        elif self.deep_hashes:
            counts, samples = group.deep_lines()
            for deep in self.deep_hashes:
                deep.add(counts, samples)
        elif self.hashes or self.suspects:
            for index in range(len(self.channels)):
                block = group.block(index)
                for each in self.hashes:
                    each.add(index, block)
                if index in self.suspects:
                    self.suspects[index].add(block)

    def _begin_lines(self) -> None:
        if not (self.channels and self.plan and self.plan.is_full):
            return
        from exr_inspector.pixels.hashes import (  # noqa: PLC0415 - an optional library
            DeepHash,
            WindowHash,
            is_hashable,
        )

        windows = [self.data]
        if self.display and self.display != self.data and is_hashable(self.display, self.data):
            windows.append(self.display)
        if self.deep:
            self.deep_hashes = [DeepHash(self.channels, each) for each in windows]
        else:
            self.hashes = [WindowHash(self.channels, each) for each in windows]
            self.suspects = {
                index: Suspects()
                for index, (channel, role) in enumerate(zip(self.channels, self.roles, strict=True))
                if role.is_picture and channel.type != "uint" and channel.layout[1:] == (1, 1)
            }

    def _add_flat(self, piece: Piece, plan: Plan) -> None:
        heights = [] if plan.is_full else [self.stream.lines(unit) for unit in piece.units]
        for index, (channel, plane) in enumerate(zip(self.channels, piece.planes, strict=True)):
            self.stats[index].add(plane, piece.places.finder(channel.layout))
            if self.outside and self.display:
                mask = piece.places.outside(channel.layout, self.display)
                self.outside[index].add(plane[mask], _nowhere)
            if not plan.is_full:
                self.means[index] += unit_means(plane, channel.layout, piece.places, heights)

    def _add_deep(self, piece: Piece, deep: DeepStats) -> None:
        counts, *samples = piece.planes
        find = piece.places.finder(PIXELS)
        deep.add(counts, find)
        planes = {each.name: plane for each, plane in zip(self.channels, samples, strict=True)}
        if "Z" in planes:
            deep.add_depths(counts, planes["Z"], planes.get("ZBack", planes["Z"]))

        def find_sample(mask: Array) -> tuple[int, int]:
            flags = np.zeros(counts.size, bool)
            flags[sample_pixels(counts)[mask]] = True
            return find(flags.reshape(counts.shape))

        for stats, plane in zip(self.stats, samples, strict=True):
            stats.add(plane, find_sample)
        if self.outside and self.display:
            mask = piece.places.outside(PIXELS, self.display).reshape(-1)[sample_pixels(counts)]
            for stats, plane in zip(self.outside, samples, strict=True):
                stats.add(plane[mask], _nowhere)

    def channel_results(self) -> Iterator[dict[str, Any]]:
        """Yield the statistics of each channel."""
        found, packed = self._hash_results(), self._packed_bytes()
        no_suspects = dict.fromkeys(("fireflies", "holes", "flat_rectangles"))
        for index, channel in enumerate(self.channels):
            stats = self.stats[index]
            outside = self.outside[index] if self.outside else type(stats)()
            yield {
                "part_index": self.stream.index,
                "name": channel.name,
                "type": channel.type,
                **stats.result(),
                "outside_display": outside.counts(),
                "is_cryptomatte": self.roles[index].is_cryptomatte,
                "alpha": stats.alpha() if self.roles[index].is_alpha else None,
                **(self.suspects[index].result() if index in self.suspects else no_suspects),
                "packed_bytes": packed[index],
                "mean_standard_error": self._standard_error(self.means[index]),
                "hash": found["hash"][0][index],
                "display_hash": found["display_hash"][0][index],
            }

    def _packed_bytes(self) -> list[int]:
        """Return each channel's share of the packed chunks of all levels, by the size of its samples.

        It is an estimate, since nothing tells how well each channel is packed.
        """

        def weight(channel: ChannelLayout) -> float:
            return channel.sample_bytes / (channel.x_sampling * channel.y_sampling)

        layout, reader = self.stream.layout, self.stream.reader
        total = sum(map(reader.packed_size, range(layout.count)))
        whole = sum(map(weight, layout.channels or ()))
        return [round(total * weight(each.layout) / whole) for each in self.channels]

    def part_result(self) -> dict[str, Any]:
        """Return the hashes of the part; None unless all its channels and all chunks were read."""
        is_whole = len(self.channels) == len(self.stream.layout.channels or ())
        found = self._hash_results().items()
        return {
            "part_index": self.stream.index,
            **{name: digest if is_whole else None for name, (_, digest) in found},
        }

    def _hash_results(self) -> dict[str, tuple[Sequence[str | None], str | None]]:
        """Return the hashes of the channels and of the part, for the data window and the display window."""
        nothing: tuple[Sequence[str | None], str | None] = [None] * len(self.channels), None
        hashes: list[WindowHash | DeepHash] = [*self.hashes, *self.deep_hashes]
        found = {each.window: each.result() for each in hashes}
        windows = {"hash": self.data, "display_hash": self.display}
        return {name: found.get(window, nothing) if window else nothing for name, window in windows.items()}

    def _standard_error(self, means: list[float]) -> float | None:
        """Return an estimate from the differences between neighbors.

        None for a full pass, for few chunks, and for a sample that lacks some of its chunks.
        """
        count = len(means)
        if self.plan is None or self.plan.is_full or self.stream.failures or count < MIN_ERROR_UNITS:
            return None
        squares = float(np.square(np.diff(means)).sum())
        return sqrt(squares / (2 * count * (count - 1)) * (1 - count / self.plan.total))


def _nowhere(_: Array) -> tuple[int, int]:
    return 0, 0
