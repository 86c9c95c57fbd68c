"""Metrics as the SDK of OpenTelemetry gets them, and the dashboard that shows them."""

from __future__ import annotations

import json
import re
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from docs.generate import prometheus_name
from exr_inspector.errors import InspectorError
from exr_inspector.events.request import Request
from exr_inspector.pixels import decode
from exr_inspector.pixels.helper import Helper
from exr_inspector.telemetry import METRICS
from tests.exrfiles.demo import simple
from tests.exrfiles.parts import scanline
from tests.exrfiles.writer import write
from tests.service.function import Function, created, plain
from tests.sources.faults import every, reset
from tests.sources.server import S3Server
from tests.vast_server.faults import Fault
from tests.vast_server.server import VastServer

DASHBOARD = Path(__file__).parents[2] / "deploy" / "grafana.json"
POLICY = """
policy: studio
title: Studio
rules:
  - id: ST-01
    title: No NaN
    given: statistics
    assert: {nan_count: 0}
    why: w
    fix: f
"""


class Metrics:
    """A ctx whose instruments are those of OpenTelemetry, and what they have measured."""

    def __init__(self) -> None:
        self._reader = InMemoryMetricReader()
        meter = MeterProvider([self._reader]).get_meter("exr_inspector")
        self.ctx = SimpleNamespace(counter=meter.create_counter, histogram=meter.create_histogram)

    def read(self) -> dict[str, dict[tuple[str, ...], Any]]:
        """Return the sum, of a histogram with the count, by metric and by the values of its attributes."""
        found: dict[str, dict[tuple[str, ...], Any]] = {}
        data: Any = self._reader.get_metrics_data()
        for metric in data.resource_metrics[0].scope_metrics[0].metrics:
            for point in metric.data.data_points:
                names = METRICS[metric.name].attributes
                assert tuple(sorted(point.attributes)) == tuple(sorted(names))
                values = tuple(point.attributes[name] for name in names)
                is_sum = METRICS[metric.name].kind == "counter"
                found.setdefault(metric.name, {})[values] = (
                    point.value if is_sum else (point.sum, point.count)
                )
        return found


@pytest.fixture
def metrics(bare: Function) -> Metrics:
    made = Metrics()
    bare.ctx = made.ctx  # type: ignore[assignment]
    return made


def test_files_faults_and_bytes_are_counted(function: Function, metrics: Metrics, folder: Path) -> None:
    for name, content in {"a.exr": simple(4, 4), "b.exr": simple(4, 4), "c.exr": b"no image"}.items():
        (folder / name).write_bytes(content)
        function.call(plain(folder / name))
    found = metrics.read()
    assert found["exr_inspector.files"] == {("ok",): 2, ("unsupported",): 1}
    assert found["exr_inspector.faults"] == {("NOT_AN_EXR", "recorded"): 1}
    assert found["exr_inspector.bytes_read"][()] == 2 * len(simple(4, 4)) + len(b"no image")
    counts = {step: count for (step,), (_, count) in found["exr_inspector.duration"].items()}
    assert counts == {"init": 1, "handler": 3, "read": 3, "store": 3}
    assert "exr_inspector.lag" not in found  # the events state no time


def test_a_fault_that_is_raised_is_counted_once(function: Function, metrics: Metrics, s3: S3Server) -> None:
    function.read_from(s3)
    s3.plan = every(1, [reset])
    with pytest.raises(InspectorError):
        function.call(created("a.exr"))
    assert metrics.read()["exr_inspector.faults"] == {("STORAGE_UNAVAILABLE", "raised"): 1}


def test_the_lag_is_the_time_from_the_event_to_the_commit(
    function: Function, metrics: Metrics, s3: S3Server
) -> None:
    function.read_from(s3)
    s3.put("shots", "lag.exr", simple(4, 4))
    event = created("lag.exr")
    sent = datetime.now(timezone.utc)
    event["time"] = (sent - timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    function.call(event)
    most = timedelta(minutes=5) + (datetime.now(timezone.utc) - sent)
    milliseconds, count = metrics.read()["exr_inspector.lag"][()]
    assert count == 1
    assert 300_000 <= milliseconds <= most / timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-10-01T09:15:30Z", datetime(2026, 10, 1, 9, 15, 30, tzinfo=timezone.utc)),
        ("2026-10-01T09:15:30.1234567Z", datetime(2026, 10, 1, 9, 15, 30, 123457, timezone.utc)),
        ("2026-10-01 11:15:30.5+02:00", datetime(2026, 10, 1, 9, 15, 30, 500000, timezone.utc)),
        ("2026-10-01T09:15:30", datetime(2026, 10, 1, 9, 15, 30, tzinfo=timezone.utc)),
        ("2026-13-01T09:15:30Z", None),
        ("yesterday", None),
        (None, None),
    ],
)
def test_the_time_of_an_event_is_iso_8601(text: str | None, moment: datetime | None) -> None:
    assert Request("created", (), time=text).happened() == moment


def test_a_transaction_that_is_repeated_is_counted_by_its_reason(
    bare: Function, metrics: Metrics, folder: Path
) -> None:
    (folder / "a.exr").write_bytes(simple(4, 4))
    with VastServer() as server:
        bare.set(
            VAST_DB_ENDPOINT=server.endpoint,
            VAST_DB_ACCESS_KEY=server.access_key,
            VAST_DB_SECRET_KEY=server.secret_key,
            VAST_DB_BUCKET=server.bucket,
        )
        bare.init()
        server.faults.at(1, Fault(status=409), on="update")
        assert bare.call(plain(folder / "a.exr"))["persistence"]["status"] == "stored"
        bare.close()
    assert metrics.read()["exr_inspector.retries"] == {("DATABASE_CONFLICT",): 1}


def test_lost_decoders_and_findings_without_evidence_are_counted(
    function: Function, metrics: Metrics, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plane = np.ones((20, 8), np.float16)
    plane[7, 3] = 666  # crashes the faulty decoder
    (folder / "a.exr").write_bytes(write(scanline({"R": plane}, compression="zips")))
    (folder / "studio.yaml").write_text(POLICY)
    function.set(EXR_INSPECTOR_POLICIES=folder / "studio.yaml", EXR_INSPECTOR_STATS="full")
    with closing(Helper("tests.pixels.faulty_crash")) as helper:
        monkeypatch.setattr(decode, "shared_helper", lambda: helper)
        function.call(plain(folder / "a.exr"))
    found = metrics.read()
    assert found["exr_inspector.faults"] == {("DECODER_LOST", "recorded"): 1}
    assert found["exr_inspector.findings"] == {("error", "unknown"): 1}


def test_the_dashboard_asks_for_all_metrics_and_for_no_others() -> None:
    dashboard = json.loads(DASHBOARD.read_text())
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    named = {
        each.removesuffix("_bucket") for query in queries for each in re.findall(r"exr_inspector_\w+", query)
    }
    known = {prometheus_name(name, metric): metric for name, metric in METRICS.items()}
    assert named == set(known)
    for query in queries:
        (name,) = set(re.findall(r"exr_inspector_\w+?(?=_bucket|\W|$)", query))
        labels = re.findall(r"by \(([\w, ]+)\)", query) + re.findall(r"(\w+)=\"", query)
        used = {label for group in labels for label in group.split(", ")}
        assert used <= {*known[name].attributes, "le"}
        assert ("_bucket" in query) == (known[name].kind == "histogram")
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
