"""What the demo's files say of themselves: editorial, camera, renderer and texture attributes."""

from __future__ import annotations

from tests.exrfiles.attributes import Attribute, attribute
from tests.exrfiles.scene import FIRST_FRAME, View

RATE = 24
DATE = "2026:10:01 09:15:30"
REC709 = (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, 0.3127, 0.3290)

EDITORIAL = (
    attribute("owner", "string", "Example Pictures"),
    attribute("comments", "string", "Synthetic image, drawn by the demo of exr-inspector."),
    attribute("capDate", "string", DATE),
    attribute("utcOffset", "float", 0.0),
    attribute("framesPerSecond", "rational", (RATE, 1)),
)

CAMERA = (
    attribute("cameraLabel", "string", "shotcam"),
    attribute("nominalFocalLength", "float", 35.0),
    attribute("aperture", "float", 2.8),
    attribute("tStop", "float", 3.1),
    attribute("focus", "float", 4.5),
    attribute("shutterAngle", "float", 180.0),
    attribute("expTime", "float", 1 / 48),
    attribute("isoSpeed", "float", 800.0),
)

RENDERER = (
    attribute("software", "string", "Arnold 7.3.3.1 [synthetic] linux clang-15.0.7 oiio-2.4.1"),
    attribute("arnold/version", "string", "7.3.3.1"),
    attribute("arnold/AA_samples", "int", 6),
    attribute("arnold/diffuse_samples", "int", 2),
    attribute("arnold/specular_samples", "int", 2),
    attribute("arnold/stats/render_time", "float", 148.25),
    attribute("arnold/stats/peak_memory_mb", "float", 2311.5),
)

TEXTURE = (
    attribute(
        "software", "string", "OpenImageIO 3.2.2.0 : maketx --format exr --wrap periodic hill_albedo.tif"
    ),
    attribute("capDate", "string", DATE),
    attribute("textureformat", "string", "Plain Texture"),
    attribute("wrapmodes", "string", "periodic,periodic"),
    attribute("fovcot", "float", 1.0),
    attribute("colorInteropID", "string", "lin_rec709_scene"),
)


def shot_attributes(frame: int) -> tuple[Attribute, ...]:
    """What every frame of a shot says of itself: editorial, camera, time code, camera's place."""
    moved = 0.05 * (frame - FIRST_FRAME)
    return (
        *EDITORIAL,
        *CAMERA,
        attribute("imageCounter", "int", frame),
        attribute("timeCode", "timecode", (time_code(frame), 0)),
        attribute("worldToCamera", "m44f", (1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, -moved, -1.5, 4.5, 1)),
    )


def time_code(frame: int) -> int:
    """01:00:00:00 at the first frame, as binary coded decimals: hours in the highest byte."""
    seconds, frames = divmod(frame - FIRST_FRAME, RATE)
    fields = (1, seconds // 60 % 60, seconds % 60, frames)
    return int("".join(f"{field:02}" for field in fields), 16)


def display_window(view: View) -> Attribute:
    """The display window of a view whose data window has overscan."""
    return attribute("displayWindow", "box2i", (0, 0, view.width - 1, view.height - 1))
