"""Small documents of schema version 1, most of them made by hand, for the tests of the vectors."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from exr_inspector.vectors import attributes
from exr_inspector.vectors.attributes import PROGRAMS
from exr_inspector.vectors.channels import COMPONENTS, MAIN_LAYERS, PURPOSES
from tests.document.documents import document_of
from tests.exrfiles import attributes as exr
from tests.exrfiles.geometry import Tiling
from tests.exrfiles.metadata import REC709
from tests.exrfiles.parts import tiled as tiled_part
from tests.exrfiles.writer import write

Document = dict[str, Any]


def channel(name: str, kind: str = "half", index: int = 0, **fields: Any) -> dict[str, Any]:
    layer, _, component = name.rpartition(".")
    return {
        "part_index": index,
        "name": name,
        "layer_name": layer or None,
        "layer_source": "channel" if layer else None,
        "component_name": component,
        "type": kind,
        "x_sampling": 1,
        "y_sampling": 1,
        "p_linear": False,
        **fields,
    }


def box(left: int, top: int, right: int, bottom: int) -> dict[str, Any]:
    return {"min": {"x": left, "y": top}, "max": {"x": right, "y": bottom}}


def attribute(name: str, value: Any, kind: str = "string") -> dict[str, Any]:
    return {"name": name, "type": kind, "value": value}


def part(*attributes: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """One part of HD size, scan lines, ZIP."""
    display = fields.get("display_window", box(0, 0, 1919, 1079))
    return {
        "index": 0,
        "name": None,
        "view": None,
        "type": "scanlineimage",
        "width": 1920,
        "height": 1080,
        "data_window": display,
        "display_window": display,
        "display_width": display and display["max"]["x"] - display["min"]["x"] + 1,
        "display_height": display and display["max"]["y"] - display["min"]["y"] + 1,
        "data_x_offset": 0,
        "data_y_offset": 0,
        "pixel_aspect_ratio": 1.0,
        "line_order": "increasingY",
        "compression": "zip",
        "is_tiled": False,
        "tile_width": None,
        "tile_height": None,
        "level_mode": None,
        "rounding_mode": None,
        "is_deep": False,
        "chunk_count": None,
        "channel_count": 0,
        "color_space": None,
        "color_space_source": None,
        "render_software": None,
        "render_software_source": None,
        "attributes": [attribute("compression", "zip", "compression"), *attributes],
        **fields,
    }


def document(channels: list[dict[str, Any]], *parts: dict[str, Any]) -> Document:
    return {
        "schema_version": 1,
        "file": {
            "path": "/shots/beauty.1001.exr",
            "size_bytes": 1,
            "mtime": "2026-10-01T09:15:30Z",
            "frame_number": 1001,
        },
        "parts": list(parts),
        "channels": channels,
        "attributes": {"DateTime": "2026:10:01 09:15:30"},
        "stats": {},
        "validation": {},
        "errors": [],
    }


RGBA = [channel(name) for name in "RGBA"]
LAYERS = "diffuse specular sss emission coat transmission volume albedo shadow"


def layered(*layers: str) -> list[dict[str, Any]]:
    """RGBA, Z, and R, G, B of each layer."""
    return [*RGBA, channel("Z", "float"), *(channel(f"{layer}.{each}") for layer in layers for each in "RGB")]


ARNOLD = [
    attribute("arnold/version", "7.3.2.1"),
    attribute("arnold/AA_samples", 6, "int"),
    attribute("arnold/stats/time/render", 93.5, "float"),
    attribute("worldToCamera", [0.5] * 16, "m44f"),
    attribute("studio/show", "aurora"),
    attribute("studio/colorspace", "ACEScg"),
    attribute("lensModel", "S7/i 50mm"),
    attribute("nominalFocalLength", 50.0, "float"),
]


def beauty(*attributes: dict[str, Any], **fields: Any) -> Document:
    """A layered Arnold render, with more attributes and other fields of its part."""
    known = {"render_software": "Arnold 7.3.2.1", "color_space": "ACEScg"}
    return document(layered(*LAYERS.split()), part(*ARNOLD, *attributes, **{**known, **fields}))


def stereo() -> Document:
    """Two deep parts, left and right."""
    channels = [
        channel(name, "float", index) for index in range(2) for name in ("A", "B", "G", "R", "Z", "ZBack")
    ]
    parts = [
        part(
            attribute("owner", "north"),
            index=index,
            name=f"rgba.{view}",
            view=view,
            type="deepscanline",
            is_deep=True,
            compression="zips",
            data_window=box(-96, -54, 2015, 1133),
        )
        for index, view in enumerate(("left", "right"))
    ]
    return document(channels, *parts)


def hostile() -> Document:
    """Names and values that no studio would choose, and fields that are absent."""
    names = [
        "",
        ".",
        "..R",
        "\udcff\udc80.R",
        "\x00",
        "naïve.層.R",
        "A" * 255,
        "~diffuse",
        "beauty.1001.R",
        "IJ.ÅSA",
    ]
    channels = [channel(name, "unknown(7)", x_sampling=2, y_sampling=0, p_linear=True) for name in names]
    odd = [
        attribute("", ""),
        attribute("\udcff", "\udcff"),
        attribute("software", "\u0130 v٣ " * 40),
        attribute("version", "7" * 300),
        attribute("chromaticities", {"red": {"x": "NaN", "y": "-Infinity"}}, "chromaticities"),
        attribute("adoptedNeutral", [-0.0, 1e300], "v2f"),
        attribute("framesPerSecond", {"numerator": 24, "denominator": 0}, "rational"),
        attribute("aperture", "Infinity", "float"),
        attribute("expTime", None, "float"),
        attribute("isoSpeed", -1.0, "float"),
        attribute("strange", {"base64": "AA=="}, "XXXXXX"),
        attribute("views", ["left"] * 500, "stringvector"),
        attribute("number", 2**31, "int"),
    ]
    absent = dict.fromkeys(
        ("data_window", "display_window", "pixel_aspect_ratio", "compression", "line_order")
    )
    return document(channels, part(*odd, **absent, name="x" * 5000), part(pixel_aspect_ratio="NaN"))


def nothing() -> Document:
    """The document of a file whose header cannot be read."""
    return document([])


def tiled() -> Document:
    """A tiled file of one level, written as bytes and read."""
    pixels = np.zeros((40, 60), np.float16)
    attributes = [
        exr.attribute("software", "string", "Arnold 7.3.2.1"),
        exr.attribute("chromaticities", "chromaticities", REC709),
        exr.attribute("framesPerSecond", "rational", (24000, 1001)),
        exr.attribute("studio/element", "string", "hero"),
        exr.attribute("isoSpeed", "float", 800.0),
    ]
    levels = {(0, 0): dict.fromkeys(("R", "G", "B", "diffuse.R"), pixels)}
    return document_of(write(tiled_part(levels, Tiling(16, 32), attributes)))


EXAMPLES = {
    r"(?<!g)host": "host",
    r"\blog.?name": "logname",
    "submi(t|ssion)": "submission",
    "open.?cue": "opencue",
    "seconds?": "seconds",
    "count(er)?": "counter",
    "blade(?!s)": "blade",
    "rendered.on": "rendered on",
    "ran.on": "ran on",
    "proc(essor)?": "proc",
    "v?mem": "vmem",
    "by$": "by",
    "[gjpstu]?id": "gid",
    "colou?r.?space": "colour space",
}
"""Words of `attributes.VOLATILE` that are patterns -> a name that only this word matches."""
WORDS = {word: EXAMPLES.get(word, word) for word in (*attributes.ANYWHERE, *attributes.ALONE)}


def named() -> Document:
    """Every program, kind, view and word that the vectors know, in one file."""
    layers = [pattern for patterns in PURPOSES.values() for pattern in patterns]
    channels = [channel(f"{layer}.{each}") for layer in layers for each in COMPONENTS]
    channels += [channel(f"{layer}.R", "uint") for layer in MAIN_LAYERS if layer]
    programs = [part(render_software=f"{program} 1.{n}.3") for n, program in enumerate(PROGRAMS)]
    stored = [attribute(name, "hero") for name in WORDS.values()]
    stored += [attribute(name, value, kind) for name, value, kind in VALUES]
    return document(channels, part(*stored, color_space="lin_ap0_scene", render_software="Arnold"), *programs)


VALUES = [
    ("envmap", "latlong", "envmap"),
    ("cryptomatte/f834d0a/name", "crypto_object", "string"),
    ("cameraMake", "ARRI", "string"),
    ("cameraModel", "ALEXA 35", "string"),
    ("isoSpeed", 700.0, "float"),
    ("multiView", ["left", "right"], "stringvector"),
    ("studio/count_of_lights", 7, "int"),
    ("studio/level", 3, "int"),
    ("studio/element", "hero", "string"),
    ("studio/shot", "rooftop_0040", "string"),
    ("chromaticities", {"red": {"x": 0.64, "y": 0.33}}, "chromaticities"),
    ("acesImageContainerFlag", 1, "int"),
]


def texture() -> Document:
    """A cube map with levels, tiled, in odd sizes and an unusual line order."""
    return document(
        [channel("RY", x_sampling=2, y_sampling=2), channel("BY", p_linear=True), channel("Y", "float")],
        part(
            attribute("envmap", "cube", "envmap"),
            type="tiledimage",
            is_tiled=True,
            tile_width=48,
            tile_height=24,
            level_mode="ripmap",
            rounding_mode="up",
            line_order="randomY",
            name="sky",
            view="top",
            pixel_aspect_ratio=1.5,
            data_window=box(-100, 5, 1970, 1200),
        ),
    )


def single() -> Document:
    """One channel of depth, with an attribute of a Cryptomatte."""
    conversion = attribute("cryptomatte/f834d0a/conversion", "uint32_to_float32")
    return document([channel("Z", "float")], part(conversion, compression="piz"))


def picture() -> Document:
    return document(RGBA, part(compression="dwab", display_window=box(0, 0, 2047, 857)))


def of_purpose(purpose: str) -> Document:
    """A layer for each pattern of a purpose, more for the last up to a power of two, and one other layer.

    Purposes weigh by the octave of their number of layers, so that one layer less changes the weight.
    """
    patterns = PURPOSES[purpose]
    more = 2 ** (len(patterns) - 1).bit_length() - len(patterns)
    layers = [*patterns, *(f"{patterns[-1]} {letter}" for letter in "abcd"[:more])]
    other = "depth" if purpose == "matte" else "mask"
    return document([channel(f"{layer}.w") for layer in (*layers, other)])


GOLDEN: dict[str, Callable[[], Document]] = {
    "named": named,
    "texture": texture,
    "single": single,
    "picture": picture,
    "beauty": beauty,
    "stereo": stereo,
    "hostile": hostile,
    "nothing": nothing,
    "tiled": tiled,
}
OF_PURPOSES = {purpose: partial(of_purpose, purpose) for purpose in PURPOSES}
