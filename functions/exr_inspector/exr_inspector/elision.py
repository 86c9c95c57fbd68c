"""A document small enough to be returned by a function: what is large is replaced by its size and hash."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from exr_inspector.document import Document, to_json
from exr_inspector.storage.tables import elided

# DataEngine passes what a function returns through a broker whose values may have 126 KB.
LARGEST_DOCUMENT = 100_000
_SMALL = 256


def elide(document: Document, limit: int = LARGEST_DOCUMENT) -> Document:
    """The document itself where its JSON text has at most `limit` bytes, else a copy that has.

    The largest values of attributes go first, then whole lists. `header_bytes` refuses such a copy.
    """
    size = _size(document)
    if size <= limit:
        return document
    copy: Document = _copy(document)
    places = [*sorted(_values(copy), key=lambda place: -_size(place[0][place[1]])), *_lists(copy)]
    for holder, key in places:
        if size <= limit:
            break
        before = _size(holder[key])
        if before > _SMALL:
            holder[key] = elided(to_json(holder[key]).encode())
            size += _size(holder[key]) - before
    return copy


def _size(value: Any) -> int:
    return len(to_json(value).encode())


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copy(each) for key, each in value.items()}
    return [_copy(each) for each in value] if isinstance(value, list) else value


def _values(document: Document) -> Iterator[tuple[dict[str, Any], str]]:
    for part in document["parts"]:
        for attribute in part["attributes"]:
            yield from ((attribute, key) for key in ("value", "raw") if key in attribute)
    yield from ((document["attributes"], name) for name in document["attributes"])


def _lists(document: Document) -> Iterator[tuple[dict[str, Any], str]]:
    yield document, "attributes"
    yield from ((part, "attributes") for part in document["parts"])
    yield document["file"], "openimageio"
    yield from ((document, key) for key in ("channels", "parts", "errors"))
    yield document["file"], "path"
