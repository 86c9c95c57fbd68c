"""What `inspect --all` shows of a file: everything that the document says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from exr_inspector.apps.cli.details import by_parts
from exr_inspector.apps.cli.table import print_record, print_table
from exr_inspector.apps.cli.terminal import say
from exr_inspector.apps.cli.values import readable, readable_fact


def print_everything(document: Mapping[str, Any]) -> None:
    """Print every fact of a document under its name there; those that all parts share once."""
    file, parts = document["file"], document["parts"]
    facts = {name: value for name, value in file.items() if name != "openimageio"}
    report = {"schema_version": document["schema_version"], **_openimageio(file["openimageio"])}
    _print_facts({**facts, **report})
    for each in document["errors"]:
        where = f" ({each['where']})" if each["where"] else ""
        say(f"{each['code']}: {each['message']}{where}")
    shared = _shared(parts) if len(parts) > 1 else {}
    if shared:
        _print_facts(shared, "All parts")
    for part in parts:
        own = {name: value for name, value in part.items() if name not in ("attributes", *shared)}
        _print_facts(own, f"Part {part['index']}")
    if document["channels"]:
        print_table(*_without_blanks(document["channels"]), title="\nChannels")
    if any(part["attributes"] for part in parts):
        print_table(*_attributes(parts), title="\nAttributes", folded="value", whole=True)
    if document["attributes"]:
        _print_facts(document["attributes"], "OpenImageIO's attributes")
    for name in ("stats", "validation", "persistence"):
        if document.get(name):
            _print_facts(document[name], name.capitalize())


def _print_facts(facts: Mapping[str, Any], title: str = "") -> None:
    if title:
        click.secho(f"\n{title}", bold=True)
    print_record(
        {name: None if value is None else readable_fact(value) for name, value in facts.items()}, whole=True
    )


def _openimageio(report: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "OpenImageIO opens it": report["opens"],
        "it says": report["message"] or None,
        "it differs": report["differences"] or None,
    }


def _shared(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the facts that are the same in all parts."""
    return {
        name: value
        for name, value in parts[0].items()
        if name != "attributes" and all(part[name] == value for part in parts)
    }


def _attributes(parts: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[list[Any]]]:
    """Return the columns and rows of a table of the attributes."""
    names = ("name", "name_base64", "type", "type_base64")
    found = by_parts(
        (*(each.get(name) for name in names), readable(each, full=True), part["index"])
        for part in parts
        for each in part["attributes"]
    )
    return _without_blanks(
        [
            {
                "part": "all" if len(some) == len(parts) else ",".join(map(str, some)),
                **dict(zip((*names, "value"), fact, strict=True)),
            }
            for fact, some in found.items()
        ]
    )


def _without_blanks(rows: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[list[Any]]]:
    """Return names and rows without the columns that are empty in every row."""
    names = [name for name in rows[0] if any(each[name] is not None for each in rows)] if rows else []
    return names, [[each[name] for name in names] for each in rows]
