from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service.function import BUCKET, Function
from tests.sources.server import S3Server


@pytest.fixture(scope="session")
def server() -> Iterator[S3Server]:
    with S3Server() as running:
        running.bucket(BUCKET)
        yield running


@pytest.fixture
def s3(server: S3Server) -> Iterator[S3Server]:
    """The server with nothing counted and nothing to spoil."""
    server.forget()
    yield server
    server.faults.clear()
    server.plan = None


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> Iterator[Function]:
    """The function without a database."""
    made = Function(monkeypatch)
    yield made
    made.close()


@pytest.fixture
def function(bare: Function, tmp_path: Path) -> Function:
    """The function with an embedded store."""
    bare.set(EXR_INSPECTOR_DB=tmp_path / "rows.duckdb")
    return bare


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """For the files of a test; nothing else lies in it."""
    made = tmp_path / "files"
    made.mkdir()
    return made
