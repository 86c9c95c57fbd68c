"""`index --watch`: a real process that follows a real folder."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest

from exr_inspector import mounts
from tests.apps.cli.command import COMMAND, environment, run
from tests.apps.index.conftest import write
from tests.apps.index.test_index import DB, counts, index, query
from tests.apps.index.test_pool import rows
from tests.exrfiles.demo import simple, truncated


class Watcher:
    """A process that watches. It prints a line of JSON for each run that found something."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def next(self) -> dict[str, Any]:
        assert self.process.stdout
        summary: dict[str, Any] = json.loads(self.process.stdout.readline())
        return summary

    def until(self, name: str, number: int) -> None:
        """Read summaries until a count has reached a number: changes may be found in several runs."""
        while number > 0:
            number -= self.next()[name]
        assert number == 0


@contextmanager
def watching(*options: str, settle: int = 300) -> Iterator[Watcher]:
    """Watch `tree`, and end by Ctrl-C."""
    variables = environment(EXR_INSPECTOR_SETTLE_SECONDS=str(settle))
    command = [*COMMAND, "index", "tree", "--watch", "--db", DB, "--json", *options]
    with subprocess.Popen(
        command, env=variables, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            yield Watcher(process)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)
    assert process.returncode == 130


def test_what_is_new_changed_moved_and_gone_is_indexed(tree: Path) -> None:
    with watching("--yes") as watcher:
        assert counts(watcher.next()) == [42, 42, 0, 0, 0, 0]
        write(tree / "deep/er/new.exr", simple(4, 4))
        (tree / "deep/er/new.exr").with_name("part").write_bytes(simple(4, 4))
        (tree / "deep/er/part").rename(tree / "deep/er/renamed.exr")
        watcher.until("new", 2)
        write(tree / "sh001/beauty.1001.exr", simple(8, 8))
        watcher.until("changed", 1)
        (tree / "sh002").rename(tree / "sh009")
        watcher.until("deleted", 10)
        (tree / "sh001/beauty.1002.exr").unlink()
        watcher.until("deleted", 1)
    assert query("SELECT count(*) FROM files WHERE file_path LIKE '%/sh009/%'") == [(10,)]
    found = rows(DB)
    Path(DB).unlink()
    index(tree)
    assert rows(DB) == found


def published(sql: str) -> list[Any]:
    with duckdb.connect("copy.duckdb", read_only=True) as copy:
        return copy.execute(sql).fetchall()


def test_a_frame_that_is_being_written_is_looked_at_again_when_it_has_settled(tree: Path) -> None:
    with watching("--publish", "copy.duckdb", settle=2) as watcher:
        watcher.next()
        (tree / "sh001/young.exr").write_bytes(truncated(simple(64, 64)))
        watcher.until("new", 1)
        # Ends by the copy that is published while the process runs.
        while published("SELECT writing FROM files WHERE file_path LIKE '%/young.exr'") != [(False,)]:
            assert watcher.process.poll() is None
            time.sleep(0.1)


def test_a_name_that_is_not_utf_8_does_not_end_it(tree: Path) -> None:
    with watching() as watcher:
        watcher.next()
        for name in (b"caf\xe9.exr", b"th\xe9.exr", b"later.exr"):
            Path(os.fsdecode(bytes(tree / "sh001") + b"/" + name)).write_bytes(simple(4, 4))
            watcher.until("new", 1)
    assert query("SELECT count(*) FROM files") == [(45,)]


def test_a_folder_that_was_gone_is_followed_again(tree: Path) -> None:
    with watching() as watcher:
        watcher.next()
        shutil.rmtree(tree)
        write(tree / "sh001/back.exr", simple(4, 4))
        watcher.until("new", 1)
        write(tree / "sh001/later.exr", simple(4, 4))
        watcher.until("new", 1)


def test_the_last_copy_has_everything(tree: Path) -> None:
    with watching("--publish", "copy.duckdb") as watcher:
        watcher.next()
        write(tree / "sh001/new.exr", simple(4, 4))
        watcher.until("new", 1)
    assert published("SELECT count(*) FROM files") == [(43,)]


def test_only_folders_of_this_machine_are_watched(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for root in (tree / "sh001/beauty.1001.exr", "s3://renders"):
        monkeypatch.setenv("S3_ENDPOINT", "http://127.0.0.1:1")
        done = run("index", root, "--watch", "--db", DB)
        assert (done.exit_code, "--watch follows local folders only" in done.stderr) == (2, True)
    monkeypatch.setattr(mounts, "is_on_network", lambda _: "nfs4 vast:/renders")
    monkeypatch.setattr("exr_inspector.apps.index.watch.is_on_network", lambda _: "nfs4 vast:/renders")
    done = run("index", tree, "--watch", "--db", "other.duckdb")
    assert done.exit_code == 2
    assert "BAD_SETTING: nfs4 vast:/renders does not report changes by other machines" in done.stderr
