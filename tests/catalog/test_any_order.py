"""Whatever the order, number and timing of deliveries, the tables end in the state of the objects."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exr_inspector import pipeline, writer
from exr_inspector.catalog.arrow import arrow_table
from exr_inspector.catalog.columns import TABLES
from exr_inspector.catalog.duckdb.store import DuckDBStore
from tests.catalog.model import ModelStore
from tests.catalog.rows import comparable, expected
from tests.catalog.simulation import Simulation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from exr_inspector.catalog.store import Store

_folders = (f"example{number}" for number in itertools.count(1))


def check_any_order(
    store: Store, rows: Callable[[str, str], list[dict[str, Any]]], choices: Iterable[int]
) -> None:
    """Simulate what the choices say; `rows` returns the rows of a table whose paths begin with a text.

    After the last choice, what has begun is ended, one after the other.
    """
    remaining = iter(choices)
    folder = next(_folders)
    simulation = Simulation(store, lambda number: next(remaining, 0) % number, folder)
    with pytest.MonkeyPatch.context() as patch:
        # One thread for each handler, so that the scheduler knows which one takes the next step.
        for module in (pipeline, writer):
            patch.setattr(module, "side_by_side", lambda act, items: [act(item) for item in items])
        simulation.run()
    found = {table: comparable(rows(table, f"s3://bucket/{folder}/")) for table in TABLES}
    assert found == expected(*simulation.files_there())


choices = st.binary(min_size=100, max_size=250)


@settings(max_examples=150)
@given(choices)
def test_the_tables_of_the_model_end_in_the_state_of_the_objects(choices: bytes) -> None:
    store = ModelStore()

    def rows(table: str, start: str) -> list[dict[str, Any]]:
        held = [row for row in store.tables[table] if row["file_path"].startswith(start)]
        found: list[dict[str, Any]] = arrow_table(table, held).to_pylist()
        return found

    check_any_order(store, rows, choices)


def test_the_tables_of_duckdb_end_in_the_state_of_the_objects() -> None:
    store = DuckDBStore(":memory:")

    def rows(table: str, start: str) -> list[dict[str, Any]]:
        sql = f"SELECT * FROM {table} WHERE starts_with(file_path, ?)"
        found: list[dict[str, Any]] = store.query(sql, [start]).to_pylist()
        return found

    @settings(max_examples=40)
    @given(choices)
    def check(choices: bytes) -> None:
        check_any_order(store, rows, choices)

    check()
    store.close()
