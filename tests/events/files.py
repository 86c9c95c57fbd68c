"""The recorded events in `data`, and what each of them asks for (`data/expected.yaml`)."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from exr_inspector.events.parse import requests_of
from exr_inspector.events.request import Config, Request
from exr_inspector.location import path_location

DATA = Path(__file__).parent / "data"
_EXPECTED_FILE = DATA / "expected.yaml"


def event_files() -> list[Path]:
    return sorted(path for path in DATA.iterdir() if path != _EXPECTED_FILE)


def read_event(path: Path) -> Any:
    text = path.read_text("utf-8")
    return yaml.safe_load(text) if path.suffix == ".yaml" else json.loads(text)


# Each request of an event without its errors, and their codes.
Outcome = list[tuple[Request, list[str]]]
REFUSED: Outcome = [(Request("refused", ()), ["BAD_EVENT"])]


def expected() -> dict[str, Outcome]:
    """By file name: what requests_of makes of the event in it."""
    entries = yaml.safe_load(_EXPECTED_FILE.read_text("utf-8"))
    return {name: _outcome(entry) for name, entry in entries.items() if not name.startswith(".")}


def outcome_of(event: Any) -> Outcome:
    return [
        (replace(request, errors=()), [error.code for error in request.errors])
        for request in requests_of(event)
    ]


def paths_of(request: Request) -> list[str]:
    return [location.path for location in request.locations]


def _outcome(entry: Any) -> Outcome:
    return REFUSED if entry == "refused" else [pair for each in entry for pair in _pair(each)]


def _pair(entry: Any) -> Outcome:
    if entry == "refused":
        return REFUSED
    fields = {
        **entry,
        "locations": tuple(map(path_location, entry["locations"])),
        "config": Config(**entry.get("config", {})),
    }
    codes = fields.pop("errors", [])
    return [(Request(**fields), codes)]
