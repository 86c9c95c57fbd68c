"""What the runtime lets a function tell of itself: log lines, spans, counters, histograms.

`ctx` differs between runtimes and may be None. What it offers is used, what it lacks stays silent.
"""

from __future__ import annotations

import copy
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# Name, kind, unit and meaning of every metric, created once per instance.
METRICS = {
    "exr_inspector.files": ("counter", "1", "Files by status."),
    "exr_inspector.bytes_read": ("counter", "By", "Bytes read from files."),
    "exr_inspector.duration": ("histogram", "ms", "Milliseconds by step: handler, read, store."),
}


class Telemetry:
    """`ctx` is a DataEngine context or None."""

    def __init__(self, ctx: Any = None) -> None:
        self.logger: Any = getattr(ctx, "logger", None) or logging.getLogger("exr_inspector")
        self.tracer = getattr(ctx, "tracer", None)
        self._metrics = {name: _instrument(ctx, name) for name in METRICS}

    def of(self, ctx: Any) -> Telemetry:
        """The same instruments, with the logger and the tracer of another ctx where it has them."""
        other = copy.copy(self)
        other.logger = getattr(ctx, "logger", None) or self.logger
        other.tracer = getattr(ctx, "tracer", None) or self.tracer
        return other

    @contextmanager
    def step(self, name: str, **attributes: Any) -> Iterator[None]:
        """A span around a step, and its duration."""
        started = time.perf_counter()
        try:
            if self.tracer is None:
                yield
            else:
                with self.tracer.start_as_current_span(f"exr_inspector.{name}") as span:
                    for key, value in attributes.items():
                        span.set_attribute(key, value)
                    yield
        finally:
            self.record("exr_inspector.duration", 1000 * (time.perf_counter() - started), step=name)

    def record(self, metric: str, value: float, **attributes: Any) -> None:
        """Add to a counter, or put a value into a histogram."""
        instrument = self._metrics[metric]
        if instrument is not None:
            verb = instrument.add if METRICS[metric][0] == "counter" else instrument.record
            verb(value, attributes)


def _instrument(ctx: Any, name: str) -> Any:
    kind, unit, meaning = METRICS[name]
    make = getattr(ctx, kind, None)
    if make is None:
        return None
    # The counter of the runtime takes no unit; the histogram does.
    return (
        make(name, description=meaning) if kind == "counter" else make(name, description=meaning, unit=unit)
    )
