"""A picture of where two images differ, and how much."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import numpy.typing as npt

from exr_inspector.errors import requires_extra
from exr_inspector.pixels.places import Block, Window

MAX_SIZE = 1024
"""Pixels of the longer side; a larger image is reduced, and each pixel shows the largest difference in it."""
STOPS = 16.0
"""The darkest color that is not black stands for the largest difference divided by 2^16."""

Array = npt.NDArray[Any]


class HeatMap:
    """Collects the largest absolute difference of all channels at each pixel of a window."""

    def __init__(self, pixels: Window) -> None:
        self._pixels = pixels
        self._step = -(-max(pixels.width, pixels.height) // MAX_SIZE)
        self._heat = np.zeros((-(-pixels.height // self._step), -(-pixels.width // self._step)))

    def add(self, block: Block, after: Array) -> None:
        """Add samples of a channel, and those of the other file in the same pixels.

        NaN and infinity count as infinite.
        """
        before = block.samples
        with np.errstate(invalid="ignore"):
            error = np.abs(before.astype(np.float64) - after.astype(np.float64))
        error[(before == after) | (np.isnan(before) & np.isnan(after))] = 0
        error[np.isnan(error)] = np.inf
        rows, columns = np.nonzero(error)
        y = block.lines[rows] - self._pixels.y
        x = block.columns[columns] - self._pixels.x
        np.maximum.at(self._heat, (y // self._step, x // self._step), error[rows, columns])

    def png(self) -> bytes:
        """Return the map as PNG: black is equal, then from blue over red to white, in stops of difference.

        Raises InspectorError(NOT_INSTALLED) without Pillow.
        """
        with requires_extra("pixels"):
            from PIL import Image  # noqa: PLC0415 - an optional library

        finite = self._heat[np.isfinite(self._heat)]
        largest = float(finite.max()) if finite.size and finite.any() else 1.0
        with np.errstate(divide="ignore"):
            level = np.clip(1 + np.log2(self._heat / largest) / STOPS, 0.05, 1)
        level[np.isinf(self._heat)] = 1
        level[self._heat == 0] = 0
        ramp = np.array([(0, 0, 0), (20, 40, 200), (200, 30, 120), (255, 160, 0), (255, 255, 255)])
        stops = np.linspace(0, 1, len(ramp))
        colors = np.stack([np.interp(level, stops, ramp[:, channel]) for channel in range(3)], axis=-1)
        stream = io.BytesIO()
        Image.fromarray(colors.astype(np.uint8)).save(stream, "PNG")
        return stream.getvalue()
