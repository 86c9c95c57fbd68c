"""The explanation: from documents by name, from vectors by group."""

from __future__ import annotations

from typing import Literal

import pytest

from exr_inspector.vectors.embedding import CHANNELS, METADATA, channel_fingerprint, metadata_embedding
from exr_inspector.vectors.explain import Explanation, explain
from tests.vectors.documents import beauty, document, hostile, layered, nothing, part, stereo


def by_group(explanation: Explanation) -> dict[str, float]:
    return {each.group: each.takes for each in explanation.groups}


@pytest.mark.parametrize("by", ["metadata", "channels"])
def test_groups_add_up_to_the_cosine_and_what_they_take_to_the_rest(
    by: Literal["metadata", "channels"],
) -> None:
    explanation = explain(beauty(), stereo(), by)
    assert sum(each.adds for each in explanation.groups) == pytest.approx(explanation.cosine)
    assert sum(each.takes for each in explanation.groups) == pytest.approx(1 - explanation.cosine, abs=1e-6)
    assert sum(each.weight for each in explanation.groups) == pytest.approx(1, abs=1e-6)
    assert {each.group for each in explanation.groups} == set(
        (METADATA if by == "metadata" else CHANNELS).groups
    )


def test_the_group_that_separates_two_files_most_stands_first() -> None:
    explanation = explain(beauty(), beauty(compression="piz"))
    assert explanation.groups[0].group == "storage"
    assert explanation.groups[0].only_a == ("compression zip",)
    assert explanation.groups[0].only_b == ("compression piz",)
    assert explanation.groups[0].takes == pytest.approx(1 - explanation.cosine, abs=1e-6)


def test_a_file_is_like_itself_in_every_group() -> None:
    explanation = explain(hostile(), hostile())
    assert explanation.cosine == pytest.approx(1, abs=1e-6)
    assert all(
        each.cosine is None or each.cosine == pytest.approx(1, abs=1e-6) for each in explanation.groups
    )
    assert all(not each.only_a and not each.only_b for each in explanation.groups)


def test_vectors_alone_give_the_same_groups_without_names() -> None:
    from_documents = explain(beauty(), stereo())
    a, b = metadata_embedding(beauty()), metadata_embedding(stereo())
    for explanation in (explain(a, b), explain(a.tolist(), b.tolist()), explain(beauty(), b)):
        assert by_group(explanation) == pytest.approx(by_group(from_documents), abs=1e-6)
        assert all(not each.only_a and not each.only_b for each in explanation.groups)


def test_the_channels_are_explained_by_the_fingerprint() -> None:
    one, two = (
        document(layered("diffuse"), part()),
        document(layered("diffuse", "sss"), part(compression="none")),
    )
    explanation = explain(one, two, "channels")
    vectors = explain(channel_fingerprint(one), channel_fingerprint(two), "channels")
    assert explanation.cosine == pytest.approx(vectors.cosine, abs=1e-6)
    names = next(each for each in explanation.groups if each.group == "names")
    assert names.only_b == ("sss.B", "sss.G", "sss.R")


def test_a_group_that_one_file_lacks_has_no_cosine_and_takes_its_weight() -> None:
    explanation = explain(beauty(), nothing())
    software = next(each for each in explanation.groups if each.group == "software")
    assert software.cosine is None
    assert software.adds == 0
    assert software.takes == software.weight > 0


def test_a_vector_of_another_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="expected a vector of 384 numbers"):
        explain(channel_fingerprint(beauty()), channel_fingerprint(stereo()))
