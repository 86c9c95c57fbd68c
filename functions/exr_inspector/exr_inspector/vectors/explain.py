"""Why two files are alike or different: the cosine of their vectors, group by group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from exr_inspector.vectors import channels, features
from exr_inspector.vectors.embedding import CHANNELS, METADATA
from exr_inspector.vectors.projection import Bags, Group, Sketch

By = Literal["metadata", "channels"]
File = Mapping[str, Any] | Sequence[float] | npt.NDArray[Any]
"""A document, or a vector of one."""


@dataclass(frozen=True)
class Likeness:
    """What one group of features adds to the cosine of two vectors, and takes from it."""

    group: str
    about: str
    weight: float
    """The group's part of the vectors' squared length, mean of the two; 0 where neither file has any."""
    cosine: float | None
    """The cosine of the group's slices, -1 to 1; None where a file has no such features."""
    adds: float
    """The group's part of the whole cosine."""
    takes: float
    """What the whole cosine lacks of 1 because of this group: `weight - adds`."""
    only_a: tuple[str, ...] = ()
    """Features of the first file that the second has not; known only from documents."""
    only_b: tuple[str, ...] = ()


@dataclass(frozen=True)
class Explanation:
    """The cosine of two vectors, and its groups, the one that separates the files most first."""

    cosine: float
    groups: tuple[Likeness, ...]


def explain(a: File, b: File, by: By = "metadata") -> Explanation:
    """Which groups make two files alike or different. From vectors alone, features stay unnamed.

    Raises ValueError for a vector that is not of this kind's length.
    """
    sketch = {"metadata": METADATA, "channels": CHANNELS}[by]
    bags_a, bags_b = _bags(a, by), _bags(b, by)
    vector_a, vector_b = _vector(a, bags_a, sketch), _vector(b, bags_b, sketch)
    if not (bags_a and bags_b):
        bags_a = bags_b = {}
    groups = [
        _likeness(group, vector_a[place], vector_b[place], bags_a.get(name, {}), bags_b.get(name, {}))
        for (name, group), place in zip(sketch.groups.items(), sketch.slices.values(), strict=True)
    ]
    groups.sort(key=lambda group: -group.takes)
    return Explanation(sum(group.adds for group in groups), tuple(groups))


def _bags(file: File, by: By) -> Bags:
    if not isinstance(file, Mapping):
        return {}
    return features.bags(file) if by == "metadata" else channels.bags(file["channels"])


def _vector(file: File, bags: Bags, sketch: Sketch) -> npt.NDArray[np.float64]:
    vector = sketch.vector(bags) if isinstance(file, Mapping) else np.asarray(file)
    if vector.shape != (sketch.size,):
        raise ValueError(f"expected a vector of {sketch.size} numbers, not of shape {vector.shape}")
    return vector.astype(np.float64)


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
