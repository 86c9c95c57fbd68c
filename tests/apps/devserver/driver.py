"""Deliver events like the platform: at least once, again after a failure, then to a dead-letter list."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from exr_inspector.apps.devserver.invoke import Message, binary_message, send

Event = Mapping[str, Any]
FIRST_PAUSE = 2.0


@dataclass
class Driver:
    """Delivers a failed event again after 2, 4, 8 ... seconds, `retries` times, with the same id.

    A delivery fails on any reply but 204, on a broken connection, and after `timeout` seconds. `sleep` may be
    a fake.
    """

    url: str
    retries: int = 3
    message: Callable[[Event], Message] = binary_message
    timeout: float = 60
    sleep: Callable[[float], object] = lambda _: None
    answers: list[tuple[str, str]] = field(default_factory=list)
    """Event id and outcome of every delivery: status and text, or the class of the error."""
    dead: list[Event] = field(default_factory=list)

    def deliver(self, event: Event) -> bool:
        """Return whether a delivery was acknowledged."""
        for attempt in range(1 + self.retries):
            if attempt:
                self.sleep(FIRST_PAUSE * 2 ** (attempt - 1))
            if self._try(event):
                return True
        self.dead.append(event)
        return False

    def deliver_all(self, events: Iterable[Event], at_once: int = 20) -> int:
        """Deliver in the given order, `at_once` at a time. Return how many were acknowledged."""
        with ThreadPoolExecutor(at_once) as pool:
            return sum(pool.map(self.deliver, events))

    def _try(self, event: Event) -> bool:
        try:
            status, text = send(event, self.url, self.message, self.timeout)
        except OSError as error:
            self.answers.append((str(event["id"]), type(error).__name__))
            return False
        self.answers.append((str(event["id"]), f"{status} {text}".strip()))
        return status == 204


class FakeClock:
    """Records the pauses instead of waiting."""

    def __init__(self) -> None:
        self.pauses: list[float] = []
        self._lock = threading.Lock()

    def __call__(self, seconds: float) -> None:
        with self._lock:
            self.pauses.append(seconds)
