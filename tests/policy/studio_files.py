"""Good files, and one that breaks each rule, for the packs of ACES, colors and Cryptomatte.

A file has a name and bytes; `beside` are files in its folder.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from exr_inspector.exr.header import Header, parse_header
from tests.exrfiles.attributes import Attribute, attribute
from tests.exrfiles.cryptomatte import channels, metadata, murmur3_32, object_id
from tests.exrfiles.geometry import Tiling
from tests.exrfiles.parts import scanline, tiled
from tests.exrfiles.writer import Part, write


class File(NamedTuple):
    data: bytes
    name: str = "beauty.1001.exr"
    beside: Mapping[str, str] = {}


RGB = ("B", "G", "R")
AP0 = (0.7347, 0.2653, 0.0, 1.0, 0.0001, -0.077, 0.32168, 0.33767)
AP1 = (0.713, 0.293, 0.165, 0.830, 0.128, 0.044, 0.32168, 0.33767)
REC709 = (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, 0.3127, 0.3290)


def flag(value: int = 1) -> Attribute:
    return attribute("acesImageContainerFlag", "int", value)


def chromaticities(value: Iterable[float]) -> Attribute:
    return attribute("chromaticities", "chromaticities", value)


def color_id(value: str) -> Attribute:
    return attribute("colorInteropID", "string", value)


def pixels(names: Iterable[str], dtype: type = np.float16) -> dict[str, Any]:
    return dict.fromkeys(names, np.full((4, 6), 0.5, dtype))


# --- ST 2065-4 ------------------------------------------------------------------------------------------


def container(*more: Attribute, names: Iterable[str] = RGB, **options: Any) -> Part:
    """The part of an ACES container, with `more` attributes instead of or beside its own."""
    base = {each.name: each for each in (flag(), chromaticities(AP0))}
    base |= {each.name: each for each in more}
    return scanline(pixels(names), base.values(), **{"compression": "none", **options})


def without(part: Part, *names: str) -> Part:
    kept = tuple(each for each in part.attributes if each.name.decode() not in names)
    return part_like(part, kept)


def part_like(part: Part, attributes: tuple[Attribute, ...]) -> Part:
    return Part(attributes, part.chunks, part.stored)


def checksummed(*, is_header_right: bool = True, is_image_right: bool = True) -> bytes:
    """An ACES container with both checksums, computed as the reference writer does."""
    empty = bytes(16)
    texts = [attribute("headerChecksum", "string", empty), attribute("imageChecksum", "string", empty)]
    data = write(container(*texts))
    header = parse_header(data)
    assert isinstance(header, Header)
    image = hashlib.md5(data[header.size + 8 * 4 :]).digest()
    texts[1] = attribute("imageChecksum", "string", image if is_image_right else b"x" * 16)
    head = write(container(*texts))[: header.size]
    digest = hashlib.md5(head).digest()
    texts[0] = attribute("headerChecksum", "string", digest if is_header_right else b"x" * 16)
    return write(container(*texts))


ACES_GOOD = {
    "RGB": File(write(container())),
    "RGBA": File(write(container(names=(*RGB, "A")))),
    "stereo": File(write(container(names=(*RGB, *(f"left.{each}" for each in RGB))))),
    "checksums": File(checksummed()),
    "texts and id": File(write(container(color_id("lin_ap0_scene"), attribute("owner", "string", "me")))),
    "long names": File(write(container(attribute("x" * 40, "int", 1)))),
    "one line": File(
        write(
            scanline(
                {name: np.ones((1, 1), np.float16) for name in RGB},
                (flag(), chromaticities(AP0)),
                compression="none",
            )
        )
    ),
}

ACES_BAD = {
    "ACES-01": File(b"not an image"),
    "ACES-02": File(write(container(attribute("x" * 40, "int", 1)), flags=0)),
    "ACES-03": File(
        write(tiled({(0, 0): pixels(RGB)}, Tiling(4, 4), (flag(), chromaticities(AP0)), compression="none"))
    ),
    "ACES-04": File(write(container(names=(*RGB, "Z")))),
    "ACES-05": File(
        write(scanline(pixels(RGB, np.float32), (flag(), chromaticities(AP0)), compression="none"))
    ),
    "ACES-06": File(write(container(compression="zip"))),
    "ACES-07": File(write(container(flag(0)))),
    "ACES-08": File(write(container(chromaticities(AP1)))),
    "ACES-09": File(write(without(container(), "screenWindowWidth"))),
    "ACES-10": File(write(container(line_order="decreasingY"))),
    "ACES-11": File(write(container(attribute("displayWindow", "box2i", (4, 0, 2, 3))))),
    "ACES-12": File(write(container(attribute("comments", "string", "x" * (1 << 20))))),
    "ACES-13": File(write(container()) + b"more"),
    "ACES-14": File(write(container(attribute("cameraModel", "string", "")))),
    "ACES-15": File(write(container(color_id("lin_ap1_scene")))),
    "ACES-16": File(checksummed(is_header_right=False)),
    "ACES-16-IMAGE": File(checksummed(is_image_right=False)),
    "ACES-17": File(write(container()), "beauty.1001.sxr"),
}

# --- colors ---------------------------------------------------------------------------------------------


def image(*attributes: Attribute, names: Iterable[str] = RGB) -> bytes:
    return write(scanline(pixels(names), attributes))


def two_parts(*second: Attribute, first: Iterable[Attribute] = ()) -> bytes:
    return write(
        scanline(pixels(RGB), (attribute("name", "string", "color"), *first)),
        scanline(pixels("Z"), (attribute("name", "string", "depth"), *second)),
    )


LINEAR_GOOD = {
    "an id": File(image(color_id("lin_ap0_scene"))),
    "chromaticities": File(image(chromaticities(AP0))),
    "the flag": File(image(flag())),
    "all": File(image(flag(), chromaticities(AP0), color_id("lin_ap0_scene"))),
    "data in a second part": File(two_parts(color_id("data"), first=[color_id("lin_ap0_scene")])),
    "a rounded white": File(image(chromaticities((*AP0[:6], 0.3217, 0.3377)))),
}

LINEAR_BAD = {
    "AP0-01": File(image()),
    "AP0-02": File(image(color_id("lin_ap1_scene"), chromaticities(AP0))),
    "AP0-03": File(image(color_id("lin_ap0_scene"), chromaticities(REC709))),
}

COLOR_GOOD = {
    "none": File(image()),
    "published": File(image(color_id("lin_rec709_scene"))),
    "a studio's": File(image(color_id("my-show:my-studio:acescct_ap1"))),
    "an empty inner namespace": File(image(color_id("my-studio::srgb"))),
    "local": File(image(color_id("show1-config:local:srgb.v2(x)"))),
    "an ACES container": File(image(flag(), chromaticities(AP0), color_id("lin_ap0_scene"))),
    "data in a second part": File(two_parts(color_id("data"), first=[color_id("lin_ap1_scene")])),
    "data": File(image(color_id("data"))),
    "data only": File(image(color_id("data"), names="Z")),
}

COLOR_BAD = {
    "CIF-01": File(image(color_id("My-Studio:ACEScg"))),
    "CIF-02": File(image(color_id("acescg"))),
    "CIF-03": File(two_parts(color_id("lin_ap1_scene"), first=[color_id("lin_ap1_scene")])),
    "CIF-04": File(image(flag(), color_id("lin_ap0_scene"), chromaticities(REC709))),
    "CIF-05": File(image(color_id("lin_ap1_scene"), chromaticities(AP1))),
    "CIF-06": File(image(flag(), color_id("lin_ap1_scene"))),
    "CIF-07": File(image(color_id("lin_ap1_scene"), names="Z")),
}

# --- Cryptomatte ----------------------------------------------------------------------------------------

NAMES = ("/char/dragon", "/set/hill")
_COVERAGE = {name: np.full((4, 6), 0.5, np.float32) for name in NAMES}
PLANES = channels("crypto", _COVERAGE)


def crypto(
    planes: Mapping[str, Any] | None = None,
    *,
    texts: Mapping[str, str | None] | None = None,
    key: str = "",
    compression: str = "zip",
    chunked_as: str = "",
) -> bytes:
    """A cryptomatte whose attributes `texts` replaces, or removes if one is None."""
    own = {each.name.decode().rpartition("/")[2]: each.value.decode() for each in metadata("crypto", NAMES)}
    found = {**own, **(texts or {})}
    key = key or f"{murmur3_32(b'crypto'):08x}"[:7]
    attributes = [
        attribute(f"cryptomatte/{key}/{name}", "string", text)
        for name, text in found.items()
        if text is not None
    ]
    part = scanline(PLANES if planes is None else planes, attributes, compression=chunked_as or compression)
    changed = [
        attribute("compression", "compression", compression) if each.name == b"compression" else each
        for each in part.attributes
    ]
    return write(part_like(part, tuple(changed)))


def manifest(ids: Mapping[str, int]) -> str:
    return json.dumps({name: f"{id_:08x}" for name, id_ in ids.items()})


RIGHT = {name: object_id(name) for name in NAMES}
LOWER = {name.rpartition(".")[0] + "." + name[-1].lower(): plane for name, plane in PLANES.items()}
UNCLAMPED = next(name for name in map(str, range(10**4)) if object_id(name) != murmur3_32(name.encode()))
COLLIDING = ("/obj/18285", "/obj/79384")

CRYPTO_GOOD = {
    "in the header": File(crypto()),
    "no manifest": File(crypto(texts={"manifest": None})),
    "a side-car": File(
        crypto(texts={"manifest": None, "manif_file": "crypto.json"}), beside={"crypto.json": manifest(RIGHT)}
    ),
    "none": File(image()),
}

CRYPTO_BAD = {
    "CRY-01": File(crypto(key="f834d0a1")),
    "CRY-02": File(crypto(texts={"hash": "MD5"})),
    "CRY-03": File(crypto({name: plane for name, plane in PLANES.items() if "01" not in name})),
    "CRY-04": File(crypto({name: plane.astype(np.float16) for name, plane in PLANES.items()})),
    "CRY-04-DAMAGED": File(crypto(compression="pxr24", chunked_as="zip")),
    "CRY-04-LOSSY": File(crypto(LOWER, compression="dwaa", chunked_as="zip")),
    "CRY-05": File(crypto(texts={"manifest": "{"})),
    "CRY-05-IDS": File(crypto(texts={"manifest": '{"a":"1"}'})),
    "CRY-05-PATH": File(crypto(texts={"manif_file": "../crypto.json"})),
    "CRY-05-FILE": File(crypto(texts={"manif_file": "crypto.json"})),
    "CRY-06": File(crypto(texts={"manifest": manifest({**RIGHT, "/char/dragon": 0x12345678})})),
    "CRY-06-CLAMP": File(crypto(texts={"manifest": manifest({UNCLAMPED: murmur3_32(UNCLAMPED.encode())})})),
    "CRY-06-COLLISION": File(
        crypto(texts={"manifest": manifest({name: object_id(name) for name in COLLIDING})})
    ),
    "CRY-07": File(crypto({**PLANES, **{f"crypto.{each}": PLANES["crypto00.G"] for each in RGB}})),
    "CRY-08": File(write(scanline(channels("crypto", _COVERAGE)))),
}
