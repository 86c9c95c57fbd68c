"""The recorded events in `data`, and what each of them asks for (`data/expected.yaml`)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from exr_inspector.errors import InspectorError
from exr_inspector.events.parse import requests_of
from exr_inspector.events.request import Config, Request

DATA = Path(__file__).parent / "data"
_EXPECTED_FILE = DATA / "expected.yaml"


def event_files() -> list[Path]:
    return sorted(path for path in DATA.iterdir() if path != _EXPECTED_FILE)


def read_event(path: Path) -> Any:
    text = path.read_text("utf-8")
    return yaml.safe_load(text) if path.suffix == ".yaml" else json.loads(text)


def expected() -> dict[str, str | tuple[Request, ...]]:
    """By file name: the requests, or the code of the refusal."""
    entries = yaml.safe_load(_EXPECTED_FILE.read_text("utf-8"))
    return {name: _outcome(entry) for name, entry in entries.items() if not name.startswith(".")}


def outcome_of(event: Any) -> str | tuple[Request, ...]:
    """What requests_of makes of an event, in the form of `expected`."""
    try:
        return requests_of(event)
    except InspectorError as error:
        return error.code


def _outcome(entry: Any) -> str | tuple[Request, ...]:
    return entry if isinstance(entry, str) else tuple(map(_request, entry))


def _request(fields: dict[str, Any]) -> Request:
    locations, config = tuple(fields["locations"]), Config(**fields.get("config", {}))
    return Request(**{**fields, "locations": locations, "config": config})
