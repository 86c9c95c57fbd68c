"""Frame and sequence in the names of files; layer and component in the names of parts and channels."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

# The last number in front of the extension. A hyphen is a minus sign only behind another separator.
_NUMBER = re.compile(r"((?:^|(?<=[._\- ]))-)?([0-9]{1,9})(?=\.[^.]*$)")
_VERSION = re.compile(r"(?:^|[._\- ])v[0-9]+$", re.IGNORECASE)

# Digits that a number must have to be a frame, by the separator in front of it. Shorter ones are sizes,
# versions and counters: image_2, probe-128.
MIN_DIGITS = {"": 1, ".": 1, "_": 3, " ": 3, "-": 4}
# Behind a dot that follows a digit: a decimal, as in t9.800, unless it is as long as frames are.
MIN_DIGITS_BEHIND_NUMBER = 4

# Names that programs give to parts that have none.
_NO_LAYER = re.compile(r"(?:part|subimage|image|untitled|default)?[ _.-]?[0-9]*$", re.IGNORECASE)


class FileName(NamedTuple):
    """`sequence_key` is the path with its frame's digits replaced as fileseq writes a single file's: a `#`
    for every four, or else an `@` for each. Both are None if the name has no frame.
    """

    frame_number: int | None
    sequence_key: str | None


class ChannelName(NamedTuple):
    layer_name: str | None
    component_name: str


@lru_cache(256)
def split_path(path: str) -> FileName:
    """Return the frame that a path's last element ends in, before its extension, and its sequence."""
    span = frame_span(path)
    if span is None:
        return FileName(None, None)
    start, end = span
    return FileName(int(path[start:end]), path[:start] + padding(end - start) + path[end:])


def frame_span(path: str) -> tuple[int, int] | None:
    """Return where a path's frame is, with its sign; None if it has none.

    As in fileseq, the frame is the last number before the extension, with a minus sign if one follows a
    separator. Unlike in fileseq, the number must also look like a frame (`_is_frame`). The document and the
    rows of a file ask for the same path.
    """
    folder_end = max(path.rfind("/"), path.rfind("\\")) + 1
    name = path[folder_end:]
    found = _NUMBER.search(name)
    if not found or not _is_frame(name[: found.start()], found[1] or "", found[2]):
        return None
    return folder_end + found.start(), folder_end + found.end()


def padding(width: int) -> str:
    """Return how fileseq writes a frame of `width` characters: `#` for every four, or else `@` for each."""
    return "@" * width if width % 4 else "#" * (width // 4)


def _is_frame(before: str, sign: str, digits: str) -> bool:
    """Return whether a number is a frame, by the text in front of it.

    It is if it is the whole name, or if a separator is in front of it and it has as many digits as MIN_DIGITS
    asks for. A signed number behind a hyphen always is. Behind a dot, a number is a decimal if a digit is in
    front of the dot, unless that digit ends a version (v002.101) or the number has four digits and the other
    is not a lone zero (sh010.1001, but not a0.5000). Behind a hyphen, a number ends a date or a range if
    another number is in front of the hyphen (2026-10-1001).
    """
    separator, word = before[-1:], before[:-1]
    if separator not in MIN_DIGITS:
        return False
    if separator == "-" and sign:
        return True
    if separator == "." and word[-1:].isdigit() and not _VERSION.search(word):
        is_lone_zero = word[-1:] == "0" and not word[-2:-1].isdigit()
        return len(digits) >= MIN_DIGITS_BEHIND_NUMBER and not is_lone_zero
    if separator == "-" and re.search(r"(?:^|[._\- ])[0-9]+$", word):
        return False
    return len(digits) >= MIN_DIGITS[separator]


@lru_cache(4096)
def split_channel(name: str) -> ChannelName:
    """Split a channel's name at its last dot.

    A dot at the first or last position makes no layer (OpenEXR, Technical Introduction: "layers").
    """
    layer, dot, component = name.rpartition(".")
    return ChannelName(layer, component) if dot and layer and component else ChannelName(None, name)


def layer_of_part(name: str, views: Iterable[str]) -> str | None:
    """Return the layer that a part's name carries, as `depth` in `depth.left`; None if it carries none.

    A suffix is removed only if it is one of `views`, which attributes declare; a name that is only a view, or
    a name that programs give to parts without one (`subimage00`), carries no layer.
    """
    for view in views:
        if name == view:
            return None
        stem = name.removesuffix(view)
        if view and stem != name and stem[-1] in "._- ":
            name = stem[:-1]
            break
    return None if _NO_LAYER.match(name) else name
