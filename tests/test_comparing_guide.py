"""docs/COMPARING.md: its commands run, and print what it shows."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from tests.apps.cli.command import run
from tests.exrfiles.versions import write_versions
from tests.test_docs import _blocks, _commands

GUIDE = "docs/COMPARING.md"
_, *COMMANDS = _commands(GUIDE)
OUTPUTS = _blocks(GUIDE, "text")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("guide")
    write_versions(folder / "build" / "versions")
    return folder


def test_the_guide_begins_by_writing_its_files() -> None:
    assert _commands(GUIDE)[0] == "python -m tests.exrfiles.versions build/versions"


@pytest.mark.parametrize(("command", "output"), list(zip(COMMANDS, OUTPUTS, strict=True)))
def test_a_command_prints_what_the_guide_shows(
    command: str, output: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    program, *arguments = shlex.split(command)
    assert program == "exr-inspector"
    done = run(*arguments)
    assert done.exit_code == 1
    # Sizes depend on the version of the compression library.
    shown, printed = (
        [line for line in text.splitlines() if "size in bytes" not in line] for text in (output, done.stdout)
    )
    assert printed == shown


def test_the_python_of_the_guide_runs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (script,) = _blocks(GUIDE, "python")
    monkeypatch.chdir(folder)
    exec(script, {})
