"""Group commit: shared transactions in which nobody loses, waits for company, or fails for another."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from exr_inspector.catalog.facets import FileRows
from exr_inspector.catalog.group import GroupCommit
from exr_inspector.catalog.store import Outcome, Removal
from exr_inspector.errors import (
    DATABASE_CONFLICT,
    DATABASE_REFUSED,
    DATABASE_UNAVAILABLE,
    Fault,
    InspectorError,
)
from tests.catalog.rows import delivered

SECONDS = 20.0


class Database:
    """A `write` that records its transactions; the first waits until it is let go."""

    def __init__(self) -> None:
        self.transactions: list[list[str]] = []
        self.running = 0
        self.faults: dict[str, Fault] = {}
        self.is_entered, self.may_go = threading.Event(), threading.Event()

    def write(self, files: Sequence[FileRows], removals: Sequence[Removal]) -> list[Outcome]:
        self.running += 1
        assert self.running == 1, "two transactions of one group commit at the same time"
        ids = [each.file_id for each in files] + [each.file_id for each in removals]
        self.transactions.append(ids)
        self.is_entered.set()
        assert self.may_go.wait(SECONDS)
        self.running -= 1
        for each in ids:
            if each in self.faults:
                raise InspectorError(self.faults[each], f"no {each}", "table")
        return [Outcome(each, "inserted") for each in ids]


class Threads:
    """Calls of one group commit; those after the first wait behind it until `finish`."""

    def __init__(self, max_files: int = 100) -> None:
        self.database = Database()
        self.group = GroupCommit(self.database.write, max_files)
        self.pool = ThreadPoolExecutor(40)
        self.calls: list[Future[list[Outcome]]] = []

    def call(self, *names: str, removed: Sequence[str] = ()) -> Future[list[Outcome]]:
        files = [delivered(name) for name in names]
        removals = [Removal(delivered(name).file_id) for name in removed]
        self.calls.append(self.pool.submit(self.group.upsert, files, removals))
        if len(self.calls) == 1:
            assert self.database.is_entered.wait(SECONDS)
        else:
            # The others queue in the order of their calls.
            deadline = threading.Event()
            while len(self.group._waiting) < len(self.calls) - 1:
                deadline.wait(0.001)
        return self.calls[-1]

    def finish(self) -> list[list[str]]:
        self.database.may_go.set()
        for call in self.calls:
            call.exception(SECONDS)
        return self.database.transactions


@pytest.fixture
def threads() -> Iterator[Threads]:
    made = Threads()
    yield made
    made.database.may_go.set()
    made.pool.shutdown()


def ids(*names: str) -> list[str]:
    return [delivered(name).file_id for name in names]


def error_of(call: Future[list[Outcome]]) -> InspectorError:
    error = call.exception(SECONDS)
    assert isinstance(error, InspectorError)
    return error


def test_a_call_alone_is_written_at_once(threads: Threads) -> None:
    threads.call("a", "b", removed=["c"])
    assert threads.finish() == [ids("a", "b", "c")]
    assert [each.file_id for each in threads.calls[0].result()] == ids("a", "b", "c")


def test_calls_that_arrive_during_a_transaction_share_the_next_one(threads: Threads) -> None:
    for name in "abcd":
        threads.call(name)
    assert threads.finish() == [ids("a"), ids("b", "c", "d")]
    assert [call.result() for call in threads.calls] == [[Outcome(each, "inserted")] for each in ids(*"abcd")]


def test_a_file_that_comes_twice_is_two_transactions(threads: Threads) -> None:
    for name in ("a", "b", "b", "c"):
        threads.call(name)
    threads.call(removed=["b"])
    assert threads.finish() == [ids("a"), ids("b", "c"), ids("b"), ids("b")]


def test_a_group_has_a_largest_size(threads: Threads) -> None:
    threads.group._max_files = 3
    threads.call("a")
    threads.call("b", "c")
    threads.call("d", "e")
    threads.call("f")
    threads.call(*"ghijk")
    assert threads.finish() == [ids("a"), ids("b", "c", "f"), ids("d", "e"), ids(*"ghijk")]


@pytest.mark.parametrize("fault", [DATABASE_REFUSED, DATABASE_CONFLICT])
def test_a_file_that_cannot_be_stored_fails_alone(threads: Threads, fault: Fault) -> None:
    threads.database.faults[ids("bad")[0]] = fault
    for name in ("a", "b", "bad", "c", "d"):
        threads.call(name)
    threads.finish()
    failed = [call for call in threads.calls if call.exception()]
    assert failed == [threads.calls[2]]
    error = error_of(failed[0])
    assert (error.fault, error.message, error.where) == (fault, f"no {ids('bad')[0]}", "table")
    stored = [each for each in threads.database.transactions[1:] if ids("bad")[0] not in each]
    assert sorted(each for ids in stored for each in ids) == sorted(ids("b", "c", "d"))


def test_a_database_that_is_down_fails_the_whole_group_after_one_attempt(threads: Threads) -> None:
    threads.database.faults[ids("b")[0]] = DATABASE_UNAVAILABLE
    for name in "abc":
        threads.call(name)
    assert threads.finish() == [ids("a"), ids("b", "c")]
    errors = [error_of(call) for call in threads.calls[1:]]
    assert [error.fault for error in errors] == [DATABASE_UNAVAILABLE] * 2
    assert errors[0] is not errors[1]


def test_after_a_failure_others_are_written(threads: Threads) -> None:
    threads.database.faults[ids("a")[0]] = DATABASE_UNAVAILABLE
    threads.call("a")
    threads.call("b")
    assert threads.finish() == [ids("a"), ids("b")]
    assert error_of(threads.calls[0]).fault is DATABASE_UNAVAILABLE
    assert threads.calls[1].result() == [Outcome(ids("b")[0], "inserted")]


def test_a_defect_reaches_every_thread_of_its_group_and_stops_nobody_else(threads: Threads) -> None:
    class DefectError(Exception):
        pass

    def write(files: Sequence[FileRows], removals: Sequence[Removal]) -> list[Outcome]:
        if files[0].file_id == ids("b")[0]:
            raise DefectError
        return threads.database.write(files, removals)

    threads.group._write = write
    for name in "abc":
        threads.call(name)
    threads.database.may_go.set()
    assert [type(call.exception(SECONDS)) for call in threads.calls] == [type(None), DefectError, DefectError]
    assert threads.pool.submit(threads.group.upsert, [delivered("d")]).result(SECONDS)


def test_many_threads_at_once_are_all_written_once(threads: Threads) -> None:
    threads.database.may_go.set()
    names = [f"{thread}-{number}" for thread in range(20) for number in range(20)]

    def call(name: str) -> list[Outcome]:
        return threads.group.upsert([delivered(name)])

    outcomes = list(threads.pool.map(call, names))
    assert [each.file_id for (each,) in outcomes] == ids(*names)
    written = [each for transaction in threads.database.transactions for each in transaction]
    assert sorted(written) == sorted(ids(*names))
    assert [] not in threads.database.transactions
