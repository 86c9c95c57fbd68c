"""Rebuild from stored rows the part of a document that the vectors see."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from exr_inspector.catalog.cells import REPLACED
from exr_inspector.catalog.search import StoredRows
from exr_inspector.document.build import iso_time
from exr_inspector.exr.header import MULTIPART, NON_IMAGE, TILED

Row = Mapping[str, Any]


def by_file(tables: Mapping[str, Sequence[Row]], of: str = "parts") -> dict[str, StoredRows]:
    """Return rows by table, grouped by file: `file_id` -> table -> rows.

    A file without a row in the table `of` is left out.
    """
    found: dict[str, dict[str, list[Row]]] = {
        row["file_id"]: {table: [] for table in tables} for row in tables[of]
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
        attribute = {
            "name": row["attr_name"],
            "type": row["attr_type"],
            "value": json.loads(row["value_json"]),
        }
        value = attribute["value"]
        if isinstance(value, dict) and len(value) == 1 and (reason := REPLACED.get(*value)):
            attribute |= {"value": None, "error": reason}
        attributes.setdefault(row["part_index"], []).append(attribute)
    parts = [
        {
            **row,
            "index": row["part_index"],
            "data_window": _window(row, "data"),
            "display_window": _window(row, "display"),
            "attributes": attributes.get(row["part_index"], []),
        }
        for row in rows["parts"]
    ]
    return {"parts": parts, "channels": rows["channels"]}


def whole_document(file: Row, rows: StoredRows) -> dict[str, Any]:
    """Return the document of a row of `files` and of the rows of its parts, channels and attributes.

    An attribute whose value was too long to store has an error. In rows of older releases, the version field
    is derived from other columns.
    """
    document = stored_document(rows)
    report = {
        "opens": file["openimageio_opens"],
        "message": file["openimageio_message"],
        "differences": json.loads(file["openimageio_differences"] or "[]"),
    }
    facts = {
        **file,
        "path": file["file_path"],
        "mtime": iso_time(file["mtime"]) if file["mtime"] else None,
        "version_field": file["version_field"] or _version_field(file),
        "openimageio": report,
    }
    return {
        **document,
        "schema_version": file["schema_version"],
        "file": facts,
        "attributes": {},
        "stats": {},
        "errors": json.loads(file["errors_json"] or "[]"),
    }


def _version_field(file: Row) -> int | None:
    if file["exr_version"] is None:
        return None
    is_multipart = file["multipart_count"] > 1
    flags = {
        MULTIPART: is_multipart,
        NON_IMAGE: file["is_deep"],
        TILED: file["is_tiled"] and not is_multipart,
    }
    return int(file["exr_version"]) | sum(flag for flag, is_set in flags.items() if is_set)


def _window(row: Row, name: str) -> dict[str, dict[str, int]] | None:
    if row[f"{name}_window_min_x"] is None:
        return None
    return {end: {axis: row[f"{name}_window_{end}_{axis}"] for axis in "xy"} for end in ("min", "max")}
