"""What names say: frame and sequence in a file's name, layer and component in a channel's."""

from __future__ import annotations

import re
from typing import NamedTuple

# The last number of the name, set off by a dot, an underscore, a hyphen or a space, or the whole name.
# A minus counts as a sign only behind such a separator: beauty.-0010.exr is frame -10, beauty-0010.exr is 10.
_FRAME = re.compile(r"(?:^|(?<=[._\- ]))(-?)([0-9]{1,9})(?=\.[^.]*$)")


class FileName(NamedTuple):
    """`sequence_key` is the path with its frame's digits replaced as fileseq writes one file's: a `#` for
    every four, or else an `@` for every one. It is None where the name has no frame.
    """

    frame_number: int | None
    sequence_key: str | None


class ChannelName(NamedTuple):
    layer_name: str | None
    component_name: str


def split_path(path: str) -> FileName:
    """The frame that a path's last element ends in, before its extension, and the sequence it belongs to."""
    folder_end = max(path.rfind("/"), path.rfind("\\")) + 1
    found = _FRAME.search(path[folder_end:])
    if not found:
        return FileName(None, None)
    sign, digits = found.groups()
    width = len(sign + digits)
    padding = "@" * width if width % 4 else "#" * (width // 4)
    start, end = folder_end + found.start(), folder_end + found.end()
    return FileName(int(sign + digits), path[:start] + padding + path[end:])


def split_channel(name: str) -> ChannelName:
    """Split at the last dot. One at the first or last position makes no layer (OpenEXR, Technical
    Introduction: "layers").
    """
    layer, dot, component = name.rpartition(".")
    return ChannelName(layer, component) if dot and layer and component else ChannelName(None, name)
