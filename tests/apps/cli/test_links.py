"""Frames that cannot be read: dangling links, link loops, named pipes. A wrangler looks for them."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.apps.cli.command import ending, run, unprivileged
from tests.apps.cli.test_inspect import rows_of


@pytest.fixture
def broken(show: Path) -> Path:
    Path("sh010/beauty.1003.exr").symlink_to("moved.exr")
    Path("sh010/beauty.1004.exr").symlink_to("beauty.1005.exr")
    Path("sh010/beauty.1005.exr").symlink_to("beauty.1004.exr")
    os.mkfifo("sh010/beauty.1006.exr")
    return show


EXPECTED = {
    "beauty.1001.exr": ("ok", None),
    "beauty.1002.EXR": ("ok", None),
    "beauty.1003.exr": ("missing", "DANGLING_LINK"),
    "beauty.1004.exr": ("missing", "LINK_LOOP"),
    "beauty.1005.exr": ("missing", "LINK_LOOP"),
    "beauty.1006.exr": (None, "NOT_A_FILE"),
}


def _found(*arguments: object) -> dict[str, tuple[str | None, str | None]]:
    documents: list[dict[str, Any]] = json.loads(run("inspect", *arguments).stdout)
    return {
        Path(each["file"]["path"]).name: (
            each["file"]["status"],
            each["errors"][0]["code"] if each["errors"] else None,
        )
        for each in documents
    }


def test_a_folder_shows_its_dangling_links_loops_and_pipes(broken: Path) -> None:
    assert _found("sh010") == EXPECTED
    assert _found("sh010/*.exr", "sh010/*.EXR") == EXPECTED
    assert run("inspect", "sh010").exit_code == 1


def test_a_dangling_link_says_where_it_points(broken: Path) -> None:
    done = run("inspect", "-n", "sh010/beauty.1003.exr")
    assert "DANGLING_LINK: the link points to moved.exr, which does not exist" in done.stderr
    assert done.stderr.splitlines()[-1] == "1 file: 1 missing"


def test_a_missing_frame_has_a_row_and_what_is_no_file_has_none(broken: Path) -> None:
    run("inspect", "-n", "sh010", "--db", "rows.duckdb")
    found = {Path(path).name: status for path, status in rows_of("rows.duckdb")}
    assert found == {name: status for name, (status, _) in EXPECTED.items() if status}


def test_a_repaired_link_is_ok_the_next_time(broken: Path) -> None:
    run("inspect", "-n", "sh010", "--db", "rows.duckdb")
    Path("sh010/moved.exr").write_bytes(Path("sh010/beauty.1001.exr").read_bytes())
    run("inspect", "-n", "sh010", "--db", "rows.duckdb")
    found = {Path(path).name: status for path, status in rows_of("rows.duckdb")}
    assert found["beauty.1003.exr"] == "ok"


def test_the_writer_of_a_named_pipe_is_not_disturbed(broken: Path) -> None:
    """Opening the pipe would let the writer continue, and closing it would end the writer."""
    with ending(subprocess.Popen(["bash", "-c", "echo frame > sh010/beauty.1006.exr"])) as writer:
        assert _found("sh010") == EXPECTED
        assert Path("sh010/beauty.1006.exr").read_text() == "frame\n"
    assert writer.returncode == 0


def test_a_socket_is_no_file(show: Path) -> None:
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind("sh010/a.exr")
        assert _found("sh010")["a.exr"] == (None, "NOT_A_FILE")


def test_a_folder_that_is_called_like_a_frame_is_searched_and_not_reported(show: Path) -> None:
    Path("sh010/deep").rename("sh010/deep.exr")
    assert list(_found("-r", "sh010")) == ["beauty.1001.exr", "beauty.1002.EXR", "left.exr"]


def test_a_link_to_a_folder_is_not_followed(show: Path) -> None:
    Path("sh010/all").symlink_to("..")
    assert "fake.exr" not in _found("-r", "sh010")


def test_an_unreadable_file_has_an_absolute_path_and_no_status(show: Path) -> None:
    """Nothing is known about it, so it gets no row."""
    Path("sh010/beauty.1001.exr").chmod(0)
    done = unprivileged("inspect", "sh010/beauty.1001.exr")
    document = json.loads(done.stdout)
    assert document["file"]["path"] == str(show / "sh010/beauty.1001.exr")
    assert (document["file"]["status"], document["errors"][0]["code"]) == (None, "STORAGE_DENIED")
    assert done.stderr == b"1 file: 1 not read\n"
