"""What a user may type in place of a file: a pattern of a sequence, or names on standard input."""

from __future__ import annotations

import subprocess
from pathlib import Path

import click
import pytest

from exr_inspector.apps.cli.paths import expand, sequence_pattern
from exr_inspector.settings import Settings
from tests.apps.cli.command import COMMAND, environment

NAMES = ["beauty.1001.exr", "beauty.1002.exr", "beauty.1004.exr"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [*NAMES, "beauty.1.exr", "beauty_other.1001.exr", "beauty.#.txt"]:
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def named(*names: str) -> list[str]:
    return [Path(each.path).name for each in expand(names, recursive=False, settings=Settings())]


@pytest.mark.parametrize(
    "pattern",
    ["beauty.#.exr", "beauty.####.exr", "beauty.@@@@.exr", "beauty.%04d.exr", "beauty.$F4.exr", "*ty.#.exr"],
)
def test_a_pattern_names_the_files_of_a_sequence(folder: Path, pattern: str) -> None:
    assert named(pattern) == named(str(folder / pattern)) == NAMES


@pytest.mark.parametrize("pattern", ["beauty.[1002-1010].exr", "beauty.1002-1010#.exr"])
def test_a_pattern_with_frames_names_those_that_exist(folder: Path, pattern: str) -> None:
    assert named(pattern) == NAMES[1:]
    found = sequence_pattern(pattern, Settings())
    assert found
    assert found.key == str(folder / "beauty.#.exr")
    assert found.frames == tuple(range(1002, 1011))


def test_a_file_comes_before_the_pattern_of_its_name(folder: Path) -> None:
    (folder / "beauty.#.exr").touch()
    assert named("beauty.#.exr") == ["beauty.#.exr"]


def test_a_class_of_characters_is_a_wildcard(folder: Path) -> None:
    assert named("beauty.100[0-2].exr") == NAMES[:2]
    assert named("beauty.[0-9].exr") == ["beauty.1.exr"]


@pytest.mark.parametrize("pattern", ["nothing.#.exr", "beauty.[2001-2002].exr", "beauty.1-9999999#.exr"])
def test_a_pattern_without_files_or_with_too_many_frames_is_wrong_usage(folder: Path, pattern: str) -> None:
    with pytest.raises(click.UsageError):
        named(pattern)


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\0"])
def test_names_come_from_standard_input(folder: Path, end: bytes) -> None:
    command = [*COMMAND, "stats", "--dry-run", "--json", "-", "beauty.1.exr"]
    names = end.join(name.encode() for name in ["beauty.[1002-1004].exr", "beauty.1001.exr"])
    done = subprocess.run(
        command, input=names, env=environment(), capture_output=True, check=False, cwd=folder
    )
    found = [line.partition(b'","')[0].rpartition(b"/")[2].decode() for line in done.stdout.splitlines()]
    assert found == ["beauty.1002.exr", "beauty.1004.exr", "beauty.1001.exr", "beauty.1.exr"]
