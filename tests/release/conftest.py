"""The distributions, built once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.release.installed import build


@pytest.fixture(scope="session")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The source distribution, and the wheel that was built from it."""
    return build(tmp_path_factory.mktemp("distributions"))
