"""Decode deep chunks that are stored raw, or packed by RLE or zlib, into flat arrays.

The OpenEXR module makes one Python object for each pixel, which takes microseconds; this takes one array for
each channel and line. See "OpenEXR File Layout" (deep data) and ImfZip.cpp and ImfRle.cpp for the packing.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from itertools import chain
from struct import Struct
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

_SIZES = Struct("<3q")

Array = npt.NDArray[Any]


class DeepChunks(NamedTuple):
    """Where the chunks of a stitched deep file are, which follow one another.

    `has_samples`: whether the chunks are whole, or have only the sample counts. `first`: the byte at which
    the first begins. `width` and `heights`: pixels of each chunk. `types`: numpy types of all channels, in
    the order of the samples.
    """

    compression: str
    is_tiled: bool
    has_samples: bool
    first: int
    width: int
    heights: list[int]
    types: list[str]

    def decode(self, file: bytes, planes: list[int]) -> list[Array]:
        """Return the counts of all pixels, then the samples of the channels in `planes`, line by line.

        Scan lines lie below each other, and tiles side by side. Raises ValueError if a chunk is not valid.
        """
        sizes = [np.dtype(each).itemsize for each in self.types]
        starts = [sum(sizes[:plane]) for plane in planes]
        counts: list[Array] = []
        chunks: list[list[list[Array]]] = []  # of each chunk and line, the samples of each plane
        for index, (table, data, unpacked) in enumerate(self._chunks(file)):
            ends = self._ends(table, self.heights[index])
            counts.append(np.diff(ends, axis=1, prepend=0).astype("<u4"))
            lengths = ends[:, -1].tolist()
            if sum(lengths) * sum(sizes) != unpacked:
                raise ValueError(f"{sum(lengths)} samples do not have {unpacked} bytes")
            if not self.has_samples:
                continue
            samples = self._unpack(data, unpacked)
            chunks.append([])
            position = 0
            for length in lengths:
                chunks[-1].append(
                    [
                        np.frombuffer(samples, self.types[plane], length, position + length * start)
                        for plane, start in zip(planes, starts, strict=True)
                    ]
                )
                position += length * sum(sizes)
        lines = chain(*(zip(*chunks, strict=True) if self.is_tiled else chunks))
        pixels = np.concatenate(counts, axis=int(self.is_tiled))
        return [pixels.ravel(), *(np.concatenate(each) for each in zip(*lines, strict=True))]

    def _chunks(self, file: bytes) -> Iterator[tuple[bytes, bytes, int]]:
        """Yield the packed table and samples of each chunk, and the size of the unpacked samples."""
        end = self.first
        for _ in self.heights:
            sizes = end + (16 if self.is_tiled else 4)
            table, data, unpacked = _SIZES.unpack_from(file, sizes)
            start = sizes + _SIZES.size
            end = start + table + data
            yield file[start : start + table], file[start + table : end], unpacked

    def _ends(self, table: bytes, height: int) -> Array:
        """Return the running sum of the counts in each line."""
        size = 4 * self.width * height
        # OpenImageIO stores the counts of a whole tile at the edges; those of the image come first.
        raw = table[:size] if self.compression == "none" else self._unpack(table, size)
        if len(raw) < size:
            raise ValueError("the table of sample counts is too short")
        ends = np.frombuffer(raw, "<i4").reshape(height, self.width).astype(np.int64)
        if (np.diff(ends, axis=1, prepend=0) < 0).any():
            raise ValueError("a pixel has fewer than 0 samples")
        return ends

    def _unpack(self, data: bytes, size: int) -> bytes:
        """Return `size` bytes. Data that packing would not make smaller are stored as they are."""
        if len(data) == size:
            return data
        if self.compression == "none":
            raise ValueError(f"the chunk has {len(data)} bytes instead of {size}")
        raw = _unpack_runs(data, size) if self.compression == "rle" else _inflate(data, size)
        if len(raw) != size:
            raise ValueError(f"the chunk unpacks to another size than {size} bytes")
        return _unpredict(raw)


def _inflate(data: bytes, size: int) -> bytes:
    inflater = zlib.decompressobj()
    try:
        raw = inflater.decompress(data, size + 1)
    except zlib.error as error:
        raise ValueError(str(error)) from None
    return raw


def _unpack_runs(data: bytes, size: int) -> bytes:
    """Undo run-length packing: a negative length precedes literal bytes, another precedes a repeated byte."""
    pieces = []
    position = held = 0
    while position < len(data) and held <= size:
        length = data[position]
        if length > 127:
            length = 256 - length
            pieces.append(data[position + 1 : position + 1 + length])
            position += 1 + length
        else:
            length += 1
            pieces.append(data[position + 1 : position + 2] * length)
            position += 2
        held += length
    return b"".join(pieces)


def _unpredict(raw: bytes) -> bytes:
    """Undo the differences between bytes, each plus 128, and the split into even and odd bytes."""
    summed = np.cumsum(np.frombuffer(raw, np.uint8), dtype=np.uint8)
    summed[1::2] ^= 0x80
    result = np.empty_like(summed)
    half = (len(summed) + 1) // 2
    result[::2], result[1::2] = summed[:half], summed[half:]
    return result.tobytes()
