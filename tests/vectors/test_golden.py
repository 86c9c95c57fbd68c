"""The golden vectors change with every weight, scale, table and word: none can change without a new version.

Each test changes one of them, and looks whether a golden vector is another.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from exr_inspector.vectors import attributes, channels, embedding, features, numbers, weights
from exr_inspector.vectors.embedding import CHANNELS, METADATA
from exr_inspector.vectors.projection import Projection
from tests.vectors.documents import GOLDEN, OF_PURPOSES
from tests.vectors.golden import digest, vectors

MODULES = (attributes, channels, embedding, features, numbers)


def clear_caches() -> None:
    for module in MODULES:
        for value in vars(module).values():
            if isinstance(value, functools._lru_cache_wrapper):
                value.cache_clear()


def current() -> dict[str, dict[str, str]]:
    clear_caches()
    return {name: vectors(make()) for name, make in GOLDEN.items()}


BEFORE = current()


@pytest.fixture(autouse=True)
def _fresh_caches() -> Iterator[None]:
    yield
    clear_caches()


def changed_kinds() -> set[str]:
    """Return the kinds of vector of which a golden one is no longer what it was."""
    now = current()
    return {
        kind for name in GOLDEN for kind in ("metadata", "channels") if now[name][kind] != BEFORE[name][kind]
    }


def test_nothing_changes_by_itself() -> None:
    assert changed_kinds() == set()


def test_caches_change_no_vector(monkeypatch: pytest.MonkeyPatch) -> None:
    assert {name: vectors(make()) for name, make in GOLDEN.items()} == BEFORE  # now filled
    monkeypatch.setattr(embedding, "MAX_REMEMBERED", 0)
    assert changed_kinds() == set()


@pytest.mark.parametrize(
    ("projection", "kind", "group"),
    [
        (projection, kind, group)
        for kind, projection in (("metadata", METADATA), ("channels", CHANNELS))
        for group in projection.groups
    ],
)
def test_a_changed_weight_of_a_group_changes_a_golden_vector(
    monkeypatch: pytest.MonkeyPatch, projection: Projection, kind: str, group: str
) -> None:
    monkeypatch.setitem(projection.weights, group, projection.weights[group] + 1)
    assert changed_kinds() == {kind}


@pytest.mark.parametrize("kind", weights.WEIGHTS)
def test_a_changed_weight_of_a_kind_of_feature_changes_a_golden_vector(
    monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setitem(weights.WEIGHTS, kind, weights.WEIGHTS[kind] * 1.25)
    assert "metadata" in changed_kinds()


@pytest.mark.parametrize("kind", weights.KINDS)
def test_a_changed_weight_of_a_kind_of_file_changes_a_golden_vector(
    monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setitem(weights.KINDS, kind, weights.KINDS[kind] * 1.25)
    assert changed_kinds() == {"metadata"}


@pytest.mark.parametrize("field", weights.FIELDS)
def test_a_changed_weight_of_a_field_changes_a_golden_vector(
    monkeypatch: pytest.MonkeyPatch, field: str
) -> None:
    group, weight = weights.FIELDS[field]
    monkeypatch.setitem(weights.FIELDS, field, (group, weight * 1.25))
    assert changed_kinds() == {"metadata"}


@pytest.mark.parametrize("kind", weights.SCALES)
def test_a_changed_scale_of_a_number_changes_a_golden_vector(
    monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    first, *others = weights.SCALES[kind]
    monkeypatch.setitem(weights.SCALES, kind, (first * 2, *others))
    # If the bins of a kind are known words of a group that has no others, its projection fails.
    with suppress(ValueError):
        assert "metadata" in changed_kinds()


def without(values: tuple[str, ...], value: str) -> tuple[str, ...]:
    return tuple(each for each in values if each != value)


PATTERNS = [(purpose, each) for purpose, patterns in channels.PURPOSES.items() for each in patterns]


@pytest.mark.parametrize(("purpose", "pattern"), PATTERNS)
def test_a_pattern_of_a_purpose_that_is_gone_changes_a_golden_vector(
    monkeypatch: pytest.MonkeyPatch, purpose: str, pattern: str
) -> None:
    made = OF_PURPOSES[purpose]()
    before = digest(made)
    monkeypatch.setitem(channels.PURPOSES, purpose, without(channels.PURPOSES[purpose], pattern))
    clear_caches()
    assert digest(made) != before


@pytest.mark.parametrize("word", [*attributes.ANYWHERE, *attributes.ALONE])
def test_a_word_that_no_longer_hides_values_changes_a_golden_vector(
    monkeypatch: pytest.MonkeyPatch, word: str
) -> None:
    words = (without(attributes.ANYWHERE, word), without(attributes.ALONE, word))
    monkeypatch.setattr(attributes, "VOLATILE", attributes.volatile(*words))
    assert changed_kinds() == {"metadata"}


SMALLER: list[tuple[Any, str, Callable[[Any], Any]]] = [
    (channels, "MAIN_LAYERS", lambda layers: layers[:-1]),
    (channels, "MAX_LAYERS", lambda limit: limit // 2),
    (channels, "MAX_CHANNELS", lambda limit: limit // 2),
    (channels, "CHROMA", lambda _: "BY2"),
    (features, "USUAL", lambda usual: usual - {("line_order", "increasingY")}),
    (features, "LEVELS", lambda levels: levels[:-1]),
    (features, "MAX_PARTS", lambda limit: limit // 16),
    (features, "MAX_TEXT", lambda limit: limit // 2),
    (features, "STRUCTURAL", lambda names: names - {"compression"}),
    (features, "SIDES", lambda sides: {name: sides[name] for name in ("left", "right", "top")}),
    (attributes, "MAX_TEXT", lambda limit: limit // 24),
    (attributes, "MAX_ITEMS", lambda limit: limit // 16),
    (attributes, "CAMERA", lambda names: names - {"isoSpeed"}),
    (attributes, "COLOR", lambda names: names - {"chromaticities"}),
    (attributes, "CATEGORICAL", lambda types: types - {"int"}),
    (attributes, "KIND_OF", lambda kinds: {"multiView": kinds["multiView"]}),
    (attributes, "CRYPTOMATTE", lambda _: "Cryptomatte/"),
    (attributes, "RELEASES", lambda releases: releases[:2]),
    (attributes, "MEASURED", lambda _: attributes.NUMBER),
    (attributes, "NUMBER", lambda _: attributes.MEASURED),
    (numbers, "MAX_REACH", lambda limit: limit / 512),
]


@pytest.mark.parametrize(
    ("module", "name", "change"), SMALLER, ids=[f"{case[0].__name__}.{case[1]}" for case in SMALLER]
)
def test_a_changed_table_or_limit_changes_a_golden_vector(
    monkeypatch: pytest.MonkeyPatch, module: Any, name: str, change: Callable[[Any], Any]
) -> None:
    monkeypatch.setattr(module, name, change(getattr(module, name)))
    assert changed_kinds()
