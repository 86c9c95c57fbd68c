"""Numbers as features: near values share a bin, far ones do not.

A number lies between the centres of two bins and gives each its share, in steps of 1/64. Two numbers
less than two bins apart have a bin in common, and the more of it the nearer they are.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache

Weighted = tuple[tuple[str, float], ...]
"""Features with their weights."""


@lru_cache(4096)
def magnitude(name: str, value: float, *scales: float) -> Weighted:
    """A positive number, in bins of so many per octave; nothing for any other number."""
    if not 0 < value < math.inf:
        return ()
    octave = _octave(value)
    return tuple(
        (octave_bin(name, scale, number), share)
        for scale in scales
        for number, share in _between(octave * scale)
    )


@lru_cache(4096)
def ratio(name: str, value: float, scale: int) -> Weighted:
    """A number from 0, in bins of so many per unit; from 16 on all are alike."""
    held = min(value, 16.0)
    return tuple((f"{name} {number / scale:g}", share) for number, share in _between(held * scale))


def octave_bin(name: str, scale: float, number: int) -> str:
    """The feature that stands for a bin, by its centre: `size 2^21 *1` is 2 megapixels."""
    return f"{name} 2^{number / scale:g} *{scale:g}"


def _octave(value: float) -> float:
    """log2 with straight lines between the powers of two: exact on every machine, as math.log2 is not."""
    mantissa, exponent = math.frexp(value)
    return exponent - 2 + 2 * mantissa


def _between(position: float) -> Iterator[tuple[int, float]]:
    low = math.floor(position)
    upper = math.floor((position - low) * 64) / 64
    yield low, 1 - upper
    if upper:
        yield low + 1, upper
