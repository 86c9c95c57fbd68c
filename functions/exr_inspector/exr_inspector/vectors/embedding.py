"""Two vectors of a document, for the question "which renders are like this one?".

`metadata_embedding` sees everything in a header that describes a render; `channel_fingerprint` sees the
channels alone. Neither sees when, where or for whom it was rendered. The cosine of two vectors is the
weighted mean of the cosines of their groups; docs/VECTOR_STRATEGY.md has a worked example and the benchmarks.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from exr_inspector.vectors import channels, features
from exr_inspector.vectors.attributes import PROGRAMS, RELEASES
from exr_inspector.vectors.channels import COMPONENTS, COUNTS, LAYERS, NAMES, PIXELS, PURPOSES, Channels
from exr_inspector.vectors.features import PARTS, REACHES, SIZES
from exr_inspector.vectors.projection import Group, Projection, Sums, Vector
from exr_inspector.vectors.weights import KINDS, PICTURE

EMBEDDING_VERSION: int = 3
"""Raised when the same document gives another vector. Only vectors of one version can be compared."""

# These repeat the words of the reader on purpose. Each word is a dimension, and a word that the reader learns
# must not move the dimensions of stored vectors. A test compares them.
_COMPRESSIONS = "none rle zips zip piz pxr24 b44 b44a dwaa dwab htj2k256 htj2k32 lj2k zstd"
_TYPES = "scanlineimage tiledimage deepscanline deeptile"
COMPRESSIONS = tuple(f"compression {name}" for name in _COMPRESSIONS.split())
TYPES = tuple(f"type {name}" for name in _TYPES.split())

GROUPS = (
    Group("names", 32, 6, 15, "full channel names", NAMES),
    Group("layers", 36, 8, 18, "layers, and the words in their names", LAYERS),
    Group("purposes", 19, 5, 22, "what the layers are for, in any naming scheme", tuple(PURPOSES)),
    Group("components", 18, 2, 14, "components of the channels", COMPONENTS),
    Group("pixels", 7, 4, 12, "pixel types, sampling, pLinear", PIXELS),
    Group("counts", 16, 3, 19, "number of channels and of layers", COUNTS),
    Group(
        "kind",
        len(KINDS) + 1,
        18,
        0,
        "environment map, Cryptomatte, deep, views, layers, picture",
        (*KINDS, PICTURE),
    ),
    Group("storage", 22, 3, 0, "compression, tile size, line order", COMPRESSIONS),
    Group(
        "structure",
        23,
        8,
        0,
        "scan lines, tiles, deep, levels; parts, their names and views",
        TYPES + PARTS,
    ),
    Group("resolution", 43, 8, 0, "display window's size and shape, pixel aspect", SIZES),
    Group("windows", 16, 5, 0, "overscan or crop of the data window, by side", REACHES),
    Group("color", 28, 6, 0, "color space, chromaticities, ACES flag"),
    Group("software", 48, 12, 0, "program and version", tuple(PROGRAMS) + RELEASES),
    Group("camera", 16, 3, 0, "camera, lens, exposure, frame rate"),
    Group("attributes", 28, 5, 0, "names of attributes and their namespaces"),
    Group("values", 20, 4, 0, "values of attributes that are categories"),
)
"""The groups of both vectors. The channel groups come first and have the same slices in both."""

METADATA = Projection(GROUPS, [group.metadata for group in GROUPS])
_OF_CHANNELS = [group for group in GROUPS if group.channels]
CHANNELS = Projection(_OF_CHANNELS, [group.channels for group in _OF_CHANNELS])


MAX_REMEMBERED = 4096
"""Channels of a file whose features are cached."""


class Vectors(NamedTuple):
    """Both vectors of a document, of `EMBEDDING_VERSION`."""

    metadata: Vector
    channels: Vector


class _OfChannels(NamedTuple):
    """The sums of the channels' features, the vector that they make, and the kinds of file they show."""

    sums: Sums
    vector: Vector
    kinds: frozenset[str]


def embed(document: Mapping[str, Any]) -> Vectors:
    """Return both vectors of a document of schema version 1. Documents with equal channels may share one."""
    found = _of_channels(document)
    sums = METADATA.add_up(features.part_features(document["parts"], found.kinds))
    sums[: CHANNELS.size] = found.sums
    return Vectors(METADATA.scale(sums), found.vector)


def _of_channels(document: Mapping[str, Any]) -> _OfChannels:
    seen = channels.seen(document["channels"])
    return _remembered(seen) if len(seen) <= MAX_REMEMBERED else _computed(seen)


@lru_cache(16)
def _remembered(seen: Channels) -> _OfChannels:
    """Return `_computed`, which is the same for the next frames of a sequence."""
    return _computed(seen)


def _computed(seen: Channels) -> _OfChannels:
    weighted = channels.weighted_features(seen)
    sums = CHANNELS.add_up(weighted)
    vector = CHANNELS.scale(sums)
    vector.flags.writeable = False  # it is shared
    return _OfChannels(sums, vector, channels.kinds(weighted))


def metadata_embedding(document: Mapping[str, Any]) -> Vector:
    """Return a vector of all metadata: float32, shape (384,), unit length."""
    return embed(document).metadata


def channel_fingerprint(document: Mapping[str, Any]) -> Vector:
    """Return a vector of the channels: float32, shape (128,), unit length; equal for equal channels."""
    return _of_channels(document).vector
