"""Where a file is: one value from the request to its row."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Literal
from urllib.parse import unquote, unquote_plus

from exr_inspector.errors import BAD_EVENT, InspectorError
from exr_inspector.exr.values import clean

SUFFIX = ".exr"
S3 = "s3://"

# The names that S3 clients accept, without ARNs, which would lead to another service.
_BUCKET = re.compile(r"[A-Za-z0-9._-]{1,255}")
# UNC and drive paths, with either separator.
_WINDOWS = re.compile(r"[\\/]{2}|[A-Za-z]:(?:[\\/]|$)")
# No source states whether the key of an event is percent-encoded, or whether a plus sign then means a space.
# Try all three readings in this order, and take the one under which an object exists.
_DECODINGS: tuple[Callable[[str], str], ...] = (
    lambda key: key,
    lambda key: unquote(key, errors="strict"),
    lambda key: unquote_plus(key, errors="strict"),
)


@dataclass(frozen=True)
class Location:
    """Where one file is read, and the name under which it is stored.

    The two differ only with a path map: one VAST file is an NFS path, an SMB path and an S3 key.
    """

    path: str
    """What is opened: an absolute local path or `s3://bucket/key`. Bytes of a local path that are not UTF-8
    are surrogates (PEP 383); an S3 key is stored text, not percent-encoded."""
    canonical: str
    """The name that all paths of the file share. `file_id` is a hash of it."""

    @property
    def scheme(self) -> Literal["file", "s3"]:
        return "s3" if is_object(self.path) else "file"

    @property
    def bucket(self) -> str:
        """The bucket of an object; empty for a local file."""
        return self.path[len(S3) :].partition("/")[0] if is_object(self.path) else ""

    @property
    def key(self) -> str:
        """The key of an object, or the path of a local file."""
        return self.path[len(S3) :].partition("/")[2] if is_object(self.path) else self.path

    @cached_property
    def file_id(self) -> str:
        """32 hexadecimal digits: the first half of the SHA-256 of the canonical name."""
        return hashlib.sha256(self.canonical.encode("utf-8", "surrogateescape")).hexdigest()[:32]


class PathMap:
    r"""Prefixes of paths and the canonical prefix each stands for. The longest matching prefix wins.

    `\\\\vast\\renders=s3://renders;/mnt/vast/renders=s3://renders` makes one file of an SMB path, an NFS path
    and an S3 key.
    """

    def __init__(self, prefixes: Sequence[tuple[str, str]] = ()) -> None:
        self._prefixes = sorted(((_slashes(a), b) for a, b in prefixes), key=lambda pair: -len(pair[0]))

    @classmethod
    @lru_cache(8)
    def parse(cls, text: str) -> PathMap:
        """Parse `PREFIX=CANONICAL` pairs separated by semicolons. Raises ValueError."""
        pairs = []
        for item in filter(None, (each.strip() for each in text.split(";"))):
            prefix, equals, canonical = (each.strip() for each in item.partition("="))
            if not (prefix and equals and canonical):
                raise ValueError("must be pairs PREFIX=CANONICAL separated by semicolons")
            pairs.append((prefix.rstrip("/\\"), canonical.rstrip("/")))
        return cls(pairs)

    def canonical(self, path: str) -> str:
        """Return the canonical name of a path; the path itself if no prefix matches."""
        plain = _slashes(path)
        for prefix, canonical in self._prefixes:
            if plain == prefix or plain.startswith(f"{prefix}/"):
                return canonical + plain[len(prefix) :]
        return path

    def display(self, canonical: str) -> str:
        """Return the path under which this machine opens a canonical name; the name itself without one."""
        for prefix, target in self._prefixes:
            if _is_native(prefix) and canonical.startswith(f"{target}/"):
                return (prefix + canonical[len(target) :]).replace("/", os.sep)
        return canonical

    def names(self, canonical: str) -> list[str]:
        """Return the names of a file, one for each prefix that stands for it, with its separator."""
        found = [canonical]
        for prefix, target in self._prefixes:
            if canonical.startswith(f"{target}/"):
                name = prefix + canonical[len(target) :]
                found.append(name.replace("/", "\\") if _WINDOWS.match(prefix) else name)
        return sorted(dict.fromkeys(found))


NO_MAP = PathMap()


def is_object(path: str) -> bool:
    """Return whether a path names an S3 object, not a local file."""
    return path.startswith(S3)


def is_exr(path: str) -> bool:
    """Return whether a name ends in `.exr`, in upper or lower case."""
    return path.lower().endswith(SUFFIX)


def object_location(bucket: str, key: str, paths: PathMap = NO_MAP) -> Location:
    """Return the location of an object. Raises InspectorError(BAD_EVENT) if no object can have this name."""
    if not _can_exist(bucket, key):
        raise impossible_name(bucket, key)
    path = f"{S3}{bucket}/{key}"
    return Location(path, paths.canonical(path))


def path_location(path: Any, paths: PathMap = NO_MAP) -> Location:
    """Return the location that a user means: a local path or `s3://bucket/key`, taken literally.

    A Location is returned unchanged. Raises InspectorError(BAD_EVENT) if neither a file system nor an object
    store accepts the path as a name.
    """
    if isinstance(path, Location):
        return path
    if isinstance(path, os.PathLike):
        path = os.fspath(path)
    if not isinstance(path, str):
        raise InspectorError(BAD_EVENT, f"a path must be text, not {type(path).__name__}")
    if is_object(path):
        bucket, _, key = path[len(S3) :].partition("/")
        return object_location(bucket, key, paths)
    if not path or "\0" in path or not _encodes(path, "surrogateescape"):
        raise InspectorError(BAD_EVENT, f"no file can have the path {path[:200]!r}")
    canonical = paths.canonical(path)
    shown = paths.display(canonical)
    if canonical != path and not _is_native(path) and (is_object(shown) or _is_native(shown)):
        return path_location(shown, paths)
    absolute = os.path.abspath(path)  # noqa: PTH100 - text, no file: a link keeps its own name
    return Location(absolute, paths.canonical(absolute))


def stored_name(path: str, paths: PathMap = NO_MAP) -> str:
    """Return the canonical name of a path as it is stored: bytes that are not UTF-8 become escapes."""
    return clean(paths.canonical(path))


def folder_names(name: str, paths: PathMap = NO_MAP) -> tuple[str, ...]:
    """Return what the stored paths of a folder, a bucket or a file begin with, without a slash at the end.

    These are its own name and the canonical one, once if they are equal; that of the root folder is empty.
    Raises InspectorError(BAD_EVENT) as `path_location` does.
    """
    if is_object(name):  # a bucket is the name of no object
        found = (name.rstrip("/"), paths.canonical(name.rstrip("/")))
    else:
        location = path_location(name, paths)
        found = (location.path, location.canonical)
    return tuple(dict.fromkeys(clean(each).rstrip("/") for each in found))


def event_locations(names: Sequence[tuple[str, str]], paths: PathMap = NO_MAP) -> tuple[Location, ...]:
    """Return the possible locations of an object with these `names` (bucket, key), most likely first.

    The result is empty if no name is a possible object name.
    """
    possible = [name for name in _decoded_names(names) if _can_exist(*name)]
    return tuple(object_location(*name, paths) for name in dict.fromkeys(possible))


def impossible_name(bucket: str, key: str) -> InspectorError:
    """Return the refusal of a bucket and key that no object can have."""
    return InspectorError(BAD_EVENT, f"no object can have the name {f'{bucket}/{key}'[:200]!r}")


def may_be_exr(names: Sequence[tuple[str, str]]) -> bool:
    """Return whether one of the keys, raw or decoded, ends in `.exr`, in any case."""
    return any(is_exr(key) for _, key in _decoded_names(names))


def split_element_path(element_path: Any) -> tuple[str, str] | None:
    """Return bucket and key of `<bucket>/<key>`, or None if it is not such text. Keys may hold slashes."""
    if not isinstance(element_path, str):
        return None
    bucket, slash, key = element_path.partition("/")
    return (bucket, key) if slash else None


def _decoded_names(names: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    found = []
    for decode in _DECODINGS:
        for bucket, key in names:
            try:
                found.append((bucket, decode(key)))
            except UnicodeDecodeError:  # the escapes are not UTF-8
                continue
    return found


def _can_exist(bucket: str, key: str) -> bool:
    # A key with a `.` or `..` segment may be resolved on its way, to another bucket's object.
    climbs = {".", ".."}.intersection((bucket, *key.split("/")))
    return bool(_BUCKET.fullmatch(bucket) and key and "\0" not in key and not climbs and _encodes(key))


def _encodes(text: str, errors: str = "strict") -> bool:
    try:
        text.encode("utf-8", errors)
    except UnicodeEncodeError:
        return False
    return True


def _is_native(path: str) -> bool:
    """Return whether this platform opens paths of this form: only Windows opens UNC and drive paths."""
    return bool(_WINDOWS.match(path)) != (os.sep == "/")


def _slashes(path: str) -> str:
    """Return a UNC or drive path with forward slashes; any other path unchanged."""
    return path.replace("\\", "/") if path.startswith("\\\\") or path[1:3] == ":\\" else path
