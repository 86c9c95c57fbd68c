"""Which channels of a file are the picture that people look at.

The rule: of the flat parts, the first in the order of the file of

1. `R`, `G` and `B` without a layer,
2. `Y`, with or without `RY` and `BY`, without a layer,
3. `R`, `G` and `B` of a layer named `rgba`, `rgb`, `beauty`, `combined`, `composite`, `color` or `final`,
4. `R`, `G` and `B` of any other layer,
5. any other channel, except depth and ids,

but never the ranks of a Cryptomatte, which are ids.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from exr_inspector.exr.cryptomatte import is_matte, stated_names
from exr_inspector.exr.header import Header
from exr_inspector.exr.part_summary import channel_facts

BEAUTY_LAYERS = frozenset({"rgba", "rgb", "beauty", "combined", "composite", "color", "final"})
_COLORS = ("r", "g", "b")
_LUMINANCE = ("y", "ry", "by")
_NO_PICTURE = frozenset({"z", "zback", "depth", "depth.z", "id", "a"})


class Beauty(NamedTuple):
    """Channels to look at: red, green and blue; luminance and two chroma differences; or one channel."""

    part: int
    layer: str
    """Empty for the channels without a layer."""
    channels: tuple[str, ...]
    is_luminance_chroma: bool = False


def find_beauty(header: Header, layer: str | None = None) -> Beauty | None:
    """Return the channels to look at, by the rule of this module; of a certain layer if one is named.

    None if no channel is a picture.
    """
    found = [
        (rank, each)
        for rank, each in _candidates(header)
        if layer is None or each.layer.lower() == layer.lower()
    ]
    return min(found, key=lambda pair: pair[0])[1] if found else None


def _candidates(header: Header) -> Iterator[tuple[int, Beauty]]:
    """Yield the rank of each layer by the rule, in the order of the file."""
    layers: dict[tuple[int, str], dict[str, str]] = {}
    for each in channel_facts(header):
        # A channel of a part that is a layer of its own has the same components as one within a layer.
        key = each["part_index"], each["layer_name"] or ""
        layers.setdefault(key, {}).setdefault(each["component_name"].lower(), each["name"])
    mattes = stated_names(header)
    for (index, layer), channels in layers.items():
        is_deep = str(header.parts[index].value("type", "string")).startswith("deep")
        if is_deep or is_matte(layer, mattes):
            continue
        if all(name in channels for name in _COLORS):
            rank = 1 if not layer else 3 if layer.lower().split(".")[-1] in BEAUTY_LAYERS else 4
            yield rank, Beauty(index, layer, tuple(channels[name] for name in _COLORS))
        elif "y" in channels and not layer:
            has_chroma = all(name in channels for name in _LUMINANCE)
            names = _LUMINANCE if has_chroma else _LUMINANCE[:1]
            yield 2, Beauty(index, layer, tuple(channels[name] for name in names), has_chroma)
        elif others := [name for name in channels if name not in _NO_PICTURE]:
            yield 5, Beauty(index, layer, (channels[others[0]],))
