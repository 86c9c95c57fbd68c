"""The number of requests of each kind of work, counted by the server, once the metadata is loaded."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from exr_inspector.catalog.cells import MAX_CELL_BYTES
from exr_inspector.catalog.columns import TABLES
from exr_inspector.catalog.store import Removal
from exr_inspector.catalog.vast.rows import MAX_INSERT_BYTES, pieces
from exr_inspector.catalog.vast.tables import SCHEMAS
from tests.catalog.backends import rows, tables, vast
from tests.catalog.rows import delivered, expected, with_cells, with_statistics
from tests.vast_server.faults import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from exr_inspector.catalog.facets import FileRows
    from exr_inspector.catalog.vast.store import VastStore
    from tests.catalog.backends import Vast

LOCKED = ["select", "update"]
FOUND = ["select"]  # of `files`; a file that is not there is not looked for in `facets`
FOUND_WITH_FACETS = ["select"] * 2
DELETED = ["delete"] * 2 + ["select", "delete"] * 3
INSERTED = ["insert"] * 5
NEW = ["begin", *FOUND, *LOCKED, *INSERTED, "commit"]
CHANGED = ["begin", *FOUND_WITH_FACETS, *LOCKED, *DELETED, *INSERTED, "commit"]
REMOVED = ["begin", *FOUND_WITH_FACETS, *LOCKED, *DELETED, "commit"]
UNCHANGED = ["begin", *FOUND_WITH_FACETS, *LOCKED, "update", "commit"]
OUTDATED = ["begin", *FOUND_WITH_FACETS, "commit"]
LOOKED_UP = ["begin", *FOUND, "commit"]
STATISTICS = 3  # tables of the pixels facet


@pytest.fixture
def store(database: Vast) -> VastStore:
    store = database.store()
    store.upsert([delivered("known")])
    return store


@pytest.fixture(params=[("5.4", 3), ("5.5", 2)], ids=lambda param: param[0])
def older_and_newer(request: pytest.FixtureRequest) -> Iterator[tuple[Vast, int]]:
    """A database of each version, and the number of requests to load all metadata: so many for each table."""
    with vast(request.param[0], tables=True) as database:
        database.store().upsert([delivered("known")])
        yield database, 5 + request.param[1] * len(SCHEMAS)


def requests(database: Vast, act: Callable[[], object]) -> list[str]:
    with database.server.counting() as kinds:
        act()
    return kinds


def hundred(version: int = 1) -> list[FileRows]:
    return [delivered(f"batch-{index}", version) for index in range(100)]


def test_each_kind_of_work_takes_the_requests_that_it_needs(older_and_newer: tuple[Vast, int]) -> None:
    database, to_load = older_and_newer
    store = database.store()
    assert len(requests(database, store.ensure_tables)) == to_load
    assert requests(database, lambda: store.upsert([delivered("new")])) == NEW
    assert requests(database, lambda: store.upsert([delivered("known")])) == UNCHANGED
    assert requests(database, lambda: store.upsert([delivered("known", version=2)])) == CHANGED
    assert requests(database, lambda: store.upsert([], [Removal(delivered("new").file_id)])) == REMOVED
    assert requests(database, lambda: store.lookup([delivered("known").file_id])) == LOOKED_UP


@pytest.mark.parametrize(("kind", "work"), [("new", NEW), ("replaced", CHANGED), ("unchanged", UNCHANGED)])
def test_the_runbook_has_the_number_of_requests(kind: str, work: list[str]) -> None:
    text = (Path(__file__).parents[2] / "docs" / "PROD_RUNBOOK.md").read_text("utf-8")
    counts = f"{len(work)} alone; {len(work) / 100:.2f} in a batch of 100"
    assert f"| requests to VAST DataBase per {kind} file | {counts} |" in text


def test_only_the_table_facets_adds_requests_to_those_of_release_1_0() -> None:
    """Release 1.0 took 9, 16, 12 and 6. The table `facets` adds one insert, one deletion and one select."""
    assert [len(each) for each in (NEW, CHANGED, REMOVED, UNCHANGED)] == [9 + 1, 16 + 3, 12 + 2, 6 + 1]
    requirements = (Path(__file__).parents[2] / "PRD.md").read_text("utf-8")
    assert f"| {len(NEW)}, {len(UNCHANGED)}, {len(CHANGED)} (" in requirements


def test_statistics_take_one_request_for_each_of_their_tables(database: Vast, store: VastStore) -> None:
    file = with_statistics(delivered("known"), number=2)
    added = [*FOUND_WITH_FACETS, *LOCKED, "update", *["insert"] * (1 + STATISTICS)]
    assert requests(database, lambda: store.upsert([file])) == ["begin", *added, "commit"]
    assert requests(database, lambda: store.upsert([file])) == UNCHANGED
    assert requests(database, lambda: store.upsert([delivered("known")])) == UNCHANGED
    assert requests(database, lambda: store.computed([file.file_id], "pixels")) == LOOKED_UP
    removed = requests(database, lambda: store.upsert([], [Removal(file.file_id)]))
    assert removed == [*REMOVED[:-1], *["select", "delete"] * STATISTICS, "commit"]


def test_thumbnails_of_a_batch_are_spread_over_requests_that_the_server_takes(
    database: Vast, store: VastStore
) -> None:
    files = [with_cells(with_statistics(each), "pixels", thumbnail=bytes(100_000)) for each in hundred()]
    made = requests(database, lambda: store.upsert(files))
    assert made.count("insert") == len(INSERTED) + 4
    assert tables(database) == expected(delivered("known"), *files)


def test_a_batch_of_a_hundred_files_takes_no_more_than_one_file(database: Vast, store: VastStore) -> None:
    assert requests(database, lambda: store.upsert(hundred())) == NEW
    assert requests(database, lambda: store.upsert(hundred())) == UNCHANGED
    assert requests(database, lambda: store.upsert(hundred(version=2))) == CHANGED
    removals = [Removal(each.file_id) for each in hundred()]
    assert requests(database, lambda: store.upsert([], removals)) == REMOVED


def test_removals_and_files_of_one_request_are_looked_up_and_locked_together(
    database: Vast, store: VastStore
) -> None:
    store.upsert([delivered("moved")])
    gone, come = delivered("moved"), delivered("moved-here")
    assert requests(database, lambda: store.upsert([come], [Removal(gone.file_id)])) == [
        *REMOVED[:-1],
        *INSERTED,
        "commit",
    ]
    assert tables(database) == expected(delivered("known"), come)


def test_an_outdated_file_is_only_looked_at(database: Vast, store: VastStore) -> None:
    store.upsert([delivered("late", version=2, sequencer="2")])
    late = delivered("late", version=1, sequencer="1")
    assert requests(database, lambda: store.upsert([late])) == OUTDATED


def test_large_rows_are_spread_over_requests_that_the_server_takes(database: Vast, store: VastStore) -> None:
    wide = with_cells(
        delivered("wide"), "attributes", value_json="x" * MAX_CELL_BYTES, value_text="y" * MAX_CELL_BYTES
    )
    first = wide.rows["attributes"][0]
    rows = [{**first, "attribute_index": index} for index in range(45)]
    wide = type(wide)(wide.file_id, {**wide.rows, "attributes": rows})
    made = requests(database, lambda: store.upsert([wide]))
    assert made == [*NEW[:-1], "insert", "insert", "commit"]
    assert tables(database) == expected(wide, delivered("known"))


@pytest.mark.parametrize(
    "lengths", [[], [0], [10], [MAX_INSERT_BYTES], [1000] * 20_000, [1, MAX_INSERT_BYTES // 2] * 9]
)
def test_pieces_are_small_enough_and_lose_no_row(lengths: list[int]) -> None:
    batch = pa.record_batch({"text": pa.array(["x" * length for length in lengths], pa.string())})
    found = list(pieces(batch))
    assert all(each.num_rows == 1 or pa.ipc.get_record_batch_size(each) <= MAX_INSERT_BYTES for each in found)
    assert pa.Table.from_batches(found, batch.schema).to_pylist() == batch.to_pylist()


# --- stale metadata ---------------------------------------------------------------------------------------


def drop_column(database: Vast, table: str, column: str) -> None:
    with database.session.transaction() as tx:
        found = tx.bucket(database.server.bucket).schema(database.schema).table(table)
        found.drop_column(pa.schema([TABLES[table].field(column)]))


ALTERATIONS: dict[str, Callable[[Vast], None]] = {
    "a column that is read was dropped": lambda database: drop_column(database, "files", "etag"),
    "a column that is written was dropped": lambda database: drop_column(database, "parts", "view"),
    "a table was dropped": lambda database: database.drop_table("attributes"),
    "the locks were dropped": lambda database: database.drop_table("locks"),
}


@pytest.mark.parametrize("alteration", ALTERATIONS)
def test_stale_metadata_costs_one_reload_once(database: Vast, store: VastStore, alteration: str) -> None:
    ALTERATIONS[alteration](database)
    made = requests(database, lambda: store.upsert([delivered("new")]))
    assert made.count("bucket") == 1
    assert made[-len(NEW) :] == NEW
    assert requests(database, lambda: store.upsert([delivered("newer")])) == NEW


@pytest.mark.parametrize("missing", [["attributes"], ["parts", "channels", "attributes"], ["facets"]])
def test_a_table_that_was_dropped_is_filled_again_by_unchanged_files(
    database: Vast, store: VastStore, missing: list[str]
) -> None:
    for table in missing:
        database.drop_table(table)
    store.ensure_tables()
    (outcome,) = store.upsert([delivered("known")])
    assert outcome.action == "replaced"
    assert tables(database) == expected(delivered("known"))
    assert requests(database, lambda: store.upsert([delivered("known")])) == UNCHANGED


def test_a_column_that_a_newer_version_has_added_is_left_alone(database: Vast, store: VastStore) -> None:
    with database.session.transaction() as tx:
        found = tx.bucket(database.server.bucket).schema(database.schema).table("files")
        found.add_column(pa.schema([("of_tomorrow", pa.string())]))
    assert requests(database, lambda: store.upsert([delivered("new")])) == NEW
    assert [row["of_tomorrow"] for row in rows(database, "files")] == [None, None]


def test_a_transaction_that_the_server_has_ended_is_begun_anew(database: Vast, store: VastStore) -> None:
    database.server.faults.at(1, Fault(status=404), on="update")
    store.upsert([delivered("known")])
    assert rows(database, "files")[0]["inspection_count"] == 2
    assert database.server.open_transactions == []


def test_locks_that_have_lost_rows_are_refused_by_name(database: Vast, store: VastStore) -> None:
    database.drop_table("locks")
    database.make_table("locks", pa.schema([("shard", pa.int64()), ("holder", pa.string())]), [])
    with pytest.raises(Exception, match="TABLE_MISMATCH: table locks"):
        store.upsert([delivered("new")])
    assert tables(database) == expected(delivered("known"))
    assert database.server.open_transactions == []


# --- rows of other writers ----------------------------------------------------------------------------------


def test_duplicates_of_another_writer_are_deleted_when_the_file_is_next_written(
    database: Vast, store: VastStore
) -> None:
    for name in TABLES:
        table = database.server.rows(database.schema, name).drop_columns(["$row_id"])
        if not table.num_rows:
            continue
        with database.session.transaction() as tx:
            found = tx.bucket(database.server.bucket).schema(database.schema).table(name)
            found.insert(table)
    assert len(rows(database, "files")) == 2
    (outcome,) = store.upsert([delivered("known")])
    assert outcome.action == "replaced"
    assert tables(database) == expected(delivered("known"))
    assert rows(database, "files")[0]["inspection_count"] == 2
