"""docs/SERVERLESS_INTEGRATION.md and the code say the same."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from exr_inspector.apps.devserver.config import RunConfig
from exr_inspector.apps.devserver.container import Options
from exr_inspector.apps.devserver.deployable import deployed, is_batching, sdk_modules
from exr_inspector.apps.devserver.invoke import send
from exr_inspector.apps.devserver.server import running
from exr_inspector.catalog.cells import MAX_CELL_BYTES
from exr_inspector.document.truncate import MAX_ANSWER
from exr_inspector.events.envelope import OBJECT_KEYS, PATH_KEYS
from exr_inspector.events.parse import requests_of
from exr_inspector.events.request import Config
from exr_inspector.location import path_location
from exr_inspector.telemetry import METRICS
from exr_inspector.version_reader import FIRST_READ
from tests.delivery.events import element_event

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "functions" / "exr_inspector"
TEXT = (ROOT / "docs" / "SERVERLESS_INTEGRATION.md").read_text()


def _block(language: str) -> str:
    (found,) = re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
    return str(found)


def _named_in_row(form: str) -> list[str]:
    (cell,) = re.findall(rf"^\| {form} \| (.*) \|$", TEXT, re.MULTILINE)
    return list(re.findall(r"`(\w+)`", cell))


def test_the_keys_that_configure_are_those_of_the_code_with_its_defaults() -> None:
    plain = json.loads(_block("json"))["data"]
    path = plain.pop(PATH_KEYS[0])
    assert plain == asdict(Config())
    (request,) = requests_of(json.loads(_block("json")))
    assert (request.kind, request.locations, request.config) == ("created", (path_location(path),), Config())


def test_the_keys_that_name_a_file_are_those_of_the_code() -> None:
    assert tuple(_named_in_row("plain event")) == PATH_KEYS
    assert tuple(_named_in_row("bucket and key")) == tuple(key for pair in OBJECT_KEYS for key in pair)


@pytest.mark.parametrize("name", [*PATH_KEYS, *(key for pair in OBJECT_KEYS for key in pair)])
def test_every_key_that_names_a_file_is_understood(name: str) -> None:
    pair = next((pair for pair in OBJECT_KEYS if name in pair), None)
    data = dict(zip(pair, ("shots", "a.exr"), strict=True)) if pair else {name: "s3://shots/a.exr"}
    (request,) = requests_of({"data": data})
    assert [each.path for each in request.locations] == ["s3://shots/a.exr"]


def test_the_limits_are_those_of_the_code() -> None:
    assert f"at most {MAX_ANSWER // 1000} KB" in TEXT
    assert f"{MAX_CELL_BYTES // 1000} KB a cell" in TEXT
    assert f"first {FIRST_READ // 1024} KiB" in TEXT


# Metrics of events that state their time, and of what does not happen to a good file.
IF_SOMETHING_HAPPENS = {f"exr_inspector.{name}" for name in ("lag", "faults", "retries", "findings")}


def test_the_spans_and_metrics_are_those_that_an_event_leaves(demo: Path, tmp_path: Path) -> None:
    config = RunConfig({"EXR_INSPECTOR_DB": str(tmp_path / "exr.duckdb")})
    event = element_event(1, "shots", "a.exr") | {
        "data": {"path": str(next(demo.rglob("*.exr"))), "stats": "sampled"}
    }
    with running(FOLDER, config, Options(keep=1000)) as function:
        assert send(event, function.url).status == 204
        recorded = function.ctx.recorded
    spans = {span.name for span in recorded.spans}
    metrics = {each.name for each in recorded.measurements}
    assert metrics == set(METRICS) - IF_SOMETHING_HAPPENS
    assert set(re.findall(r"`(exr_inspector\.\w+)`", TEXT)) == spans


@pytest.mark.parametrize("batch", [False, True])
def test_each_way_to_build_names_a_handler_file_that_the_build_takes(batch: bool) -> None:
    commands = re.findall(r"`vastde functions build \S+ -t (\S+) -H (\w+\.py)`", TEXT)
    assert len(commands) == 2
    folder, file = commands[batch]
    with sdk_modules(["vast.dataengine.sdk"]), deployed(ROOT / folder, file) as module:
        assert is_batching(module.handler) is batch


def test_the_commands_run_as_they_stand(demo: Path, tmp_path: Path) -> None:
    """But for the port, which may be taken."""
    shutil.copytree(demo, tmp_path / "build" / "demo")
    shutil.copytree(ROOT / "docs" / "examples", tmp_path / "docs" / "examples")
    (tmp_path / "config.yaml").write_text(_block("yaml"))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    script = _block("sh")
    for word, more in (("serve", f"--port {port}"), ("invoke", f"--url http://127.0.0.1:{port}")):
        script = script.replace(f"exr-inspector {word}", f"exr-inspector {word} {more}")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", "-c", script],
        cwd=tmp_path,
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert "200 docs/examples/event.yaml" in done.stderr
    assert '"status": "ok"' in done.stdout
    assert re.search(r"beauty\.1001\.exr\W+ok", done.stdout)
