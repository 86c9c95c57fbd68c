"""The last step: a sample is uploaded, and its row is waited for."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.verify import SAMPLE_NAME, upload, verify
from exr_inspector.apps.deployment.env_file import Plan
from exr_inspector.apps.deployment.settings import Deployment
from exr_inspector.catalog.connect import open_store
from exr_inspector.catalog.duckdb.store import DuckDBStore
from exr_inspector.errors import STORAGE_UNAVAILABLE, InspectorError
from exr_inspector.events.request import Request
from exr_inspector.location import path_location
from exr_inspector.pipeline import Runtime, inspect_many, inspect_request
from exr_inspector.settings import Settings
from exr_inspector.sources.opener import Opener
from tests.deploy.conftest import SETTINGS, Site, write_env
from tests.exrfiles.demo import simple
from tests.sources.server import KEYS, S3Server
from tests.vast_server.server import VastServer


@pytest.fixture
def s3() -> Iterator[S3Server]:
    with S3Server() as server:
        server.bucket("shots")
        yield server


@pytest.fixture
def store(tmp_path: Path) -> Iterator[DuckDBStore]:
    opened = DuckDBStore(str(tmp_path / "exr.duckdb"))
    opened.ensure_tables()
    yield opened
    opened.close()


def _settings(s3: S3Server) -> Settings:
    """Of a client that goes past the proxy, which knows no uploads."""
    return s3.settings(s3_endpoint="http://{}:{}".format(*s3.backend))


def _plan(s3: S3Server) -> Plan:
    values = {**SETTINGS, "DEPLOY_SOURCE_BUCKET": f"{s3.mark}shots", "DEPLOY_PREFIX": "incoming/"}
    return Plan(_settings(s3), Deployment.from_mapping({**values, "DEPLOY_WAIT": "10"}), values)


class Function:
    """Inspects what was uploaded when it is its turn: after `late` pauses."""

    def __init__(self, s3: S3Server, store: DuckDBStore, late: int = 1) -> None:
        self.late = late
        self.request = _created(f"s3://{s3.mark}shots/incoming/{SAMPLE_NAME}")
        self.runtime = Runtime(_settings(s3), store, Opener(_settings(s3)))

    def __call__(self, _: float) -> None:
        self.late -= 1
        if self.late == 0:
            list(inspect_many([self.request], self.runtime))


def test_the_row_of_the_sample_is_found_when_it_comes(s3: S3Server, store: DuckDBStore) -> None:
    found = verify(_plan(s3), store, simple(8, 8), Function(s3, store, late=3))
    assert found is not None
    assert found.inspection_count == 1


def test_a_row_of_an_earlier_verification_is_not_taken_for_the_new_one(
    s3: S3Server, store: DuckDBStore
) -> None:
    first = verify(_plan(s3), store, simple(8, 8), Function(s3, store))
    again = verify(_plan(s3), store, simple(8, 8), Function(s3, store))
    assert first is not None
    assert again is not None
    assert (first.inspection_count, again.inspection_count) == (1, 2)


def test_a_row_that_does_not_come_is_not_waited_for_for_ever(s3: S3Server, store: DuckDBStore) -> None:
    pauses: list[float] = []
    assert verify(_plan(s3), store, simple(8, 8), pauses.append) is None
    assert sum(pauses) == 10


def test_an_object_store_that_does_not_take_the_sample_is_a_coded_error(s3: S3Server) -> None:
    with pytest.raises(InspectorError, match="the sample was not uploaded") as caught:
        upload(_settings(s3), f"{s3.mark}no-such-bucket", "x.exr", b"")
    assert caught.value.fault is STORAGE_UNAVAILABLE


def _created(location: str) -> Request:
    return Request("created", (path_location(location),))


@contextmanager
def _watching(location: str, settings: Settings) -> Iterator[None]:
    """A function that inspects the object as soon as it is there."""
    store = open_store(settings)
    assert store
    runtime = Runtime(settings, store, Opener(settings))
    ended = threading.Event()

    def watch() -> None:
        while not ended.is_set():
            if inspect_request(_created(location), runtime)["file"]["status"] == "ok":
                list(inspect_many([_created(location)], runtime))
                return
            time.sleep(0.1)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        store.close()


def test_deploy_sh_prints_the_row_that_the_function_wrote(site: Site, s3: S3Server) -> None:
    with VastServer() as database:
        values = {
            **SETTINGS,
            "S3_ENDPOINT": _settings(s3).s3_endpoint,
            "S3_ACCESS_KEY": KEYS["s3_access_key"],
            "S3_SECRET_KEY": KEYS["s3_secret_key"],
            "VAST_DB_ENDPOINT": database.endpoint,
            "VAST_DB_ACCESS_KEY": database.access_key,
            "VAST_DB_SECRET_KEY": database.secret_key,
            "VAST_DB_BUCKET": database.bucket,
            "DEPLOY_SOURCE_BUCKET": f"{s3.mark}shots",
            "DEPLOY_SAMPLE_UPLOAD": "yes",
            "DEPLOY_WAIT": "60",
        }
        write_env(site.config, values)
        with _watching(f"s3://{s3.mark}shots/{SAMPLE_NAME}", Settings.from_mapping(values)):
            done = site.run("verify")
    assert done.returncode == 0, done.stdout
    assert '"inspection_count": 1' in done.stdout


def test_a_database_that_cannot_be_reached_is_told_from_a_row_that_did_not_come(site: Site) -> None:
    write_env(site.config, SETTINGS | {"S3_ENDPOINT": "http://127.0.0.1:9", "DEPLOY_SAMPLE_UPLOAD": "yes"})
    done = site.run("verify")
    assert done.returncode == 1
    assert "DATABASE_UNAVAILABLE" in done.stdout
    assert "this machine cannot reach the bucket or the database" in done.stdout
    assert "did not appear" not in done.stdout
