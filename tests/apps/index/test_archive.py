"""`index --keep-gone`: rows of files that are gone are kept apart, for a time."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest

from exr_inspector.apps.index import archive
from exr_inspector.catalog.columns import TABLES
from tests.apps.cli.command import run
from tests.apps.index.conftest import write
from tests.apps.index.test_index import DB, counts, index, names, query
from tests.catalog.backends import Vast, rows
from tests.exrfiles.attributes import attribute
from tests.exrfiles.demo import simple

GONE = "rows.gone.duckdb"
SAME = ("first_seen", "last_inspected", "inspection_count", "write_id", "computed_at")


def _rows(db: str, table: str, name: str) -> list[dict[str, Any]]:
    with duckdb.connect(db, read_only=True) as connection:
        sql = f"SELECT * FROM {table} WHERE file_path LIKE '%/{name}' ORDER BY ALL"
        found = connection.sql(sql).to_arrow_table().to_pylist()
    return [{key: value for key, value in row.items() if key not in SAME} for row in found]


@pytest.fixture
def lost(tree: Path) -> dict[str, list[dict[str, Any]]]:
    """A file that was stored, named in its header, and is gone; the rows that it had."""
    path = tree / "sh001/lost.1001.exr"
    write(path, simple(4, 4, attributes=[attribute("owner", "string", "Jane R")]))
    index(tree, "--keep-gone", 7)
    before = {table: _rows(DB, table, path.name) for table in TABLES}
    path.unlink()
    assert counts(index(tree, "--keep-gone", 7)) == [42, 0, 0, 42, 1, 0]
    return before


def test_the_rows_of_a_file_that_is_gone_are_kept_apart(lost: dict[str, list[dict[str, Any]]]) -> None:
    assert "lost.1001.exr" not in names()
    assert {table: _rows(GONE, table, "lost.1001.exr") for table in TABLES} == lost
    assert lost["attributes"]
    assert {table: _rows(DB, table, "lost.1001.exr") for table in TABLES} == {table: [] for table in TABLES}


def test_they_are_deleted_when_their_time_is_over(
    tree: Path, lost: dict[str, list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    index(tree, "--keep-gone", 7)
    assert len(_rows(GONE, "files", "lost.1001.exr")) == 1

    later = SimpleNamespace(now=lambda zone: datetime.now(zone) + timedelta(days=8))
    monkeypatch.setattr(archive, "datetime", later)
    index(tree, "--keep-gone", 7)
    assert [table for table in TABLES if _rows(GONE, table, "%")] == []


def test_without_the_option_nothing_is_kept(tree: Path) -> None:
    index(tree)
    (tree / "sh001/beauty.1001.exr").unlink()
    index(tree)
    assert not Path(GONE).exists()


def test_what_may_not_be_deleted_is_not_kept_apart_either(tree: Path) -> None:
    index(tree)
    for path in (tree / "sh001").iterdir():
        path.unlink()
    index(tree, "--keep-gone", 7)  # more than 5 %
    assert query("SELECT count(*) FROM files") == [(42,)]
    assert _rows(GONE, "files", "%") == []


def test_a_name_is_forgotten_there_too(lost: dict[str, list[dict[str, Any]]]) -> None:
    assert b"Jane R" in Path(GONE).read_bytes()
    done = run("forget", "--db", DB, "--user", "Jane", "--yes")
    assert done.exit_code == 0, done.output
    assert b"Jane R" not in Path(GONE).read_bytes()
    assert b"Jane R" not in Path(DB).read_bytes()


def test_vast_database_keeps_them_in_a_schema_of_their_own(tree: Path, database: Vast) -> None:
    run("index", tree, "--keep-gone", 7)
    (tree / "sh001/beauty.1001.exr").unlink()
    assert run("index", tree, "--keep-gone", 7).exit_code == 0
    assert len(rows(database, "files")) == 41
    kept = database.server.rows("exr_metadata_gone", "files").to_pylist()
    assert [Path(row["file_path"]).name for row in kept] == ["beauty.1001.exr"]
    assert datetime.now(timezone.utc).replace(tzinfo=None) >= kept[0]["last_inspected"]
