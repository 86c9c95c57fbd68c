"""`ctx`: the object that the runtime passes to `init` and `handler`, with a record of its use for tests."""

from __future__ import annotations

import logging
import sys
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


class SecretNotFoundError(Exception):
    """A secret or key does not exist. The real class is undocumented, but it is not a KeyError."""


class Secrets(dict[str, Any]):
    """Values by name. Indexing with a missing name raises SecretNotFoundError."""

    def __missing__(self, name: str) -> Any:
        raise SecretNotFoundError(f"Path not found: {name}")


@dataclass
class Span:
    """A traced step of the handler."""

    name: str
    attributes: dict[str, Any] = field(default_factory=dict)
    exceptions: list[BaseException] = field(default_factory=list)
    ended: bool = False

    def set_attribute(self, key: str, value: Any) -> None:
        """Set one attribute."""
        self.attributes[key] = value

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        """Set several attributes."""
        self.attributes.update(attributes)

    def record_exception(self, exception: BaseException) -> None:
        """Record an exception that the step raised."""
        self.exceptions.append(exception)


@dataclass(frozen=True)
class Measurement:
    """One value that an instrument received."""

    kind: str
    name: str
    value: float
    attributes: Mapping[str, Any]


class Recordings:
    """The last `keep` log lines, spans and measurements of a ctx; none by default, to bound memory."""

    def __init__(self, keep: int = 0) -> None:
        self.logs: deque[tuple[str, str]] = deque(maxlen=keep)
        """Level name and message."""
        self.spans: deque[Span] = deque(maxlen=keep)
        self.measurements: deque[Measurement] = deque(maxlen=keep)


class Tracer:
    """The part of OpenTelemetry's tracer that functions use."""

    def __init__(self, recorded: Recordings) -> None:
        self._recorded = recorded

    @contextmanager
    def start_as_current_span(self, name: str, attributes: Mapping[str, Any] | None = None) -> Iterator[Span]:
        """Trace the block as a span. An exception is recorded and raised again."""
        span = Span(name, dict(attributes or {}))
        self._recorded.spans.append(span)
        try:
            yield span
        except BaseException as error:
            span.record_exception(error)
            raise
        finally:
            span.ended = True


@dataclass(frozen=True)
class _Instrument:
    recorded: Recordings
    kind: str
    name: str
    description: str
    unit: str

    def _measure(self, value: float, attributes: Mapping[str, Any] | None) -> None:
        measurement = Measurement(self.kind, self.name, value, dict(attributes or {}))
        self.recorded.measurements.append(measurement)


class Counter(_Instrument):
    """A sum. An `updowncounter` also accepts negative amounts."""

    def add(self, amount: float, attributes: Mapping[str, Any] | None = None) -> None:
        """Add `amount`. Raises ValueError if a `counter` would decrease."""
        if amount < 0 and self.kind == "counter":
            raise ValueError("a counter cannot decrease")
        self._measure(amount, attributes)


class Histogram(_Instrument):
    """A distribution of values."""

    def record(self, value: float, attributes: Mapping[str, Any] | None = None) -> None:
        """Add a value."""
        self._measure(value, attributes)


class Gauge(_Instrument):
    """A current value."""

    def set(self, value: float, attributes: Mapping[str, Any] | None = None) -> None:
        """Change the value."""
        self._measure(value, attributes)


class Context:
    """One object per container, shared by all threads. Functions may set their own attributes."""

    def __init__(
        self,
        function_name: str,
        secrets: Mapping[str, Mapping[str, str]],
        *,
        keep: int = 0,
        log_level: str = "INFO",
    ) -> None:
        self.function_name = function_name
        self.secrets = Secrets({name: Secrets(values) for name, values in secrets.items()})
        self.recorded = Recordings(keep)
        self.tracer = Tracer(self.recorded)
        self.logger = make_logger("user", log_level, self.recorded)

    def counter(self, name: str, description: str = "", unit: str = "") -> Counter:
        """Return an instrument for a sum that never decreases."""
        return Counter(self.recorded, "counter", name, description, unit)

    def updowncounter(self, name: str, description: str = "", unit: str = "") -> Counter:
        """Return an instrument for a sum that can decrease."""
        return Counter(self.recorded, "updowncounter", name, description, unit)

    def histogram(self, name: str, description: str = "", unit: str = "") -> Histogram:
        """Return an instrument for a distribution."""
        return Histogram(self.recorded, "histogram", name, description, unit)

    def gauge(self, name: str, description: str = "", unit: str = "") -> Gauge:
        """Return an instrument for a current value."""
        return Gauge(self.recorded, "gauge", name, description, unit)


def make_logger(scope: str, level: str, recorded: Recordings) -> logging.Logger:
    """Return a logger that writes to standard error and to `recorded`, outside the tree of loggers."""
    logger = logging.Logger(scope, level)  # noqa: LOG001 - two containers must not share handlers
    printer = logging.StreamHandler(sys.stderr)
    printer.setFormatter(logging.Formatter("%(asctime)s %(levelname)s [%(name)s] %(message)s"))
    logger.addHandler(printer)
    logger.addHandler(_Recorder(recorded))
    return logger


class _Recorder(logging.Handler):
    def __init__(self, recorded: Recordings) -> None:
        super().__init__()
        self._recorded = recorded

    def emit(self, record: logging.LogRecord) -> None:
        self._recorded.logs.append((record.levelname, record.getMessage()))
