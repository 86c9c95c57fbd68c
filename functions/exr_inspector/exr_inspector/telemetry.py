"""What the runtime lets a function tell of itself: log lines, spans, counters, histograms.

`ctx` differs between runtimes and may be None. What it offers is used, what it lacks stays silent, and so
does what raises: no event fails because nobody could be told of it.
"""

from __future__ import annotations

import copy
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

# Name, kind, unit and meaning of every metric, created once per instance.
METRICS = {
    "exr_inspector.files": ("counter", "1", "Files by status."),
    "exr_inspector.bytes_read": ("counter", "By", "Bytes read from files."),
    "exr_inspector.duration": ("histogram", "ms", "Milliseconds by step: init, handler, read, store."),
}


class Telemetry:
    """`ctx` is a DataEngine context or None."""

    def __init__(self, ctx: Any = None) -> None:
        self.logger: Any = _quietly(lambda: ctx.logger) or logging.getLogger("exr_inspector")
        self.tracer = _quietly(lambda: ctx.tracer)
        self._metrics = {name: _instrument(ctx, name) for name in METRICS}

    def of(self, ctx: Any) -> Telemetry:
        """The same instruments, with the logger and the tracer of another ctx where it has them."""
        other = copy.copy(self)
        other.logger = _quietly(lambda: ctx.logger) or self.logger
        other.tracer = _quietly(lambda: ctx.tracer) or self.tracer
        return other

    @contextmanager
    def step(self, name: str, **attributes: Any) -> Iterator[None]:
        """A span around a step, and its duration."""
        started = time.perf_counter()
        try:
            with ExitStack() as stack:
                with suppress(Exception):
                    self._begin_span(stack, name, attributes)
                yield
        finally:
            self.record("exr_inspector.duration", 1000 * (time.perf_counter() - started), step=name)

    def _begin_span(self, stack: ExitStack, name: str, attributes: dict[str, Any]) -> None:
        if self.tracer is not None:
            span = stack.enter_context(self.tracer.start_as_current_span(f"exr_inspector.{name}"))
            for key, value in attributes.items():
                span.set_attribute(key, value)

    def record(self, metric: str, value: float, **attributes: Any) -> None:
        """Add to a counter, or put a value into a histogram."""
        instrument = self._metrics[metric]
        if instrument is not None:
            with suppress(Exception):
                verb = instrument.add if METRICS[metric][0] == "counter" else instrument.record
                verb(value, attributes)


def _instrument(ctx: Any, name: str) -> Any:
    """With its meaning and unit where the runtime takes them: its counter takes no unit."""
    kind, unit, meaning = METRICS[name]
    said = {"description": meaning} if kind == "counter" else {"description": meaning, "unit": unit}
    return _quietly(lambda: getattr(ctx, kind)(name, **said)) or _quietly(lambda: getattr(ctx, kind)(name))


def _quietly(ask: Callable[[], Any]) -> Any:
    """What ctx gives, or None where it raises."""
    try:
        return ask()
    except Exception:  # noqa: BLE001 - runtimes differ in what they offer and in what they raise
        return None


SILENT = Telemetry()
"""Tells the log alone."""
