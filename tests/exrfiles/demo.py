"""The demo's files: `python -m tests.exrfiles.demo OUT_DIR` writes a small show.

The builders below give the same bytes every time. Other tests may use any of them.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tests.exrfiles import cryptomatte
from tests.exrfiles.attributes import Attribute, attribute
from tests.exrfiles.geometry import Level, Tiling, level_sizes
from tests.exrfiles.metadata import REC709, RENDERER, TEXTURE, display_window, shot_attributes
from tests.exrfiles.parts import deep_scanline, scanline, tiled
from tests.exrfiles.scene import FIRST_FRAME, Layer, View, draw, layers, shaded
from tests.exrfiles.writer import Part, write

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from tests.exrfiles.chunks import Pixels

LUMINANCE = np.array((0.2126, 0.7152, 0.0722), np.float32)
OVERSCAN = 8
TRUNCATED_FRAME = 1004


def simple(
    width: int,
    height: int,
    channels: Iterable[str] = ("B", "G", "R"),
    compression: str = "zip",
    attributes: Iterable[Attribute] = (),
) -> bytes:
    """A single-part scan line file with a half ramp in each channel."""
    ramp = np.linspace(0, 1, width * height, dtype=np.float16).reshape(height, width)
    return write(scanline(dict.fromkeys(channels, ramp), attributes, compression=compression))


def layered_beauty(frame: int = FIRST_FRAME, width: int = 160, height: int = 90) -> bytes:
    """A render with overscan: beauty, light and data layers in half, depth and Cryptomatte in float."""
    view = View(width, height, OVERSCAN, frame)
    image = draw(view)
    alpha = {"A": image.alpha.astype(np.float16)}
    planes = {
        **rgb("", image.beauty),
        **alpha,
        **rgb("diffuse.", image.diffuse),
        **rgb("specular.", image.specular),
        **rgb("albedo.", image.albedo),
        **half("normal.", "XYZ", image.normal),
        "Z": image.depth,
        **cryptomatte.channels("crypto_object", image.visible),
    }
    attributes = (
        *shot_attributes(frame),
        *RENDERER,
        *cryptomatte.metadata("crypto_object", image.visible),
        attribute("colorInteropID", "string", "lin_ap1_scene"),
        display_window(view),
    )
    return write(scanline(planes, attributes, origin=(-OVERSCAN, -OVERSCAN)))


def stereo_pair(frame: int = FIRST_FRAME, width: int = 96, height: int = 54) -> bytes:
    """A multipart file: beauty and depth for the left and the right eye, one part each."""
    eyes = {"left": -0.12, "right": 0.12}
    return write(
        *(part for name, eye in eyes.items() for part in _eye(name, View(width, height, 0, frame, eye)))
    )


def deep(frame: int = FIRST_FRAME, width: int = 80, height: int = 45) -> bytes:
    """A deep scan line file: hard surfaces (Z equals ZBack) among two slabs of mist (Z before ZBack)."""
    found = [*map(_surface, layers(View(width, height, 0, frame))), *_mist(height, width)]
    stacked = {name: np.stack([sample[name] for sample in found], axis=-1) for name in found[0]}
    nearest_first = np.argsort(stacked["Z"], axis=-1, kind="stable")
    ordered = {name: np.take_along_axis(plane, nearest_first, axis=-1) for name, plane in stacked.items()}
    there = ordered["A"] > 0
    samples = {name: plane[there] for name, plane in ordered.items()}
    counts = there.sum(axis=-1, dtype=np.int32)
    return write(
        deep_scanline(counts, samples, (*shot_attributes(frame), attribute("name", "string", "deep")))
    )


def mipmapped(size: int = 128) -> bytes:
    """A tiled texture with mip levels down to one pixel, as a texture tool writes it; `size` a power of 2."""
    tiling = Tiling(32, 32, "mipmap")
    down, across = np.meshgrid(*[np.arange(size) * (2 * np.pi / size)] * 2, indexing="ij")
    grass = 0.5 + 0.25 * np.sin(4 * across + np.sin(down)) + 0.2 * np.cos(3 * down + np.sin(2 * across))
    colour = (grass[..., None] * (0.30, 0.55, 0.18)).astype(np.float32)
    levels = {level: rgb("", _shrunk(colour, level)) for level in level_sizes(size, size, tiling)}
    attributes = (
        *TEXTURE,
        attribute(
            "oiio:AverageColor", "string", ",".join(f"{mean:.6g}" for mean in colour.mean(axis=(0, 1)))
        ),
        attribute("oiio:SHA-1", "string", hashlib.sha1(colour.tobytes()).hexdigest().upper()),
    )
    return write(tiled(levels, tiling, attributes))


def luminance_chroma(frame: int = FIRST_FRAME, width: int = 160, height: int = 90) -> bytes:
    """A plate as luminance at full size and chroma (RY, BY) at half size; width and height are even."""
    colour = draw(View(width, height, 0, frame)).beauty + np.float32(0.02)
    luminance = colour @ LUMINANCE
    small = _shrunk(np.concatenate((colour, luminance[..., None]), axis=-1), (1, 1))
    planes = {
        "Y": luminance.astype(np.float16),
        "RY": (small[..., 0] / small[..., 3] - 1).astype(np.float16),
        "BY": (small[..., 2] / small[..., 3] - 1).astype(np.float16),
    }
    attributes = (
        *shot_attributes(frame),
        attribute("chromaticities", "chromaticities", REC709),
        attribute("whiteLuminance", "float", 100.0),
    )
    return write(scanline(planes, attributes, sampling={"RY": (2, 2), "BY": (2, 2)}))


def half(layer: str, components: str, pixels: Pixels) -> dict[str, Pixels]:
    """The last axis of `pixels` as half channels of this layer, which ends in its dot."""
    return {layer + name: pixels[..., n].astype(np.float16) for n, name in enumerate(components)}


def rgb(layer: str, pixels: Pixels) -> dict[str, Pixels]:
    """Colours of shape (rows, columns, 3) as half channels of this layer."""
    return half(layer, "RGB", pixels)


def truncated(data: bytes) -> bytes:
    """The file as a broken copy leaves it: whole header, cut in the middle of its pixels."""
    return data[: len(data) * 3 // 5]


def demo_files() -> Iterator[tuple[str, bytes]]:
    """Path below the demo's folder, and contents, of every file."""
    yield "shots/sq010/sh010/beauty.1001.exr", layered_beauty()
    yield "shots/sq010/sh010/stereo.1001.exr", stereo_pair()
    yield "shots/sq010/sh010/deep.1001.exr", deep()
    yield "shots/sq010/sh010/plate.1001.exr", luminance_chroma()
    yield "assets/hill/textures/hill_albedo.exr", mipmapped()
    for frame in range(FIRST_FRAME, FIRST_FRAME + 6):
        data = layered_beauty(frame, 96, 54)
        yield f"shots/sq010/sh020/beauty.{frame}.exr", truncated(data) if frame == TRUNCATED_FRAME else data


def write_demo(folder: Path) -> list[Path]:
    """Write the demo's files below `folder` and say where they are. OSError where that fails."""
    written = []
    for name, data in demo_files():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        written.append(path)
    return written


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.exrfiles.demo", description="Write the demo's EXR files."
    )
    parser.add_argument("folder", type=Path, metavar="OUT_DIR")
    for path in write_demo(parser.parse_args().folder):
        print(path)


def _eye(name: str, view: View) -> tuple[Part, Part]:
    image = draw(view)
    colour = {**rgb("", image.beauty), "A": image.alpha.astype(np.float16)}
    return (_view_part("rgba", name, colour, view), _view_part("depth", name, {"Z": image.depth}, view))


def _view_part(what: str, eye: str, planes: Mapping[str, Pixels], view: View) -> Part:
    stated = (attribute("name", "string", f"{what}.{eye}"), attribute("view", "string", eye))
    colour = attribute("chromaticities", "chromaticities", REC709)
    return scanline(planes, (*shot_attributes(view.frame), *stated, colour))


def _surface(layer: Layer) -> dict[str, Pixels]:
    alpha = layer.coverage.astype(np.float16)
    colour = rgb("", shaded(layer) * layer.coverage[..., None])
    return {"A": alpha, **colour, "Z": layer.depth, "ZBack": layer.depth}


def _mist(height: int, width: int) -> Iterator[dict[str, Pixels]]:
    """Two slabs over the lower half, denser towards the ground."""
    rise = np.linspace(-1, 1, height, dtype=np.float32)[:, None] * np.ones(width, np.float32)
    density = (0.25 * np.maximum(rise, 0)).astype(np.float16)
    for near, far in ((2.0, 2.75), (4.75, 7.0)):
        depth = {"Z": np.full_like(rise, near), "ZBack": np.full_like(rise, far)}
        yield {"A": density, "R": density, "G": density, "B": density, **depth}


def _shrunk(pixels: Pixels, level: Level) -> Pixels:
    """Means over blocks of 2**x by 2**y pixels, which must fit the size."""
    x, y = level
    rows, columns, depth = pixels.shape
    blocks = pixels.reshape(rows >> y, 1 << y, columns >> x, 1 << x, depth)
    means: Pixels = blocks.mean(axis=(1, 3), dtype=np.float32)
    return means


if __name__ == "__main__":
    main()
