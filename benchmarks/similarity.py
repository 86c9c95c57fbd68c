"""How well the vectors find similar renders: `python -m benchmarks.similarity`.

On generated setups (`similarity_setups.py`), and on the real files of the public corpora if they are beside
the repository (`similarity_files.py`). Compared with a plain hash vector (the document's hash stretched to
384 numbers) and with TF-IDF over the features that our vectors are made of. `similarity_seeds.py` repeats the
measures of our vectors for other seeds of their random tables.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import similarity_files, similarity_seeds
from benchmarks.similarity_measures import (
    CHANGES,
    Changes,
    Labels,
    Numbers,
    Retrieval,
    Vectors,
    jaccards,
    one_change,
    pairs,
    retrieval,
    shares,
    spearman,
    table,
)
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
from exr_inspector.vectors.embedding import (
    CHANNELS,
    METADATA,
    channel_fingerprint,
    embed,
    metadata_embedding,
)
from exr_inspector.vectors.explain import explain
from exr_inspector.vectors.projection import Projection, WeightedFeatures

SEED = 1
STRATEGY = Path(__file__).parents[1] / "docs" / "VECTOR_STRATEGY.md"
CORPUS = Path(__file__).parents[2] / "shared" / "corpus" / "openexr-images"


# --- three kinds of vectors -----------------------------------------------------------------------


def ours(documents: Sequence[Mapping[str, Any]]) -> Vectors:
    return np.array([metadata_embedding(each) for each in documents], dtype=np.float64)


def plain_hash(documents: Sequence[Mapping[str, Any]]) -> Vectors:
    """Return each document's hash, stretched to 384 bytes."""
    texts = (json.dumps(each, sort_keys=True).encode() for each in documents)
    rows = [np.frombuffer(hashlib.shake_256(text).digest(METADATA.size), np.uint8) for text in texts]
    return _unit(np.array(rows, dtype=np.float64))


def tf_idf(documents: Sequence[Mapping[str, Any]]) -> Vectors:
    """Return vectors with a dimension for every feature of the collection, rare features weighted up."""
    counted = [_flat(features.weighted_features(each)) for each in documents]
    seen_in = Counter(feature for weights in counted for feature in weights)
    columns = {feature: column for column, feature in enumerate(seen_in)}
    rows = np.zeros((len(documents), len(columns)))
    for row, weights in zip(rows, counted, strict=True):
        for feature, weight in weights.items():
            row[columns[feature]] = weight * (np.log((1 + len(documents)) / (1 + seen_in[feature])) + 1)
    return _unit(rows)


def _flat(weighted: WeightedFeatures) -> dict[tuple[str, str], float]:
    return {(group, each): weight for group, weights in weighted.items() for each, weight in weights.items()}


def _unit(rows: Vectors) -> Vectors:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


KINDS: dict[str, Callable[[Sequence[Mapping[str, Any]]], Vectors]] = {
    "ours": ours,
    "plain hash": plain_hash,
    "TF-IDF": tf_idf,
}


# --- generated setups -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Measured:
    """All that is measured on the generated setups: by kind of vector, except for the fingerprint."""

    retrieval: dict[str, Retrieval]
    changes: dict[str, Changes]
    agreement: dict[str, float]
    plain_agreement: dict[str, float]
    """As `agreement`, with a weight of 1 for every feature: a yardstick that does not know our weights."""
    fingerprint_agreement: float
    fingerprint_plain_agreement: float
    one_layer: Numbers
    """What `one_change_to_one_layer` returns."""


def measure() -> Measured:
    documents = [frame for setup in SETUPS for frame in setup.documents(SEED)]
    labels = np.arange(len(documents)) // FRAMES
    vectors = {kind: make(documents) for kind, make in KINDS.items()}
    cosines = {kind: pairs(each[::FRAMES]) for kind, each in vectors.items()}
    firsts = documents[::FRAMES]
    seen = [features.weighted_features(each) for each in firsts]
    seen_of_channels = [channels.weighted_features(channels.seen(each["channels"])) for each in firsts]
    fingerprints = pairs(np.array([channel_fingerprint(each) for each in firsts], dtype=np.float64))
    weighted = jaccards([shares(each, METADATA) for each in seen])
    plain = jaccards([dict.fromkeys(_flat(each), 1.0) for each in seen])
    weighted_of_channels = jaccards([shares(each, CHANNELS) for each in seen_of_channels])
    plain_of_channels = jaccards([dict.fromkeys(_flat(each), 1.0) for each in seen_of_channels])
    return Measured(
        retrieval={kind: retrieval(each, labels) for kind, each in vectors.items()},
        changes={kind: one_change(each @ each.T) for kind, each in vectors.items()},
        agreement={kind: spearman(each, weighted) for kind, each in cosines.items()},
        plain_agreement={kind: spearman(each, plain) for kind, each in cosines.items()},
        fingerprint_agreement=spearman(fingerprints, weighted_of_channels),
        fingerprint_plain_agreement=spearman(fingerprints, plain_of_channels),
        one_layer=one_change_to_one_layer(),
    )


def one_change_to_one_layer() -> Numbers:
    """Return our mean cosines: a row for each setup of `ONE_LAYER`, a column for each change."""
    return np.array([[_cosine(base, change(base)) for change in ONE_CHANGE] for base in ONE_LAYER])


def _cosine(a: Setup, b: Setup) -> float:
    return float((ours(a.documents(SEED)) @ ours(b.documents(SEED)).T).mean())


# --- the sequences of the corpus ------------------------------------------------------------------


def corpus() -> tuple[list[Document], Labels] | str:
    """Return the corpus' documents, each with the number of its sequence, or why there are none."""
    from exr_inspector import inspect  # noqa: PLC0415 - the generated setups need no reader

    paths = sorted(path for path in CORPUS.rglob("*.exr") if "Damaged" not in path.parts)
    if not paths:
        return f"no corpus at {CORPUS}"
    names = [path.relative_to(CORPUS).as_posix() for path in paths]
    keys = [re.sub("[0-9]{4}$", "#", name.removesuffix(".exr")) for name in names]
    number = {key: index for index, (key, count) in enumerate(Counter(keys).items()) if count > 1}
    documents = [as_cloned(inspect(path), name) for path, name in zip(paths, names, strict=True)]
    return documents, np.array([number.get(key, -1) for key in keys])


def as_cloned(document: Mapping[str, Any], name: str) -> Document:
    """Return what all clones of the corpus share: neither the file's own path nor its times."""
    return {"file": {"path": name}, "parts": document["parts"], "channels": document["channels"]}


# --- speed ----------------------------------------------------------------------------------------


def both_vectors(document: Mapping[str, Any]) -> None:
    embed(document)


def of_channels(names: str, count: int, namespace: str = "") -> Document:
    """Return a document with so many channels, four to a layer; no two layers have a word in common."""
    document = BASES[0].documents(SEED)[0]
    spelled = str.maketrans("0123456789", "abcdefghij")
    document["channels"] = [
        channel(0, f"{names} {n // 4}".translate(spelled), "RGBA"[n % 4], "half") for n in range(count)
    ]
    for each in document["parts"][0]["attributes"]:
        each["name"] = namespace + each["name"]
    return document


def microseconds(documents: Iterable[Document]) -> tuple[float, float]:
    """Return the least and the median time of both vectors of a document."""
    times = []
    for document in documents:
        start = time.perf_counter_ns()
        embed(document)
        times.append((time.perf_counter_ns() - start) / 1000)
    return min(times), statistics.median(times)


# --- the tables -----------------------------------------------------------------------------------


def report(measured: Measured) -> str:
    """Return the tables of the generated setups."""
    found, changes = measured.retrieval, measured.changes
    figures: list[tuple[str, Callable[[str], str], str]] = [
        ("nearest frames that are of the same setup", lambda kind: f"{found[kind].nearest:.1%}", "99 %"),
        ("mean cosine inside a setup", lambda kind: f"{found[kind].inside:.3f}", ""),
        ("mean cosine outside", lambda kind: f"{found[kind].outside:.3f}", ""),
        ("gap", lambda kind: f"{found[kind].inside - found[kind].outside:.3f}", "0.35"),
        ("frames kept apart", lambda kind: f"{found[kind].apart:.1%}", "99 %"),
        ("Spearman with weighted Jaccard", lambda kind: f"{measured.agreement[kind]:.3f}", "0.85"),
        ("Spearman with plain Jaccard", lambda kind: f"{measured.plain_agreement[kind]:.3f}", ""),
        ("after one change: origin is nearest", lambda kind: f"{changes[kind].found:.1%}", "100 %"),
        ("after one change: documented order", lambda kind: f"{changes[kind].ordered:.1%}", "100 %"),
    ]
    rows = [(title, *map(figure, KINDS), wanted) for title, figure, wanted in figures]
    rows += [
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
    ]
    ranks = [
        (name, *(f"{changes[kind].cosine[name]:.3f}" for kind in KINDS), f"{one_layer:.3f}")
        for name, one_layer in zip(CHANGES, measured.one_layer.mean(axis=0), strict=True)
    ]
    head = ["mean cosine after one change", *KINDS, "ours, beauty layer alone"]
    return f"{table(['measure', *KINDS, 'wanted'], rows)}\n\n{table(head, ranks)}"


def report_groups(projection: Projection) -> str:
    rows = [
        (
            name,
            f"{projection.weights[name]} %",
            f"{group.width}",
            f"{len(group.vocabulary) or ''}",
            group.about,
        )
        for name, group in projection.groups.items()
    ]
    return table(["group", "weight", "dimensions", "of these for known words", "features"], rows)


def report_example() -> str:
    """Return why two setups are alike and different: an Arnold beauty, and light groups on the next show."""
    by_name = {setup.name: setup for setup in SETUPS}
    first, second = by_name["Arnold"], by_name["Arnold, light groups, next show"]
    explanation = explain(first.documents(SEED)[0], second.documents(SEED)[0])
    rows = [
        (
            each.group,
            f"{each.weight:.3f}",
            "" if each.cosine is None else f"{each.cosine:.2f}",
            f"{each.adds:.3f}",
            f"{each.takes:.3f}",
            ", ".join(f"`{feature}`" for feature in each.only_b[:2]),
        )
        for each in explanation.groups
    ]
    rows.append(("all", "1.000", "", f"{explanation.cosine:.3f}", f"{1 - explanation.cosine:.3f}", ""))
    return table(["group", "weight", "cosine", "adds", "takes", "only in the second, for example"], rows)


def report_corpus() -> str:
    found = corpus()
    if isinstance(found, str):
        return f"corpus skipped: {found}"
    documents, labels = found
    measured = {kind: retrieval(make(documents), labels) for kind, make in KINDS.items()}
    rows = [
        (kind, f"{each.nearest:.1%}", f"{each.inside:.3f}", f"{each.outside:.3f}", f"{each.apart:.1%}")
        for kind, each in measured.items()
    ]
    sequences = len(set(labels.tolist()) - {-1})
    title = f"corpus: {sequences} sequences among {len(documents)} files"
    return table([title, "nearest", "inside", "outside", "apart"], rows)


def report_files() -> str:
    """Return how relevant the nearest files are among the real files of the public corpora."""
    found = similarity_files.read()
    if isinstance(found, str):
        return f"files skipped: {found}"
    documents, judged = found
    names = [{"parts": each["parts"], "channels": each["channels"]} for each in documents]
    measured = {kind: similarity_files.relevance(make(names), judged) for kind, make in KINDS.items()}
    rows = [
        ("normalized gain", *(f"{each.gain:.3f}" for each in measured.values())),
        ("nearest is among the most relevant", *(f"{each.best:.1%}" for each in measured.values())),
    ]
    counts = Counter(each.purpose for each in judged)
    rows += [
        (f"{purpose} ({counts[purpose]})", *(f"{each.purposes[purpose]:.1%}" for each in measured.values()))
        for purpose in measured["ours"].purposes
    ]
    return table([f"{len(documents)} real files", *KINDS], rows)


def report_speed() -> str:
    """Return what both vectors cost if all names were seen before in the process, and if they are new."""
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


REPORTS: dict[str, Callable[[], str]] = {
    "groups of metadata_embedding": lambda: report_groups(METADATA),
    "groups of channel_fingerprint": lambda: report_groups(CHANNELS),
    "example": report_example,
    "generated setups": lambda: report(measure()),
    "sequences": report_corpus,
    "real files": report_files,
    "seeds": similarity_seeds.report,
}
"""Tables of docs/VECTOR_STRATEGY.md, by the name in the comment in front of them."""


def updated(text: str) -> str:
    """Return the document with new tables. A table stays if the files it is made of are absent."""
    for name, make in REPORTS.items():
        tables = make()
        if "skipped" in tables.splitlines()[0]:
            continue
        comment = f"<!-- {name} -->\n\n"
        before, _, after = text.partition(comment)
        rest = re.sub(r"\A(\|.*\n|\n(?=\|))+", "", after)
        text = f"{before}{comment}{tables}\n{rest}"
    return text


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.similarity")
    parser.add_argument("--update", action="store_true", help="write the tables into docs/VECTOR_STRATEGY.md")
    if parser.parse_args().update:
        STRATEGY.write_text(updated(STRATEGY.read_text()))
        return
    for name, make in REPORTS.items():
        print(f"{name}:\n\n{make()}\n", flush=True)
    print(report_speed())


if __name__ == "__main__":
    main()
