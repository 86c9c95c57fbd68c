"""The collection for ST 2065-4, the ACES image container: facts that no other collection has.

The text of the standard was not read. The facts follow two writers: aces_container, the reference
implementation of the Academy, and OpenImageIO with `openexr:ACESContainerPolicy`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from exr_inspector.document.build import header_bytes
from exr_inspector.errors import NOT_AN_EXR, InspectorError
from exr_inspector.exr.header import Header, parse_header, write_header
from exr_inspector.policy.collections.header import has_header
from exr_inspector.policy.evidence import Missing
from exr_inspector.policy.facts import COLLECTIONS, NO_HEADER, Facts, Field, Items, collection

OFFSETS_RISE = "offsets_rise"
"""The evidence in `Facts.extra`: whether the offsets of the chunk table rise."""
SCAN_LINES_MD5 = "scan_lines_md5"
"""The evidence in `Facts.extra`: the MD5 of all bytes behind the chunk table, as hexadecimal digits."""

REQUIRED = {
    "acesImageContainerFlag": "int",
    "channels": "chlist",
    "chromaticities": "chromaticities",
    "compression": "compression",
    "dataWindow": "box2i",
    "displayWindow": "box2i",
    "lineOrder": "lineOrder",
    "pixelAspectRatio": "float",
    "screenWindowCenter": "v2f",
    "screenWindowWidth": "float",
}
"""Attributes that a container must have, and their types."""

_NO_OFFSETS = Missing("the chunk offset table was not read", is_requested=False)
_NO_MD5 = Missing("the scan lines were not read", is_requested=False)
_SAMPLE_BYTES = {"half": 2, "float": 4, "uint": 4}


@collection(
    "aces_container",
    {
        "is_exr": Field("flag", "Whether the file begins with the magic number of OpenEXR."),
        "has_flag": Field("flag", "Whether the first part has the attribute acesImageContainerFlag."),
        "missing_attributes": Field(
            "list", "Required attributes that the first part lacks, or has with another type."
        ),
        "version_field": Field("integer", "The version field: format version and flags."),
        "long_names": Field("list", "Names of attributes, types and channels of more than 31 bytes."),
        "header_bytes": Field("integer", "Length of the header in bytes, without magic number and version."),
        "is_complete": Field("flag", "Whether the file holds all its scan lines."),
        "extra_bytes": Field(
            "integer",
            "Bytes of the file beyond header, chunk table and scan lines, if they are uncompressed.",
        ),
        "offsets_rise": Field("flag", "Whether each scan line lies behind the one before it."),
        "has_header_checksum": Field("flag", "Whether the attribute headerChecksum exists."),
        "is_header_checksum_right": Field("flag", "Whether it is the MD5 of the header."),
        "has_image_checksum": Field("flag", "Whether the attribute imageChecksum exists."),
        "is_image_checksum_right": Field("flag", "Whether it is the MD5 of the scan lines."),
    },
)
def aces_container(facts: Facts) -> Items:
    """The file as an ACES image container: always one item."""
    document = facts.document
    about, parts = document["file"], document["parts"]
    codes = {each["code"] for each in document["errors"]}
    item: dict[str, Any] = {"place": "file", "part_index": None}
    if not has_header(facts):
        is_exr = False if NOT_AN_EXR.code in codes else NO_HEADER
        return [{**dict.fromkeys(COLLECTIONS["aces_container"].fields, NO_HEADER), **item, "is_exr": is_exr}]
    names = {name for part in parts for each in part["attributes"] for name in (each["name"], each["type"])}
    names.update(each["name"] for each in document["channels"])
    kinds = {each["name"]: each["type"] for each in parts[0]["attributes"]}
    return [
        {
            **item,
            "is_exr": True,
            "missing_attributes": [name for name, kind in REQUIRED.items() if kinds.get(name) != kind],
            "has_flag": "acesImageContainerFlag" in kinds,
            "version_field": about["version_field"],
            "long_names": sorted(name for name in names if len(name.encode("utf-8", "surrogateescape")) > 31),
            "header_bytes": about["header_bytes"] - 8,
            "is_complete": _NO_OFFSETS if about["complete"] is None else about["complete"],
            "extra_bytes": _extra_bytes(document),
            "offsets_rise": facts.extra.get(OFFSETS_RISE, _NO_OFFSETS),
            "has_header_checksum": "headerChecksum" in kinds,
            "is_header_checksum_right": _is_header_right(document) if "headerChecksum" in kinds else None,
            "has_image_checksum": "imageChecksum" in kinds,
            "is_image_checksum_right": _is_image_right(document, facts.extra.get(SCAN_LINES_MD5, _NO_MD5))
            if "imageChecksum" in kinds
            else None,
        }
    ]


def _extra_bytes(document: Mapping[str, Any]) -> int | None:
    """Return how many bytes an uncompressed file of one flat part has too many; None for any other file."""
    about, (part, *others), channels = document["file"], document["parts"], document["channels"]
    is_plain = part["type"] == "scanlineimage" and part["compression"] == "none" and not others
    samplings = {each["x_sampling"] for each in channels} | {each["y_sampling"] for each in channels}
    if not is_plain or part["width"] is None or samplings != {1} or about["size_bytes"] is None:
        return None
    line = 8 + part["width"] * sum(_SAMPLE_BYTES.get(each["type"], 0) for each in channels)
    expected: int = about["header_bytes"] + part["height"] * (8 + line)
    found: int = max(about["size_bytes"] - expected, 0)  # a file that is too short is not complete
    return found


def _header(document: Mapping[str, Any]) -> Header | Missing:
    """Return the header that a document was made from."""
    try:
        found = parse_header(header_bytes(document))
    except InspectorError as error:
        return Missing(f"the header's bytes are not known: {error.message}")
    assert isinstance(found, Header)
    return found


def _is_header_right(document: Mapping[str, Any]) -> bool | Missing:
    """Return whether headerChecksum is the MD5 of the header in which it is zero."""
    header = _header(document)
    if isinstance(header, Missing):
        return header
    parts = [
        [
            (
                each.name.encode("utf-8", "surrogateescape"),
                each.type_name.encode("utf-8", "surrogateescape"),
                bytes(len(each.raw)) if each.name == "headerChecksum" else each.raw,
            )
            for each in part.attributes
        ]
        for part in header.parts
    ]
    stated = header.parts[0].by_name.get("headerChecksum")
    digest = hashlib.md5(write_header(header.version_field, parts), usedforsecurity=False).digest()
    return stated is not None and digest == stated.raw


def _is_image_right(document: Mapping[str, Any], digest: Any) -> bool | Missing:
    """Return whether imageChecksum is the MD5 of the scan lines."""
    header = _header(document)
    if isinstance(header, Missing):
        return header
    if isinstance(digest, Missing):
        return digest
    stated = header.parts[0].by_name.get("imageChecksum")
    return stated is not None and stated.raw.hex() == str(digest)
