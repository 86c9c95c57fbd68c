"""Finding renders like this one, in the library and on the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner

import exr_inspector
from exr_inspector.apps.cli import commands
from exr_inspector.catalog.duckdb.store import DuckDBStore
from exr_inspector.catalog.nearest import columns_of, nearest_in
from exr_inspector.catalog.rows import rows_of
from exr_inspector.catalog.search import Search
from exr_inspector.catalog.stored_document import stored_document
from exr_inspector.catalog.vast.store import VastStore
from exr_inspector.errors import InspectorError
from exr_inspector.events.request import Request
from exr_inspector.location import path_location
from exr_inspector.pipeline import Runtime, inspect, inspect_many
from exr_inspector.similar import explain_matches, query_of, search
from exr_inspector.vectors import features
from tests.corpus import images
from tests.vast_server.server import VastServer


@pytest.fixture(scope="module")
def database(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("similar") / "exr.duckdb"
    store = DuckDBStore(str(path))
    store.upsert([rows_of(inspect(each)) for each in sorted(demo.rglob("*.exr"))])
    store.close()
    return path


@pytest.fixture
def store(database: Path) -> Iterator[DuckDBStore]:
    opened = DuckDBStore(str(database), read_only=True)
    yield opened
    opened.close()


def _names(found: list[exr_inspector.Match]) -> list[str]:
    return [Path(each.file_path).name for each in found]


def _vector(demo: Path, store: DuckDBStore) -> list[float]:
    vector = store.vector(path_location(str(demo / "shots/sq010/sh020/beauty.1002.exr")).file_id, "metadata")
    assert vector is not None
    return vector


BEAUTY = "shots/sq010/sh020/beauty.1002.exr"


def test_the_frames_of_the_same_sequence_come_first(demo: Path, store: DuckDBStore) -> None:
    found = exr_inspector.similar(demo / BEAUTY, store, limit=7, frames=True)
    assert _names(found)[:5] == [f"beauty.{frame}.exr" for frame in (1001, 1003, 1004, 1005, 1006)]
    assert all(each.similarity > 0.99 for each in found[:5])
    assert found[5].similarity < found[4].similarity


def _targets(path: Path) -> list[Any]:
    return [path, inspect(path), path_location(str(path)).file_id]


def test_a_path_a_document_and_a_stored_id_ask_the_same(demo: Path, store: DuckDBStore) -> None:
    first, *others = [exr_inspector.similar(each, store) for each in _targets(demo / BEAUTY)]
    assert others == [first, first]


def test_the_target_itself_is_left_out(demo: Path, store: DuckDBStore) -> None:
    for target in _targets(demo / BEAUTY):
        for frames in (True, False):
            found = exr_inspector.similar(target, store, limit=99, frames=frames)
            assert "beauty.1002.exr" not in _names(found)


def test_the_target_is_recognized_through_the_path_map(demo: Path, store: DuckDBStore) -> None:
    settings = exr_inspector.Settings(path_map=f"{demo}=s3://renders")
    canonical = exr_inspector.similar(demo / BEAUTY, store, limit=99, frames=True, settings=settings)
    assert "beauty.1002.exr" in _names(canonical)  # this store's ids are made without the map
    stored = DuckDBStore(":memory:")
    runtime = Runtime(settings, stored)
    assert list(inspect_many([Request("created", (path_location(demo / BEAUTY, settings.paths),))], runtime))
    assert exr_inspector.similar(demo / BEAUTY, stored, frames=True, settings=settings) == []


def test_a_sequence_gives_its_best_match_alone(demo: Path, store: DuckDBStore) -> None:
    every = exr_inspector.similar(demo / BEAUTY, store, limit=99, frames=True)
    best = exr_inspector.similar(demo / BEAUTY, store, limit=99)
    keys = [each.sequence_key or each.file_path for each in best]
    assert len(set(keys)) == len(keys) < len(every)
    first = {each.sequence_key or each.file_path: each for each in reversed(every)}
    assert best == [each for each in every if each == first[each.sequence_key or each.file_path]]


def test_a_match_is_explained_by_the_layers_and_attributes_that_differ(
    demo: Path, store: DuckDBStore
) -> None:
    for target in _targets(demo / BEAUTY):
        query = query_of(target, store)
        matches = search(query, store, where="is_deep")
        (explanation,) = explain_matches(query, matches, store)
        assert explanation.cosine == pytest.approx(matches[0].similarity, abs=1e-6)
        groups = {each.group: each for each in explanation.groups}
        assert "diffuse" in groups["layers"].only_a
        assert "ZBack" in groups["names"].only_b
        assert "arnold/AA_samples" in groups["attributes"].only_a


def test_a_match_that_is_no_longer_stored_is_explained_by_its_groups(demo: Path, store: DuckDBStore) -> None:
    query = query_of(demo / BEAUTY, store)
    (match,) = search(query, store, where="is_deep")
    (explanation,) = explain_matches(query, [match._replace(file_id="0" * 32)], store)
    assert explanation.cosine == pytest.approx(match.similarity, abs=1e-6)
    assert all(not each.only_a and not each.only_b for each in explanation.groups)


def test_stored_rows_give_the_features_of_the_document_that_was_stored(demo: Path) -> None:
    store = DuckDBStore(":memory:")
    documents = [inspect(path) for path in (*demo.rglob("*.exr"), *images())]
    ids = [outcome.file_id for outcome in store.upsert(list(map(rows_of, documents)))]
    stored = store.stored_rows(ids)
    for file_id, document in zip(ids, documents, strict=True):
        assert (file_id in stored) == bool(document["parts"])
        if file_id in stored:
            assert features.weighted_features(stored_document(stored[file_id])) == features.weighted_features(
                document
            )


def test_a_condition_narrows_the_search(demo: Path, store: DuckDBStore) -> None:
    found = exr_inspector.similar(
        demo / "shots/sq010/sh020/beauty.1002.exr", store, where="is_deep OR status = 'incomplete'"
    )
    assert _names(found) == ["beauty.1004.exr", "deep.1001.exr"]


def test_a_search_by_channels_ignores_all_other_facts(demo: Path, store: DuckDBStore) -> None:
    found = exr_inspector.similar(demo / BEAUTY, store, by="channels", limit=6, frames=True)
    assert [round(each.similarity, 5) for each in found] == [1.0] * 6  # another resolution, the same channels


INVENTED = "true) UNION ALL SELECT 'x', 'invented', 2.0, metadata_embedding FROM files WHERE (true"
BREAKOUTS = ["true) OR (true", "true) OR (true /*", "true) --", "true, true", INVENTED]
FILE_READS = ["(SELECT count(*) FROM read_text('{}')) > 0", "(SELECT count(*) FROM glob('{}')) > 0"]


@pytest.mark.parametrize(
    "where", ["no_such_column = 1", "true); DROP TABLE files; --", "(", "1; SELECT 2", "true /*", *BREAKOUTS]
)
def test_a_condition_that_is_not_valid_is_refused(demo: Path, store: DuckDBStore, where: str) -> None:
    with pytest.raises(InspectorError, match="BAD_QUERY"):
        exr_inspector.similar(demo / "shots/sq010/sh020/beauty.1002.exr", store, where=where)


@pytest.mark.parametrize("where", ["true -- all", "true /* all */", "true\n-- all\n", "file_path <> ')--'"])
def test_a_condition_may_hold_comments_and_brackets_in_text(
    demo: Path, store: DuckDBStore, where: str
) -> None:
    target = demo / "shots/sq010/sh020/beauty.1002.exr"
    assert exr_inspector.similar(target, store, where=where) == exr_inspector.similar(target, store)


@pytest.mark.parametrize("where", FILE_READS)
def test_a_condition_reads_no_file(demo: Path, store: DuckDBStore, where: str) -> None:
    with pytest.raises(InspectorError, match="BAD_QUERY: Permission"):
        exr_inspector.similar(demo / "shots/sq010/sh020/beauty.1002.exr", store, where=where.format(__file__))


def test_a_condition_may_ask_the_other_tables(demo: Path, store: DuckDBStore) -> None:
    where = "file_id IN (SELECT file_id FROM channels WHERE name = 'ZBack')"
    found = exr_inspector.similar(demo / "shots/sq010/sh020/beauty.1002.exr", store, where=where)
    assert _names(found) == ["deep.1001.exr"]


@pytest.mark.parametrize("number", ["nan", "inf", "0", "1e-30"])
def test_a_stored_vector_without_a_direction_is_left_out(demo: Path, store: DuckDBStore, number: str) -> None:
    without = f"list_resize(['{number}'::FLOAT], 384, 0)::FLOAT[384]"
    files = store.query(
        f"SELECT * REPLACE ({without} AS metadata_embedding) FROM files WHERE is_deep"
        " UNION ALL FROM files WHERE NOT is_deep"
    )
    vector = _vector(demo, store)
    found = nearest_in({"files": files.to_reader()}, Search(vector, limit=99))
    assert found == store.search(Search(vector, where="NOT is_deep", limit=99))


@pytest.mark.parametrize("number", ["nan", "inf", "0", "1e-30"])
def test_a_vector_without_a_direction_is_refused(store: DuckDBStore, number: str) -> None:
    with pytest.raises(InspectorError, match="BAD_QUERY: the search vector"):
        store.search(Search([float(number)] * 384))


@pytest.mark.parametrize("target", ["0" * 32, "/no/such/file.exr"])
def test_an_absent_file_is_refused(store: DuckDBStore, target: str) -> None:
    with pytest.raises(InspectorError, match="FILE_NOT_FOUND"):
        exr_inspector.similar(target, store)


@pytest.mark.parametrize(
    ("content", "code"), [(b"abcd", "NOT_AN_EXR"), (b"", "EMPTY_FILE"), (b"v/1\x01\x02", "HEADER_TRUNCATED")]
)
def test_a_file_without_a_header_is_refused_with_its_own_fault(
    tmp_path: Path, store: DuckDBStore, content: bytes, code: str
) -> None:
    path = tmp_path / "bad.exr"
    path.write_bytes(content)
    (entry,) = inspect(path)["errors"]
    assert entry["code"] == code
    for target in (path, inspect(path)):
        with pytest.raises(InspectorError) as raised:
            exr_inspector.similar(target, store)
        error = raised.value
        assert (error.code, error.message, error.where) == (code, entry["message"], str(path))


def test_a_folder_is_refused(demo: Path, store: DuckDBStore) -> None:
    with pytest.raises(InspectorError, match="NOT_A_FILE"):
        exr_inspector.similar(demo, store)


def test_the_store_of_the_settings_can_be_searched(demo: Path, database: Path) -> None:
    """What the front door gives, the front door takes: mypy, which reads this, agrees."""
    opened = exr_inspector.open_store(exr_inspector.Settings(db_file=str(database)), read_only=True)
    assert opened is not None
    found: list[exr_inspector.Match] = exr_inspector.similar(
        demo / "shots/sq010/sh020/beauty.1002.exr", opened, by="channels", where="NOT is_deep", limit=1
    )
    opened.close()
    assert len(found) == 1


def test_record_batches_give_the_same_answer(demo: Path, store: DuckDBStore) -> None:
    vector = _vector(demo, store)
    where = "frame_number > 1002"
    search = Search(vector, where=where, limit=5, frames=True)
    files = store.query("SELECT * FROM files").select(columns_of(search)["files"])
    found = nearest_in({"files": files.to_reader(max_chunksize=2)}, search)
    assert found == store.search(search)
    assert len(found) == 4


def test_the_command_prints_a_table_and_json(demo: Path, database: Path) -> None:
    target = str(demo / "shots/sq010/sh020/beauty.1002.exr")
    options = ["similar", target, "--db", str(database), "--limit", "3"]
    table = CliRunner().invoke(commands, options)
    assert table.exit_code == 0, table.output
    assert "cosine" in table.output
    assert "beauty.1001.exr" in table.output
    lines = CliRunner().invoke(commands, [*options, "--json"]).output.splitlines()
    found = [json.loads(line)["file_path"] for line in lines]
    assert len({Path(path).parent / Path(path).name.split(".")[0] for path in found}) == 3


def test_explain_names_the_groups_that_differ(demo: Path, database: Path) -> None:
    target = str(demo / "shots/sq010/sh020/beauty.1002.exr")
    options = ["similar", target, "--db", str(database), "--where", "is_deep", "--explain"]
    assert "structure" in CliRunner().invoke(commands, options).output
    (line,) = CliRunner().invoke(commands, [*options, "--json"]).output.splitlines()
    entry = json.loads(line)
    taken = sum(group["takes"] for group in entry["groups"])
    assert taken == pytest.approx(1 - entry["similarity"], abs=1e-5)


def test_the_command_makes_no_database(demo: Path, tmp_path: Path) -> None:
    target, typo = str(next(demo.rglob("*.exr"))), tmp_path / "typo.duckdb"
    done = CliRunner().invoke(commands, ["similar", target, "--db", str(typo)])
    assert (done.exit_code, "does not exist" in done.output) == (2, True)
    done = CliRunner().invoke(commands, ["similar", target], env={"EXR_INSPECTOR_DB": str(typo)})
    assert (done.exit_code, "does not exist" in done.output) == (2, True)
    assert not typo.exists()


def test_the_command_reads_beside_other_readers(demo: Path, database: Path) -> None:
    target = str(next(demo.rglob("*.exr")))
    with duckdb.connect(str(database), read_only=True):
        done = CliRunner().invoke(commands, ["similar", target, "--db", str(database)])
    assert done.exit_code == 0, done.output


def test_without_a_database_the_message_names_the_setting(demo: Path) -> None:
    done = CliRunner().invoke(commands, ["similar", str(next(demo.rglob("*.exr")))])
    assert done.exit_code == 2
    assert "EXR_INSPECTOR_DB" in done.output


def test_vast_database_gives_the_same_answer_as_duckdb(demo: Path, store: DuckDBStore) -> None:
    target = demo / "shots/sq010/sh020/beauty.1002.exr"
    files = [rows_of(inspect(each)) for each in sorted(demo.rglob("*.exr"))]
    with VastServer() as server:
        settings = exr_inspector.Settings(
            vast_endpoint=server.endpoint,
            vast_access_key=server.access_key,
            vast_secret_key=server.secret_key,
            vast_bucket=server.bucket,
        )
        vast = VastStore(settings)
        vast.upsert(files)
        for question in (target, path_location(str(target)).file_id):
            found = exr_inspector.similar(question, vast, where="NOT is_deep", limit=5)
            assert found == exr_inspector.similar(question, store, where="NOT is_deep", limit=5)
            query = query_of(question, vast)
            assert explain_matches(query, found, vast) == explain_matches(query, found, store)
        for where in ("no_such_column = 1", *BREAKOUTS, *(each.format(__file__) for each in FILE_READS)):
            with pytest.raises(InspectorError, match="BAD_QUERY"):
                exr_inspector.similar(target, vast, where=where)
        with pytest.raises(InspectorError, match="FILE_NOT_FOUND"):
            exr_inspector.similar("0" * 32, vast)
        assert server.open_transactions == []
        vast.close()
