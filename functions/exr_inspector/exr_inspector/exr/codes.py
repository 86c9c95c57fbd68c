"""The codes that OpenEXR defines, and their names."""

from __future__ import annotations

# Code of each compression scheme, its name, and the scan lines in one of its chunks.
COMPRESSIONS = {
    0: ("none", 1),
    1: ("rle", 1),
    2: ("zips", 1),
    3: ("zip", 16),
    4: ("piz", 32),
    5: ("pxr24", 16),
    6: ("b44", 32),
    7: ("b44a", 32),
    8: ("dwaa", 32),
    9: ("dwab", 256),
    10: ("htj2k256", 256),
    11: ("htj2k32", 32),
    12: ("lj2k", 256),
    13: ("zstd", 1),
}
COMPRESSION_NAMES = {code: name for code, (name, _) in COMPRESSIONS.items()}
LINE_ORDERS = {0: "increasingY", 1: "decreasingY", 2: "randomY"}
PIXEL_TYPES = {0: "uint", 1: "half", 2: "float"}
PIXEL_CODES = {name: code for code, name in PIXEL_TYPES.items()}
ENVMAPS = {0: "latlong", 1: "cube"}
DEEP_IMAGE_STATES = {0: "messy", 1: "sorted", 2: "non_overlapping", 3: "tidy"}
LEVEL_MODES = {0: "oneLevel", 1: "mipmap", 2: "ripmap"}
LEVEL_CODES = {name: code for code, name in LEVEL_MODES.items()}
ROUNDING_MODES = {0: "down", 1: "up"}
ROUNDING_CODES = {name: code for code, name in ROUNDING_MODES.items()}


def code_name(names: dict[int, str], code: int) -> str:
    """Return the name of a code, or `unknown(n)` if OpenEXR has not defined it."""
    return names.get(code) or f"unknown({code})"


def is_unknown(name: str) -> bool:
    """Return whether a name from `code_name` is that of an undefined code."""
    return name.startswith("unknown(")


def code_of(codes: dict[str, int], name: str) -> int:
    """Undo `code_name`; `codes` has the code of each name."""
    if is_unknown(name):
        return int(name.removeprefix("unknown(").removesuffix(")"))
    return codes[name]
