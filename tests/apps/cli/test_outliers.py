from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.apps.cli.command import run
from tests.exrfiles import moving


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("renders")
    moving.write(folder, 12, kind="flashed", fault_at=5)
    return folder


def test_the_flashed_frame_is_listed_with_its_reasons(folder: Path) -> None:
    done = run("outliers", folder)
    assert done.exit_code == 1
    title, first, *_ = done.stdout.splitlines()
    assert title.endswith("beauty.#.exr: 1 of 12 frames to review")
    assert first.startswith("  1006: ")
    assert first.endswith(" times the typical change)")


def test_the_same_is_found_in_what_is_stored(folder: Path, tmp_path: Path) -> None:
    db = tmp_path / "x.duckdb"
    assert run("stats", folder, "--db", db).exit_code == 0
    lines = [
        json.loads(run("outliers", *arguments, "--pixels", "full", "--json").stdout)
        for arguments in ((folder,), ("--db", db, folder))
    ]
    assert lines[0]["outliers"] == lines[1]["outliers"]
    assert [each["frame"] for each in lines[1]["outliers"]] == [1006]


def test_a_frame_that_cannot_be_read_is_named(folder: Path, tmp_path: Path) -> None:
    for path in folder.iterdir():
        if "1006" not in path.name:
            (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "beauty.1006.exr").write_bytes(b"")
    done = run("outliers", tmp_path, "--pixels", "none")
    assert (done.exit_code, done.stdout.splitlines()[-1][-14:]) == (3, "not read: 1006")


def test_files_that_are_no_sequence_have_no_outliers(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "a.exr").write_bytes((folder / "beauty.1001.exr").read_bytes())
    done = run("outliers", tmp_path)
    assert (done.exit_code, done.stdout) == (0, "")
