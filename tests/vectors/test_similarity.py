"""The benchmark's claims, and that docs/VECTOR_STRATEGY.md says what the code does."""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from benchmarks import similarity
from benchmarks.similarity_setups import BASES, FRAMES, ONE_CHANGE, SETUPS, Setup
from exr_inspector.vectors.embedding import CHANNELS, EMBEDDING_VERSION, METADATA
from exr_inspector.vectors.projection import Sketch
from tests.document.documents import SCHEMA
from tests.exrfiles.demo import simple

STRATEGY = (Path(__file__).parents[2] / "docs" / "VECTOR_STRATEGY.md").read_text()

PART = jsonschema.Draft202012Validator({"$ref": "#/$defs/part", "$defs": SCHEMA["$defs"]})

measured = cache(similarity.measure)


def test_there_are_enough_set_ups_of_every_program() -> None:
    assert len(SETUPS) >= 60
    assert len({setup.name for setup in SETUPS}) == len(SETUPS)
    assert FRAMES == 8
    programs = {base.name: sum(setup.program is base.program for setup in SETUPS) for base in BASES}
    assert set(programs) == {"Arnold", "V-Ray", "RenderMan", "Redshift", "Karma", "Blender", "Nuke"}
    assert min(programs.values()) >= 8


@pytest.mark.parametrize("setup", SETUPS, ids=[setup.name for setup in SETUPS])
def test_set_ups_are_written_in_the_readers_words(setup: Setup) -> None:
    for part in setup.documents()[0]["parts"]:
        PART.validate(json.loads(json.dumps(part)))


def test_a_frame_tells_where_and_for_whom_it_ran_in_names_of_many_kinds() -> None:
    """Otherwise the benchmark could not show that the vectors are blind to it."""
    names = {each["name"] for setup in SETUPS for each in setup.documents()[0]["parts"][0]["attributes"]}
    assert names >= {
        "renderNode",
        "workstation",
        "slave",
        "nodename",
        "tractor_blade",
        "rrClient",
        "openCue/proc",
    }
    assert names >= {
        "login",
        "ip",
        "licenseServer",
        "renderedBy",
        "Deadline/ChunkSize",
        "tractor_jid",
        "rrJobID",
    }


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


def test_with_one_layer_alone_a_layer_more_changes_most() -> None:
    order = ["newer", "overscan", "recompressed", "half size", "one layer more"]
    for cosines in measured().one_layer:
        ranked = [similarity.CHANGES[column] for column in np.argsort(-cosines)]
        assert ranked == order


def test_names_never_seen_cost_little_more_than_names_seen_before() -> None:
    """A new show brings layers that no file had before: its first files must not wait for caches."""
    seen, _ = similarity.microseconds([similarity.of_channels("seen", 1000)] * 20)
    new, _ = similarity.microseconds(similarity.of_channels(f"new{n}", 1000) for n in range(20))
    assert new < 4 * seen


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


def test_a_clone_of_the_corpus_elsewhere_gives_the_same_documents(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_clone(folder: Path, made: int) -> Any:
        folder.mkdir()
        for path in (folder / "beauty.0001.exr", folder / "beauty.0002.exr"):
            path.write_bytes(simple(8, 8))
            os.utime(path, (made, made))
        monkeypatch.setattr(similarity, "CORPUS", folder)
        return similarity.corpus()

    (here, _), (there, _) = read_clone(tmp_path / "here", 1), read_clone(tmp_path / "there", 2)
    assert here == there
    assert len(here) == 2


def test_the_documents_corpus_table_is_that_of_the_benchmark() -> None:
    told = similarity.report_corpus()
    if told.startswith("corpus skipped"):
        pytest.skip(told)
    assert told in STRATEGY


@pytest.mark.parametrize("sketch", [METADATA, CHANNELS])
def test_the_document_states_the_groups_and_their_weights(sketch: Sketch) -> None:
    assert similarity.report_groups(sketch) in STRATEGY


def test_the_document_states_the_version() -> None:
    assert f"`EMBEDDING_VERSION` is {EMBEDDING_VERSION}" in STRATEGY


def test_the_documents_worked_example_is_what_the_code_says() -> None:
    assert similarity.report_example() in STRATEGY


def test_the_documents_tables_are_those_of_the_benchmark() -> None:
    assert similarity.report(measured()) in STRATEGY
