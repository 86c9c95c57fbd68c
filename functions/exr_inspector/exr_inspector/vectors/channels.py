"""The features of a file's channels, whichever parts they are in."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import chain
from operator import itemgetter
from typing import Any

from exr_inspector.vectors.numbers import LOWER, bins, magnitude
from exr_inspector.vectors.weights import WEIGHTS

WeightedFeatures = dict[str, dict[str, float]]
"""Group -> feature -> weight within the group, a positive number."""

PURPOSES = {
    "beauty": ("beauty", "combined ", " rgba", " ci "),
    "diffuse": ("diff",),
    "specular": ("specular", " spec ", "gloss", "refl"),
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
"""What a layer is for -> patterns in the words of its name; a space marks the edge of a word."""

MAIN_LAYERS = ("", "rgba", "RGBA", "rgb", "RGB")
"""Names of the layer that holds the image itself. Parts are named so, and channels of no layer are in it."""

COMPONENTS = tuple("RGBAXYZrgbaxyz")
PIXELS = ("half", "float", "uint")
CHROMA = "RY"
"""The component that only luminance-chroma images have."""
NAMES = ("R", "G", "B", "A")
"""The full channel names that nearly every file has."""
LAYERS = ("", "~diffuse", "~specular", "~direct")
"""The main layer and the words that most layered renders share."""

MAX_CHANNELS, MAX_LAYERS = 256, 64
"""Larger counts are not distinguished."""
COUNTS = (
    *bins("channels", range(MAX_CHANNELS.bit_length())),
    *bins("layers", range(MAX_LAYERS.bit_length())),
)

_WORD = re.compile("[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[^\x00-\x7f]+|\n")
_FIELDS = itemgetter("layer_name", "component_name", "type", "x_sampling", "y_sampling", "p_linear")

Channels = tuple[tuple[Any, ...], ...]
"""The features of a file's channels: layer, component, type, sampling and pLinear of each."""


def seen(channels: Sequence[Mapping[str, Any]]) -> Channels:
    """Return what the vectors see of a document's channels."""
    return tuple(map(_FIELDS, channels))


def weighted_features(channels: Channels) -> WeightedFeatures:
    """Return the features of channels.

    A channel's full name is made of its layer and component, so that a layer that is a part of its own gives
    the features of the same layer in one part with others.
    """
    layers, components, types, *samplings = zip(*channels, strict=True) if channels else [()] * 6
    prefixes = {layer: "" if not layer or layer in MAIN_LAYERS else f"{layer}." for layer in set(layers)}
    names = [prefixes[layer] + component for layer, component in zip(layers, components, strict=True)]
    distinct = frozenset(prefix[:-1] for prefix in prefixes.values())
    pixels = Counter(types)
    for (x, y, linear), count in Counter(zip(*samplings, strict=True)).items():
        if x != 1 or y != 1:
            pixels[f"every {x} by {y}"] += count
        if linear:
            pixels["perceptually linear"] += count
    words, purposes = _words_and_purposes(distinct)
    counts = (
        magnitude("channels", min(len(channels), MAX_CHANNELS)),
        magnitude("layers", min(len(distinct), MAX_LAYERS)),
    )
    return {
        "names": dict.fromkeys(names, 1.0),
        "layers": dict.fromkeys(distinct, WEIGHTS["layer"]) | words,
        "purposes": _dampened(purposes),
        "components": _dampened(Counter(components)),
        "pixels": _dampened(pixels),
        "counts": dict(chain.from_iterable(counts)),
    }


def kinds(features: WeightedFeatures) -> frozenset[str]:
    """Return the kinds of file that the features of its channels show."""
    found = set()
    if CHROMA in features["components"]:
        found.add("chroma")
    if any("crypto" in layer.translate(LOWER) for layer in features["layers"]):
        found.add("cryptomatte")
    if features["layers"].keys() - {""}:
        found.add("layers")
    elif len(features["names"]) == 1:
        found.add("one channel")
    return frozenset(found)


def _dampened(counts: Mapping[str, int]) -> dict[str, float]:
    """Return weights that grow by one when a count doubles: 1, 2-3, 4-7, 8-15, ..."""
    return {feature: float(count.bit_length()) for feature, count in counts.items()}


@lru_cache(16)
def _words_and_purposes(layers: frozenset[str]) -> tuple[dict[str, float], Counter[str]]:
    """Return the weight of each word in the layers' names, and the number of layers for each purpose.

    The cache serves the next frames of a sequence, whose layers are the same.
    """
    # One line for each layer, its words between spaces: specularDirect and specular_direct give the same.
    joined = " ".join(_WORD.findall("\n".join(layers)))
    text = f" {joined} ".translate(LOWER)
    words = Counter(text.split(" "))
    del words[""], words["\n"]
    purposes = _purposes(text)
    purposes["beauty"] += "" in layers
    return {f"~{word}": WEIGHTS["word of a layer"] * count for word, count in words.items()}, +purposes


def _purposes(text: str) -> Counter[str]:
    """Return the number of lines with a pattern of each purpose; a search of the whole text excludes most."""
    lines = text.split("\n")
    found: Counter[str] = Counter()
    for purpose, patterns in PURPOSES.items():
        others = lines
        for pattern in patterns:
            if pattern in text:
                others = [line for line in others if pattern not in line]
        found[purpose] = len(lines) - len(others)
    return found
