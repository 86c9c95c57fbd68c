"""Rebuild from stored rows the part of a document that the vectors see."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from exr_inspector.catalog.search import StoredRows

Row = Mapping[str, Any]


def by_file(tables: Mapping[str, Sequence[Row]]) -> dict[str, StoredRows]:
    """Return rows by table, grouped by file: `file_id` -> table -> rows. A file without parts is left out."""
    found: dict[str, dict[str, list[Row]]] = {
        row["file_id"]: {table: [] for table in tables} for row in tables["parts"]
    }
    for table, rows in tables.items():
        for row in rows:
            if row["file_id"] in found:
                found[row["file_id"]][table].append(row)
    return dict(found)


def stored_document(rows: StoredRows) -> dict[str, Any]:
    """Return a document with the `parts` and `channels` of stored rows.

    It gives the features of the document that was stored, except for values that were too long to store.
    """
    attributes: dict[int, list[dict[str, Any]]] = {}
    for row in rows["attributes"]:
        attribute = {"name": row["attr_name"], "type": row["attr_type"], "value": _value(row["value_json"])}
        attributes.setdefault(row["part_index"], []).append(attribute)
    parts = [
        {
            **row,
            "data_window": _window(row, "data"),
            "display_window": _window(row, "display"),
            "attributes": attributes.get(row["part_index"], []),
        }
        for row in rows["parts"]
    ]
    return {"parts": parts, "channels": rows["channels"]}


def _window(row: Row, name: str) -> dict[str, dict[str, int]] | None:
    if row[f"{name}_window_min_x"] is None:
        return None
    return {end: {axis: row[f"{name}_window_{end}_{axis}"] for axis in "xy"} for end in ("min", "max")}


def _value(text: str) -> Any:
    value = json.loads(text)
    return None if isinstance(value, dict) and value.keys() == {"elided"} else value
