"""`index` into VAST DataBase, by the stand-in: the same answers, and workers that store rows themselves."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from exr_inspector.apps.cli import executors
from exr_inspector.apps.index import pool
from exr_inspector.catalog.duckdb.snapshot import Snapshot
from tests.apps.cli.command import COMMAND, environment, run
from tests.apps.index.conftest import write
from tests.apps.index.test_index import counts
from tests.catalog.backends import Vast, rows
from tests.exrfiles.demo import simple


def _index(*arguments: object) -> dict[str, Any]:
    done = run("index", *arguments, "--json")
    assert done.exit_code == 0, done.output
    summary: dict[str, Any] = json.loads(done.stdout)
    return summary


def test_an_index_finds_what_is_new_changed_and_gone(tree: Path, database: Vast) -> None:
    assert counts(_index(tree)) == [42, 42, 0, 0, 0, 0]
    assert counts(_index(tree)) == [42, 0, 0, 42, 0, 0]
    write(tree / "sh001/new.exr", simple(4, 4))
    write(tree / "sh001/beauty.1002.exr", simple(8, 8))
    (tree / "sh001/beauty.1001.exr").unlink()
    assert counts(_index(tree)) == [42, 1, 1, 40, 1, 0]
    names = [Path(row["file_path"]).name for row in rows(database, "files") if "sh001" in row["file_path"]]
    assert "beauty.1001.exr" not in names
    assert "new.exr" in names
    assert counts(_index(tree / "sh002")) == [10, 0, 0, 10, 0, 0]


@pytest.mark.slow
def test_workers_store_rows_themselves_and_double_none(
    tree: Path, database: Vast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executors, "MIN_FILES_FOR_WORKERS", 1)
    monkeypatch.setattr(pool.shards, "__defaults__", (6,))
    assert counts(_index(tree, "-j2")) == [42, 42, 0, 0, 0, 0]
    file_ids = [row["file_id"] for row in rows(database, "files")]
    assert len(file_ids) == len(set(file_ids)) == 42
    assert counts(_index(tree, "-j2")) == [42, 0, 0, 42, 0, 0]


@pytest.mark.slow
def test_two_indexes_of_overlapping_roots_at_once_leave_one_set_of_rows(tree: Path, database: Vast) -> None:
    roots = (tree, tree / "sh001")
    processes = [
        subprocess.Popen(
            [*COMMAND, "index", str(root), "--json"], env=environment(), stdout=subprocess.PIPE, text=True
        )
        for root in roots
    ]
    summaries = [json.loads(each.communicate()[0]) for each in processes]
    assert [each.returncode for each in processes] == [0, 0]
    assert [each["failed"] for each in summaries] == [0, 0]
    file_ids = [row["file_id"] for row in rows(database, "files")]
    assert len(file_ids) == len(set(file_ids)) == 42
    assert counts(_index(tree)) == [42, 0, 0, 42, 0, 0]


def test_a_batch_of_500_files_takes_few_requests_for_each(tree: Path, database: Vast) -> None:
    for number in range(458):
        write(tree / f"many/frame.{number:04}.exr", simple(4, 4))
    database.store().ensure_tables()
    with database.server.counting() as requests:
        assert _index(tree, "-j1")["new"] == 500
    assert len(requests) <= 50


def test_a_snapshot_is_pulled_for_those_who_browse(tree: Path, database: Vast, tmp_path: Path) -> None:
    _index(tree, "--publish", str(tmp_path / "view.duckdb"))
    with Snapshot(str(tmp_path / "view.duckdb")).reading() as reader:
        stored = {row["file_id"]: row for row in rows(database, "files")}
        for row in reader.rows("SELECT file_id, file_path, size_bytes, write_id FROM files"):
            assert row.items() <= stored[row["file_id"]].items()
        counted = reader.row("SELECT count(*) AS files, count(metadata_embedding) AS vectors FROM files")
        sequences = reader.rows("SELECT key, file_count FROM sequences")
        assert counted == {"files": 42, "vectors": len(sequences)}
        assert sum(row["file_count"] for row in sequences) == 42
        assert len(reader.rows("FROM attributes")) == len(rows(database, "attributes"))
    assert [each.name for each in tmp_path.glob("*.duckdb*")] == ["view.duckdb"]
