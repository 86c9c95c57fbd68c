"""Event files, and the messages that are made of them."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import exr_inspector
from exr_inspector.apps.cli import commands
from exr_inspector.apps.cli.serve import FOLDER
from exr_inspector.apps.devserver.container import Options
from exr_inspector.apps.devserver.invoke import (
    Reply,
    binary_message,
    cli_message,
    invoke,
    read_event,
    structured_message,
)
from exr_inspector.apps.devserver.server import running, serve
from exr_inspector.errors import InspectorError

Event = dict[str, Any]
Folder = Callable[..., Path]
HANDLER = "def handler(ctx, event): ctx.seen.append(event.get_data())\n"
YAML = """
specversion: "1.0"
id: "3b9d6a10-0000-4000-8000-00000000000a"
type: vastdata.com:Element.ElementCreated
source: vastdata.com:exr-landing.6f1d2c3b-1111-4222-8333-444455556666
subject: render-broker.main
time: 2026-10-01T09:15:30Z
data: {Records: []}
"""


def test_the_command_line_sends_headers_and_the_whole_event_again(event: Event) -> None:
    headers, body = cli_message(event)
    assert headers["content-type"] == "application/json"
    assert headers["ce-elementpath"] == event["elementpath"]
    assert "ce-data" not in headers
    assert json.loads(body) == event


def test_a_trigger_sends_headers_and_the_payload(event: Event) -> None:
    headers, body = binary_message(event)
    assert headers["ce-id"] == event["id"]
    assert json.loads(body) == event["data"]


def test_structured_mode_has_no_attributes_in_headers(event: Event) -> None:
    headers, body = structured_message(event)
    assert headers == {"content-type": "application/cloudevents+json"}
    assert json.loads(body) == event


@pytest.mark.parametrize(
    ("value", "header"),
    [
        ("shots/a b.exr", "shots/a b.exr"),
        ("100%.exr", "100%.exr"),
        ("größe 5%.exr", "gr%C3%B6%C3%9Fe%205%25.exr"),
        ("two\nlines.exr", "two%0Alines.exr"),
        ("\ud800.exr", "%ED%A0%80.exr"),
        (4711, "4711"),
    ],
)
def test_a_header_is_escaped_only_where_it_must_be(event: Event, value: Any, header: str) -> None:
    assert binary_message({**event, "elementpath": value})[0]["ce-elementpath"] == header


@pytest.mark.parametrize("name", ["event.json", "event.yaml"])
def test_an_event_file_is_sent(folder: Folder, event: Event, tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.write_text(json.dumps(event) if name.endswith("json") else YAML)
    with running(folder(HANDLER)) as standin:
        assert invoke(file, standin.url) == Reply(204, "")
        (data,) = standin.ctx.seen
    assert data["type"] == "vastdata.com:Element.ElementCreated"
    assert "Records" in data["data"]


def test_an_unquoted_time_is_sent_as_text(tmp_path: Path) -> None:
    (tmp_path / "event.yaml").write_text(YAML)
    headers, body = cli_message(read_event(tmp_path / "event.yaml"))
    assert headers["ce-time"] == json.loads(body)["time"] == "2026-10-01T09:15:30+00:00"


@pytest.mark.parametrize("text", [None, b"a: [", b"- 1\n", b"\xff\xfe\xfd", b""])
def test_a_file_that_holds_no_event_is_a_bad_event(tmp_path: Path, text: bytes | None) -> None:
    file = tmp_path / "event.yaml"
    if text is not None:
        file.write_bytes(text)
    with pytest.raises(InspectorError, match="BAD_EVENT"):
        read_event(file)


def test_where_nobody_answers_an_os_error_is_raised(tmp_path: Path) -> None:
    (tmp_path / "event.yaml").write_text(YAML)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(OSError, match="refused"):
            invoke(tmp_path / "event.yaml", f"http://127.0.0.1:{taken.getsockname()[1]}")


def test_a_taken_port_is_an_os_error(folder: Folder) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        serve(folder(HANDLER), taken.getsockname()[1])


def test_serve_runs_until_it_is_told_to_stop(folder: Folder, tmp_path: Path) -> None:
    """As a process of its own, with a configuration file."""
    made = folder("def handler(ctx, event): print('got', ctx.secrets['mine']['key'], flush=True)\n")
    (tmp_path / "config.yaml").write_text("secrets: {mine: {key: 7}}\n")
    (tmp_path / "event.yaml").write_text(YAML)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    config = tmp_path / "config.yaml"
    call = f"serve({str(made)!r}, {port}, {str(config)!r})"
    code = f"from exr_inspector.apps.devserver.server import serve; {call}"
    here = {**os.environ, "PYTHONPATH": str(Path(exr_inspector.__file__).parents[1])}
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=here
    )
    try:
        assert _eventually(lambda: invoke(tmp_path / "event.yaml", f"http://127.0.0.1:{port}")) == Reply(
            204, ""
        )
    finally:
        process.send_signal(signal.SIGTERM)
        output, log = process.communicate(timeout=20)
    assert output == "got 7\n"
    assert f"Stand-in for the DataEngine runtime on http://127.0.0.1:{port}" in log


def test_the_folder_as_it_is_built_for_batches_can_be_served_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Options] = []
    monkeypatch.setattr("exr_inspector.apps.devserver.server.serve", lambda *given: asked.append(given[3]))
    done = CliRunner().invoke(commands, ["serve", "--handler", "batch_main.py", "--sdk"])
    assert (done.exit_code, done.output) == (0, "")
    (tmp_path / "event.yaml").write_text(YAML)
    with running(FOLDER, options=asked[0]) as standin:
        assert invoke(tmp_path / "event.yaml", standin.url) == Reply(204, "")


def test_what_init_raises_ends_serve(folder: Folder) -> None:
    source = "def init(ctx): raise RuntimeError('no table')\ndef handler(ctx, event): pass\n"
    with pytest.raises(RuntimeError, match="no table"):
        serve(folder(source), 0)


def _eventually(attempt: Callable[[], Reply]) -> Reply:
    """The first answer of a server that is starting."""
    for _ in range(200):
        try:
            reply = attempt()
        except OSError:
            reply = Reply(503, "")
        if reply.status != 503:
            return reply
        time.sleep(0.1)
    pytest.fail("the server did not start")
