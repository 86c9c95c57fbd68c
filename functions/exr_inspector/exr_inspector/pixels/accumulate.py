"""Statistics of one channel, from groups of samples in any order; two of them can be merged.

Half channels are exact: a histogram of all 65,536 bit patterns holds everything but places. Float channels
merge counts, means and squared deviations in float64 (Chan, Golub and LeVeque 1983), and take percentiles
from a histogram of the upper 16 bits, to 2^-8 of the value. Uint channels are summed as integers; their
percentiles are exact below 256, and at most 2^-7 too low above.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import cache
from math import fsum, sqrt
from typing import Any

import numpy as np
import numpy.typing as npt

PERCENTILES = {
    "p0_1": 1,
    "p1": 10,
    "p5": 50,
    "p25": 250,
    "p50": 500,
    "p75": 750,
    "p95": 950,
    "p99": 990,
    "p99_9": 999,
}
"""Names, and thousandths of the finite samples that are not above the value."""
BINS = 1 << 16
PLOT_BINS = 32
SLICE = 1 << 19
"""Samples that are added at once."""

Array = npt.NDArray[Any]
Counts = npt.NDArray[np.int64]
Locate = Callable[[Array], "tuple[int, int]"]
"""Return the smallest (y, x) of the samples that a mask selects."""

_INDEXES = np.arange(BINS, dtype=np.uint16)


class Stats:
    """What all types share. `add` takes samples and the function that finds their pixels."""

    one_bin, infinity_bin = 0x3F80, 0x7F80
    """The bins of the histogram that begin with 1 and with infinity."""

    def __init__(self) -> None:
        self.histogram: Counts = np.zeros(BINS, np.int64)
        self.first: tuple[int, int] | None = None
        """The first pixel that is not finite, as (y, x)."""

    def add(self, samples: Array, locate: Locate) -> None:
        """Add samples, in slices, since their copies in wider types take several times their size."""
        flat = samples.reshape(-1)
        is_finite = True
        for first in range(0, flat.size, SLICE):
            is_finite &= self._add(flat[first : first + SLICE])
        if not is_finite:
            self._note(locate(~np.isfinite(samples)))

    def _add(self, samples: Array) -> bool:
        """Add some samples; return whether all of them are finite."""
        raise NotImplementedError

    def merge(self, other: Stats) -> None:
        """Add what another object of the same class holds."""
        self.histogram += other.histogram
        self._note(other.first)

    def counts(self) -> dict[str, int]:
        """Return how many samples there are, and of special values."""
        raise NotImplementedError

    def ones(self) -> int:
        """Return how many samples are exactly 1."""
        raise NotImplementedError

    def result(self) -> dict[str, Any]:
        """Return the statistics; values are None if no sample is finite."""
        raise NotImplementedError

    def alpha(self) -> dict[str, float] | None:
        """Return the shares of the finite samples that are 0, 1, between, and outside of both."""
        counts = self.counts()
        special = sum(counts[name] for name in ("nan_count", "pos_inf_count", "neg_inf_count"))
        finite = counts["count"] - special
        if not finite:
            return None
        above = int(self.histogram[self.one_bin : self.infinity_bin].sum()) - self.ones()
        shares = {"zero": counts["zero_count"], "one": self.ones()}
        outside = counts["negative_count"] + above
        between = finite - outside - sum(shares.values())
        return {
            name: count / finite for name, count in {**shares, "between": between, "outside": outside}.items()
        }

    def _note(self, place: tuple[int, int] | None) -> None:
        if place is not None:
            self.first = place if self.first is None else min(self.first, place)

    @property
    def count(self) -> int:
        """The number of samples, finite or not."""
        return int(self.histogram.sum())


class HalfStats(Stats):
    """Statistics of 16-bit floating-point samples."""

    one_bin, infinity_bin = 0x3C00, 0x7C00

    def _add(self, samples: Array) -> bool:
        bits = samples.view(np.uint16).astype(np.intp)  # the conversion of bincount is slower
        found = np.bincount(bits, minlength=BINS)
        self.histogram += found
        return not found[_half_bins().nonfinite].any()

    def counts(self) -> dict[str, int]:
        """See Stats."""
        counts = self.histogram
        return {
            "count": self.count,
            "nan_count": int(counts[_half_bins().nan].sum()),
            "pos_inf_count": int(counts[0x7C00]),
            "neg_inf_count": int(counts[0xFC00]),
            "zero_count": int(counts[0] + counts[0x8000]),
            "negative_count": int(counts[0x8001:0xFC00].sum()),
            "subnormal_count": int(counts[1:0x400].sum() + counts[0x8001:0x8400].sum()),
        }

    def ones(self) -> int:
        """See Stats."""
        return int(self.histogram[self.one_bin])

    def result(self) -> dict[str, Any]:
        bins = _half_bins()
        finite = self.histogram[bins.order]
        present = np.flatnonzero(finite)
        if not len(present):
            return _nothing(self)
        exact, weights = bins.values[present], finite[present]
        total = int(weights.sum())
        mean = fsum((exact * weights).tolist()) / total
        deviation = sqrt(fsum((np.square(exact - mean) * weights).tolist()) / total)
        moments = {"min": float(exact[0]), "max": float(exact[-1]), "mean": mean, "stddev": deviation}
        return _found(self, moments, exact, weights)


class FloatStats(Stats):
    """Statistics of 32-bit floating-point samples."""

    def __init__(self) -> None:
        super().__init__()
        self.nan = self.pos_inf = self.neg_inf = self.zero = self.negative_zero = self.one = 0
        self.finite = 0
        self.low, self.high = float("inf"), float("-inf")
        self.origin: float | None = None
        """The mean of the first group. `shift` is the difference of the mean of all samples to it."""
        self.shift = self.squares = 0.0

    def _add(self, samples: Array) -> bool:
        found = np.bincount((samples.view(np.uint32) >> 16).astype(np.intp), minlength=BINS)
        self.histogram += found
        if found[0] or found[0x8000]:
            zero = samples == 0
            self.zero += int(np.count_nonzero(zero))
            self.negative_zero += int(np.count_nonzero(np.signbit(samples[zero])))
        if found[self.one_bin]:
            self.one += int(np.count_nonzero(samples == 1))
        finite, is_finite = samples, not (found[0x7F80:0x8000].any() or found[0xFF80:].any())
        if not is_finite:
            finite = samples[np.isfinite(samples)]
            self.nan += int(np.count_nonzero(np.isnan(samples)))
            self.pos_inf += int(np.count_nonzero(samples == np.inf))
            self.neg_inf += int(np.count_nonzero(samples == -np.inf))
        if finite.size:
            exact = finite.astype(np.float64)
            if self.origin is None:
                self.origin = float(exact.mean())
            exact -= self.origin
            shift = float(exact.mean())
            exact -= shift
            squares = float(np.square(exact, out=exact).sum())
            self._merge(finite.size, shift, squares, float(finite.min()), float(finite.max()))
        return is_finite

    def _merge(self, count: int, shift: float, squares: float, low: float, high: float) -> None:
        total = self.finite + count
        difference = shift - self.shift
        self.squares += squares + difference * difference * self.finite * count / total
        self.shift += difference * count / total
        self.finite = total
        self.low, self.high = min(self.low, low), max(self.high, high)

    def merge(self, other: Stats) -> None:
        """See Stats."""
        assert isinstance(other, FloatStats)
        super().merge(other)
        for name in ("nan", "pos_inf", "neg_inf", "zero", "negative_zero", "one"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        if other.origin is not None:
            self.origin = other.origin if self.origin is None else self.origin
            shift = other.origin - self.origin + other.shift
            self._merge(other.finite, shift, other.squares, other.low, other.high)

    def counts(self) -> dict[str, int]:
        """See Stats."""
        counts = self.histogram
        tiny = int(counts[:0x80].sum() + counts[0x8000:0x8080].sum())
        return {
            "count": self.count,
            "nan_count": self.nan,
            "pos_inf_count": self.pos_inf,
            "neg_inf_count": self.neg_inf,
            "zero_count": self.zero,
            "negative_count": int(counts[0x8000:0xFF80].sum()) - self.negative_zero,
            "subnormal_count": tiny - self.zero,
        }

    def ones(self) -> int:
        """See Stats."""
        return self.one

    def result(self) -> dict[str, Any]:
        if self.origin is None:
            return _nothing(self)
        order, middles = _float_bins()
        moments = {
            "min": self.low,
            "max": self.high,
            "mean": self.origin + self.shift,
            "stddev": sqrt(self.squares / self.finite),
        }
        return _found(self, moments, middles, self.histogram[order])


class UintStats(Stats):
    """Statistics of 32-bit unsigned integers: often ids, so that every sum is exact."""

    def __init__(self) -> None:
        super().__init__()
        self.low, self.high, self.zero = 1 << 32, -1, 0
        self.sum = self.squares = 0

    def _add(self, samples: Array) -> bool:
        bins = (samples.astype(np.float32).view(np.uint32) >> 16).astype(np.intp)
        self.histogram += np.bincount(bins, minlength=BINS)
        self.low, self.high = min(self.low, int(samples.min())), max(self.high, int(samples.max()))
        self.zero += int(samples.size - np.count_nonzero(samples))
        high, low = (samples >> 16).astype(np.uint64), (samples & 0xFFFF).astype(np.uint64)
        self.sum += (int(high.sum()) << 16) + int(low.sum())
        cross = int((high * low).sum())
        self.squares += (int((high * high).sum()) << 32) + (cross << 17) + int((low * low).sum())
        return True

    def merge(self, other: Stats) -> None:
        """See Stats."""
        assert isinstance(other, UintStats)
        super().merge(other)
        self.low, self.high = min(self.low, other.low), max(self.high, other.high)
        self.zero += other.zero
        self.sum += other.sum
        self.squares += other.squares

    def counts(self) -> dict[str, int]:
        """See Stats."""
        names = ("nan_count", "pos_inf_count", "neg_inf_count", "negative_count", "subnormal_count")
        return {"count": self.count, **dict.fromkeys(names, 0), "zero_count": self.zero}

    def ones(self) -> int:
        """See Stats."""
        return int(self.histogram[self.one_bin])

    def result(self) -> dict[str, Any]:
        total = self.count
        if not total:
            return _nothing(self)
        mean = Fraction(self.sum, total)
        deviation = sqrt(Fraction(self.squares, total) - mean * mean)
        half = BINS // 2
        floors = (np.arange(half, dtype=np.uint32) << 16).view(np.float32)
        present = np.flatnonzero(self.histogram[:half])
        moments = {"min": self.low, "max": self.high, "mean": float(mean), "stddev": deviation}
        return _found(self, moments, floors[present].astype(np.int64), self.histogram[present])


STATS: dict[str, type[Stats]] = {"half": HalfStats, "float": FloatStats, "uint": UintStats}


def _nothing(stats: Stats) -> dict[str, Any]:
    values = dict.fromkeys(("min", "max", "mean", "stddev", "percentiles", "histogram", "constant"))
    return {**stats.counts(), **values, "first_nonfinite": _place(stats)}


def _found(stats: Stats, moments: dict[str, float], values: Array, weights: Counts) -> dict[str, Any]:
    """Return the values of a channel from those of its finite samples, ascending, and their counts."""
    low, high, mean = moments["min"] + 0, moments["max"] + 0, moments["mean"]  # not -0
    ends = np.cumsum(weights)
    total = int(ends[-1])
    ranks = [max(1, -(-total * thousandths // 1000)) for thousandths in PERCENTILES.values()]
    inner = np.clip(values, low, high)
    found = inner[np.searchsorted(ends, ranks)].tolist()
    return {
        **stats.counts(),
        **moments,
        "min": low,
        "max": high,
        "mean": min(max(mean, low), high),
        "percentiles": dict(zip(PERCENTILES, found, strict=True)),
        "histogram": _compact(inner, weights, found[0], found[-1]),
        "constant": low == high and total == stats.count,
        "first_nonfinite": _place(stats),
    }


def _compact(values: Array, weights: Counts, low: float, high: float) -> dict[str, Any]:
    """Return the counts in PLOT_BINS equal steps from `low` to `high`; the end bins include values beyond."""
    if low == high:
        return {"low": low, "high": high, "counts": [int(weights.sum())]}
    steps = (np.clip(values, low, high) - low) / (high - low) * PLOT_BINS
    bins = np.minimum(steps.astype(np.int64), PLOT_BINS - 1)
    counts = np.zeros(PLOT_BINS, np.int64)
    np.add.at(counts, bins, weights)
    return {"low": low, "high": high, "counts": counts.tolist()}


def _place(stats: Stats) -> dict[str, int] | None:
    return None if stats.first is None else {"x": stats.first[1], "y": stats.first[0]}


class _HalfBins:
    """The finite half values in ascending order: their bit patterns and values; and the patterns of NaN."""

    def __init__(self) -> None:
        values = _INDEXES.view(np.float16)
        finite = np.flatnonzero(np.isfinite(values))
        exact = values[finite].astype(np.float64)
        order = np.argsort(exact, kind="stable")
        self.order = finite[order]
        self.values = exact[order] + 0.0  # -0 becomes 0
        self.nan = np.flatnonzero(np.isnan(values))
        self.nonfinite = np.flatnonzero(~np.isfinite(values))


@cache
def _half_bins() -> _HalfBins:
    return _HalfBins()


@cache
def _float_bins() -> tuple[Array, Array]:
    """Return the upper halves of finite floats in ascending order, and the middle of the values of each."""
    middles = ((_INDEXES.astype(np.uint32) << 16) | 0x8000).view(np.float32)
    finite = np.flatnonzero((_INDEXES & 0x7F80) != 0x7F80)
    order = finite[np.argsort(middles[finite], kind="stable")]
    values = middles[order].astype(np.float64)
    values[np.isin(order, (0, 0x8000))] = 0.0
    return order, values
