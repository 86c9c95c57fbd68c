"""Uncompressed chunks, which need no decoder.

Each line of a chunk has all samples of one channel, then those of the next, sorted by name (OpenEXR File
Layout).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np
import numpy.typing as npt

from exr_inspector.exr.layout import Layout
from exr_inspector.pixels.decode import DecodeError
from exr_inspector.pixels.stitch import RawChunk


def is_raw(layout: Layout) -> bool:
    """Return whether `raw_planes` decodes a part: flat, uncompressed, with equally long lines."""
    rows = {each.y_sampling for each in layout.channels or ()}
    return layout.compression == "none" and not layout.is_deep and rows == {1}


def raw_planes(
    chunks: Sequence[RawChunk], types: Sequence[str], widths: Sequence[int], wanted: Sequence[int]
) -> list[npt.NDArray[Any]]:
    """Return the samples of the channels at the positions `wanted`, as the decoder would.

    `types` and `widths` have the numpy type and the samples in a line of every channel, sorted by name.
    Scan lines come one below the other, tiles, which must have the same size, side by side. Raises
    DecodeError if a chunk has another size than its lines.
    """
    lengths = [np.dtype(type_).itemsize * width for type_, width in zip(types, widths, strict=True)]
    starts = [0, *accumulate(lengths)]
    if any(len(each.data) != each.pixels.height * starts[-1] for each in chunks):
        raise DecodeError("an uncompressed chunk has another size than its samples")
    is_tiled = len(chunks[0].pixels.coordinates) > 1
    tiles = len(chunks) if is_tiled else 1
    lines = np.frombuffer(b"".join(each.data for each in chunks), np.uint8).reshape(tiles, -1, starts[-1])
    found = []
    for index in wanted:
        samples = lines[:, :, starts[index] : starts[index] + lengths[index]]
        rows = samples.transpose(1, 0, 2).reshape(lines.shape[1], -1)
        found.append(np.ascontiguousarray(rows).view(types[index]))
    return found
