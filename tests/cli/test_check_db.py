"""`exr-inspector check-db` against the stand-in for VAST DataBase."""

from __future__ import annotations

from typing import Literal

import pytest
from click.testing import CliRunner

from exr_inspector.cli import commands
from tests.vast_server.faults import Fault
from tests.vast_server.server import VastServer

CONFLICTS: dict[str, tuple[str, str]] = {
    "write": ("second write is refused: Conflict, status 409", "write is refused: Conflict, status 409"),
    "commit": ("second commit is refused: Conflict, status 409", "commit is refused: Conflict, status 409"),
}


def _environment(server: VastServer) -> dict[str, str]:
    return {
        "VAST_DB_ENDPOINT": server.endpoint,
        "VAST_DB_ACCESS_KEY": server.access_key,
        "VAST_DB_SECRET_KEY": server.secret_key,
        "VAST_DB_BUCKET": server.bucket,
    }


@pytest.mark.parametrize("version", ["5.4", "5.5"])
@pytest.mark.parametrize("conflict", ["write", "commit"])
def test_it_prints_what_the_database_does_and_leaves_nothing_behind(
    version: Literal["5.4", "5.5"], conflict: Literal["write", "commit"]
) -> None:
    with VastServer(version=version, conflict=conflict) as server:
        done = CliRunner().invoke(commands, ["check-db"], env=_environment(server))
        assert done.exit_code == 0, done.output
        for answer in CONFLICTS[conflict]:
            assert answer in done.output
        assert "0 seen" in done.output
        assert server.open_transactions == []
        assert "drop_schema" in server.requests


def test_a_database_that_is_down_is_exit_code_2_and_a_coded_line() -> None:
    with VastServer() as server:
        server.faults.every(Fault(status=500), on="version")
        done = CliRunner().invoke(commands, ["check-db"], env=_environment(server))
    assert done.exit_code == 2
    assert "DATABASE_UNAVAILABLE" in done.output


def test_without_settings_it_says_which_are_needed() -> None:
    done = CliRunner().invoke(commands, ["check-db"])
    assert done.exit_code == 2
    assert "VAST_DB_ENDPOINT" in done.output
