"""Every recorded event, sent through the stand-in, asks for the same as when it is read from its file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from exr_inspector.apps.devserver.invoke import (
    binary_message,
    cli_message,
    read_event,
    send,
    structured_message,
)
from exr_inspector.apps.devserver.server import running
from tests.events.files import event_files, expected

HANDLER = """
from tests.events.files import outcome_of
def init(ctx): ctx.outcomes = {}
def handler(ctx, event): ctx.outcomes[event.id] = outcome_of(event)
"""
EXPECTED = expected()


def _cloud_events() -> dict[str, dict[str, Any]]:
    events = {file.name: read_event(file) for file in event_files() if file.name != "a-list.json"}
    return {name: event for name, event in events.items() if "specversion" in event}


def _fits_header(event: dict[str, Any]) -> bool:
    path: str = event.get("elementpath", "")
    return path.isascii() and path.isprintable()


@pytest.mark.parametrize("message", [binary_message, cli_message, structured_message])
def test_over_the_wire_an_event_asks_for_the_same(
    folder: Callable[..., Path], message: Callable[..., Any]
) -> None:
    """Element paths that no header can carry arrive escaped; they have the test below."""
    events = {name: event for name, event in _cloud_events().items() if _fits_header(event)}
    with running(folder(HANDLER)) as standin:
        replies = {send(event, standin.url, message).status for event in events.values()}
        outcomes = {name: standin.ctx.outcomes[event["id"]] for name, event in events.items()}
    assert replies == {204}
    assert outcomes == {name: EXPECTED[name] for name in events}


@pytest.mark.parametrize("message", [binary_message, cli_message])
def test_a_path_that_arrives_escaped_leaves_the_true_name_among_the_candidates(
    folder: Callable[..., Path], message: Callable[..., Any]
) -> None:
    with running(folder(HANDLER)) as standin:
        for name in ("key-unicode.json", "key-with-newline.json"):
            event = _cloud_events()[name]
            send(event, standin.url, message)
            ((found, _),), ((wanted, _),) = standin.ctx.outcomes[event["id"]], EXPECTED[name]
            assert found.locations[1:] == wanted.locations
