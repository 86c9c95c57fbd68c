"""Commits with an ambiguous response: the store looks for its mark, and nothing is done twice."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from exr_inspector import errors
from exr_inspector.catalog.store import Outcome, Removal
from exr_inspector.catalog.vast.locks import SHARDS
from exr_inspector.catalog.vast.store import VastStore
from exr_inspector.catalog.vast.transactions import MAX_LATER_ROLLBACKS, MAX_ROLLBACKS
from exr_inspector.errors import InspectorError
from tests.catalog.backends import Vast, rows, tables
from tests.catalog.conftest import TIMEOUT
from tests.catalog.rows import delivered, expected
from tests.vast_server.clients import connected
from tests.vast_server.faults import Fault

BROKEN = {
    "status 500": Fault(status=500),
    "status 502": Fault(status=502),
    "status 503": Fault(status=503),
    "slow down": Fault(status=503, code="SlowDown"),
    "status 409": Fault(status=409),
    "reset": Fault(reset=True),
    "cut": Fault(cut=True),
    "timeout": Fault(status=500, delay=2 * TIMEOUT),
}


def broken(kind: str, *, after: bool) -> Fault:
    return replace(BROKEN[kind], after=after)


both_ways = pytest.mark.parametrize("after", [False, True], ids=["not executed", "executed"])


@pytest.mark.parametrize("kind", BROKEN)
@both_ways
def test_an_upsert_is_done_once_whatever_its_commit_is_answered(
    shared: Vast, name: str, kind: str, after: bool
) -> None:
    store, new, known = shared.store(), delivered(f"{name}new", version=2), delivered(f"{name}known")
    store.upsert([known])
    shared.server.faults.at(1, broken(kind, after=after), on="commit")
    outcomes = store.upsert([new, known])
    assert [outcome.action for outcome in outcomes] == ["inserted", "unchanged"]
    assert tables(shared, name) == expected(new, known)
    stored = store.lookup([new.file_id, known.file_id])
    assert [stored[each.file_id].inspection_count for each in (new, known)] == [1, 2]


@pytest.mark.parametrize("kind", ["status 500", "reset", "timeout"])
@both_ways
def test_a_removal_is_done_once_whatever_its_commit_is_answered(
    shared: Vast, name: str, kind: str, after: bool
) -> None:
    store, gone, kept = shared.store(), delivered(f"{name}gone"), delivered(f"{name}kept")
    store.upsert([gone, kept])
    shared.server.faults.at(1, broken(kind, after=after), on="commit")
    assert store.upsert([], [Removal(gone.file_id)]) == [Outcome(gone.file_id, "deleted")]
    assert tables(shared, name) == expected(kept)


@both_ways
def test_tables_are_made_once_whatever_the_commit_is_answered(database: Vast, after: bool) -> None:
    database.server.faults.at(1, broken("reset", after=after), on="commit")
    database.store().upsert([delivered("a")])
    assert tables(database) == expected(delivered("a"))
    assert len(rows(database, "locks")) == SHARDS


@pytest.mark.parametrize(("step", "nth"), [("insert", 4), ("update", 1), ("commit", 1)])
def test_a_session_that_would_send_again_by_itself_does_nothing_twice(
    shared: Vast, name: str, step: str, nth: int
) -> None:
    """By default the SDK repeats what was answered "SlowDown": an insert doubles rows, a commit gets 404."""
    with connected(shared.server) as session:
        store, file = VastStore(shared.settings(), session), delivered(name)
        store.ensure_tables()
        shared.server.faults.at(nth, broken("slow down", after=True), on=step)
        assert [outcome.action for outcome in store.upsert([file])] == ["inserted"]
        assert session.api._request != session.api._single_request
    assert tables(shared, name) == expected(file)


def test_the_mark_of_a_lost_commit_is_looked_for_even_if_a_look_fails(shared: Vast, name: str) -> None:
    store, file = shared.store(), delivered(name)
    store.ensure_tables()
    faults = shared.server.faults
    faults.at(1, broken("reset", after=True), on="commit")
    faults.at(2, Fault(status=503), on="begin")
    faults.at(3, Fault(status=500), on="select")
    faults.at(2, broken("cut", after=True), on="commit")
    assert [outcome.action for outcome in store.upsert([file])] == ["inserted"]
    assert tables(shared, name) == expected(file)


def test_a_commit_that_is_executed_after_its_timeout_is_not_done_twice(shared: Vast, name: str) -> None:
    """It can neither be rolled back nor seen. Only its lock rows stop the next attempt."""
    store, file = VastStore(shared.settings(), shared.session), delivered(name, version=2)
    store.ensure_tables()
    shared.server.faults.at(1, Fault(delay=2 * TIMEOUT), on="commit")
    shared.server.faults.every(Fault(status=500), on="rollback")
    store.upsert([file])
    shared.server.faults.clear()
    store.lookup([file.file_id])  # the next transaction sends the rollback again
    while shared.server.open_transactions:  # its commit is still on the way and will be refused
        time.sleep(0.01)
    assert tables(shared, name) == expected(file)


def test_a_rollback_that_fails_is_sent_again(shared: Vast, name: str) -> None:
    store = shared.store(vast_attempts=1)
    store.ensure_tables()
    shared.server.faults.at(1, Fault(status=503), on="insert")
    for nth in range(MAX_ROLLBACKS - 1):
        shared.server.faults.at(nth + 1, Fault(status=500), on="rollback")
    shared.waits.clear()
    with pytest.raises(InspectorError):
        store.upsert([delivered(name)])
    assert shared.server.open_transactions == []
    assert len(shared.waits) == MAX_ROLLBACKS - 1


def test_a_rollback_that_keeps_failing_is_sent_before_the_next_transaction(shared: Vast, name: str) -> None:
    """Otherwise a writer would block its own file until the database ends the transaction."""
    store, file = shared.store(vast_attempts=1), delivered(name)
    store.ensure_tables()
    shared.server.faults.every(Fault(reset=True), on="rollback")
    shared.server.faults.at(4, Fault(status=503), on="insert")
    with pytest.raises(InspectorError):
        store.upsert([file])
    assert len(shared.server.open_transactions) == 1
    shared.server.faults.clear()
    with shared.server.counting() as kinds:
        store.upsert([file])
    assert kinds[:2] == ["rollback", "begin"]
    assert tables(shared, name) == expected(file)


def test_a_store_that_is_closed_leaves_no_transaction_open(shared: Vast, name: str) -> None:
    store = VastStore(shared.settings(vast_attempts=1), wait=shared.wait)
    store.ensure_tables()
    shared.server.faults.every(Fault(status=503), on=lambda kind: kind in {"rollback", "insert"})
    with pytest.raises(InspectorError):
        store.upsert([delivered(name)])
    assert len(shared.server.open_transactions) == 1
    shared.server.faults.clear()
    store.close()
    assert shared.server.open_transactions == []


def test_a_rollback_that_never_succeeds_is_given_up_in_the_end(shared: Vast, name: str) -> None:
    """For example, a database may answer 500 for a transaction that it has ended."""
    store = shared.store(vast_attempts=1)
    store.ensure_tables()
    shared.server.faults.every(Fault(status=500), on="rollback")
    shared.server.faults.at(1, Fault(status=403), on="insert")
    shared.waits.clear()
    with shared.server.counting() as kinds:
        with pytest.raises(InspectorError):
            store.upsert([delivered(name)])
        assert len(shared.waits) == MAX_ROLLBACKS - 1  # none behind the last one
        for _ in range(MAX_LATER_ROLLBACKS + 5):
            store.lookup([delivered(name).file_id])
    assert kinds.count("rollback") == MAX_ROLLBACKS + MAX_LATER_ROLLBACKS
    shared.server.expire()


def test_what_a_dead_writer_holds_is_free_when_its_transaction_expires(
    shared: Vast, conflict: str, name: str
) -> None:
    dead, store, file = shared.store(), shared.store(vast_attempts=2), delivered(name)
    store.ensure_tables()
    shared.server.faults.every(Fault(status=500), on="rollback")
    shared.server.faults.at(4, Fault(status=403), on="insert")
    with pytest.raises(InspectorError):
        dead.upsert([file])
    shared.server.faults.clear()
    assert len(shared.server.open_transactions) == 1
    if conflict == "write":
        with pytest.raises(InspectorError) as refusal:
            store.upsert([file])
        assert refusal.value.fault is errors.DATABASE_CONFLICT
    shared.server.expire()
    store.upsert([file])
    assert tables(shared, name) == expected(file)
