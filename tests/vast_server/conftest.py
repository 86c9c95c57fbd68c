from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.vast_server.clients import client_of
from tests.vast_server.server import VastServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.vast_server.clients import Client


@pytest.fixture
def client() -> Iterator[Client]:
    with client_of(VastServer()) as client:
        yield client


@pytest.fixture(scope="module")
def shared() -> Iterator[Client]:
    """A client for tests that only read."""
    with client_of(VastServer()) as client:
        yield client
