"""Parts from pixel arrays: scan lines, tiles with levels, deep scan lines, deep tiles.

Attributes that the caller gives stand beside or instead of those worked out here, all in the order
of their names, as the OpenEXR library writes them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from tests.exrfiles.attributes import Attribute, Channel, attribute
from tests.exrfiles.chunks import (
    Pixels,
    Plane,
    deep_scanline_chunks,
    deep_tile_chunks,
    scanline_chunks,
    tile_chunks,
)
from tests.exrfiles.writer import Part

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tests.exrfiles.geometry import Level, Tiling

PIXEL_TYPE_OF = {np.dtype(np.uint32): "uint", np.dtype(np.float16): "half", np.dtype(np.float32): "float"}

Origin = tuple[int, int]


def scanline(
    pixels: Mapping[str, Pixels],
    attributes: Iterable[Attribute] = (),
    *,
    compression: str = "zip",
    line_order: str = "increasingY",
    origin: Origin = (0, 0),
    sampling: Mapping[str, tuple[int, int]] | None = None,
) -> Part:
    """A scan line part. `sampling`: (x, y) for channels where it is not 1; `origin`: of the data window."""
    steps = sampling or {}
    planes = {name: Plane(pixels[name], *steps.get(name, (1, 1))) for name in sorted(pixels)}
    one = next(iter(planes.values()))
    height, width = one.pixels.shape[0] * one.y_sampling, one.pixels.shape[1] * one.x_sampling
    chunks = tuple(scanline_chunks(list(planes.values()), origin[1], height, compression))
    base = [
        *_base(planes, (width, height), origin, compression),
        attribute("lineOrder", "lineOrder", line_order),
    ]
    backwards = tuple(reversed(range(len(chunks)))) if line_order == "decreasingY" else None
    return Part(_finished(base, attributes, "scanlineimage", len(chunks)), chunks, backwards)


def tiled(
    levels: Mapping[Level, Mapping[str, Pixels]],
    tiling: Tiling,
    attributes: Iterable[Attribute] = (),
    *,
    compression: str = "zip",
    origin: Origin = (0, 0),
) -> Part:
    """A tiled part from the pixels of each of its levels; a level is (x, y), the full image (0, 0)."""
    order = sorted(levels, key=lambda level: level[::-1])
    names = sorted(levels[0, 0])
    pixels = {level: [levels[level][name] for name in names] for level in order}
    height, width = pixels[0, 0][0].shape
    planes = {name: Plane(plane) for name, plane in zip(names, pixels[0, 0], strict=True)}
    chunks = tuple(tile_chunks(pixels, tiling, compression))
    base = [*_base(planes, (width, height), origin, compression), attribute("tiles", "tiledesc", tiling)]
    return Part(_finished(base, attributes, "tiledimage", len(chunks)), chunks)


def deep_scanline(
    counts: npt.NDArray[np.int32],
    samples: Mapping[str, Pixels],
    attributes: Iterable[Attribute] = (),
    *,
    compression: str = "zips",
    origin: Origin = (0, 0),
) -> Part:
    """A deep part. `counts`: samples of each pixel; `samples`: all of a channel's, pixel after pixel."""
    in_order = [samples[name] for name in sorted(samples)]
    chunks = tuple(deep_scanline_chunks(counts, in_order, origin[1], compression))
    base = _deep_base(counts, samples, origin, compression)
    return Part(_finished(base, attributes, "deepscanline", len(chunks)), chunks)


def deep_tiled(
    counts: npt.NDArray[np.int32],
    samples: Mapping[str, Pixels],
    tiling: Tiling,
    attributes: Iterable[Attribute] = (),
    *,
    compression: str = "zips",
    origin: Origin = (0, 0),
) -> Part:
    """A deep part of one level in tiles, from what `deep_scanline` takes."""
    in_order = [samples[name] for name in sorted(samples)]
    chunks = tuple(deep_tile_chunks(counts, in_order, tiling, compression))
    base = [*_deep_base(counts, samples, origin, compression), attribute("tiles", "tiledesc", tiling)]
    return Part(_finished(base, attributes, "deeptile", len(chunks)), chunks)


def _deep_base(
    counts: npt.NDArray[np.int32], samples: Mapping[str, Pixels], origin: Origin, compression: str
) -> list[Attribute]:
    planes = {name: Plane(samples[name]) for name in sorted(samples)}
    return [
        *_base(planes, (counts.shape[1], counts.shape[0]), origin, compression),
        attribute("maxSamplesPerPixel", "int", int(counts.max())),
        attribute("version", "int", 1),
    ]


def _base(
    planes: Mapping[str, Plane], size: tuple[int, int], origin: Origin, compression: str
) -> list[Attribute]:
    """What every header must have, with a display window equal to the data window."""
    (x, y), (width, height) = origin, size
    window = (x, y, x + width - 1, y + height - 1)
    return [
        attribute("channels", "chlist", [_channel(name, plane) for name, plane in planes.items()]),
        attribute("compression", "compression", compression),
        attribute("dataWindow", "box2i", window),
        attribute("displayWindow", "box2i", window),
        attribute("lineOrder", "lineOrder", "increasingY"),
        attribute("pixelAspectRatio", "float", 1.0),
        attribute("screenWindowCenter", "v2f", (0.0, 0.0)),
        attribute("screenWindowWidth", "float", 1.0),
    ]


def _channel(name: str, plane: Plane) -> Channel:
    return Channel(
        name, PIXEL_TYPE_OF[plane.pixels.dtype], x_sampling=plane.x_sampling, y_sampling=plane.y_sampling
    )


def _finished(
    base: Iterable[Attribute], given: Iterable[Attribute], type_: str, chunk_count: int
) -> tuple[Attribute, ...]:
    """All attributes by name; a named part and a deep one also state type and number of chunks."""
    found = {each.name: each for each in (*base, *given)}
    if b"name" in found or type_.startswith("deep"):
        stated = (attribute("type", "string", type_), attribute("chunkCount", "int", chunk_count))
        found = {each.name: each for each in stated} | found
    return tuple(found[name] for name in sorted(found))
