"""How well the vectors find similar renders: `python -m benchmarks.similarity`.

Over generated set-ups (`similarity_setups.py`) and the sequences of the OpenEXR image corpus, where it
lies beside the repository. Compared with a plain hash vector (the document's hash stretched to 384
numbers) and with TF-IDF over the very features that our vectors are made of.
"""

from __future__ import annotations

import hashlib
import json
import re
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.similarity_setups import (
    BASES,
    FRAMES,
    ONE_CHANGE,
    ONE_LAYER,
    SETUPS,
    Document,
    Setup,
    channel,
)
from exr_inspector.vectors import channels, features
from exr_inspector.vectors.embedding import CHANNELS, METADATA, channel_fingerprint, metadata_embedding
from exr_inspector.vectors.explain import explain
from exr_inspector.vectors.projection import Bags, Sketch

Vectors = npt.NDArray[np.float64]
"""One unit vector a row."""
Numbers = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]

SEED = 1
CORPUS = Path(__file__).parents[2] / "shared" / "corpus" / "openexr-images"


# --- three kinds of vectors -----------------------------------------------------------------------


def ours(documents: Sequence[Document]) -> Vectors:
    return np.array([metadata_embedding(each) for each in documents], dtype=np.float64)


def plain_hash(documents: Sequence[Document]) -> Vectors:
    """Each document's hash, stretched to 384 bytes."""
    texts = (json.dumps(each, sort_keys=True).encode() for each in documents)
    rows = [np.frombuffer(hashlib.shake_256(text).digest(METADATA.size), np.uint8) for text in texts]
    return _unit(np.array(rows, dtype=np.float64))


def tf_idf(documents: Sequence[Document]) -> Vectors:
    """One dimension for every feature of the collection, rare features weighted up."""
    counted = [_flat(features.bags(each)) for each in documents]
    seen_in = Counter(feature for bag in counted for feature in bag)
    columns = {feature: column for column, feature in enumerate(seen_in)}
    rows = np.zeros((len(documents), len(columns)))
    for row, bag in zip(rows, counted, strict=True):
        for feature, weight in bag.items():
            row[columns[feature]] = weight * (np.log((1 + len(documents)) / (1 + seen_in[feature])) + 1)
    return _unit(rows)


def _flat(bags: Bags) -> dict[tuple[str, str], float]:
    return {(group, feature): weight for group, bag in bags.items() for feature, weight in bag.items()}


def _unit(rows: Vectors) -> Vectors:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


# --- retrieval ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Retrieval:
    """How well vectors keep the frames of a set-up together and apart from all others."""

    nearest: float
    """Share of the nearest frames (as many as the set-up has others) that are of the same set-up."""
    inside: float
    """Mean cosine of two frames of one set-up."""
    outside: float
    """Mean cosine of two frames of different set-ups."""
    apart: float
    """Share of the frames that have no foreign frame above the 1st percentile of all inside pairs."""


def retrieval(vectors: Vectors, labels: Labels) -> Retrieval:
    """The measures for frames with the number of their set-up; -1 is a file that belongs to none."""
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
    """Weighted Jaccard similarity: the sum of the smaller weights by the sum of the larger."""
    both = a.keys() | b.keys()
    return sum(min(a.get(each, 0), b.get(each, 0)) for each in both) / sum(
        max(a.get(each, 0), b.get(each, 0)) for each in both
    )


def shares(bags: Bags, sketch: Sketch) -> dict[tuple[str, str], float]:
    """Every feature's weight as documented: its group's, divided among the group's features."""
    return {
        (name, feature): sketch.groups[name].weight * weight / sum(bag.values())
        for name, bag in bags.items()
        for feature, weight in bag.items()
    }


def spearman(x: Numbers, y: Numbers) -> float:
    """Rank correlation; equal numbers share their mean rank."""
    return float(np.corrcoef(_ranks(x), _ranks(y))[0, 1])


def _ranks(values: Numbers) -> Numbers:
    _, inverse, counts = np.unique(values.round(12), return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray(last - (counts - 1) / 2)[inverse]


def agreement(vectors: Vectors, told: Sequence[Mapping[Any, float]]) -> float:
    """Spearman correlation of the vectors' cosines with their features' weighted Jaccard similarity."""
    similar = np.array([jaccard(a, b) for a, b in combinations(told, 2)])
    return spearman((vectors @ vectors.T)[np.triu_indices(len(told), 1)], similar)


# --- one change -----------------------------------------------------------------------------------


CHANGES = [change.__name__.replace("_", " ") for change in ONE_CHANGE]


@dataclass(frozen=True)
class Changes:
    """What one change to a set-up does to the cosine with the set-up as it was, over all base set-ups."""

    cosine: dict[str, float]
    """Mean cosine for each change of `ONE_CHANGE`."""
    found: float
    """Share in which the set-up as it was is nearer than any other, of all that differ from it."""
    ordered: float
    """Share of base set-ups for which the changes rank in the documented order."""


def one_change(cosines: Numbers) -> Changes:
    """`cosines` of every set-up's frames with every other's, in the order of `SETUPS`."""
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


def one_change_to_one_layer() -> Numbers:
    """Our mean cosines: a row for each set-up of `ONE_LAYER`, a column for each change of `ONE_CHANGE`."""
    return np.array([[_cosine(base, change(base)) for change in ONE_CHANGE] for base in ONE_LAYER])


def _cosine(a: Setup, b: Setup) -> float:
    return float((ours(a.documents(SEED)) @ ours(b.documents(SEED)).T).mean())


# --- the corpus -----------------------------------------------------------------------------------


def corpus() -> tuple[list[Document], Labels] | str:
    """The corpus' documents with the number of the sequence that each belongs to, or why there are none."""
    try:
        from exr_inspector import inspect  # noqa: PLC0415  the vectors are measured without it, too
    except ImportError as error:
        return f"exr_inspector.inspect cannot be imported: {error}"
    paths = sorted(path for path in CORPUS.rglob("*.exr") if "Damaged" not in path.parts)
    if not paths:
        return f"no corpus at {CORPUS}"
    names = [path.relative_to(CORPUS).as_posix() for path in paths]
    keys = [re.sub("[0-9]{4}$", "#", name.removesuffix(".exr")) for name in names]
    number = {key: index for index, (key, count) in enumerate(Counter(keys).items()) if count > 1}
    documents = [as_cloned(inspect(path), name) for path, name in zip(paths, names, strict=True)]
    return documents, np.array([number.get(key, -1) for key in keys])


def as_cloned(document: Mapping[str, Any], name: str) -> Document:
    """What all clones of the corpus share, which are neither the file's own path nor its times."""
    return {"file": {"path": name}, "parts": document["parts"], "channels": document["channels"]}


# --- speed ----------------------------------------------------------------------------------------


def both_vectors(document: Mapping[str, Any]) -> None:
    metadata_embedding(document)
    channel_fingerprint(document)


def of_channels(names: str, count: int, name_space: str = "") -> Document:
    """A document of one part with so many channels, four to a layer; no two layers have a word in common."""
    document = BASES[0].documents(SEED)[0]
    spelled = str.maketrans("0123456789", "abcdefghij")
    document["channels"] = [
        channel(0, f"{names} {n // 4}".translate(spelled), "RGBA"[n % 4], "half") for n in range(count)
    ]
    for each in document["parts"][0]["attributes"]:
        each["name"] = name_space + each["name"]
    return document


def microseconds(documents: Iterable[Document]) -> tuple[float, float]:
    """The least and the median time of both vectors of a document."""
    taken = []
    for document in documents:
        start = time.perf_counter_ns()
        both_vectors(document)
        taken.append((time.perf_counter_ns() - start) / 1000)
    return min(taken), statistics.median(taken)


# --- the tables -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Measured:
    """All that is measured on the generated set-ups; by kind of vector, but for the fingerprint's."""

    retrieval: dict[str, Retrieval]
    changes: dict[str, Changes]
    agreement: dict[str, float]
    plain_agreement: dict[str, float]
    """As `agreement`, with every feature's weight 1: a yardstick that does not know our weights."""
    fingerprint_agreement: float
    fingerprint_plain_agreement: float
    one_layer: Numbers
    """What `one_change_to_one_layer` gives."""


KINDS: dict[str, Callable[[Sequence[Document]], Vectors]] = {
    "ours": ours,
    "plain hash": plain_hash,
    "TF-IDF": tf_idf,
}


def measure() -> Measured:
    documents = [frame for setup in SETUPS for frame in setup.documents(SEED)]
    labels = np.arange(len(documents)) // FRAMES
    vectors = {kind: embed(documents) for kind, embed in KINDS.items()}
    firsts = {kind: each[::FRAMES] for kind, each in vectors.items()}
    seen = [features.bags(each) for each in documents[::FRAMES]]
    seen_of_channels = [channels.bags(each["channels"]) for each in documents[::FRAMES]]
    fingerprints = np.array([channel_fingerprint(each) for each in documents[::FRAMES]], dtype=np.float64)
    weighted = [shares(each, METADATA) for each in seen]
    plain = [dict.fromkeys(_flat(each), 1.0) for each in seen]
    return Measured(
        retrieval={kind: retrieval(each, labels) for kind, each in vectors.items()},
        changes={kind: one_change(each @ each.T) for kind, each in vectors.items()},
        agreement={kind: agreement(each, weighted) for kind, each in firsts.items()},
        plain_agreement={kind: agreement(each, plain) for kind, each in firsts.items()},
        fingerprint_agreement=agreement(fingerprints, [shares(each, CHANNELS) for each in seen_of_channels]),
        fingerprint_plain_agreement=agreement(
            fingerprints, [dict.fromkeys(_flat(each), 1.0) for each in seen_of_channels]
        ),
        one_layer=one_change_to_one_layer(),
    )


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def report(measured: Measured) -> str:
    """The tables of docs/VECTOR_STRATEGY.md."""
    kinds = list(KINDS)
    found, changes = measured.retrieval, measured.changes
    rows = [
        (
            "nearest frames that are of the same set-up",
            *(f"{found[kind].nearest:.1%}" for kind in kinds),
            "99 %",
        ),
        ("mean cosine inside a set-up", *(f"{found[kind].inside:.3f}" for kind in kinds), ""),
        ("mean cosine outside", *(f"{found[kind].outside:.3f}" for kind in kinds), ""),
        ("gap", *(f"{found[kind].inside - found[kind].outside:.3f}" for kind in kinds), "0.35"),
        ("frames kept apart", *(f"{found[kind].apart:.1%}" for kind in kinds), "99 %"),
        ("Spearman with weighted Jaccard", *(f"{measured.agreement[kind]:.3f}" for kind in kinds), "0.85"),
        ("Spearman with plain Jaccard", *(f"{measured.plain_agreement[kind]:.3f}" for kind in kinds), ""),
        (
            "fingerprint: Spearman with weighted Jaccard",
            f"{measured.fingerprint_agreement:.3f}",
            "",
            "",
            "0.9",
        ),
        (
            "fingerprint: Spearman with plain Jaccard",
            f"{measured.fingerprint_plain_agreement:.3f}",
            "",
            "",
            "",
        ),
        ("after one change: origin is nearest", *(f"{changes[kind].found:.1%}" for kind in kinds), ""),
        ("after one change: documented order", *(f"{changes[kind].ordered:.1%}" for kind in kinds), ""),
    ]
    ranks = [
        (name, *(f"{changes[kind].cosine[name]:.3f}" for kind in kinds), f"{one_layer:.3f}")
        for name, one_layer in zip(CHANGES, measured.one_layer.mean(axis=0), strict=True)
    ]
    return "\n\n".join(
        (
            table(["measure", *kinds, "wanted"], rows),
            table(["mean cosine after one change", *kinds, "ours, beauty layer alone"], ranks),
        )
    )


def report_groups(sketch: Sketch) -> str:
    rows = [
        (group.name, f"{group.weight} %", f"{group.width}", f"{len(group.vocabulary) or ''}", group.about)
        for group in sketch.groups.values()
    ]
    return table(["group", "weight", "dimensions", "of these for known words", "features"], rows)


def report_example() -> str:
    """Why two set-ups are alike and different: an Arnold beauty, and its light groups on the next show."""
    by_name = {setup.name: setup for setup in SETUPS}
    first, second = by_name["Arnold"], by_name["Arnold, light groups, next show"]
    told = explain(first.documents(SEED)[0], second.documents(SEED)[0])
    rows = [
        (
            each.group,
            f"{each.weight:.3f}",
            "" if each.cosine is None else f"{each.cosine:.2f}",
            f"{each.adds:.3f}",
            f"{each.takes:.3f}",
            ", ".join(f"`{feature}`" for feature in each.only_b[:2]),
        )
        for each in told.groups
    ]
    rows.append(("all", "1.000", "", f"{told.cosine:.3f}", f"{1 - told.cosine:.3f}", ""))
    return table(["group", "weight", "cosine", "adds", "takes", "only in the second, for example"], rows)


def report_corpus() -> str:
    found = corpus()
    if isinstance(found, str):
        return f"corpus skipped: {found}"
    documents, labels = found
    rows = []
    for kind, embed in KINDS.items():
        each = retrieval(embed(documents), labels)
        rows.append(
            (kind, f"{each.nearest:.1%}", f"{each.inside:.3f}", f"{each.outside:.3f}", f"{each.apart:.1%}")
        )
    sequences = len(set(labels.tolist()) - {-1})
    head = [
        f"corpus: {sequences} sequences among {len(documents)} files",
        "nearest",
        "inside",
        "outside",
        "apart",
    ]
    return table(head, rows)


def report_speed() -> str:
    """What both vectors cost, warm (all names seen before in the process) and cold."""
    few, many = 300, 60
    timed = {
        "44 channels, names seen before": [of_channels("seen", 44)] * few,
        "44 channels, names new": [of_channels(f"few{n}", 44) for n in range(few)],
        "44 channels, attributes' names new, too": [of_channels(f"all{n}", 44, f"a{n}/") for n in range(few)],
        "1,000 channels, names seen before": [of_channels("seen", 1000)] * many,
        "1,000 channels, names new": [of_channels(f"many{n}", 1000) for n in range(many)],
    }
    rows = [(name, *(f"{each:.0f}" for each in microseconds(documents))) for name, documents in timed.items()]
    return table(["both vectors, microseconds", "least", "median"], rows)


def main() -> None:
    print(f"{len(SETUPS)} set-ups of {FRAMES} frames, seed {SEED}\n")
    print(report_groups(METADATA), report_groups(CHANNELS), report_example(), sep="\n\n", end="\n\n")
    print(report(measure()), report_corpus(), report_speed(), sep="\n\n")


if __name__ == "__main__":
    main()
