"""Event files, and the commands `serve` and `invoke`."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import exr_inspector
from exr_inspector.apps.cli import commands
from exr_inspector.apps.cli.serve import FOLDER
from exr_inspector.apps.devserver.config import RunConfig
from exr_inspector.apps.devserver.container import Options
from exr_inspector.apps.devserver.invoke import (
    Reply,
    binary_message,
    cli_message,
    read_event,
    send,
    structured_message,
)
from exr_inspector.apps.devserver.server import Running, running, serve
from exr_inspector.errors import InspectorError

Event = dict[str, Any]
Folder = Callable[..., Path]
ROOT = Path(__file__).parents[3]
QUIET = Options(log_level="CRITICAL")
CLOUD_EVENT = {"id": "0a", "type": "vastdata.com:Manual.Invoked", "source": "test", "subject": "test.main"}
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


def test_vastde_sends_headers_and_the_whole_event_as_the_body(event: Event) -> None:
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
def test_a_header_is_escaped_only_if_necessary(event: Event, value: Any, header: str) -> None:
    assert binary_message({**event, "elementpath": value})[0]["ce-elementpath"] == header


@pytest.mark.parametrize("name", ["event.json", "event.yaml"])
def test_an_event_file_is_sent(folder: Folder, event: Event, tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.write_text(json.dumps(event) if name.endswith("json") else YAML)
    with running(folder(HANDLER)) as server:
        assert send(read_event(file), server.url) == Reply(204, "")
        (data,) = server.ctx.seen
    assert data["type"] == "vastdata.com:Element.ElementCreated"
    assert "Records" in data["data"]


def test_an_unquoted_time_is_sent_as_text(tmp_path: Path) -> None:
    (tmp_path / "event.yaml").write_text(YAML)
    headers, body = cli_message(read_event(tmp_path / "event.yaml"))
    assert headers["ce-time"] == json.loads(body)["time"] == "2026-10-01T09:15:30+00:00"


@pytest.mark.parametrize("text", [None, b"a: [", b"- 1\n", b"\xff\xfe\xfd", b""])
def test_a_file_without_an_event_is_a_bad_event(tmp_path: Path, text: bytes | None) -> None:
    file = tmp_path / "event.yaml"
    if text is not None:
        file.write_bytes(text)
    with pytest.raises(InspectorError, match="BAD_EVENT"):
        read_event(file)


def test_a_closed_port_is_an_os_error(tmp_path: Path) -> None:
    (tmp_path / "event.yaml").write_text(YAML)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(OSError, match="refused"):
            send(read_event(tmp_path / "event.yaml"), f"http://127.0.0.1:{taken.getsockname()[1]}")


def test_a_port_in_use_is_an_os_error(folder: Folder) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        serve(folder(HANDLER), taken.getsockname()[1])


def test_serve_runs_until_a_signal(folder: Folder, tmp_path: Path) -> None:
    """In a separate process, with a configuration file."""
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
        assert _eventually(
            lambda: send(read_event(tmp_path / "event.yaml"), f"http://127.0.0.1:{port}")
        ) == Reply(204, "")
    finally:
        process.send_signal(signal.SIGTERM)
        output, log = process.communicate(timeout=60)
    assert output == "got 7\n"
    assert f"Development server for the DataEngine runtime on http://127.0.0.1:{port}" in log


def test_serve_runs_the_handler_of_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Options] = []
    monkeypatch.setattr("exr_inspector.apps.devserver.server.serve", lambda *given: asked.append(given[3]))
    done = CliRunner().invoke(commands, ["serve", "--handler", "batch_main.py", "--sdk"])
    assert (done.exit_code, done.output) == (0, "")
    (tmp_path / "event.yaml").write_text(YAML)
    with running(FOLDER, options=asked[0]) as server:
        assert send(read_event(tmp_path / "event.yaml"), server.url) == Reply(204, "")


def test_an_exception_of_init_ends_serve(folder: Folder) -> None:
    source = "def init(ctx): raise RuntimeError('no table')\ndef handler(ctx, event): pass\n"
    with pytest.raises(RuntimeError, match="no table"):
        serve(folder(source), 0)


# --- the answer of `invoke` -------------------------------------------------------------------------------


def _invoke(*words: str | Path) -> Result:
    return CliRunner().invoke(commands, ["invoke", *map(str, words)])


def _write(file: Path, *events: Any) -> Path:
    file.write_text("\n".join(map(json.dumps, events)), "utf-8")
    return file


@pytest.fixture
def function(tmp_path: Path) -> Iterator[Running]:
    """The function of this project with an embedded store."""
    with running(FOLDER, RunConfig({"EXR_INSPECTOR_DB": str(tmp_path / "exr.duckdb")})) as server:
        yield server


def test_the_plain_event_of_the_readme_is_wrapped_and_its_document_printed(
    function: Running, demo: Path, tmp_path: Path
) -> None:
    (plain,) = re.findall(r"The plain event is `(.*?)`", (ROOT / "README.md").read_text("utf-8"))
    path = demo / "shots/sq010/sh010/beauty.1001.exr"
    event = json.loads(plain.replace(", ...", "")) | {}
    event["data"]["path"] = str(path)
    done = _invoke("--event", _write(tmp_path / "event.json", event), "--url", function.url)
    assert done.exit_code == 0
    assert done.stderr.startswith("200 ")
    document = json.loads(done.stdout)
    assert document["file"]["path"] == str(path)
    assert document["file"]["status"] == "ok"


def test_an_event_of_many_files_prints_one_line_per_file_that_is_not_ok(
    function: Running, demo: Path, tmp_path: Path
) -> None:
    incomplete = demo / "shots/sq010/sh020/beauty.1004.exr"
    paths = [demo / "shots/sq010/sh010/beauty.1001.exr", incomplete, tmp_path / "absent.exr"]
    events = [{"data": {"path": str(path)}} for path in paths]
    batch = (
        "def handler(ctx, event): return {'documents': main.batch_handler(ctx, event.get_data()['data'])}\n"
    )
    (tmp_path / "main.py").write_text(
        "import sys\n"
        f"sys.path.insert(0, {str(FOLDER)!r})\n"
        "import importlib.util\n"
        f"spec = importlib.util.spec_from_file_location('function_main', {str(FOLDER / 'main.py')!r})\n"
        "main = importlib.util.module_from_spec(spec)\n"
        "spec.loader.exec_module(main)\n"
        "init = main.init\n" + batch
    )
    with running(tmp_path) as server:
        file = _write(tmp_path / "event.json", {"specversion": "1.0", **CLOUD_EVENT, "data": events * 67})
        done = _invoke("--event", file, "--url", server.url)
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert lines[0] == "201 files: 67 ok, 134 not ok"
    assert len(lines) == 135
    assert lines[1].startswith(f"incomplete   {incomplete}  CHUNKS_MISSING: ")
    assert lines[2].startswith(f"missing      {tmp_path / 'absent.exr'}  FILE_NOT_FOUND: ")


def test_a_runtime_that_sends_no_answer_is_reported_by_its_status(folder: Folder, tmp_path: Path) -> None:
    with running(
        folder("def handler(ctx, event): raise RuntimeError('no database')\n"), options=QUIET
    ) as server:
        done = _invoke("--event", _write(tmp_path / "event.json", {"path": "a.exr"}), "--url", server.url)
    assert (done.exit_code, done.stdout) == (1, "no database\n")
    assert done.stderr.startswith("500 ")


def test_the_runtime_never_sends_an_answer_that_was_not_asked_for(folder: Folder, event: Event) -> None:
    with running(folder("def handler(ctx, event): return {'answer': 1}\n")) as server:
        assert send(event, server.url) == Reply(204, "")
        asked = send(event, server.url, preferences={"prefer": "return=representation"})
    assert (asked.status, json.loads(asked.text)) == (200, {"answer": 1})


# --- dead letters -----------------------------------------------------------------------------------------


def _kafka(payload: Any, headers: list[str]) -> dict[str, Any]:
    """Return a record as `kcat -J` prints it."""
    text = payload if isinstance(payload, str) else json.dumps(payload)
    return {"topic": "dead", "partition": 0, "offset": 1, "headers": headers, "key": "k", "payload": text}


def test_a_kafka_record_in_binary_mode_is_the_event_of_its_headers(event: Event, tmp_path: Path) -> None:
    attributes = {f"ce_{name}": value for name, value in event.items() if name != "data"}
    headers = [text for pair in {**attributes, "content-type": "application/json"}.items() for text in pair]
    file = _write(tmp_path / "event.json", _kafka(event["data"], headers))
    assert read_event(file) == {**event, "datacontenttype": "application/json"}


def test_a_kafka_record_in_structured_mode_is_the_event_of_its_payload(event: Event, tmp_path: Path) -> None:
    headers = ["content-type", "application/cloudevents+json; charset=UTF-8"]
    assert read_event(_write(tmp_path / "event.json", _kafka(event, headers))) == event


def test_a_kafka_record_without_attributes_is_wrapped(event: Event, tmp_path: Path) -> None:
    made = read_event(_write(tmp_path / "event.json", _kafka(event["data"], [])))
    assert made["data"] == event["data"]
    assert made["specversion"] == "1.0"


@pytest.mark.parametrize(
    "record",
    [
        _kafka("not JSON", []),
        _kafka("[1]", []),
        _kafka("{}", ["odd"]),
        {"topic": "dead", "payload": None},
        {"topic": "dead", "payload": {}, "headers": []},
    ],
)
def test_a_malformed_kafka_record_is_a_bad_event(record: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(InspectorError, match="BAD_EVENT: the Kafka record is malformed"):
        read_event(_write(tmp_path / "event.json", record))


def test_every_line_of_a_jsonl_file_is_sent_and_the_failed_ones_are_kept(
    folder: Folder, event: Event, tmp_path: Path
) -> None:
    source = """
    def handler(ctx, event):
        ctx.seen.append(event.id)
        if event.id == "00000001":
            raise RuntimeError("not yet")
    """
    lines = [json.dumps({**event, "id": f"{number:08x}"}) for number in range(3)]
    file, failed = tmp_path / "dead.jsonl", tmp_path / "dead-failed.jsonl"
    file.write_text("\n".join([*lines, "", "{broken"]))
    with running(folder(source), options=QUIET) as server:
        done = _invoke("--event", file, "--url", server.url, "--failed", failed)
        assert server.ctx.seen == ["00000000", "00000001", "00000002"]
    assert done.exit_code == 1
    assert failed.read_text().splitlines() == [lines[1], "{broken"]
    assert done.stderr.splitlines()[-1] == "4 events: 2 acknowledged, 2 failed"
    assert "BAD_EVENT: the event is not JSON or YAML" in done.stdout


def test_of_a_jsonl_file_only_files_that_are_not_ok_are_printed(
    function: Running, demo: Path, tmp_path: Path
) -> None:
    paths = [demo / "shots/sq010/sh010/beauty.1001.exr", tmp_path / "absent.exr"]
    events = [{"path": str(path)} for path in paths]
    done = _invoke("--event", _write(tmp_path / "e.jsonl", *events, {"nothing": 1}), "--url", function.url)
    assert done.exit_code == 0
    missing, refused = done.stdout.splitlines()
    assert missing.startswith(f"missing      {paths[1]}  FILE_NOT_FOUND: ")
    assert refused.startswith("no status")
    assert "BAD_EVENT: " in refused


@pytest.mark.parametrize("failed", ["dead.jsonl", "./dead.jsonl"])
def test_the_events_are_not_overwritten_by_the_failed_ones(
    failed: str, event: Event, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = _write(tmp_path / "dead.jsonl", event)
    before = file.read_text()
    done = _invoke("--event", file, "--url", _closed_url(), "--failed", failed)
    assert done.exit_code == 2
    assert "another file to write to" in done.stderr
    assert file.read_text() == before


def test_events_that_get_no_reply_are_kept_too(event: Event, tmp_path: Path) -> None:
    file, failed = _write(tmp_path / "dead.jsonl", event, event), tmp_path / "failed.jsonl"
    done = _invoke("--event", file, "--url", _closed_url(), "--failed", failed)
    assert done.exit_code == 1
    assert failed.read_text() == f"{file.read_text()}\n"
    assert "the function does not respond" in done.stdout


def test_without_a_file_for_failures_a_missing_function_ends_the_command(
    event: Event, tmp_path: Path
) -> None:
    done = _invoke("--event", _write(tmp_path / "event.json", event), "--url", _closed_url())
    assert done.exit_code == 2
    assert "STORAGE_UNAVAILABLE: the function does not respond" in done.stderr


def _closed_url() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


def _eventually(attempt: Callable[[], Reply]) -> Reply:
    """Return the first reply of a server that is starting."""
    for _ in range(600):
        try:
            reply = attempt()
        except OSError:
            reply = Reply(503, "")
        if reply.status != 503:
            return reply
        time.sleep(0.1)
    pytest.fail("the server did not start")
