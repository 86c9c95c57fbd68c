"""What every command makes of a file that is not there, or not ok, and of a folder."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from exr_inspector.apps.cli.exits import ANSWERING, FOUND, OK, UNREAD
from tests.apps.cli.command import environment, run
from tests.exrfiles.attributes import attribute
from tests.exrfiles.demo import simple

GOOD, ABSENT, TEXT = "sh010/beauty.1001.exr", "absent.exr", "sh020/fake.exr"
EACH = [
    ["inspect"],
    ["inspect", "--jsonl"],
    ["stats"],
    ["stats", "--mode", "sampled"],
    ["stats", "--verify"],
    ["stats", "--db", "rows.duckdb"],
    ["cryptomatte"],
    ["cryptomatte", "--db", "rows.duckdb"],
    ["thumbnail", "-o", "picture.webp"],
]
OTHERS = [
    ["check", ABSENT],
    ["diff", GOOD, ABSENT],
    ["diff", "sh010", ABSENT],
    ["outliers", ABSENT],
    ["similar", "--db", "rows.duckdb", ABSENT],
    ["index", "--db", "rows.duckdb", "absent"],
]


def name(command: list[str]) -> str:
    return " ".join(command)


@pytest.mark.parametrize("command", [*([*each, ABSENT] for each in EACH), *OTHERS], ids=name)
def test_a_file_that_is_not_there_is_named_and_ends_in_1_or_3(show: Path, command: list[str]) -> None:
    run("inspect", "-n", GOOD, "--db", "rows.duckdb")
    done = run(*command)
    assert done.exit_code == (UNREAD if command[0] in ANSWERING else FOUND)
    assert "FILE_NOT_FOUND" in done.output or json.loads(done.stdout)["file"]["status"] == "missing"
    assert "absent" in done.output
    assert "0 of 0" not in done.output


@pytest.mark.parametrize("command", EACH, ids=name)
def test_a_file_that_is_not_ok_ends_in_1(show: Path, command: list[str]) -> None:
    done = run(*command, TEXT)
    assert done.exit_code == FOUND
    assert "NOT_AN_EXR" in done.output
    assert "0 of 0" not in done.output


@pytest.mark.parametrize("command", EACH[:-1], ids=name)
def test_one_file_that_is_not_there_ends_in_1(show: Path, command: list[str]) -> None:
    assert run(*command, GOOD, ABSENT).exit_code == FOUND
    assert run(*command, GOOD).exit_code == OK


@pytest.mark.parametrize(
    "command", [["inspect", "--jsonl"], ["stats", "--json"], ["cryptomatte", "--json"]], ids=name
)
def test_recursive_includes_the_files_below_a_folder(show: Path, command: list[str]) -> None:
    below = run(*command, "-r", "sh010").stdout.splitlines()
    beside = run(*command, "sh010").stdout.splitlines()
    assert (len(below), len(beside)) == (3, 2)


def test_the_faults_of_a_header_are_those_of_its_statistics(tmp_path: Path) -> None:
    path = tmp_path / "bad.exr"
    content = simple(4, 4)
    path.write_bytes(content.replace(b"dataWindow\0box2i", b"dataWindoX\0box2i"))
    for option in ([], ["--verify"]):
        done = run("stats", *option, path)
        reason = "REQUIRED_ATTRIBUTE: the required attribute dataWindow (box2i) is absent"
        assert done.stdout == f"{path}: {reason}\n"


def test_a_text_file_is_no_corrupt_image(show: Path) -> None:
    first = run("check", TEXT).stdout.splitlines()[0]
    assert first == "sh020/fake.exr · unreadable"


def test_a_decoder_reports_no_names_of_python(show: Path) -> None:
    content = bytearray(simple(64, 64, attributes=[attribute("pad", "string", "x")]))
    content[-40:-10] = b"\xff" * 30
    Path("bits.exr").write_bytes(content)
    done = run("stats", "--verify", "bits.exr")
    assert "CHUNK_CORRUPT: " in done.stdout
    assert "Error:" not in done.stdout


def test_frames_that_cannot_be_compared_have_a_reason(show: Path) -> None:
    for folder in ("a", "b"):
        for frame in (1, 2, 3):
            path = Path(folder, f"beauty.{frame:04}.exr")
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(simple(4, 4) if (folder, frame) != ("b", 2) else b"no image")
    done = run("diff", "a", "b")
    assert done.stdout.splitlines() == [
        "a/beauty.#.exr unknown 2",
        "  ? not compared at 2: NOT_AN_EXR: the file begins with 6e 6f 20 69, not 76 2f 31 01",
    ]
    reasons = json.loads(run("diff", "a", "b", "--json").stdout)["reasons"]
    assert list(reasons.values()) == ["2"]
    assert done.exit_code == UNREAD


def test_a_dry_run_creates_no_database(show: Path) -> None:
    done = run("index", "--dry-run", ".", "--db", "rows.duckdb", "--json")
    summary = json.loads(done.stdout)
    assert (summary["new"], summary["interrupted"], done.exit_code) == (5, False, OK)
    assert not Path("rows.duckdb").exists()


@pytest.mark.parametrize(
    "command",
    [
        ["stats", "--budget", "8"],
        ["stats", "--verify", "--budget", "8"],
        ["check", "--pixels", "full", "--budget", "8"],
        ["outliers", "--pixels", "none", "--budget", "8"],
    ],
    ids=name,
)
def test_a_budget_without_a_sample_is_wrong_usage(show: Path, command: list[str]) -> None:
    done = run(*command, GOOD)
    assert done.exit_code == 2
    assert "--budget limits a sample" in done.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_for_completion_can_be_printed(shell: str) -> None:
    done = run("completion", shell)
    assert done.exit_code == OK
    assert f"_EXR_INSPECTOR_COMPLETE={shell}_complete" in done.stdout


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ("ask missing-f", "missing-frames"),
        ("complet", "completion"),
        ("inspect --no-rec", "--no-recursive"),
        ("sql --cs", "--csv"),
    ],
)
def test_bash_completes_with_the_script(tmp_path: Path, words: str, completed: str) -> None:
    command = tmp_path / "exr-inspector"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m exr_inspector "$@"\n')
    command.chmod(0o755)
    script = f"""
        eval "$({command} completion bash)"
        COMP_WORDS=(exr-inspector {words})
        COMP_CWORD={len(words.split())}
        _exr_inspector_completion {command}
        echo "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(
        ["bash", "-c", script], env=environment(), capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [completed]
