"""Tables for people. Text from files may hold anything: it is printed, never obeyed."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from exr_inspector.document import Document, to_json

_PIPE_WIDTH = 200
_LONGEST_CELL = 100
_UNCUT = ("status", "parts", "size", "type", "compression")


def console() -> Console:
    """Standard output; in a pipe, wide enough not to cut."""
    return Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH, highlight=False, soft_wrap=False)


def table(title: str, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> Table:
    """A table of values; None is an empty cell, long text is cut and ends in an ellipsis."""
    made = Table(
        title=Text(title) if title else None, title_justify="left", title_style="bold", box=SIMPLE_HEAD
    )
    for name in names:
        made.add_column(Text(name), overflow="fold", no_wrap=name in _UNCUT)
    for row in rows:
        made.add_row(*(Text(_cell(value)) for value in row))
    return made


def _cell(value: Any) -> str:
    if value is None:
        return ""
    text = (
        value if isinstance(value, str) else to_json(value) if isinstance(value, (dict, list)) else str(value)
    )
    shown = text if len(text) <= _LONGEST_CELL else text[: _LONGEST_CELL - 1] + "…"
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in shown)


def summary(documents: Sequence[Document]) -> Table:
    """One line per file."""
    names = ("file", "status", "size", "parts", "channels", "compression", "OpenImageIO", "layers")
    return table("", names, map(_line, documents))


def _line(document: Document) -> list[Any]:
    file, parts = document["file"], document["parts"]
    first = parts[0] if parts else {}
    layers = dict.fromkeys(each["layer_name"] for each in document["channels"] if each["layer_name"])
    return [
        _nearby(file["path"]),
        file["status"] or "unreadable",
        f"{first['width']}x{first['height']}" if parts else None,
        len(parts) or None,
        len(document["channels"]) or None,
        ", ".join(dict.fromkeys(str(each["compression"]) for each in parts)),
        {True: "opens", False: "refuses", None: ""}[file["openimageio"]["opens"]],
        ", ".join(layers),
    ]


def _nearby(path: str) -> str:
    """A path below the working folder without that folder."""
    here = str(Path.cwd()) + os.sep
    return path.removeprefix(here)


def details(document: Document) -> list[Table]:
    """All about one file: its parts, its channels, its attributes."""
    parts = document["parts"]
    facts = [key for key in (parts[0] if parts else {}) if key != "attributes"]
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


def faults(documents: Iterable[Document]) -> list[str]:
    """What is wrong with which file, a line each."""
    return [
        f"{_cell(document['file']['path'])}: {each['code']}: {_cell(each['message'])}"
        for document in documents
        for each in document["errors"]
    ]
