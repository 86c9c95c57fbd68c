"""Failures on demand, through the real SDK."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
import requests
import vastdb.errors

from tests.vast_server.clients import SCHEMA, client_of, connected, files, rows_of, sizes
from tests.vast_server.faults import Fault
from tests.vast_server.server import VastServer

if TYPE_CHECKING:
    from tests.vast_server.clients import Client


STATUSES = {
    403: vastdb.errors.Forbidden,
    409: vastdb.errors.Conflict,
    429: ValueError,
    500: vastdb.errors.InternalServerError,
    502: ValueError,
    503: vastdb.errors.ServiceUnavailable,
}
FAILURES = [
    *[pytest.param({"status": status}, error, id=str(status)) for status, error in STATUSES.items()],
    pytest.param({"reset": True}, vastdb.errors.ConnectionError, id="reset"),
    pytest.param({"cut": True}, requests.exceptions.ChunkedEncodingError, id="cut"),
]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(("fault", "error"), FAILURES)
def test_a_request_fails_before_or_after_it_is_executed(
    client: Client, fault: dict[str, Any], error: type[Exception], after: bool
) -> None:
    client.server.faults.at(1, Fault(**fault, after=after), on="commit")
    with pytest.raises(error), client.session.transaction() as tx:
        client.table(tx).delete(sizes([0], 0))
    assert client.paths() == (["b", "c", None] if after else ["a", "b", "c", None])
    assert len(client.server.open_transactions) == (0 if after else 1)
    client.server.expire()


def test_a_slowdown_is_sent_again_by_the_sdk(client: Client) -> None:
    client.server.faults.at(1, Fault(status=503, code="SlowDown"), on="insert")
    with client.server.counting() as kinds, client.session.transaction() as tx:
        client.table(tx).insert(files("d"))
    assert kinds == ["begin", "insert", "insert", "commit"]


def test_a_commit_that_took_place_but_is_sent_again_is_not_found(client: Client) -> None:
    client.server.faults.at(1, Fault(status=503, code="SlowDown", after=True), on="commit")
    with pytest.raises(vastdb.errors.NotFound), client.session.transaction() as tx:
        client.table(tx).insert(files("d"))
    assert client.paths()[-1] == "d"


@pytest.mark.parametrize("fault", [Fault(cut=True), Fault(cut=True, after=True), Fault(reset=True)])
def test_a_broken_select_is_read_again_by_the_sdk(client: Client, fault: Fault) -> None:
    client.server.faults.at(1, fault, on="select")
    with client.server.counting() as kinds, client.session.transaction() as tx:
        assert len(rows_of(client.table(tx))) == 4
    assert kinds == ["begin", "select", "select", "commit"]


def test_a_delay_may_be_longer_than_a_timeout(client: Client) -> None:
    client.server.faults.at(1, Fault(delay=0.5))
    with (
        pytest.raises(requests.exceptions.ReadTimeout),
        connected(client.server, timeout=0.1),
    ):
        pass


def test_a_fault_waits_for_the_nth_request_and_comes_once(client: Client) -> None:
    client.server.faults.at(3, Fault(status=500))
    with contextlib.suppress(vastdb.errors.InternalServerError), client.session.transaction() as tx:
        client.table(tx).insert(files("d"))
        client.table(tx).insert(files("e"))
    assert client.server.requests[-4:] == ["begin", "insert", "insert", "rollback"]


def test_every_matching_request_fails_until_the_faults_are_cleared(client: Client) -> None:
    client.server.faults.every(Fault(status=500), on=lambda kind: kind in {"insert", "update"})
    for _ in range(2):
        with pytest.raises(vastdb.errors.InternalServerError), client.session.transaction() as tx:
            client.table(tx).insert(files("d"))
    client.server.faults.clear()
    with client.session.transaction() as tx:
        client.table(tx).insert(files("d"))


def test_an_exception_of_the_server_itself_is_raised_in_the_test() -> None:
    def send_nonsense() -> None:
        with (
            client_of(VastServer()) as client,
            contextlib.suppress(vastdb.errors.ConnectionError),
            client.session.transaction() as tx,
        ):
            client.session.api.insert_rows(client.server.bucket, SCHEMA, "files", b"rows", tx.txid)

    with pytest.raises(pa.ArrowInvalid):
        send_nonsense()
