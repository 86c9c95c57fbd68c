"""Snapshots and conflicts, in both modes unless stated otherwise, tested through the real SDK."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
import vastdb.errors

from tests.vast_server.clients import COLUMNS, SCHEMA, client_of, files, rows_of, sizes
from tests.vast_server.server import VastServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.vast_server.clients import Client


@pytest.fixture(params=["write", "commit"])
def client(request: pytest.FixtureRequest) -> Iterator[Client]:
    with client_of(VastServer(conflict=request.param)) as client:
        yield client


def test_a_transaction_sees_its_snapshot_and_its_own_writes(client: Client) -> None:
    with client.session.transaction() as reader:
        with client.session.transaction() as writer:
            client.table(writer).insert(files("d"))
            client.table(writer).delete(sizes([0], 0))
            assert [row["path"] for row in rows_of(client.table(writer))] == ["b", "c", None, "d"]
        assert [row["path"] for row in rows_of(client.table(reader))] == ["a", "b", "c", None]
    with client.session.transaction() as later:
        assert [row["path"] for row in rows_of(client.table(later))] == ["b", "c", None, "d"]


def test_a_rollback_leaves_nothing(client: Client) -> None:
    with contextlib.suppress(ZeroDivisionError), client.session.transaction() as tx:
        client.table(tx).insert(files("d"))
        client.table(tx).delete(sizes([0], 0))
        raise ZeroDivisionError
    assert client.paths() == ["a", "b", "c", None]


WRITES: dict[str, Callable[[Any], None]] = {
    "update": lambda table: table.update(sizes([1], 5)),
    "delete": lambda table: table.delete(sizes([1], 0)),
}


both_writes = pytest.mark.parametrize(
    ("first", "second"), [(first, second) for first in WRITES for second in WRITES]
)


@both_writes
def test_in_mode_write_the_second_writer_of_a_row_is_refused(first: str, second: str) -> None:
    with (
        client_of(VastServer(conflict="write")) as client,
        client.session.transaction() as one,
        client.session.transaction() as two,
    ):
        WRITES[first](client.table(one))
        with pytest.raises(vastdb.errors.Conflict):
            WRITES[second](client.table(two))


@both_writes
def test_in_mode_commit_the_second_commit_is_refused(first: str, second: str) -> None:
    with client_of(VastServer(conflict="commit")) as client:
        refused = client.session.transaction().__enter__()
        with client.session.transaction() as one:
            WRITES[first](client.table(one))
            WRITES[second](client.table(refused))
        with pytest.raises(vastdb.errors.Conflict):
            refused.__exit__(None, None, None)
        assert client.server.rows(SCHEMA, "files").num_rows == (4 if first == "update" else 3)


@pytest.mark.parametrize("first", WRITES)
def test_in_mode_lenient_a_deletion_conflicts_with_nothing_and_stays(first: str) -> None:
    with client_of(VastServer(conflict="lenient")) as client:
        with client.session.transaction() as one, client.session.transaction() as two:
            WRITES["delete"](client.table(one))
            WRITES[first](client.table(two))
            client.table(two).update(sizes([0, 2], 7))
        assert client.server.rows(SCHEMA, "files")["size"].to_pylist() == [7, 7, 3]


def test_in_mode_lenient_a_refused_commit_leaves_its_transaction_open() -> None:
    with client_of(VastServer(conflict="lenient")) as client:
        with contextlib.suppress(vastdb.errors.Conflict):
            overtake(client, lambda tx: WRITES["update"](client.table(tx)))
        (left,) = client.server.open_transactions
        client.session.api.rollback_transaction(left)


@both_writes
def test_in_mode_never_no_row_conflicts(first: str, second: str) -> None:
    with (
        client_of(VastServer(conflict="never")) as client,
        client.session.transaction() as one,
        client.session.transaction() as two,
    ):
        WRITES[first](client.table(one))
        WRITES[second](client.table(two))


def overtake(client: Client, write: Callable[[Any], Any]) -> None:
    """Write in a transaction what another one, which began later, has written and committed."""
    with client.session.transaction() as early:
        with client.session.transaction() as late:
            write(late)
        write(early)


def test_a_row_that_was_written_since_the_snapshot_conflicts(client: Client) -> None:
    with pytest.raises(vastdb.errors.Conflict):
        overtake(client, lambda tx: WRITES["update"](client.table(tx)))


def test_a_row_is_free_again_after_a_rollback(client: Client) -> None:
    with client.session.transaction() as early:
        with contextlib.suppress(ZeroDivisionError), client.session.transaction() as tx:
            WRITES["update"](client.table(tx))
            raise ZeroDivisionError
        WRITES["update"](client.table(early))


def test_a_row_is_free_again_when_a_dead_client_s_transaction_expires(client: Client) -> None:
    dead = client.session.transaction().__enter__()
    WRITES["update"](client.table(dead))
    client.server.expire()
    with client.session.transaction() as tx:
        WRITES["delete"](client.table(tx))
    with pytest.raises(vastdb.errors.NotFound):
        dead.__exit__(None, None, None)


def test_writers_of_different_rows_do_not_conflict(client: Client) -> None:
    with client.session.transaction() as one, client.session.transaction() as two:
        client.table(one).update(sizes([0], 5))
        client.table(two).update(sizes([1], 6))
    assert client.server.rows(SCHEMA, "files")["size"].to_pylist() == [5, 6, 2, 3]


def test_inserts_never_conflict(client: Client) -> None:
    with client.session.transaction() as one, client.session.transaction() as two:
        first = client.table(one).insert(files("d")).to_pylist()
        second = client.table(two).insert(files("d")).to_pylist()
    assert client.paths() == ["a", "b", "c", None, "d", "d"]
    assert first != second


CREATIONS: dict[str, Callable[[Any], Any]] = {
    "schema": lambda bucket: bucket.create_schema("other"),
    "table": lambda bucket: bucket.schema(SCHEMA).create_table("other", COLUMNS),
    "column": lambda bucket: bucket.schema(SCHEMA).table("files").add_column(pa.schema([("x", pa.int8())])),
}


@pytest.mark.parametrize("what", CREATIONS)
def test_two_creators_of_the_same_conflict(client: Client, what: str) -> None:
    with pytest.raises(vastdb.errors.Conflict):
        overtake(client, lambda tx: CREATIONS[what](tx.bucket(client.server.bucket)))


def test_an_insert_into_a_table_that_was_dropped_meanwhile_conflicts(client: Client) -> None:
    early = client.session.transaction().__enter__()
    client.table(early).insert(files("d"))
    with client.session.transaction() as late:
        late.bucket(client.server.bucket).schema(SCHEMA).table("files").drop()
    with pytest.raises(vastdb.errors.Conflict):
        early.__exit__(None, None, None)


def test_threads_and_processes_may_all_write_at_once(client: Client) -> None:
    server = client.server

    def insert(path: str) -> None:
        with client.session.transaction() as tx:
            client.table(tx).insert(files(path))

    arguments = (server.endpoint, server.access_key, server.secret_key, server.bucket, SCHEMA)
    processes = [subprocess.Popen([sys.executable, "-c", INSERT_TEN, *arguments]) for _ in range(2)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(insert, ["thread"] * 40))
    assert [process.wait() for process in processes] == [0, 0]
    assert Counter(client.paths()[4:]) == {"thread": 40, "process": 20}


INSERT_TEN = """
import sys, pyarrow, vastdb
endpoint, access, secret, bucket, schema = sys.argv[1:]
session = vastdb.connect(endpoint=endpoint, access=access, secret=secret)
for _ in range(10):
    with session.transaction() as tx:
        tx.bucket(bucket).schema(schema).table("files").insert(pyarrow.table({"path": ["process"]}))
"""
