"""The runtime's event objects, made from HTTP requests with the CloudEvents SDK."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, TypeVar

with warnings.catch_warnings():
    # cloudevents 1.10 declares its fields in a way that pydantic 2 calls deprecated.
    warnings.simplefilter("ignore", DeprecationWarning)
    from cloudevents.pydantic import CloudEvent, from_http

_Kind = TypeVar("_Kind", bound="VastEvent")
_ID = re.compile(r"[0-9A-Fa-f]+(-[0-9A-Fa-f]+)*")
_STANDARD = ("specversion", "id", "source", "type", "subject", "time", "datacontenttype", "dataschema")


class VastEvent:
    """An event as a handler gets it: a CloudEvent with VAST's reading of its attributes."""

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
        """Attributes and extensions; `type` here is the full string."""
        attributes: Mapping[str, Any] = self._event.get_attributes()
        return attributes

    def get_data(self) -> Any:
        """The payload; in what `vastde functions invoke` sends, the whole event again."""
        return self.data

    def get(self, name: str, default: Any = None) -> Any:
        """An attribute or extension by name."""
        return self.get_attributes().get(name, default)

    def __getattr__(self, name: str) -> str:
        """Extensions are attributes too."""
        if name != "extensions" and name in self.extensions:
            return self.extensions[name]
        raise AttributeError(name)

    @property
    def type(self) -> str:
        """The kind alone: `Element`, `Schedule` or `Function`."""
        return _without_prefix(self._event.type).partition(".")[0]

    @property
    def subtype(self) -> str:
        """`ElementCreated` and the like. Raises ValueError where the type has none."""
        return _pair(_without_prefix(self._event.type), "type")[1]

    @property
    def trigger(self) -> str:
        """The trigger's name. Raises ValueError where `source` is malformed."""
        return _pair(_without_prefix(self._event.source), "source")[0]

    @property
    def trigger_id(self) -> str:
        """The trigger's guid. Raises ValueError where `source` is malformed."""
        return _pair(_without_prefix(self._event.source), "source")[1]

    @property
    def broker(self) -> str:
        """From `subject`, which is `<broker>.<topic>`."""
        return _pair(_without_prefix(self._event.subject or ""), "broker")[0]

    @property
    def topic(self) -> str:
        """From `subject`, which is `<broker>.<topic>`."""
        return _pair(_without_prefix(self._event.subject or ""), "topic")[1]

    @property
    def bucket(self) -> str | None:
        """The first step of `elementpath`; None without one."""
        return self._element()[0]

    @property
    def object_key(self) -> str | None:
        """What follows the bucket in `elementpath`; None without one."""
        return self._element()[1]

    @property
    def partition_key(self) -> str | None:
        """What orders events on a topic: the element's path."""
        return self.extensions.get("partitionkey", self.extensions.get("elementpath"))

    def get_trace_id(self) -> str:
        """32 hexadecimal digits from the id. Raises ValueError for an id that is not hexadecimal."""
        if not _ID.fullmatch(self.id):
            raise ValueError(f"invalid literal for int() with base 16: {self.id!r}")
        return f"{int(self.id.replace('-', ''), 16):032x}"[-32:]

    def set_trigger_labels(self, labels: Mapping[str, str]) -> None:
        """Merge labels that choose which links fire. Raises ValueError for none at all."""
        if not labels:
            raise ValueError("labels must not be empty")
        self.trigger_labels.update(labels)

    def as_element_event(self) -> ElementTriggerVastEvent:
        """The same event, if it is of that class; TypeError otherwise."""
        return _of_class(self, ElementTriggerVastEvent)

    def as_schedule_event(self) -> ScheduleVastEvent:
        """The same event, if it is of that class; TypeError otherwise."""
        return _of_class(self, ScheduleVastEvent)

    def as_function_event(self) -> FunctionVastEvent:
        """The same event, if it is of that class; TypeError otherwise."""
        return _of_class(self, FunctionVastEvent)

    def __repr__(self) -> str:
        return repr(self._event)

    def _element(self) -> tuple[str | None, str | None]:
        bucket, slash, key = self.extensions.get("elementpath", "").partition("/")
        return (bucket, key) if slash else (None, None)


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
        """When the timer fired."""
        return self.extensions.get("timerelapsedtimestamp")


class FunctionVastEvent(VastEvent):
    """Another function returned something."""


class VastEventList(list[VastEvent]):
    """What a batch handler gets."""


_CLASSES = {"Element": ElementTriggerVastEvent, "Schedule": ScheduleVastEvent, "Function": FunctionVastEvent}


def event_of(headers: Mapping[str, str], body: bytes) -> VastEvent:
    """The event in an HTTP request: attributes in `ce-` headers, or all of it in the body.

    Raises the SDK's errors for what is no CloudEvent, and ValueError for what the runtime refuses: an id
    that is not hexadecimal, or a subject that is not `<broker>.<topic>`.
    """
    plain = VastEvent(from_http(dict(headers), body))
    event = _CLASSES.get(plain.type, VastEvent)(plain._event)  # noqa: SLF001 - of the same class
    event.get_trace_id()
    if not event.broker:
        raise ValueError("malformed vast event: broker is empty")
    return event


def _of_class(event: VastEvent, kind: type[_Kind]) -> _Kind:
    if not isinstance(event, kind):
        raise TypeError(f"a {event.type} event is no {kind.__name__}")
    return event


def _without_prefix(text: str) -> str:
    return text.removeprefix("vastdata.com:")


def _pair(text: str, what: str) -> tuple[str, str]:
    first, dot, second = text.partition(".")
    if not dot:
        raise ValueError(f"malformed vast event: {what} of {text!r}")
    return first, second
