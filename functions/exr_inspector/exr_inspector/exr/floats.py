"""32-bit floats as JSON values that read back to the same 32 bits.

A finite value becomes the double whose text is the shortest decimal that rounds to the float, so 0.1f
prints as 0.1. JSON has no NaN or infinity (RFC 8259, section 6): they become the strings "NaN",
"Infinity" and "-Infinity".
"""

from __future__ import annotations

import math
from functools import lru_cache
from struct import Struct

from exr_inspector.exr.facts import JsonFloat

_BITS = Struct("<I")
_FLOAT = Struct("<f")

_MIN_NORMAL = 2.0**-126
# Six digits survive the way into a normal float and back, so fewer are never needed: `%g` drops zeros. Nine
# digits always suffice.
_FORMATS = ("%.6g", "%.7g", "%.8g")
_DENORMAL_FORMATS = ("%.1g", "%.2g", "%.3g", "%.4g", "%.5g", *_FORMATS)
# Decimals that are shorter than the nearest one of their length that reads back. Floats lie twice as close
# below a power of two as above it, so only there a decimal can be farther away and still read back.
_POWERS_OF_TWO = {
    2.0**-96: 1.2621775e-29,
    2.0**87: 1.5474251e26,
    2.0**90: 1.2379401e27,
}


@lru_cache(maxsize=65536)
def float_of_bits(bits: int) -> JsonFloat:
    """Return the JSON form of the IEEE 754 binary32 value with these bits."""
    raw = _BITS.pack(bits)
    value: float = _FLOAT.unpack(raw)[0]
    size = abs(value)
    if not size < math.inf:
        return json_float(value)
    if size in _POWERS_OF_TWO:
        return math.copysign(_POWERS_OF_TWO[size], value)
    for form in _FORMATS if size >= _MIN_NORMAL else _DENORMAL_FORMATS:
        found = float(form % value)
        if _FLOAT.pack(found) == raw:
            return found
    return float(f"{value:.9g}")


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
