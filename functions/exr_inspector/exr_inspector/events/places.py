"""From the names in an event to the places where its file may lie."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import unquote, unquote_plus

from exr_inspector.errors import BAD_EVENT, InspectorError

SUFFIX = ".exr"
S3 = "s3://"

# The names that S3 clients accept, without the ARNs that would lead to another service.
_BUCKET = re.compile(r"[A-Za-z0-9._-]{1,255}")
# Whether the key of an event is percent-encoded, and whether a plus then is a space, no source settles;
# the reader tries them in this order and lets what exists decide.
_DECODINGS: tuple[Callable[[str], str], ...] = (
    lambda key: key,
    lambda key: unquote(key, errors="strict"),
    lambda key: unquote_plus(key, errors="strict"),
)


def split_element_path(element_path: Any) -> tuple[str, str] | None:
    """Bucket and key of `<bucket>/<key>`; None where it is not such text. Keys may hold slashes."""
    if not isinstance(element_path, str):
        return None
    bucket, slash, key = element_path.partition("/")
    return (bucket, key) if slash else None


def object_locations(names: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """Where an object may lie that is called by `names` (bucket, key), likeliest first, each once; none
    if none of them can be an object's name.
    """
    possible = [f"{S3}{bucket}/{key}" for bucket, key in _decoded_all(names) if _can_exist(bucket, key)]
    return tuple(dict.fromkeys(possible))


def no_object(name: tuple[str, str]) -> InspectorError:
    """The refusal of a bucket and key that no object can have."""
    return InspectorError(BAD_EVENT, f"no object can have the name {'/'.join(name)[:200]!r}")


def path_location(path: Any) -> str:
    """The location that a person means: a local path or `s3://bucket/key`, taken literally.

    Raises InspectorError(BAD_EVENT) for what no file system and no object store takes as a name.
    """
    if not isinstance(path, str):
        raise InspectorError(BAD_EVENT, f"a path must be text, not {type(path).__name__}")
    if path.startswith(S3):
        bucket, _, key = path[len(S3) :].partition("/")
        if not _can_exist(bucket, key):
            raise no_object((bucket, key))
        return path
    if not path or "\0" in path or not _encodes(path, "surrogateescape"):
        raise InspectorError(BAD_EVENT, f"no file can have the path {path[:200]!r}")
    return path


def may_be_exr(names: Sequence[tuple[str, str]]) -> bool:
    """Whether one of the keys, as it is or decoded, ends in `.exr`, in any case."""
    return any(key.lower().endswith(SUFFIX) for _, key in _decoded_all(names))


def _decoded_all(names: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(bucket, _decoded(decode, key)) for decode in _DECODINGS for bucket, key in names]


def _decoded(decode: Callable[[str], str], key: str) -> str:
    """The key, or no key where the escapes are not UTF-8."""
    try:
        return decode(key)
    except UnicodeDecodeError:
        return ""


def _can_exist(bucket: str, key: str) -> bool:
    """A key with a `.` or `..` segment may be resolved on its way to another bucket's object."""
    climbs = {".", ".."}.intersection((bucket, *key.split("/")))
    return bool(_BUCKET.fullmatch(bucket) and key and "\0" not in key and not climbs and _encodes(key))


def _encodes(text: str, errors: str = "strict") -> bool:
    try:
        text.encode("utf-8", errors)
    except UnicodeEncodeError:
        return False
    return True
