"""Redelivery, as the platform does it."""

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


def test_a_failure_is_delivered_again_with_the_same_id_after_2_4_and_8_seconds(
    folder: Folder, event: Event
) -> None:
    clock = FakeClock()
    with running(folder(FAILS.format(times=3)), options=QUIET) as standin:
        driver = Driver(standin.url, sleep=clock)
        assert driver.deliver(event)
        assert standin.ctx.seen == {event["id"]: 4}
    assert clock.pauses == [2, 4, 8]
    assert driver.answers == [(event["id"], "500 not yet")] * 3 + [(event["id"], "204")]
    assert driver.dead == []


def test_after_the_last_try_the_event_is_a_dead_letter(folder: Folder, event: Event) -> None:
    with running(folder(FAILS.format(times=99)), options=QUIET) as standin:
        driver = Driver(standin.url)
        assert not driver.deliver(event)
        assert standin.ctx.seen == {event["id"]: 4}
    assert driver.dead == [event]


def test_an_acknowledged_event_is_not_delivered_again(folder: Folder, event: Event) -> None:
    with running(folder(FAILS.format(times=0))) as standin:
        assert Driver(standin.url).deliver(event)
        assert standin.ctx.seen == {event["id"]: 1}


def test_many_events_are_delivered_at_once(folder: Folder, event: Event) -> None:
    events = [{**event, "id": f"{number:08x}"} for number in range(50)]
    with running(folder(FAILS.format(times=1)), options=QUIET) as standin:
        driver = Driver(standin.url)
        assert driver.deliver_all(events) == 50
        assert standin.ctx.seen == {each["id"]: 2 for each in events}
    assert Counter(outcome for _, outcome in driver.answers) == {"500 not yet": 50, "204": 50}


def test_a_handler_over_its_time_runs_beside_its_redelivery(
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
    with running(folder(source)) as standin:
        driver = Driver(standin.url, timeout=1.0)
        assert driver.deliver(event)
        assert standin.ctx.seen == [event["id"]] * 2
    assert [outcome for _, outcome in driver.answers] == ["TimeoutError", "204"]


def test_a_runtime_that_is_gone_makes_dead_letters(folder: Folder, event: Event) -> None:
    with running(folder(FAILS.format(times=0))) as standin:
        url = standin.url
    driver = Driver(url)
    assert not driver.deliver(event)
    assert [outcome for _, outcome in driver.answers] == ["ConnectionRefusedError"] * 4
