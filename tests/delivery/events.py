"""Events as an element trigger sends them."""

from __future__ import annotations

from typing import Any

Event = dict[str, Any]


def element_event(
    number: int, bucket: str, key: str, *, removed: bool = False, size: int | None = None, etag: str = ""
) -> Event:
    """The event of an object that was created or removed; `number` is its id and its sequencer."""
    what = ("ElementDeleted", "ObjectRemoved:Delete") if removed else ("ElementCreated", "ObjectCreated:Put")
    stored = {"key": key, "size": size, "eTag": etag, "sequencer": f"{number:016x}"}
    return {
        "specversion": "1.0",
        "id": f"{number:016x}",
        "type": f"vastdata.com:Element.{what[0]}",
        "source": "vastdata.com:exr-landing.6f1d2c3b-1111-4222-8333-444455556666",
        "subject": "render-broker.main",
        "time": f"2026-10-01T09:{number // 60 % 60:02}:{number % 60:02}.123456+00:00",
        "datacontenttype": "application/json",
        "elementpath": f"{bucket}/{key}",
        "data": {"Records": [{"eventName": what[1], "s3": {"bucket": {"name": bucket}, "object": stored}}]},
    }
