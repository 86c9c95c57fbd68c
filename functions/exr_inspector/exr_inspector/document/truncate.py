"""Answers small enough for a function to return: large values are replaced by their size and hash."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar, cast

from exr_inspector.document.serialize import elided, to_json

# DataEngine sends what a function returns through a broker that accepts values of up to 126 KB.
MAX_ANSWER = 100_000
# Replacing a smaller value would save nothing.
_MIN_ELIDED = 256

Answer = TypeVar("Answer", bound=Mapping[str, Any])

Place = tuple[dict[str, Any], str]
"""A mapping and one of its keys: the value there may be replaced."""


def truncate(answer: Answer, limit: int = MAX_ANSWER) -> Answer:
    """Return a document, or {"documents": [...]}, whose JSON text has at most `limit` bytes.

    A small answer is returned unchanged, a large one as a copy. The largest attribute values are replaced
    first, then whole lists. If that does not suffice for many documents, only their paths, statuses and
    errors remain. `header_bytes` refuses a document with replaced values.
    """
    size = _size(answer)
    if size <= limit:
        return answer
    copy: dict[str, Any] = _copy(answer)
    for holder, key in _places(copy):
        if size <= limit:
            break
        before = _size(holder[key])
        if before > _MIN_ELIDED:
            holder[key] = elided(to_json(holder[key]).encode())
            size += _size(holder[key]) - before
    if size > limit and "documents" in copy:
        summaries = [
            {"file": {key: each["file"][key] for key in ("path", "status")}, "errors": each["errors"]}
            for each in copy["documents"]
        ]
        is_small = _size({"documents": summaries}) <= limit
        copy["documents"] = summaries if is_small else elided(to_json(copy["documents"]).encode())
    return cast("Answer", copy)


def _size(value: Any) -> int:
    """Return the size of the longest usual text: a runtime may write ASCII, and spaces after separators."""
    return len(json.dumps(value))


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copy(each) for key, each in value.items()}
    return [_copy(each) for each in value] if isinstance(value, list) else value


def _places(answer: dict[str, Any]) -> Iterator[Place]:
    """Yield the places of values that may be replaced, in the order of replacement."""
    documents = answer.get("documents", [answer])
    values = [place for document in documents for place in _values(document)]
    yield from sorted(values, key=lambda place: -_size(place[0][place[1]]))
    for document in documents:
        yield document, "attributes"
        yield from ((part, "attributes") for part in document["parts"])
        if document["validation"].get("findings"):
            yield document["validation"], "findings"
        yield document["file"], "openimageio"
        yield document, "stats"
        yield from ((document, key) for key in ("channels", "parts", "errors"))
        yield document["file"], "path"


def _values(document: dict[str, Any]) -> Iterator[Place]:
    for part in document["parts"]:
        for attribute in part["attributes"]:
            yield from ((attribute, key) for key in ("value", "raw") if key in attribute)
    yield from ((document["attributes"], name) for name in document["attributes"])
