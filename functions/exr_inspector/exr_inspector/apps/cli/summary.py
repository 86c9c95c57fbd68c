"""What `inspect` shows of each of many files: a row of the table, and lines about its faults."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from exr_inspector.apps.cli import terminal
from exr_inspector.errors import COMPLETENESS_UNKNOWN
from exr_inspector.location import PathMap

COLUMNS = ("file", "status", "data window", "parts", "chan", "comp", "OIIO", "layers")
# The only column that a narrow terminal leaves out. The others are verdicts, or short.
OPTIONAL = ("layers",)
_OPENS = {True: "opens", False: "refuses", None: None}
_MAX_FAULTS = 3
_MAX_CHARACTERS = 4000


def row(document: Mapping[str, Any], paths: PathMap) -> list[Any]:
    """Return a document's values of COLUMNS."""
    file, parts = document["file"], document["parts"]
    first = parts[0] if parts else {}
    layers = dict.fromkeys(each["layer_name"] for each in document["channels"] if each["layer_name"])
    compressions = dict.fromkeys(each["compression"] for each in parts if each["compression"])
    return [
        terminal.nearby(paths.display(file["path"])),
        (file["status"] or "not read") + "?" * completeness_is_unknown(document),
        f"{first['width']}x{first['height']}" if first.get("width") else None,
        len(parts) or None,
        len(document["channels"]) or None,
        ", ".join(compressions) or None,
        _OPENS[file["openimageio"]["opens"]],
        ", ".join(layers) or None,
    ]


def completeness_is_unknown(document: Mapping[str, Any]) -> bool:
    """Return whether the file may be truncated although its status is `ok`."""
    return any(each["code"] == COMPLETENESS_UNKNOWN.code for each in document["errors"])


def faults(document: Mapping[str, Any], paths: PathMap) -> list[str]:
    """Return the first faults of a document, one a line, and how many more there are."""
    path = paths.display(document["file"]["path"])
    path = terminal.nearby(path) if sys.stderr.isatty() else path
    errors = document["errors"]
    lines = [f"{path}: {each['code']}: {each['message'][:_MAX_CHARACTERS]}" for each in errors[:_MAX_FAULTS]]
    return lines + [f"{path}: and {len(errors) - _MAX_FAULTS} more"] * (len(errors) > _MAX_FAULTS)
