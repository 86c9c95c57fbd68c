"""Two vectors of a document, for the question "which renders are like this one?".

`metadata_embedding` sees everything that says what a render is, `channel_fingerprint` its channels alone.
Neither sees when, where or for whom it ran. The cosine of two vectors is the weighted mean of how alike
the files are in each group below; docs/VECTOR_STRATEGY.md has a worked example and the benchmark.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from exr_inspector.vectors import channels, features
from exr_inspector.vectors.attributes import PROGRAMS
from exr_inspector.vectors.channels import COMPONENTS, COUNTS, PIXELS, PURPOSES
from exr_inspector.vectors.features import SIZES
from exr_inspector.vectors.projection import Group, Sketch, Vector

EMBEDDING_VERSION: int = 2
"""Changes when a vector changes its meaning: when the same document gives another vector."""

# The reader's words, said again: they are dimensions here, and a word that the reader learns must not move
# those of the vectors that are stored. A test compares them.
_COMPRESSIONS = "none rle zips zip piz pxr24 b44 b44a dwaa dwab htj2k256 htj2k32 lj2k zstd"
_TYPES = "scanlineimage tiledimage deepscanline deeptile"
COMPRESSIONS = tuple(f"compression {name}" for name in _COMPRESSIONS.split())
TYPES = tuple(f"type {name}" for name in _TYPES.split())

# The groups of the channels lie at the same places in both, so that a name's are looked up once.
METADATA = Sketch(
    Group("names", 9, 32, "full channel names"),
    Group("layers", 10, 36, "layers, and the words in their names"),
    Group("purposes", 6, 19, "what the layers are for, in any naming scheme", tuple(PURPOSES)),
    Group("components", 3, 18, "components of the channels", COMPONENTS),
    Group("pixels", 5, 7, "pixel types, sampling, pLinear", PIXELS),
    Group("counts", 4, 16, "number of channels and of layers", COUNTS),
    Group("storage", 4, 22, "compression, tile size, levels, line order", COMPRESSIONS),
    Group("structure", 9, 20, "scan lines, tiles or deep; parts, their names and views", TYPES),
    Group("resolution", 10, 54, "display window's size and shape, pixel aspect", SIZES),
    Group("windows", 5, 12, "overscan or crop of the data window, by side"),
    Group("colour", 8, 32, "colour space, chromaticities, ACES flag"),
    Group("software", 13, 48, "program and version", tuple(PROGRAMS)),
    Group("camera", 3, 12, "camera, lens, exposure, frame rate"),
    Group("attributes", 6, 28, "names of attributes and their name spaces"),
    Group("values", 5, 28, "values of attributes that are categories"),
)

CHANNELS = Sketch(
    Group("names", 20, 32, "full channel names"),
    Group("layers", 22, 36, "layers, and the words in their names"),
    Group("purposes", 18, 19, "what the layers are for, in any naming scheme", tuple(PURPOSES)),
    Group("components", 13, 18, "components of the channels", COMPONENTS),
    Group("pixels", 10, 7, "pixel types, sampling, pLinear", PIXELS),
    Group("counts", 17, 16, "number of channels and of layers", COUNTS),
)


class Vectors(NamedTuple):
    """Both vectors of a document, of `EMBEDDING_VERSION`."""

    metadata: Vector
    channels: Vector


def embed(document: Mapping[str, Any]) -> Vectors:
    """Return both vectors of a document."""
    return Vectors(metadata_embedding(document), channel_fingerprint(document))


def metadata_embedding(document: Mapping[str, Any]) -> Vector:
    """What a render is: float32, shape (384,), unit length. The document is of schema version 1."""
    return METADATA.vector(features.bags(document))


def channel_fingerprint(document: Mapping[str, Any]) -> Vector:
    """What channels a render has: float32, shape (128,), unit length; equal for equal channels."""
    return CHANNELS.vector(channels.bags(document["channels"]))
