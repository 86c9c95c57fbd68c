"""Measures of vectors: how well they keep setups together and apart, and agree with the features they see."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.similarity_setups import BASES, FRAMES, ONE_CHANGE, SETUPS
from exr_inspector.vectors.projection import Projection, WeightedFeatures

Vectors = npt.NDArray[np.float64]
"""One unit vector a row."""
Numbers = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]


# --- retrieval ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Retrieval:
    """How well vectors keep the frames of a setup together and apart from all others."""

    nearest: float
    """Share of the nearest frames (as many as the setup has others) that are of the same setup."""
    inside: float
    """Mean cosine of two frames of one setup."""
    outside: float
    """Mean cosine of two frames of different setups."""
    apart: float
    """Share of the frames that have no foreign frame above the 1st percentile of all inside pairs."""


def retrieval(vectors: Vectors, labels: Labels) -> Retrieval:
    """Return the measures of frames, labeled with the number of their setup; -1 is a file of no setup."""
    cosines = vectors @ vectors.T
    same = (labels[:, None] == labels) & (labels[:, None] >= 0)
    asked = np.flatnonzero(labels >= 0)
    pairs = same & ~np.eye(len(labels), dtype=bool)
    inside, outside = cosines[pairs], cosines[asked][~same[asked]]
    foreign = np.where(same, -1, cosines)[asked].max(axis=1)
    return Retrieval(
        nearest=_own_among_nearest(cosines, labels, asked),
        inside=float(inside.mean()),
        outside=float(outside.mean()),
        apart=float((foreign <= np.percentile(inside, 1)).mean()),
    )


def _own_among_nearest(cosines: Numbers, labels: Labels, asked: Labels) -> float:
    order = np.argsort(-(cosines - 3 * np.eye(len(labels))), axis=1, kind="stable")
    shares = []
    for frame in asked:
        others = int((labels == labels[frame]).sum()) - 1
        shares.append(float((labels[order[frame, :others]] == labels[frame]).mean()))
    return statistics.fmean(shares)


# --- agreement with the features themselves -------------------------------------------------------


def jaccard(a: Mapping[Any, float], b: Mapping[Any, float]) -> float:
    """Return the weighted Jaccard similarity: the sum of the smaller weights by the sum of the larger."""
    both = a.keys() | b.keys()
    return sum(min(a.get(each, 0), b.get(each, 0)) for each in both) / sum(
        max(a.get(each, 0), b.get(each, 0)) for each in both
    )


def shares(weighted: WeightedFeatures, projection: Projection) -> dict[tuple[str, str], float]:
    """Return every feature's weight as documented: its group's weight, divided among the group's features."""
    return {
        (name, feature): projection.weights[name] * weight / sum(group_features.values())
        for name, group_features in weighted.items()
        for feature, weight in group_features.items()
    }


def spearman(x: Numbers, y: Numbers) -> float:
    """Return the rank correlation; equal numbers share their mean rank."""
    return float(np.corrcoef(_ranks(x), _ranks(y))[0, 1])


def _ranks(values: Numbers) -> Numbers:
    _, inverse, counts = np.unique(values.round(12), return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray(last - (counts - 1) / 2)[inverse]


def jaccards(weighted: Sequence[Mapping[Any, float]]) -> Numbers:
    """Return the weighted Jaccard similarity of every pair, in the order of `pairs`."""
    return np.array([jaccard(a, b) for a, b in combinations(weighted, 2)])


def pairs(vectors: Vectors) -> Numbers:
    """Return the cosine of every pair of unit vectors."""
    return np.asarray((vectors @ vectors.T)[np.triu_indices(len(vectors), 1)])


# --- one change -----------------------------------------------------------------------------------


CHANGES = [change.__name__.replace("_", " ") for change in ONE_CHANGE]


@dataclass(frozen=True)
class Changes:
    """What one change to a setup does to the cosine with the original setup, over all base setups."""

    cosine: dict[str, float]
    """Mean cosine for each change of `ONE_CHANGE`."""
    found: float
    """Share of the changed setups whose nearest setup is the original."""
    ordered: float
    """Share of base setups for which the changes rank in the documented order."""


def one_change(cosines: Numbers) -> Changes:
    """Return the effects of one change, from the cosines of all frames in the order of `SETUPS`."""
    near = cosines.reshape(len(SETUPS), FRAMES, len(SETUPS), FRAMES).mean(axis=(1, 3))
    row = {setup.name: number for number, setup in enumerate(SETUPS)}
    by_base = [[row[change(base).name] for change in ONE_CHANGE] for base in BASES]
    table = np.array([near[row[base.name], changed] for base, changed in zip(BASES, by_base, strict=True)])
    np.fill_diagonal(near, -1)
    found = [
        near[changed].argmax() == row[base.name]
        for base, each in zip(BASES, by_base, strict=True)
        for changed in each
    ]
    return Changes(
        cosine=dict(zip(CHANGES, table.mean(axis=0).tolist(), strict=True)),
        found=float(np.mean(found)),
        ordered=float((np.diff(table, axis=1) < 0).all(axis=1).mean()),
    )


ONE_LAYER_ORDER = ("newer", "overscan", "recompressed", "half size", "one layer more")
"""The order of changes, nearest first, for setups with one layer."""


def one_layer_ordered(cosines: Numbers) -> float:
    """Return the share of setups with one layer, one a row, whose changes rank in the documented order."""
    order = [CHANGES.index(name) for name in ONE_LAYER_ORDER]
    return float((np.argsort(-cosines, axis=1) == order).all(axis=1).mean())


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
