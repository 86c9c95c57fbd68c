"""`ctx`: what the runtime gives to `init` and `handler`, and what a test wants to know of its use."""

from __future__ import annotations

import logging
import sys
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


class SecretNotFoundError(Exception):
    """A secret or one of its keys is missing. The real runtime's class is unknown, but no KeyError."""


class Secrets(Mapping[str, Any]):
    """Values by name; a missing name raises SecretNotFoundError."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = dict(values)

    def __getitem__(self, name: str) -> Any:
        if name not in self._values:
            raise SecretNotFoundError(f"Path not found: {name}")
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, name: object) -> bool:
        return name in self._values

    def get(self, name: str, default: Any = None) -> Any:
        """The value, or the default."""
        return self._values.get(name, default)


@dataclass
class Span:
    """A step that the handler traced."""

    name: str
    attributes: dict[str, Any] = field(default_factory=dict)
    exceptions: list[BaseException] = field(default_factory=list)
    ended: bool = False

    def set_attribute(self, key: str, value: Any) -> None:
        """Say something of the step."""
        self.attributes[key] = value

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        """Say several things of the step."""
        self.attributes.update(attributes)

    def record_exception(self, exception: BaseException) -> None:
        """Say what went wrong."""
        self.exceptions.append(exception)


@dataclass(frozen=True)
class Measurement:
    """One value given to an instrument."""

    kind: str
    name: str
    value: float
    attributes: Mapping[str, Any]


class Recordings:
    """The last `keep` of everything that went through a ctx; none by default, so that memory stays flat."""

    def __init__(self, keep: int = 0) -> None:
        self.logs: deque[tuple[str, str]] = deque(maxlen=keep)
        """Level name and message."""
        self.spans: deque[Span] = deque(maxlen=keep)
        self.measurements: deque[Measurement] = deque(maxlen=keep)


class Tracer:
    """Spans as OpenTelemetry's tracer makes them, as far as functions use it."""

    def __init__(self, recorded: Recordings) -> None:
        self._recorded = recorded

    @contextmanager
    def start_as_current_span(self, name: str, attributes: Mapping[str, Any] | None = None) -> Iterator[Span]:
        """A span that lasts as long as the block; an exception is recorded and goes on."""
        span = Span(name, dict(attributes or {}))
        self._recorded.spans.append(span)
        try:
            yield span
        except BaseException as error:
            span.record_exception(error)
            raise
        finally:
            span.ended = True


class _Instrument:
    kind = ""

    def __init__(self, recorded: Recordings, name: str, description: str, unit: str) -> None:
        self.name, self.description, self.unit = name, description, unit
        self._recorded = recorded

    def _take(self, value: float, attributes: Mapping[str, Any] | None) -> None:
        self._recorded.measurements.append(Measurement(self.kind, self.name, value, dict(attributes or {})))


class Counter(_Instrument):
    """Goes up only."""

    kind = "counter"

    def add(self, amount: float, attributes: Mapping[str, Any] | None = None) -> None:
        """Count. Raises ValueError for a negative amount."""
        if amount < 0:
            raise ValueError("a counter does not go down")
        self._take(amount, attributes)


class UpDownCounter(_Instrument):
    """Goes up and down."""

    kind = "updowncounter"

    def add(self, amount: float, attributes: Mapping[str, Any] | None = None) -> None:
        """Count."""
        self._take(amount, attributes)


class Histogram(_Instrument):
    """Collects values."""

    kind = "histogram"

    def record(self, value: float, attributes: Mapping[str, Any] | None = None) -> None:
        """Add a value."""
        self._take(value, attributes)


class Gauge(_Instrument):
    """Has a value."""

    kind = "gauge"

    def set(self, value: float, attributes: Mapping[str, Any] | None = None) -> None:
        """Change the value."""
        self._take(value, attributes)


class Context:
    """One for a container's life, shared by all its threads. Functions may set attributes of their own."""

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
        """An instrument; see the class."""
        return Counter(self.recorded, name, description, unit)

    def updowncounter(self, name: str, description: str = "", unit: str = "") -> UpDownCounter:
        """An instrument; see the class."""
        return UpDownCounter(self.recorded, name, description, unit)

    def histogram(self, name: str, description: str = "", unit: str = "") -> Histogram:
        """An instrument; see the class."""
        return Histogram(self.recorded, name, description, unit)

    def gauge(self, name: str, description: str = "", unit: str = "") -> Gauge:
        """An instrument; see the class."""
        return Gauge(self.recorded, name, description, unit)


def make_logger(scope: str, level: str, recorded: Recordings) -> logging.Logger:
    """A logger of its own, outside the tree of loggers, that prints to standard error and is recorded."""
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
