"""Worker processes: they die and nothing is lost; the driver dies and the next run continues."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import duckdb
import pytest

from exr_inspector.apps.cli import executors
from exr_inspector.apps.index import pool, worker
from exr_inspector.catalog.columns import TABLES
from exr_inspector.catalog.plan import AUDIT_COLUMNS
from tests.apps.cli.command import COMMAND, environment, run
from tests.apps.index import faulty
from tests.apps.index.conftest import write
from tests.apps.index.test_index import DB, counts, index, query
from tests.exrfiles.demo import simple

ALWAYS_DIFFERENT = {*AUDIT_COLUMNS, "computed_at"}


@pytest.fixture
def workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use worker processes also for few files, in small shards."""
    monkeypatch.setattr(executors, "MIN_FILES_FOR_WORKERS", 1)
    monkeypatch.setattr(pool.shards, "__defaults__", (4,))


def rows(database: str) -> dict[str, list[Any]]:
    """Return the tables without what differs between two runs."""
    with duckdb.connect(database, read_only=True) as connection:
        return {
            table: connection.execute(
                f"SELECT {', '.join(set(schema.names) - ALWAYS_DIFFERENT)} FROM {table} ORDER BY ALL"
            ).fetchall()
            for table, schema in TABLES.items()
        }


@pytest.mark.usefixtures("workers")
def test_worker_processes_make_the_tables_that_one_process_makes(tree: Path) -> None:
    assert counts(index(tree, "-j2")) == [42, 42, 0, 0, 0, 0]
    index(tree, "-j1", db="one.duckdb")
    names = ", ".join(sorted(set(TABLES["files"].names) - ALWAYS_DIFFERENT))
    with duckdb.connect("one.duckdb") as one:
        expected = one.execute(f"SELECT {names} FROM files ORDER BY file_id").fetchall()
    assert query(f"SELECT {names} FROM files ORDER BY file_id") == expected


@pytest.mark.usefixtures("workers")
def test_a_file_that_kills_workers_becomes_a_row_and_costs_no_other(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tree / "sh001/killer.exr", simple(4, 4))
    write(tree / "sh003/once.exr", simple(4, 4))
    monkeypatch.setattr(worker, "inspect_shard", faulty.inspect_shard)
    assert counts(index(tree, "-j2")) == [44, 44, 0, 0, 0, 0]
    lost = query("SELECT file_path, status, writing FROM files WHERE errors_json LIKE '%WORKER_LOST%'")
    assert lost == [(str(tree / "sh001/killer.exr"), "unsupported", False)]
    assert query("SELECT count(*), count(DISTINCT file_id) FROM files") == [(44, 44)]
    assert counts(index(tree, "-j2")) == [44, 0, 0, 44, 0, 0]


@pytest.mark.timeout(120)
@pytest.mark.usefixtures("workers")
def test_a_worker_that_dies_in_the_middle_of_its_answer_costs_a_retry(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pool whose workers share a pipe waits for the rest of the answer."""
    write(tree / "sh003/half.exr", simple(4, 4))
    monkeypatch.setattr(worker, "inspect_shard", faulty.inspect_shard)
    assert counts(index(tree, "-j2")) == [43, 43, 0, 0, 0, 0]
    assert query("SELECT count(*) FROM files WHERE errors_json LIKE '%WORKER_LOST%'") == [(0,)]


def test_workers_that_die_whatever_they_inspect_are_reported_and_condemn_no_file(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executors, "MIN_FILES_FOR_WORKERS", 1)
    monkeypatch.setattr(worker, "inspect_shard", faulty.die)
    done = run("index", tree / "sh001/beauty.1001.exr", "--db", DB, "-j2")
    assert done.exit_code == 2
    assert "NO_WORKERS: worker processes do not start, or die on every file" in done.stderr
    assert query("SELECT count(*) FROM files") == [(0,)]


@pytest.mark.usefixtures("workers")
def test_an_unexpected_error_shows_where_it_was_raised(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "inspect_shard", faulty.fail)
    with pytest.raises(ZeroDivisionError) as error:
        run("index", tree, "--db", DB, "-j2")
    assert "in fail" in str(error.value.__cause__)


def test_no_worker_starts_if_nothing_is_new(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index(tree)
    monkeypatch.setattr(executors, "MIN_FILES_FOR_WORKERS", 0)
    monkeypatch.setattr(pool.Processes, "_start", None)
    assert counts(index(tree, "-j2")) == [42, 0, 0, 42, 0, 0]


@pytest.mark.slow
def test_ctrl_c_stores_what_is_under_way_and_the_next_run_continues(tree: Path) -> None:
    for number in range(1500):
        write(tree / f"many/frame.{number:04}.exr", simple(4, 4))
    with subprocess.Popen(
        [*COMMAND, "index", str(tree), "--db", DB, "-j1"],
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        while not Path(f"{DB}.wal").exists() or Path(f"{DB}.wal").stat().st_size < 200_000:
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGINT)
        out, _ = process.communicate()
    assert process.returncode == 130
    assert out.startswith("Interrupted: 1,542 seen, ")
    stored = query("SELECT count(*) FROM files")[0][0]
    assert f" {stored:,} new" in out
    assert 0 < stored < 1542
    assert counts(index(tree)) == [1542, 1542 - stored, 0, stored, 0, 0]


def test_garbage_is_looked_for_as_before_after_a_batch() -> None:
    before = gc.get_threshold()
    with worker.collecting_rarely():
        assert gc.get_threshold() > before
    assert gc.get_threshold() == before
