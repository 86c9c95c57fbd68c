"""The document: the contents of one file, as plain JSON values in a fixed order. Schema version 1.

docs/document.schema.json describes it. `make_document` builds it from the facts that were read;
`header_bytes` restores the exact bytes of the header, which proves that the document is lossless.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from struct import error as StructError
from typing import Any, NamedTuple

from exr_inspector.document.model import (
    SCHEMA_VERSION,
    Attribute,
    Channel,
    Document,
    FileFacts,
    OpenImageIO,
    Part,
)
from exr_inspector.document.report import OiioReport, merged_attributes, verdict
from exr_inspector.errors import NOT_LOSSLESS, InspectorError, Status
from exr_inspector.exr.completeness import UNKNOWN, Completeness
from exr_inspector.exr.conformance import check_parts
from exr_inspector.exr.header import Attribute as Stored
from exr_inspector.exr.header import Header, write_header
from exr_inspector.exr.names import split_path
from exr_inspector.exr.part_summary import MAX_INTEGER, channel_facts, part_facts
from exr_inspector.exr.values import clean, encode, restores
from exr_inspector.location import Location
from exr_inspector.sources.protocol import Stat


class Reading(NamedTuple):
    """The facts that were read from one file. Facts that could not be read are None; `errors` has the
    reasons.

    `location` is None if an event names no file.
    """

    location: Location | None
    stat: Stat | None = None
    header: Header | None = None
    header_hash: str | None = None
    completeness: Completeness = UNKNOWN
    view: OiioReport | None = None
    errors: tuple[InspectorError, ...] = ()


def make_document(reading: Reading, sequencer: str | None = None) -> Document:
    """Return the document of one file. `sequencer` is the order that an S3 event states for the object."""
    header = reading.header
    view = reading.view or OiioReport(None, "not asked for" if header else "there is no header to read")
    parts: list[Part] = []
    channels: list[Channel] = []
    errors = list(reading.errors)
    if header:
        parts = [
            {**part_facts(header, index), "attributes": list(map(_attribute, part.attributes))}
            for index, part in enumerate(header.parts)
        ]
        channels = channel_facts(header)
        errors += check_parts(header)
    if reading.completeness.error:
        errors.append(reading.completeness.error)
    return {
        "schema_version": SCHEMA_VERSION,
        "file": _file_facts(
            reading, parts, _status(reading, errors), verdict(view, parts, channels), sequencer
        ),
        "parts": parts,
        "channels": channels,
        "attributes": merged_attributes(view.attributes),
        "stats": {},
        "validation": {},
        "errors": [
            {"code": error.code, "message": clean(error.message), "where": clean(error.where)}
            for error in errors
        ],
    }


def header_bytes(document: Mapping[str, Any]) -> bytes:
    """Return the exact bytes of the header that a document describes.

    Raises InspectorError(NOT_LOSSLESS) if the header was not readable, or if values were elided or changed.
    The bytes are verified against the document's `header_hash`.
    """
    file = document["file"]
    if file["version_field"] is None:
        raise InspectorError(NOT_LOSSLESS, "the file's header could not be read", str(file["path"]))
    try:
        parts = [[_stored(each) for each in part["attributes"]] for part in document["parts"]]
        raw = write_header(file["version_field"], parts)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, StructError) as error:
        raise InspectorError(
            NOT_LOSSLESS, "the document's attributes are incomplete", str(file["path"])
        ) from error
    if hashlib.sha256(raw).hexdigest() != file["header_hash"]:
        raise InspectorError(NOT_LOSSLESS, "the document's attributes were changed", str(file["path"]))
    return raw


def stored_location(file: Mapping[str, Any]) -> Location:
    """Return the location of a document that arrives as JSON, as `document["file"]` names it."""
    path = _named(file, "path").decode("utf-8", "surrogateescape")
    return Location(path, path)


def iso_time(moment: datetime) -> str:
    """Return ISO 8601 in UTC, as 2026-10-01T09:15:30.123456Z."""
    return moment.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _file_facts(
    reading: Reading,
    parts: Sequence[Part],
    status: Status | None,
    openimageio: OpenImageIO,
    sequencer: str | None,
) -> FileFacts:
    stat, header = reading.stat, reading.header
    name = reading.location.canonical if reading.location else ""
    path = clean(name)
    facts: FileFacts = {
        "path": path,
        "size_bytes": stat.size if stat else None,
        "mtime": iso_time(stat.mtime) if stat else None,
        "etag": stat.etag if stat else None,
        "sequencer": sequencer,
        "exr_version": header.version if header else None,
        "version_field": header.version_field if header else None,
        "multipart_count": len(parts) if header else None,
        "is_deep": any(part["is_deep"] for part in parts) if header else None,
        "is_tiled": any(part["is_tiled"] for part in parts) if header else None,
        "is_multiview": _is_multiview(header) if header else None,
        "header_bytes": header.size if header else None,
        "header_hash": reading.header_hash,
        "frame_number": split_path(name).frame_number,
        "status": status,
        "complete": reading.completeness.complete,
        "chunks_present": _integer(reading.completeness.present),
        "chunks_promised": _integer(reading.completeness.promised),
        "openimageio": openimageio,
    }
    if path != name:
        facts["path_base64"] = _base64(_bytes(name))
    return facts


def _integer(count: int | None) -> int | None:
    return count if count is not None and count <= MAX_INTEGER else None


def _is_multiview(header: Header) -> bool:
    views = {part.standard["view"] for part in header.parts if "view" in part.standard}
    return len(views) > 1 or any(part.standard.get("multiView") for part in header.parts)


def _status(reading: Reading, errors: Iterable[InspectorError]) -> Status | None:
    """Return the status of the first fault that has one; None if no file was reached."""
    stated = next((error.fault.status for error in errors if error.fault.status), None)
    return stated or ("ok" if reading.header else None)


# --- attributes -----------------------------------------------------------------------------------------


def _attribute(attribute: Stored) -> Attribute:
    """Return {name, type, value}, and the bytes that these three would not give back."""
    stored_name, stored_type, raw, value, error = attribute
    if stored_name.isascii() and stored_type.isascii():
        entry: Attribute = {"name": stored_name, "type": stored_type, "value": value}
    else:
        name, type_name = clean(stored_name), clean(stored_type)
        entry = {"name": name, "type": type_name, "value": value}
        if name != stored_name:
            entry["name_base64"] = _base64(_bytes(stored_name))
        if type_name != stored_type:
            entry["type_base64"] = _base64(_bytes(stored_type))
    if error is not None:
        entry["raw"], entry["error"] = _base64(raw), error
    elif not restores(stored_type, value, raw):
        entry["raw"] = _base64(raw)
    return entry


def _stored(entry: Mapping[str, Any]) -> tuple[bytes, bytes, bytes]:
    """Return name, type name and value as they are in the file."""
    raw = base64.b64decode(entry["raw"]) if "raw" in entry else encode(entry["type"], entry["value"])
    return _named(entry, "name"), _named(entry, "type"), raw


def _named(entry: Mapping[str, Any], key: str) -> bytes:
    stored = entry.get(f"{key}_base64")
    return base64.b64decode(stored) if stored is not None else entry[key].encode()


def _bytes(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")
