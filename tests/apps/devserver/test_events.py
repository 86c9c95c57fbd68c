"""The event object that a handler receives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from exr_inspector.apps.devserver.events import (
    ElementTriggerVastEvent,
    FunctionVastEvent,
    ScheduleVastEvent,
    VastEvent,
    parse_request,
)
from exr_inspector.apps.devserver.invoke import binary_message, cli_message, structured_message

Event = dict[str, Any]


def _made(event: Event, message: Callable[..., Any] = binary_message) -> VastEvent:
    return parse_request(*message(event))


def test_the_members_of_an_element_event(event: Event) -> None:
    made = _made(event)
    assert isinstance(made, ElementTriggerVastEvent)
    assert (made.id, made.type, made.subtype) == ("3007123456789012", "Element", "ElementCreated")
    assert (made.trigger, made.trigger_id) == ("exr-landing", "6f1d2c3b-1111-4222-8333-444455556666")
    assert (made.broker, made.topic) == ("render-broker", "main")
    assert (made.bucket, made.object_key) == ("shots", "sq010/sh020/beauty.1001.exr")
    assert made.partition_key == made.extensions["elementpath"] == made.elementpath == event["elementpath"]
    assert made.get_attributes()["type"] == "vastdata.com:Element.ElementCreated"
    assert made.get("nothing", "default") == "default"
    assert made.get_data() == made.data == event["data"]
    assert made.get_trace_id() == "00000000000000003007123456789012"
    assert "render-broker.main" in repr(made)


@pytest.mark.parametrize("message", [binary_message, cli_message, structured_message])
def test_extensions_are_text_in_every_form(event: Event, message: Callable[..., Any]) -> None:
    made = _made({**event, "knativekafkaoffset": 4711}, message)
    assert made.extensions["knativekafkaoffset"] == "4711"


def test_data_is_the_payload_from_triggers_and_the_envelope_from_the_command_line(event: Event) -> None:
    assert _made(event, binary_message).get_data() == event["data"]
    assert _made(event, structured_message).get_data() == event["data"]
    assert _made(event, cli_message).get_data() == event


def test_without_elementpath_there_is_no_bucket_and_no_key(event: Event) -> None:
    del event["elementpath"]
    made = _made(event)
    assert (made.bucket, made.object_key, made.partition_key) == (None, None, None)
    with pytest.raises(AttributeError):
        _ = made.elementpath


def test_a_schedule_event(event: Event) -> None:
    cron = {"type": "vastdata.com:Schedule.TimerElapsed", "cronschedule": "* * * * *"}
    made = _made({**event, **cron, "timerelapsedtimestamp": "2026-10-01T09:15:00Z", "partitionkey": "p"})
    schedule = made.as_schedule_event()
    assert isinstance(made, ScheduleVastEvent)
    assert (schedule.cron_schedule, schedule.timer_elapsed_timestamp) == ("* * * * *", "2026-10-01T09:15:00Z")
    assert made.partition_key == "p"


def test_a_wrong_cast_raises_type_error(event: Event) -> None:
    element, function = _made(event), _made({**event, "type": "vastdata.com:Function"})
    assert element.as_element_event() is element
    assert function.as_function_event() is function
    assert isinstance(function, FunctionVastEvent)
    for cast in (element.as_schedule_event, element.as_function_event, function.as_element_event):
        with pytest.raises(TypeError):
            cast()


def test_a_malformed_attribute_raises_value_error(event: Event) -> None:
    made = _made({**event, "type": "vastdata.com:Other", "source": "nowhere"})
    assert made.type == "Other"
    for member in ("subtype", "trigger", "trigger_id"):
        with pytest.raises(ValueError, match="malformed vast event"):
            getattr(made, member)


def test_labels_merge_and_empty_labels_are_an_error(event: Event) -> None:
    made = _made(event)
    made.set_trigger_labels({"a": "1"})
    made.set_trigger_labels({"b": "2"})
    assert made.trigger_labels == {"a": "1", "b": "2"}
    with pytest.raises(ValueError, match="empty"):
        made.set_trigger_labels({})


@pytest.mark.parametrize("event_id", ["3007123456789012", "abcdef", "3b9d6a10-0000-4000-8000-00000000000a"])
def test_a_hexadecimal_id_is_accepted(event: Event, event_id: str) -> None:
    assert _made({**event, "id": event_id}).id == event_id


# Python reads most of these as numbers, but the runtime does not.
NO_IDS = ["test-event-001", "0x1f", "1_0", " 12 ", "-12", "12-", "1--2", "+12", "٣"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        *(({"id": each}, "invalid literal for int") for each in NO_IDS),
        ({"subject": None}, "malformed vast event: broker"),
        ({"subject": "no dot"}, "malformed vast event: broker"),
        ({"subject": ".main"}, "malformed vast event: broker"),
    ],
)
def test_the_runtime_refuses_malformed_ids_and_subjects(event: Event, change: Event, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _made({**event, **change})
