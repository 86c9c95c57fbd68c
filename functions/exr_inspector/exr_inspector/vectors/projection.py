"""Turn weighted features into vectors: a sparse Johnson-Lindenstrauss projection, exact to the bit.

Each group of features owns a slice of the vector. A known word of a group has a dimension of its own. Any
other feature is added at `PLACES` dimensions of the rest of the slice, each in a block of its own and each
with a sign (the block construction of Kane and Nelson, "Sparser Johnson-Lindenstrauss transforms", 2014).
Features that two files share add up; features that they do not share cancel on average. The dimensions and
signs are read from two tables of random numbers, indexed by the feature's CRC-32 (tabulation hashing),
because SHAKE-256 would be too slow for the thousands of new channel names of a new show.

The result is the same on every machine and in every order of the features. Amplitudes are whole numbers, so
their sums are exact in any order. The remaining operations (multiply, divide, square root, round to float32)
are done one at a time, and IEEE 754 defines the last bit of each.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import shake_256
from itertools import accumulate
from math import floor, sqrt
from zlib import crc32

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float32]
Sums = npt.NDArray[np.int64]
WeightedFeatures = Mapping[str, Mapping[str, float]]
"""Group -> feature -> weight within the group, a positive number."""

PLACES = 4
"""Dimensions at which one feature is added."""
TABLE_SIZE = 1024
"""Entries of one table of random places, a power of 2."""
LOW_MASK, HIGH_SHIFT = TABLE_SIZE - 1, 33 - TABLE_SIZE.bit_length()
"""The lowest bits of a feature's CRC-32 select an entry of the first table, the highest one of the second."""
SEED = "0"
"""The seed of the tables. docs/VECTOR_STRATEGY.md shows that the results do not depend on it."""
MAX_REMEMBERED = 4096
"""Features per group whose places are cached."""
AMPLITUDE = 256
"""The amplitude of a feature of weight 1."""

_PLACES = struct.Struct(f"<{PLACES}H")


@dataclass(frozen=True)
class Group:
    """One kind of feature: its slice's width, and its share of each vector's squared length in percent."""

    name: str
    width: int
    metadata: int
    channels: int
    about: str
    vocabulary: tuple[str, ...] = ()
    """Words with a dimension of their own."""


class Projection:
    """The slices of one kind of vector, in the order of `groups`, and their shares of its squared length."""

    def __init__(self, groups: Sequence[Group], weights: Sequence[int], seed: str = SEED) -> None:
        ends = list(accumulate(group.width for group in groups))
        self.size = ends[-1]
        self.groups = {group.name: group for group in groups}
        self.weights = dict(zip(self.groups, weights, strict=True))
        self.slices = {
            group.name: slice(end - group.width, end) for group, end in zip(groups, ends, strict=True)
        }
        self._places = {group.name: _finder(group, self.slices[group.name].start, seed) for group in groups}
        self._starts = np.array([each.start for each in self.slices.values()])
        self._widths = np.array([group.width for group in groups])

    def vector(self, weighted: WeightedFeatures) -> Vector:
        """Return the unit vector of weighted features: float32, shape (size,)."""
        return self.scale(self.add_up(weighted))

    def add_up(self, weighted: WeightedFeatures) -> Sums:
        """Return the sum of the features' signed amplitudes in each dimension: int64, shape (size,)."""
        places: list[bytes] = []
        weights: list[float] = []
        for name, features in weighted.items():
            if features:
                places.extend(map(self._places[name], features))
                weights.extend(features.values())
        amplitudes = np.array(list(map(_amplitude, weights))).repeat(PLACES)
        signed = np.bincount(np.frombuffer(b"".join(places), "<u2"), amplitudes, 2 * self.size)
        return (signed[::2] - signed[1::2]).astype(np.int64)

    def scale(self, sums: Sums) -> Vector:
        """Return the unit vector in which each slice that is not zero has its share of the squared length.

        Sums that are all zero give the unit vector of the first dimension.
        """
        squares = np.add.reduceat(sums * sums, self._starts).tolist()
        weights = self.weights.values()
        present = sum(weight for weight, square in zip(weights, squares, strict=True) if square)
        if not present:
            return np.array([1] + [0] * (self.size - 1), dtype=np.float32)
        scales = [
            sqrt(weight / (present * square)) if square else 0.0
            for weight, square in zip(weights, squares, strict=True)
        ]
        return np.asarray(sums * np.array(scales).repeat(self._widths), dtype=np.float32)


@lru_cache(MAX_REMEMBERED)
def _amplitude(weight: float) -> float:
    return float(floor(AMPLITUDE * sqrt(weight)))


@lru_cache
def _finder(group: Group, first: int, seed: str) -> Callable[[str], bytes]:
    """Return a function from a feature to its places as 16-bit numbers: twice the dimension, plus the sign.

    A known word is added to its own dimension three times with one sign and once with the other, which gives
    it the length of a feature at four places. Two projections share the cache of a group that has the same
    slice in both.
    """
    known = {
        word: _PLACES.pack(*[2 * dimension] * (PLACES - 1), 2 * dimension + 1)
        for dimension, word in enumerate(group.vocabulary, first)
    }
    block = (group.width - len(known)) // PLACES
    low, high = _tables(group.name + seed, first + len(known), block)

    @lru_cache(MAX_REMEMBERED)
    def places(feature: str) -> bytes:
        if feature in known:
            return known[feature]
        if not block:
            raise ValueError(f"{feature!r} is not a known word of group {group.name}, which has no others")
        number = crc32(feature.encode("utf-8", "surrogatepass"))
        return low[number & LOW_MASK] + high[number >> HIGH_SHIFT]

    return places


def _tables(seed: str, first: int, block: int) -> list[list[bytes]]:
    """Return a table of random pairs of places in the first two blocks, and one for the last two."""
    digest = shake_256(seed.encode()).digest(2 * TABLE_SIZE * PLACES)
    drawn = np.frombuffer(digest, "<u2").astype(int)
    starts = 2 * (first + block * np.array([[[0, 1]], [[2, 3]]]))
    places = (starts + (drawn.reshape(2, TABLE_SIZE, 2) * 2 * block >> 16)).astype("<u2")
    return [[pair.tobytes() for pair in table] for table in places]
