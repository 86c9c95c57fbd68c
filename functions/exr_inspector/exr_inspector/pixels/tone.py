"""From a small linear image to a picture that a screen shows, at an exposure that many frames share.

To show a sequence at one exposure, which a user may change without decoding anything again:

    images = [picture.linear() for location in frames if (picture := file_picture(location))]
    stops = shared_exposure(images)
    pictures = [encode(image, stops, "jpeg") for image in images]

An image is float16, shape (rows, columns, 3), linear Rec. 709, finite: 216 KiB for 256 x 144 pixels.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from exr_inspector.errors import requires_extra
from exr_inspector.pixels.color import LUMINANCE, decode_srgb, encode_srgb

LARGEST = 65504.0
"""The largest half, which also stands for infinity."""
BRIGHT = 99.0
"""The percentile of the luminance of a frame that `shared_exposure` makes white."""
QUALITY = 80
MAX_STOPS = 100.0

Format = Literal["webp", "jpeg", "png"]
Array = npt.NDArray[Any]
Linear = npt.NDArray[np.float16]


def linear_image(rgb: Array, aspect: float = 1.0) -> Linear:
    """Return finite linear colors, shape (3, rows, columns), as an image of square pixels.

    `aspect` is the width of a pixel divided by its height. Wide pixels make the image lower, others narrower.
    Raises InspectorError(NOT_INSTALLED) without Pillow.
    """
    with requires_extra("pixels"):
        from PIL import Image  # noqa: PLC0415 - an optional library

    planes = np.clip(rgb, -LARGEST, LARGEST).astype(np.float32)
    if aspect != 1:
        _, rows, columns = planes.shape
        size = round(max(columns * min(aspect, 1), 1)), round(max(rows / max(aspect, 1), 1))
        resized = [Image.fromarray(plane).resize(size, Image.Resampling.BOX) for plane in planes]
        planes = np.stack([np.asarray(plane) for plane in resized])
    return np.ascontiguousarray(planes.transpose(1, 2, 0)).astype(np.float16)


def shared_exposure(images: Iterable[Linear]) -> float:
    """Return one exposure for the frames of a sequence, in stops, to a tenth; 0 if all of them are black.

    Of each frame, the 99th percentile of the luminance counts, and the median of these becomes white: a few
    frames that are black or flashed do not change it.
    """
    levels = [
        float(np.percentile(image.astype(np.float64) @ np.array(LUMINANCE), BRIGHT)) for image in images
    ]
    lit = [level for level in levels if level > 0]
    return round(-float(np.median(np.log2(lit))), 1) + 0.0 if lit else 0.0


def encode(
    image: Linear, exposure: float = 0.0, kind: Format = "webp", max_bytes: int | None = None
) -> bytes:
    """Return an image as a file for screens, in sRGB. `exposure` brightens it, by at most MAX_STOPS.

    With `max_bytes`, the quality is lowered until the file is not larger, which may not succeed. PNG has no
    quality. Raises InspectorError(NOT_INSTALLED) without Pillow.
    """
    with requires_extra("pixels"):
        from PIL import Image  # noqa: PLC0415 - an optional library

    stops = min(max(-MAX_STOPS, exposure), MAX_STOPS)  # in this order, NaN becomes black
    codes = np.rint(255 * encode_srgb(image.astype(np.float64) * 2.0**stops)).astype(np.uint8)
    picture = Image.fromarray(codes)
    for quality in (QUALITY, QUALITY // 2, QUALITY // 4, 1):
        file = io.BytesIO()
        picture.save(file, kind.upper(), quality=quality)
        if max_bytes is None or file.tell() <= max_bytes:
            break
    return file.getvalue()


def decode(data: bytes) -> Linear:
    """Return a picture that `encode` made at exposure 0 as an image, in which nothing is above 1.

    Raises InspectorError(NOT_INSTALLED) without Pillow.
    """
    with requires_extra("pixels"):
        from PIL import Image  # noqa: PLC0415 - an optional library

    codes = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    return decode_srgb(codes / 255).astype(np.float16)
