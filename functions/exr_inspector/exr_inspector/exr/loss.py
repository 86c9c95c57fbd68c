"""The channels whose values each codec changes."""

from __future__ import annotations

LOSSY_CODECS = frozenset(("pxr24", "b44", "b44a", "dwaa", "dwab", "lj2k"))
"""Codecs that change the values of some channels. The others restore every bit."""

_DWA_COMPONENTS = frozenset(("R", "G", "B", "Y", "RY", "BY"))
_RGB = frozenset(("r", "g", "b", "red", "green", "blue"))


def is_lossy(compression: str, pixel_type: str, channel: str) -> bool:
    """Return whether a codec may change the values of a channel, by its pixel type and its name.

    PXR24 drops the low byte of floats. B44 and B44A change half only. DWAA and DWAB change half and float
    channels whose last component is R, G, B, Y, RY or BY, in upper case. LJ2K changes half and float colors
    if a part has all three; it is taken to change every channel named like one. Measured with OpenEXR 3.5.3.
    """
    component = channel.rpartition(".")[2]
    match compression:
        case "pxr24":
            return pixel_type == "float"
        case "b44" | "b44a":
            return pixel_type == "half"
        case "dwaa" | "dwab":
            return pixel_type != "uint" and component in _DWA_COMPONENTS
        case "lj2k":
            return pixel_type != "uint" and component.lower() in _RGB
    return False
