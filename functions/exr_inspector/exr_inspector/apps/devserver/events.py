"""The runtime's event objects, made from HTTP requests with the CloudEvents SDK."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, TypeVar

with warnings.catch_warnings():
    # cloudevents 1.10 declares its fields in a way that pydantic 2 deprecates.
    warnings.simplefilter("ignore", DeprecationWarning)
    from cloudevents.pydantic import CloudEvent, from_http

_Kind = TypeVar("_Kind", bound="VastEvent")
_ID = re.compile(r"[0-9A-Fa-f]+(-[0-9A-Fa-f]+)*")
_PREFIX = "vastdata.com:"
_STANDARD = ("specversion", "id", "source", "type", "subject", "time", "datacontenttype", "dataschema")


class VastEvent:
    """The event that a handler receives: a CloudEvent and VAST's view of its attributes."""

    def __init__(self, event: CloudEvent) -> None:
        self._event = event
        self.id: str = event.id
        self.data: Any = event.get_data()
        extensions = {
            name: str(value) for name, value in self.get_attributes().items() if name not in _STANDARD
        }
        self.extensions: Mapping[str, str] = MappingProxyType(extensions)
        self.trigger_labels: dict[str, str] = {}

    def get_attributes(self) -> Mapping[str, Any]:
        """Return attributes and extensions. `type` is the full string here."""
        attributes: Mapping[str, Any] = self._event.get_attributes()
        return attributes

    def get_data(self) -> Any:
        """Return the payload. In an event from `vastde functions invoke` it is the whole event again."""
        return self.data

    def get(self, name: str, default: Any = None) -> Any:
        """Return an attribute or extension."""
        return self.get_attributes().get(name, default)

    def __getattr__(self, name: str) -> str:
        """Return an extension."""
        if name != "extensions" and name in self.extensions:
            return self.extensions[name]
        raise AttributeError(name)

    @property
    def type(self) -> str:
        """The kind only: `Element`, `Schedule` or `Function`."""
        return self._event.type.removeprefix(_PREFIX).partition(".")[0]

    @property
    def subtype(self) -> str:
        """Such as `ElementCreated`. Raises ValueError if the type has no dot."""
        return _split(self._event.type, "type")[1]

    @property
    def trigger(self) -> str:
        """Name of the trigger, from `source`. Raises ValueError if that has no dot."""
        return _split(self._event.source, "source")[0]

    @property
    def trigger_id(self) -> str:
        """GUID of the trigger, from `source`. Raises ValueError if that has no dot."""
        return _split(self._event.source, "source")[1]

    @property
    def broker(self) -> str:
        """From `subject`, which is `<broker>.<topic>`. Raises ValueError if that has no dot."""
        return _split(self._event.subject or "", "broker")[0]

    @property
    def topic(self) -> str:
        """From `subject`, which is `<broker>.<topic>`. Raises ValueError if that has no dot."""
        return _split(self._event.subject or "", "topic")[1]

    @property
    def bucket(self) -> str | None:
        """`elementpath` up to its first slash; None without an `elementpath`."""
        bucket, slash, _ = self.extensions.get("elementpath", "").partition("/")
        return bucket if slash else None

    @property
    def object_key(self) -> str | None:
        """`elementpath` after its first slash; None without an `elementpath`."""
        _, slash, key = self.extensions.get("elementpath", "").partition("/")
        return key if slash else None

    @property
    def partition_key(self) -> str | None:
        """The key that orders events on a topic: the path of the element."""
        return self.extensions.get("partitionkey", self.extensions.get("elementpath"))

    def get_trace_id(self) -> str:
        """Return 32 hexadecimal digits from the id. Raises ValueError if the id is not hexadecimal."""
        if not _ID.fullmatch(self.id):
            raise ValueError(f"invalid literal for int() with base 16: {self.id!r}")
        return f"{int(self.id.replace('-', ''), 16):032x}"[-32:]

    def set_trigger_labels(self, labels: Mapping[str, str]) -> None:
        """Add labels that select which links fire. Raises ValueError if `labels` is empty."""
        if not labels:
            raise ValueError("labels must not be empty")
        self.trigger_labels.update(labels)

    def as_element_event(self) -> ElementTriggerVastEvent:
        """Return this event. Raises TypeError if it is not of that class."""
        return _cast(self, ElementTriggerVastEvent)

    def as_schedule_event(self) -> ScheduleVastEvent:
        """Return this event. Raises TypeError if it is not of that class."""
        return _cast(self, ScheduleVastEvent)

    def as_function_event(self) -> FunctionVastEvent:
        """Return this event. Raises TypeError if it is not of that class."""
        return _cast(self, FunctionVastEvent)

    def __repr__(self) -> str:
        return repr(self._event)


class ElementTriggerVastEvent(VastEvent):
    """An object was created, deleted or tagged."""


class ScheduleVastEvent(VastEvent):
    """A timer fired."""

    @property
    def cron_schedule(self) -> str | None:
        """The timer's schedule."""
        return self.extensions.get("cronschedule")

    @property
    def timer_elapsed_timestamp(self) -> str | None:
        """The time at which the timer fired."""
        return self.extensions.get("timerelapsedtimestamp")


class FunctionVastEvent(VastEvent):
    """The result of another function."""


class VastEventList(list[VastEvent]):
    """The argument of a batch handler."""


_CLASSES = {"Element": ElementTriggerVastEvent, "Schedule": ScheduleVastEvent, "Function": FunctionVastEvent}


def parse_request(headers: Mapping[str, str], body: bytes) -> VastEvent:
    """Return the event of an HTTP request, with its attributes in `ce-` headers or in the body.

    Raises the SDK's errors if the request is not a CloudEvent, and ValueError for events that the runtime
    rejects: an id that is not hexadecimal, or a subject that is not `<broker>.<topic>`.
    """
    event = from_http(dict(headers), body)
    made = _CLASSES.get(VastEvent(event).type, VastEvent)(event)
    made.get_trace_id()
    if not made.broker:
        raise ValueError("malformed vast event: broker is empty")
    return made


def _cast(event: VastEvent, kind: type[_Kind]) -> _Kind:
    if not isinstance(event, kind):
        raise TypeError(f"a {event.type} event is not a {kind.__name__}")
    return event


def _split(text: str, attribute: str) -> tuple[str, str]:
    """Split `first.second` after VAST's prefix. Raises ValueError if there is no dot."""
    text = text.removeprefix(_PREFIX)
    first, dot, second = text.partition(".")
    if not dot:
        raise ValueError(f"malformed vast event: {attribute} of {text!r}")
    return first, second
