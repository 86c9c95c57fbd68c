"""The attributes of a file, formatted for reading."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from exr_inspector.apps.cli.values import readable
from exr_inspector.catalog.duckdb.snapshot import Row

# Channels are shown with the layers.
_SHOWN_ELSEWHERE = ("chlist",)


class Attribute(NamedTuple):
    """An attribute of some parts, with the same value in each. `parts` is empty if all parts have it."""

    name: str
    type: str
    value: str
    parts: tuple[int, ...]


def attributes(rows: Sequence[Row], text: str = "") -> list[Attribute]:
    """Return the attributes whose name or value contains a text, in any case, by name."""
    parts = {row["part_index"] for row in rows}
    shared: dict[tuple[str, str, str], list[int]] = {}
    for row in rows:
        if row["attr_type"] not in _SHOWN_ELSEWHERE:
            name, type_ = row["attr_name"], row["attr_type"]
            key = (name, type_, value_text(name, type_, row["value_json"]))
            shared.setdefault(key, []).append(row["part_index"])
    wanted = text.casefold()
    return [
        Attribute(*key, () if set(indexes) == parts else tuple(indexes))
        for key, indexes in sorted(shared.items())
        if wanted in key[0].casefold() or wanted in key[2].casefold()
    ]


def value_text(name: str, type_: str, stored: str) -> str:
    """Return an attribute's value as text from its stored JSON; the JSON itself if it is cut or malformed."""
    try:
        value = json.loads(stored)
        if isinstance(value, dict) and value.keys() == {"elided"}:
            return "{size_bytes:,} bytes, which are too many to store".format(**value["elided"])
        return readable({"name": name, "type": type_, "value": value})
    except (KeyError, TypeError, ValueError):  # cut, or a row from another writer
        return stored


class Reported(NamedTuple):
    """One attribute in the file and in OpenImageIO's report, as JSON; None if absent."""

    name: str
    file: str | None
    openimageio: str | None


def reported(document: Mapping[str, Any]) -> list[Reported]:
    """Return the attributes of a document beside those that OpenImageIO reports, by name."""
    stored: dict[str, list[str]] = {}
    for part in document["parts"]:
        for each in part["attributes"]:
            if each["type"] not in _SHOWN_ELSEWHERE:
                stored.setdefault(each["name"], []).append(readable(each))
    theirs = {
        name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for name, value in document["attributes"].items()
    }
    return [
        Reported(name, " | ".join(dict.fromkeys(stored[name])) if name in stored else None, theirs.get(name))
        for name in sorted(stored.keys() | theirs.keys(), key=str.casefold)
    ]
