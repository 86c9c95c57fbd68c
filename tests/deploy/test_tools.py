"""The small programs behind deploy.sh and `make build`."""

from __future__ import annotations

import gzip
import io
import json
import re
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

from deploy.answers import UnclearError, exists, read, revision, status
from deploy.mask import pattern_of
from deploy.pack import FOLDER, KEPT, archive, compressed, files, unpack
from tests.deploy.conftest import ROOT, SETTINGS, write_env

# --- packing ----------------------------------------------------------------------------------------------


def _names(tar: bytes) -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(tar)) as opened:
        return opened.getnames()


def test_make_build_gives_the_same_bytes_twice(tmp_path: Path) -> None:
    command = ["make", "--silent", "build", f"PYTHON={sys.executable}"]
    output = ROOT / "build" / "exr_inspector.tar.gz"
    made = [(subprocess.run(command, cwd=ROOT, check=True), output.read_bytes())[1] for _ in range(2)]
    assert made[0] == made[1]
    assert gzip.decompress(made[0]) == archive()


def test_the_archive_holds_the_files_of_the_folder_in_git_without_the_apps() -> None:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "exr_inspector"]
    listed = subprocess.run(command, cwd=FOLDER.parent, capture_output=True, text=True, check=True)
    assert _names(archive()) == sorted(
        name
        for name in listed.stdout.split()
        if (FOLDER.parent / name).is_file() and not name.startswith("exr_inspector/exr_inspector/apps/")
    )


def test_times_modes_and_what_else_lies_about_do_not_count(tmp_path: Path) -> None:
    one, other = tmp_path / "one" / "exr_inspector", tmp_path / "other" / "exr_inspector"
    unpack(one)
    unpack(other)
    (other / "main.py").chmod(0o700)
    for name in ("__pycache__/main.cpython-312.pyc", ".env", "exr.duckdb", "build.log", ".venv/lib/x.py"):
        (other / name).parent.mkdir(parents=True, exist_ok=True)
        (other / name).write_text("S3_SECRET_KEY=x")
    assert archive(other) == archive(one) == archive()


def test_unpacking_leaves_nothing_of_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "old.py").touch()
    unpack(tmp_path / "source")
    assert [each.relative_to(tmp_path / "source") for each in files(tmp_path / "source")] == [
        each.relative_to(FOLDER) for each in files()
    ]


def test_the_compressed_archive_names_no_time_and_no_file() -> None:
    packed = compressed(b"x")
    assert packed[3] == 0  # no optional fields, so no name
    assert packed[4:8] == bytes(4)  # no time


def test_nothing_is_kept_by_a_pattern_that_would_take_all() -> None:
    assert not [pattern for pattern in KEPT if re.fullmatch(r"[*.]+", pattern)]


# --- what vastde answers ----------------------------------------------------------------------------------

FUNCTION = {
    "name": "exr-inspector",
    "last_published_revision_number": 2,
    "revisions": [
        {"revision_number": 1, "image_tag": "a", "is_published": True},
        {"revision_number": 2, "image_tag": "b", "is_published": True},
        {"revision_number": 3, "image_tag": "c", "is_published": False},
    ],
}


@pytest.mark.parametrize(
    ("answer", "there"),
    [
        ([{"name": "exr-inspector"}], True),
        ({"data": [{"name": "other"}, {"name": "exr-inspector"}]}, True),
        ([{"name": "exr-inspector-pipeline"}], False),
        ([], False),
        ({"data": []}, False),
    ],
)
def test_an_object_exists_only_by_its_whole_name(answer: Any, there: bool) -> None:
    assert exists(answer, "exr-inspector") is there


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, 2),
        ({"tag": "a"}, 1),
        ({"tag": "c"}, None),
        ({"number": 1}, 1),
        ({"number": 3}, None),
        ({"number": 4}, None),
    ],
)
def test_only_published_revisions_are_found(asked: dict[str, Any], found: int | None) -> None:
    assert revision(FUNCTION, **asked) == found


def test_the_status_is_that_of_the_pipeline_and_not_of_its_parts() -> None:
    parts = [{"name": "part", "status": "Ready"}]
    assert status({"function_deployments": parts, "status": "Failed"}) == "Failed"
    with pytest.raises(UnclearError):
        status({"name": "no status"})


@pytest.mark.parametrize("text", ["", "\n", "No functions available\n"])
def test_words_for_nothing_are_an_empty_list(text: str) -> None:
    assert read(text) == []


@pytest.mark.parametrize("text", ["<html>", "Error: 401", "Nothing"])
def test_other_words_are_no_answer(text: str) -> None:
    with pytest.raises(UnclearError):
        read(text)


@pytest.mark.parametrize(
    ("words", "text", "code", "printed"),
    [
        (["exists", "x"], '[{"name": "x"}]', 0, ""),
        (["exists", "x"], "[]", 1, ""),
        (["revision", "--tag", "b"], json.dumps(FUNCTION), 0, "2\n"),
        (["status", "Ready"], '{"status": "Failed"}', 1, "Failed\n"),
        (["status", "Ready"], "oops", 2, ""),
    ],
)
def test_the_exit_code_is_the_answer(words: list[str], text: str, code: int, printed: str) -> None:
    command = [sys.executable, "-m", "deploy.answers", *words]
    done = subprocess.run(command, cwd=ROOT, input=text, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (code, printed)


# --- masking ----------------------------------------------------------------------------------------------


def test_the_longer_of_two_secrets_is_masked_whole() -> None:
    assert pattern_of(["key", "key-longer"]).sub("***", "a key-longer and a key") == "a *** and a ***"


def test_without_secrets_nothing_is_masked() -> None:
    assert pattern_of(["", ""]).sub("***", "all of this stays") == "all of this stays"


def test_lines_pass_as_they_come_and_bytes_that_are_no_text_stay(tmp_path: Path) -> None:
    config = write_env(tmp_path / ".env", SETTINGS)
    command = [sys.executable, "-m", "deploy.mask", str(config)]
    path = f"{ROOT / 'functions/exr_inspector'}"
    with subprocess.Popen(
        command, cwd=ROOT, env={"PYTHONPATH": path}, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(b"bytes \xff then database-secret\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"bytes \xff then ***\n"
        process.stdin.close()
    assert process.returncode == 0
