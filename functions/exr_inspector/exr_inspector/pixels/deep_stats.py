"""Statistics of deep parts: how many samples the pixels have, and whether they are in order.

Samples in any order, and samples that overlap, are legal. They contradict a part whose attribute
`deepImageState` declares otherwise.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from exr_inspector.pixels.accumulate import Locate

_SORTED = ("sorted", "tidy")
_SEPARATE = ("non_overlapping", "tidy")

Array = npt.NDArray[Any]


def sample_pixels(counts: Array) -> Array:
    """Return the index of the pixel of each sample."""
    return np.repeat(np.arange(counts.size), counts.reshape(-1))


def _pixels_with(flags: Array, counts: Array) -> int:
    """Return how many pixels have a flag; each is about a sample and the next one of the part."""
    lengths = counts[counts > 0].astype(np.int64)
    if not lengths.size:
        return 0
    ends = np.cumsum(lengths)
    inside = np.append(flags, False)
    inside[ends - 1] = False  # the next sample is that of another pixel
    return int(np.count_nonzero(np.logical_or.reduceat(inside, ends - lengths)))


class DeepStats:
    """The numbers of samples of the pixels of a deep part."""

    def __init__(self, state: str | int | None) -> None:
        self.state = state
        self.histogram = np.zeros(33, np.int64)
        """Pixels with 0 samples, 1, 2 or 3, 4 to 7, and so on."""
        self.unsorted: int | None = None
        self.overlapping: int | None = None
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
        _, exponents = np.frexp(counts.reshape(-1).astype(np.float64))
        self.histogram += np.bincount(exponents, minlength=33)

    def add_depths(self, counts: Array, front: Array, back: Array) -> None:
        """Add the depths of samples, and those behind them; pixel after pixel."""
        self.unsorted = (self.unsorted or 0) + _pixels_with(front[1:] < front[:-1], counts)
        if self.state in _SEPARATE:
            order = np.lexsort((front, sample_pixels(counts)))
            overlaps = front[order][1:] < back[order][:-1]
            self.overlapping = (self.overlapping or 0) + _pixels_with(overlaps, counts)

    def result(self, part_index: int) -> dict[str, Any]:
        """Return the statistics of the counts; values are None if no pixel was read."""
        deepest = self.deepest and {"x": self.deepest[1], "y": self.deepest[0], "samples": self.high}
        return {
            "part_index": part_index,
            "pixels": self.pixels,
            "samples": self.samples,
            "empty_pixels": self.empty,
            "state": self.state,
            "unsorted_pixels": self.unsorted,
            "overlapping_pixels": self.overlapping,
            "contradicts_state": bool((self.state in _SORTED and self.unsorted) or self.overlapping),
            "samples_per_pixel": {
                "min": self.low,
                "max": self.high if self.pixels else None,
                "mean": self.samples / self.pixels if self.pixels else None,
                "histogram": np.trim_zeros(self.histogram, "b").tolist(),
            },
            "deepest": deepest,
        }
