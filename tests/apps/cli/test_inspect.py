"""`exr-inspector inspect`: which files it reads, what it prints, what it stores, its exit codes."""

from __future__ import annotations

import errno
import json
import os
import socket
import threading
from pathlib import Path
from typing import Any

import duckdb
import pytest

import exr_inspector
from tests.apps.cli.command import run
from tests.exrfiles.attributes import attribute
from tests.exrfiles.demo import simple
from tests.sources.server import KEYS, S3Server

GOOD = "sh010/beauty.1001.exr"


def _documents(*arguments: object) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(run("inspect", *arguments).stdout)
    return found


def _names(show: Path, *arguments: object) -> list[str]:
    return [os.path.relpath(each["file"]["path"], show) for each in _documents(*arguments)]


# --- which files ----------------------------------------------------------------------------------------


def test_a_file_in_a_pipe_is_one_document_of_the_library(show: Path) -> None:
    done = run("inspect", GOOD)
    assert done.stdout == exr_inspector.to_json(exr_inspector.inspect(GOOD)) + "\n"
    assert (done.stderr, done.exit_code) == ("1 file: 1 ok\n", 0)


def test_a_folder_means_its_exr_files_in_any_case(show: Path) -> None:
    assert _names(show, "sh010") == ["sh010/beauty.1001.exr", "sh010/beauty.1002.EXR"]


def test_recursive_goes_into_folders_below(show: Path) -> None:
    below = ["sh010/beauty.1001.exr", "sh010/beauty.1002.EXR", "sh010/deep/left.exr"]
    assert _names(show, "--recursive", "sh010") == below
    assert _names(show, "-r", ".") == [*below, "sh020/beauty.1001.exr", "sh020/fake.exr"]


def test_a_pattern_means_what_it_matches(show: Path) -> None:
    assert _names(show, "sh*/beauty.1001.*") == ["sh010/beauty.1001.exr", "sh020/beauty.1001.exr"]
    assert _names(show, show / "**" / "left.exr") == ["sh010/deep/left.exr"]
    assert _names(show, "sh01*") == ["sh010/beauty.1001.exr", "sh010/beauty.1002.EXR"]


def test_a_name_with_brackets_is_a_name_before_it_is_a_pattern(show: Path) -> None:
    Path(GOOD).rename("a[1].exr")
    assert json.loads(run("inspect", "a[1].exr").stdout)["file"]["status"] == "ok"


def test_a_file_that_is_named_twice_is_inspected_once(show: Path) -> None:
    assert _names(show, GOOD, "sh010", "sh010/*.exr") == ["sh010/beauty.1001.exr", "sh010/beauty.1002.EXR"]


def test_a_folder_without_exr_files_is_wrong_usage(show: Path) -> None:
    done = run("inspect", "empty")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "no .exr file in empty; --recursive includes the folders below" in done.stderr


def test_a_pattern_that_nothing_matches_is_wrong_usage(show: Path) -> None:
    done = run("inspect", GOOD, "nothing*.exr", "--db", "rows.duckdb")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "no file matches nothing*.exr" in done.stderr
    assert not Path("rows.duckdb").exists()


def test_a_file_under_two_names_of_its_path_is_inspected_once(show: Path) -> None:
    assert _names(show, GOOD, f"./{GOOD}", show / GOOD) == [GOOD]


def test_a_folder_that_may_not_be_read_is_a_result(show: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scan = os.scandir

    def guarded(folder: str) -> Any:
        if str(folder).endswith("deep"):
            raise PermissionError(errno.EACCES, "Permission denied", folder)
        return scan(folder)

    monkeypatch.setattr(os, "scandir", guarded)
    assert _names(show, "-r", "sh010") == ["sh010/beauty.1001.exr", "sh010/beauty.1002.EXR", "sh010/deep"]
    done = run("inspect", "-r", "sh010")
    assert done.exit_code == 1
    assert '"code":"STORAGE_DENIED"' in done.stdout


def test_nothing_named_is_wrong_usage(show: Path) -> None:
    assert run("inspect").exit_code == 2
    assert run("inspect", "--no-such-option", GOOD).exit_code == 2


# --- exit codes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("absent.exr", "missing", "FILE_NOT_FOUND"),
        ("sh020/fake.exr", "unsupported", "NOT_AN_EXR"),
        ("sh010/notes.txt", "unsupported", "NOT_AN_EXR"),
        ("sh020/beauty.1001.exr", "incomplete", "CHUNKS_MISSING"),
        ("a" * 300, "missing", "FILE_NOT_FOUND"),
    ],
)
def test_a_file_that_is_not_ok_ends_in_1(show: Path, path: str, status: str, code: str) -> None:
    done = run("inspect", path)
    document = json.loads(done.stdout)
    assert (document["file"]["status"], document["errors"][0]["code"]) == (status, code)
    assert (done.exit_code, done.stderr) == (1, f"1 file: 1 {status}\n")


def test_one_bad_file_never_stops_the_others(show: Path) -> None:
    done = run("inspect", "absent.exr", "sh020/fake.exr", GOOD, "--jsonl")
    statuses = [json.loads(line)["file"]["status"] for line in done.stdout.splitlines()]
    assert statuses == ["missing", "unsupported", "ok"]
    assert done.exit_code == 1


def test_an_object_is_inspected_like_a_file(show: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with S3Server() as s3:
        s3.bucket("shots")
        s3.put("shots", "plates/a b+c.exr", Path(GOOD).read_bytes())
        _use(monkeypatch, s3.url, **KEYS)
        done = run("inspect", "s3://shots/plates/a b+c.exr", "s3://shots/absent.exr", "--jsonl")
    found, absent = map(json.loads, done.stdout.splitlines())
    assert (found["file"]["path"], found["file"]["status"]) == ("s3://shots/plates/a b+c.exr", "ok")
    assert (absent["file"]["status"], done.exit_code) == ("missing", 1)
    assert found["parts"] == exr_inspector.inspect(GOOD)["parts"]


def _use(monkeypatch: pytest.MonkeyPatch, endpoint: str, s3_access_key: str, s3_secret_key: str) -> None:
    for name, value in (("ENDPOINT", endpoint), ("ACCESS_KEY", s3_access_key), ("SECRET_KEY", s3_secret_key)):
        monkeypatch.setenv(f"S3_{name}", value)


def test_an_unreachable_store_affects_only_its_own_file(show: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is known about a file that was not reached, so it has no status and no row."""
    monkeypatch.setattr("exr_inspector.sources.s3.PAUSES", (0.0, 0.0))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        _use(monkeypatch, f"http://127.0.0.1:{taken.getsockname()[1]}", **KEYS)
        done = run("inspect", "s3://shots/a.exr", GOOD, "--db", "rows.duckdb")
    away, good = json.loads(done.stdout)
    assert (away["file"]["status"], away["errors"][0]["code"]) == (None, "STORAGE_UNAVAILABLE")
    assert (good["file"]["status"], done.exit_code) == ("ok", 1)
    assert rows_of("rows.duckdb") == [(str(show / GOOD), "ok")]


def test_a_wrong_setting_ends_in_2(show: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXR_INSPECTOR_MAX_PARTS", "many")
    done = run("inspect", GOOD)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("exr-inspector: BAD_SETTING: EXR_INSPECTOR_MAX_PARTS is not a number")
    assert len(done.stderr.splitlines()) == 2


# --- the forms ------------------------------------------------------------------------------------------


def test_compact_is_the_default_where_there_is_no_terminal(show: Path) -> None:
    assert run("inspect", "sh010").stdout == run("inspect", "sh010", "--compact").stdout
    lines = run("inspect", "sh010").stdout.splitlines()
    assert (lines[0], lines[-1], len(lines)) == ("[", "]", 4)


def test_pretty_is_the_same_document_indented(show: Path) -> None:
    for paths in ((GOOD,), ("sh010",)):
        pretty, compact = (run("inspect", *paths, form).stdout for form in ("--pretty", "--compact"))
        assert json.loads(pretty) == json.loads(compact)
        assert '\n  "file": {\n    "path": "' in pretty


def test_jsonl_is_one_document_on_each_line(show: Path) -> None:
    lines = run("inspect", "-r", ".", "--jsonl").stdout.splitlines()
    assert [json.loads(line) for line in lines] == _documents("-r", ".")
    assert len(run("inspect", GOOD, "--jsonl").stdout.splitlines()) == 1


def test_a_table_has_a_line_for_each_file_and_says_what_is_wrong(show: Path) -> None:
    done = run("inspect", "-r", ".", "--table")
    words = [line.split() for line in done.stdout.splitlines()]
    assert ["sh010/beauty.1001.exr", "ok", "4x4", "1", "3", "zip", "opens"] in words
    assert ["sh020/fake.exr", "unsupported"] in words
    assert done.stdout.splitlines()[-1] == "5 files: 3 ok, 1 incomplete, 1 unsupported"
    assert [line.split(": ")[:2] for line in done.stderr.splitlines()] == [
        [str(show / "sh020/beauty.1001.exr"), "CHUNKS_MISSING"],
        [str(show / "sh020/fake.exr"), "NOT_AN_EXR"],
    ]
    assert done.exit_code == 1


def test_the_table_of_one_file_shows_its_parts_channels_and_attributes(show: Path) -> None:
    done = run("inspect", "sh010/deep/left.exr", "--table")
    for word in ("4 parts", "rgba.RGBA half", "rgba.left", "depth.right", "cameraLabel", "shotcam"):
        assert word in done.stdout
    assert done.exit_code == 0


def test_a_long_path_is_shown_to_its_end(show: Path) -> None:
    """The end of the name distinguishes one frame from another."""
    long = Path("sh030", "a" * 60, "b" * 60, "beauty.1001.exr")
    long.parent.mkdir(parents=True)
    long.write_bytes(b"not an image")
    done = run("inspect", long, "--table")
    assert "beauty.1001.exr" in done.stdout
    assert done.stderr.startswith(f"{show / long}: NOT_AN_EXR: ")


def test_the_view_of_openimageio_can_be_left_out(show: Path) -> None:
    document = json.loads(run("inspect", GOOD, "--no-oiio").stdout)
    assert (document["file"]["openimageio"]["opens"], document["attributes"]) == (None, {})
    assert document == exr_inspector.inspect(GOOD, exr_inspector.Settings(openimageio=False))


# --- the database ---------------------------------------------------------------------------------------


def rows_of(database: str) -> list[Any]:
    with duckdb.connect(database, read_only=True) as connection:
        return connection.execute("SELECT file_path, status FROM files ORDER BY file_path").fetchall()


def test_rows_are_stored_where_a_database_is_named(show: Path) -> None:
    for inserted in (True, False):
        documents = _documents("-r", "sh010", "absent.exr", "--db", "rows.duckdb")
        assert [each["persistence"]["status"] for each in documents] == ["stored"] * 4
        assert {each["persistence"]["inserted"] for each in documents} == {inserted}
    assert [status for _, status in rows_of("rows.duckdb")] == ["missing", "ok", "ok", "ok"]


def test_more_files_than_one_batch_are_all_stored_and_shown_in_order(
    show: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exr_inspector.apps.cli.run.BATCH", 2)
    expected = _names(show, "-r", ".")
    assert _names(show, "-r", ".", "--db", "rows.duckdb") == expected
    assert len(rows_of("rows.duckdb")) == len(expected) == 5


# --- the output file ------------------------------------------------------------------------------------


def test_an_output_file_holds_what_a_pipe_would(show: Path) -> None:
    for form in ("--compact", "--pretty", "--jsonl"):
        done = run("inspect", "sh010", form, "--output", "out.json")
        assert (done.exit_code, done.stdout, done.stderr) == (0, "", "2 files: 2 ok\n")
        assert Path("out.json").read_text("utf-8") == run("inspect", "sh010", form).stdout
    assert {path.name for path in show.iterdir()} == {"sh010", "sh020", "empty", "out.json"}


def test_an_output_file_is_replaced_when_it_is_whole_or_not_at_all(show: Path) -> None:
    Path("out.json").write_text("the old one")
    with duckdb.connect("rows.duckdb") as connection:
        connection.execute("CREATE TABLE files (file_id INTEGER)")
    done = run("inspect", GOOD, "--db", "rows.duckdb", "-o", "out.json")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "TABLE_MISMATCH" in done.stderr
    assert Path("out.json").read_text() == "the old one"
    assert not list(Path().glob("*.part"))


def test_a_replaced_output_file_keeps_its_mode_and_leaves_its_neighbours(show: Path) -> None:
    Path("out.json").write_text("the old one")
    Path("out.json").chmod(0o640)
    Path("out.json.part").write_text("mine")
    assert run("inspect", GOOD, "-o", "out.json").exit_code == 0
    assert Path("out.json").stat().st_mode & 0o777 == 0o640
    assert Path("out.json.part").read_text() == "mine"


def test_an_output_that_is_a_link_stays_one_and_what_it_leads_to_is_written(show: Path) -> None:
    Path("real.json").write_text("the old one")
    Path("link.json").symlink_to("real.json")
    assert run("inspect", GOOD, "-o", "link.json").exit_code == 0
    assert Path("link.json").is_symlink()
    assert Path("real.json").read_text("utf-8") == run("inspect", GOOD).stdout


@pytest.mark.parametrize("place", ["no/such/folder/out.json", "sh010", f"{GOOD}/out.json"])
def test_an_output_file_that_cannot_be_written_ends_in_2(show: Path, place: str) -> None:
    done = run("inspect", GOOD, "--output", place)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-1].startswith("Error: ")


def test_an_output_that_is_no_file_is_written_to_and_not_replaced(show: Path) -> None:
    os.mkfifo("pipe")
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(Path("pipe").read_text("utf-8")), daemon=True)
    reader.start()
    assert run("inspect", GOOD, "--output", "pipe").exit_code == 0
    reader.join(20)
    assert read == [run("inspect", GOOD).stdout]
    assert Path("pipe").is_fifo()


@pytest.mark.parametrize("output", ["other.exr", "other.EXR", "sh010/notes.txt"])
def test_an_output_never_replaces_what_is_inspected(show: Path, output: str) -> None:
    done = run("inspect", GOOD, "sh010/notes.txt", "--output", output)
    assert done.exit_code == 2
    assert f"--output would overwrite the EXR file {output}" in done.stderr
    assert Path("sh010/notes.txt").read_text() != ""
    assert not Path("other.exr").exists()


def test_faults_are_listed_if_the_documents_go_to_a_file(show: Path) -> None:
    done = run("inspect", "absent.exr", "sh020/beauty.1001.exr", "--output", "out.json")
    assert (done.exit_code, done.stdout) == (1, "")
    *faults, last = done.stderr.splitlines()
    assert [line.split(": ")[1] for line in faults] == ["FILE_NOT_FOUND", "CHUNKS_MISSING"]
    assert last == "2 files: 1 incomplete, 1 missing"


def test_unknown_completeness_is_shown_in_the_table(show: Path) -> None:
    """Three million lines in a sparse file, which is too large to judge."""
    window = attribute("dataWindow", "box2i", (0, 0, 7, 3_000_000))
    with Path("tall.exr").open("wb") as tall:
        tall.write(simple(4, 4, compression="none", attributes=[window]))
        tall.truncate(1 << 30)
    many = run("inspect", "tall.exr", GOOD, "--table")
    assert [line.split()[1] for line in many.stdout.splitlines()[2:4]] == ["ok?", "ok"]
    assert "tall.exr: COMPLETENESS_UNKNOWN: " in many.stderr
    assert "completeness unknown" in run("inspect", "tall.exr", "--table").stdout.splitlines()[1]


def test_the_first_of_many_faults_are_listed(show: Path) -> None:
    Path("bare.exr").write_bytes(b"\x76\x2f\x31\x01\x02\0\0\0" + b"a\0int\0\4\0\0\0\0\0\0\0" + b"\0")
    done = run("inspect", "bare.exr", "--table")
    assert [line.split(": ")[1] for line in done.stderr.splitlines()] == [
        *["REQUIRED_ATTRIBUTE"] * 3,
        "and 5 more",
    ]
    assert "None" not in done.stdout


def test_a_file_that_was_not_read_has_no_empty_tables(show: Path) -> None:
    done = run("inspect", "absent.exr", "--table")
    assert "Channels" not in done.stdout
    assert "missing" in done.stdout


def test_a_table_goes_into_no_file(show: Path) -> None:
    done = run("inspect", GOOD, "--table", "--output", "out.txt")
    assert (done.exit_code, Path("out.txt").exists()) == (2, False)
    assert "--output takes JSON" in done.stderr
