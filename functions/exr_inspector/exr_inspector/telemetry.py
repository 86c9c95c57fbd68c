"""Logs, spans and metrics, through what the runtime's `ctx` offers.

`ctx` differs between runtimes and may be None. A logger, tracer or instrument that is missing or raises is
ignored: observability never fails an event.
"""

from __future__ import annotations

import copy
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from typing import Any

# Kind, unit and description of each metric by name. Instruments are created once per instance.
METRICS = {
    "exr_inspector.files": ("counter", "1", "Files by status."),
    "exr_inspector.bytes_read": ("counter", "By", "Bytes read from files."),
    "exr_inspector.duration": ("histogram", "ms", "Milliseconds by step: init, handler, read, store."),
}


class Telemetry:
    """The logger, the tracer and the instruments of a DataEngine context, or of none."""

    def __init__(self, ctx: Any = None) -> None:
        self.logger: Any = _quietly(lambda: ctx.logger) or logging.getLogger("exr_inspector")
        self.tracer = _quietly(lambda: ctx.tracer)
        self._metrics = {name: _instrument(ctx, name) for name in METRICS}

    def of(self, ctx: Any) -> Telemetry:
        """Return the same instruments with the logger and the tracer of another ctx, if it has them."""
        other = copy.copy(self)
        other.logger = _quietly(lambda: ctx.logger) or self.logger
        other.tracer = _quietly(lambda: ctx.tracer) or self.tracer
        return other

    def step(self, name: str, **attributes: Any) -> AbstractContextManager[None]:
        """Run a step in a span, and record its duration."""
        is_silent = self.tracer is None and self._metrics["exr_inspector.duration"] is None
        return nullcontext() if is_silent else self._step(name, attributes)

    @contextmanager
    def _step(self, name: str, attributes: dict[str, Any]) -> Iterator[None]:
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
        """Add a value to a counter, or record it in a histogram."""
        instrument = self._metrics[metric]
        if instrument is not None:
            with suppress(Exception):
                verb = instrument.add if METRICS[metric][0] == "counter" else instrument.record
                verb(value, attributes)


def _instrument(ctx: Any, name: str) -> Any:
    """Create an instrument, with its description and unit if the runtime accepts them.

    The runtime's counter has no parameter for a unit.
    """
    kind, unit, description = METRICS[name]
    options = (
        {"description": description} if kind == "counter" else {"description": description, "unit": unit}
    )
    return _quietly(lambda: getattr(ctx, kind)(name, **options)) or _quietly(lambda: getattr(ctx, kind)(name))


def _quietly(ask: Callable[[], Any]) -> Any:
    """Return what ctx offers, or None if the accessor raises; its exception types are undocumented."""
    try:
        return ask()
    except Exception:  # noqa: BLE001 - runtimes raise different exceptions for what they do not offer
        return None


SILENT = Telemetry()
"""Writes to the log only."""
