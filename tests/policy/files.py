"""A file that breaks each rule of the packs, and files that break none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from exr_inspector.exr.header import MAGIC, Header, parse_header
from tests.exrfiles.attributes import Attribute, Channel, attribute
from tests.exrfiles.demo import deep, luminance_chroma, simple, stereo_pair, truncated
from tests.exrfiles.geometry import Tiling
from tests.exrfiles.parts import deep_scanline, scanline, tiled
from tests.exrfiles.writer import Part, write

if TYPE_CHECKING:
    from collections.abc import Iterable

REC709 = (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, 0.3127, 0.3290)
RGB = ("B", "G", "R")
LONG = "x" * 40
LINEAR = attribute("colorInteropID", "string", "lin_ap1_scene")


def plane(height: int = 4, width: int = 4, dtype: type = np.float16) -> np.ndarray:
    return np.full((height, width), 0.5, dtype)


def named(name: str, *attributes: Attribute, channels: Iterable[str] = RGB) -> Part:
    """A part of a multi-part file."""
    pixels = dict.fromkeys(channels, plane())
    return scanline(pixels, (attribute("name", "string", name), *attributes))


def with_channels(*channels: Channel, attributes: Iterable[Attribute] = ()) -> bytes:
    """A file with this channel list, all of half; the pixels fit its number of channels."""
    pixels = {f"c{index:04}": plane() for index in range(len(channels))}
    return write(scanline(pixels, (attribute("channels", "chlist", channels), *attributes)))


def with_extra(*attributes: Attribute, flags: int | None = None) -> bytes:
    """A file with these attributes behind its others, even if a name occurs twice."""
    part = scanline(dict.fromkeys(RGB, plane()))
    return write(Part((*part.attributes, *attributes), part.chunks), flags=flags)


def without(name: str) -> bytes:
    part = scanline(dict.fromkeys(RGB, plane()))
    return write(Part(tuple(each for each in part.attributes if each.name != name.encode()), part.chunks))


def without_table(content: bytes, chunks: int) -> bytes:
    header = parse_header(content)
    assert isinstance(header, Header)
    return content[: header.size] + bytes(8 * chunks) + content[header.size + 8 * chunks :]


def with_tiles(channels: dict[str, np.ndarray], *attributes: Attribute) -> bytes:
    return write(tiled({(0, 0): channels}, Tiling(4, 4, "one"), attributes))


def deep_file(channels: Iterable[str], compression: str = "zips") -> bytes:
    counts = np.ones((1, 4), np.int32)
    samples = {name: np.ones(4, np.float32) for name in channels}
    stated = attribute("compression", "compression", compression)
    return write(deep_scanline(counts, samples, (stated,)))


UHD = simple(
    3840,
    2,
    attributes=[
        LINEAR,
        attribute("capDate", "string", "2026:01:31 23:59:59"),
        attribute("multiView", "stringvector", ["left", "left"]),
    ],
)

# Together they give every rule something to pass.
GOOD: dict[str, bytes] = {
    "delivery": UHD,
    "stereo": stereo_pair(),
    "deep": deep(),
    "subsampled": luminance_chroma(),
    "tiles": with_tiles({"Z": plane(dtype=np.float32)}, attribute("lineOrder", "lineOrder", "randomY")),
    "dwa": simple(4, 4, "AX", attributes=[attribute("compression", "compression", "dwaa")]),
}

NARROW = [attribute(name, "box2i", (0, 0, 2, 3)) for name in ("dataWindow", "displayWindow")]

BAD: dict[str, bytes] = {
    "EXR-01": MAGIC + b"\2\0\0\0channels\0chlist\0\xff\xff\xff\xff",
    "EXR-02": without("compression"),
    "EXR-03": simple(4, 4, attributes=[attribute("compression", "compression", 99)]),
    "EXR-04": simple(4, 4, attributes=[Attribute(b"isoSpeed", b"float", b"\0")]),
    "EXR-05": simple(4, 4, attributes=[attribute("chunkCount", "int", 9)]),
    "EXR-06": without_table(simple(16, 64), 4),
    "EXR-07": with_channels(Channel("R"), Channel("R")),
    "EXR-08": with_extra(*[attribute("owner", "string", "Example")] * 2),
    "EXR-09": write(scanline({LONG: plane()}), flags=0),
    "EXR-10": with_extra(attribute(LONG, "int", 1), flags=0),
    "EXR-11": with_channels(Channel("R"), Channel("B")),
    "EXR-12": simple(4, 4, attributes=[attribute("owner", "int", 3)]),
    "EXR-13": simple(4, 4, attributes=[attribute("dwaCompressionLevel", "float", 45.0)]),
    "EXR-14": write(named("a", attribute("chromaticities", "chromaticities", REC709)),
                    named("b", attribute("chromaticities", "chromaticities", (*REC709[:-1], 0.3)))),
    "EXR-15": write(named("a"), named("b", attribute("multiView", "stringvector", ["left"]))),
    "EXR-16": write(named("a"), named("b", attribute("view", "string", "left"))),
    "EXR-17": simple(4, 4, attributes=[attribute("multiView", "stringvector", ["left", "right"])]),
    "EXR-18": with_channels(Channel(".R")),
    "EXR-19": with_tiles({"Y": plane()}, attribute("channels", "chlist", [Channel("Y", x_sampling=2)])),
    "EXR-20": write(scanline({"Y": plane(), "RY": plane(2, 2)}, NARROW, sampling={"RY": (2, 2)})),
    "EXR-21": simple(4, 4, attributes=[attribute("lineOrder", "lineOrder", "randomY")]),
    "EXR-22": deep_file("AZ", "piz"),
    "EXR-23": deep_file("Z"),
    "EXR-24": simple(4, 4, attributes=[attribute("pixelAspectRatio", "float", 0.0)]),
    "EXR-25": simple(4, 4, attributes=[attribute("screenWindowWidth", "float", -1.0)]),
    "EXR-26": simple(4, 4, attributes=[attribute("capDate", "string", "yesterday")]),
    "FILE-01": truncated(simple(64, 64)),
    "FILE-03": b"",
    "WIN-01": simple(4, 4, attributes=[attribute("displayWindow", "box2i", (9, 9, 12, 12))]),
    "COMP-01": with_tiles({"R": plane()}),
    "COMP-02": simple(4, 4, attributes=[attribute("compression", "compression", "dwab")]),
    "COMP-03": simple(4, 4, "Z"),
    "COMP-04": simple(4, 4, ("N.R",), attributes=[attribute("compression", "compression", "dwaa")]),
    "COMP-05": write(*(named(str(index)) for index in range(65))),
    "COMP-06": simple(4, 4, attributes=[attribute("comments", "string", "x" * 1_100_000)]),
    "COMP-07": with_channels(*(Channel(f"c{index:04}") for index in range(1024))),
    "COMP-08": simple(4, 4, ("RGBA.R",)),
    "COMP-09": simple(8, 8, attributes=[attribute("displayWindow", "box2i", (0, 0, 3, 3))]),
    "DEL-01": simple(1920, 2, attributes=[LINEAR]),
    "DEL-03": write(scanline({"R": plane(2, 3840, np.float32)},
                             (LINEAR,))),
    "DEL-04": simple(3840, 1, compression="zips", attributes=[
        attribute("compression", "compression", "rle"),
        LINEAR]),
    "DEL-05": simple(3840, 2, attributes=[attribute("oiio:ColorSpace", "string", "ACEScct")]),
}  # fmt: skip
