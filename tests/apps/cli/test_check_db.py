"""`exr-inspector check-db` against the stand-in for VAST DataBase."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Literal

import pytest
from click.testing import CliRunner

from exr_inspector.apps.cli import commands
from exr_inspector.apps.vast_check import (
    AS_NEEDED,
    INFORMATION,
    NOT_AS_NEEDED,
    UNKNOWN,
    Finding,
    check_database,
)
from exr_inspector.settings import Settings
from tests.slow import slow
from tests.vast_server.faults import Fault
from tests.vast_server.server import VastServer

if TYPE_CHECKING:
    from collections.abc import Generator

NEEDED = {
    "two transactions update one row",
    "two transactions create one table",
    "a row that was updated since the transaction began",
    "rows committed since the transaction began",
    "a transaction's own changes, within it",
}
CONFLICTS: dict[str, tuple[str, str]] = {
    "write": ("second write is refused: Conflict, status 409", "write is refused: Conflict, status 409"),
    "commit": ("second commit is refused: Conflict, status 409", "commit is refused: Conflict, status 409"),
    "lenient": ("second commit is refused: Conflict, status 409", "commit is refused: Conflict, status 409"),
}


def _environment(server: VastServer) -> dict[str, str]:
    return {
        "VAST_DB_ENDPOINT": server.endpoint,
        "VAST_DB_ACCESS_KEY": server.access_key,
        "VAST_DB_SECRET_KEY": server.secret_key,
        "VAST_DB_BUCKET": server.bucket,
    }


def _checked(server: VastServer) -> Generator[Finding, None, None]:
    settings = Settings.from_mapping(_environment(server))
    return check_database(settings, wait=lambda _seconds: None)


def _verdicts(server: VastServer) -> dict[str, str]:
    return {each.question: each.verdict for each in _checked(server)}


@pytest.mark.parametrize("version", ["5.4", "5.5"])
@pytest.mark.parametrize("conflict", CONFLICTS)
def test_it_prints_what_the_database_does_and_leaves_nothing_behind(
    version: Literal["5.4", "5.5"], conflict: Literal["write", "commit", "lenient"]
) -> None:
    with VastServer(version=version, conflict=conflict) as server:
        done = CliRunner().invoke(commands, ["check-db"], env=_environment(server))
        assert done.exit_code == 0, done.output
        for answer in CONFLICTS[conflict]:
            assert answer in done.output
        assert "0 seen" in done.output
        _expect_nothing_left(server)


def test_what_the_store_rests_on_is_marked_and_the_rest_is_told() -> None:
    with VastServer() as server:
        verdicts = _verdicts(server)
    assert {question for question, verdict in verdicts.items() if verdict == AS_NEEDED} == NEEDED
    assert set(verdicts.values()) == {AS_NEEDED, INFORMATION}


def test_a_database_without_conflicts_is_not_certified() -> None:
    with VastServer(conflict="never") as server:
        verdicts = _verdicts(server)
        assert CliRunner().invoke(commands, ["check-db"], env=_environment(server)).exit_code == 1
    assert {question for question, verdict in verdicts.items() if verdict == NOT_AS_NEEDED} == {
        "two transactions update one row",
        "a row that was updated since the transaction began",
    }


@pytest.mark.parametrize(
    "fault", [Fault(status=503), Fault(status=500), Fault(status=403), Fault(reset=True)]
)
def test_a_refusal_that_is_no_conflict_is_no_answer(fault: Fault) -> None:
    with VastServer(conflict="never") as server:
        server.faults.at(2, fault, on="update")
        findings = _checked(server)
        found = next(each for each in findings if each.question == "two transactions update one row")
        assert found.verdict == UNKNOWN
        list(findings)


def test_what_could_not_be_asked_is_unknown_and_no_success() -> None:
    with VastServer() as server:
        server.faults.at(1, Fault(status=503), on="update")
        done = CliRunner().invoke(commands, ["check-db"], env=_environment(server))
        assert done.exit_code == 1
        assert done.output.count(UNKNOWN) == 1
        _expect_nothing_left(server)


@pytest.mark.parametrize("first", [1, *slow(3, 5)])
def test_nothing_is_left_behind_whichever_request_fails(first: int) -> None:
    """But the transaction whose beginning was never answered: nobody knows its id."""
    faults = itertools.cycle([Fault(status=503), Fault(status=409), Fault(reset=True, after=True)])
    with VastServer() as server:
        for step, fault in zip(itertools.count(first, 6), faults, strict=False):
            server.faults.at(step, fault)
            before, findings = len(server.requests), _checked(server)
            with server.counting() as kinds:
                while len(server.requests) - before < step and next(findings, None):
                    pass
                findings.close()
            server.faults.clear()
            lost = kinds[step - 1 : step] == ["begin"] and fault.after
            _expect_nothing_left(server, open_transactions=int(lost))
            server.expire()
            if len(kinds) < step:
                break
        assert step > 100


def _expect_nothing_left(server: VastServer, open_transactions: int = 0) -> None:
    assert len(server.open_transactions) == open_transactions
    assert server.schemas() == []


def test_a_schema_that_could_not_be_dropped_is_named() -> None:
    with VastServer() as server:
        server.faults.every(Fault(status=403), on="drop_table")
        *_, last = _checked(server)
        assert last.verdict == UNKNOWN
        assert server.schemas()[0] in last.answer


def test_what_was_found_before_a_failure_is_printed() -> None:
    with VastServer() as server, pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr("exr_inspector.apps.vast_check._Scratch.snapshot", _broken)
        done = CliRunner().invoke(commands, ["check-db"], env=_environment(server))
        assert isinstance(done.exception, ZeroDivisionError)
        assert "two transactions update one row" in done.output
        _expect_nothing_left(server)


def _broken(*_arguments: object) -> Finding:
    raise ZeroDivisionError


def test_a_database_that_is_down_is_exit_code_2_and_a_coded_line_without_credentials() -> None:
    with VastServer() as server:
        server.faults.every(Fault(status=500), on="version")
        environment = {**_environment(server), "VAST_DB_SECRET_KEY": "hush", "VAST_DB_ATTEMPTS": "1"}
        done = CliRunner().invoke(commands, ["check-db"], env=environment)
    assert done.exit_code == 2
    assert "DATABASE_UNAVAILABLE" in done.output
    assert "hush" not in done.output
    assert "question" not in done.output


def test_without_settings_it_says_which_are_needed() -> None:
    done = CliRunner().invoke(commands, ["check-db"])
    assert done.exit_code == 2
    assert "VAST_DB_ENDPOINT" in done.output
