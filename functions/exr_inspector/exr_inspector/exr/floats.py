"""32-bit floats as JSON values that read back to the same 32 bits.

A finite value becomes the double whose text is the shortest decimal that rounds to the float, so 0.1f
prints as 0.1. JSON has no NaN or infinity (RFC 8259, section 6): they become the strings "NaN",
"Infinity" and "-Infinity".
"""

from __future__ import annotations

import math
from functools import lru_cache
from struct import Struct

import numpy as np

from exr_inspector.exr.facts import JsonFloat

_BITS = Struct("<I")
_FLOAT = Struct("<f")


@lru_cache(maxsize=65536)
def float_of_bits(bits: int) -> JsonFloat:
    """Return the JSON form of the IEEE 754 binary32 value with these bits."""
    value = np.frombuffer(_BITS.pack(bits), "<f4")[0]
    return json_float(float(str(value)))


def shortest(value: float) -> JsonFloat:
    """Return the JSON form of a double that holds the value of a 32-bit float."""
    return float_of_bits(_BITS.unpack(_FLOAT.pack(value))[0])


def json_float(value: float) -> JsonFloat:
    """Return the JSON form of a double."""
    if math.isfinite(value):
        return value
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def plain_float(value: JsonFloat) -> float:
    """Return the number of a JSON form."""
    return float(value)
