"""Real images: every document against OpenEXR's and OpenImageIO's own readers, where those are right.

OpenEXR tells attributes, sampling and pLinear; OpenImageIO pixel types and windows. Where OpenImageIO
opens no file (subsampled channels), the pixels that OpenEXR reads tell their type.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR
import OpenImageIO as oiio

from exr_inspector import header_bytes
from tests.corpus import each_image, for_each, images, name_of, needed
from tests.document.documents import Document, inspected, read_back
from tests.exrfiles.readers import open_oiio, openexr_pixels

SUBSAMPLED = {
    "Chromaticities/Rec709_YC.exr",
    "Chromaticities/XYZ_YC.exr",
    "LuminanceChroma/CrissyField.exr",
    "LuminanceChroma/Flowers.exr",
    "LuminanceChroma/MtTamNorth.exr",
    "LuminanceChroma/StarField.exr",
}
CUBES = {
    "MultiResolution/KernerEnvCube.exr",
    "MultiResolution/OrientationCube.exr",
    "MultiResolution/StageEnvCube.exr",
    "MultiResolution/WavyLinesCube.exr",
}

each_shown = for_each([image for image in images() if name_of(image) not in SUBSAMPLED])

document = cache(inspected)


def openexr_headers(image: Path) -> list[dict[str, Any]]:
    return [part.header for part in OpenEXR.File(str(image), header_only=True).parts]


def attributes(part: dict[str, Any]) -> dict[str, Any]:
    """An attribute's type and value under its name."""
    return {each["name"]: (each["type"], each["value"]) for each in part["attributes"]}


# --- the whole ------------------------------------------------------------------------------------------


@needed
def test_the_corpus_is_whole() -> None:
    assert len(images()) == 70


@each_image
def test_a_real_image_is_well(image: Path) -> None:
    found = document(image)
    assert found["errors"] == []
    assert (found["file"]["status"], found["file"]["complete"]) == ("ok", True)
    assert (found["file"]["path"], found["file"]["size_bytes"]) == (str(image), image.stat().st_size)


@each_image
def test_the_headers_bytes_come_back_from_the_json_text(image: Path) -> None:
    found = read_back(document(image))
    raw = header_bytes(found)
    assert raw == image.read_bytes()[: len(raw)]
    assert len(raw) == found["file"]["header_bytes"]
    assert hashlib.sha256(raw).hexdigest() == found["file"]["header_hash"]


# --- against OpenEXR ------------------------------------------------------------------------------------


def same_floats(ours: Any, theirs: Any) -> bool:
    """Equal 32-bit floats; all NaN are one."""
    return bool(np.array_equal(np.asarray(ours, np.float32), np.asarray(theirs, np.float32), equal_nan=True))


def same_box(ours: Any, theirs: Any) -> bool:
    corners = [[ours[end]["x"], ours[end]["y"]] for end in ("min", "max")]
    return bool(corners == [each.tolist() for each in theirs])


def same_chromaticities(ours: Any, theirs: Any) -> bool:
    return same_floats([each[axis] for each in ours.values() for axis in "xy"], theirs)


def same_name(ours: Any, theirs: Any) -> bool:
    """`zip` is ZIP_COMPRESSION there, `increasingY` INCREASING_Y, `cube` ENVMAP_CUBE."""
    name = theirs.name.removesuffix("_COMPRESSION").removeprefix("ENVMAP_").replace("_", "").lower()
    return bool(ours.lower() == {"no": "none"}.get(name, name))


def same_tiles(ours: Any, theirs: Any) -> bool:
    modes = {"ONE_LEVEL": "oneLevel", "MIPMAP_LEVELS": "mipmap", "RIPMAP_LEVELS": "ripmap"}
    return bool(
        (ours["x_size"], ours["y_size"]) == (theirs.xSize, theirs.ySize)
        and ours["level_mode"] == modes[theirs.mode.name]
        and ours["rounding_mode"] == theirs.roundingMode.name.removeprefix("ROUND_").lower()
    )


def same_preview(ours: Any, theirs: Any) -> bool:
    size = theirs.pixels.shape == (ours["height"], ours["width"])
    return bool(size and base64.b64decode(ours["base64"]) == theirs.pixels.tobytes())


def same_channels(ours: Any, theirs: Any) -> bool:
    """In stored order. That reader does not tell the pixel type."""
    keys = ("name", "x_sampling", "y_sampling", "p_linear")
    stated = [(each.name, each.xSampling, each.ySampling, bool(each.pLinear)) for each in theirs]
    return [tuple(each[key] for key in keys) for each in ours] == stated


def same(ours: Any, theirs: Any) -> bool:
    return bool(ours == theirs)


SAME: dict[str, Callable[[Any, Any], bool]] = {
    "box2i": same_box,
    "chlist": same_channels,
    "chromaticities": same_chromaticities,
    "compression": same_name,
    "envmap": same_name,
    "float": same_floats,
    "int": same,
    "lineOrder": same_name,
    "preview": same_preview,
    "string": lambda ours, theirs: ours == getattr(theirs, "name", theirs),
    "stringvector": same,
    "tiledesc": same_tiles,
    "v2f": same_floats,
}


@each_image
def test_every_attribute_is_the_one_that_openexr_reads(image: Path) -> None:
    """But for `type`, which that reader makes up where a file does not state it."""
    for part, theirs in zip(document(image)["parts"], openexr_headers(image), strict=True):
        ours = attributes(part)
        assert len(ours) == len(part["attributes"])
        assert ours.keys() | {"type"} == theirs.keys() | {"type"}
        for name, (type_, value) in ours.items():
            assert SAME[type_](value, theirs[name]), f"{name}: {value!r} and {theirs[name]!r}"


@each_image
def test_the_facts_of_parts_are_those_that_openexr_reads(image: Path) -> None:
    for part, theirs in zip(document(image)["parts"], openexr_headers(image), strict=True):
        assert part["type"] == theirs["type"].name
        assert same_name(part["compression"], theirs["compression"])
        assert same_name(part["line_order"], theirs["lineOrder"])
        assert same_floats(part["pixel_aspect_ratio"], theirs["pixelAspectRatio"])
        assert (part["name"], part["view"]) == (theirs.get("name"), theirs.get("view"))
        assert part["is_tiled"] == ("tile" in theirs["type"].name) == ("tiles" in theirs)
        for which in ("data", "display"):
            low, high = theirs[f"{which}Window"]
            assert same_box(part[f"{which}_window"], (low, high))
        low, high = theirs["dataWindow"]
        assert [part["width"], part["height"]] == (high - low + 1).tolist()
        assert [part["data_x_offset"], part["data_y_offset"]] == low.tolist()
        low, high = theirs["displayWindow"]
        assert [part["display_width"], part["display_height"]] == (high - low + 1).tolist()


@each_image
def test_channels_are_those_that_openexr_reads(image: Path) -> None:
    found = document(image)
    for index, theirs in enumerate(openexr_headers(image)):
        ours = [each for each in found["channels"] if each["part_index"] == index]
        assert same_channels(ours, theirs["channels"])
        assert found["parts"][index]["channel_count"] == len(ours)


# --- against OpenImageIO --------------------------------------------------------------------------------


def specs(image: Path) -> list[Any]:
    opened = open_oiio(image)
    found: list[Any] = []
    while opened.seek_subimage(len(found), 0):
        found.append(opened.spec())
    oiio.geterror()
    return found


def types(found: Document, part: int) -> dict[str, str]:
    return {each["name"]: each["type"] for each in found["channels"] if each["part_index"] == part}


@each_image
def test_pixel_types_are_those_that_the_libraries_read(image: Path) -> None:
    found = document(image)
    if name_of(image) in SUBSAMPLED:
        names = {"float16": "half", "float32": "float", "uint32": "uint"}
        pixels = openexr_pixels(image.read_bytes())
        assert types(found, 0) == {name: names[plane.dtype.name] for name, plane in pixels.items()}
        return
    for index, spec in enumerate(specs(image)):
        formats = spec.channelformats or [spec.format] * spec.nchannels
        assert types(found, index) == dict(zip(spec.channelnames, map(str, formats), strict=True))


@each_shown
def test_windows_and_tiles_are_those_that_openimageio_shows(image: Path) -> None:
    """But for the display windows of cube maps."""
    found = document(image)
    assert found["file"]["multipart_count"] == len(specs(image))
    for part, spec in zip(found["parts"], specs(image), strict=True):
        assert (part["data_x_offset"], part["data_y_offset"]) == (spec.x, spec.y)
        assert (part["width"], part["height"]) == (spec.width, spec.height)
        assert (part["tile_width"] or 0, part["tile_height"] or 0) == (spec.tile_width, spec.tile_height)
        assert part["is_deep"] == spec.deep
        if name_of(image) not in CUBES:
            low = part["display_window"]["min"]
            assert (low["x"], low["y"]) == (spec.full_x, spec.full_y)
            assert (part["display_width"], part["display_height"]) == (spec.full_width, spec.full_height)


@each_image
def test_the_verdict_is_what_openimageio_does(image: Path) -> None:
    verdict = document(image)["file"]["openimageio"]
    subsampled, cube = name_of(image) in SUBSAMPLED, name_of(image) in CUBES
    assert verdict["opens"] is not subsampled
    assert verdict["message"].startswith("Subsampled channels are not supported") is subsampled
    assert [each["field"] for each in verdict["differences"]] == ["display_window"] * cube
    assert (document(image)["attributes"] == {}) is subsampled


@each_shown
def test_the_attributes_are_those_that_openimageio_shows(image: Path) -> None:
    """Names, per part or for all; values where they are plain."""
    ours = document(image)["attributes"]
    theirs = [{each.name: each.value for each in spec.extra_attribs} for spec in specs(image)]
    assert ours.keys() == {name for part in theirs for name in part}
    for index, part in enumerate(theirs):
        for name, value in part.items():
            if isinstance(value, (int, str)):
                shown = ours[name]
                shared = not isinstance(shown, dict)
                assert (shown if shared else shown["parts"][str(index)]) == value
