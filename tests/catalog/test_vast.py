"""The store contract in VAST DataBase, through the real SDK, in both versions and both conflict modes."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.catalog.backends import Vast, vast
from tests.catalog.contract import StoreContract
from tests.slow import slow

if TYPE_CHECKING:
    from collections.abc import Iterator


class TestVast(StoreContract):
    @pytest.fixture(params=["5.4-commit", "5.5-write", *slow("5.4-write", "5.5-commit")])
    def server_kind(self, request: pytest.FixtureRequest) -> list[str]:
        """The version, and when it finds conflicts."""
        return str(request.param).split("-")

    @pytest.fixture
    def backend(self, server_kind: list[str]) -> Iterator[Vast]:
        with _checked(*server_kind, tables=True) as backend:
            yield backend

    @pytest.fixture
    def empty(self, server_kind: list[str]) -> Iterator[Vast]:
        with _checked(*server_kind, tables=False) as backend:
            yield backend


@contextmanager
def _checked(version: str, conflict: str, *, tables: bool) -> Iterator[Vast]:
    with vast(version, conflict, tables=tables) as backend:
        backend.wait = time.sleep  # threads that conflict must wait for each other
        yield backend
        assert backend.server.open_transactions == []
