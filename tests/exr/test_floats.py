"""32-bit floats in JSON: the shortest decimal that reads back to the same 32 bits."""

from __future__ import annotations

import json
import struct
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exr_inspector.exr.floats import float_of_bits, json_float, shortest

NOT_FINITE = {
    0x7F800000: "Infinity",
    0xFF800000: "-Infinity",
    0x7FC00000: "NaN",
    0xFFC00000: "NaN",
    0x7F800001: "NaN",
    0xFFABCDEF: "NaN",
}
ODD = (0, 0x80000000, 1, 0x80000001, 0x007FFFFF, 0x00800000, 0x7F7FFFFF, 0xFF7FFFFF, 0x3DCCCCCD, 0x3F800001)
# Every power of two that a float can hold, of both signs: denormal and normal.
POWERS = [1 << bit for bit in range(23)] + [exponent << 23 for exponent in range(1, 255)]

finite_bits = st.integers(0, 0xFFFFFFFF).filter(lambda bits: bits & 0x7F800000 != 0x7F800000)


def value_of(bits: int) -> float:
    found: float = struct.unpack("<f", struct.pack("<I", bits))[0]
    return found


def bits_of(value: float) -> int:
    """The bits of the 32-bit float that numpy makes of a decimal; infinity above the range."""
    with np.errstate(over="ignore"):
        return int(np.float32(value).view(np.uint32))


def digits(text: str) -> int:
    """Significant digits of a decimal."""
    return len(text.lower().partition("e")[0].replace(".", "").lstrip("-0").rstrip("0")) or 1


def fewest_digits(value: float) -> int:
    """The least number of digits that read back to the same float, found by trying below and above it."""
    exact, bits = Decimal(value), bits_of(value)
    contexts = (
        (n, Context(prec=n, rounding=way)) for n in range(1, 10) for way in (ROUND_FLOOR, ROUND_CEILING)
    )
    return next(n for n, context in contexts if bits_of(float(context.plus(exact))) == bits)


def assert_shortest(bits: int) -> None:
    text = json.dumps(float_of_bits(bits))
    assert bits_of(float(text)) == bits
    assert digits(text) == fewest_digits(value_of(bits))
    # Of all decimals that short, the nearest: numpy's own choice.
    assert float(text) == float(np.format_float_scientific(np.float32(value_of(bits)), unique=True))


@pytest.mark.parametrize("sign", [0, 0x80000000])
def test_every_power_of_two_is_shortest(sign: int) -> None:
    for bits in POWERS:
        assert_shortest(bits | sign)


@pytest.mark.parametrize("bits", ODD)
def test_the_ends_of_the_range_are_shortest(bits: int) -> None:
    assert_shortest(bits)


@settings(max_examples=1000)
@given(finite_bits)
def test_any_finite_float_is_shortest(bits: int) -> None:
    assert_shortest(bits)


@pytest.mark.parametrize(
    ("value", "text"), [(0.1, "0.1"), (1.0, "1.0"), (-0.0, "-0.0"), (1 / 3, "0.33333334")]
)
def test_familiar_numbers_look_familiar(value: float, text: str) -> None:
    assert json.dumps(shortest(value)) == text


@settings(max_examples=300)
@given(finite_bits)
def test_a_float_that_came_as_a_double_is_the_same(bits: int) -> None:
    assert json.dumps(shortest(value_of(bits))) == json.dumps(float_of_bits(bits))


@pytest.mark.parametrize("bits", NOT_FINITE)
def test_what_is_not_finite_is_named(bits: int) -> None:
    assert float_of_bits(bits) == NOT_FINITE[bits]


@pytest.mark.parametrize("bits", [0x7F800000, 0xFF800000])
def test_infinities_come_back_from_their_names(bits: int) -> None:
    name = float_of_bits(bits)
    assert struct.pack("<f", float(name)) == struct.pack("<I", bits)


def test_a_nan_comes_back_as_the_plain_one() -> None:
    """Its payload does not; the document keeps the bytes of such values."""
    assert struct.pack("<f", float("NaN")) == struct.pack("<I", 0x7FC00000)


@settings(max_examples=300)
@given(st.floats())
def test_a_double_is_itself_or_a_name(value: float) -> None:
    form = json_float(value)
    back = float(json.loads(json.dumps(form, allow_nan=False)))
    assert back == value or (form == "NaN" and value != value)  # noqa: PLR0124 - NaN alone differs from itself
