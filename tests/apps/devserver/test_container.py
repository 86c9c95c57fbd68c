"""A folder that is run by the stand-in, spoken to over HTTP."""

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
from exr_inspector.apps.devserver.invoke import Reply, binary_message, cli_message, send, structured_message
from exr_inspector.apps.devserver.server import running
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
    with running(folder(KEEPS_IDS)) as standin:
        assert send(event, standin.url, message) == Reply(204, "")
        assert standin.ctx.seen == [event["id"]]


@pytest.mark.parametrize("returned", ["{'a': 1}", "'text'", "None", "[1, 2]", "7", "object()"])
def test_whatever_is_returned_the_answer_is_204_and_empty(
    folder: Folder, event: Event, returned: str
) -> None:
    with running(folder(f"def handler(ctx, event): return {returned}\n")) as standin:
        assert send(event, standin.url) == Reply(204, "")


def test_an_exception_is_500_with_its_text(folder: Folder, event: Event) -> None:
    with running(
        folder("def handler(ctx, event): raise RuntimeError('no database')\n"), options=QUIET
    ) as standin:
        assert send(event, standin.url) == Reply(500, "no database")


@pytest.mark.parametrize(
    "change", [{"id": "test-event-001"}, {"subject": None}, {"subject": "dotless"}, {"specversion": None}]
)
def test_a_refused_event_never_reaches_the_handler(folder: Folder, event: Event, change: Event) -> None:
    with running(folder(KEEPS_IDS), options=QUIET) as standin:
        assert send({**event, **change}, standin.url).status == 500
        assert standin.ctx.seen == []


def test_liveness_readiness_and_the_probe_by_options(folder: Folder) -> None:
    with running(folder(KEEPS_IDS)) as standin:
        assert _ask(standin.url, "GET", "/readiness") == Reply(200, "Ready")
        assert _ask(standin.url, "GET", "/liveness").status == 200
        assert _ask(standin.url, "OPTIONS", "/").status == 200
        assert _ask(standin.url, "GET", "/").status == 405


def test_nothing_is_ready_until_init_returned(folder: Folder, event: Event, monkeypatch: Any) -> None:
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
    with running(made, port=urlsplit(url).port or 0) as standin:
        looking.join()
        assert [answer.status for answer in answers] == [503, 200, 503]
        assert _ask(standin.url, "GET", "/readiness").status == 200


def test_what_init_raises_ends_the_container(folder: Folder) -> None:
    source = "def init(ctx): raise RuntimeError('no table')\ndef handler(ctx, event): pass\n"
    with pytest.raises(RuntimeError, match="no table"), running(folder(source)):
        pytest.fail("it must not get ready")


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
    with running(folder(source)) as standin:
        replies = _send_all(standin.url, _ids(event, 40))
        assert Counter(replies) == {Reply(204, ""): 40}
        assert standin.ctx.most == 20


def test_an_async_handler_is_awaited(folder: Folder, event: Event) -> None:
    source = """
    import asyncio
    async def handler(ctx, event):
        await asyncio.sleep(0)
        ctx.seen.append(event.id)
        if event.id == "00000001":
            raise RuntimeError("second")
    """
    with running(folder(source), options=QUIET) as standin:
        replies = _send_all(standin.url, _ids(event, 3))
        assert replies == [Reply(204, ""), Reply(500, "second"), Reply(204, "")]
        assert sorted(standin.ctx.seen) == ["00000000", "00000001", "00000002"]


BATCHES = """
def handler(ctx, event): raise AssertionError("one event alone")
def batch_handler(ctx, events):
    ctx.seen.append([event.id for event in events])
    return {returned}
"""


def test_a_batch_handler_gets_the_events_in_lists(folder: Folder, event: Event) -> None:
    options = Options(batch=True, batch_size=4, batch_seconds=20)
    with running(folder(BATCHES.format(returned="list(events)")), options=options) as standin:
        replies = _send_all(standin.url, _ids(event, 8))
        assert Counter(replies) == {Reply(204, ""): 8}
        assert sorted(map(len, standin.ctx.seen)) == [4, 4]
        assert sorted(chain(*standin.ctx.seen)) == [each["id"] for each in _ids(event, 8)]


def test_a_batch_that_does_not_fill_is_handled_after_a_while(folder: Folder, event: Event) -> None:
    options = Options(batch=True, batch_size=100, batch_seconds=0.05)
    with running(folder(BATCHES.format(returned="[None]")), options=options) as standin:
        assert send(event, standin.url) == Reply(204, "")
        assert standin.ctx.seen == [[event["id"]]]


@pytest.mark.parametrize("returned", ["[]", "[1, 2, 3, 4]", "None", "tuple(events)", "{}"])
def test_a_batch_handler_that_returns_no_list_of_equal_length_fails_all(
    folder: Folder, event: Event, returned: str
) -> None:
    options = Options(batch=True, batch_size=3, batch_seconds=20, log_level="CRITICAL")
    with running(folder(BATCHES.format(returned=returned)), options=options) as standin:
        assert Counter(reply.status for reply in _send_all(standin.url, _ids(event, 3))) == {500: 3}


def test_an_exception_fails_the_whole_batch(folder: Folder, event: Event) -> None:
    options = Options(batch=True, batch_size=3, batch_seconds=20, log_level="CRITICAL")
    with running(folder(BATCHES.format(returned="1 / 0")), options=options) as standin:
        assert _send_all(standin.url, _ids(event, 3)) == [Reply(500, "division by zero")] * 3


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
    with running(folder(source), options=options) as standin:
        assert send(event, standin.url, binary_message).status == 204
        assert standin.ctx.seen == [event["data"]]


@pytest.mark.parametrize("name", list(SDK_MODULES))
def test_the_runtimes_modules_are_there_only_when_asked_for(folder: Folder, event: Event, name: str) -> None:
    source = f"""
    def handler(ctx, event):
        from {name} import VastEvent
        assert isinstance(event, VastEvent)
    """
    with running(folder(source), options=Options(sdk=(name,))) as standin:
        assert send(event, standin.url).status == 204
    with running(folder(source), options=QUIET) as standin:
        assert send(event, standin.url).text.startswith("No module named 'vast")


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
    with running(folder(source), config) as standin:
        assert send(event, standin.url) == Reply(204, "")
    assert "RENDER_FARM" not in os.environ


@pytest.mark.parametrize("look", ["ctx.secrets['other']", "ctx.secrets['mine']['other']"])
def test_a_missing_secret_raises_no_key_error(folder: Folder, event: Event, look: str) -> None:
    source = f"""
    def handler(ctx, event):
        try:
            {look}
        except (KeyError, AttributeError, TypeError):
            return
    """
    config = RunConfig(secrets={"mine": {}})
    with running(folder(source), config, QUIET) as standin:
        assert send(event, standin.url) == Reply(500, "Path not found: other")


def test_what_goes_through_ctx_is_recorded(folder: Folder, event: Event) -> None:
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
    with running(folder(source), options=Options(keep=100)) as standin:
        assert send(event, standin.url).status == 500
        recorded = standin.ctx.recorded
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


def test_a_counter_does_not_go_down(folder: Folder, event: Event) -> None:
    source = "def handler(ctx, event): ctx.counter('files').add(-1)\n"
    with running(folder(source), options=QUIET) as standin:
        assert send(event, standin.url).status == 500


def test_by_default_nothing_is_kept(folder: Folder, event: Event) -> None:
    with running(folder("def handler(ctx, event): ctx.logger.info('x')\n")) as standin:
        send(event, standin.url)
        assert not standin.ctx.recorded.logs


class _Sink(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        taken: Any = self.server
        taken.taken.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(202)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


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
            with running(folder("def handler(ctx, event): return {'ok': 1}\n"), RunConfig(envs)) as standin:
                assert send(event, standin.url) == Reply(204, "")
                name = standin.ctx.function_name
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


def test_a_sink_that_is_gone_does_not_fail_the_event(folder: Folder, event: Event) -> None:
    """What the real runtime does then is not known."""
    config = RunConfig({"K_SINK": f"http://127.0.0.1:{_free_port()}/"})
    with running(folder("def handler(ctx, event): return {}\n"), config, Options(keep=9)) as standin:
        assert send(event, standin.url) == Reply(204, "")
        assert any("not sent to sink" in message for _, message in standin.ctx.recorded.logs)


def test_every_start_imports_the_folder_anew(folder: Folder, event: Event) -> None:
    helper = folder("VALUE = 1\n", "helper_of_the_test.py")
    with running(
        folder("import helper_of_the_test as helper\ndef handler(ctx, event): assert helper.VALUE == 1\n")
    ):
        pass
    (helper / "helper_of_the_test.py").write_text("VALUE = 22\n")
    source = "import helper_of_the_test as helper\ndef handler(ctx, event): assert helper.VALUE == 22\n"
    with running(folder(source)) as standin:
        assert send(event, standin.url) == Reply(204, "")


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("", "other.py"),
        ("def init(ctx): pass\n", "main.py"),
        ("init = handler = None  # init(\n", "main.py"),
    ],
)
def test_a_folder_that_the_build_would_refuse_is_a_bad_setting(
    folder: Folder, source: str, name: str
) -> None:
    with pytest.raises(InspectorError, match="BAD_SETTING"), running(folder(source, name)):
        pytest.fail("it must not start")


def test_a_folder_with_another_copy_of_the_package_is_a_bad_setting(folder: Folder) -> None:
    made = folder(KEEPS_IDS)
    (made / "exr_inspector").mkdir()
    with pytest.raises(InspectorError, match="PYTHONPATH"), running(made):
        pytest.fail("it must not start")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
