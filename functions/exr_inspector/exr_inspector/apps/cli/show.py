"""Tables for people. Text from files may hold anything: it is printed, never obeyed."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from exr_inspector.document.serialize import to_json

_PIPE_WIDTH = 1_000_000
# Characters of a cell on a terminal and in a pipe; --json cuts nothing.
_LONGEST_CELL = {True: 100, False: 4000}
# Columns that keep their words on one line, and columns whose text is never cut: a name's end tells most.
_UNBROKEN = ("status", "parts", "size", "type", "compression", "channels", "OpenImageIO")
_WHOLE = ("file", "file_path")
# Columns of the summary that need a terminal of so many columns.
_ROOM = {"parts": 100, "compression": 100, "OpenImageIO": 125, "layers": 150}
_MOST_FAULTS = 3


def console() -> Console:
    """Standard output; in a pipe, wide enough for every row to be a line."""
    return Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH, highlight=False, soft_wrap=False)


def table(title: str, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> Table:
    """A table of values; None is an empty cell, long text is cut and ends in an ellipsis."""
    made = Table(
        title=Text(_one_line(title)) if title else None,
        title_justify="left",
        title_style="bold",
        box=SIMPLE_HEAD,
    )
    for name in names:
        made.add_column(Text(_cell(name)), overflow="fold", no_wrap=name in _UNBROKEN)
    for row in rows:
        cells = (_cell(value, cut=name not in _WHOLE) for name, value in zip(names, row, strict=True))
        made.add_row(*map(Text, cells))
    return made


def _cell(value: Any, *, cut: bool = True) -> str:
    if value is None:
        return ""
    text = (
        value if isinstance(value, str) else to_json(value) if isinstance(value, (dict, list)) else str(value)
    )
    longest = _LONGEST_CELL[sys.stdout.isatty()]
    return _one_line(text[: longest - 1] + "…" if cut and len(text) > longest else text)


def _one_line(text: str) -> str:
    return harmless(text, keep="")


def harmless(text: str, *, keep: str = "\n") -> str:
    """Text that a terminal prints and does not obey: control characters but those of `keep` as escapes."""
    return "".join(each if each.isprintable() or each in keep else repr(each)[1:-1] for each in text)


def harmless_json(text: str) -> str:
    """JSON text of the same meaning, with those characters escaped as JSON has it."""
    return "".join(each if each.isprintable() or each == "\n" else json.dumps(each)[1:-1] for each in text)


def json_text(value: Any, *, indent: int | None = None) -> str:
    """JSON for standard output; on a terminal harmless, elsewhere as in a file."""
    text = to_json(value, indent=indent)
    return harmless_json(text) if sys.stdout.isatty() else text


def summary(documents: Sequence[Mapping[str, Any]]) -> Table:
    """One line per file."""
    width = console().width
    lines = [_line(document) for document in documents]
    names = [name for name in lines[0] if width >= _ROOM.get(name, 0)]
    return table("", names, ([line[name] for name in names] for line in lines))


def _line(document: Mapping[str, Any]) -> dict[str, Any]:
    file, parts = document["file"], document["parts"]
    first = parts[0] if parts else {}
    layers = dict.fromkeys(each["layer_name"] for each in document["channels"] if each["layer_name"])
    return {
        "file": nearby(file["path"]),
        "status": file["status"] or "not read",
        "size": f"{first['width']}x{first['height']}" if first.get("width") else None,
        "parts": len(parts) or None,
        "channels": len(document["channels"]) or None,
        "compression": ", ".join(dict.fromkeys(each["compression"] for each in parts if each["compression"])),
        "OpenImageIO": {True: "opens", False: "refuses", None: ""}[file["openimageio"]["opens"]],
        "layers": ", ".join(layers),
    }


def nearby(path: str) -> str:
    """A path below the working folder without that folder."""
    here = str(Path.cwd()) + os.sep
    return path.removeprefix(here)


def details(document: Mapping[str, Any]) -> list[Table]:
    """All about one file: its parts, its channels, its attributes; nothing where its header was not read."""
    parts = document["parts"]
    if not parts:
        return []
    facts = [key for key in parts[0] if key != "attributes"]
    channels = ("part_index", "name", "type", "x_sampling", "y_sampling", "p_linear")
    return [
        table(
            "Parts",
            ["", *(str(part["index"]) for part in parts)],
            ([key, *(part[key] for part in parts)] for key in facts),
        ),
        table("Channels", channels, ([channel[key] for key in channels] for channel in document["channels"])),
        table(
            "Attributes",
            ("part", "name", "type", "value"),
            (
                [part["index"], each["name"], each["type"], each["value"]]
                for part in parts
                for each in part["attributes"]
                if each["type"] != "chlist"
            ),
        ),
    ]


def faults(documents: Iterable[Mapping[str, Any]]) -> list[str]:
    """What is wrong with which file, a line each: the first faults, and how many there are."""
    return [line for document in documents for line in _faults(document)]


def _faults(document: Mapping[str, Any]) -> list[str]:
    path, errors = _one_line(document["file"]["path"]), document["errors"]
    lines = [f"{path}: {each['code']}: {_cell(each['message'])}" for each in errors[:_MOST_FAULTS]]
    return lines + [f"{path}: and {len(errors) - _MOST_FAULTS} more"] * (len(errors) > _MOST_FAULTS)
