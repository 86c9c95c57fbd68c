"""The rows of the cryptomatte facet, from the cryptomattes of a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from exr_inspector.catalog.cells import elide
from exr_inspector.catalog.facets import FACETS, FileRows, Row
from exr_inspector.document.serialize import to_json

MAX_OBJECTS = 4096
"""Objects of one cryptomatte that are stored: those with the largest area."""

_FACTS = (
    *("part_index", "view", "key", "name", "manifest_source", "manifest_file", "manifest_error"),
    *("object_count", "mismatched_count"),
)


def with_cryptomattes(
    file: FileRows, result: Mapping[str, Any], request: str, input_hash: str, status: str
) -> FileRows:
    """Return the delivery of a file with the rows of its cryptomattes, which `input_hash` identifies.

    `result` is what `pixels.cryptomatte` returns. If it has coverage, objects that no pixel shows are left
    out.
    """
    key = {"file_id": file.file_id, "file_path": file.file["file_path"]}
    mattes: list[Row] = []
    objects: list[Row] = []
    for each in result["cryptomattes"]:
        shown = [item for item in each["objects"] if item["pixels"] != 0]
        kept, dropped = shown[:MAX_OBJECTS], shown[MAX_OBJECTS:]
        mattes.append({**key, **_matte_row(each, len(kept), dropped)})
        of = {"cryptomatte": each["name"], "key": each["key"], "view": each["view"]}
        objects += [{**key, **of, **_object_row(item)} for item in kept]
    for row in (*mattes, *objects):
        elide(row)
    rows = {"cryptomattes": mattes, "cryptomatte_objects": objects}
    return file.with_facet(FACETS["cryptomatte"], rows, input_hash, request=request, status=status)


def _matte_row(found: Mapping[str, Any], stored: int, dropped: Sequence[Mapping[str, Any]]) -> Row:
    coverage = found["coverage"]
    area = None
    if coverage and not coverage["error"]:
        area = coverage["other_area"] + sum(each["area"] for each in dropped)
    return {
        **{name: found[name] for name in _FACTS},
        "rank_count": found["ranks"],
        "damaged_channels": to_json(found["damaged_channels"]),
        "coverage_error": coverage["error"] if coverage else None,
        "stored_count": stored,
        "dropped_count": len(dropped),
        "dropped_area": area,
    }


def _object_row(item: Mapping[str, Any]) -> Row:
    box = item["box"]
    row = {"name": item["name"], "object_id": item["id"], "area": item["area"], "pixel_count": item["pixels"]}
    if box:
        row |= {f"{end}_{axis}": box[end][axis] for end in ("min", "max") for axis in "xy"}
    return row
