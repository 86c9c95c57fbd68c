"""How far the samples of one channel in two files are apart, in one pass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import log10, sqrt
from typing import Any, NamedTuple, TypedDict

import numpy as np
import numpy.typing as npt

from exr_inspector.exr.facts import JsonFloat
from exr_inspector.exr.floats import json_float

BLOCK = 1 << 18
"""Samples that are compared at once: twelve bytes of memory for each, or more."""

Array = npt.NDArray[Any]
Place = Callable[[int], tuple[int, int]]
"""Returns the x and y of a sample, by its position among those that are compared."""


class Tolerance(NamedTuple):
    """How far two samples may be apart: `absolute`, plus `relative` times the larger magnitude."""

    absolute: float = 0.0
    relative: float = 0.0


EXACT = Tolerance()


class Worst(TypedDict):
    """The place of the worst difference in pixel coordinates. Values that JSON lacks are texts."""

    x: int
    y: int
    before: JsonFloat
    after: JsonFloat


class SampleDiff(TypedDict):
    """The differences of one channel. Errors are absolute, over the pairs of finite samples.

    Two NaN are equal, and so are two infinities of one sign: another pair with one of them counts in
    `nonfinite`, not in the errors. `different` counts unequal values; -0 equals 0. `psnr` is in dB for a peak
    of 1, and None if no finite sample differs. Errors are None if there is no pair of finite samples.
    """

    samples: int
    different: int
    over_tolerance: int
    nonfinite: int
    is_bit_equal: bool
    max_error: float | None
    mean_error: float | None
    rms_error: float | None
    psnr: float | None
    worst: Worst | None


@dataclass
class SampleComparison:
    """Accumulates the differences of one channel."""

    tolerance: Tolerance = EXACT
    samples: int = 0
    finite: int = 0
    different: int = 0
    over_tolerance: int = 0
    nonfinite: int = 0
    is_bit_equal: bool = True
    largest: float = 0.0
    total: float = 0.0
    total_of_squares: float = 0.0
    _worst: tuple[float, int, int, float, float] | None = None

    def add(self, before: Array, after: Array, place: Place) -> None:
        """Compare samples of the same pixels, in order of y, then x; `place` returns a sample's pixel."""
        self.samples += before.size
        if before.dtype == after.dtype:
            bits = np.dtype(f"u{before.dtype.itemsize}")
            mask = before.view(bits) != after.view(bits)
            if not mask.any():
                # Their finite pairs count in the mean error, and NaN is rare: look for it only here.
                self.finite += before.size if before.dtype.kind == "u" else int(np.isfinite(before).sum())
                return
            self.is_bit_equal = False
        else:
            self.is_bit_equal = False
        before, after = before.reshape(-1), after.reshape(-1)
        for first in range(0, before.size, BLOCK):
            block = slice(first, first + BLOCK)
            self._add(before[block], after[block], first, place)

    @np.errstate(invalid="ignore")  # NaN, and the conversion of signaling NaN
    def _add(self, before: Array, after: Array, first: int, place: Place) -> None:
        a, b = before.astype(np.float64), after.astype(np.float64)
        both_finite = np.isfinite(a) & np.isfinite(b)
        error = np.abs(a - b)
        unlike = ~both_finite & ~((a == b) | (np.isnan(a) & np.isnan(b)))
        error[~both_finite] = 0.0
        error[unlike] = np.inf
        count = int(np.count_nonzero(unlike))
        self.finite += int(np.count_nonzero(both_finite))
        self.nonfinite += count
        self.different += int(np.count_nonzero(error))
        absolute, relative = self.tolerance
        allowed: Array | float = absolute
        if relative:
            larger = np.maximum(np.abs(a), np.abs(b))
            allowed = absolute + relative * np.where(both_finite, larger, 0.0)
        self.over_tolerance += int(np.count_nonzero(unlike | (error > allowed)))
        index = int(error.argmax())
        worst = float(error[index])
        if worst > (self._worst[0] if self._worst else 0.0):
            self._worst = (worst, *place(first + index), float(a[index]), float(b[index]))
        error[unlike] = 0.0
        self.largest = max(self.largest, float(error.max()))
        self.total += float(error.sum())
        self.total_of_squares += float(np.square(error).sum())

    def result(self) -> SampleDiff:
        """Return the differences of all lines."""
        known = self.finite > 0
        rms = sqrt(self.total_of_squares / self.finite) if known else None
        return {
            "samples": self.samples,
            "different": self.different,
            "over_tolerance": self.over_tolerance,
            "nonfinite": self.nonfinite,
            "is_bit_equal": self.is_bit_equal,
            "max_error": self.largest if known else None,
            "mean_error": self.total / self.finite if known else None,
            "rms_error": rms,
            "psnr": -20 * log10(rms) if rms else None,
            "worst": self._place(),
        }

    def _place(self) -> Worst | None:
        if self._worst is None:
            return None
        _, x, y, before, after = self._worst
        return {"x": x, "y": y, "before": json_float(before), "after": json_float(after)}
