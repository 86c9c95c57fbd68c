"""The store contract in VAST DataBase, through the real SDK, in both versions and both conflict modes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.catalog.backends import Vast, vast
from tests.catalog.contract import StoreContract
from tests.slow import slow

if TYPE_CHECKING:
    from collections.abc import Iterator


class TestVast(StoreContract):
    @pytest.fixture(params=["5.4-commit", "5.5-write", *slow("5.4-write", "5.5-commit")])
    def backend(self, request: pytest.FixtureRequest) -> Iterator[Vast]:
        with vast(*request.param.split("-")) as backend:
            backend.wait = time.sleep  # threads that conflict must wait for each other
            yield backend
            assert backend.server.open_transactions == []
