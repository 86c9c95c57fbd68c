"""DuckDB's failures are reported as what they are, and statements that are not trusted are kept in limits."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from exr_inspector import errors
from exr_inspector.catalog.duckdb.store import DuckDBStore
from exr_inspector.catalog.limits import QueryLimits
from exr_inspector.catalog.search import Search
from exr_inspector.errors import Fault, InspectorError
from exr_inspector.vectors.embedding import EMBEDDING_VERSION
from tests.catalog.rows import delivered, with_cells

RUNAWAY = "(SELECT count(*) FROM range(100000000000) WHERE range % 7 = 3)"


@pytest.fixture
def database(tmp_path: Path) -> str:
    """A database that holds one file."""
    path = str(tmp_path / "exr.duckdb")
    store = DuckDBStore(path)
    store.upsert([with_cells(delivered("a"), "files", embedding_version=EMBEDDING_VERSION)])
    store.close()
    return path


# --- the path of the database ---------------------------------------------------------------------------


def fault_of(path: Path, *, read_only: bool = False) -> Fault:
    with pytest.raises(InspectorError) as raised:
        DuckDBStore(str(path), read_only=read_only)
    assert str(path) in str(raised.value)
    assert "Retry" not in f"{raised.value} {raised.value.fault.remedy}"
    return raised.value.fault


@pytest.mark.parametrize("read_only", [True, False])
def test_a_folder_that_does_not_exist_is_named(tmp_path: Path, read_only: bool) -> None:
    path = tmp_path / "absent" / "exr.duckdb"
    assert fault_of(path, read_only=read_only) is errors.DATABASE_NOT_FOUND
    with pytest.raises(InspectorError, match=f"the folder {path.parent} does not exist"):
        DuckDBStore(str(path))


def test_a_database_that_is_only_read_must_exist(tmp_path: Path) -> None:
    assert fault_of(tmp_path / "exr.duckdb", read_only=True) is errors.DATABASE_NOT_FOUND
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("read_only", [True, False])
@pytest.mark.parametrize("content", [b"", b"x", b"v/1\x01\x02\0\0\0" * 100])
def test_a_file_that_is_not_a_database_is_refused_and_left_as_it_is(
    tmp_path: Path, content: bytes, read_only: bool
) -> None:
    path = tmp_path / "beauty.1001.exr"
    path.write_bytes(content)
    assert fault_of(path, read_only=read_only) is errors.NOT_A_DATABASE
    assert path.read_bytes() == content
    assert fault_of(tmp_path, read_only=read_only) is errors.NOT_A_DATABASE


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_database_that_may_not_be_read_is_denied(database: str) -> None:
    Path(database).chmod(0)
    assert fault_of(Path(database)) is errors.DATABASE_DENIED


# --- a full disk and a conflict -------------------------------------------------------------------------

# Writes batches until the file may not grow any more, as on a full disk, then a small one after that.
FULL = """
import resource, signal, sys
from exr_inspector.catalog.duckdb.store import DuckDBStore
from exr_inspector.errors import InspectorError
from tests.catalog.rows import delivered

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
store = DuckDBStore(sys.argv[1])
store.ensure_tables()
resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, resource.RLIM_INFINITY))
stored = 0
try:
    for number in range(100):
        store.upsert([delivered(f"{number}-{index}", version=9) for index in range(20)])
        stored += 20
except InspectorError as error:
    print(error.code, error.retry)
print(stored == store.query("SELECT count(*) AS n FROM files")["n"][0].as_py())
"""


def test_a_full_disk_is_no_conflict_and_leaves_what_was_committed(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", FULL, str(tmp_path / "exr.duckdb")]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.split() == ["DATABASE_FULL", "True", "True"]


def test_a_row_that_another_connection_changes_is_a_conflict(database: str) -> None:
    store = DuckDBStore(database)
    with duckdb.connect(database) as other:
        other.execute("BEGIN")
        other.execute("DELETE FROM files")
        with pytest.raises(InspectorError) as raised:
            store.upsert([delivered("a", version=2)])
        other.execute("ROLLBACK")
    assert raised.value.fault is errors.DATABASE_CONFLICT
    store.close()


# --- limits ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM glob('/*')",
        "COPY (SELECT 1) TO '{folder}/out.csv'",
        "EXPORT DATABASE '{folder}/out'",
        "ATTACH '{folder}/out.duckdb'",
        "INSTALL httpfs",
        "SET enable_external_access = true",
        "SET memory_limit = '100GB'",
        "SET temp_directory = '{folder}'",
        "RESET memory_limit",
        "DELETE FROM files",
        "CREATE TABLE mine AS SELECT 1",
        "SELECT * FROM secret",
    ],
)
def test_a_statement_within_limits_reaches_nothing_but_the_tables(
    database: str, sql: str, tmp_path: Path
) -> None:
    secret = pa.table({"a": [1]})  # DuckDB finds the variables of its callers by name
    before = sorted(tmp_path.iterdir())
    store = DuckDBStore(database, limits=QueryLimits())
    with pytest.raises(InspectorError) as raised:
        store.query(sql.format(folder=tmp_path))
    assert raised.value.fault is errors.BAD_QUERY
    assert store.query("SELECT count(*) AS n FROM files")["n"].to_pylist() == [1]
    store.close()
    assert sorted(tmp_path.iterdir()) == before
    assert secret is not None


def test_a_query_is_stopped_at_its_limit_of_time(database: str) -> None:
    store = DuckDBStore(database, limits=QueryLimits(seconds=0.1))
    with pytest.raises(InspectorError, match=r"took longer than 0\.1 seconds") as raised:
        store.query(f"SELECT {RUNAWAY}")
    assert raised.value.fault is errors.QUERY_LIMIT
    assert store.query("SELECT count(*) AS n FROM files")["n"].to_pylist() == [1]
    store.close()


def test_a_query_is_stopped_at_its_limit_of_memory(database: str, tmp_path: Path) -> None:
    store = DuckDBStore(database, limits=QueryLimits(memory_mib=50))
    with pytest.raises(InspectorError) as raised:
        store.query(
            "SELECT count(*) FROM (SELECT DISTINCT range, repeat('x', 200) || range FROM range(3000000))"
        )
    assert raised.value.fault is errors.QUERY_LIMIT
    assert [each.name for each in tmp_path.iterdir()] == ["exr.duckdb"]
    store.close()


def test_a_search_with_a_runaway_condition_is_stopped(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exr_inspector.catalog.duckdb.store.SEARCH_SECONDS", 0.1)
    store = DuckDBStore(database)
    vector = store.vector(delivered("a").file_id, "metadata")
    assert vector
    with pytest.raises(InspectorError) as raised:
        store.search(Search(vector, where=f"{RUNAWAY} > size_bytes"))
    assert raised.value.fault is errors.QUERY_LIMIT
    assert len(store.search(Search(vector))) == 1
    store.close()


def test_a_search_within_limits_works(database: str) -> None:
    store = DuckDBStore(database, limits=QueryLimits())
    vector = store.vector(delivered("a").file_id, "metadata")
    assert vector
    assert len(store.search(Search(vector, where="size_bytes > 0"))) == 1
    store.close()


@pytest.mark.skipif(
    not Path("/sys").is_dir(), reason="this system has no /sys, in which nobody creates files"
)
def test_a_folder_in_which_nobody_may_write_is_denied() -> None:
    assert fault_of(Path("/sys/exr.duckdb")) is errors.DATABASE_DENIED
