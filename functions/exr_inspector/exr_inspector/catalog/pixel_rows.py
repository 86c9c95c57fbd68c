"""The rows of the pixels facet, from the statistics of a file.

A result is the mapping that `pixels.stats` returns. It may have a `look`: the thumbnail and the look vector.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from exr_inspector.catalog.cells import elide
from exr_inspector.catalog.columns import PERCENTILES, TABLES
from exr_inspector.catalog.facets import FACETS, FileRows, Row
from exr_inspector.document.serialize import to_json

_CHANNEL_COLUMNS = {
    "part_index": "part_index",
    "name": "name",
    "type": "type",
    "count": "sample_count",
    **{name: name for name in ("min", "max", "mean", "stddev", "mean_standard_error", "constant")},
    "hash": "hash",
    "display_hash": "display_hash",
    **{
        f"{name}_count": f"{name}_count"
        for name in ("nan", "pos_inf", "neg_inf", "zero", "negative", "subnormal")
    },
    "packed_bytes": "packed_bytes",
    "is_cryptomatte": "is_cryptomatte",
}
_SUSPECTS = {"fireflies": "firefly_count", "holes": "hole_count", "flat_rectangles": "flat_rectangle_count"}
_ALPHA = ("zero", "one", "between", "outside")
_DEEP_COLUMNS = {
    "part_index": "part_index",
    "pixels": "pixel_count",
    "samples": "sample_count",
    "empty_pixels": "empty_pixel_count",
}


def with_pixels(
    file: FileRows, result: Mapping[str, Any], request: str, input_hash: str, status: str
) -> FileRows:
    """Return the delivery of a file with the rows of its pixels, which `input_hash` identifies."""
    key = {"file_id": file.file_id, "file_path": file.file["file_path"]}
    rows = {
        "pixels": [{**key, **_file_row(result)}],
        "channel_stats": [{**key, **_channel_row(each)} for each in result["channels"]],
        "deep_stats": [{**key, **_deep_row(each)} for each in result["deep"]],
    }
    for row in (row for found in rows.values() for row in found):
        elide(row)
    return file.with_facet(FACETS["pixels"], rows, input_hash, request=request, status=status)


def stored_statistics(pixels: Mapping[str, Any], channels: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the statistics of a row of `pixels` and the rows of its channels. Deep parts are left out."""
    return {
        "mode": pixels["mode"],
        "status": pixels["status"],
        "coverage": json.loads(pixels["coverage_json"]),
        "failures": json.loads(pixels["failures_json"]),
        "hash": pixels["hash"],
        "look": {"look_vector": pixels["look_vector"]} if pixels.get("look_vector") else None,
        "channels": [_stored_channel(each) for each in channels],
        "deep": [],
    }


def _stored_channel(row: Mapping[str, Any]) -> dict[str, Any]:
    percentiles = {name: row[name] for name in PERCENTILES if row[name] is not None}
    place = {"x": row["first_nonfinite_x"], "y": row["first_nonfinite_y"]}
    return {
        **json.loads(row["details_json"] or "{}"),
        **{name: row[column] for name, column in _CHANNEL_COLUMNS.items()},
        "percentiles": percentiles or None,
        "first_nonfinite": None if place["x"] is None else place,
    }


def _file_row(result: Mapping[str, Any]) -> Row:
    return {
        "mode": result["mode"],
        "status": result["status"],
        "bytes_read": result["coverage"]["bytes_read"],
        "exact": result["coverage"]["exact"],
        "coverage_json": to_json({**result["coverage"], "thumbnail": result.get("look_coverage")}),
        "parts_json": to_json(result.get("parts")),
        "failures_json": to_json(result["failures"]),
        "hash": result.get("hash"),
        **(result.get("look") or {}),
    }


def _channel_row(channel: Mapping[str, Any]) -> Row:
    place = channel["first_nonfinite"] or {}
    percentiles, alpha = channel["percentiles"] or {}, channel.get("alpha") or {}
    return {
        **{column: channel.get(name) for name, column in _CHANNEL_COLUMNS.items()},
        **{name: percentiles.get(name) for name in PERCENTILES},
        **{f"alpha_{name}": alpha.get(name) for name in _ALPHA},
        **{column: (channel.get(name) or {}).get("count") for name, column in _SUSPECTS.items()},
        "first_nonfinite_x": place.get("x"),
        "first_nonfinite_y": place.get("y"),
        "details_json": _details(channel, {*_CHANNEL_COLUMNS, "alpha", "percentiles", "first_nonfinite"}),
    }


def _deep_row(part: Mapping[str, Any]) -> Row:
    deepest, counts = part["deepest"] or {}, part["samples_per_pixel"]
    return {
        **{column: part[name] for name, column in _DEEP_COLUMNS.items()},
        **{f"samples_per_pixel_{name}": counts[name] for name in ("min", "max", "mean")},
        "deepest_x": deepest.get("x"),
        "deepest_y": deepest.get("y"),
        "details_json": _details(part, {*_DEEP_COLUMNS, "samples_per_pixel", "deepest"}),
    }


def _details(values: Mapping[str, Any], shown: set[str]) -> str:
    """Return what has no column of its own."""
    return to_json({name: value for name, value in values.items() if name not in shown})


assert set(_CHANNEL_COLUMNS.values()) <= set(TABLES["channel_stats"].names)
