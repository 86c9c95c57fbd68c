from __future__ import annotations

from collections.abc import Iterator

import pytest

from exr_inspector.sources.s3 import S3Client, make_client
from tests.sources.server import S3Server


@pytest.fixture(scope="session")
def server() -> Iterator[S3Server]:
    with S3Server() as running:
        running.bucket("shots")
        yield running


@pytest.fixture
def s3(server: S3Server) -> Iterator[S3Server]:
    """The server with nothing counted and nothing to spoil."""
    yield server
    server.faults.clear()
    server.plan = None
    server.forget()


@pytest.fixture(scope="session")
def shared_client(server: S3Server) -> Iterator[S3Client]:
    made = make_client(server.settings())
    yield made
    made.close()


@pytest.fixture
def client(s3: S3Server, shared_client: S3Client, monkeypatch: pytest.MonkeyPatch) -> S3Client:
    """Tries again at once."""
    monkeypatch.setattr("exr_inspector.sources.s3.PAUSES", (0.0, 0.0))
    return shared_client


@pytest.fixture
def new_client(s3: S3Server) -> Iterator[S3Client]:
    """Has no connections yet."""
    made = make_client(s3.settings())
    yield made
    made.close()
