"""Redelivery like the platform's."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from exr_inspector.apps.devserver.container import Options
from exr_inspector.apps.devserver.server import running
from tests.apps.devserver.driver import Driver, FakeClock

Event = dict[str, Any]
Folder = Callable[..., Path]
QUIET = Options(log_level="CRITICAL")

FAILS = """
import threading
from collections import Counter
def init(ctx): ctx.seen, ctx.lock = Counter(), threading.Lock()
def handler(ctx, event):
    with ctx.lock:
        ctx.seen[event.id] += 1
    if ctx.seen[event.id] <= {times}:
        raise RuntimeError("not yet")
"""


def test_a_failed_event_is_delivered_again_with_the_same_id_after_2_4_and_8_seconds(
    folder: Folder, event: Event
) -> None:
    clock = FakeClock()
    with running(folder(FAILS.format(times=3)), options=QUIET) as server:
        driver = Driver(server.url, sleep=clock)
        assert driver.deliver(event)
        assert server.ctx.seen == {event["id"]: 4}
    assert clock.pauses == [2, 4, 8]
    assert driver.answers == [(event["id"], "500 not yet")] * 3 + [(event["id"], "204")]
    assert driver.dead == []


def test_an_event_is_a_dead_letter_after_the_last_attempt(folder: Folder, event: Event) -> None:
    with running(folder(FAILS.format(times=99)), options=QUIET) as server:
        driver = Driver(server.url)
        assert not driver.deliver(event)
        assert server.ctx.seen == {event["id"]: 4}
    assert driver.dead == [event]


def test_an_acknowledged_event_is_not_delivered_again(folder: Folder, event: Event) -> None:
    with running(folder(FAILS.format(times=0))) as server:
        assert Driver(server.url).deliver(event)
        assert server.ctx.seen == {event["id"]: 1}


def test_many_events_are_delivered_concurrently(folder: Folder, event: Event) -> None:
    events = [{**event, "id": f"{number:08x}"} for number in range(50)]
    with running(folder(FAILS.format(times=1)), options=QUIET) as server:
        driver = Driver(server.url)
        assert driver.deliver_all(events) == 50
        assert server.ctx.seen == {each["id"]: 2 for each in events}
    assert Counter(outcome for _, outcome in driver.answers) == {"500 not yet": 50, "204": 50}


def test_a_handler_that_times_out_runs_beside_its_redelivery(
    folder: Folder, event: Event, monkeypatch: Any
) -> None:
    release = threading.Event()
    monkeypatch.setattr("tests.apps.devserver.test_driver.RELEASE", release, raising=False)
    source = """
    from tests.apps.devserver import test_driver as test
    def handler(ctx, event):
        ctx.seen.append(event.id)
        if len(ctx.seen) == 1:
            test.RELEASE.wait(20)
        else:
            test.RELEASE.set()
    """
    with running(folder(source)) as server:
        driver = Driver(server.url, timeout=2.0)
        assert driver.deliver(event)
        assert server.ctx.seen == [event["id"]] * 2
    assert [outcome for _, outcome in driver.answers] == ["TimeoutError", "204"]


def test_an_unreachable_runtime_makes_dead_letters(folder: Folder, event: Event) -> None:
    with running(folder(FAILS.format(times=0))) as server:
        url = server.url
    driver = Driver(url)
    assert not driver.deliver(event)
    assert [outcome for _, outcome in driver.answers] == ["ConnectionRefusedError"] * 4
