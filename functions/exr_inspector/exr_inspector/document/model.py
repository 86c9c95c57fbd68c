"""The document: the contents of one EXR file, as JSON values in a fixed order. Schema version 1.

docs/document.schema.json is its schema. A document is built once, by `document.build`, and never changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypedDict

from exr_inspector.exr.facts import ChannelFacts, PartFacts

SCHEMA_VERSION = 1


class ErrorEntry(TypedDict):
    """One fault. `code` is one of those in docs/TROUBLESHOOTING.md."""

    code: str
    message: str
    where: str


class Difference(TypedDict):
    """A fact that OpenImageIO reports differently. `part_index` is None for facts of the whole file."""

    part_index: int | None
    field: str
    openimageio: Any


class OpenImageIO(TypedDict):
    """Whether OpenImageIO opens the file; None if it was not asked. `message` says why not."""

    opens: bool | None
    message: str
    differences: list[Difference]


class _FileBytes(TypedDict, total=False):
    path_base64: str
    """The path's bytes, if they are not UTF-8."""


class FileFacts(_FileBytes):
    """Facts of the whole file. Those that could not be read are None."""

    path: str
    size_bytes: int | None
    mtime: str | None
    etag: str | None
    sequencer: str | None
    exr_version: int | None
    version_field: int | None
    multipart_count: int | None
    is_deep: bool | None
    is_tiled: bool | None
    is_multiview: bool | None
    header_bytes: int | None
    header_hash: str | None
    frame_number: int | None
    status: Literal["ok", "incomplete", "corrupt", "unsupported", "missing"] | None
    complete: bool | None
    chunks_present: int | None
    chunks_promised: int | None
    openimageio: OpenImageIO


class _AttributeBytes(TypedDict, total=False):
    name_base64: str
    type_base64: str
    raw: str
    """The value's bytes in base64, if encoding `value` would not give them back."""
    error: str
    """Why the bytes do not fit the type; `value` is then None."""


class Attribute(_AttributeBytes):
    """One attribute as stored, in OpenEXR's names."""

    name: str
    type: str
    value: Any


class Part(PartFacts):
    """One part: its facts and its attributes, in stored order."""

    attributes: list[Attribute]


Channel = ChannelFacts
"""One channel of a part, in stored order."""


class Persistence(TypedDict):
    """What became of the file's rows: `stored`, `deleted`, `skipped` or `ignored`."""

    status: str
    file_id: str | None
    inserted: bool
    message: str


class _Answered(TypedDict, total=False):
    persistence: Persistence


class Document(_Answered):
    """The contents of one file. `attributes` is OpenImageIO's map of all parts' attributes."""

    schema_version: int
    file: FileFacts
    parts: list[Part]
    channels: list[Channel]
    attributes: dict[str, Any]
    stats: dict[str, Any]
    validation: Mapping[str, Any]
    """Empty, or as `policy.model.Validation`."""
    errors: list[ErrorEntry]
