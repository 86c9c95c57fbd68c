"""One file under all of its names: an NFS path, an SMB path, a drive letter and an S3 key."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.apps.cli.command import run
from tests.sources.server import KEYS, S3Server

NAME = "sh010/beauty.1001.exr"
CANONICAL = f"s3://renders/{NAME}"
NAMES = {
    "NFS": "{show}/" + NAME,
    "SMB": r"\\vast\renders\sh010\beauty.1001.exr",
    "SMB with slashes": "//vast/renders/" + NAME,
    "drive": r"R:\sh010\beauty.1001.exr",
    "S3": CANONICAL,
}


@pytest.fixture
def mapped(show: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The show, mounted and mapped to a bucket."""
    prefixes = (str(show), r"\\vast\renders", "R:\\")
    monkeypatch.setenv("EXR_INSPECTOR_PATH_MAP", ";".join(f"{each}=s3://renders" for each in prefixes))
    return show


def _lines(*arguments: object) -> list[dict[str, Any]]:
    return [json.loads(line) for line in run(*arguments).stdout.splitlines()]


@pytest.mark.parametrize("name", NAMES)
def test_every_name_of_a_file_is_accepted(mapped: Path, name: str) -> None:
    done = run("inspect", NAMES[name].format(show=mapped))
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["file"]["path"] == CANONICAL


def test_all_names_of_a_file_are_one_file(mapped: Path) -> None:
    names = [each.format(show=mapped) for each in NAMES.values()]
    assert len(_lines("inspect", "--jsonl", *names)) == 1


def test_a_folder_of_another_platform_is_searched_here(mapped: Path) -> None:
    documents = _lines("inspect", "--jsonl", r"\\vast\renders\sh010")
    assert documents[0]["file"]["path"] == CANONICAL
    assert len(documents) == 2


def test_people_see_the_path_of_their_platform(mapped: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    done = run("inspect", "--table", "--db", mapped / "rows.duckdb", CANONICAL, f"{mapped}/sh020/fake.exr")
    assert str(mapped / NAME)[1:] in done.stdout
    assert done.stderr.startswith(f"{mapped}/sh020/fake.exr: NOT_AN_EXR")
    assert "s3://" not in done.output
    similar = run("similar", CANONICAL, "--frames", "--db", mapped / "rows.duckdb")
    assert "s3://" not in similar.output


@pytest.mark.parametrize("name", NAMES)
def test_every_name_of_a_stored_file_is_compared(mapped: Path, name: str) -> None:
    run("inspect", "-n", "-r", "sh010", "--db", "rows.duckdb")
    found = _lines("similar", NAMES[name].format(show=mapped), "--frames", "--json", "--db", "rows.duckdb")
    assert [Path(each["file_path"]).name for each in found] == ["beauty.1002.EXR", "left.exr"]


@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_is_gone_is_compared_as_it_was_stored(mapped: Path, name: str) -> None:
    run("inspect", "-n", "-r", "sh010", "--db", "rows.duckdb")
    Path(NAME).unlink()
    found = _lines("similar", NAMES[name].format(show=mapped), "--frames", "--json", "--db", "rows.duckdb")
    assert [Path(each["file_path"]).name for each in found] == ["beauty.1002.EXR", "left.exr"]
    missing = run("similar", "sh010/absent.exr", "--db", "rows.duckdb")
    assert (missing.exit_code, "FILE_NOT_FOUND" in missing.stderr) == (1, True)


def test_an_s3_name_is_read_from_s3_if_a_service_is_configured(
    mapped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with S3Server() as s3:
        s3.bucket("renders")
        s3.put("renders", NAME, b"another file")
        monkeypatch.setenv("S3_ENDPOINT", s3.url)
        monkeypatch.setenv("S3_ACCESS_KEY", KEYS["s3_access_key"])
        monkeypatch.setenv("S3_SECRET_KEY", KEYS["s3_secret_key"])
        (document,) = _lines("inspect", CANONICAL)
    assert document["file"]["status"] == "unsupported"
    assert document["file"]["etag"]
