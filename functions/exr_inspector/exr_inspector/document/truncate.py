"""An answer small enough to be returned by a function: what is large is replaced by its size and hash."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar, cast

from exr_inspector.document.serialize import elided, to_json

# DataEngine passes what a function returns through a broker whose values may have 126 KB.
MAX_ANSWER = 100_000
_SMALL = 256

Answer = TypeVar("Answer", bound=Mapping[str, Any])


def truncate(answer: Answer, limit: int = MAX_ANSWER) -> Answer:
    """A document, or {"documents": [...]}: itself where its JSON text has at most `limit` bytes, else a copy
    that has. The largest values of attributes go first, then whole lists. `header_bytes` refuses such a copy.
    """
    size = _size(answer)
    if size <= limit:
        return answer
    copy: dict[str, Any] = _copy(answer)
    for holder, key in _places(copy):
        if size <= limit:
            break
        before = _size(holder[key])
        if before > _SMALL:
            holder[key] = elided(to_json(holder[key]).encode())
            size += _size(holder[key]) - before
    return cast("Answer", copy)


def _size(value: Any) -> int:
    """In the widest form that is usual, for the runtime chooses it: ASCII, with a space behind separators."""
    return len(json.dumps(value))


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copy(each) for key, each in value.items()}
    return [_copy(each) for each in value] if isinstance(value, list) else value


def _places(answer: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    """Where something may be replaced, in the order in which it is."""
    documents = answer.get("documents", [answer])
    values = [place for document in documents for place in _values(document)]
    yield from sorted(values, key=lambda place: -_size(place[0][place[1]]))
    for document in documents:
        yield from _lists(document)
    if "documents" in answer:
        yield answer, "documents"


def _values(document: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    for part in document["parts"]:
        for attribute in part["attributes"]:
            yield from ((attribute, key) for key in ("value", "raw") if key in attribute)
    yield from ((document["attributes"], name) for name in document["attributes"])


def _lists(document: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    yield document, "attributes"
    yield from ((part, "attributes") for part in document["parts"])
    yield document["file"], "openimageio"
    yield from ((document, key) for key in ("channels", "parts", "errors"))
    yield document["file"], "path"
