"""What a picture looks like, as a unit vector of 64 numbers: where light and color are, and how much light.

The picture is divided into 4 x 4 cells.

- 16 numbers are the luminance of the cells, in stops above or below middle gray, 0.18;
- 32 are the color of the cells: the square roots of the shares of red and of blue, less those of gray;
- 16 are the square roots of the shares of pixels whose luminance is in a bin; bins are one stop apart.

docs/VECTOR_STRATEGY.md explains the choice.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from exr_inspector.vectors.projection import Group, Projection

LOOK_VERSION: int = 1
"""Raised when the same picture gives another vector. Only vectors of one version can be compared."""
GROUPS = (
    Group("light", 16, 0, 0, "luminance of 4 x 4 cells"),
    Group("color", 32, 0, 0, "red and blue of 4 x 4 cells"),
    Group("histogram", 16, 0, 0, "shares of pixels by luminance"),
)
"""The slices of the vector, for explanations. They have no fixed weights."""
LOOK = Projection(GROUPS, [0] * len(GROUPS))
SIZE = LOOK.size
CELLS = 4
BINS = 16
DARKEST, BRIGHTEST = -10.0, 5.0
"""Luminance of the first and the last bin, in stops from 1. Values beyond count as these."""

# With these, cells that differ by two stops, or have muted colors, count about as much as the histogram.
_STOPS, _COLOR = 1 / 8, 0.4
_GRAY, _MAX_STOPS = -2.5, 4.0
# So that a firefly does not change its cell.
_MAX_LIGHT = 4.0
_LUMINANCE = np.array((0.2126, 0.7152, 0.0722))

Array = npt.NDArray[Any]


def look_vector(rgb: Array) -> npt.NDArray[np.float32]:
    """Return the vector of a picture, float32, shape (64,), unit length.

    `rgb` is linear Rec. 709, finite, of shape (3, rows, columns). Results are rounded to whole steps before
    they are scaled, so that the last bits of a mean do not show.
    """
    light = np.maximum(rgb.astype(np.float64), 0)
    pixels = _stops(np.tensordot(_LUMINANCE, light, 1))
    cells = np.stack([_cell_means(plane) for plane in np.minimum(light, _MAX_LIGHT)])
    stops = _stops(np.tensordot(_LUMINANCE, cells, 1))
    total = cells.sum(axis=0) + 2.0 ** (DARKEST + 2)
    shares = (cells[[0, 2]] - cells.mean(axis=0)) / total
    pieces = [
        _rounded(np.clip(stops - _GRAY, -_MAX_STOPS, _MAX_STOPS), 64) * _STOPS,
        np.sign(shares) * np.sqrt(_rounded(np.abs(shares), 256)) * _COLOR,
        np.sqrt(_rounded(_histogram(pixels), 4096)),
    ]
    vector = np.concatenate([piece.ravel() for piece in pieces])
    found: npt.NDArray[np.float32] = (vector / np.sqrt(np.square(vector).sum())).astype(np.float32)
    return found


def _cell_means(plane: Array) -> Array:
    """Return the means of the cells; those of a plane with fewer rows or columns share them."""
    for axis in (0, 1):
        length = plane.shape[axis]
        ends = [(length * cell // CELLS, -(-length * (cell + 1) // CELLS)) for cell in range(CELLS)]
        means = [plane.take(range(low, high), axis).mean(axis=axis) for low, high in ends]
        plane = np.stack(means, axis=axis)
    return plane


def _stops(luminance: Array) -> Array:
    found: Array = np.clip(np.log2(np.maximum(luminance, 2.0**DARKEST)), DARKEST, BRIGHTEST)
    return found


def _histogram(stops: Array) -> Array:
    """Return the share of each bin; a value between two bins is divided among them."""
    places = (stops - DARKEST).ravel()
    lower = np.minimum(places.astype(np.int64), BINS - 2)
    part = places - lower
    counts = np.bincount(lower, 1 - part, BINS) + np.bincount(lower + 1, part, BINS)
    return counts / places.size


def _rounded(values: Array, steps: int) -> Array:
    found: Array = np.rint(values * steps) / steps
    return found
