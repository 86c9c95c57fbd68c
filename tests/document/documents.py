"""Documents for the tests, each of them held against the JSON Schema."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema

from exr_inspector import inspect, to_json
from exr_inspector.document.build import Reading, make_document
from exr_inspector.document.oiio_report import report_header
from exr_inspector.exr.header import Header, parse_header
from exr_inspector.exr.limits import Limits
from exr_inspector.location import path_location
from exr_inspector.settings import Settings

Document = dict[str, Any]
"""A document that a test may take apart and change."""

SCHEMA: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "docs" / "document.schema.json").read_text(encoding="utf-8")
)
_DRAFT = jsonschema.Draft202012Validator


class _Known:
    """The keyword `$ref`, which looks at equal values once: documents have many attributes in common."""

    def __init__(self) -> None:
        self._valid: set[tuple[str, bytes]] = set()

    def __call__(self, validator: Any, ref: str, instance: Any, schema: Any) -> Iterator[Any]:
        key = (ref, hashlib.sha256(json.dumps(instance).encode()).digest())
        if key not in self._valid:
            errors = list(_DRAFT.VALIDATORS["$ref"](validator, ref, instance, schema))
            if not errors:
                self._valid.add(key)
            yield from errors


VALIDATOR = jsonschema.validators.extend(_DRAFT, {"$ref": _Known()})(SCHEMA)


def valid(document: Mapping[str, Any]) -> Document:
    """The document, after its JSON text was read back and held against the schema."""
    VALIDATOR.validate(read_back(document))
    return dict(document)


def read_back(document: Mapping[str, Any]) -> Document:
    """What a program finds that reads the document's JSON text. ValueError for NaN and the like."""
    found: Document = json.loads(to_json(document).encode().decode(), parse_constant=_refused)
    return found


def _refused(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def document_of(data: bytes, *, view: bool = False) -> Document:
    """The document of a file that begins with this header. InspectorError where it is none."""
    header = parse_header(data, Limits(), len(data))
    assert isinstance(header, Header)
    digest = hashlib.sha256(data[: header.size]).hexdigest()
    shown = report_header(header) if view else None
    return valid(
        make_document(Reading(path_location("/show/file.exr"), header=header, header_hash=digest, view=shown))
    )


def inspected(path: str | os.PathLike[str], settings: Settings | None = None) -> Document:
    """The document of a file."""
    return valid(inspect(path, settings))


def written(data: bytes, folder: Path, name: str = "beauty.1001.exr") -> Path:
    """The path of a file with these bytes."""
    path = folder / name
    path.write_bytes(data)
    return path
