"""What OpenEXR's and OpenImageIO's own readers find in a file: oracles for the tests."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
import OpenEXR
import OpenImageIO

if TYPE_CHECKING:
    from pathlib import Path

    from tests.exrfiles.chunks import Pixels


def openexr_pixels(data: bytes, part: int = 0) -> dict[str, Pixels]:
    """Every channel of a part, each at its own size; deep channels as arrays of arrays."""
    file = OpenEXR.File(io.BytesIO(data), separate_channels=True)
    return {name: channel.pixels for name, channel in file.parts[part].channels.items()}


def openexr_header(data: bytes, part: int = 0) -> dict[str, Any]:
    """A part's attributes as OpenEXR's Python objects. RuntimeError where OpenEXR refuses the header."""
    header: dict[str, Any] = OpenEXR.File(io.BytesIO(data), header_only=True).parts[part].header
    return header


def openexr_accepts(data: bytes) -> bool:
    """Whether the OpenEXR library takes these bytes for a header.

    Its Python layer decodes names and strings as UTF-8 after the library has said yes.
    """
    try:
        OpenEXR.File(io.BytesIO(data), header_only=True)
    except UnicodeDecodeError:
        return True
    except RuntimeError:
        return False
    return True


def open_oiio(path: Path) -> Any:
    """An open ImageInput. AssertionError with the library's message where it does not open."""
    image = OpenImageIO.ImageInput.open(str(path))
    assert image is not None, pending_error(OpenImageIO)
    return image


def oiio_pixels(path: Path, subimage: int = 0, level: int = 0) -> dict[str, Pixels]:
    """Every channel of a subimage's level, in its own pixel type."""
    image = open_oiio(path)
    spec = image.spec(subimage, level)
    planes = {}
    for number, name in enumerate(spec.channelnames):
        pixels = image.read_image(subimage, level, number, number + 1, spec.channelformat(number))
        assert pixels is not None, pending_error(image)
        planes[name] = np.asarray(pixels).reshape(spec.height, spec.width)
    return planes


def oiio_deep_samples(path: Path, subimage: int = 0) -> tuple[list[int], dict[str, list[float]]]:
    """Samples in each pixel, and each channel's samples pixel after pixel."""
    image = open_oiio(path)
    deep = image.read_native_deep_image(subimage, 0)
    assert deep is not None, pending_error(image)
    counts = [deep.samples(pixel) for pixel in range(deep.pixels)]
    places = [(pixel, sample) for pixel, count in enumerate(counts) for sample in range(count)]
    spec = image.spec(subimage, 0)
    # deep_value scales whole numbers into 0 to 1.
    whole = [spec.channelformat(number) == OpenImageIO.TypeUInt32 for number in range(spec.nchannels)]
    readers = [deep.deep_value_uint if each else deep.deep_value for each in whole]
    return counts, {
        name: [readers[number](pixel, number, sample) for pixel, sample in places]
        for number, name in enumerate(spec.channelnames)
    }


def pending_error(source: Any) -> str:
    """OpenImageIO's message, which may quote bytes of the file that are no text."""
    try:
        return str(source.geterror())
    except UnicodeDecodeError as error:
        return str(error.object)
