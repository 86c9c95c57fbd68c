"""How much of an image each object of a cryptomatte covers, and where."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from glob import escape
from typing import Any

import numpy as np
import numpy.typing as npt

from exr_inspector.exr.cryptomatte import NO_OBJECT, Rank
from exr_inspector.pixels.pixel_file import PixelFile
from exr_inspector.pixels.places import Block
from exr_inspector.pixels.plan import plan_full

MAX_UNNAMED = 1 << 16
"""Ids outside of the manifest that are counted one by one: a damaged channel has as many as pixels."""

TOTALS = np.dtype(
    [
        ("id", np.uint32),
        ("area", np.float64),
        ("pixels", np.int64),
        ("left", np.int64),
        ("top", np.int64),
        ("right", np.int64),
        ("bottom", np.int64),
    ]
)
"""The totals of an id: its coverage, its number of samples, and their bounding box."""

_FARTHEST = np.iinfo(np.int64).max

Array = npt.NDArray[Any]


class Coverage:
    """Accumulates the coverage of objects. `known` are the ids of the manifest.

    Every id of the manifest is counted, and the first MAX_UNNAMED others. Ids that appear later are counted
    together in `other_pixels` and `other_area`, so the totals of each counted id are exact. `invalid` counts
    the samples of an id whose coverage is negative or not finite.
    """

    def __init__(self, known: Iterable[int]) -> None:
        self.totals = _empty(np.unique(np.fromiter((id_ for id_ in known if id_ != NO_OBJECT), np.uint32)))
        self.other_area = 0.0
        self.other_pixels = 0
        self.invalid = 0
        self._room = MAX_UNNAMED

    def add(self, ids: Block, coverage: Array) -> None:
        """Add one rank of a rectangle: the samples of its id channel and of its coverage channel."""
        bits = np.ascontiguousarray(ids.samples).view(np.uint32)
        is_counted = (coverage > 0) & np.isfinite(coverage)
        self.invalid += int(np.count_nonzero((bits != NO_OBJECT) & ~is_counted & (coverage != 0)))
        found = _totals(
            np.where(is_counted, bits, NO_OBJECT), np.where(is_counted, coverage, 0), ids.lines, ids.columns
        )
        places = np.searchsorted(self.totals["id"], found["id"])
        is_held = np.zeros(len(found), bool)
        inside = places < len(self.totals)
        is_held[inside] = self.totals["id"][places[inside]] == found["id"][inside]
        self._merge(places[is_held], found[is_held])
        self._insert(found[~is_held])

    def by_id(self) -> dict[int, dict[str, Any]]:
        """Return area, pixels and box of the ids that were counted; the box is None for those not seen."""
        return {
            id_: {
                "area": area,
                "pixels": pixels,
                "box": {"min": {"x": left, "y": top}, "max": {"x": right, "y": bottom}} if pixels else None,
            }
            for id_, area, pixels, left, top, right, bottom in self.totals.tolist()
        }

    def _merge(self, places: Array, found: Array) -> None:
        held = self.totals[places]
        for name in ("area", "pixels"):
            held[name] += found[name]
        for name, outer in zip(_SIDES, _OUTER, strict=True):
            held[name] = outer(held[name], found[name])
        self.totals[places] = held

    def _insert(self, found: Array) -> None:
        """Add ids that are seen for the first time, the largest first while there is room."""
        order = np.argsort(-found["area"], kind="stable")
        new, rest = found[order[: self._room]], found[order[self._room :]]
        self._room -= len(new)
        self.other_area += float(rest["area"].sum())
        self.other_pixels += int(rest["pixels"].sum())
        if len(new):
            joined = np.concatenate((self.totals, new))
            self.totals = joined[np.argsort(joined["id"])]


_SIDES = ("left", "top", "right", "bottom")
_OUTER: tuple[np.ufunc, ...] = (np.minimum, np.minimum, np.maximum, np.maximum)


def _empty(ids: npt.NDArray[np.uint32]) -> Array:
    totals = np.zeros(len(ids), TOTALS)
    totals["id"] = ids
    totals["left"] = totals["top"] = _FARTHEST
    totals["right"] = totals["bottom"] = -_FARTHEST
    return totals


def _totals(bits: Array, coverage: Array, lines: Array, columns: Array) -> Array:
    """Return the totals of the ids of a rectangle.

    Neighbors in a line mostly have the same id, so runs of one id are added, not samples.
    """
    flat, width = bits.ravel(), bits.shape[1]
    is_first = np.empty(flat.size, bool)
    is_first[1:] = flat[1:] != flat[:-1]
    is_first[::width] = True
    starts = np.flatnonzero(is_first)
    areas = np.add.reduceat(coverage.ravel(), starts, dtype=np.float64)
    lengths = np.diff(starts, append=flat.size)
    runs = np.flatnonzero(flat[starts] != NO_OBJECT)
    runs = runs[np.argsort(flat[starts[runs]], kind="stable")]
    starts, areas, lengths = starts[runs], areas[runs], lengths[runs]
    bits = flat[starts]
    firsts = np.flatnonzero(np.append(True, bits[1:] != bits[:-1])[: len(bits)])
    totals = _empty(bits[firsts])
    if len(totals):
        y, x = np.divmod(starts, width)
        totals["area"] = np.add.reduceat(areas, firsts)
        totals["pixels"] = np.add.reduceat(lengths, firsts)
        sides = (columns[x], lines[y], columns[x + lengths - 1], lines[y])
        for name, outer, values in zip(_SIDES, _OUTER, sides, strict=True):
            totals[name] = outer.reduceat(values, firsts)
    return totals


def cover(file: PixelFile, wanted: Sequence[tuple[Rank, Coverage]]) -> list[dict[str, Any]]:
    """Decode the channels of ranks and add each to its coverage, one part after another; return the failures.

    Raises InspectorError: CHUNK_CORRUPT if a part has no valid channels, and what the source raises.
    """
    failures: list[dict[str, Any]] = []
    for part in sorted({rank.part_index for rank, _ in wanted}):
        ranks = [(rank, coverage) for rank, coverage in wanted if rank.part_index == part]
        stream = file.stream(part, [escape(name) for rank, _ in ranks for name in (rank.id, rank.coverage)])
        places = {channel.name: index for index, channel in enumerate(stream.channels)}
        for group in stream.groups(plan_full(stream.layout)):
            for piece in group.pieces:
                for rank, coverage in ranks:
                    id_, weight = places[rank.id], places[rank.coverage]
                    id_blocks = piece.blocks(id_, stream.channels[id_])
                    weights = piece.blocks(weight, stream.channels[weight])
                    for ids, weighted in zip(id_blocks, weights, strict=True):
                        coverage.add(ids, weighted.samples)
        failures += stream.failures.values()
    return failures
