"""Events over HTTP to the real function, an S3 that fails, and exactly the right rows at the end."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from exr_inspector import inspect
from exr_inspector.apps.devserver.invoke import Message, binary_message, cli_message, structured_message
from exr_inspector.catalog.duckdb.store import DuckDBStore
from tests.apps.devserver.driver import Driver
from tests.corpus import damaged, images
from tests.delivery.events import Event, element_event
from tests.delivery.function import BUCKET, S3_FAULTS, Rows, function, rows_in
from tests.exrfiles.demo import demo_files
from tests.slow import slow
from tests.sources.faults import at_random
from tests.sources.server import S3Server

FORMS = (binary_message, cli_message, structured_message)


def _contents() -> dict[str, bytes]:
    """Key -> bytes: the demo's files, broken ones, and some of the corpus where it is there."""
    found = {f"demo/{name}": data for name, data in demo_files()}
    whole = next(iter(found.values()))
    found |= {
        "bad/empty.exr": b"",
        "bad/text.exr": b"no image",
        "bad/cut.exr": whole[:500],
        "bad/UPPER.EXR": whole,
    }
    found |= {f"corpus/{path.name}": path.read_bytes() for path in images()[::6]}
    found |= {f"damaged/{path.name}.exr": path.read_bytes() for path in damaged()[::12]}
    return found


@pytest.fixture(scope="module")
def contents() -> dict[str, bytes]:
    return _contents()


@pytest.fixture(scope="module")
def s3(contents: dict[str, bytes]) -> Iterator[S3Server]:
    with S3Server() as server:
        server.bucket(BUCKET)
        for key, data in contents.items():
            server.put(BUCKET, key, data)
        yield server


@pytest.fixture(scope="module")
def events(contents: dict[str, bytes]) -> list[Event]:
    return [
        element_event(number, BUCKET, key, size=len(data))
        for number, (key, data) in enumerate(contents.items(), start=1)
    ]


@pytest.fixture(scope="module")
def undisturbed(s3: S3Server, events: list[Event], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tables where every event came once and nothing failed."""
    database = tmp_path_factory.mktemp("undisturbed") / "exr.duckdb"
    with function(s3, database) as running:
        driver = Driver(running.url, retries=0)
        assert driver.deliver_all(events) == len(events)
    return database


@pytest.fixture(scope="module")
def right(undisturbed: Path) -> Rows:
    return rows_in(undisturbed)


def test_undisturbed_every_object_has_the_rows_of_the_same_file_on_disk(
    undisturbed: Path, contents: dict[str, bytes], tmp_path: Path
) -> None:
    wanted = {}
    for number, (key, data) in enumerate(contents.items()):
        path = tmp_path / f"{number}.exr"
        path.write_bytes(data)
        document = inspect(path)
        attributes = sum(len(part["attributes"]) for part in document["parts"])
        counts = (len(document["parts"]), len(document["channels"]), attributes)
        wanted[f"s3://{BUCKET}/{key}"] = (len(data), document["file"]["header_hash"], *counts)
    store = DuckDBStore(str(undisturbed))
    counts_of = ", ".join(
        f"(SELECT count(*) FROM {table} t WHERE t.file_id = f.file_id)"
        for table in ("parts", "channels", "attributes")
    )
    found = store.query(f"SELECT file_path, size_bytes, header_hash, {counts_of} FROM files f").to_pylist()
    store.close()
    assert len(found) == len(wanted)
    assert {path: tuple(row) for path, *row in (each.values() for each in found)} == wanted


# The source's own tries absorb nearly all of one fault in five; more of them need redelivery.
@pytest.mark.parametrize(
    ("mode", "chance"), [("single", 0.2), ("batch", 0.2), *slow(("single", 0.6), ("batch", 0.45))]
)
def test_whatever_fails_and_comes_twice_the_rows_are_right(
    s3: S3Server, events: list[Event], right: Rows, tmp_path: Path, mode: str, chance: float
) -> None:
    """In random order, in all three forms, 20 at a time."""
    dice = random.Random(int(100 * chance))
    twice = dice.sample(events * 2, 2 * len(events))

    def in_any_form(event: Mapping[str, Any]) -> Message:
        return dice.choice(FORMS)(event)

    s3.plan = at_random(chance, S3_FAULTS, seed=3)
    try:
        with function(s3, tmp_path / "exr.duckdb", mode) as running:
            driver = Driver(running.url, retries=20, message=in_any_form)
            assert driver.deliver_all(twice, at_once=20) == len(twice)
    finally:
        s3.plan = None
    failed = [outcome for _, outcome in driver.answers if outcome != "204"]
    assert failed or chance == 0.2
    assert all(outcome.startswith("500 STORAGE_UNAVAILABLE") for outcome in failed)
    assert rows_in(tmp_path / "exr.duckdb") == right
