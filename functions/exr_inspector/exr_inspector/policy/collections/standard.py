"""OpenEXR's standard attributes and names, as rules need them."""

from __future__ import annotations

import re
from functools import lru_cache

STRING_ATTRIBUTES = (
    *(
        "cameraMake",
        "cameraModel",
        "cameraSerialNumber",
        "cameraFirmwareVersion",
        "cameraUuid",
        "cameraLabel",
    ),
    *("lensMake", "lensModel", "lensSerialNumber", "lensFirmwareVersion", "owner", "comments", "capDate"),
    *("reelName", "ascFramingDecisionList", "wrapmodes", "colorInteropID", "name", "type", "view"),
)
FLOAT_ATTRIBUTES = (
    *("pixelAspectRatio", "screenWindowWidth", "sensorPhotositePitch", "xDensity", "longitude", "latitude"),
    *("altitude", "cameraCCTSetting", "cameraTintSetting", "isoSpeed", "expTime", "shutterAngle"),
    *("nominalFocalLength", "pinholeFocalLength", "effectiveFocalLength", "entrancePupilOffset", "aperture"),
    *("tStop", "focus", "utcOffset", "whiteLuminance"),
)
STANDARD_TYPES = {
    **dict.fromkeys(STRING_ATTRIBUTES, "string"),
    **dict.fromkeys(FLOAT_ATTRIBUTES, "float"),
    **dict.fromkeys(
        ("dataWindow", "displayWindow", "originalDataWindow", "sensorAcquisitionRectangle"), "box2i"
    ),
    **dict.fromkeys(
        (
            "screenWindowCenter",
            "sensorCenterOffset",
            "sensorOverallDimensions",
            "cameraColorBalance",
            "adoptedNeutral",
        ),
        "v2f",
    ),
    **dict.fromkeys(("worldToCamera", "worldToNDC"), "m44f"),
    **dict.fromkeys(("captureRate", "framesPerSecond"), "rational"),
    **dict.fromkeys(("imageCounter", "chunkCount", "version"), "int"),
    "channels": "chlist",
    "chromaticities": "chromaticities",
    "compression": "compression",
    "deepImageState": "deepImageState",
    "envmap": "envmap",
    "idManifest": "idmanifest",
    "keyCode": "keycode",
    "lineOrder": "lineOrder",
    "multiView": "stringvector",
    "preview": "preview",
    "tiles": "tiledesc",
    "timeCode": "timecode",
}
"""The type of each standard attribute (OpenEXR 3.4, StandardAttributes and ImfStandardAttributes.h)."""

DEPRECATED = frozenset(
    {"dwaCompressionLevel", "renderingTransform", "lookModTransform", "maxSamplesPerPixel"}
)
"""Attributes that OpenEXR 3 marks as deprecated."""

SHARED = ("displayWindow", "pixelAspectRatio", "timeCode", "chromaticities")
"""Attributes that must be equal in all parts (MultiPartInputFile)."""

COLOR_COMPONENTS = frozenset({"R", "G", "B", "A", "Y", "RY", "BY", "AR", "AG", "AB", "r", "g", "b", "a"})
_DATA_LAYER = re.compile(
    r"(^|[._ -])(crypto\w*|z?depth|zdepth|normals?|n|positions?|p|pref|pworld|motion\w*|velocity|mv|vectors?"
    r"|uvs?|st|ids?|object_?id|material_?id|deep_?id)([._ -]?\d*)?$",
    re.IGNORECASE,
)
_LOG = re.compile(
    r"(^|[^a-z])(log|acescc|acescct|cineon|adx)|log ?-?c|s-?log|v-?log|c-?log|red ?log|log3g10", re.IGNORECASE
)
_LINEAR = re.compile(
    r"(^|[^a-z])(lin|linear|scene[ _-]?linear|acescg|aces2065)|^(lin|aces ?- ?aces)", re.IGNORECASE
)


_ESCAPE = re.compile(r"\\x[89a-f][0-9a-f]")


@lru_cache(16384)
def name_bytes(name: str) -> int:
    """Return the stored length of a name. Escapes of bytes that are not UTF-8 are one byte each."""
    return len(_ESCAPE.sub("?", name).encode("utf-8", "surrogatepass"))


@lru_cache(16384)
def is_data(layer: str | None, component: str) -> bool:
    """Return whether a channel holds data, such as depth or ids, by its names."""
    return component not in COLOR_COMPONENTS or bool(layer and _DATA_LAYER.search(layer))


def is_log(color_space: str) -> bool | None:
    """Return whether the name of a color space indicates that it is logarithmic; None if it is unclear."""
    if _LOG.search(color_space):
        return True
    return False if _LINEAR.search(color_space) else None
