"""The show "tide": deep and stereo renders, a faulty sequence, textures; few name their software."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tests.exrfiles.attributes import Channel, attribute
from tests.exrfiles.geometry import Tiling
from tests.exrfiles.metadata import TEXTURE
from tests.queries.pictures import LAST_SEASON, LONG_AGO, File, Picture, channels, counted, exr, text

DEEP = Picture(
    (*channels("RGBA"), Channel("Z", "float"), Channel("ZBack", "float")),
    compression="zips",
    kind="deepscanline",
)
V_RAY = (text("vrayInfo/vrayversion", "6.20.02"), text("oiio:ColorSpace", "ACEScg"))
REDSHIFT = text("rs/version", "2026.1.0")
OLDER_RELEASE = "tide/assets/rope/textures/rope_bump.exr"


def tide() -> Iterator[File]:
    yield from _deep()
    yield from _stereo()
    yield from _troubled()
    yield from _textures()


def _deep() -> Iterator[File]:
    water = replace(DEEP, attributes=(text("name", "water"), *V_RAY))
    mist = replace(DEEP, attributes=(text("name", "mist"), text("husk:version", "20.5.332")))
    for frame in (1, 2, 3):
        yield File(
            f"tide/sq100/sh100/render/water.{frame:04}.exr", exr(8000, counted(water, frame)), LAST_SEASON
        )
    for frame in (1, 2):
        yield File(
            f"tide/sq100/sh110/render/mist.{frame:04}.exr", exr(6000, counted(mist, frame)), LAST_SEASON
        )


def _stereo() -> Iterator[File]:
    """Return stereo sequences, with views in two parts and in one; each has a frame with only one view."""
    eyes = [
        Picture(channels("RGBA"), (text("name", f"rgba.{eye}"), text("view", eye), REDSHIFT))
        for eye in ("left", "right")
    ]
    for frame in (1, 2, 3, 4):
        held = [counted(eye, frame) for eye in (eyes[:1] if frame == 3 else eyes)]
        yield File(f"tide/sq100/sh100/stereo/beauty.{frame:04}.exr", exr(5000, *held), LAST_SEASON)
    for frame, views in ((1, ["left", "right"]), (2, ["left"])):
        declared = attribute("multiView", "stringvector", views)
        names = "RGBA right.RGBA" if "right" in views else "RGBA"
        content = exr(3500, Picture(channels(names), (declared, REDSHIFT)))
        yield File(f"tide/sq100/sh110/stereo/beauty.{frame:04}.exr", content, LAST_SEASON)


def _troubled() -> Iterator[File]:
    """Return frames with half-float ids and depth in lossy compression, an odd size, and broken files."""
    names = channels("RGBA Z crypto_object00.RGBA")
    usual = Picture(names, V_RAY, "dwab")
    contents = {
        1: exr(6000, counted(usual, 1)),
        2: b"",
        3: exr(6000, counted(usual, 3)),
        4: exr(1500, counted(usual, 4)),
        5: exr(6000, counted(replace(usual, window=(0, 0, 31, 17)), 5)),
        6: exr(6000, counted(usual, 6)),
        7: exr(6000, usual)[:8] + b"x" * 500,
        8: b"\xff\xd8\xff\xe0" + bytes(400),
    }
    for frame, content in contents.items():
        yield File(f"tide/sq100/sh110/render/beauty.{frame:04}.exr", content, LAST_SEASON)


def _textures() -> Iterator[File]:
    mipmapped = Picture(
        channels("RGB"),
        TEXTURE,
        window=(0, 0, 63, 63),
        kind="tiledimage",
        tiling=Tiling(16, 16, "mipmap"),
    )
    flat = Picture(channels("R", "float"), (text("colorInteropID", "data"),), "zips", window=(0, 0, 63, 63))
    yield File("tide/assets/rope/textures/rope_albedo.exr", exr(9000, mipmapped), LONG_AGO)
    yield File(OLDER_RELEASE, exr(7000, flat), LONG_AGO)
