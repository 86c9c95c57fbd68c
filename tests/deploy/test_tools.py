"""The small programs behind deploy.sh and `make build`."""

from __future__ import annotations

import gzip
import io
import json
import subprocess
import sys
import tarfile
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from deploy.answers import UnclearError, exists, read, revision, status
from deploy.mask import secrets_pattern
from deploy.pack import FOLDER, archive, compressed, contents, unpack
from exr_inspector.apps.deployment.env_file import PACKED_CA_BUNDLE
from tests.deploy.conftest import ROOT, SETTINGS, write_env

# --- packing ----------------------------------------------------------------------------------------------


def test_make_build_writes_the_same_bytes_twice(tmp_path: Path) -> None:
    command = ["make", "--silent", "build", f"PYTHON={sys.executable}"]
    output = ROOT / "build" / "exr_inspector.tar.gz"
    made = [(subprocess.run(command, cwd=ROOT, check=True), output.read_bytes())[1] for _ in range(2)]
    assert made[0] == made[1]
    assert gzip.decompress(made[0]) == archive(contents())


def test_the_archive_has_the_files_of_the_folder_in_git_without_the_apps() -> None:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "exr_inspector"]
    listed = subprocess.run(command, cwd=FOLDER.parent, capture_output=True, text=True, check=True)
    with tarfile.open(fileobj=io.BytesIO(archive(contents()))) as tar:
        names = tar.getnames()
    assert names == sorted(
        name
        for name in listed.stdout.split()
        if (FOLDER.parent / name).is_file() and not name.startswith("exr_inspector/exr_inspector/apps/")
    )


def test_times_modes_caches_and_stray_files_do_not_change_the_archive(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    unpack(contents(), one)
    unpack(contents(), other)
    (other / "main.py").chmod(0o700)
    stray = (
        *("__pycache__/main.cpython-312.pyc", ".env", "exr.duckdb", "build.log", "server.pem"),
        *(".venv/lib/x.py", "exr_inspector/apps/cli/x.py", "customDeps/.cache/x.whl"),
    )
    for name in stray:
        (other / name).parent.mkdir(parents=True, exist_ok=True)
        (other / name).write_text("S3_SECRET_KEY=x")
    assert archive(contents(other)) == archive(contents(one)) == archive(contents())


@pytest.mark.parametrize("name", ["customDeps/studio-1.0-py3-none-any.whl", "customDeps/lib/data.bin"])
def test_every_file_of_custom_deps_is_packed(name: str, tmp_path: Path) -> None:
    folder, target = tmp_path / "exr_inspector", tmp_path / "packed"
    unpack(contents(), folder)
    (folder / name).parent.mkdir(parents=True)
    (folder / name).write_bytes(b"PK\x03\x04")
    unpack(contents(folder), target)
    assert (target / name).read_bytes() == b"PK\x03\x04"


def test_the_ca_bundle_is_packed_where_the_setting_of_the_pipeline_points(tmp_path: Path) -> None:
    bundle = tmp_path / "studio.pem"
    bundle.write_bytes(b"-----BEGIN CERTIFICATE-----")
    unpack(contents(ca_bundle=bundle), tmp_path / "workspace")
    packed = tmp_path / "workspace" / PurePosixPath(PACKED_CA_BUNDLE).relative_to("/workspace")
    assert packed.read_bytes() == bundle.read_bytes()
    assert archive(contents(ca_bundle=bundle)) != archive(contents())


def test_unpacking_removes_the_files_of_an_earlier_build(tmp_path: Path) -> None:
    target = tmp_path / "source"
    target.mkdir()
    (target / "old.py").touch()
    unpack(contents(), target)
    assert list(contents(target)) == list(contents())


def test_the_gzip_header_has_no_time_and_no_file_name() -> None:
    packed = compressed(b"x")
    assert packed[3] == 0  # no optional fields, so no name
    assert packed[4:8] == bytes(4)  # no time


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
    assert secrets_pattern(["key", "key-longer"]).sub("***", "a key-longer and a key") == "a *** and a ***"


def test_without_secrets_nothing_is_masked() -> None:
    assert secrets_pattern(["", ""]).sub("***", "all of this stays") == "all of this stays"


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
