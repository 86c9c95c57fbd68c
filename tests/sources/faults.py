"""What may happen to a request on its way: a Fault takes the proxy's part in answering it.

A Plan says which fault, if any, strikes the request of a number (from 1).
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator, Sequence

from tests.sources.proxy import Answer, Proxy

Fault = Callable[[Proxy], None]
Plan = Callable[[int], Fault | None]


def status(code: int, error: str = "Injected", message: str = "by the test") -> Fault:
    """Answer with an error of S3 instead of asking the real server."""
    return answering(code, f"<Error><Code>{error}</Code><Message>{message}</Message></Error>")


def answering(code: int, body: str, content_type: str = "application/xml") -> Fault:
    """Answer with this body instead of asking the real server."""

    def answer(proxy: Proxy) -> None:
        content = b"" if proxy.command == "HEAD" else body.encode()
        proxy.answer(Answer(code, {"Content-Type": content_type}, iter([content]), len(content)))

    return answer


def reset(proxy: Proxy) -> None:
    """Reset the connection before any answer."""
    proxy.reset()


def cut(proxy: Proxy) -> None:
    """End the connection in the middle of the body."""
    proxy.answer(proxy.ask(), keep=0.5)
    proxy.close_connection = True


def reset_within(proxy: Proxy) -> None:
    """Reset the connection in the middle of the body."""
    proxy.answer(proxy.ask(), keep=0.5)
    proxy.reset()


def ignore_range(proxy: Proxy) -> None:
    """Answer 200 with the whole object, as a server without ranges does."""
    proxy.answer(proxy.ask(without=("range",)))


def stall(until: threading.Event) -> Fault:
    """Say nothing until the event is set, then close."""

    def wait(proxy: Proxy) -> None:
        until.wait(30)
        proxy.close_connection = True

    return wait


def trickle(until: threading.Event, pause: float) -> Fault:
    """Send the head of the answer, then single bytes of the body, `pause` seconds apart."""

    def drip(proxy: Proxy) -> None:
        answer = proxy.ask()
        body = b"".join(answer.body)
        slow = Answer(answer.status, answer.headers, _dripping(body, until, pause), answer.size)
        proxy.answer(slow)

    return drip


def _dripping(body: bytes, until: threading.Event, pause: float) -> Iterator[bytes]:
    for byte in body:
        if until.wait(pause):
            return
        yield bytes([byte])


def altered(**headers: str | None) -> Fault:
    """Answer with other headers (`Content_Range="..."`), or without them (None)."""

    def alter(proxy: Proxy) -> None:
        answer = proxy.ask()
        kept = {k: v for k, v in answer.headers.items() if k.replace("-", "_").lower() not in lowered}
        given = {name.replace("_", "-"): value for name, value in headers.items() if value is not None}
        proxy.answer(Answer(answer.status, {**kept, **given}, answer.body, answer.size))

    lowered = {name.lower() for name in headers}
    return alter


def after(action: Callable[[], object]) -> Fault:
    """Do something between the client's request and the real server's answer."""

    def act(proxy: Proxy) -> None:
        action()
        proxy.answer(proxy.ask())

    return act


def every(count: int, faults: Sequence[Fault]) -> Plan:
    """Spoil one request in `count`, with each fault in turn."""
    return lambda number: None if number % count else faults[number // count % len(faults)]


def at_random(chance: float, faults: Sequence[Fault], seed: int) -> Plan:
    """Spoil requests by chance; the same ones, by number, for the same seed."""

    def choose(number: int) -> Fault | None:
        dice = random.Random(seed * 1_000_003 + number)
        return dice.choice(faults) if dice.random() < chance else None

    return choose
