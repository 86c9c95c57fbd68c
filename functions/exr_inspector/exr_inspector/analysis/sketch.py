"""Bags of features become vectors: a sparse Johnson-Lindenstrauss projection, exact to the bit.

Every group of features owns a slice of the vector. A word of the group's vocabulary has a dimension to
itself. Any other feature is written at `PLACES` places of the rest of the slice, each in a block of its
own and each with a sign, all taken from a BLAKE2 hash of its text (the block construction of Kane and
Nelson, "Sparser Johnson-Lindenstrauss transforms", 2014): features that two files share add up,
features that they do not share cancel on average.

Equal on every machine, whatever the order of the features: amplitudes are whole numbers, so their
sums are exact in any order, and what follows (multiply, divide, square root, round to float32) is one
operation at a time, each of which IEEE 754 defines to the last bit.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from itertools import accumulate

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float32]
Bags = Mapping[str, Mapping[str, float]]
"""Group -> feature -> weight within the group, a positive number."""

PLACES = 4
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
        self._places = {group.name: self._finder(group) for group in groups}
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
        signed = np.bincount(np.frombuffer(b"".join(places), "<u2"), amplitudes, 2 * self.size + 1)
        return (signed[: self.size] - signed[self.size : -1]).astype(np.int64)

    def _finder(self, group: Group) -> Callable[[str], bytes]:
        """Feature -> its places as 16-bit numbers: `size` is added to negative ones, `2 * size` is nowhere.

        A word of the vocabulary is written twice in its own dimension and twice nowhere, which makes it
        as long as a feature that is written at four places.
        """
        first, size, person = self.slices[group.name].start, self.size, group.name.encode()
        own = {word: first + index for index, word in enumerate(group.vocabulary)}
        block = (group.width - len(own)) // PLACES
        blocks = [first + len(own) + number * block for number in range(PLACES)]

        @lru_cache(REMEMBERED)
        def places(feature: str) -> bytes:
            if feature in own:
                return _FORM.pack(own[feature], own[feature], 2 * size, 2 * size)
            text = feature.encode("utf-8", "surrogatepass")
            hashes = _FORM.unpack(blake2b(text, digest_size=_FORM.size, person=person).digest())
            numbers = zip(blocks, hashes, strict=True)
            return _FORM.pack(*[start + each // 2 % block + each % 2 * size for start, each in numbers])

        return places
