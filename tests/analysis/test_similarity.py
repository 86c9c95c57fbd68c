"""The benchmark's claims, and that docs/VECTOR_STRATEGY.md says what the code does."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from benchmarks import similarity
from benchmarks.similarity_setups import BASES, FRAMES, ONE_CHANGE, SETUPS
from exr_inspector.analysis.embedding import CHANNELS, EMBEDDING_VERSION, METADATA
from exr_inspector.analysis.sketch import Sketch

STRATEGY = (Path(__file__).parents[2] / "docs" / "VECTOR_STRATEGY.md").read_text()

measured = cache(similarity.measure)


def test_there_are_enough_set_ups_of_every_program() -> None:
    assert len(SETUPS) >= 60
    assert len({setup.name for setup in SETUPS}) == len(SETUPS)
    assert FRAMES == 8
    programs = {base.name: sum(setup.program is base.program for setup in SETUPS) for base in BASES}
    assert set(programs) == {"Arnold", "V-Ray", "RenderMan", "Redshift", "Karma", "Blender", "Nuke"}
    assert min(programs.values()) >= 8


def test_the_nearest_frames_are_those_of_the_same_set_up() -> None:
    assert measured().retrieval["ours"].nearest >= 0.99


def test_set_ups_are_apart() -> None:
    ours = measured().retrieval["ours"]
    assert ours.inside - ours.outside >= 0.35
    assert ours.apart >= 0.99


def test_cosines_agree_with_the_features() -> None:
    assert measured().agreement["ours"] >= 0.85
    assert measured().fingerprint_agreement >= 0.9


def test_after_one_change_the_origin_is_found_and_the_changes_rank_as_documented() -> None:
    ours = measured().changes["ours"]
    assert ours.found == 1
    assert ours.ordered == 1
    assert list(ours.cosine.values()) == sorted(ours.cosine.values(), reverse=True)
    assert len(ours.cosine) == len(ONE_CHANGE)


def test_a_plain_hash_does_none_of_this() -> None:
    """The measures tell good vectors from bad ones."""
    plain = measured().retrieval["plain hash"]
    assert plain.nearest < 0.1
    assert abs(plain.inside - plain.outside) < 0.05
    assert measured().agreement["plain hash"] < 0.1


def test_the_corpus_sequences_are_found() -> None:
    found = similarity.corpus()
    if isinstance(found, str):
        pytest.skip(found)
    documents, labels = found
    ours = similarity.retrieval(similarity.ours(documents), labels)
    assert ours.nearest == 1
    assert ours.apart == 1
    assert ours.inside - ours.outside >= 0.35


@pytest.mark.parametrize("sketch", [METADATA, CHANNELS])
def test_the_document_states_the_groups_and_their_weights(sketch: Sketch) -> None:
    assert similarity.report_groups(sketch) in STRATEGY


def test_the_document_states_the_version() -> None:
    assert f"`EMBEDDING_VERSION` is {EMBEDDING_VERSION}" in STRATEGY


def test_the_documents_worked_example_is_what_the_code_says() -> None:
    assert similarity.report_example() in STRATEGY


def test_the_documents_tables_are_those_of_the_benchmark() -> None:
    assert similarity.report(measured()) in STRATEGY
