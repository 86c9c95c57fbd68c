"""The development server, used over HTTP."""

from __future__ import annotations

import http.client
import os
import socket
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from exr_inspector.apps.devserver.config import RunConfig
from exr_inspector.apps.devserver.container import Options
from exr_inspector.apps.devserver.deployable import SDK_MODULES
from exr_inspector.apps.devserver.invoke import (
    Reply,
    binary_message,
    cli_message,
    post,
    send,
    structured_message,
)
from exr_inspector.apps.devserver.server import MAX_REFUSAL, running
from exr_inspector.errors import InspectorError

Event = dict[str, Any]
Folder = Callable[..., Path]

KEEPS_IDS = "def handler(ctx, event): ctx.seen.append(event.id)\n"
QUIET = Options(log_level="CRITICAL")


def _ask(url: str, method: str, path: str) -> Reply:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port)
    connection.request(method, path)
    response = connection.getresponse()
    reply = Reply(response.status, response.read().decode())
    connection.close()
    return reply


def _ids(event: Event, count: int) -> list[Event]:
    return [{**event, "id": f"{number:08x}"} for number in range(count)]


def _send_all(url: str, events: list[Event]) -> list[Reply]:
    with ThreadPoolExecutor(len(events)) as pool:
        return list(pool.map(lambda event: send(event, url), events))


@pytest.mark.parametrize("message", [binary_message, cli_message, structured_message])
def test_an_event_reaches_the_handler_in_every_form(
    folder: Folder, event: Event, message: Callable[..., Any]
) -> None:
    with running(folder(KEEPS_IDS)) as server:
        assert send(event, server.url, message) == Reply(204, "")
        assert server.ctx.seen == [event["id"]]


@pytest.mark.parametrize("returned", ["{'a': 1}", "'text'", "None", "[1, 2]", "7", "object()"])
def test_every_return_value_is_answered_by_204_without_a_body(
    folder: Folder, event: Event, returned: str
) -> None:
    with running(folder(f"def handler(ctx, event): return {returned}\n")) as server:
        assert send(event, server.url) == Reply(204, "")


def test_an_exception_is_500_with_its_text(folder: Folder, event: Event) -> None:
    with running(
        folder("def handler(ctx, event): raise RuntimeError('no database')\n"), options=QUIET
    ) as server:
        assert send(event, server.url) == Reply(500, "no database")


@pytest.mark.parametrize(
    "change", [{"id": "test-event-001"}, {"subject": None}, {"subject": "dotless"}, {"specversion": None}]
)
def test_a_refused_event_never_reaches_the_handler(folder: Folder, event: Event, change: Event) -> None:
    with running(folder(KEEPS_IDS), options=QUIET) as server:
        assert send({**event, **change}, server.url).status == 500
        assert server.ctx.seen == []


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[1]", b"null", b"7", b'"text"', b"\xff", b"{}", b"[" * 100_000]
)
def test_a_malformed_body_is_refused_and_not_logged_whole(folder: Folder, body: bytes) -> None:
    """The CloudEvents SDK quotes the body in its errors."""
    with running(folder(KEEPS_IDS), options=Options(keep=99, log_level="WARNING")) as server:
        reply = post(server.url, {"content-type": "application/json"}, body)
        (message,) = [message for _, message in server.ctx.recorded.logs]
        assert server.ctx.seen == []
    assert reply.status == 500
    assert len(reply.text) <= MAX_REFUSAL
    assert message.startswith(f"Refused an event of {len(body)} bytes: ")
    assert len(message) < MAX_REFUSAL + 50


@pytest.mark.parametrize("extra", [0, 1, 10_000_000])
def test_a_body_over_the_limit_is_refused_with_413(folder: Folder, event: Event, extra: int) -> None:
    limit = 10_000
    empty = len(structured_message({**event, "data": ""})[1])
    headers, body = structured_message({**event, "data": "x" * (limit - empty + extra)})
    with running(
        folder(KEEPS_IDS), options=Options(max_body_bytes=limit, keep=99, log_level="WARNING")
    ) as server:
        reply = post(server.url, headers, body)
        assert server.ctx.seen == ([] if extra else [event["id"]])
        logged = [message for _, message in server.ctx.recorded.logs]
    assert reply == (Reply(413, "the body has more than 10000 bytes") if extra else Reply(204, ""))
    assert logged == (["Refused a body of more than 10000 bytes"] if extra else [])


def test_liveness_readiness_and_the_probe_by_options(folder: Folder) -> None:
    with running(folder(KEEPS_IDS)) as server:
        assert _ask(server.url, "GET", "/readiness") == Reply(200, "Ready")
        assert _ask(server.url, "GET", "/liveness").status == 200
        assert _ask(server.url, "OPTIONS", "/").status == 200
        assert _ask(server.url, "GET", "/").status == 405


def test_the_server_is_not_ready_until_init_returns(folder: Folder, event: Event, monkeypatch: Any) -> None:
    gate, begun = threading.Event(), threading.Event()
    monkeypatch.setattr("tests.apps.devserver.test_container.GATES", (begun, gate), raising=False)
    source = """
    from tests.apps.devserver import test_container as test
    def init(ctx):
        begun, gate = test.GATES
        begun.set()
        gate.wait(20)
    def handler(ctx, event): pass
    """
    made, answers = folder(source), []
    url = f"http://127.0.0.1:{_free_port()}"

    def look() -> None:
        begun.wait(20)
        answers.extend([_ask(url, "GET", "/readiness"), _ask(url, "GET", "/liveness"), send(event, url)])
        gate.set()

    looking = threading.Thread(target=look)
    looking.start()
    with running(made, port=urlsplit(url).port or 0) as server:
        looking.join()
        assert [answer.status for answer in answers] == [503, 200, 503]
        assert _ask(server.url, "GET", "/readiness").status == 200


def test_an_exception_of_init_ends_the_container(folder: Folder) -> None:
    source = "def init(ctx): raise RuntimeError('no table')\ndef handler(ctx, event): pass\n"
    with pytest.raises(RuntimeError, match="no table"), running(folder(source)):
        pytest.fail("the container must not become ready")


def test_20_events_run_at_once_and_no_more(folder: Folder, event: Event) -> None:
    source = """
    import threading
    def init(ctx):
        ctx.barrier, ctx.running, ctx.most = threading.Barrier(20, timeout=20), 0, 0
        ctx.lock = threading.Lock()
    def handler(ctx, event):
        with ctx.lock:
            ctx.running += 1
            ctx.most = max(ctx.most, ctx.running)
        ctx.barrier.wait()
        with ctx.lock:
            ctx.running -= 1
    """
    with running(folder(source)) as server:
        replies = _send_all(server.url, _ids(event, 40))
        assert Counter(replies) == {Reply(204, ""): 40}
        assert server.ctx.most == 20


def test_an_async_handler_is_awaited(folder: Folder, event: Event) -> None:
    source = """
    import asyncio
    async def handler(ctx, event):
        await asyncio.sleep(0)
        ctx.seen.append(event.id)
        if event.id == "00000001":
            raise RuntimeError("second")
    """
    with running(folder(source), options=QUIET) as server:
        replies = _send_all(server.url, _ids(event, 3))
        assert replies == [Reply(204, ""), Reply(500, "second"), Reply(204, "")]
        assert sorted(server.ctx.seen) == ["00000000", "00000001", "00000002"]


BATCHES = """
def handler(ctx, event): raise AssertionError("one event alone")
def batch_handler(ctx, events):
    ctx.seen.append([event.id for event in events])
    return {returned}
"""


def test_a_batch_handler_gets_the_events_in_lists(folder: Folder, event: Event) -> None:
    options = Options(batch=True, batch_size=4, batch_seconds=20)
    with running(folder(BATCHES.format(returned="list(events)")), options=options) as server:
        replies = _send_all(server.url, _ids(event, 8))
        assert Counter(replies) == {Reply(204, ""): 8}
        assert sorted(map(len, server.ctx.seen)) == [4, 4]
        assert sorted(chain(*server.ctx.seen)) == [each["id"] for each in _ids(event, 8)]


def test_a_batch_that_does_not_fill_is_handled_after_its_time(folder: Folder, event: Event) -> None:
    options = Options(batch=True, batch_size=100, batch_seconds=0.05)
    with running(folder(BATCHES.format(returned="[None]")), options=options) as server:
        assert send(event, server.url) == Reply(204, "")
        assert server.ctx.seen == [[event["id"]]]


@pytest.mark.parametrize("returned", ["[]", "[1, 2, 3, 4]", "None", "tuple(events)", "{}"])
def test_a_batch_fails_unless_its_handler_returns_a_list_of_equal_length(
    folder: Folder, event: Event, returned: str
) -> None:
    options = Options(batch=True, batch_size=3, batch_seconds=20, log_level="CRITICAL")
    with running(folder(BATCHES.format(returned=returned)), options=options) as server:
        assert Counter(reply.status for reply in _send_all(server.url, _ids(event, 3))) == {500: 3}


def test_an_exception_fails_the_whole_batch(folder: Folder, event: Event) -> None:
    options = Options(batch=True, batch_size=3, batch_seconds=20, log_level="CRITICAL")
    with running(folder(BATCHES.format(returned="1 / 0")), options=options) as server:
        assert _send_all(server.url, _ids(event, 3)) == [Reply(500, "division by zero")] * 3


def test_a_handler_marked_by_the_sdk_gets_batches(folder: Folder, event: Event) -> None:
    source = """
    from vast.dataengine.sdk import VastEventList, event_batching_handler
    @event_batching_handler
    def handler(ctx, events):
        assert isinstance(events, VastEventList)
        ctx.seen += [event.get_data() for event in events]
        return [{}] * len(events)
    """
    options = Options(sdk=("vast.dataengine.sdk",))
    with running(folder(source), options=options) as server:
        assert send(event, server.url, binary_message).status == 204
        assert server.ctx.seen == [event["data"]]


@pytest.mark.parametrize("name", list(SDK_MODULES))
def test_the_modules_of_the_runtime_are_importable_only_on_request(
    folder: Folder, event: Event, name: str
) -> None:
    source = f"""
    def handler(ctx, event):
        from {name} import VastEvent
        assert isinstance(event, VastEvent)
    """
    with running(folder(source), options=Options(sdk=(name,))) as server:
        assert send(event, server.url).status == 204
    with running(folder(source), options=QUIET) as server:
        assert send(event, server.url).text.startswith("No module named 'vast")


def test_secrets_and_environment_come_from_the_configuration(
    folder: Folder, event: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RENDER_FARM", raising=False)
    source = """
    import os
    def handler(ctx, event):
        secrets = ctx.secrets
        assert secrets["exr-inspector"]["access_key"] == "x"
        assert secrets.get("other", {}) == {}
        assert "access_key" in secrets["exr-inspector"] and "other" not in secrets
        assert dict(secrets["exr-inspector"]) == {"access_key": "x"}
        assert os.environ["RENDER_FARM"] == "west"
    """
    config = RunConfig({"RENDER_FARM": "west"}, {"exr-inspector": {"access_key": "x"}})
    with running(folder(source), config) as server:
        assert send(event, server.url) == Reply(204, "")
    assert "RENDER_FARM" not in os.environ


@pytest.mark.parametrize("look", ["ctx.secrets['other']", "ctx.secrets['mine']['other']"])
def test_a_missing_secret_does_not_raise_key_error(folder: Folder, event: Event, look: str) -> None:
    source = f"""
    def handler(ctx, event):
        try:
            {look}
        except (KeyError, AttributeError, TypeError):
            return
    """
    config = RunConfig(secrets={"mine": {}})
    with running(folder(source), config, QUIET) as server:
        assert send(event, server.url) == Reply(500, "Path not found: other")


def test_ctx_records_logs_spans_and_measurements(folder: Folder, event: Event) -> None:
    source = """
    def handler(ctx, event):
        ctx.logger.info("path=%s", event.object_key)
        with ctx.tracer.start_as_current_span("read") as span:
            span.set_attribute("bytes", 5)
            span.set_attributes({"parts": 1})
        ctx.counter("files", description="Files.").add(1, {"status": "ok"})
        ctx.histogram("duration", description="Time.", unit="ms").record(2.5)
        ctx.gauge("load").set(0.5)
        ctx.updowncounter("open").add(-1)
        with ctx.tracer.start_as_current_span("store"):
            raise ValueError("no")
    """
    with running(folder(source), options=Options(keep=100)) as server:
        assert send(event, server.url).status == 500
        recorded = server.ctx.recorded
    logs, spans = list(recorded.logs), list(recorded.spans)
    assert ("INFO", "path=sq010/sh020/beauty.1001.exr") in logs
    assert ("ERROR", "Error in handler execution") in logs
    assert [(span.name, span.attributes, len(span.exceptions), span.ended) for span in spans] == [
        ("read", {"bytes": 5, "parts": 1}, 0, True),
        ("store", {}, 1, True),
    ]
    assert [(each.kind, each.name, each.value, each.attributes) for each in recorded.measurements] == [
        ("counter", "files", 1, {"status": "ok"}),
        ("histogram", "duration", 2.5, {}),
        ("gauge", "load", 0.5, {}),
        ("updowncounter", "open", -1, {}),
    ]


def test_a_counter_cannot_decrease(folder: Folder, event: Event) -> None:
    source = "def handler(ctx, event): ctx.counter('files').add(-1)\n"
    with running(folder(source), options=QUIET) as server:
        assert send(event, server.url).status == 500


def test_ctx_keeps_nothing_by_default(folder: Folder, event: Event) -> None:
    with running(folder("def handler(ctx, event): ctx.logger.info('x')\n")) as server:
        send(event, server.url)
        assert not server.ctx.recorded.logs


class _Sink(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        taken: Any = self.server
        taken.taken.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(202)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Do not log."""


def test_a_result_goes_to_the_sink_as_an_event(folder: Folder, event: Event) -> None:
    with HTTPServer(("127.0.0.1", 0), _Sink) as sink:
        sink.taken = []  # type: ignore[attr-defined]
        thread = threading.Thread(target=sink.serve_forever, args=(0.05,))
        thread.start()
        envs = {
            "K_SINK": f"http://127.0.0.1:{sink.server_port}/",
            "K_CE_OVERRIDES": '{"extensions": {"stage": "two"}}',
        }
        try:
            with running(folder("def handler(ctx, event): return {'ok': 1}\n"), RunConfig(envs)) as server:
                assert send(event, server.url) == Reply(204, "")
                name = server.ctx.function_name
        finally:
            sink.shutdown()
            thread.join()
    ((headers, body),) = sink.taken  # type: ignore[attr-defined]
    assert body == b'{"ok": 1}'
    sent = {key.removeprefix("ce-"): value for key, value in headers.items() if key.startswith("ce-")}
    assert sent.pop("traceparent").startswith("00-00000000000000003007123456789012-")
    assert sent == {
        "specversion": "1.0",
        "id": event["id"],
        "type": "vastdata.com:Function",
        "source": f"vastdata.com:{name}",
        "subject": "render-broker.main",
        "datacontenttype": "application/json",
        "partitionkey": event["elementpath"],
        "stage": "two",
    }


def test_an_unreachable_sink_does_not_fail_the_event(folder: Folder, event: Event) -> None:
    """The behavior of the real runtime is unknown."""
    config = RunConfig({"K_SINK": f"http://127.0.0.1:{_free_port()}/"})
    with running(folder("def handler(ctx, event): return {}\n"), config, Options(keep=9)) as server:
        assert send(event, server.url) == Reply(204, "")
        assert any("not sent to sink" in message for _, message in server.ctx.recorded.logs)


def test_every_start_imports_the_folder_again(folder: Folder, event: Event) -> None:
    helper = folder("VALUE = 1\n", "helper_of_the_test.py")
    with running(
        folder("import helper_of_the_test as helper\ndef handler(ctx, event): assert helper.VALUE == 1\n")
    ):
        pass
    (helper / "helper_of_the_test.py").write_text("VALUE = 22\n")
    source = "import helper_of_the_test as helper\ndef handler(ctx, event): assert helper.VALUE == 22\n"
    with running(folder(source)) as server:
        assert send(event, server.url) == Reply(204, "")


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("", "other.py"),
        ("def init(ctx): pass\n", "main.py"),
        ("init = handler = None  # init(\n", "main.py"),
    ],
)
def test_a_folder_that_a_build_would_reject_is_a_bad_setting(folder: Folder, source: str, name: str) -> None:
    with pytest.raises(InspectorError, match="BAD_SETTING"), running(folder(source, name)):
        pytest.fail("the server must not start")


def test_a_folder_with_another_copy_of_the_package_is_a_bad_setting(folder: Folder) -> None:
    made = folder(KEEPS_IDS)
    (made / "exr_inspector").mkdir()
    with pytest.raises(InspectorError, match="PYTHONPATH"), running(made):
        pytest.fail("the server must not start")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
