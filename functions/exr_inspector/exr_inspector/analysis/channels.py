"""What a file's channels tell, whichever parts they lie in."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import chain
from operator import itemgetter
from typing import Any

from exr_inspector.analysis.attributes import LOWER
from exr_inspector.analysis.numbers import magnitude, octave_bin

Bags = dict[str, dict[str, float]]
"""Group -> feature -> weight within the group, a positive number."""

PURPOSES = {
    "beauty": ("beauty", "combined ", " rgba", " ci "),
    "diffuse": ("diff",),
    "specular": ("spec", "gloss", "refl"),
    "transmission": ("trans", "refr"),
    "subsurface": ("sss", "subsurf", "sub surf"),
    "emission": ("emi", "incand", "illum "),
    "volume": ("volum", "atmos", "fog"),
    "direct": (" dir",),
    "indirect": (" ind", " gi ", "global illum"),
    "albedo": ("albedo", "filter", " col "),
    "light": ("light", " key ", " fill ", " rim ", " dome ", " sky ", " env"),
    "shadow": ("shad",),
    "occlusion": ("occl", " ao "),
    "depth": ("depth", " z "),
    "normal": ("norm", " n ", " nn "),
    "position": ("posit", "world", " p "),
    "motion": ("motion", "veloc", "vector", "pdtime", "forward", "backward"),
    "coordinates": ("uv", " st "),
    "matte": ("crypto", "matte", "mask", " id "),
}
"""What a layer is for, and how naming schemes say so in its words; a space is the edge of a word."""

COMPONENTS = tuple("RGBAXYZrgbaxyz")
PIXELS = ("half", "float", "uint")
COUNTS = tuple(
    octave_bin(what, 1, octave) for what, most in (("channels", 9), ("layers", 7)) for octave in range(most)
)
"""Counts by their octave: 256 channels or 64 layers and more are alike."""

_LOOKS = tuple((look, purpose) for purpose, looks in PURPOSES.items() for look in looks)
_WORD = re.compile("[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[^\x00-\x7f]+")
_NAME, _LAYER, _COMPONENT = itemgetter("name"), itemgetter("layer_name"), itemgetter("component_name")
_TYPE, _SAMPLING = itemgetter("type"), itemgetter("x_sampling", "y_sampling")


def bags(channels: Sequence[Mapping[str, Any]]) -> Bags:
    """The features of the channels of a document."""
    layers = {layer or "" for layer in map(_LAYER, channels)}
    counted = magnitude("channels", min(len(channels), 256), 1), magnitude("layers", min(len(layers), 64), 1)
    return {
        "names": dict.fromkeys(map(_NAME, channels), 1.0),
        "layers": dict.fromkeys(layers, 3.0) | Counter(chain.from_iterable(map(_words, layers))),
        "purposes": _dampened(Counter(chain.from_iterable(map(_purposes, layers)))),
        "components": _dampened(Counter(map(_COMPONENT, channels))),
        "pixels": _dampened(_pixels(channels)),
        "counts": dict(chain.from_iterable(counted)),
    }


def _dampened(counts: Mapping[str, int]) -> dict[str, float]:
    """Weights that grow by one when a number doubles: 1, 2-3, 4-7, 8-15, ..."""
    return {feature: float(count.bit_length()) for feature, count in counts.items()}


def _pixels(channels: Sequence[Mapping[str, Any]]) -> Counter[str]:
    told = Counter(map(_TYPE, channels))
    told.update(f"every {x} by {y}" for x, y in map(_SAMPLING, channels) if x != 1 or y != 1)
    told.update("perceptually linear" for channel in channels if channel["p_linear"])
    return told


@lru_cache(4096)
def _words(layer: str) -> tuple[str, ...]:
    """`specular_direct`, `specularDirect` and `directSpecular` have two words in common."""
    return tuple(f"~{word.translate(LOWER)}" for word in _WORD.findall(layer))


@lru_cache(4096)
def _purposes(layer: str) -> frozenset[str]:
    if not layer:
        return frozenset({"beauty"})
    words = f" {' '.join(_words(layer))} ".replace("~", "")
    return frozenset(purpose for look, purpose in _LOOKS if look in words)
