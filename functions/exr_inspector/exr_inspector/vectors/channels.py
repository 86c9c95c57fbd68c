"""What a file's channels tell, whichever parts they lie in."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from operator import itemgetter
from typing import Any

from exr_inspector.vectors.attributes import LOWER
from exr_inspector.vectors.numbers import magnitude, octave_bin

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

_WORD = re.compile("[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[^\x00-\x7f]+|\n")
_NAME, _LAYER, _COMPONENT = itemgetter("name"), itemgetter("layer_name"), itemgetter("component_name")
_TYPE, _SAMPLED = itemgetter("type"), itemgetter("x_sampling", "y_sampling", "p_linear")


def bags(channels: Sequence[Mapping[str, Any]]) -> Bags:
    """The features of the channels of a document."""
    layers = frozenset(layer or "" for layer in map(_LAYER, channels))
    words, purposes = _told(layers)
    counted = magnitude("channels", min(len(channels), 256), 1), magnitude("layers", min(len(layers), 64), 1)
    return {
        "names": dict.fromkeys(map(_NAME, channels), 1.0),
        "layers": dict.fromkeys(layers, 3.0) | words,
        "purposes": _dampened(purposes),
        "components": _dampened(Counter(map(_COMPONENT, channels))),
        "pixels": _dampened(_pixels(channels)),
        "counts": dict(chain.from_iterable(counted)),
    }


def _dampened(counts: Mapping[str, int]) -> dict[str, float]:
    """Weights that grow by one when a number doubles: 1, 2-3, 4-7, 8-15, ..."""
    return {feature: float(count.bit_length()) for feature, count in counts.items()}


def _pixels(channels: Sequence[Mapping[str, Any]]) -> Counter[str]:
    told = Counter(map(_TYPE, channels))
    for (x, y, linear), count in Counter(map(_SAMPLED, channels)).items():
        if x != 1 or y != 1:
            told[f"every {x} by {y}"] += count
        if linear:
            told["perceptually linear"] += count
    return told


@lru_cache(16)
def _told(layers: frozenset[str]) -> tuple[dict[str, int], dict[str, int]]:
    """What the layers' names say: how often each word, and how many layers each purpose.

    Remembered, as both vectors of a file ask for it, and so do those of the sequence's next frame.
    """
    text = _text(layers)
    words = Counter(text.split(" "))
    del words[""], words["\n"]
    purposes = _purposes(text)
    purposes["beauty"] += "" in layers
    return {f"~{word}": count for word, count in words.items()}, +purposes


def _text(layers: Iterable[str]) -> str:
    """A line for each layer: its words between spaces, for `specularDirect` as for `specular_direct`."""
    words = " ".join(_WORD.findall("\n".join(layers)))
    return f" {words} ".translate(LOWER)


def _purposes(text: str) -> Counter[str]:
    """How many lines have a look of each purpose. Most looks are in none, as one search of all tells."""
    lines = text.split("\n")
    found: Counter[str] = Counter()
    for purpose, looks in PURPOSES.items():
        others = lines
        for look in looks:
            if look in text:
                others = [line for line in others if look not in line]
        found[purpose] = len(lines) - len(others)
    return found
