"""Small documents in the form of schema version 1, most made by hand: what the vectors are tested on."""

from __future__ import annotations

from typing import Any

import numpy as np

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
    """A layered Arnold render; more attributes and other fields of its part as named."""
    return document(layered(*LAYERS.split()), part(*ARNOLD, *attributes, **fields))


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
    """What a file gives whose header cannot be read."""
    return document([])


def tiled() -> Document:
    """A tiled file of one level, written as bytes and read as any file is."""
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


GOLDEN = {"beauty": beauty, "stereo": stereo, "hostile": hostile, "nothing": nothing, "tiled": tiled}
