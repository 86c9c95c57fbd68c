"""The show "hill": Arnold renders, plates and comps."""

from __future__ import annotations

from collections.abc import Iterator

from tests.exrfiles.attributes import Channel, attribute
from tests.exrfiles.demo import truncated
from tests.exrfiles.metadata import CAMERA, EDITORIAL, REC709, RENDERER
from tests.queries.pictures import HD, File, Picture, channels, counted, exr, text

AP0 = (0.7347, 0.2653, 0.0, 1.0, 0.0001, -0.077, 0.32168, 0.33767)
BEAUTY = (*channels("RGBA diffuse.RGB specular.RGB"), *channels("Z crypto_object00.RGBA", "float"))
ARNOLD = Picture(
    BEAUTY,
    (*EDITORIAL, *RENDERER, *CAMERA, text("colorInteropID", "lin_ap1_scene")),
    window=(-2, -2, 17, 10),
    display=HD,
)
NEWER_ARNOLD = text("software", "Arnold 7.3.4.0 [synthetic] linux clang-15.0.7 oiio-2.4.1")
RERENDERED = "hill/sq010/sh010/render/beauty.1009.exr"


def beauty(frame: int, size: int = 4000) -> bytes:
    return exr(size, counted(ARNOLD, frame))


def hill() -> Iterator[File]:
    yield from _first_shot()
    yield from _second_shot()
    yield from _plates()
    yield from _comps()


def _first_shot() -> Iterator[File]:
    """Return a sequence with missing frames, a truncated one, and one also delivered with five digits."""
    for frame in (1001, 1002, 1003, 1006, 1007, 1009, 1010):
        content = beauty(frame)
        yield File(
            f"hill/sq010/sh010/render/beauty.{frame}.exr", truncated(content) if frame == 1007 else content
        )
    yield File("hill/sq010/sh010/render/beauty.01001.exr", beauty(1001, 4200))


def _second_shot() -> Iterator[File]:
    """Return a sequence that a newer renderer continues at frame 1004, without a layer; 1006 copies 1005."""
    late = Picture(
        [each for each in BEAUTY if not str(each.name).startswith("specular")],
        (*ARNOLD.attributes, NEWER_ARNOLD),
        window=ARNOLD.window,
        display=HD,
    )
    for frame in (1001, 1002, 1003):
        yield File(f"hill/sq010/sh020/render/beauty.{frame}.exr", beauty(frame, 4500))
    for frame, number in ((1004, 1004), (1005, 1005), (1006, 1005)):
        yield File(f"hill/sq010/sh020/render/beauty.{frame}.exr", exr(4500, counted(late, number)))


def _plates() -> Iterator[File]:
    """Return a scan whose time code jumps ten frames ahead at 1004, and a luminance-chroma scan."""
    stated = (*EDITORIAL, attribute("chromaticities", "chromaticities", REC709))
    for frame, count in ((1001, 0x00), (1002, 0x01), (1003, 0x02), (1004, 0x13), (1005, 0x14)):
        code = attribute("timeCode", "timecode", (0x01000000 | count, 0))
        picture = Picture(channels("RGB"), (*stated, code), "piz")
        yield File(f"hill/sq010/sh010/plate/plate.{frame}.exr", exr(3000, picture))
    chroma = [Channel("Y"), *(Channel(name, x_sampling=2, y_sampling=2) for name in ("RY", "BY"))]
    yield File(
        "hill/sq010/sh020/plate/plate.1001.exr",
        exr(2000, Picture(chroma, stated, "b44", window=(0, 0, 15, 9))),
    )


def _comps() -> Iterator[File]:
    """Return comps that declare ACES; frame 1002 declares another color space."""
    aces = (
        attribute("acesImageContainerFlag", "int", 1),
        attribute("chromaticities", "chromaticities", AP0),
    )
    odd = (text("colorInteropID", "lin_rec709_scene"),)
    for frame in (1001, 1002, 1003):
        stated = (*EDITORIAL, text("software", "Nuke 15.1v3"), *(odd if frame == 1002 else aces))
        picture = counted(Picture(channels("RGBA"), stated, "dwaa"), frame)
        yield File(f"hill/sq010/sh010/comp/comp.{frame}.exr", exr(2500, picture))
