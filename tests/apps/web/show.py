"""The files of the tests of the pages: two shows, with broken frames and hostile text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tests.exrfiles.attributes import attribute
from tests.exrfiles.demo import (
    deep,
    layered_beauty,
    luminance_chroma,
    mipmapped,
    rgb,
    stereo_pair,
    truncated,
)
from tests.exrfiles.metadata import RENDERER, shot_attributes
from tests.exrfiles.parts import scanline
from tests.exrfiles.scene import View, draw
from tests.exrfiles.writer import write

SCRIPT = "<script>document.title='owned'</script>"
"""Text that runs if a page does not escape it. As a path, its slash ends the name of a folder."""
BEAUTY = "dune/sq010/sh010/beauty/v001/beauty.#.exr"
BRIGHT, TRUNCATED, MISSING, NAN = 1003, 1004, 1006, 1007


def write_show(folder: Path) -> None:
    """Write all files below a folder."""
    for name, data in show_files():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def show_files() -> Iterator[tuple[str, bytes]]:
    """Yield the path below the folder, and the contents, of every file."""
    for frame in range(1001, 1010):
        if frame != MISSING:
            data = render(frame, gain=3.0 if frame == BRIGHT else 1.0, nan=frame == NAN)
            yield frame_name(frame), truncated(data) if frame == TRUNCATED else data
        yield f"dune/sq010/sh010/beauty/v002/beauty.{frame}.exr", render(frame, samples=8)
    yield "dune/sq010/sh020/layers.1001.exr", layered_beauty(1001, 96, 54)
    yield "dune/sq010/sh020/stereo.1001.exr", stereo_pair()
    yield "dune/sq010/sh020/deep.1001.exr", deep()
    yield "dune/sq010/sh020/plate.1001.exr", luminance_chroma()
    yield "dune/assets/hill_albedo.exr", mipmapped()
    yield "dune/sq010/sh030/garbage.1001.exr", b"no image at all"
    yield "dune/sq010/sh030/empty.1001.exr", b""
    for frame in range(1001, 1004):
        yield f"tide/sq900/sh900/beauty.{frame}.exr", render(frame)
    yield f"tide/{SCRIPT}.1001.exr", hostile()


def frame_name(frame: int) -> str:
    """Return the path of a frame of the sequence BEAUTY."""
    return BEAUTY.replace("#", str(frame))


def render(
    frame: int,
    *,
    gain: float = 1.0,
    nan: bool = False,
    samples: int = 6,
    width: int = 96,
    height: int = 54,
) -> bytes:
    """Return a frame in linear Rec. 709: beauty, diffuse, depth."""
    image = draw(View(width, height, 4, frame))
    beauty = image.beauty * np.float32(gain)
    if nan:
        beauty[10, 20] = np.nan
    planes = {
        **rgb("", beauty),
        "A": image.alpha.astype(np.float16),
        **rgb("diffuse.", image.diffuse),
        "Z": image.depth,
    }
    software = [each for each in RENDERER if each.name != b"arnold/AA_samples"]
    stated = (
        *shot_attributes(frame),
        *software,
        attribute("arnold/AA_samples", "int", samples),
        attribute("displayWindow", "box2i", (0, 0, width - 1, height - 1)),
        attribute("colorInteropID", "string", "lin_rec709_scene"),
    )
    return write(scanline(planes, stated, origin=(-4, -4)))


def hostile() -> bytes:
    """Return a file with a script in every text that a header can hold, and with control characters."""
    ramp = np.linspace(0, 1, 16 * 9, dtype=np.float16).reshape(9, 16)
    channels = ["R", "G", "B", f"{SCRIPT}.R", f"{SCRIPT}.G", f"{SCRIPT}.B", "\x1b[31m.Z"]
    texts = {
        "name": SCRIPT,
        "view": SCRIPT,
        "owner": SCRIPT,
        "comments": f"{SCRIPT}\x07\u202egnp.exe",
        "software": SCRIPT,
        "colorInteropID": SCRIPT,
        SCRIPT: SCRIPT,
        "cryptomatte/abc1234/name": SCRIPT,
        "cryptomatte/abc1234/hash": "MurmurHash3_32",
        "cryptomatte/abc1234/conversion": "uint32_to_float32",
        "cryptomatte/abc1234/manifest": f'{{"{SCRIPT}": "3f800000"}}',
    }
    attributes = [attribute(name, "string", value) for name, value in texts.items()]
    return write(scanline(dict.fromkeys(channels, ramp), attributes))
