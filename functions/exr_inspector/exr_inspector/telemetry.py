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
from typing import Any, Literal, NamedTuple


class Metric(NamedTuple):
    kind: Literal["counter", "histogram"]
    unit: str
    description: str
    attributes: tuple[str, ...] = ()


# docs/METRICS.md is generated from here. Instruments are created once per instance.
METRICS = {
    "exr_inspector.files": Metric(
        "counter", "1", "Files that were read, by status as in the table `files`.", ("status",)
    ),
    "exr_inspector.bytes_read": Metric("counter", "By", "Bytes that were read from files."),
    "exr_inspector.duration": Metric(
        "histogram",
        "ms",
        "Duration of a step: `init`, `handler`, `read`, `measure`, `cryptomatte` or `store`.",
        ("step",),
    ),
    "exr_inspector.lag": Metric(
        "histogram", "ms", "Time from an event, as it states it, to the commit of its file's rows."
    ),
    "exr_inspector.faults": Metric(
        "counter",
        "1",
        "Faults by code, as in TROUBLESHOOTING.md: `recorded` for a file or the pixels of a part, or `raised`"
        " by a handler, so that the event is delivered again. `DECODER_LOST`: decoders crashed or were"
        " killed.",
        ("code", "outcome"),
    ),
    "exr_inspector.retries": Metric(
        "counter",
        "1",
        "Transactions that failed and were tried again, by code: `DATABASE_CONFLICT` counts conflicts.",
        ("code",),
    ),
    "exr_inspector.findings": Metric(
        "counter",
        "1",
        "Findings of policies: `fail`, or `unknown` without evidence.",
        ("severity", "verdict"),
    ),
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
    def handling(self) -> Iterator[None]:
        """Run a handler as a step, and count the fault that it raises."""
        try:
            with self.step("handler"):
                yield
        except Exception as error:
            code = getattr(error, "code", type(error).__name__)
            self.record("exr_inspector.faults", 1, code=code, outcome="raised")
            raise

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
                verb = instrument.add if METRICS[metric].kind == "counter" else instrument.record
                verb(value, attributes)


def _instrument(ctx: Any, name: str) -> Any:
    """Create an instrument, with its description and unit if the runtime accepts them.

    The runtime's counter has no parameter for a unit.
    """
    kind, unit, description, _ = METRICS[name]
    options = (
        {"description": description} if kind == "counter" else {"description": description, "unit": unit}
    )
    return _quietly(lambda: getattr(ctx, kind)(name, **options)) or _quietly(lambda: getattr(ctx, kind)(name))


def _quietly(ask: Callable[[], Any]) -> Any:
    """Return what ctx offers, or None if the accessor raises; its exception types are undocumented."""
    try:
        return ask()
    except Exception:  # noqa: BLE001 - runtimes raise different exceptions for missing instruments
        return None


SILENT = Telemetry()
"""Writes to the log only."""
