"""SIGKILL of every process of an index at random moments: the next run completes what was done.

`make bench-index` kills 50 times.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest

from exr_inspector.apps.cli.exits import FOUND, OK
from exr_inspector.catalog.columns import TABLES
from tests.apps.cli.command import environment, run
from tests.apps.index.conftest import write
from tests.apps.index.test_index import DB, counts, index
from tests.apps.index.test_pool import rows
from tests.catalog import backends
from tests.exrfiles.demo import simple
from tests.sources.server import KEYS

KILLS = int(os.environ.get("KILLS", "2"))
ROOT = Path(__file__).parents[3]
CHANCE = random.Random(7)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180 + 60 * KILLS)]


@pytest.fixture
def many(tree: Path) -> Path:
    """Make 160 files, and the tables of a clean run."""
    for number in range(118):
        write(tree / f"many/frame.{number:04}.exr", simple(4, 4))
    index(tree, db="clean.duckdb")
    return tree


@contextmanager
def _process(*arguments: object, **variables: str) -> Iterator[subprocess.Popen[str]]:
    variables = environment(**variables)
    variables["PYTHONPATH"] += f":{ROOT}"
    command = [sys.executable, "-m", "tests.apps.index.killed", *map(str, arguments)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=variables, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def _children(pid: int) -> list[int]:
    try:
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []


def _wait_for_rows(process: subprocess.Popen[str]) -> None:
    """Wait until the first rows are stored."""
    log = Path(f"{DB}.wal")
    while not log.exists() or log.stat().st_size < 20_000:
        assert process.poll() is None
        time.sleep(0.01)


def test_a_killed_driver_leaves_what_the_next_run_completes(many: Path) -> None:
    """It is the one writer, too. No worker outlives it for long."""
    for _ in range(KILLS):
        with _process("index", many, "--db", DB, "-j2") as driver:
            time.sleep(CHANCE.uniform(0.5, 3))
            children = _children(driver.pid)
            driver.send_signal(signal.SIGKILL)
        deadline = time.monotonic() + 30
        while any(Path(f"/proc/{each}").exists() for each in children) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not [each for each in children if Path(f"/proc/{each}").exists()]
    assert sum(counts(index(many))[1:4]) == 160
    assert rows(DB) == rows("clean.duckdb")


def test_a_killed_worker_costs_nothing(many: Path) -> None:
    for _ in range(KILLS):
        Path(DB).unlink(missing_ok=True)
        with _process("index", many, "--db", DB, "-j2", "--json") as driver:
            _wait_for_rows(driver)
            time.sleep(CHANCE.uniform(0, 0.3))
            for worker in _children(driver.pid)[-1:]:  # the first one is Python's tracker of resources
                os.kill(worker, signal.SIGKILL)
            out, _ = driver.communicate()
        assert counts(json.loads(out)) == [160, 160, 0, 0, 0, 0]
        assert rows(DB) == rows("clean.duckdb")


def _facts(database: str) -> list[Any]:
    """Return what does not depend on when an object was put."""
    with duckdb.connect(database, read_only=True) as connection:
        files = connection.execute(
            "SELECT file_id, etag, header_hash, status FROM files ORDER BY 1"
        ).fetchall()
        others = [
            connection.execute(f"SELECT count(*), count(DISTINCT file_id) FROM {table}").fetchall()
            for table in TABLES
        ]
    return [files, others]


def test_a_killed_object_store_costs_another_run(many: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = {name.upper(): value for name, value in KEYS.items()}

    def indexed(url: str, database: str, *options: str) -> Any:
        for name, value in {"S3_ENDPOINT": url, **keys}.items():
            monkeypatch.setenv(name, value)
        done = run("index", "s3://renders", "--db", database, "--json", *options)
        return counts(json.loads(done.stdout))

    for _ in range(KILLS // 2):
        Path(DB).unlink(missing_ok=True)
        with _process("serve", many) as server:
            assert server.stdout
            url = server.stdout.readline().strip()
            with _process("index", "s3://renders", "--db", DB, "-j2", S3_ENDPOINT=url, **keys) as driver:
                _wait_for_rows(driver)
                time.sleep(CHANCE.uniform(0, 1))
                server.kill()
                driver.communicate()
            assert driver.returncode in (OK, FOUND)
    with _process("serve", many) as server:
        assert server.stdout
        url = server.stdout.readline().strip()
        assert sum(indexed(url, DB)[1:4]) == 160
        indexed(url, "objects.duckdb")
    assert _facts(DB) == _facts("objects.duckdb")


def test_a_database_that_breaks_off_holds_every_file_once_after_another_run(
    many: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its process is killed: connections break, and no transaction that was open is committed."""
    with backends.vast() as database:
        settings = database.settings()
        for name in ("endpoint", "access_key", "secret_key", "bucket", "journal"):
            monkeypatch.setenv(f"VAST_DB_{name.upper()}", getattr(settings, f"vast_{name}"))
        for _ in range(KILLS // 2):
            with _process("index", many, "-j2") as driver:
                while not database.server.requests.count("insert"):
                    assert driver.poll() is None
                    time.sleep(0.01)
                time.sleep(CHANCE.uniform(0, 1))
                database.server.expire()
                database.server._http.close_connections()
                driver.communicate()
            assert driver.returncode in (0, 2)
        done = run("index", many, "--json")
        assert sum(counts(json.loads(done.stdout))[1:4]) == 160
        found = {table: backends.rows(database, table) for table in TABLES}
    with duckdb.connect("clean.duckdb", read_only=True) as clean:
        for table, stored in found.items():
            (expected,) = clean.execute(f"SELECT count(*) FROM {table}").fetchall()[0]
            assert (table, len(stored)) == (table, expected)
        facts = clean.execute("SELECT file_id, facts_hash FROM files ORDER BY 1").fetchall()
    assert sorted((row["file_id"], row["facts_hash"]) for row in found["files"]) == facts
