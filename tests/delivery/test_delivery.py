"""Events over HTTP to the real function, an S3 that fails, and exactly the right rows at the end."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from exr_inspector.standin.config import RunConfig
from exr_inspector.standin.container import Options
from exr_inspector.standin.invoke import binary_message, cli_message, structured_message
from exr_inspector.standin.server import running
from exr_inspector.storage.duckdb_store import DuckDBStore
from exr_inspector.storage.tables import AUDIT_COLUMNS, TABLES
from tests.corpus import damaged, images
from tests.exrfiles.demo import demo_files
from tests.s3 import faults
from tests.s3.server import S3Server
from tests.standin.driver import Driver

FOLDER = Path(__file__).parents[2] / "functions" / "exr_inspector"
BUCKET = "shots"
MESSAGES = (binary_message, cli_message, structured_message)
FAULTS = (faults.status(500), faults.status(503), faults.reset, faults.cut)
Rows = dict[str, list[tuple[Any, ...]]]


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


def _event(number: int, key: str, size: int, etag: str, *, name: str = "ObjectCreated:Put") -> dict[str, Any]:
    kind = "ElementDeleted" if "Removed" in name else "ElementCreated"
    return {
        "specversion": "1.0",
        "id": f"{number:016x}",
        "type": f"vastdata.com:Element.{kind}",
        "source": "vastdata.com:exr-landing.6f1d2c3b-1111-4222-8333-444455556666",
        "subject": "render-broker.main",
        "time": "2026-10-01T09:15:30.123456+00:00",
        "datacontenttype": "application/json",
        "elementpath": f"{BUCKET}/{key}",
        "data": {
            "Records": [
                {
                    "eventName": name,
                    "s3": {
                        "bucket": {"name": BUCKET},
                        "object": {"key": key, "size": size, "eTag": etag, "sequencer": f"{number:016x}"},
                    },
                }
            ]
        },
    }


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Server]:
    with S3Server() as server:
        server.bucket(BUCKET)
        yield server


@pytest.fixture(scope="module")
def events(s3: S3Server) -> list[dict[str, Any]]:
    return [
        _event(number, key, len(data), s3.put(BUCKET, key, data))
        for number, (key, data) in enumerate(_contents().items(), start=1)
    ]


def _deliver(
    s3: S3Server, database: Path, events: list[dict[str, Any]], *, batch: bool = False, retries: int = 3
) -> Driver:
    """Deliver events in this order, 20 at a time and in all three forms; what fails comes again."""
    settings = s3.settings()
    envs = {
        "S3_ENDPOINT": settings.s3_endpoint,
        "S3_ACCESS_KEY": settings.s3_access_key,
        "S3_SECRET_KEY": settings.s3_secret_key,
        "EXR_INSPECTOR_DB": str(database),
    }
    with running(FOLDER, replace(RunConfig({}, {}), envs=envs), Options(batch=batch)) as function:
        drivers = [Driver(function.url, retries, message) for message in MESSAGES]
        chosen = random.Random(7)
        whole = Driver(function.url, retries, lambda event: chosen.choice(drivers).message(event))
        whole.deliver_all(events, at_once=20)
    return whole


def _rows(database: Path) -> Rows:
    """All rows of all tables but for the audit columns, in an order of their own."""
    store = DuckDBStore(str(database))
    found = {}
    for table, schema in TABLES.items():
        names = [name for name in schema.names if name not in AUDIT_COLUMNS]
        found[table] = sorted(
            map(repr, _tuples(store.query(f"SELECT {', '.join(names)} FROM {table}").to_pylist()))
        )
    store.close()
    return found  # type: ignore[return-value]


def _tuples(rows: list[Mapping[str, Any]]) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in rows]


@pytest.fixture(scope="module")
def undisturbed(s3: S3Server, events: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Rows:
    """The tables where every event came once and nothing failed."""
    database = tmp_path_factory.mktemp("undisturbed") / "exr.duckdb"
    assert _deliver(s3, database, events).dead == []
    rows = _rows(database)
    assert len(rows["files"]) == len(events)
    return rows


# The source's own tries absorb nearly all of one fault in five; more of them need redelivery. One read that
# fails for good fails its whole batch, so that batches get fewer.
@pytest.mark.parametrize(("batch", "chance"), [(False, 0.2), (False, 0.6), (True, 0.2), (True, 0.35)])
def test_whatever_fails_and_comes_twice_the_rows_are_right(
    s3: S3Server,
    events: list[dict[str, Any]],
    undisturbed: Rows,
    tmp_path: Path,
    batch: bool,
    chance: float,
) -> None:
    twice = events * 2
    random.Random(int(10 * chance)).shuffle(twice)
    s3.plan = faults.at_random(chance, FAULTS, seed=3)
    try:
        driver = _deliver(s3, tmp_path / "exr.duckdb", twice, batch=batch, retries=12)
    finally:
        s3.plan = None
    assert driver.dead == []
    again = [outcome for _, outcome in driver.answers if not outcome.startswith("204")]
    assert again or chance == 0.2
    assert _rows(tmp_path / "exr.duckdb") == undisturbed


def test_removed_and_overwritten_objects_end_as_the_bucket_holds_them(s3: S3Server, tmp_path: Path) -> None:
    first, second = list(dict(demo_files()).values())[:2]
    events, held = [], {}
    for number in range(0, 60, 3):
        key = f"moving/beauty.{1000 + number}.exr"
        created = _event(number + 1, key, len(first), s3.put(BUCKET, key, first))
        changed = _event(number + 2, key, len(second), s3.put(BUCKET, key, second))
        events += [created, changed]
        held[key] = len(second)
        if number % 2:
            s3.delete(BUCKET, key)
            events.append(_event(number + 3, key, 0, "", name="ObjectRemoved:Delete"))
            del held[key]
    shuffled = events * 2
    random.Random(5).shuffle(shuffled)
    assert _deliver(s3, tmp_path / "exr.duckdb", shuffled).dead == []
    store = DuckDBStore(str(tmp_path / "exr.duckdb"))
    found = store.query(
        "SELECT file_path, size_bytes, status FROM files WHERE status <> 'missing'"
    ).to_pylist()
    store.close()
    assert {row["file_path"]: row["size_bytes"] for row in found} == {
        f"s3://{BUCKET}/{key}": size for key, size in held.items()
    }
    assert {row["status"] for row in found} == {"ok"}
