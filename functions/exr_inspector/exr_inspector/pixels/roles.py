"""What channels are for, as far as their names and the header tell."""

from __future__ import annotations

from typing import NamedTuple

from exr_inspector.exr.cryptomatte import is_matte, stated_names
from exr_inspector.exr.header import Header
from exr_inspector.exr.part_summary import channel_facts
from exr_inspector.pixels.beauty import find_beauty

ALPHA = frozenset(("a", "alpha", "ar", "ag", "ab"))


class Role(NamedTuple):
    """`is_cryptomatte`: its values are ids or their coverage. `is_picture`: it is part of the beauty."""

    is_cryptomatte: bool = False
    is_alpha: bool = False
    is_picture: bool = False


def channel_roles(header: Header) -> dict[tuple[int, str], Role]:
    """Return the role of each channel, by its part's index and its name."""
    mattes = stated_names(header)
    beauty = find_beauty(header)
    found = {}
    for each in channel_facts(header):
        is_cryptomatte = is_matte(each["layer_name"] or "", mattes)
        found[each["part_index"], each["name"]] = Role(
            is_cryptomatte,
            not is_cryptomatte and each["component_name"].lower() in ALPHA,
            beauty is not None and each["part_index"] == beauty.part and each["name"] in beauty.channels,
        )
    return found
