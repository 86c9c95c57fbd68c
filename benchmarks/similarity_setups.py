"""Documents of render setups, as a farm writes them, for `similarity.py`.

A setup is one render configuration of one shot. Its frames share everything but what really changes
from frame to frame: what `similarity_programs.py` calls varying, what a studio's tools add, and in some
setups the data window. Many setups differ from a neighbour by one thing only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from benchmarks.similarity_farms import (
    Attributes,
    Farm,
    deadline,
    host,
    opencue,
    royal_render,
    studio_tools,
    tractor,
)
from benchmarks.similarity_programs import (
    ARNOLD,
    BLENDER,
    CAMERA,
    KARMA,
    NUKE,
    REDSHIFT,
    RENDERMAN,
    RGB,
    VRAY,
    Layers,
    Program,
    clock,
    day,
    layers,
)
from exr_inspector.exr.codes import LEVEL_MODES, LINE_ORDERS, ROUNDING_MODES

Document = dict[str, Any]

FRAMES = 8

AP0 = (0.7347, 0.2653, 0.0, 1.0, 0.0001, -0.077, 0.32168, 0.33767)
AP1 = (0.713, 0.293, 0.165, 0.83, 0.128, 0.044, 0.32168, 0.33767)
REC709 = (0.64, 0.33, 0.3, 0.6, 0.15, 0.06, 0.3127, 0.329)


@dataclass(frozen=True)
class Show:
    """What a production decides for all its shots."""

    size: tuple[int, int]
    studio: Attributes
    farm: Farm
    rate: tuple[int, int] = (24, 1)
    first_frame: int = 1001
    pixel_aspect: float = 1.0
    primaries: tuple[float, ...] = ()
    color_space: str | None = None


@dataclass(frozen=True)
class Setup:
    """One render configuration. `purposes` name the program's sets of layers that are written."""

    name: str
    program: Program
    show: Show
    version: str
    purposes: str = "beauty lighting utility"
    extra: Layers = field(default_factory=dict)
    size: tuple[int, int] | None = None
    compression: str = "zip"
    window: str = "full"
    views: tuple[str, ...] = ()
    multipart: bool = False
    deep: bool = False
    tile: int | None = None
    quality: int = 4
    changes: Attributes = field(default_factory=dict)

    def documents(self, seed: int = 1) -> list[Document]:
        """Return the setup's frames."""
        return [document(self, number, Random(f"{seed} {self.name} {number}")) for number in range(FRAMES)]


# --- shows ----------------------------------------------------------------------------------------

AURORA = Show(
    (1920, 1080),
    farm=deadline,
    primaries=AP1,
    color_space="ACEScg",
    studio={
        "studio/show": "aurora",
        "studio/shot": "rooftop_0040",
        "studio/department": "lighting",
        "studio/element": "hero",
        "studio/colorspace": "ACEScg",
        "studio/ocio": "studio-config-v2.1.0_aces-v1.3",
    },
)
BASALT = Show(
    (3840, 2160),
    farm=tractor,
    rate=(25, 1),
    first_frame=96,
    studio={
        "pipeline:project": "basalt",
        "pipeline:task": "lgt",
        "pipeline:asset": "harbour",
        "pipeline:lut": "rec709",
    },
)
CINDER = Show(
    (2048, 858),
    farm=royal_render,
    rate=(24000, 1001),
    primaries=AP0,
    studio={
        "facility": "north",
        "project": "cinder",
        "shotName": "cin_112_0080",
        "passName": "beauty",
        "publishVersion": 12,
    },
)
DELTA = Show(
    (4448, 3096),
    farm=opencue,
    first_frame=1,
    pixel_aspect=2.0,
    studio={"owner": "delta productions", "ilut": "log"},
)


def noise(show: Show, frame: int, random: Random) -> Attributes:
    """Return the attributes of the farm and of the studio's tools, which no two frames share."""
    return {
        **show.farm(random),
        **studio_tools(random),
        "studio/job_id": f"{random.getrandbits(32):08x}-{random.getrandbits(16):04x}",
        "studio/publish": f"/mnt/jobs/shot/publish/beauty.{frame:04}.exr",
        "studio/user": random.choice(["lighter", "wrangler", "night"]),
        "studio/note": f"checked frame {frame}",
        "studio/go": random.randint(1, 3),  # looks like a category, and is none
        "timeCode": {
            "time": f"01:00:{frame // 24 % 60:02}:{frame % 24:02}",
            "time_and_flags": frame,
            "user_data": 0,
        },
        "framesPerSecond": dict(zip(("numerator", "denominator"), show.rate, strict=True)),
    }


# --- documents ------------------------------------------------------------------------------------


def document(setup: Setup, number: int, random: Random) -> Document:
    """Return the document of frame `number` of a setup."""
    frame = setup.show.first_frame + number
    written = {
        **setup.show.studio,
        **setup.program.fixed(setup.version, setup.quality),
        **noise(setup.show, frame, random),
        **setup.program.varying(frame, random),
        **setup.changes,
    }
    if setup.show.primaries:
        written["chromaticities"] = chromaticities(setup.show.primaries)
    contents = list(split(setup))
    listed = [
        [
            channel(index, layer, component, kind)
            for layer, each in content.items()
            for component, kind in each.items()
        ]
        for index, (_, _, content) in enumerate(contents)
    ]
    return {
        "schema_version": 1,
        "file": {
            "path": f"/mnt/{host(random)}/{setup.name}/beauty.{frame:04}.exr",
            "size_bytes": random.randrange(10**6, 10**8),
            "mtime": f"{day(random).replace(':', '-')}T{clock(random)}Z",
            "frame_number": frame,
        },
        "parts": [
            part(setup, {"index": index, "name": name, "view": view}, listed[index], written, random)
            for index, (name, view, _) in enumerate(contents)
        ],
        "channels": [each for of_part in listed for each in of_part],
        "attributes": {"DateTime": written.get("capDate", clock(random))},
    }


def split(setup: Setup) -> Iterator[tuple[str | None, str | None, Layers]]:
    """Yield the setup's layers by part: (part name, view, layers)."""
    content: Layers = {}
    for purpose in setup.purposes.split():
        for layer, components in setup.program.purposes[purpose].items():
            content[layer] = content.get(layer, {}) | components
    content |= setup.extra
    if setup.multipart:
        for view in setup.views or (None,):
            for layer, components in content.items():
                yield f"{layer or 'rgba'}{f'.{view}' if view else ''}", view, {layer: components}
    else:
        for view in setup.views[1:]:
            content |= {f"{view}.{layer}" if layer else view: each for layer, each in list(content.items())}
        yield None, None, content


def channel(index: int, layer: str, component: str, kind: str) -> Attributes:
    return {
        "part_index": index,
        "name": f"{layer}.{component}" if layer else component,
        "layer_name": layer or None,
        "layer_source": "channel" if layer else None,
        "component_name": component,
        "type": kind,
        "x_sampling": 1,
        "y_sampling": 1,
        "p_linear": False,
    }


def part(
    setup: Setup, fields: Attributes, channels: list[Attributes], written: Attributes, random: Random
) -> Attributes:
    width, height = setup.size or setup.show.size
    display, data = box(0, 0, width, height), window(setup.window, width, height, random)
    kind = "deepscanline" if setup.deep else "tiledimage" if setup.tile else "scanlineimage"
    stored = {
        "channels": [{key: each[key] for key in CHLIST} for each in channels],
        "compression": setup.compression,
        "dataWindow": data,
        "displayWindow": display,
        "lineOrder": LINE_ORDERS[0],
        "pixelAspectRatio": setup.show.pixel_aspect,
        "screenWindowCenter": (0.0, 0.0),
        "screenWindowWidth": 1.0,
        "type": kind,
        **({"name": fields["name"]} if fields["name"] else {}),
        **({"multiView": list(setup.views)} if setup.views and not setup.multipart else {}),
        **written,
    }
    return fields | {
        "type": kind,
        "width": data["max"]["x"] - data["min"]["x"] + 1,
        "height": data["max"]["y"] - data["min"]["y"] + 1,
        "data_window": data,
        "display_window": display,
        "display_width": width,
        "display_height": height,
        "data_x_offset": data["min"]["x"],
        "data_y_offset": data["min"]["y"],
        "pixel_aspect_ratio": setup.show.pixel_aspect,
        "line_order": LINE_ORDERS[0],
        "compression": setup.compression,
        "is_tiled": setup.tile is not None,
        "tile_width": setup.tile,
        "tile_height": setup.tile,
        "level_mode": LEVEL_MODES[0] if setup.tile else None,
        "rounding_mode": ROUNDING_MODES[0] if setup.tile else None,
        "is_deep": setup.deep,
        "chunk_count": None,
        "channel_count": len(channels),
        "color_space": setup.show.color_space,
        "color_space_source": "studio/colorspace" if setup.show.color_space else None,
        "render_software": f"{setup.program.software} {setup.version}",
        "render_software_source": setup.program.software_source,
        "attributes": [attribute(key, value) for key, value in stored.items()],
    }


def window(kind: str, width: int, height: int, random: Random) -> Attributes:
    """Return the data window: the whole frame, 5 % more on each side, or the area of the content."""
    if kind == "overscan":
        return box(-width // 20, -height // 20, width + width // 20, height + height // 20)
    if kind == "content":
        left, top = random.randint(width // 8, width // 6), random.randint(height // 5, height // 4)
        return box(
            left,
            top,
            width - random.randint(width // 8, width // 6),
            height - random.randint(0, height // 30),
        )
    return box(0, 0, width, height)


def box(left: int, top: int, right: int, bottom: int) -> Attributes:
    return {"min": {"x": left, "y": top}, "max": {"x": right - 1, "y": bottom - 1}}


def chromaticities(values: tuple[float, ...]) -> Attributes:
    points = [{"x": x, "y": y} for x, y in zip(values[::2], values[1::2], strict=True)]
    return dict(zip(("red", "green", "blue", "white"), points, strict=True))


CHLIST = ("name", "type", "p_linear", "x_sampling", "y_sampling")
TYPES = {
    "channels": "chlist",
    "compression": "compression",
    "lineOrder": "lineOrder",
    "chromaticities": "chromaticities",
    "timeCode": "timecode",
    "framesPerSecond": "rational",
    "multiView": "stringvector",
    "dataWindow": "box2i",
    "displayWindow": "box2i",
}


def attribute(name: str, value: Any) -> Attributes:
    vector = isinstance(value, tuple)
    plain = {
        int: "int",
        float: "float",
        str: "string",
        tuple: "m44f" if vector and len(value) == 16 else "v2f",
    }
    return {
        "name": name,
        "type": TYPES.get(name) or plain[type(value)],
        "value": list(value) if vector else value,
    }


# --- setups --------------------------------------------------------------------------------------

MATTE = layers("shadow_matte", RGB)


def newer(setup: Setup) -> Setup:
    version = re.sub("[0-9]+$", lambda last: f"{int(last[0]) + 1:0{len(last[0])}}", setup.version)
    return replace(setup, name=f"{setup.name}, newer version", version=version)


def one_layer_more(setup: Setup) -> Setup:
    return replace(setup, name=f"{setup.name}, one layer more", extra=setup.extra | MATTE)


def overscan(setup: Setup) -> Setup:
    return replace(setup, name=f"{setup.name}, overscan", window="overscan")


def recompressed(setup: Setup) -> Setup:
    other = "dwaa" if setup.compression != "dwaa" else "zips"
    return replace(setup, name=f"{setup.name}, other compression", compression=other)


def half_size(setup: Setup) -> Setup:
    width, height = setup.size or setup.show.size
    return replace(setup, name=f"{setup.name}, half size", size=(width // 2, height // 2))


ONE_CHANGE = (newer, one_layer_more, overscan, recompressed, half_size)
"""One change each, in the order in which the metadata vectors rank them, nearest first."""


def more(base: Setup) -> Iterator[Setup]:
    """Yield setups that differ from a base by more than one fact."""
    following = SHOWS[(SHOWS.index(base.show) + 1) % len(SHOWS)]
    lights = "beauty lights utility"
    yield replace(base, name=f"{base.name}, cropped to content", window="content")
    yield replace(base, name=f"{base.name}, matte pass", purposes="beauty crypto", compression="zips")
    yield replace(
        base, name=f"{base.name}, light groups, next show", purposes=lights, show=following, quality=8
    )
    yield replace(base, name=f"{base.name}, stereo", views=("left", "right"))


SHOWS = [AURORA, BASALT, CINDER]

BASES = [
    Setup("Arnold", ARNOLD, AURORA, "7.3.2.1"),
    Setup("V-Ray", VRAY, BASALT, "6.20.06"),
    Setup("RenderMan", RENDERMAN, CINDER, "26.2", compression="zips"),
    Setup("Redshift", REDSHIFT, AURORA, "3.6.04", compression="piz"),
    Setup("Karma", KARMA, BASALT, "20.5.278"),
    Setup("Blender", BLENDER, CINDER, "4.5.1", compression="dwaa"),
    Setup("Nuke", NUKE, AURORA, "15.1v3", compression="zips"),
]
ONE_LAYER = [replace(base, name=f"{base.name}, one layer", purposes="beauty") for base in BASES]
"""The base setups' beauty alone, to measure the effect of one change."""

ARNOLD_BASE, VRAY_BASE, RENDERMAN_BASE, REDSHIFT_BASE, KARMA_BASE, _, NUKE_BASE = BASES
DEEP: dict[str, Any] = {"purposes": "beauty", "deep": True, "compression": "zips"}
PLATE = Setup("Camera", CAMERA, DELTA, "1.7.1", "beauty", compression="none")

SETUPS = [
    *BASES,
    *(change(base) for change in ONE_CHANGE for base in BASES),
    *(setup for base in BASES for setup in more(base)),
    replace(ARNOLD_BASE, name="Arnold, deep", **DEEP),
    replace(ARNOLD_BASE, name="Arnold, another shot", changes={"studio/shot": "lobby_a"}),
    replace(ARNOLD_BASE, name="Arnold, tiled", tile=64),
    replace(VRAY_BASE, name="V-Ray, multipart", multipart=True),
    replace(RENDERMAN_BASE, name="RenderMan, deep", **DEEP),
    replace(KARMA_BASE, name="Karma, deep, cropped", window="content", **DEEP),
    replace(REDSHIFT_BASE, name="Redshift, multipart, another show", show=CINDER, multipart=True),
    replace(
        NUKE_BASE, name="Nuke, multipart stereo", multipart=True, views=("left", "right"), window="content"
    ),
    replace(NUKE_BASE, name="Nuke, linear Rec.709", show=replace(AURORA, primaries=REC709)),
    PLATE,
    replace(PLATE, name="Camera, with alpha", purposes="beauty lights"),
    replace(PLATE, name="Camera, other lens", changes={"lensModel": "S7/i 75mm T2.0"}),
]
