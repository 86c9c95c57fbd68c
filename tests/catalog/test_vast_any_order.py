"""Whatever the order of deliveries, the tables in VAST DataBase end in the state of the objects, too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings

from tests.catalog.backends import Vast, vast
from tests.catalog.test_any_order import check_any_order, choices
from tests.slow import slow

if TYPE_CHECKING:
    from collections.abc import Callable


def rows_of(database: Vast) -> Callable[[str, str], list[dict[str, Any]]]:
    def rows(table: str, start: str) -> list[dict[str, Any]]:
        return [row for row in database.table(table).to_pylist() if row["file_path"].startswith(start)]

    return rows


@pytest.mark.parametrize("conflict", ["write", *slow("commit", "lenient")])
def test_the_tables_of_vast_database_end_in_the_state_of_the_objects(conflict: str) -> None:
    with vast(conflict=conflict, tables=True) as database:
        store = database.store()
        store.ensure_tables()

        @settings(max_examples=12)
        @given(choices)
        def check(choices: bytes) -> None:
            check_any_order(store, rows_of(database), choices)
            assert database.server.open_transactions == []

        check()
