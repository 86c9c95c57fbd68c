"""The store contract in DuckDB, and what only DuckDB promises."""

from __future__ import annotations

import gc
import threading
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from exr_inspector.catalog.columns import TABLES
from exr_inspector.catalog.duckdb.store import DuckDBStore
from exr_inspector.catalog.plan import Outcome, Removal
from exr_inspector.catalog.search import Search
from exr_inspector.errors import InspectorError
from exr_inspector.vectors.embedding import EMBEDDING_VERSION
from tests.catalog.backends import DuckDB, rows, tables
from tests.catalog.contract import StoreContract
from tests.catalog.rows import delivered, expected, with_cells

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from exr_inspector.catalog.facets import FileRows


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[DuckDB]:
    backend = DuckDB(tmp_path)
    yield backend
    backend.close()


class TestDuckDB(StoreContract):
    @pytest.fixture
    def backend(self, tmp_path: Path) -> Iterator[DuckDB]:
        backend = DuckDB(tmp_path)
        yield backend
        backend.close()

    @pytest.fixture
    def empty(self, backend: DuckDB) -> DuckDB:
        return backend


def honest(name: str, version: int = 1) -> FileRows:
    """A file whose row in `files` states how many rows it has in the other tables."""
    counts = {"multipart_count": 1, "channel_count": 2, "attribute_count": 3}
    cells = {column: version * count for column, count in counts.items()}
    return with_cells(delivered(name, version), "files", **cells)


# --- tables that lack rows ------------------------------------------------------------------------------


@pytest.mark.parametrize("table", ["parts", "channels", "attributes", "facets"])
@pytest.mark.parametrize("whole", [True, False])
def test_a_file_that_lacks_rows_is_filled_when_it_is_delivered_again(
    backend: DuckDB, table: str, whole: bool
) -> None:
    """The table was dropped, or one row of it was deleted."""
    store, file, other = backend.store(), honest("a", version=2), honest("b")
    store.upsert([file, other])
    lost = f"rowid = (SELECT min(rowid) FROM {table} WHERE file_id = '{file.file_id}')"
    store.query(f"DROP TABLE {table}" if whole else f"DELETE FROM {table} WHERE {lost}")
    store.close()
    store = backend.store()
    assert store.upsert([file]) == [Outcome(file.file_id, "replaced")]
    assert store.upsert([other]) == [Outcome(other.file_id, "replaced" if whole else "unchanged")]
    assert tables(backend) == expected(file, other)
    assert [row["inspection_count"] for row in rows(backend, "files")] == [2, 2]


def test_surplus_rows_of_another_writer_are_replaced(backend: DuckDB) -> None:
    store, file, other = backend.store(), honest("a", version=2), honest("b")
    store.upsert([file, other])
    store.query(f"INSERT INTO channels SELECT * FROM channels WHERE file_id = '{file.file_id}'")
    store.query(f"INSERT INTO files SELECT * FROM files WHERE file_id = '{other.file_id}'")
    store.close()
    store = backend.store()
    assert [each.action for each in store.upsert([file, other])] == ["replaced", "replaced"]
    assert tables(backend) == expected(file, other)


def test_rows_are_counted_only_if_a_table_has_other_rows_than_files_states(backend: DuckDB) -> None:
    """Counting scans every table; without a reason the store does not."""
    store = backend.store()
    store.upsert([honest("a")])
    store.close()
    store = backend.store()
    with backend.counting() as statements:
        store.upsert([honest("a")])
    assert not [each for each in statements if "count(*)" in each and "GROUP BY" in each]


# --- statements and memory ------------------------------------------------------------------------------


def test_a_batch_takes_as_many_statements_as_one_file(backend: DuckDB) -> None:
    store = backend.store()
    groups = {number: [honest(f"{number}-{index}") for index in range(number)] for number in (1, 50)}
    for files in groups.values():
        store.upsert(files)
    made = {}
    for number, files in groups.items():
        changed = [honest(f"{number}-{index}", version=2) for index in range(number)]
        removals = [Removal(each.file_id) for each in files]
        with backend.counting() as statements:
            store.upsert(files)
            store.upsert(changed)
            store.upsert([], removals)
            store.upsert(changed)
        made[number] = statements
    assert made[1] == made[50]
    assert sum(each.startswith("UPDATE") for each in made[1]) == 1


def test_an_upsert_leaves_nothing_in_memory_and_nothing_to_see(backend: DuckDB) -> None:
    store = backend.store()
    store.upsert([delivered("a")])
    gc.collect()  # of other tests' tables
    before = pa.total_allocated_bytes()
    store.upsert([delivered(f"b{index}", version=9) for index in range(50)])
    assert pa.total_allocated_bytes() <= before
    with pytest.raises(InspectorError, match="BAD_QUERY"):
        store.query("SELECT * FROM incoming")


def test_readers_do_not_wait_for_a_writer_and_see_what_was_committed(backend: DuckDB) -> None:
    store, file = backend.store(), delivered("a")
    file = with_cells(file, "files", embedding_version=EMBEDDING_VERSION)
    store.upsert([file])
    written, read = threading.Event(), threading.Event()

    def write() -> None:
        with store._transaction() as cursor:
            cursor.execute("DELETE FROM files")
            written.set()
            read.wait()

    writer = threading.Thread(target=write)
    writer.start()
    written.wait()
    try:
        assert store.query("SELECT count(*) AS n FROM files")["n"].to_pylist() == [1]
        assert list(store.lookup([file.file_id])) == [file.file_id]
        vector = store.vector(file.file_id, "metadata")
        assert vector
        assert [each.file_id for each in store.search(Search(vector))] == [file.file_id]
        assert list(store.stored_rows([file.file_id])) == [file.file_id]
    finally:
        read.set()
        writer.join()
    assert rows(backend, "files") == []


# --- a database of 1.0 ----------------------------------------------------------------------------------


def test_a_database_without_facets_keeps_its_files_and_their_history(backend: DuckDB, tmp_path: Path) -> None:
    """Tables of 1.0 have no `facets`, and hashes that contain its release."""
    store, same, other = backend.store(), honest("same"), honest("other", version=2)
    store.upsert([same, other])
    store.query("DROP TABLE facets")
    store.query(f"UPDATE files SET facts_hash = 'of 1.0' WHERE file_id = '{other.file_id}'")
    before = {row["file_id"]: row["first_seen"] for row in rows(backend, "files")}
    store.close()
    store = backend.store()
    assert list(store.lookup([same.file_id, other.file_id])) == [same.file_id, other.file_id]
    assert [each.action for each in store.upsert([same, other])] == ["replaced", "replaced"]
    assert tables(backend) == expected(same, other)
    assert {row["file_id"]: row["first_seen"] for row in rows(backend, "files")} == before
    assert [row["inspection_count"] for row in rows(backend, "files")] == [2, 2]
    assert [each.action for each in store.upsert([same, other])] == ["unchanged", "unchanged"]


def test_a_read_only_store_reads_a_database_without_facets(tmp_path: Path) -> None:
    path = str(tmp_path / "old.duckdb")
    old = DuckDBStore(path)
    old.upsert([delivered("a")])
    old.query("DROP TABLE facets")
    old.close()
    store = DuckDBStore(path, read_only=True)
    assert store.query("SELECT count(*) AS n FROM files")["n"].to_pylist() == [1]
    assert list(store.lookup([delivered("a").file_id])) == [delivered("a").file_id]
    store.close()


def test_the_columns_of_duckdb_are_those_of_the_tables(backend: DuckDB) -> None:
    backend.store().ensure_tables()
    for table, schema in TABLES.items():
        assert backend.table(table).schema.names == schema.names
