"""From the colors of a file to linear Rec. 709, as far as the file states its own.

Sources: the Color Interop Forum's "Color Space Encodings" (names), SMPTE ST 2065-1 and S-2014-004 (AP0, AP1),
ITU-R BT.709 and BT.2020, IEC 61966-2-1 (sRGB), Adobe RGB (1998), and Lindbloom (Bradford adaptation).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from exr_inspector.exr.header import Part
from exr_inspector.exr.provenance import color_space

Array = npt.NDArray[Any]
Point = tuple[float, float]
Primaries = tuple[Point, Point, Point, Point]
"""Chromaticities x, y of red, green, blue and white."""

_D65, _ACES_WHITE = (0.3127, 0.3290), (0.32168, 0.33767)
REC709: Primaries = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06), _D65)
PRIMARIES: dict[str, Primaries] = {
    "rec709": REC709,
    "ap0": ((0.7347, 0.2653), (0.0, 1.0), (0.0001, -0.0770), _ACES_WHITE),
    "ap1": ((0.713, 0.293), (0.165, 0.830), (0.128, 0.044), _ACES_WHITE),
    "rec2020": ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046), _D65),
    "p3d65": ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), _D65),
    "adobergb": ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06), _D65),
    "ciexyzd65": ((1.0, 0.0), (0.0, 1.0), (0.0, 0.0), _D65),
}
ALIASES = {"scene_linear": "lin_rec709_scene", "acescg": "lin_ap1_scene", "aces2065-1": "lin_ap0_scene"}
ASSUMED = "assumed Rec. 709"
LUMINANCE = (0.2126, 0.7152, 0.0722)
"""The weights of linear Rec. 709 red, green and blue."""

_NAME = re.compile(r"(lin|srgb|g[0-9]{2})_([a-z0-9]+)(?:_(?:scene|display))?")
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])


class Colors(NamedTuple):
    """How the colors of a part become linear Rec. 709. `label` says what this is based on."""

    label: str
    matrix: Array
    """Shape (3, 3), from linear RGB."""
    curve: str = "lin"
    """`lin`, `srgb`, or `g22` for a gamma of 2.2."""
    luminance: tuple[float, float, float] = LUMINANCE
    """The weights of red, green and blue in the luminance of luminance-chroma images."""

    def convert(self, rgb: Array) -> Array:
        """Return finite colors, shape (3, rows, columns), as linear Rec. 709; they may be negative."""
        with np.errstate(over="ignore"):
            return np.tensordot(self.matrix, _CURVES[self.curve[0]](rgb, self.curve), 1)


def colors_of(part: Part) -> Colors:
    """Return how to read the colors of a part.

    A color space that is named as the Color Interop Forum does comes first, then the chromaticities; if the
    part states neither, Rec. 709 is assumed.
    """
    name = color_space(part).value or ""
    found = _NAME.fullmatch(ALIASES.get(name.lower(), name.lower()))
    if found and found[2] in PRIMARIES:
        return Colors(name, _to_rec709(PRIMARIES[found[2]]), found[1])
    stated = part.value("chromaticities", "chromaticities")
    primaries = _primaries(stated) if stated else None
    if primaries is not None:
        weights = _to_xyz(primaries)[1]
        matrix = _to_rec709(primaries)
        return Colors("chromaticities", matrix, luminance=(weights[0], weights[1], weights[2]))
    return Colors(ASSUMED, np.eye(3))


def _primaries(stated: Any) -> Primaries | None:
    """Return the values of an attribute; None if they are not valid primaries."""
    try:
        points = [(float(stated[each]["x"]), float(stated[each]["y"])) for each in _POINTS]
        matrix = _to_xyz((points[0], points[1], points[2], points[3]))
    except (KeyError, TypeError, ValueError, ZeroDivisionError, np.linalg.LinAlgError):
        return None
    is_usable = np.isfinite(matrix).all() and abs(np.linalg.det(matrix)) > 1e-6
    return (points[0], points[1], points[2], points[3]) if is_usable else None


_POINTS = ("red", "green", "blue", "white")


def _to_xyz(primaries: Primaries) -> Array:
    """Return the matrix from linear RGB to XYZ. Raises LinAlgError, ZeroDivisionError."""
    red, green, blue, white = primaries
    columns = np.array([(x, y, 1 - x - y) for x, y in (red, green, blue)]).T
    scale = np.linalg.solve(columns, _xyz(white))
    found: Array = columns * scale
    return found


def _xyz(white: Point) -> Array:
    x, y = white
    return np.array([x / y, 1, (1 - x - y) / y])


def _to_rec709(primaries: Primaries) -> Array:
    """Return the matrix to linear Rec. 709, with Bradford's adaptation of the white point."""
    ratio = (_BRADFORD @ _xyz(_D65)) / (_BRADFORD @ _xyz(primaries[3]))
    adapt = np.linalg.inv(_BRADFORD) @ np.diag(ratio) @ _BRADFORD
    found: Array = np.linalg.inv(_to_xyz(REC709)) @ adapt @ _to_xyz(primaries)
    return found


def encode_srgb(linear: Array) -> Array:
    """Return the sRGB code values, 0 to 1, of linear values, which are clipped."""
    clipped = np.clip(linear, 0, 1)
    return np.where(clipped <= 0.0031308, 12.92 * clipped, 1.055 * clipped ** (1 / 2.4) - 0.055)


def decode_srgb(codes: Array) -> Array:
    """Return the linear values of sRGB code values, 0 to 1."""
    return np.where(codes <= 0.04045, codes / 12.92, (np.maximum(codes + 0.055, 0) / 1.055) ** 2.4)


_CURVES: dict[str, Callable[[Array, str], Array]] = {
    "l": lambda linear, _: linear,
    "s": lambda codes, _: decode_srgb(codes),
    "g": lambda codes, curve: np.sign(codes) * np.abs(codes) ** (int(curve[1:]) / 10),
}
