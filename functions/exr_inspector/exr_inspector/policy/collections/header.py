"""Collections of facts of the header: the file, its attributes and its faults."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from exr_inspector.exr.names import split_path
from exr_inspector.policy.collections.standard import (
    DEPRECATED,
    SHARED,
    STANDARD_TYPES,
    name_bytes,
)
from exr_inspector.policy.evidence import Missing
from exr_inspector.policy.facts import NO_HEADER, Facts, Field, Items, collection

LONG_NAMES = 0x400
"""The flag of the version field that allows names of up to 255 bytes."""

_PART = re.compile(r"parts\[([0-9]+)\]")

Record = dict[str, Any]


def has_header(facts: Facts) -> bool:
    """Return whether the header could be read."""
    return facts.document["file"]["version_field"] is not None


@collection(
    "file",
    {
        "path": Field("text", "The file's path or `s3://` address."),
        "name": Field("text", "The last element of the path."),
        "extension": Field("text", "The part of the name after its last dot, in lower case, such as `exr`."),
        "size_bytes": Field("integer", "Size of the file in bytes."),
        "status": Field("text", "`ok`, `incomplete`, `corrupt`, `unsupported` or `missing`."),
        "complete": Field(
            "flag", "Whether the file holds all its chunks; unknown if the table was not read."
        ),
        "chunks_present": Field("integer", "Number of chunks in the file."),
        "chunks_promised": Field("integer", "Number of chunks that the header promises."),
        "has_header": Field("flag", "Whether the header can be read; unknown if it exceeds a limit."),
        "error_codes": Field("list", "The codes of all faults, as in docs/TROUBLESHOOTING.md."),
        "error_messages": Field("list", "The messages of all faults."),
        "part_count": Field("integer", "Number of parts."),
        "channel_count": Field("integer", "Number of channels, over all parts."),
        "header_bytes": Field("integer", "Length of the header in bytes."),
        "version_field": Field("integer", "The version field: format version and flags."),
        "has_long_names": Field("flag", "Whether the version field allows names of more than 31 bytes."),
        "is_deep": Field("flag", "Whether a part is deep."),
        "is_tiled": Field("flag", "Whether a part is tiled."),
        "is_multiview": Field("flag", "Whether there is more than one view."),
        "part_names": Field("list", "The names of the parts that have one."),
        "views": Field("list", "The views of the parts that state one, and those of `multiView`."),
        "layers": Field("list", "The layers of all channels."),
        "channel_names": Field("list", "The full names of all channels."),
        "compressions": Field("list", "The compressions of all parts."),
        "has_multiview_list": Field("flag", "Whether a part has the attribute `multiView`."),
        "is_default_view_stated": Field("flag", "Whether the first part states a view, or no part does."),
        "shared_conflicts": Field(
            "list", "Attributes that differ between parts, though OpenEXR requires them to be equal."
        ),
        "frame_number": Field("integer", "The frame in the file's name."),
        "openimageio_opens": Field(
            "flag", "Whether OpenImageIO opens the file; unknown if this was not tested."
        ),
    },
)
def file(facts: Facts) -> Items:
    """The file as a whole: always one item."""
    document = facts.document
    about, parts, channels = document["file"], document["parts"], document["channels"]
    read = has_header(facts)
    missing = Missing("the file could not be read") if about["status"] == "missing" else NO_HEADER

    def header(value: Any) -> Any:
        return value if read else missing

    name = about["path"].replace("\\", "/").rpartition("/")[2]
    stated = [part["view"] for part in parts if part["view"]]
    views = stated + [
        view
        for part in parts
        for each in part["attributes"]
        if each["name"] == "multiView" and isinstance(each["value"], list)
        for view in each["value"]
    ]
    opens = about["openimageio"]["opens"]
    chunks = Missing("the chunk offset table was not read") if read else missing
    return [
        {
            "place": "file",
            "part_index": None,
            "path": about["path"],
            "name": name,
            "extension": name.rpartition(".")[2].lower() if "." in name else None,
            "size_bytes": _or(about["size_bytes"], missing),
            "status": _or(about["status"], missing),
            "complete": _or(_completeness(about), chunks),
            "chunks_present": _or(about["chunks_present"], chunks),
            "chunks_promised": _or(about["chunks_promised"], chunks),
            "has_header": read or _unread(document),
            "error_codes": [each["code"] for each in document["errors"]],
            "error_messages": [each["message"] for each in document["errors"]],
            "part_count": header(len(parts)),
            "channel_count": header(len(channels)),
            "header_bytes": header(about["header_bytes"]),
            "version_field": header(about["version_field"]),
            "has_long_names": header(bool((about["version_field"] or 0) & LONG_NAMES)),
            "is_deep": header(about["is_deep"]),
            "is_tiled": header(about["is_tiled"]),
            "is_multiview": header(about["is_multiview"]),
            "part_names": header([part["name"] for part in parts if part["name"] is not None]),
            "views": header(list(dict.fromkeys(views))),
            "layers": header(
                list(dict.fromkeys(each["layer_name"] for each in channels if each["layer_name"]))
            ),
            "channel_names": header([each["name"] for each in channels]),
            "compressions": header([part["compression"] for part in parts if part["compression"]]),
            "has_multiview_list": header(len(views) > len(stated)),
            "is_default_view_stated": header(not stated or parts[0]["view"] is not None),
            "shared_conflicts": header(_shared_conflicts(parts)),
            "frame_number": split_path(about["path"]).frame_number,
            "openimageio_opens": Missing(about["openimageio"]["message"]) if opens is None else opens,
        }
    ]


def _unread(document: Mapping[str, Any]) -> bool | Missing:
    """Return False if a header cannot be read; Missing if it was not tried to the end."""
    for each in document["errors"]:
        if each["code"] == "LIMIT_EXCEEDED":
            return Missing(each["message"])
    return Missing("the file could not be read") if document["file"]["status"] in ("missing", None) else False


def _shared_conflicts(parts: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the names of shared attributes that a later part does not state as the first part does."""
    if len(parts) < 2:
        return []
    first, *others = map(part_attributes, parts)
    return [name for name in SHARED if any(name in each and each[name] != first.get(name) for each in others)]


def _or(value: Any, missing: Missing) -> Any:
    return missing if value is None else value


def _completeness(about: Mapping[str, Any]) -> bool | None:
    """Return whether a file is complete: one whose header is cut is not."""
    return False if about["status"] == "incomplete" and about["complete"] is None else about["complete"]


def part_attributes(part: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a part's attributes by name; of a repeated name the first, as readers do."""
    return {
        each["name"]: _value(each) if "error" in each else each["value"]
        for each in reversed(part["attributes"])
    }


def _value(attribute: Mapping[str, Any]) -> Any:
    if "error" not in attribute:
        return attribute["value"]
    reason = attribute["error"]
    return Missing(f"its bytes cannot be decoded: {reason}" if "raw" in attribute else reason)


def _is_decoded(attribute: Mapping[str, Any]) -> bool | Missing:
    """Return whether the bytes fit the type; Missing if the store has not kept the value."""
    if "error" in attribute and "raw" not in attribute:
        return Missing(attribute["error"])
    return "error" not in attribute


@collection(
    "attributes",
    {
        "name": Field("text", "Name, as stored."),
        "type": Field("text", "OpenEXR's name of the type, as stored."),
        "value": Field("any", "The value, as in the document."),
        "name_bytes": Field("integer", "Length of the name in bytes."),
        "standard_type": Field(
            "text", "The type that OpenEXR defines for this name; absent for other names."
        ),
        "is_deprecated": Field("flag", "Whether OpenEXR has deprecated the attribute."),
        "has_long_names": Field("flag", "Whether the file allows names of more than 31 bytes."),
        "namespace": Field("text", "The name before its first `/` or `:`; absent for others."),
        "is_decoded": Field("flag", "Whether the bytes fit the type."),
        "is_repeated": Field("flag", "Whether an earlier attribute of the part has the name."),
    },
)
def attributes(facts: Facts) -> Items:
    """The attributes of all parts."""
    if not has_header(facts):
        return NO_HEADER
    has_long_names = bool(facts.document["file"]["version_field"] & LONG_NAMES)
    found = []
    for part in facts.document["parts"]:
        seen: set[str] = set()
        for each in part["attributes"]:
            name = each["name"]
            found.append(
                {
                    "place": f"parts[{part['index']}].attributes[{name}]",
                    "part_index": part["index"],
                    "name": name,
                    "type": each["type"],
                    "value": _value(each),
                    "name_bytes": name_bytes(name),
                    "standard_type": STANDARD_TYPES.get(name),
                    "is_deprecated": name in DEPRECATED,
                    "has_long_names": has_long_names,
                    "namespace": name.partition("/")[0].partition(":")[0]
                    if "/" in name or ":" in name
                    else None,
                    "is_decoded": _is_decoded(each),
                    "is_repeated": name in seen,
                }
            )
            seen.add(name)
    return found


@collection(
    "faults",
    {
        "code": Field("text", "The code, as in docs/TROUBLESHOOTING.md."),
        "message": Field("text", "The message of the fault."),
        "where": Field("text", "The place that it names, such as `parts[0].channels`."),
    },
)
def faults(facts: Facts) -> Items:
    """The faults of a readable header, as in the document's `errors`."""
    if not has_header(facts):
        return NO_HEADER
    return [
        {
            "place": each["where"] if each["where"].startswith("parts[") else "file",
            "part_index": int(found[1]) if (found := _PART.match(each["where"])) else None,
            **each,
        }
        for each in facts.document["errors"]
    ]
