"""`exr-inspector similar` on the command line. `tests/test_similar.py` tests the search itself."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.apps.cli.command import COMMAND, ending, environment, on_terminal, process, run, wait_for_cpu
from tests.exrfiles.demo import write_demo

QUERY = "shots/sq010/sh020/beauty.1002.exr"


@pytest.fixture
def stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder: the demo's show, and a database of it."""
    write_demo(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EXR_INSPECTOR_DB", "rows.duckdb")
    assert run("inspect", "-n", "-r", ".").exit_code == 1
    return tmp_path


def _found(*arguments: object) -> list[dict[str, Any]]:
    return [json.loads(line) for line in run("similar", QUERY, "--json", *arguments).stdout.splitlines()]


def _names(*arguments: object) -> list[str]:
    return [os.path.relpath(each["file_path"]) for each in _found(*arguments)]


def test_one_row_per_sequence_is_shown_and_never_the_query(stored: Path) -> None:
    names = _names()
    assert names[0] in {f"shots/sq010/sh020/beauty.{frame}.exr" for frame in (1001, 1003, 1004, 1005, 1006)}
    assert len([name for name in names if "sh020/beauty" in name]) == 1
    assert len(names) == 6
    assert QUERY not in names


def test_frames_shows_every_file_but_the_query(stored: Path) -> None:
    names = _names("--frames", "--limit", 100)
    assert len(names) == 10
    assert QUERY not in names


def test_explain_names_the_layers_and_attributes_that_differ(stored: Path) -> None:
    text = run("similar", QUERY, "--explain").stdout
    assert "- albedo, crypto_object00" in text
    assert "arnold/AA_samples" in text
    assert "only one has any" in text
    assert "2^" not in text
    assert "alike: " in text
    titles = [line for line in text.splitlines() if line.endswith(".exr")]
    assert QUERY not in titles


def test_explain_leaves_no_blank_unexplained(stored: Path) -> None:
    """Each group that separates two files names features, or says why it names none."""
    lines = run(
        "similar", QUERY, "--explain", "--where", "file_path LIKE '%sh010/beauty%'"
    ).stdout.splitlines()
    (resolution,) = (line for line in lines if line.startswith("resolution"))
    assert resolution.endswith("(other numbers)")


def test_the_groups_are_json_too(stored: Path) -> None:
    stereo = next(each for each in _found("--explain") if "stereo" in each["file_path"])
    layers = next(each for each in stereo["groups"] if each["group"] == "layers")
    assert "albedo" in layers["only_query"]
    assert "depth" in layers["only_match"]


@pytest.mark.parametrize("columns", [80, 120])
def test_the_answer_fits_the_terminal(stored: Path, columns: int) -> None:
    screen = on_terminal("similar", QUERY, "--explain", columns=columns)
    assert max(map(len, screen.lines)) <= columns
    assert any(line.startswith("1.0000") and line.rstrip()[-1].isalnum() for line in screen.lines)


def test_a_runaway_condition_ends_after_the_timeout(stored: Path) -> None:
    """Even a single expression, which DuckDB does not interrupt."""
    runaway = "list_sum(list_transform(range(100000000), lambda x: x * 2)) > 0"
    done = process("similar", QUERY, "--timeout", "1", "--where", runaway)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.startswith(b"exr-inspector: QUERY_LIMIT: the query took longer than 1 seconds")


def test_ctrl_c_ends_a_search(stored: Path) -> None:
    endless = "list_sum(list_transform(range(100000000), lambda x: x * 2)) > 0"
    with ending(
        subprocess.Popen(
            [*COMMAND, "similar", QUERY, "--where", endless], env=environment(), stderr=subprocess.PIPE
        )
    ) as running:
        wait_for_cpu(running, 2.0)
        running.send_signal(signal.SIGINT)
        assert running.wait(60) in (130, -signal.SIGINT)
