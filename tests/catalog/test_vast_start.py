"""Instances that start at once make the tables once; threads that start at once ask for them once."""

from __future__ import annotations

import contextlib
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from exr_inspector.catalog.vast.locks import SHARDS
from exr_inspector.catalog.vast.store import VastStore
from exr_inspector.errors import DATABASE_UNAVAILABLE, InspectorError
from tests.catalog.backends import Vast, rows, tables, vast
from tests.catalog.rows import delivered, expected
from tests.vast_server.faults import Fault

INSTANCES, THREADS = 20, 8


@pytest.mark.parametrize("conflict", ["write", "commit"])
def test_instances_that_start_at_once_agree_on_the_tables(conflict: str) -> None:
    def start(number: int) -> None:
        store = VastStore(database.settings(), wait=time.sleep)
        with contextlib.closing(store):
            store.ensure_tables()
            store.upsert([delivered(f"{number}")])

    with vast(conflict=conflict) as database:
        with ThreadPoolExecutor(INSTANCES) as instances:
            list(instances.map(start, range(INSTANCES)))
        assert database.server.open_transactions == []
        assert sorted(row["shard"] for row in rows(database, "locks")) == list(range(SHARDS))
        files = [delivered(f"{number}") for number in range(INSTANCES)]
        assert tables(database) == expected(*files)


def test_threads_that_start_while_the_database_is_down_fail_together(database: Vast) -> None:
    """One after the other they would take as long as all their attempts together."""

    def code(number: int) -> str:
        try:
            store.lookup([delivered(f"{number}").file_id])
        except InspectorError as error:
            return error.code
        return ""

    store = database.store(vast_attempts=2)
    database.server.faults.every(Fault(status=503, delay=0.3), on="begin")
    with ThreadPoolExecutor(THREADS) as threads, database.server.counting() as kinds:
        codes = list(threads.map(code, range(THREADS)))
    assert codes == [DATABASE_UNAVAILABLE.code] * THREADS
    assert kinds == ["begin"] * 2
    database.server.faults.clear()
    assert store.lookup([delivered("a").file_id]) == {}
