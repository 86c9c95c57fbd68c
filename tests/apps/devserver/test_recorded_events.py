"""Recorded events, sent to the development server, ask for the same as when they are read from a file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
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
from exr_inspector.events.request import Request
from tests.events.files import event_files, expected

HANDLER = """
from exr_inspector.events.request import Request
from tests.events.files import outcome_of
def init(ctx): ctx.outcomes = {}
def handler(ctx, event): ctx.outcomes[event.id] = outcome_of(event)
"""
EXPECTED = expected()


def _events() -> dict[str, dict[str, Any]]:
    return {file.name: read_event(file) for file in event_files() if file.name != "a-list.json"}


def _fits_header(event: dict[str, Any]) -> bool:
    path: str = event.get("elementpath", "")
    return path.isascii() and path.isprintable()


def _without_time(outcomes: list[tuple[Request, list[str]]]) -> list[tuple[Request, list[str]]]:
    """Ignore the time: the CloudEvents SDK adds the current time to an event without one."""
    return [(replace(request, time=None), codes) for request, codes in outcomes]


@pytest.mark.parametrize("message", [binary_message, cli_message, structured_message])
def test_an_event_over_http_asks_for_the_same_as_its_file(
    folder: Callable[..., Path], message: Callable[..., Any]
) -> None:
    """Plain events are wrapped. Element paths that do not fit into a header have their own test."""
    events = {name: event for name, event in _events().items() if _fits_header(event)}
    with running(folder(HANDLER)) as server:
        replies = {send(event, server.url, message).status for event in events.values()}
        outcomes = {name: _without_time(server.ctx.outcomes[event["id"]]) for name, event in events.items()}
    assert replies == {204}
    assert outcomes == {name: _without_time(EXPECTED[name]) for name in events}


@pytest.mark.parametrize("message", [binary_message, cli_message])
def test_an_escaped_path_leaves_the_true_name_among_the_candidates(
    folder: Callable[..., Path], message: Callable[..., Any]
) -> None:
    with running(folder(HANDLER)) as server:
        for name in ("key-unicode.json", "key-with-newline.json"):
            event = _events()[name]
            send(event, server.url, message)
            ((found, _),), ((wanted, _),) = server.ctx.outcomes[event["id"]], EXPECTED[name]
            assert found.locations[1:] == wanted.locations
