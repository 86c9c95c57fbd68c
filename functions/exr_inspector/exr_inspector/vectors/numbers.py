"""Numbers as features: near values share a bin, far values do not.

A number lies between the centers of two bins and gives each its share of the weight, in steps of 1/64. Two
numbers less than two bins apart have a bin in common, and the nearer they are, the more of it they share.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from functools import lru_cache

from exr_inspector.vectors.weights import SCALES

Weighted = tuple[tuple[str, float], ...]
"""Features with their weights."""

MAX_REACH = 16.0
"""Larger reaches of a data window are not distinguished."""

LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}
"""The lower-case ASCII letters, for str.translate: str.lower() changes with Python's Unicode tables."""


@lru_cache(4096)
def magnitude(kind: str, value: float, name: str = "") -> Weighted:
    """Return the features of a positive number, in the bins of its kind; none for any other number."""
    if not 0 < value < math.inf:
        return ()
    octave = _octave(value)
    return tuple(
        (_bin(name or kind, scale, number), share)
        for scale in SCALES[kind]
        for number, share in _between(octave * scale)
    )


@lru_cache(4096)
def reach(side: str, share: float) -> Weighted:
    """Return the features of how far a data window reaches on a side, as a share of the display window."""
    return tuple(
        (f"{side} {number / scale:g}", weight)
        for scale in SCALES["reach"]
        for number, weight in _between(min(share, MAX_REACH) * scale)
    )


def bins(kind: str, *ranges: Iterable[int]) -> tuple[str, ...]:
    """Return the features of the bins of a kind with these numbers, one range for each of its scales."""
    return tuple(
        _bin(kind, scale, number)
        for scale, numbers in zip(SCALES[kind], ranges, strict=True)
        for number in numbers
    )


@lru_cache(4096)
def _bin(name: str, scale: float, number: int) -> str:
    """Return the feature of a bin, named by its center: `size 2^21 *1` is 2 megapixels."""
    return f"{name} 2^{number / scale:g} *{scale:g}"


def _octave(value: float) -> float:
    """Return log2 with straight lines between powers of two: math.log2 differs between machines."""
    mantissa, exponent = math.frexp(value)
    return exponent - 2 + 2 * mantissa


def _between(position: float) -> Iterator[tuple[int, float]]:
    low = math.floor(position)
    upper = math.floor((position - low) * 64) / 64
    yield low, 1 - upper
    if upper:
        yield low + 1, upper
