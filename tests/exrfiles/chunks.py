"""Pixels to chunks, without the part number: coordinates, sizes and (compressed) pixel data.

ZIP is zlib over bytes that were first sorted into even and odd places and then replaced by their
differences; a chunk that does not get smaller is stored as it is.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tests.exrfiles.geometry import Level, Tiling, blocks, tiles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

Pixels = npt.NDArray[Any]


class Plane(NamedTuple):
    """One channel's pixels, shape (rows, columns) after subsampling; float16, float32 or uint32."""

    pixels: Pixels
    x_sampling: int = 1
    y_sampling: int = 1


def scanline_chunks(planes: Sequence[Plane], y_min: int, height: int, compression: str) -> Iterator[bytes]:
    """The scan line blocks of an image whose data window begins at `y_min`; planes in channel order."""
    for first, end in blocks(height, compression):
        data = _packed(_rows(planes, first, end), compression)
        yield struct.pack("<2i", y_min + first, len(data)) + data


def tile_chunks(
    levels: Mapping[Level, Sequence[Pixels]], tiling: Tiling, compression: str
) -> Iterator[bytes]:
    """The tiles of all levels, which are given in the order of the offset table."""
    for level, planes in levels.items():
        height, width = planes[0].shape
        for tile in tiles(level, width, height, tiling):
            cut = [Plane(plane[slice(*tile.rows), slice(*tile.columns)]) for plane in planes]
            data = _packed(_rows(cut, 0, tile.rows[1] - tile.rows[0]), compression)
            yield struct.pack("<5i", tile.x, tile.y, *level, len(data)) + data


def deep_scanline_chunks(
    counts: npt.NDArray[np.int32], samples: Sequence[Pixels], y_min: int, compression: str
) -> Iterator[bytes]:
    """One chunk for each scan line.

    `counts`: samples in each pixel, shape (rows, columns). `samples`: for each channel all its
    samples in one dimension, pixel after pixel, row after row.
    """
    ends = np.cumsum(counts.sum(axis=1))
    for y, (row, end) in enumerate(zip(counts, ends, strict=True)):
        raw = b"".join(channel[end - row.sum() : end].tobytes() for channel in samples)
        table = _packed(np.cumsum(row, dtype=np.int32).tobytes(), compression)
        data = _packed(raw, compression)
        yield struct.pack("<i3Q", y_min + y, len(table), len(data), len(raw)) + table + data


def deep_tile_chunks(
    counts: npt.NDArray[np.int32], samples: Sequence[Pixels], tiling: Tiling, compression: str
) -> Iterator[bytes]:
    """One chunk for each tile of the full image, from what `deep_scanline_chunks` takes.

    In a tile, each line has all samples of one channel, then those of the next.
    """
    height, width = counts.shape
    pixels = [np.split(channel, np.cumsum(counts)[:-1]) for channel in samples]
    for tile in tiles((0, 0), width, height, tiling):
        cut = counts[slice(*tile.rows), slice(*tile.columns)]
        raw = b"".join(
            channel[y * width + x].tobytes()
            for y in range(*tile.rows)
            for channel in pixels
            for x in range(*tile.columns)
        )
        table = _packed(np.cumsum(cut, axis=1, dtype=np.int32).tobytes(), compression)
        data = _packed(raw, compression)
        place = struct.pack("<4i", tile.x, tile.y, 0, 0)
        yield place + struct.pack("<3Q", len(table), len(data), len(raw)) + table + data


def _rows(planes: Sequence[Plane], first: int, end: int) -> bytes:
    """Row by row, channel after channel; a subsampled channel is absent from the rows between.

    Rows count from the top of the data window, whose y is a multiple of every y sampling.
    """
    return b"".join(
        plane.pixels[y // plane.y_sampling].tobytes()
        for y in range(first, end)
        for plane in planes
        if y % plane.y_sampling == 0
    )


def _packed(raw: bytes, compression: str) -> bytes:
    """The smaller of `raw` and its compressed form. KeyError for a method that is not written here."""
    return min(raw, COMPRESSORS[compression](raw), key=len)


def _deflated(raw: bytes) -> bytes:
    values = np.frombuffer(raw, dtype=np.uint8)
    sorted_ = np.concatenate((values[0::2], values[1::2]))
    differences = sorted_.copy()
    differences[1:] = sorted_[1:] - sorted_[:-1] + np.uint8(128)
    return zlib.compress(differences.tobytes())


COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {"none": bytes, "zips": _deflated, "zip": _deflated}
