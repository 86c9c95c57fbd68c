"""Objects are written over, removed and written again while their events come late, twice, in any order."""

from __future__ import annotations

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import md5
from pathlib import Path
from threading import BoundedSemaphore

import pytest

from tests.apps.devserver.driver import Driver
from tests.delivery.events import Event, element_event
from tests.delivery.function import BUCKET, MODES, S3_FAULTS, function, rows_in
from tests.exrfiles.demo import demo_files
from tests.sources.faults import at_random
from tests.sources.proxy import Proxy
from tests.sources.server import S3Server

KEY = "moving/beauty.1001.exr"
CONTENTS = [data for _, data in demo_files()]
# What becomes of an object: a letter for each version that is written, a dash for its removal.
LIVES = ("a", "ab", "aba", "a-", "ab-", "a-b", "a-b-", "a-a")
OBJECTS = 16
AT_ONCE = 20


@dataclass(frozen=True)
class Moment:
    """Something that happens to an object: it is written or removed, or an event of that is delivered."""

    time: float
    key: str
    content: bytes | None
    event: Event
    delivery: bool


def _moments(chance: random.Random) -> list[Moment]:
    """Changes in each object's order; the events of each come twice, at any time after it."""
    changes = [change for number in range(OBJECTS) for change in _life(number, chance)]
    moments = []
    for sequence, (time, key, content) in enumerate(sorted(changes, key=lambda each: each[:2]), start=1):
        event = _event(sequence, key, content)
        moments.append(Moment(time, key, content, event, delivery=False))
        moments += [Moment(chance.uniform(time, 1.2), key, content, event, delivery=True) for _ in range(2)]
    return sorted(moments, key=lambda each: each.time)


def _life(number: int, chance: random.Random) -> Iterator[tuple[float, str, bytes | None]]:
    life = LIVES[number % len(LIVES)]
    for time, what in zip(sorted(chance.random() for _ in life), life, strict=True):
        content = None if what == "-" else CONTENTS[(number + "ab".index(what)) % len(CONTENTS)]
        yield time, f"moving/beauty.{1001 + number}.exr", content


def _event(sequence: int, key: str, content: bytes | None) -> Event:
    if content is None:
        return element_event(sequence, BUCKET, key, removed=True)
    return element_event(sequence, BUCKET, key, size=len(content), etag=md5(content).hexdigest())


def _play(moments: list[Moment], s3: S3Server, driver: Driver) -> None:
    """Let it all happen, with so many deliveries at once."""
    free = BoundedSemaphore(AT_ONCE)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for moment in moments:
            if moment.delivery:
                free.acquire()
                delivery = pool.submit(driver.deliver, moment.event)
                delivery.add_done_callback(lambda _: free.release())
            elif moment.content is not None:
                s3.put(BUCKET, moment.key, moment.content)
            else:
                s3.delete(BUCKET, moment.key)


@pytest.mark.parametrize("mode", MODES)
def test_the_tables_end_as_the_bucket_does(mode: str, tmp_path: Path) -> None:
    moments = _moments(random.Random(11))
    last = {moment.key: moment for moment in moments if not moment.delivery}
    held = [moment.event for moment in last.values() if moment.content is not None]
    moved, fresh = tmp_path / "moved.duckdb", tmp_path / "fresh.duckdb"
    with S3Server() as s3:
        s3.bucket(BUCKET)
        s3.plan = at_random(0.2, S3_FAULTS, seed=5)
        with function(s3, moved, mode) as running:
            driver = Driver(running.url, retries=12)
            _play(moments, s3, driver)
        assert driver.dead == []
        s3.plan = None
        with function(s3, fresh) as running:
            assert Driver(running.url).deliver_all(held) == len(held)
    assert rows_in(moved) == rows_in(fresh)


@pytest.mark.parametrize("life", ["ab", "-a", "aba"])
def test_what_was_read_earlier_does_not_undo_what_was_stored_later(life: str, tmp_path: Path) -> None:
    """The answer to the first event's request is held up until all that follows has happened."""
    contents = [None if what == "-" else CONTENTS["ab".index(what)] for what in life]
    events = [_event(sequence, KEY, content) for sequence, content in enumerate(contents, start=1)]
    with S3Server() as s3:
        s3.bucket(BUCKET)
        with function(s3, tmp_path / "moved.duckdb") as running:
            driver = Driver(running.url, retries=0)

            def overtaken(proxy: Proxy) -> None:
                answer = proxy.ask()
                for content, event in zip(contents[1:], events[1:], strict=True):
                    s3.put(BUCKET, KEY, content or b"")
                    assert driver.deliver(event)
                proxy.answer(answer)

            if contents[0] is not None:
                s3.put(BUCKET, KEY, contents[0])
            s3.faults.append(overtaken)
            assert driver.deliver(events[0])
        with function(s3, tmp_path / "fresh.duckdb") as running:
            assert Driver(running.url).deliver(events[-1])
    assert rows_in(tmp_path / "moved.duckdb") == rows_in(tmp_path / "fresh.duckdb")
