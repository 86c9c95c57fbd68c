"""The claims of the benchmark, and the agreement of docs/VECTOR_STRATEGY.md with the code."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import numpy.typing as npt
import pytest

from benchmarks import similarity, similarity_files, similarity_seeds
from benchmarks.similarity_measures import retrieval
from benchmarks.similarity_setups import BASES, FRAMES, ONE_CHANGE, SETUPS, Setup
from exr_inspector.exr.header import Attribute, Part
from exr_inspector.exr.provenance import color_space, render_software
from exr_inspector.vectors.embedding import CHANNELS, EMBEDDING_VERSION, METADATA
from exr_inspector.vectors.projection import SEED, Projection
from tests.document.documents import SCHEMA
from tests.exrfiles.demo import simple
from tests.vectors.documents import RGBA, Document, attribute, beauty, document, part, stereo

STRATEGY = (Path(__file__).parents[2] / "docs" / "VECTOR_STRATEGY.md").read_text()

PART = jsonschema.Draft202012Validator({"$ref": "#/$defs/part", "$defs": SCHEMA["$defs"]})

measured = cache(similarity.measure)
quality = cache(similarity_seeds.quality)
relevant = cache(similarity_files.read)


def test_there_are_enough_setups_of_every_program() -> None:
    assert len(SETUPS) >= 60
    assert len({setup.name for setup in SETUPS}) == len(SETUPS)
    assert FRAMES == 8
    programs = {base.name: sum(setup.program is base.program for setup in SETUPS) for base in BASES}
    assert set(programs) == {"Arnold", "V-Ray", "RenderMan", "Redshift", "Karma", "Blender", "Nuke"}
    assert min(programs.values()) >= 8


@pytest.mark.parametrize("setup", SETUPS, ids=[setup.name for setup in SETUPS])
def test_setups_follow_the_schema_of_documents(setup: Setup) -> None:
    for each in setup.documents()[0]["parts"]:
        PART.validate(json.loads(json.dumps(each)))


@pytest.mark.parametrize("setup", SETUPS, ids=[setup.name for setup in SETUPS])
def test_setups_have_the_software_and_color_space_that_the_reader_finds(setup: Setup) -> None:
    for each in setup.documents()[0]["parts"]:
        stored = [Attribute(it["name"], it["type"], b"", it["value"], None) for it in each["attributes"]]
        header = Part(tuple(stored))
        assert (each["render_software"], each["render_software_source"]) == render_software(header)
        assert (each["color_space"], each["color_space_source"]) == color_space(header)


def test_frames_have_names_of_hosts_and_jobs_of_many_kinds() -> None:
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


@pytest.mark.parametrize("seed", ["default", *similarity_seeds.SEEDS[1::4]])
def test_every_seed_of_the_random_tables_reaches_all_that_is_wanted(seed: str) -> None:
    """`make bench-similarity` measures all 32 seeds."""
    assert similarity_seeds.misses(quality(SEED if seed == "default" else seed)) == []


def test_the_changes_of_a_setup_rank_as_documented() -> None:
    ours = measured().changes["ours"]
    assert list(ours.cosine.values()) == sorted(ours.cosine.values(), reverse=True)
    assert len(ours.cosine) == len(ONE_CHANGE)


def test_a_plain_hash_fails_the_measures() -> None:
    """The measures distinguish good vectors from bad ones."""
    plain = measured().retrieval["plain hash"]
    assert plain.nearest < 0.1
    assert abs(plain.inside - plain.outside) < 0.05
    assert measured().agreement["plain hash"] < 0.1


def test_the_corpus_sequences_are_found() -> None:
    found = similarity.corpus()
    if isinstance(found, str):
        pytest.skip(found)
    documents, labels = found
    ours = retrieval(similarity.ours(documents), labels)
    assert ours.nearest == 1
    assert ours.apart == 1
    assert ours.inside - ours.outside >= 0.35


def real_files() -> tuple[list[str], list[similarity_files.Facets], npt.NDArray[np.int64]]:
    """Return names, facets, and the files in the order of their similarity to each."""
    found = relevant()
    if isinstance(found, str):
        pytest.skip(found)
    documents, judged = found
    vectors = similarity.ours(documents)
    cosines = vectors @ vectors.T
    np.fill_diagonal(cosines, -2)
    names = [Path(document["file"]["path"]).name for document in documents]
    return names, judged, np.argsort(-cosines, axis=1, kind="stable")


@pytest.mark.parametrize("purpose", similarity_files.WANTED)
def test_a_real_file_of_a_rare_purpose_finds_files_of_that_purpose_first(purpose: str) -> None:
    """Environment maps found plain scan-line files first, and Cryptomattes other files of their program."""
    names, judged, order = real_files()
    nearest = {
        names[row]: judged[order[row, 0]].purpose
        for row, each in enumerate(judged)
        if each.purpose == purpose
    }
    assert len(nearest) > 1
    assert set(nearest.values()) == {purpose}, nearest


def test_real_files_find_relevant_files_better_than_features_that_learn_their_weights() -> None:
    found = relevant()
    if isinstance(found, str):
        pytest.skip(found)
    documents, judged = found
    ours, learned = (
        similarity_files.relevance(make(documents), judged) for make in (similarity.ours, similarity.tf_idf)
    )
    assert ours.gain > learned.gain + 0.03
    assert ours.best > learned.best + 0.05


@pytest.mark.parametrize(
    ("one", "other", "agreeing"),
    [
        (("nuke", "scan lines", "picture"), ("nuke", "scan lines", "picture"), 3),
        (("nuke", "scan lines", "picture"), ("arnold", "scan lines", "picture"), 2),
        (("nuke", "scan lines", "picture"), ("arnold", "tiles", "deep"), 0),
    ],
)
def test_the_relevance_of_two_files_is_the_number_of_facets_that_agree(
    one: tuple[str, str, str], other: tuple[str, str, str], agreeing: int
) -> None:
    first, second = (
        similarity_files.Facets(program, ((layout,), False), purpose)
        for program, layout, purpose in (one, other)
    )
    assert first.relevance(second) == agreeing


def test_the_purpose_of_a_file_is_judged_by_its_header() -> None:
    def purpose(document: Document) -> str:
        return similarity_files.facets(document, "folder").purpose

    assert purpose(document(RGBA, part())) == "picture"
    assert purpose(document(RGBA, part(attribute("envmap", "cube", "envmap")))) == "environment map"
    assert purpose(document(RGBA, part(attribute("cryptomatte/f834d0a/name", "crypto")))) == "Cryptomatte"
    assert purpose(document(RGBA, part(level_mode="mipmap"))) == "texture"
    assert purpose(stereo()) == "deep"
    assert purpose(beauty()) == "several layers"


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


@pytest.mark.parametrize("report", [similarity.report_corpus, similarity.report_files])
def test_the_document_has_the_tables_of_the_real_files(report: Callable[[], str]) -> None:
    table = report()
    if "skipped" in table.splitlines()[0]:
        pytest.skip(table)
    assert table in STRATEGY


def test_the_document_has_the_table_of_the_seeds() -> None:
    """All but the files, which may be absent."""
    rows = [line for line in STRATEGY.splitlines() if line.endswith(f"{len(similarity_seeds.SEEDS)} |")]
    titles = [title for title, _ in similarity_seeds.MEASURES.values()]
    assert [row.split(" | ")[0].removeprefix("| ") for row in rows] == titles
    assert all(row.endswith("| 32 of 32 |") for row in rows)
    measured_now = quality(SEED)._asdict()
    for row, (name, (_, wanted)) in zip(rows, similarity_seeds.MEASURES.items(), strict=True):
        least, median, most, bar = (float(cell) for cell in row.split(" | ")[1:5])
        assert wanted == bar <= least <= median <= most
        value = measured_now[name]
        assert value is None or least - 5e-4 <= value <= most + 5e-4


@pytest.mark.parametrize("projection", [METADATA, CHANNELS])
def test_the_document_states_the_groups_and_their_weights(projection: Projection) -> None:
    assert similarity.report_groups(projection) in STRATEGY


def test_the_document_states_the_version() -> None:
    assert f"`EMBEDDING_VERSION` is {EMBEDDING_VERSION}" in STRATEGY


def test_the_document_has_the_worked_example() -> None:
    assert similarity.report_example() in STRATEGY


def test_the_document_has_the_tables_of_the_generated_setups() -> None:
    assert similarity.report(measured()) in STRATEGY
