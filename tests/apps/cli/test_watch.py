"""`exr-inspector check --watch`: one signed webhook when a sequence becomes complete, and when it breaks."""

from __future__ import annotations

import hmac
import json
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from click.testing import CliRunner, Result

from exr_inspector.apps.cli import commands
from exr_inspector.checks.webhook import signature
from tests.exrfiles.demo import simple

SECRET = "0123456789abcdef"


class Receiver:
    """A tracker: it keeps what it accepts, and answers with `status`."""

    def __init__(self) -> None:
        self.status = 204
        self.accepted: list[dict[str, Any]] = []
        self.requests: list[tuple[dict[str, str], bytes]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.requests.append((dict(self.headers.items()), body))
                if receiver.status == 204:
                    receiver.accepted.append(json.loads(body))
                self.send_response(receiver.status)
                self.send_header("Location", "/elsewhere")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run `check --watch` with something that happens in each pause, until there is nothing left."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EXR_INSPECTOR_WEBHOOK_SECRET", SECRET)

    def run(*arguments: str, pauses: list[Callable[[], Any]]) -> Result:
        left = iter(pauses)

        def pause(_seconds: float) -> None:
            try:
                next(left)()
            except StopIteration:
                raise KeyboardInterrupt from None

        monkeypatch.setattr("exr_inspector.apps.cli.watch.time.sleep", pause)
        return CliRunner().invoke(commands, ["check", ".", "--watch", "1", "--settle", "0", *arguments])

    return run


def frame(number: int, content: bytes | None = None) -> None:
    Path(f"beauty.{number}.exr").write_bytes(simple(4, 4) if content is None else content)


def test_a_webhook_is_sent_once_for_each_transition(
    receiver: Receiver, watched: Callable[..., Result]
) -> None:
    frame(1001)
    done = watched(
        *("--frames", "1001-1003", "--webhook", receiver.url),
        pauses=[
            lambda: frame(1002),
            lambda: frame(1003),
            lambda: None,
            lambda: frame(1002, b"junk"),
            lambda: None,
            lambda: frame(1002),
        ],
    )
    assert done.exit_code == 130
    assert [(each["before"], each["event"]) for each in receiver.accepted] == [
        ("open", "complete"),
        ("complete", "broken"),
        ("broken", "complete"),
    ]
    complete, broken, _ = receiver.accepted
    assert (complete["frames"], complete["missing"], complete["findings"]) == ("1001-1003", "", [])
    assert broken["findings"][0]["rule_id"] == "EXR-01"
    assert broken["findings"][0]["frames"] == "1002"
    assert broken["sequence_key"].endswith("/beauty.#.exr")


def test_the_signature_covers_the_time_and_the_body(
    receiver: Receiver, watched: Callable[..., Result]
) -> None:
    frame(1001)
    watched("--frames", "1001-1002", "--webhook", receiver.url, pauses=[lambda: frame(1002)])
    ((headers, body),) = receiver.requests
    timestamp = headers["X-Exr-Inspector-Timestamp"]
    expected = hmac.new(SECRET.encode(), timestamp.encode() + b"." + body, "sha256").hexdigest()
    assert headers["X-Exr-Inspector-Signature"] == f"sha256={expected}"
    assert abs(time.time() - int(timestamp)) < 3600
    assert signature(SECRET, "0", body) != signature(SECRET, timestamp, body)
    assert SECRET not in str(headers) + body.decode()


@pytest.mark.parametrize("status", [500, 404, 302])
def test_a_webhook_that_is_not_accepted_is_sent_again(
    receiver: Receiver, watched: Callable[..., Result], status: int
) -> None:
    frame(1001)
    receiver.status = status

    def accept() -> None:
        receiver.status = 204

    done = watched(
        *("--frames", "1001-1002", "--webhook", receiver.url),
        pauses=[lambda: frame(1002), lambda: None, accept],
    )
    assert "the webhook was not accepted" in done.stderr
    assert len(receiver.requests) == 3
    assert len(receiver.accepted) == 1
    assert all("elsewhere" not in str(headers) for headers, _ in receiver.requests)


def test_the_configuration_states_frames_and_url(receiver: Receiver, watched: Callable[..., Result]) -> None:
    Path("exr-inspector.yaml").write_text(
        f'patterns: ["{{shot}}.{{frame}}.exr"]\nwebhook: {receiver.url}\n'
        "frames:\n  - {shot: beauty, frames: 1001-1002}\n"
    )
    frame(1001)
    watched(pauses=[lambda: frame(1002)])
    (sent,) = receiver.accepted
    assert sent["fields"] == {"shot": "beauty"}


def test_sequences_without_stated_frames_and_folders_without_files_are_waited_for(
    receiver: Receiver, watched: Callable[..., Result]
) -> None:
    done = watched("--webhook", receiver.url, pauses=[lambda: frame(1001), lambda: frame(1002, b"junk")])
    assert "no .exr file in ." in done.stderr
    assert done.exit_code == 130
    assert receiver.requests == []


def test_a_webhook_without_a_secret_is_refused(
    receiver: Receiver, watched: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("EXR_INSPECTOR_WEBHOOK_SECRET")
    frame(1001)
    done = watched("--frames", "1001-1002", "--webhook", receiver.url, pauses=[lambda: frame(1002)])
    assert done.exit_code == 2
    assert "EXR_INSPECTOR_WEBHOOK_SECRET must be set" in done.stderr
    assert receiver.requests == []
