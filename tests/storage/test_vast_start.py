"""Twenty instances that start at once make the tables once."""

from __future__ import annotations

import contextlib
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from exr_inspector.storage.vast_store import VastStore
from exr_inspector.storage.vast_tables import SHARDS
from tests.storage.backends import rows, tables, vast
from tests.storage.rows import delivered, expected

INSTANCES = 20


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
