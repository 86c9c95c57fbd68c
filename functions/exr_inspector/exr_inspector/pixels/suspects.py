"""Pixels of the picture that a person should look at: fireflies, holes, and rectangles of one value.

A firefly is finite, at least 1, and at least 8 times as bright as each of its neighbors. A hole is not above
zero, or not finite, while all of its neighbors are finite and at least 0.01. A flat rectangle has one value
in at least 2 by 2 cells of 16 by 16 pixels, does not touch the border, and is not part of a larger area of
that value: a bucket that a renderer lost looks so. These are candidates: a star field has fireflies too.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from math import isfinite
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from exr_inspector.pixels.places import Block

FIREFLY_RATIO = 8
FIREFLY_MIN = 1
HOLE_MARGIN = 0.01
CELL = 16
SLICE = 1 << 20
"""Samples that are looked at at once."""
MAX_CANDIDATES = 1 << 16
"""Samples that are compared with their neighbors at once."""

_NEIGHBORS = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1) if (y, x) != (0, 0)]

Array = npt.NDArray[Any]


class _Bits(NamedTuple):
    """Bit patterns of a type as integers, which ascend with positive values. `ratio` multiplies by 8."""

    unsigned: Any
    one: int
    ratio: int
    infinity: int


_BITS = {
    np.dtype("<f2"): _Bits(np.uint16, 0x3C00, 3 << 10, 0x7C00),
    np.dtype("<f4"): _Bits(np.uint32, 0x3F800000, 3 << 23, 0x7F800000),
}


class Suspects:
    """Looks for suspects in a half or float channel, from blocks of whole lines in order of y."""

    def __init__(self) -> None:
        self.fireflies = self.holes = 0
        self.brightest: tuple[float, int, int] | None = None
        self.first_hole: tuple[int, int] | None = None
        self.cells = Cells()
        self._held: Block | None = None
        """The last two lines, whose neighbors were not all seen."""

    def add(self, block: Block) -> None:
        """Add the next lines."""
        step = max(1, SLICE // block.samples.shape[1])
        for first in range(0, len(block.lines), step):
            rows = slice(first, first + step)
            part = Block(block.lines[rows], block.columns, block.samples[rows])
            self.cells.add(part)
            self._look(part, is_last=False)

    def skip(self) -> None:
        """Mark lines as missing."""
        self._held = None

    def result(self) -> dict[str, Any]:
        """Return the suspects of all lines. Call it once."""
        if self._held is not None:
            empty = Block(self._held.lines[:0], self._held.columns, self._held.samples[:0])
            self._look(empty, is_last=True)
        value, x, y = self.brightest or (None, None, None)
        hole = self.first_hole and {"x": self.first_hole[1], "y": self.first_hole[0]}
        return {
            "fireflies": {
                "count": self.fireflies,
                "brightest": None if value is None else {"x": x, "y": y, "value": value},
            },
            "holes": {"count": self.holes, "first": hole},
            "flat_rectangles": self.cells.result(),
        }

    def _look(self, block: Block, *, is_last: bool) -> None:
        """Compare the lines whose neighbors are all known: those but the last, and but the first held one."""
        held, lines, samples = self._held, block.lines, block.samples
        if held is not None:
            lines, samples = np.concatenate((held.lines, lines)), np.concatenate((held.samples, samples))
        first = 1 if held is not None and len(held.lines) > 1 else 0
        end = len(lines) if is_last else len(lines) - 1
        self._held = Block(lines[-2:], block.columns, samples[-2:].copy())
        for rows, columns in _candidates(samples[first:end]):
            self._compare(lines, block.columns, samples, rows + first, columns)

    @np.errstate(invalid="ignore")  # NaN, and the conversion of signaling NaN
    def _compare(self, lines: Array, all_columns: Array, samples: Array, rows: Array, columns: Array) -> None:
        """Count the fireflies and holes among the samples in some rows and columns."""
        values, exists = _neighbors(samples, rows, columns)
        centers = samples[rows, columns].astype(np.float64)
        is_known = exists & np.isfinite(values)
        darker = (centers >= FIREFLY_RATIO * values) | ~is_known
        brighter = (is_known & (values >= HOLE_MARGIN)) | ~exists
        is_good = np.isfinite(centers) & (centers > 0)
        fireflies = is_good & (centers >= FIREFLY_MIN) & darker.all(axis=0) & is_known.any(axis=0)
        holes = ~is_good & brighter.all(axis=0) & exists.any(axis=0)
        self.fireflies += int(fireflies.sum())
        self.holes += int(holes.sum())
        y, x = lines[rows], all_columns[columns]
        if fireflies.any():
            index = int(np.argmax(np.where(fireflies, centers, 0)))
            found = float(centers[index]), int(x[index]), int(y[index])
            self.brightest = found if self.brightest is None else max(self.brightest, found)
        if holes.any() and self.first_hole is None:
            index = int(np.argmax(holes))  # rows ascend
            self.first_hole = int(y[index]), int(x[index])


def _candidates(samples: Array) -> Iterator[tuple[Array, Array]]:
    """Yield rows and columns of samples that differ enough from their left and right neighbors."""
    bits = _BITS[samples.dtype]
    patterns = samples.view(bits.unsigned)
    is_bad = patterns - bits.unsigned(1) >= bits.infinity - 1  # 0, negative, infinite or NaN
    darker = patterns + bits.unsigned(bits.ratio)  # at most these are a firefly's neighbors
    is_bright = (patterns >= bits.one) & ~is_bad
    is_bright[:, 1:] &= (patterns[:, 1:] >= darker[:, :-1]) | is_bad[:, :-1]
    is_bright[:, :-1] &= (patterns[:, :-1] >= darker[:, 1:]) | is_bad[:, 1:]
    if is_bad.any():
        alone = is_bad.copy()
        alone[:, 1:] &= ~is_bad[:, :-1]
        alone[:, :-1] &= ~is_bad[:, 1:]
        is_bright |= alone
    found = np.flatnonzero(is_bright)
    for first in range(0, len(found), MAX_CANDIDATES):
        rows, columns = np.divmod(found[first : first + MAX_CANDIDATES], samples.shape[1])
        yield rows, columns


def _neighbors(samples: Array, rows: Array, columns: Array) -> tuple[Array, Array]:
    """Return the eight neighbors of some samples, and whether each exists."""
    shifts = np.array(_NEIGHBORS)
    y, x = rows + shifts[:, :1], columns + shifts[:, 1:]
    height, width = samples.shape
    exists = (y >= 0) & (y < height) & (x >= 0) & (x < width)
    values = samples[np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)]
    return values.astype(np.float64), exists


class Cells:
    """Which cells of CELL by CELL pixels have one value, from blocks of whole lines in order of y."""

    def __init__(self) -> None:
        self._low: dict[int, Array] = {}
        self._high: dict[int, Array] = {}
        self._start: tuple[int, int] | None = None
        self._dtype = np.dtype("<f4")

    def add(self, block: Block) -> None:
        """Add the next lines."""
        patterns = block.samples.view(_BITS[block.samples.dtype].unsigned)
        top = int(block.lines[0])
        if self._start is None:
            self._start = top, int(block.columns[0])
            self._dtype = block.samples.dtype
        numbers = (block.lines - self._start[0]) // CELL
        starts = np.flatnonzero(np.diff(numbers, prepend=-1))
        columns = np.arange(0, patterns.shape[1], CELL)
        for first, last in pairwise([*starts.tolist(), len(patterns)]):
            number = int(numbers[first])
            for target, outer in ((self._low, np.minimum), (self._high, np.maximum)):
                row = outer.reduceat(outer.reduce(patterns[first:last], axis=0), columns)
                target[number] = outer(target[number], row) if number in target else row

    def result(self) -> dict[str, Any]:
        """Return how many flat rectangles there are, how many of them are black, and the first."""
        found = sorted(self._rectangles(), key=lambda each: each[:2])
        first = found[0] if found else None
        black = sum(1 for each in found if each[-1] == 0)
        names = ("y", "x", "height", "width", "value")
        return {
            "count": len(found),
            "black": black,
            "first": dict(zip(names, first, strict=True)) if first else None,
        }

    def _rectangles(self) -> Iterator[tuple[int, int, int, int, float | None]]:
        """Yield y, x, height, width and value: runs of cells of one value that rows share exactly."""
        if self._start is None:
            return
        width = len(next(iter(self._low.values())))
        padded = np.full((max(self._low) + 3, width + 2), -1, np.int64)
        for number, low in self._low.items():
            padded[number + 1, 1:-1] = np.where(low == self._high[number], low.astype(np.int64), -1)
        tops: dict[tuple[int, int, int], int] = {}
        for number, row in enumerate(padded):
            runs = set(_runs(row))
            for run in [each for each in tops if each not in runs]:
                first, last, value = run
                top = tops.pop(run)
                edges = padded[[top - 1, number], first:last]
                is_inside = top > 1 and number < len(padded) - 1 and first > 1 and last < len(row) - 1
                if is_inside and number - top > 1 and last - first > 1 and not (edges == value).any():
                    bits = np.array([value], _BITS[self._dtype].unsigned).view(self._dtype)
                    y, x = self._start[0] + (top - 1) * CELL, self._start[1] + (first - 1) * CELL
                    one = float(bits[0])
                    size = (number - top) * CELL, (last - first) * CELL
                    yield y, x, *size, one if isfinite(one) else None
            for run in runs:
                tops.setdefault(run, number)


def _runs(row: Array) -> Iterator[tuple[int, int, int]]:
    """Yield the first cell, the one behind the last, and the pattern of neighbors with the same pattern."""
    cuts = np.flatnonzero(np.diff(row)) + 1
    for first, last in zip([0, *cuts.tolist()], [*cuts.tolist(), len(row)], strict=True):
        if row[first] >= 0:
            yield first, last, int(row[first])
