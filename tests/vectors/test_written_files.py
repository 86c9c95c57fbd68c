"""The vectors of files that the suite writes and reads: the cases that issue reports have named."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from exr_inspector.vectors.embedding import metadata_embedding
from tests.document.documents import document_of
from tests.exrfiles import cryptomatte
from tests.exrfiles.attributes import Attribute, attribute
from tests.exrfiles.geometry import Tiling, level_sizes
from tests.exrfiles.parts import scanline, tiled
from tests.exrfiles.writer import write

PIXELS = np.zeros((32, 64), np.float16)
RGBA = dict.fromkeys("RGBA", PIXELS)


def text(name: str, value: str) -> Attribute:
    return attribute(name, "string", value)


def image(pixels: Mapping[str, Any], *attributes: Attribute, compression: str = "zip") -> dict[str, Any]:
    return document_of(write(scanline(pixels, attributes, compression=compression)))


def texture(*attributes: Attribute, size: tuple[int, int] = (64, 32)) -> dict[str, Any]:
    """A tiled image with mip-map levels."""
    tiling = Tiling(16, 16, "mipmap")
    levels = {
        level: {name: np.zeros((height, width), np.float16) for name in "RGBA"}
        for level, (width, height) in level_sizes(*size, tiling).items()
    }
    return document_of(write(tiled(levels, tiling, attributes)))


def nearest(document: Mapping[str, Any], others: Mapping[str, Mapping[str, Any]]) -> str:
    vector = metadata_embedding(document)
    return max(others, key=lambda name: float(vector @ metadata_embedding(others[name])))


def test_a_tiled_environment_map_finds_environment_maps_before_plain_files_of_its_program() -> None:
    maker = text("Software", "OpenImageIO 2.5.4 : maketx studio.hdr")
    latlong = attribute("envmap", "envmap", "latlong")
    others = {
        "plain, same program and size": image(RGBA, maker),
        "plain, same program, other compression": image(RGBA, maker, compression="zips"),
        "environment map": texture(text("Software", "Nuke 15.1v2"), latlong, size=(128, 64)),
    }
    assert nearest(texture(maker, latlong), others) == "environment map"
    others["texture"] = texture(text("Software", "Nuke 15.1v2"), size=(128, 64))
    assert nearest(texture(maker), others) == "texture"


def test_a_cryptomatte_finds_cryptomattes_before_other_files_of_its_program() -> None:
    """Even if the name of its layer does not say so, as in a sample image of the Cryptomatte project."""
    arnold, other = text("software", "Arnold 7.3.2.1"), text("software", "Gaffer 1.4.8.0")

    def matte(layer: str, program: Attribute) -> dict[str, Any]:
        channels = cryptomatte.channels(layer, {"ball": np.ones((32, 64), np.float32)})
        return image(channels, program, *cryptomatte.metadata(layer, ["ball"]))

    layers = {f"{layer}.{component}": PIXELS for layer in ("diffuse", "specular") for component in "RGB"}
    others = {
        "beauty, same program": image(RGBA, arnold),
        "layers, same program": image(RGBA | layers, arnold),
        "Cryptomatte, other program": matte("crypto_asset", other),
    }
    assert nearest(matte("special_chars", arnold), others) == "Cryptomatte, other program"


def test_layers_that_are_parts_find_the_same_layers_in_one_part_before_a_plain_image() -> None:
    """Nuke writes `character.red` as the channel `red` of the part `character.main`."""
    nuke, view = text("nuke/version", "13.1v2"), text("view", "main")
    layers = {
        "rgba": ["R", "G", "B", "A"],
        "character": ["red", "green", "blue", "alpha", "mask"],
        "depth": ["Z"],
        "other": ["ZBack"],
    }

    def part(layer: str, components: Iterable[str]) -> Any:
        pixels = dict.fromkeys(components, PIXELS)
        return scanline(pixels, [text("name", f"{layer}.main"), view, nuke], compression="zips")

    parts = document_of(write(*(part(layer, components) for layer, components in layers.items())))
    names = [
        component if layer == "rgba" else f"{layer}.{component}"
        for layer, components in layers.items()
        for component in components
    ]
    others = {
        "plain checker, same program": image(RGBA, nuke, compression="zips"),
        "the same layers in one part": image(dict.fromkeys(names, PIXELS), nuke, compression="zips"),
    }
    assert nearest(parts, others) == "the same layers in one part"
