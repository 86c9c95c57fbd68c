"""Failures on demand: which request fails, how, and whether it is executed first.

server.faults.at(1, Fault(reset=True, after=True), on="commit")   # the next commit, once
server.faults.at(7, Fault(status=500))                            # the seventh request from now
server.faults.every(Fault(delay=0.01), on=lambda kind: rng.random() < 0.1)
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from tests.vast_server.answers import Answer, Framing, Refusal, Sending

Match = str | Callable[[str], bool]


@dataclass(frozen=True)
class Fault:
    """What happens to a request.

    `status` and `code` replace the response (the SDK retries 503 with "SlowDown"). `reset` closes the
    connection without a response. `cut` sends the headers and the fraction `kept` of the body; `framing`
    decides whether the client can notice. A HEAD has no body and is answered normally. `delay` waits so many
    seconds; alone, it does not change the response. A request that fails is executed only with `after`.
    """

    status: int | None = None
    code: str = ""
    reset: bool = False
    cut: bool = False
    framing: Framing = Framing.CHUNKED
    kept: float = 0.5
    delay: float = 0.0
    after: bool = False

    def around(self, execute: Callable[[], Answer]) -> Answer:
        """Return the response for the client; `execute` executes the request."""
        if self.after:
            answer = execute()
            time.sleep(self.delay)
            return self._spoil(answer)
        time.sleep(self.delay)
        return self._spoil(Answer()) if self._spoils else execute()

    @property
    def _spoils(self) -> bool:
        return self.status is not None or self.reset or self.cut

    def _spoil(self, answer: Answer) -> Answer:
        if self.status is not None:
            return Refusal(self.status, self.code, "a fault that the test asked for").answer()
        if self.reset:
            return replace(answer, sending=Sending.RESET)
        if self.cut:
            return replace(answer, sending=Sending.CUT, framing=self.framing, kept=self.kept)
        return answer


@dataclass
class _Plan:
    fault: Fault
    matches: Callable[[str], bool]
    skip: int = 0
    once: bool = False


class Faults:
    """The planned faults. Safe for threads."""

    def __init__(self) -> None:
        self._plans: list[_Plan] = []
        self._lock = threading.Lock()

    def at(self, nth: int, fault: Fault, on: Match | None = None) -> None:
        """Apply `fault` once, to the `nth` matching request from now on; 1 is the next one."""
        self._add(_Plan(fault, _matcher(on), skip=nth - 1, once=True))

    def every(self, fault: Fault, on: Match | None = None) -> None:
        """Apply `fault` to every matching request until `clear`."""
        self._add(_Plan(fault, _matcher(on)))

    def clear(self) -> None:
        with self._lock:
            self._plans.clear()

    def take(self, kind: str) -> Fault | None:
        """Return the fault for a request of this kind: that of the first plan that matches and is due."""
        with self._lock:
            matching = [plan for plan in self._plans if plan.matches(kind)]
            due = next((plan for plan in matching if plan.skip == 0), None)
            for plan in matching:
                plan.skip = max(plan.skip - 1, 0)
            if due is None:
                return None
            if due.once:
                self._plans.remove(due)
            return due.fault

    def _add(self, plan: _Plan) -> None:
        with self._lock:
            self._plans.append(plan)


def _matcher(on: Match | None) -> Callable[[str], bool]:
    if on is None:
        return lambda _kind: True
    if isinstance(on, str):
        return lambda kind: kind == on
    return on
