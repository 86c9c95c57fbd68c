"""The document: what is inside one file, as plain JSON values in a fixed order. Schema version 1.

docs/document.schema.json describes it. `make_document` builds it from what was read; `header_bytes` gives
back the header's bytes, exactly, which proves that nothing was lost on the way.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from struct import error as StructError
from typing import Any, cast

from exr_inspector.document.model import SCHEMA_VERSION, Document
from exr_inspector.document.report import OiioReport, merged_attributes, verdict
from exr_inspector.errors import CHUNKS_MISSING, NOT_LOSSLESS, InspectorError, Status
from exr_inspector.exr.header import Attribute, Header, write_header
from exr_inspector.exr.names import split_channel, split_path
from exr_inspector.exr.part_summary import check_parts, part_facts
from exr_inspector.exr.values import clean, encode
from exr_inspector.location import Location
from exr_inspector.sources.protocol import Stat


@dataclass(frozen=True)
class Reading:
    """What was read of one file. Facts that could not be read are None, and `errors` says why.

    `location` is None if an event names no file.
    """

    location: Location | None
    stat: Stat | None = None
    header: Header | None = None
    header_hash: str | None = None
    complete: bool | None = None
    view: OiioReport | None = None
    errors: tuple[InspectorError, ...] = ()


def make_document(reading: Reading, sequencer: str | None = None) -> Document:
    """Return the document of one file. `sequencer` is the order that an S3 event states for the object."""
    header = reading.header
    view = reading.view or OiioReport(None, "not asked for" if header else "there is no header to show")
    parts = [part_facts(header, index) for index in range(len(header.parts))] if header else []
    channels = list(_channels(header)) if header else []
    errors = list(_faults(reading))
    document = {
        "schema_version": SCHEMA_VERSION,
        "file": {
            **_file_facts(reading, parts, sequencer),
            "status": _status(reading, errors),
            "complete": reading.complete,
            "openimageio": verdict(view, parts, channels),
        },
        "parts": [
            {**facts, "attributes": [_attribute(each) for each in part.attributes]}
            for facts, part in zip(parts, header.parts if header else (), strict=True)
        ],
        "channels": channels,
        "attributes": merged_attributes(view.attributes),
        "stats": {},
        "validation": {},
        "errors": [{key: clean(text) for key, text in error.entry().items()} for error in errors],
    }
    return cast("Document", document)


def header_bytes(document: Mapping[str, Any]) -> bytes:
    """The bytes of the header that a document was made from, exactly.

    Raises InspectorError(NOT_LOSSLESS) where the document has no whole header: the file's was not readable,
    or values were elided or changed. The header's hash in the document tells.
    """
    file = document["file"]
    if file["version_field"] is None:
        raise InspectorError(NOT_LOSSLESS, "the file's header could not be read", str(file["path"]))
    try:
        parts = [[_stored(each) for each in part["attributes"]] for part in document["parts"]]
        raw = write_header(file["version_field"], parts)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, StructError) as error:
        raise InspectorError(
            NOT_LOSSLESS, "the document's attributes are not whole", str(file["path"])
        ) from error
    if hashlib.sha256(raw).hexdigest() != file["header_hash"]:
        raise InspectorError(NOT_LOSSLESS, "the document's attributes were changed", str(file["path"]))
    return raw


def stored_location(file: Mapping[str, Any]) -> Location:
    """Return the location of a document that arrives as JSON, as `document["file"]` names it."""
    path = _named(file, "path").decode("utf-8", "surrogateescape")
    return Location(path, path)


def iso_time(moment: datetime) -> str:
    """ISO 8601 in UTC, as 2026-10-01T09:15:30.123456Z."""
    return moment.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _file_facts(reading: Reading, parts: list[dict[str, Any]], sequencer: str | None) -> dict[str, Any]:
    stat, header = reading.stat, reading.header
    of_header: dict[str, Any] = dict.fromkeys(
        (
            "exr_version",
            "version_field",
            "multipart_count",
            "is_deep",
            "is_tiled",
            "is_multiview",
            "header_bytes",
        )
    )
    if header:
        of_header = {
            "exr_version": header.version,
            "version_field": header.version_field,
            "multipart_count": len(parts),
            "is_deep": any(part["is_deep"] for part in parts),
            "is_tiled": any(part["is_tiled"] for part in parts),
            "is_multiview": _is_multiview(header),
            "header_bytes": header.size,
        }
    name = reading.location.canonical if reading.location else ""
    path = clean(name)
    return {
        "path": path,
        **({} if path == name else {"path_base64": _base64(_bytes(name))}),
        "size_bytes": stat.size if stat else None,
        "mtime": iso_time(stat.mtime) if stat else None,
        "etag": stat.etag if stat else None,
        "sequencer": sequencer,
        **of_header,
        "header_hash": reading.header_hash,
        "frame_number": split_path(name).frame_number,
    }


def _is_multiview(header: Header) -> bool:
    views = {part.value("view", "string") for part in header.parts} - {None}
    return len(views) > 1 or any(part.value("multiView", "stringvector") for part in header.parts)


def _faults(reading: Reading) -> Iterator[InspectorError]:
    yield from reading.errors
    if reading.header:
        yield from check_parts(reading.header)
    if reading.complete is False:
        yield InspectorError(CHUNKS_MISSING, "the file holds fewer chunks than its offset table promises")


def _status(reading: Reading, errors: Iterable[InspectorError]) -> Status | None:
    """The first fault that speaks of the file decides; None where no file was reached."""
    stated = next((error.fault.status for error in errors if error.fault.status), None)
    return stated or ("ok" if reading.header else None)


def _channels(header: Header) -> Iterator[dict[str, Any]]:
    for index, part in enumerate(header.parts):
        for channel in part.value("channels", "chlist") or ():
            layer, component = split_channel(channel["name"])
            yield {
                "part_index": index,
                "name": channel["name"],
                "layer_name": layer,
                "component_name": component,
                "type": channel["type"],
                "x_sampling": channel["x_sampling"],
                "y_sampling": channel["y_sampling"],
                "p_linear": channel["p_linear"],
            }


# --- attributes, there and back -------------------------------------------------------------------------


def _attribute(attribute: Attribute) -> dict[str, Any]:
    """{name, type, value}, and whatever bytes these three alone would not give back."""
    name, type_name = clean(attribute.name), clean(attribute.type_name)
    entry: dict[str, Any] = {"name": name, "type": type_name, "value": attribute.value}
    if name != attribute.name:
        entry["name_base64"] = _base64(_bytes(attribute.name))
    if type_name != attribute.type_name:
        entry["type_base64"] = _base64(_bytes(attribute.type_name))
    if attribute.error is not None:
        entry |= {"raw": _base64(attribute.raw), "error": attribute.error}
    elif encode(attribute.type_name, attribute.value) != attribute.raw:
        entry["raw"] = _base64(attribute.raw)
    return entry


def _stored(entry: dict[str, Any]) -> tuple[bytes, bytes, bytes]:
    """Name, type name and value as they stood in the file."""
    raw = base64.b64decode(entry["raw"]) if "raw" in entry else encode(entry["type"], entry["value"])
    return _named(entry, "name"), _named(entry, "type"), raw


def _named(entry: Mapping[str, Any], key: str) -> bytes:
    stored = entry.get(f"{key}_base64")
    return base64.b64decode(stored) if stored is not None else entry[key].encode()


def _bytes(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")
