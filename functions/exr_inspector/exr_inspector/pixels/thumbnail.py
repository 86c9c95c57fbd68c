"""A small picture of a file, and the vector of its look.

The exposure is fixed: one that follows the frame's own brightness would hide the frame that is too bright. To
show many frames at another one, see `tone`.
"""

from __future__ import annotations

import os
from contextlib import closing
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from exr_inspector.errors import BAD_CONFIG, InspectorError
from exr_inspector.location import Location, path_location
from exr_inspector.pixels.beauty import Beauty, find_beauty
from exr_inspector.pixels.color import Colors, colors_of
from exr_inspector.pixels.image import Image, read_image
from exr_inspector.pixels.pixel_file import PixelFile
from exr_inspector.pixels.tone import LARGEST, Linear, encode, linear_image
from exr_inspector.settings import Settings
from exr_inspector.sources.opener import Opener
from exr_inspector.vectors.look import LOOK_VERSION, look_vector
from exr_inspector.version_reader import read_unchanged

SIZE = 256
"""Pixels of the longer side."""
MAX_BYTES = 100_000
"""A cell of VAST DataBase has at most 126 KB."""
NO_PICTURE = "the file has no channels of a flat part to look at, or none of their chunks could be read"
_ASPECTS = (0.1, 10.0)
"""Pixel aspect ratios beyond these are not believed."""

Array = npt.NDArray[Any]


class Picture(NamedTuple):
    """`rgb` is linear Rec. 709, finite, of shape (3, rows, columns), and shows the display window.

    `aspect` is the width of a pixel divided by its height.
    """

    rgb: Array
    beauty: Beauty
    color_space: str
    aspect: float
    coverage: dict[str, Any]
    failures: list[dict[str, Any]]

    def linear(self) -> Linear:
        """Return the picture in square pixels, which `tone.encode` shows at any exposure."""
        return linear_image(self.rgb, self.aspect)

    def look(self) -> dict[str, Any]:
        """Return the columns of the table `pixels` that describe the picture."""
        return {
            "thumbnail": encode(self.linear(), max_bytes=MAX_BYTES),
            "thumbnail_layer": self.beauty.layer,
            "thumbnail_color_space": self.color_space,
            "look_vector": look_vector(self.rgb),
            "look_version": LOOK_VERSION,
        }


def read_picture(
    file: PixelFile, layer: str | None = None, *, size: int = SIZE, budget: int | None = None
) -> Picture | None:
    """Return the picture of a file; None if it has no channels to look at, or none could be read.

    `layer` selects a layer instead of the beauty; `budget` limits the bytes, as in `read_image`. Raises
    InspectorError: BAD_CONFIG if the layer is not there, and what `read_image` raises.
    """
    beauty = find_beauty(file.header, layer)
    if beauty is None:
        if layer is not None:
            raise InspectorError(BAD_CONFIG, f"the file has no layer {layer!r} that can be shown")
        return None
    return picture_of(file, beauty, read_image(file, beauty.part, beauty.channels, size, budget))


def picture_of(file: PixelFile, beauty: Beauty, image: Image) -> Picture | None:
    """Return the picture that an image of the beauty's channels shows; None if no chunk was read."""
    part = file.header.parts[beauty.part]
    if not image.coverage["chunks_read"]:
        return None
    colors, aspect = colors_of(part), part.value("pixelAspectRatio", "float")
    if not isinstance(aspect, float) or not _ASPECTS[0] <= aspect <= _ASPECTS[1]:
        aspect = 1.0
    rgb = colors.convert(_rgb(image.planes, beauty, colors))
    return Picture(
        np.nan_to_num(rgb, nan=0.0, posinf=LARGEST, neginf=0.0),
        beauty,
        colors.label,
        aspect,
        image.coverage,
        image.failures,
    )


def file_picture(  # noqa: PLR0913 - limits of size, bytes and time
    path: str | os.PathLike[str] | Location,
    layer: str | None = None,
    settings: Settings | None = None,
    *,
    size: int = SIZE,
    budget: int | None = None,
    seconds: float | None = None,
    opener: Opener | None = None,
) -> Picture | None:
    """Return the picture of a file, as `read_picture` does; None also if nothing is read within `seconds`.

    `opener` is that of the settings by default.

    Also raises InspectorError: NOT_INSTALLED without the extra `pixels`, BAD_EVENT for an impossible path,
    and a fault of the file or of its store.
    """
    settings = settings or Settings()
    location = path_location(path, settings.paths)
    open_source = opener or Opener(settings)

    def read() -> Picture | None:
        with closing(PixelFile(open_source(location), settings.limits, seconds)) as file:
            return read_picture(file, layer, size=size, budget=budget)

    return read_unchanged(read)


def _rgb(planes: Array, beauty: Beauty, colors: Colors) -> Array:
    """Return red, green and blue, finite; see "Luminance/Chroma Images" in OpenEXR's documentation."""
    finite = np.nan_to_num(planes.astype(np.float64), nan=0.0, posinf=LARGEST, neginf=-LARGEST)
    if len(beauty.channels) == 1:
        return np.repeat(finite, 3, axis=0)
    if not beauty.is_luminance_chroma:
        return finite
    y, ry, by = finite
    red, blue = (ry + 1) * y, (by + 1) * y
    weights = colors.luminance
    return np.stack([red, (y - weights[0] * red - weights[2] * blue) / weights[1], blue])
