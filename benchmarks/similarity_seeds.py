"""Does the quality of the vectors depend on the seed of their random tables? Measure it over 32 seeds."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np

from benchmarks import similarity_files
from benchmarks.similarity_measures import (
    Numbers,
    Vectors,
    jaccards,
    one_change,
    one_layer_ordered,
    pairs,
    retrieval,
    shares,
    spearman,
    table,
)
from benchmarks.similarity_setups import FRAMES, ONE_CHANGE, ONE_LAYER, SETUPS, Setup
from exr_inspector.vectors import channels, features
from exr_inspector.vectors.embedding import CHANNELS, METADATA
from exr_inspector.vectors.projection import Projection, WeightedFeatures

SEEDS = [str(number) for number in range(32)]


class Quality(NamedTuple):
    """The measures of one seed; see `similarity_measures` and `similarity_files`."""

    nearest: float
    gap: float
    apart: float
    spearman: float
    fingerprint_spearman: float
    origin_found: float
    changes_ordered: float
    one_layer_ordered: float
    files_gain: float | None = None
    files_best: float | None = None
    files_purposes: float | None = None
    """The least of `Relevance.purposes` over the purposes of `similarity_files.WANTED`."""


MEASURES = {
    "nearest": ("nearest frames that are of the same setup", 0.99),
    "gap": ("gap", 0.35),
    "apart": ("frames kept apart", 0.99),
    "spearman": ("Spearman with weighted Jaccard", 0.85),
    "fingerprint_spearman": ("fingerprint: Spearman with weighted Jaccard", 0.9),
    "origin_found": ("after one change: origin is nearest", 1),
    "changes_ordered": ("after one change: documented order", 1),
    "one_layer_ordered": ("one layer, after one change: documented order", 1),
    "files_gain": ("files: normalized gain", 0.9),
    "files_best": ("files: nearest is among the most relevant", 0.75),
    "files_purposes": ("files: nearest file of a rare purpose has the same purpose", 1),
}
"""Field of `Quality` -> its title, and the least that every seed must reach."""


class _Seen(NamedTuple):
    """The features of everything that is measured; they do not depend on the seed."""

    frames: Sequence[WeightedFeatures]
    one_layer: Sequence[Sequence[Sequence[WeightedFeatures]]]
    """For each setup with one layer: the features of its frames, and of its frames after each change."""
    jaccard: Numbers
    fingerprint_jaccard: Numbers
    files: Sequence[WeightedFeatures]
    facets: Sequence[similarity_files.Facets]


@cache
def _seen(seed: int = 1) -> _Seen:
    documents = [frame for setup in SETUPS for frame in setup.documents(seed)]
    frames = [features.weighted_features(each) for each in documents]
    of_channels = [
        channels.weighted_features(channels.seen(each["channels"])) for each in documents[::FRAMES]
    ]
    found = similarity_files.read()
    files, facets = ([], []) if isinstance(found, str) else found

    def of(setup: Setup) -> list[WeightedFeatures]:
        return [features.weighted_features(each) for each in setup.documents(seed)]

    return _Seen(
        frames,
        [[of(base), *(of(change(base)) for change in ONE_CHANGE)] for base in ONE_LAYER],
        jaccards([shares(each, METADATA) for each in frames[::FRAMES]]),
        jaccards([shares(each, CHANNELS) for each in of_channels]),
        [features.weighted_features(each) for each in files],
        facets,
    )


def quality(seed: str) -> Quality:
    """Return the measures of the vectors that are made with a seed."""
    seen = _seen()
    metadata = Projection(list(METADATA.groups.values()), list(METADATA.weights.values()), seed)
    fingerprint = Projection(list(CHANNELS.groups.values()), list(CHANNELS.weights.values()), seed)

    def vectors(weighted: Iterable[WeightedFeatures]) -> Vectors:
        return np.array([metadata.vector(each) for each in weighted], dtype=np.float64)

    sums = [metadata.add_up(each) for each in seen.frames]
    frames = np.array([metadata.scale(each) for each in sums], dtype=np.float64)
    firsts = np.array(
        [fingerprint.scale(each[: fingerprint.size]) for each in sums[::FRAMES]], dtype=np.float64
    )
    found = retrieval(frames, np.arange(len(frames)) // FRAMES)
    changes = one_change(frames @ frames.T)
    one_layer = np.array(
        [
            [float((vectors(base) @ vectors(changed).T).mean()) for changed in after]
            for base, *after in seen.one_layer
        ]
    )
    measured = Quality(
        found.nearest,
        found.inside - found.outside,
        found.apart,
        spearman(pairs(frames[::FRAMES]), seen.jaccard),
        spearman(pairs(firsts), seen.fingerprint_jaccard),
        changes.found,
        changes.ordered,
        one_layer_ordered(one_layer),
    )
    if not seen.files:
        return measured
    files = similarity_files.relevance(vectors(seen.files), seen.facets)
    least = min(files.purposes[purpose] for purpose in similarity_files.WANTED)
    return measured._replace(files_gain=files.gain, files_best=files.best, files_purposes=least)


def misses(measured: Quality) -> list[str]:
    """Return the titles of the measures that miss their target."""
    values = measured._asdict().items()
    return [MEASURES[name][0] for name, value in values if value is not None and value < MEASURES[name][1]]


def report() -> str:
    """Return the table of the measures over all seeds."""
    measured = [quality(seed)._asdict() for seed in SEEDS]
    rows = []
    for name, (title, wanted) in MEASURES.items():
        values = sorted(each[name] for each in measured if each[name] is not None)
        if values:
            figures = (values[0], statistics.median(values), values[-1])
            reach = sum(value >= wanted for value in values)
            rows.append(
                (title, *(f"{each:.3f}" for each in figures), f"{wanted}", f"{reach} of {len(SEEDS)}")
            )
    return table(["measure", "least", "median", "most", "wanted", "seeds that reach it"], rows)
