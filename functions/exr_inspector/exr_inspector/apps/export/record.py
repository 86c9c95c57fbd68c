"""The columns of an exported record, and how they follow from what a store knows of a sequence."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

import pyarrow as pa

from exr_inspector.catalog.columns import FLAG, INTEGER, REAL, TEXT, Column
from exr_inspector.catalog.duckdb.grouping import Per
from exr_inspector.exr.names import split_path
from exr_inspector.sequences import format_frames, gaps, parse_pattern

# Raised if a column is renamed, removed or gets another meaning.
EXPORT_VERSION = 1

_TIME = pa.timestamp("us", tz="UTC")
_TEXTS = pa.list_(TEXT)
_BOX = pa.struct([(name, INTEGER) for name in ("min_x", "min_y", "max_x", "max_y")])

COLUMNS = (
    Column("record_id", TEXT, "Identifies the record: 32 hexadecimal digits, a hash of `path`."),
    Column("path", TEXT, "The sequence as fileseq writes it, or the file."),
    Column("path_printf", TEXT, "The same with `%04d` for the frame."),
    Column("path_marks", TEXT, "The same with a `#` for each digit of the frame."),
    Column("folder", TEXT, "The folder or prefix of the files."),
    Column("name", TEXT, "The name of the files, without folder, frame and version."),
    Column("representation", TEXT, "`exr`."),
    Column("project", TEXT, "The show."),
    Column("sequence", TEXT, "The sequence of shots."),
    Column("shot", TEXT, "The shot."),
    Column("pass", TEXT, "The render pass."),
    Column("version_number", INTEGER, "The version."),
    Column(
        "naming_confidence",
        REAL,
        "1 if a show configuration names these five; else the share of them that common words of paths"
        " propose, at most 0.8.",
    ),
    Column("first_frame", INTEGER, "The first frame."),
    Column("last_frame", INTEGER, "The last frame."),
    Column("frames", TEXT, "The frames that are stored, as `1001-1100, 1102`."),
    Column("missing_frames", TEXT, "The frames between the first and the last that are not stored."),
    Column("frame_count", INTEGER, "Number of files."),
    Column("expected_count", INTEGER, "Number of files with the missing ones."),
    Column("frames_per_second", REAL, "The attribute framesPerSecond of the first file."),
    Column("display_window", _BOX, "The box around the display windows of all parts, in pixels, inclusive."),
    Column("data_window", _BOX, "The box around the data windows of all parts, in pixels, inclusive."),
    Column("pixel_aspect_ratio", REAL, "Width of a pixel divided by its height."),
    Column("compressions", _TEXTS, "The compressions of the parts."),
    Column("part_types", _TEXTS, "The types of the parts."),
    Column("part_count", INTEGER, "The largest number of parts in a file."),
    Column("views", _TEXTS, "The views of the parts."),
    Column("is_deep", FLAG, "Whether a part is deep."),
    Column("is_tiled", FLAG, "Whether a part is tiled."),
    Column(
        "layers",
        pa.list_(pa.struct([("name", TEXT), ("channels", _TEXTS), ("type", TEXT)])),
        "The layers of the first file: name, components and pixel types.",
    ),
    Column("color_space", TEXT, "The color space that an attribute states."),
    Column("color_space_source", TEXT, "The attribute that states it, such as `colorInteropID`."),
    Column("chromaticities", TEXT, "The attribute chromaticities of the first file, as JSON."),
    Column("render_software", TEXT, "The program that wrote the files, if an attribute names it."),
    Column("is_complete", FLAG, "Whether every file is complete and no frame is missing."),
    Column("incomplete_frames", TEXT, "The frames of files that are not complete."),
    Column("ok_count", INTEGER, "Number of files by status: `ok`,"),
    Column("incomplete_count", INTEGER, "`incomplete`, without those that are still being written,"),
    Column("corrupt_count", INTEGER, "`corrupt`,"),
    Column("unsupported_count", INTEGER, "`unsupported`,"),
    Column("missing_count", INTEGER, "`missing`,"),
    Column("writing_count", INTEGER, "and still being written when they were inspected."),
    Column("error_findings", INTEGER, "Number of findings of policies that are errors,"),
    Column("warning_findings", INTEGER, "and warnings."),
    Column("unknown_findings", INTEGER, "Number of rules that the evidence did not decide."),
    Column("size_bytes", INTEGER, "Size of all files."),
    Column("mtime_min", _TIME, "The earliest modification."),
    Column("mtime_max", _TIME, "The latest modification."),
    Column("first_seen", _TIME, "The first inspection of a file."),
    Column("last_inspected", _TIME, "The last inspection of a file."),
    Column("owner", TEXT, "The attribute owner of the first file."),
    Column("facts_hash", TEXT, "Hash of the facts of all files; it changes if any of them does."),
    Column("inspector_version", TEXT, "The latest release that inspected one of the files."),
    Column("schema_version", INTEGER, "Version of the document."),
    Column("exported_at", _TIME, "When the record was made."),
)
SCHEMA = pa.schema([(each.name, each.type) for each in COLUMNS])

_VERSION = re.compile(r"(?:^|[/._-])v([0-9]{1,6})(?=$|[/._-])", re.IGNORECASE)
_GUESSES = {
    "project": re.compile(r"/(?:shows?|projects?|jobs?|prod|productions?)/([^/]+)/", re.IGNORECASE),
    "sequence": re.compile(r"(?:^|[/._-])((?:sq|seq)_?[0-9]+[a-z]?)(?=$|[/._-])", re.IGNORECASE),
    "shot": re.compile(r"(?:^|[/._-])((?:sh|shot)_?[0-9]+[a-z]?)(?=$|[/._-])", re.IGNORECASE),
}
MAX_CONFIDENCE = 0.8


def record(row: Mapping[str, Any], per: Per, exported_at: datetime) -> dict[str, Any]:
    """Return a record, by the columns of SCHEMA, for a row of `catalog.duckdb.records`."""
    path = row["key"]
    folder, _, last = path.rpartition("/")
    pattern = parse_pattern(path) if per == "sequence" and row["frame_list"] else None
    frame_free = pattern or parse_pattern(split_path(path).sequence_key or path)
    name = frame_free.before.rpartition("/")[2] if frame_free else last.rpartition(".")[0]
    frames = row["frame_list"] or []
    missing = gaps(frames) or ()
    made = {
        **row,
        **_naming(path, row),
        "record_id": hashlib.sha256(path.encode()).hexdigest()[:32],
        "path": path,
        "path_printf": pattern.path_of(f"%0{pattern.widths[0]}d") if pattern else path,
        "path_marks": pattern.path_of("#" * pattern.widths[0]) if pattern else path,
        "folder": folder,
        "name": _VERSION.sub("", name).strip("._-") or last,
        "representation": "exr",
        "first_frame": frames[0] if frames else None,
        "last_frame": frames[-1] if frames else None,
        "frames": format_frames(frames) or None,
        "missing_frames": format_frames(missing) or None,
        "frame_count": row["file_count"],
        "expected_count": row["file_count"] + len(missing),
        "is_complete": row["is_complete"] and not missing,
        "incomplete_frames": format_frames(row["incomplete_list"] or ()) or None,
        "exported_at": exported_at,
    }
    for time in ("mtime_min", "mtime_max", "first_seen", "last_inspected"):
        made[time] = row[time].replace(tzinfo=timezone.utc) if row[time] else None
    return {column: made[column] for column in SCHEMA.names}


def _naming(path: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a path: from the show configuration, or otherwise guessed."""
    configured = {
        "project": row["show_name"],
        "sequence": row["sequence"],
        "shot": row["shot"],
        "pass": row["pass"],
        "version_number": _number(row["version"]),
    }
    if any(value is not None for value in configured.values()):
        return {**configured, "naming_confidence": 1.0}
    found = {name: _last(pattern, path) for name, pattern in _GUESSES.items()}
    version = _number(_last(_VERSION, path))
    count = sum(value is not None for value in (*found.values(), version))
    return {
        **found,
        "pass": None,
        "version_number": version,
        "naming_confidence": round(MAX_CONFIDENCE * count / 5, 2),
    }


def _last(pattern: re.Pattern[str], path: str) -> str | None:
    found = pattern.findall(path)
    return found[-1] if found else None


def _number(text: str | None) -> int | None:
    digits = re.search("[0-9]{1,9}", text or "")
    return int(digits[0]) if digits else None


def plain(value: Any) -> Any:
    """Return a value as JSON can hold it: times as text, no NaN, and integers beyond 2**53 as text."""
    if isinstance(value, datetime):
        return value.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    if isinstance(value, Mapping):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    if isinstance(value, float) and not abs(value) < float("inf"):
        return None
    return str(value) if isinstance(value, int) and abs(value) > 2**53 else value


def cell(value: Any) -> Any:
    """Return a value for a CSV cell: lists as JSON, and text that no spreadsheet reads as a formula."""
    value = plain(value)
    if isinstance(value, (dict, list)):
        value = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return f"'{value}"
    return value
