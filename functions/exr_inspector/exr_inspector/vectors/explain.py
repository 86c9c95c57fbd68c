"""Why two files are alike or different: the cosine of their vectors, group by group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from exr_inspector.vectors import By, channels, features
from exr_inspector.vectors.embedding import CHANNELS, METADATA
from exr_inspector.vectors.look import LOOK
from exr_inspector.vectors.projection import Group, Projection, WeightedFeatures

_PROJECTIONS: dict[By, Projection] = {"metadata": METADATA, "channels": CHANNELS, "look": LOOK}
File = Mapping[str, Any] | Sequence[float] | npt.NDArray[Any]
"""A document, or a vector of one."""


@dataclass(frozen=True)
class Likeness:
    """What one group of features adds to the cosine of two vectors, and takes from it."""

    group: str
    about: str
    weight: float
    """The group's share of the squared length, mean of both vectors; 0 if neither file has its features."""
    cosine: float | None
    """The cosine of the group's slices, -1 to 1; None if a file has no features of the group."""
    adds: float
    """The group's part of the cosine of the vectors."""
    takes: float
    """The difference to a cosine of 1 that the group causes: `weight - adds`."""
    only_a: tuple[str, ...] = ()
    """Features that only the first file has; named if both documents are known."""
    only_b: tuple[str, ...] = ()
    """Features that only the second file has."""


@dataclass(frozen=True)
class Explanation:
    """The cosine of two vectors, and its groups in descending order of `takes`."""

    cosine: float
    groups: tuple[Likeness, ...]


ALIKE = 0.002
"""A group that takes less than this from the cosine counts as alike."""


def words(names: Sequence[str]) -> list[str]:
    """Return the features that are words of the files, without bins of numbers such as `size 2^12 *1`."""
    return [each for each in names if each and "2^" not in each and not each.startswith("~")]


def explain(a: File, b: File, by: By = "metadata") -> Explanation:
    """Return which groups make two files alike or different. Features are named only from two documents.

    Raises ValueError for a vector that does not have the length of this kind, and for the look of a document,
    whose pixels are elsewhere.
    """
    documents = [each if isinstance(each, Mapping) else None for each in (a, b)]
    return explain_vectors(_vector(a, by), _vector(b, by), by, *documents)


def explain_vectors(
    vector_a: npt.ArrayLike,
    vector_b: npt.ArrayLike,
    by: By = "metadata",
    document_a: Mapping[str, Any] | None = None,
    document_b: Mapping[str, Any] | None = None,
) -> Explanation:
    """Explain the cosine of two vectors, and name the features that differ if both documents are given.

    Raises ValueError for a vector that does not have the length of this kind.
    """
    projection = _PROJECTIONS[by]
    a, b = _checked(vector_a, projection.size), _checked(vector_b, projection.size)
    features_a, features_b = _features_of(document_a, by), _features_of(document_b, by)
    if not (features_a and features_b):
        features_a = features_b = {}
    groups = [
        _likeness(group, a[place], b[place], features_a.get(name, {}), features_b.get(name, {}))
        for (name, group), place in zip(projection.groups.items(), projection.slices.values(), strict=True)
    ]
    groups.sort(key=lambda group: -group.takes)
    return Explanation(sum(group.adds for group in groups), tuple(groups))


def _features_of(document: Mapping[str, Any] | None, by: By) -> WeightedFeatures:
    if document is None or by == "look":
        return {}
    return (
        features.weighted_features(document)
        if by == "metadata"
        else channels.weighted_features(channels.seen(document["channels"]))
    )


def _vector(file: File, by: By) -> npt.ArrayLike:
    if not isinstance(file, Mapping):
        return file
    if by == "look":
        raise ValueError("a document does not contain the look of its pixels")
    return _PROJECTIONS[by].vector(_features_of(file, by))


def _checked(vector: npt.ArrayLike, size: int) -> npt.NDArray[np.float64]:
    array = np.asarray(vector, dtype=np.float64)
    if array.shape != (size,):
        raise ValueError(f"expected a vector of {size} numbers, not of shape {array.shape}")
    return array


def _likeness(
    group: Group,
    a: npt.NDArray[np.float64],
    b: npt.NDArray[np.float64],
    bag_a: Mapping[str, float],
    bag_b: Mapping[str, float],
) -> Likeness:
    adds, squares = float(a @ b), float((a @ a) * (b @ b))
    weight = float(a @ a + b @ b) / 2
    return Likeness(
        group=group.name,
        about=group.about,
        weight=weight,
        cosine=adds / squares**0.5 if squares else None,
        adds=adds,
        takes=weight - adds,
        only_a=tuple(sorted(bag_a.keys() - bag_b.keys())),
        only_b=tuple(sorted(bag_b.keys() - bag_a.keys())),
    )
