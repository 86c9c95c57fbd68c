"""A fault of every kind at every request: nothing is lost or doubled, and no transaction stays open."""

from __future__ import annotations

import itertools
import os
from typing import TYPE_CHECKING

import pytest

from exr_inspector.catalog.store import Outcome, Removal
from tests.catalog.backends import Vast, tables, vast
from tests.catalog.deliveries import ACTIONS, batch, held, wanted
from tests.catalog.dying import dying
from tests.catalog.rows import delivered, expected
from tests.slow import slow
from tests.vast_server.faults import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator

KINDS = {
    "status 500": Fault(status=500),
    "status 503": Fault(status=503),
    "slow down": Fault(status=503, code="SlowDown", after=True),
    "reset before": Fault(reset=True),
    "reset after": Fault(reset=True, after=True),
    "cut answer": Fault(cut=True, after=True),
}
MAX_STEPS = 30
# A request that was executed and not answered is the worst of them; `make test-all` tries the others too.
EACH_KIND = ["reset after", *slow(*(kind for kind in KINDS if kind != "reset after"))]


@pytest.fixture(params=["5.5-write", "5.4-commit"])
def either(request: pytest.FixtureRequest) -> Iterator[Vast]:
    """A VAST DataBase: both versions and both conflict modes, in two of the four pairs."""
    with vast(*request.param.split("-"), tables=True) as database:
        yield database
        assert database.server.open_transactions == []


@pytest.mark.parametrize("kind", EACH_KIND)
def test_an_upsert_survives_a_fault_at_every_request(either: Vast, kind: str) -> None:
    database = either
    store, fault = database.store(), KINDS[kind]
    store.upsert([file for step in range(MAX_STEPS) for file in held(f"{step}-")])
    for step in itertools.count(1):
        database.server.faults.at(step, fault)
        with database.server.counting() as kinds:
            outcomes = store.upsert(batch(f"{step}-"))
        database.server.faults.clear()
        assert [outcome.action for outcome in outcomes] == ACTIONS
        assert tables(database, f"{step}-") == wanted(f"{step}-")
        if len(kinds) < step:
            break
        expect_none_open(database, kinds[step - 1], fault)
    assert step > 16
    store.upsert([file for step in range(1, step) for file in batch(f"{step}-")])
    assert all(tables(database, f"{step}-") == wanted(f"{step}-") for step in range(1, step))


@pytest.mark.parametrize("kind", ["reset after", *slow("status 500")])
def test_a_removal_survives_a_fault_at_every_request(database: Vast, kind: str) -> None:
    store, fault, kept = database.store(), KINDS[kind], delivered("kept")
    store.upsert([kept, *(delivered(f"gone{step}") for step in range(MAX_STEPS))])
    for step in itertools.count(1):
        database.server.faults.at(step, fault)
        with database.server.counting() as kinds:
            gone = delivered(f"gone{step}").file_id
            assert store.upsert([], [Removal(gone)]) == [Outcome(gone, "deleted")]
        database.server.faults.clear()
        assert tables(database, f"gone{step}.") == expected()
        if len(kinds) < step:
            break
        expect_none_open(database, kinds[step - 1], fault)
    assert step > 12
    assert tables(database, "kept") == expected(kept)


def expect_none_open(database: Vast, kind: str, fault: Fault) -> None:
    """Only a transaction whose beginning was never answered may be open: its id is unknown."""
    lost = kind == "begin" and fault.after
    assert len(database.server.open_transactions) == lost
    database.server.expire()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are made by forking")
def test_a_process_that_dies_at_any_request_loses_nothing(database: Vast) -> None:
    store = database.store()
    store.upsert([file for step in range(MAX_STEPS) for file in held(f"{step}-")])
    died = 0
    with dying() as process:
        for step in itertools.count(1):
            name = f"{step}-"
            if not process.die(database.settings(), step, name):
                break
            died += 1
            assert tables(database, name) in (expected(*held(name)), wanted(name))
            database.server.expire()
            store.upsert(batch(name))
            assert tables(database, name) == wanted(name)
    assert died >= 16
