"""Bags of features become vectors: a sparse Johnson-Lindenstrauss projection, exact to the bit.

Every group of features owns a slice of the vector. A word of the group's vocabulary has a dimension to
itself. Any other feature is written at `PLACES` places of the rest of the slice, each in a block of its
own and each with a sign (the block construction of Kane and Nelson, "Sparser Johnson-Lindenstrauss
transforms", 2014): features that two files share add up, features that they do not share cancel on
average. Two tables of random places and the feature's CRC-32 say which (tabulation hashing): all of this
is for speed, as a new show brings a thousand names that no file had before.

Equal on every machine, whatever the order of the features: amplitudes are whole numbers, so their
sums are exact in any order, and what follows (multiply, divide, square root, round to float32) is one
operation at a time, each of which IEEE 754 defines to the last bit.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import shake_256
from itertools import accumulate
from zlib import crc32

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float32]
Bags = Mapping[str, Mapping[str, float]]
"""Group -> feature -> weight within the group, a positive number."""

PLACES = 4
DRAWN = 1024
"""Entries of a table of random places."""
SEED = "2"
"""Of the tables. docs/VECTOR_STRATEGY.md says what others give."""
REMEMBERED = 4096
"""How many features' places are remembered for each group."""

_FORM = struct.Struct(f"<{PLACES}H")


@dataclass(frozen=True)
class Group:
    """One kind of feature, its share of the vector's squared length in percent, its slice's width."""

    name: str
    weight: int
    width: int
    about: str
    vocabulary: tuple[str, ...] = ()


class Sketch:
    """The slices of one kind of vector, and the way into them."""

    def __init__(self, *groups: Group) -> None:
        ends = list(accumulate(group.width for group in groups))
        self.size = ends[-1]
        self.groups = {group.name: group for group in groups}
        self.slices = {
            group.name: slice(end - group.width, end) for group, end in zip(groups, ends, strict=True)
        }
        self._places = {
            group.name: _finder(group.name, self.slices[group.name].start, group.width, group.vocabulary)
            for group in groups
        }
        self._starts = np.array([each.start for each in self.slices.values()])
        self._widths = np.array([group.width for group in groups])
        self._weights = np.array([group.weight for group in groups])

    def vector(self, bags: Bags) -> Vector:
        """The unit vector of the bags' features; without any feature, always the same unit vector."""
        sums = self._sums(bags)
        squares = np.add.reduceat(sums * sums, self._starts)
        present = self._weights[squares > 0].sum()
        if not present:
            sums[0], squares[0], present = 1, 1, self._weights[0]
        scales = np.sqrt(self._weights / (present * np.maximum(squares, 1)))
        return np.asarray(sums * scales.repeat(self._widths), dtype=np.float32)

    def _sums(self, bags: Bags) -> npt.NDArray[np.int64]:
        places: list[bytes] = []
        weights: list[float] = []
        for name, bag in bags.items():
            places.extend(map(self._places[name], bag))
            weights.extend(bag.values())
        amplitudes = np.floor(256 * np.sqrt(weights)).repeat(PLACES)
        signed = np.bincount(np.frombuffer(b"".join(places), "<u2"), amplitudes, 2 * self.size)
        return (signed[::2] - signed[1::2]).astype(np.int64)


@lru_cache
def _finder(name: str, first: int, width: int, vocabulary: tuple[str, ...]) -> Callable[[str], bytes]:
    """Feature -> its places as 16-bit numbers: twice the dimension, and 1 more where the sign is negative.

    A word of the vocabulary is written in its own dimension, three times with one sign and once with the
    other, which makes it as long as a feature that is written at four places. Two sketches share what they
    remember of a group that lies at the same place in both.
    """
    own = {
        word: _FORM.pack(*[2 * dimension] * 3, 2 * dimension + 1)
        for dimension, word in enumerate(vocabulary, first)
    }
    low, high = _tables(name, first + len(own), (width - len(own)) // PLACES)

    @lru_cache(REMEMBERED)
    def places(feature: str) -> bytes:
        if feature in own:
            return own[feature]
        number = crc32(feature.encode("utf-8", "surrogatepass"))
        return low[number % DRAWN] + high[number * DRAWN >> 32]

    return places


def _tables(name: str, first: int, block: int) -> list[list[bytes]]:
    """A table of pairs of places in the first two blocks, and one for the last two."""
    drawn = np.frombuffer(shake_256((name + SEED).encode()).digest(2 * DRAWN * PLACES), "<u2").astype(int)
    starts = 2 * (first + block * np.array([[[0, 1]], [[2, 3]]]))
    places = (starts + (drawn.reshape(2, DRAWN, 2) * 2 * block >> 16)).astype("<u2")
    return [[pair.tobytes() for pair in table] for table in places]
