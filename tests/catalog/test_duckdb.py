"""The store contract in DuckDB."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.catalog.backends import DuckDB
from tests.catalog.contract import StoreContract

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class TestDuckDB(StoreContract):
    @pytest.fixture
    def backend(self, tmp_path: Path) -> Iterator[DuckDB]:
        backend = DuckDB(tmp_path)
        yield backend
        backend.close()
