from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from tests.catalog.backends import Vast, vast
from tests.slow import slow

if TYPE_CHECKING:
    from collections.abc import Iterator

TIMEOUT = 0.5  # seconds that a session waits for a response in tests of timeouts

_names = itertools.count(1)


@pytest.fixture
def name() -> str:
    """A prefix for the names of a test's files, if tests share a database."""
    return f"test{next(_names)}-"


@pytest.fixture
def database() -> Iterator[Vast]:
    """A VAST DataBase with tables for one test: version 5.5, conflicts at the write."""
    with vast(tables=True) as database:
        yield database
        assert database.server.open_transactions == []


@pytest.fixture(scope="module", params=["write", *slow("commit", "lenient")])
def conflict(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def shared_database(conflict: str) -> Iterator[Vast]:
    with vast(conflict=conflict, tables=True) as database:
        yield database


@pytest.fixture
def shared(shared_database: Vast, request: pytest.FixtureRequest) -> Iterator[Vast]:
    """A VAST DataBase in all conflict modes, with tables, shared by the tests of a module.

    Sessions wait for a response as long as they do in a farm, but a test with "timeout" in its name has
    one that waits for TIMEOUT: on a busy machine any response may take longer.
    """
    api = shared_database.session.api
    patience = api.timeout
    if "timeout" in request.node.name:
        api.timeout = TIMEOUT
    yield shared_database
    api.timeout = patience
    shared_database.server.faults.clear()
    assert shared_database.server.open_transactions == []
