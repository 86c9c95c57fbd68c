"""The queries of docs/vast-integration.md show one row per file, also where someone else has made more."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pytest
import sqlglot

from tests.catalog.backends import DuckDB, Row
from tests.catalog.rows import delivered, with_cells

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCUMENT = Path(__file__).parents[2] / "docs" / "vast-integration.md"
ONE_FILE, ONE_CHANNEL, SURPLUS = re.findall(
    r"^```sql\n(.*?)^```", DOCUMENT.read_text(), re.DOTALL | re.MULTILINE
)


@pytest.fixture
def doubled(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Three files; one has a second set of rows that was inspected later, and one a set without times."""
    backend = DuckDB(tmp_path)
    files = [with_cells(delivered(name), "files", status=name) for name in ("single", "doubled", "timeless")]
    backend.store().upsert(files)
    backend.close()
    with duckdb.connect(str(tmp_path / "exr.duckdb")) as connection:
        for table in ("files", "channels"):
            connection.execute(f"INSERT INTO {table} SELECT * FROM {table} WHERE file_path LIKE '%doubled%'")
            connection.execute(f"INSERT INTO {table} SELECT * FROM {table} WHERE file_path LIKE '%timeless%'")
        connection.execute(
            "UPDATE files SET status = 'later', last_inspected = last_inspected + INTERVAL 1 HOUR"
            " WHERE rowid = (SELECT max(rowid) FROM files WHERE file_path LIKE '%doubled%')"
        )
        connection.execute(
            "UPDATE files SET status = 'foreign', last_inspected = NULL, write_id = NULL"
            " WHERE rowid = (SELECT max(rowid) FROM files WHERE file_path LIKE '%timeless%')"
        )
        yield connection


def asked(connection: duckdb.DuckDBPyConnection, sql: str) -> list[Row]:
    found: list[Row] = connection.sql(sql).to_arrow_table().to_pylist()
    return found


def test_there_is_one_row_per_file_that_of_the_latest_inspection(doubled: duckdb.DuckDBPyConnection) -> None:
    assert sorted(row["status"] for row in asked(doubled, ONE_FILE)) == ["later", "single", "timeless"]


def test_a_view_can_be_made_of_it(doubled: duckdb.DuckDBPyConnection) -> None:
    doubled.execute(f"CREATE VIEW current_files AS {ONE_FILE}")
    assert len(asked(doubled, "SELECT file_id FROM current_files")) == 3


def test_each_channel_is_shown_once(doubled: duckdb.DuckDBPyConnection) -> None:
    assert len(asked(doubled, "SELECT name FROM channels")) == 10
    assert len(asked(doubled, ONE_CHANNEL)) == 6


def test_files_with_surplus_rows_are_found(doubled: duckdb.DuckDBPyConnection) -> None:
    assert {row["file_id"] for row in asked(doubled, SURPLUS)} == {
        delivered(name).file_id for name in ("doubled", "timeless")
    }


@pytest.mark.parametrize("sql", [ONE_FILE, ONE_CHANNEL, SURPLUS])
def test_trino_reads_the_same_text(sql: str) -> None:
    assert sqlglot.parse_one(sql, read="trino") == sqlglot.parse_one(sql, read="duckdb")
