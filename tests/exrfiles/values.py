"""Hypothesis strategies for names, and for the bytes of attribute values: whole, odd and broken."""

from __future__ import annotations

import struct

from hypothesis import strategies as st

from tests.exrfiles.attributes import CODES, ENCODERS, NUMBERS, PIXEL_TYPES, Attribute, Channel
from tests.exrfiles.writer import SHORT_NAME

Bytes = st.SearchStrategy[bytes]

# Names that files really have, and three that are equal but for case: they make duplicates likely.
CASES = (b"owner", b"Owner", b"OWNER")
FAMILIAR = (
    *(b"comments", b"capDate", b"timeCode", b"framesPerSecond", b"view"),
    *(b"multiView", b"preview", b"chromaticities", b"software", b"oiio:ColorSpace", b"worldToCamera"),
    *("caméra".encode(), b"cam\xe9ra", b"cryptomatte/1c2f5a8/manifest", b" ", b"..", b"\xff\xfe"),
)

# Bit patterns whose value does not survive careless hands: NaNs with payloads (quiet, signalling,
# negative), infinities, minus zero, denormals, the largest finite number; the ends of the integers.
FLOAT_BITS = (
    *(0x7FC00001, 0x7F800001, 0xFFABCDEF, 0x7F800000),
    *(0xFF800000, 0x80000000, 1, 0x807FFFFF, 0x7F7FFFFF),
)
DOUBLE_BITS = (
    *(0x7FF8000000000001, 0x7FF0000000000001, 0xFFFABCDEF0123456, 0x7FF0000000000000),
    *(0xFFF0000000000000, 0x8000000000000000, 1, 0x800FFFFFFFFFFFFF, 0x7FEFFFFFFFFFFFFF),
)
INT_BITS = (0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)

# For each letter of `struct`: bytes of the number, and its bit patterns.
NUMBER = {"i": (4, INT_BITS), "I": (4, INT_BITS), "f": (4, FLOAT_BITS), "d": (8, DOUBLE_BITS)}


def numbers(layout: str) -> Bytes:
    """Numbers laid out as `struct` spells it: any bytes, or one telling bit pattern in every place."""
    size, bits = NUMBER[layout[-1]]
    total = struct.calcsize("<" + layout)
    special = [each.to_bytes(size, "little") * (total // size) for each in bits]
    return st.one_of(st.sampled_from(special), st.binary(min_size=total, max_size=total))


# Text as people write it, with NULs, or not text at all.
STRING: Bytes = st.one_of(
    st.text(max_size=40).map(str.encode),
    st.sampled_from((b"", b"\0", b"a\0b\0", b"\xff\xfe", b"\xe9t\xe9", b"\xed\xa0\x80", b"x" * 5000)),
    st.binary(max_size=40),
)


def names(longest: int = SHORT_NAME) -> Bytes:
    """Any name of 1 to `longest` bytes: no NUL, but not always UTF-8."""
    ascii_ = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=longest)
    raw = st.binary(min_size=1, max_size=longest).map(lambda name: name.replace(b"\0", b"\1"))
    stretched = ascii_.map(lambda name: (name.encode() * longest)[:longest])
    usual = (st.sampled_from(CASES), st.sampled_from(FAMILIAR))
    return st.one_of(*usual, ascii_.map(str.encode), raw, stretched)


def channels(longest: int = SHORT_NAME, samplings: tuple[int, ...] = (1,)) -> st.SearchStrategy[Channel]:
    """A valid channel, with x and y samplings out of these."""
    common = st.sampled_from((b"R", b"G", b"B", b"A", b"Z", b"diffuse.R", b"left.N.x", b"."))
    sampling = st.sampled_from(samplings)
    name = st.one_of(common, names(longest))
    return st.builds(Channel, name, st.sampled_from(PIXEL_TYPES), st.integers(0, 1), sampling, sampling)


@st.composite
def _previews(draw: st.DrawFn) -> bytes:
    width, height = draw(st.integers(0, 4)), draw(st.integers(0, 4))
    size = 4 * width * height
    return ENCODERS["preview"]((width, height, draw(st.binary(min_size=size, max_size=size))))


def _joined(*parts: Bytes) -> Bytes:
    return st.tuples(*parts).map(b"".join)


def _codes(type_: str) -> Bytes:
    """Every code that the library knows, the first that it does not, and any other."""
    known = range(len(CODES[type_]))
    return st.one_of(st.sampled_from((*known, len(known))), st.integers(0, 255)).map(ENCODERS[type_])


# For each type of the library, values that fit it; codes may be unknown ones.
WELL_FORMED: dict[str, Bytes] = {
    **{name: numbers(layout) for name, layout in NUMBERS.items()},
    **{name: _codes(name) for name in CODES},
    "string": STRING,
    "stringvector": st.lists(STRING, max_size=5).map(ENCODERS["stringvector"]),
    "floatvector": st.lists(numbers("f"), max_size=6).map(b"".join),
    "chlist": st.lists(channels(), max_size=4).map(ENCODERS["chlist"]),
    "tiledesc": _joined(numbers("2I"), st.binary(min_size=1, max_size=1)),
    "preview": _previews(),
    "bytes": st.tuples(STRING, st.binary(max_size=40)).map(ENCODERS["bytes"]),
    "idmanifest": st.one_of(
        st.binary(max_size=40).map(ENCODERS["idmanifest"]), st.binary(min_size=8, max_size=40)
    ),
}
assert WELL_FORMED.keys() == ENCODERS.keys()


def any_size(type_: str) -> Bytes:
    """Bytes that need not fit the type: too few, too many, or with counts that lie."""
    fitting = WELL_FORMED[type_]
    grown = _joined(fitting, st.binary(min_size=1, max_size=5))
    cut = fitting.map(lambda value: value[:-1])
    lying = _joined(numbers("i"), st.binary(max_size=20))
    return st.one_of(grown, cut, lying, st.binary(max_size=80))


@st.composite
def attributes(draw: st.DrawFn, name: Bytes | None = None, longest: int = SHORT_NAME) -> Attribute:
    """Any attribute: a known type with a value that fits it or does not, or a type of no library."""
    chosen = draw(names(longest) if name is None else name)
    kind = draw(st.sampled_from(("fits", "fits", "fits", "breaks", "unknown")))
    if kind == "unknown":
        return Attribute(chosen, draw(names(longest)), draw(STRING))
    type_ = draw(st.sampled_from(sorted(WELL_FORMED)))
    return Attribute(chosen, type_.encode(), draw(WELL_FORMED[type_] if kind == "fits" else any_size(type_)))


def finite(low: float, high: float) -> Bytes:
    """A 32-bit float within these bounds."""
    return st.floats(low, high, width=32).map(lambda value: struct.pack("<f", value))
