"""`exr-inspector forget`: what it removes is in no table and in no byte of the file."""

from __future__ import annotations

import json
import logging
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from unicodedata import normalize

import duckdb
import pytest

from exr_inspector.catalog.columns import TABLES
from exr_inspector.catalog.duckdb.store import DuckDBStore
from exr_inspector.catalog.rows import rows_of
from exr_inspector.catalog.stored_document import whole_document
from exr_inspector.document.build import header_bytes
from exr_inspector.errors import NOT_LOSSLESS, InspectorError
from tests.apps.cli.command import on_terminal, run
from tests.catalog.backends import vast
from tests.exrfiles import cryptomatte
from tests.exrfiles.attributes import Attribute, attribute
from tests.exrfiles.demo import simple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exr_inspector.catalog.store import Store

DB = "rows.duckdb"
POLICY = """
policy: studio
title: Studio
rules:
  - id: ST-01
    title: The owner is nobody
    given: attributes
    when: {name: owner}
    assert: {value: nobody, is_decoded: true}
    message: it belongs to {observed}
    why: Names do not belong in files.
    fix: Remove it.
"""


def _owned(*more: Any) -> bytes:
    return simple(
        16,
        16,
        attributes=[
            attribute("owner", "string", "Jane R"),
            attribute("hostComputer", "string", "ws-janet-042"),
            attribute("comments", "string", 'line\njane said "hi"'),
            attribute("software", "string", "janetool 4.2"),
            Attribute(b"studio:blob", b"secret", b"by Jane_R at noon"),
            attribute("jobs", "stringvector", ["a", "r.jane@farm"]),
            attribute("frames", "int", 4711),
            *more,
        ],
    )


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder with files and a database of them, with findings, pixels and cryptomattes."""
    folder = tmp_path_factory.mktemp("forget")
    matte = cryptomatte.metadata("crypto_object", ["jane_chair", "table"])
    for name, content in {
        "a/owned.1001.exr": _owned(*matte),
        "a/plain.1001.exr": simple(16, 16),
        "jane/home.1001.exr": simple(8, 8, attributes=[attribute("owner", "string", "bob")]),
        "jane/broken.exr": b"no image",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    (folder / "studio.yaml").write_text(POLICY)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EXR_INSPECTOR_POLICIES", str(folder / "studio.yaml"))
        patch.setenv("EXR_INSPECTOR_CRYPTOMATTE", "objects")
        patch.setenv("EXR_INSPECTOR_STATS", "full")
        assert run("inspect", "-r", folder, "--db", folder / DB, "-q").exit_code == 1
    return folder


@pytest.fixture
def show(stored: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return that folder, with a copy of the database in the working folder."""
    shutil.copy(stored / DB, tmp_path / DB)
    monkeypatch.chdir(tmp_path)
    return stored


def _rows(table: str, where: str = "true") -> list[dict[str, Any]]:
    with duckdb.connect(DB, read_only=True) as connection:
        found: list[dict[str, Any]] = (
            connection.sql(f"FROM {table} WHERE {where}").to_arrow_table().to_pylist()
        )
        return found


def _texts(pattern: str) -> list[str]:
    """The cells of all tables, outside of paths, that match."""
    kept = {"file_path", "file_path_normalized", "sequence_key"}
    return [
        f"{table}.{column}: {value}"
        for table in TABLES
        for row in _rows(table)
        for column, value in row.items()
        if column not in kept and isinstance(value, str) and re.search(pattern, value, re.IGNORECASE)
    ]


def _forget(*arguments: object) -> str:
    done = run("forget", "--db", DB, *arguments)
    assert done.exit_code == 0, done.output
    return done.output


def test_the_show_holds_the_name_in_every_place_that_is_tested(show: Path) -> None:
    places = {each.partition(":")[0] for each in _texts("jane")}
    assert places >= {
        *("attributes.value_json", "attributes.value_text", "parts.render_software"),
        *("findings.observed_json", "findings.message", "cryptomatte_objects.name"),
    }


def test_a_user_is_in_no_table_afterwards_and_others_keep_their_rows(show: Path) -> None:
    before = {table: _rows(table, "file_path LIKE '%plain%'") for table in TABLES}
    output = _forget("--user", "jane", "--yes")
    assert "1 owner" in output
    assert "1 studio:blob" in output
    assert "in the path of 2 files" in output
    # `janetool` and `janet` are other words.
    assert {each.split(": ", 1)[1].strip('"') for each in _texts("jane")} == {"janetool 4.2", "ws-janet-042"}
    values = {row["attr_name"]: row["value_json"] for row in _rows("attributes", "file_path LIKE '%owned%'")}
    forgotten = {name for name, value in values.items() if value == '{"forgotten":true}'}
    assert forgotten == {
        *("owner", "comments", "studio:blob", "jobs"),
        *(name for name in values if name.endswith("manifest")),
    }
    assert {table: _rows(table, "file_path LIKE '%plain%'") for table in TABLES} == before


def test_an_attribute_is_forgotten_with_what_was_made_from_it(show: Path) -> None:
    (file,) = _rows("files", "file_path LIKE '%owned%'")
    statistics = _rows("channel_stats")
    _forget("--attribute", "[os]*w*", "--yes")
    assert _texts("Jane R|janetool") == []
    (part,) = _rows("parts", "file_path LIKE '%owned%'")
    assert part["render_software"] is None
    assert part["render_software_source"] == "software"
    assert _rows("findings", "file_path LIKE '%owned%'") == []
    facets = {row["facet"]: row["status"] for row in _rows("facets", "file_path LIKE '%owned%'")}
    assert facets == {"header": "forgotten", "policy": "forgotten", "pixels": "ok", "cryptomatte": "ok"}
    (after,) = _rows("files", "file_path LIKE '%owned%'")
    assert after["metadata_embedding"] != file["metadata_embedding"]
    assert after["first_seen"] == file["first_seen"]
    assert _rows("channel_stats") == statistics
    _forget("--attribute", "cryptomatte/*", "--yes")
    assert _texts("jane_chair") == []


def test_a_number_is_forgotten(show: Path) -> None:
    _forget("--attribute", "frames", "--yes")
    (row,) = _rows("attributes", "attr_name = 'frames'")
    assert (row["value_json"], row["value_int"], row["value_float"]) == ('{"forgotten":true}', None, None)


def test_forgetting_twice_finds_nothing_more(show: Path) -> None:
    _forget("--user", "jane", "--yes")
    assert _forget("--user", "jane", "--yes").startswith("Nothing matches 'jane'\n")
    assert _forget("--attribute", "owner", "--yes").startswith("Found 1 value in 1 file: 1 owner")
    assert _forget("--attribute", "owner", "--yes").startswith("Nothing matches 'owner'\n")


@pytest.mark.parametrize(
    ("arguments", "gone"),
    [
        (("--user", "jane"), [b"Jane R", b"jane_chair", b"r.jane@farm", b"jane said"]),
        (("--attribute", "hostComputer"), [b"ws-janet-042"]),
        (("--path", "{show}/a"), [b"Jane R", b"ws-janet-042", b"janetool", b"owned.1001"]),
    ],
)
def test_no_byte_of_what_was_forgotten_is_left_in_the_file(
    show: Path, arguments: tuple[str, str], gone: list[bytes]
) -> None:
    before = Path(DB).read_bytes()
    assert [each for each in gone if each not in before] == []
    assert "Rewrote rows.duckdb" in _forget(*(each.format(show=show) for each in arguments), "--yes")
    assert [each for each in gone if each in Path(DB).read_bytes()] == []
    assert [path.name for path in Path().iterdir()] == [DB]


def test_a_document_that_has_lost_values_says_so_and_gives_no_header(show: Path) -> None:
    _forget("--attribute", "owner", "--yes")
    (facet,) = _rows("facets", "facet = 'header' AND file_path LIKE '%owned%'")
    assert facet["status"] == "forgotten"
    with_rows = {
        table: _rows(table, "file_path LIKE '%owned%'") for table in ("parts", "channels", "attributes")
    }
    (file,) = _rows("files", "file_path LIKE '%owned%'")
    document = whole_document(file, with_rows)
    (owner,) = (each for each in document["parts"][0]["attributes"] if each["name"] == "owner")
    assert owner == {"name": "owner", "type": "string", "value": None, "error": "it was forgotten"}
    with pytest.raises(InspectorError) as caught:
        header_bytes(document)
    assert caught.value.fault is NOT_LOSSLESS


def test_a_path_takes_all_rows_of_its_files_and_of_no_others(show: Path) -> None:
    assert _forget("--path", show / "a/owned", "--yes").startswith("Nothing matches '")
    assert _forget("--path", show / "a", "--yes").startswith("Found 2 files\n")
    assert {row["file_path"] for table in TABLES for row in _rows(table)} == {
        str(show / "jane/home.1001.exr"),
        str(show / "jane/broken.exr"),
    }
    assert _forget("--path", show / "jane/broken.exr", "--yes").startswith("Found 1 file\n")
    assert [row["file_path"] for row in _rows("files")] == [str(show / "jane/home.1001.exr")]


def test_a_dry_run_counts_and_changes_nothing(show: Path) -> None:
    before = Path(DB).read_bytes()
    output = _forget("--user", "JANE", "--dry-run")
    assert output.startswith("Found 5 values in 1 file:")
    assert Path(DB).read_bytes() == before


def test_without_yes_it_asks_first(show: Path) -> None:
    refused = run("forget", "--db", DB, "--attribute", "owner")
    assert refused.exit_code == 1
    assert "Forget this? [y/N]" in refused.output
    assert _texts("Jane R") != []
    assert on_terminal("forget", "--db", DB, "--attribute", "owner", "--yes").exit_code == 0
    assert _texts("Jane R") == []


def test_the_log_says_what_was_done_without_the_name(show: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "exr_inspector"):
        _forget("--user", "Jane R", "--yes")
    (line,) = [each for each in caplog.messages if each.startswith("Forgot")]
    assert "1 owner" in line
    assert "jane" not in line.lower().replace(str(show).lower(), "")


@pytest.mark.parametrize(
    "arguments", [(), ("--user", ""), ("--user", "\udcff"), ("--user", "a", "--path", "b")]
)
def test_what_is_no_request_to_forget_is_refused(show: Path, arguments: tuple[str, ...]) -> None:
    assert run("forget", "--db", DB, *arguments).exit_code == 2


def test_the_file_of_a_policy_is_no_place_to_keep_a_name(show: Path) -> None:
    with duckdb.connect(DB) as connection:  # as if the policy were in the home of its author
        request = '{"policy":"/home/zoe/studio.yaml"}'
        connection.execute("UPDATE facets SET request = ? WHERE facet = 'policy'", [request])
    assert _texts("zoe") != []
    assert "4 other rows" in _forget("--user", "zoe", "--yes")
    assert _texts("zoe") == []
    assert b"/zoe/" not in Path(DB).read_bytes()


def test_columns_that_hold_words_of_the_format_stay(show: Path) -> None:
    columns = {"files": "status", "parts": "compression", "channels": "type", "pixels": "mode"}
    before = [[row[column] for row in _rows(table)] for table, column in columns.items()]
    for word in ("ok", "zip", "half", "full"):
        _forget("--user", word, "--yes")
    after = [[row[column] for row in _rows(table)] for table, column in columns.items()]
    assert list(map(sorted, after)) == list(map(sorted, before))


@pytest.mark.parametrize("name", ["Max", "Low", "Zip", "Half", "Code", "Missing"])
def test_a_user_with_the_name_of_a_term_takes_no_window_histogram_channel_or_fault(
    show: Path, name: str
) -> None:
    kept = {
        "attributes": ("attr_name", "value_json"),
        "files": ("file_path", "errors_json"),
        "channel_stats": ("name", "details_json"),
        "pixels": ("file_path", "coverage_json", "failures_json"),
    }
    before = {
        table: [[row[each] for each in columns] for row in _rows(table)] for table, columns in kept.items()
    }
    _forget("--user", name, "--yes")
    after = {
        table: [[row[each] for each in columns] for row in _rows(table)] for table, columns in kept.items()
    }
    assert {table: sorted(map(str, rows)) for table, rows in after.items()} == {
        table: sorted(map(str, rows)) for table, rows in before.items()
    }


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_an_accented_name_is_found_in_both_forms(tmp_path: Path, form: Literal["NFC", "NFD"]) -> None:
    for stored in ("NFC", "NFD"):
        text = normalize(stored, "rendered by José")
        (tmp_path / f"{stored}.exr").write_bytes(
            simple(4, 4, attributes=[attribute("comments", "string", text)])
        )
    db = tmp_path / DB
    run("inspect", tmp_path, "--db", db, "-q")
    done = run("forget", "--db", db, "--user", normalize(form, "josé"), "--dry-run")
    assert done.output == "Found 2 values in 2 files: 2 comments\n"


def test_a_rewritten_file_keeps_its_permissions_and_the_link_to_it(show: Path) -> None:
    Path(DB).rename("real.duckdb")
    Path("real.duckdb").chmod(0o600)
    Path(DB).symlink_to("real.duckdb")
    _forget("--attribute", "owner", "--yes")
    assert Path(DB).is_symlink()
    assert Path("real.duckdb").stat().st_mode & 0o777 == 0o600
    assert b"Jane R" not in Path("real.duckdb").read_bytes()


def test_attributes_that_a_reader_needs_stay(show: Path) -> None:
    assert _forget("--attribute", "dataWindow", "--yes").startswith("Nothing matches 'dataWindow'\n")


def test_the_index_leaves_forgotten_values_alone_until_the_file_changes(show: Path) -> None:
    run("index", show / "a", "--db", DB, "-q")
    _forget("--attribute", "owner", "--yes")
    run("index", show / "a", "--db", DB, "-q")
    assert _texts("Jane R") == []
    changed = show / "a/owned.1001.exr"
    original = changed.read_bytes()
    changed.write_bytes(_owned())
    run("index", show / "a", "--db", DB, "-q")
    changed.write_bytes(original)
    (row,) = _rows("attributes", "attr_name = 'owner' AND file_path LIKE '%owned%'")
    assert row["value_text"] == "Jane R"


def test_stored_files_that_have_lost_values_are_judged(show: Path) -> None:
    _forget("--attribute", "owner", "--yes")
    done = run("check", "--db", DB, "--policy", show / "studio.yaml", "--no-default", "--format", "json")
    findings = [each for sequence in json.loads(done.stdout)["sequences"] for each in sequence["findings"]]
    assert {(each["rule_id"], each["verdict"]) for each in findings} == {("ST-01", "unknown")}


def test_a_facet_that_lost_its_findings_is_no_reason_to_inspect_the_file(show: Path) -> None:
    index = ("index", show / "a", "--db", DB, "--facets", f"header,policy:{show / 'studio.yaml'}")
    assert run(*index).exit_code == 0
    _forget("--attribute", "owner", "--yes")
    assert "0 new, 0 changed, 2 unchanged" in run(*index).stdout
    assert _texts("Jane R") == []
    arguments = ("--policy", show / "studio.yaml", "--no-default", "--quiet")
    assert run("check", "--db", DB, "--store", *arguments).exit_code == 0
    (verdict,) = [row["verdict"] for row in _rows("findings", "file_path LIKE '%owned%'")]
    assert verdict == "unknown"


def test_tables_of_others_in_the_file_stay(show: Path) -> None:
    with duckdb.connect(DB) as connection:
        connection.execute(
            "CREATE TABLE notes AS SELECT 'mine' AS text; CREATE VIEW paths AS SELECT file_path FROM files"
        )
    _forget("--attribute", "owner", "--yes")
    assert _rows("notes") == [{"text": "mine"}]
    assert len(_rows("paths")) == 4


@pytest.fixture
def vast_store(show: Path) -> Iterator[Store]:
    with vast(tables=True) as database:
        yield database.store()


def test_vast_database_forgets_by_the_same_plan(
    show: Path, vast_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    from exr_inspector import inspect
    from exr_inspector.catalog.forget import Attributes, Word, forget_files, forget_values

    def silent(done: int, total: int) -> None: ...

    files = sorted(show.rglob("*.exr"))
    vast_store.upsert([rows_of(inspect(each)) for each in files])
    duck = DuckDBStore(":memory:")
    duck.upsert([rows_of(inspect(each)) for each in files])
    for what in (Word("jane"), Attributes("host*")):
        counted = forget_values(vast_store, what, silent, dry=True)
        assert counted == forget_values(vast_store, what, silent) == forget_values(duck, what, silent)
        assert counted.files == 1
    for table in ("parts", "channels", "attributes"):
        names = TABLES[table].names

        def read(rows: Any) -> list[str]:
            return sorted(map(repr, rows.read_all().to_pylist()))

        assert vast_store.scan(table, names, read) == duck.scan(table, names, read)
    assert forget_files(vast_store, str(show / "a"), silent).files == 2
    assert vast_store.scan("attributes", ["file_path"], lambda rows: rows.read_all().num_rows) == (
        duck.query("SELECT count(*) AS n FROM attributes WHERE file_path LIKE '%/jane/%'")["n"][0].as_py()
    )
