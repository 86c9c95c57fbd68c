"""Attribute values: every type of the OpenEXR library, from bytes to JSON and back."""

from __future__ import annotations

import base64
import json
import math
import struct
import zlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exr_inspector.exr import codes
from exr_inspector.exr.values import (
    CODECS,
    FIXED_SIZES,
    MAX_ESCAPED_BYTES,
    MAX_ITEMS,
    count_channels,
    decode,
    encode,
)
from tests.exrfiles.attributes import CODES, ENCODERS, NUMBERS, Channel, attribute
from tests.exrfiles.values import WELL_FORMED, any_size

NINE, SIXTEEN = [n / 4 for n in range(9)], [n / 4 for n in range(16)]


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


# Type, what the writer is given, and the JSON form.
FORMS: list[tuple[str, Any, Any]] = [
    ("int", -7, -7),
    ("float", 0.1, 0.1),
    ("double", 0.1, 0.1),
    ("string", "grün", "grün"),
    ("string", "", ""),
    ("string", b"a\0b", "a\0b"),
    ("stringvector", ["left", "", "grün"], ["left", "", "grün"]),
    ("stringvector", [], []),
    ("floatvector", [0.1, -2.25], [0.1, -2.25]),
    ("floatvector", [], []),
    *((f"v{n}i", range(-1, n - 1), [*range(-1, n - 1)]) for n in (2, 3)),
    *((f"v{n}{kind}", [0.1] * n, [0.1] * n) for n in (2, 3) for kind in "fd"),
    *((f"m33{kind}", NINE, NINE) for kind in "fd"),
    *((f"m44{kind}", SIXTEEN, SIXTEEN) for kind in "fd"),
    ("box2i", (-1, -2, 3, 4), {"min": {"x": -1, "y": -2}, "max": {"x": 3, "y": 4}}),
    ("box2f", (-1.5, 0.1, 3, 4), {"min": {"x": -1.5, "y": 0.1}, "max": {"x": 3.0, "y": 4.0}}),
    (
        "chromaticities",
        (0.64, 0.33, 0.3, 0.6, 0.15, 0.06, 0.3127, 0.329),
        {
            "red": {"x": 0.64, "y": 0.33},
            "green": {"x": 0.3, "y": 0.6},
            "blue": {"x": 0.15, "y": 0.06},
            "white": {"x": 0.3127, "y": 0.329},
        },
    ),
    ("rational", (-24000, 4294967295), {"numerator": -24000, "denominator": 4294967295}),
    ("rational", (1, 0), {"numerator": 1, "denominator": 0}),
    (
        "timecode",
        (0x11223314, 7),
        {"time": "11:22:33:14", "time_and_flags": 0x11223314, "user_data": 7},
    ),
    (
        "timecode",
        (0x01595929 | 1 << 6, 0xFFFFFFFF),
        {"time": "01:59:59;29", "time_and_flags": 0x01595969, "user_data": 0xFFFFFFFF},
    ),
    (
        "keycode",
        (1, 2, 3, 4, 5, 6, 20),
        {
            "film_mfc_code": 1,
            "film_type": 2,
            "prefix": 3,
            "count": 4,
            "perf_offset": 5,
            "perfs_per_frame": 6,
            "perfs_per_count": 20,
        },
    ),
    (
        "tiledesc",
        (64, 32, "ripmap", "up"),
        {"x_size": 64, "y_size": 32, "level_mode": "ripmap", "rounding_mode": "up"},
    ),
    (
        "tiledesc",
        (1, 2, "one", "down"),
        {"x_size": 1, "y_size": 2, "level_mode": "oneLevel", "rounding_mode": "down"},
    ),
    *(("compression", name, name) for name in CODES["compression"]),
    *(("lineOrder", name, name) for name in CODES["lineOrder"]),
    *(("envmap", name, name) for name in CODES["envmap"]),
    *(("deepImageState", name, name) for name in CODES["deepImageState"]),
    (
        "chlist",
        [Channel("diffuse.R", "half", 1, 2, 4), Channel("grün", "uint"), Channel("Z", "float")],
        [
            {"name": "diffuse.R", "type": "half", "p_linear": True, "x_sampling": 2, "y_sampling": 4},
            {"name": "grün", "type": "uint", "p_linear": False, "x_sampling": 1, "y_sampling": 1},
            {"name": "Z", "type": "float", "p_linear": False, "x_sampling": 1, "y_sampling": 1},
        ],
    ),
    ("chlist", [], []),
    ("bytes", ("a hint", b"\0\xffx"), {"type_hint": "a hint", "base64": b64(b"\0\xffx")}),
    ("preview", (2, 1, bytes(range(8))), {"width": 2, "height": 1, "base64": b64(bytes(range(8)))}),
    ("preview", (0, 7, b""), {"width": 0, "height": 7, "base64": ""}),
    (
        "idmanifest",
        bytes(16),
        {"uncompressed_size": 16, "base64": b64(zlib.compress(bytes(16)))},
    ),
]


def test_every_type_of_the_library_has_a_form() -> None:
    assert {type_ for type_, _, _ in FORMS} == ENCODERS.keys() == CODECS.keys()


@pytest.mark.parametrize(("type_", "given", "form"), FORMS)
def test_a_value_has_its_documented_form(type_: str, given: Any, form: Any) -> None:
    """As JSON text, so that the order of keys and the kind of each number count."""
    value, error = decode(type_, ENCODERS[type_](given))
    assert error is None
    assert json.dumps(value) == json.dumps(form)


@pytest.mark.parametrize(("type_", "given", "form"), FORMS)
def test_a_form_gives_back_the_bytes_even_through_json(type_: str, given: Any, form: Any) -> None:
    assert encode(type_, json.loads(json.dumps(form))) == ENCODERS[type_](given)


def test_an_unknown_type_keeps_its_bytes() -> None:
    assert decode("studioType", b"\0\xff") == ({"base64": "AP8="}, None)
    assert encode("studioType", {"base64": "AP8="}) == b"\0\xff"


@pytest.mark.parametrize("change", [b"+", b"-"])
@pytest.mark.parametrize("type_", [*NUMBERS, *CODES, "tiledesc"])
def test_a_wrong_size_is_an_error_of_that_value(type_: str, change: bytes) -> None:
    raw = next(ENCODERS[type_](given) for name, given, _ in FORMS if name == type_)
    wrong = raw + b"\0" if change == b"+" else raw[:-1]
    assert decode(type_, wrong) == (None, f"{len(wrong)} bytes are not the size of type {type_}")


BROKEN = {
    "a string's length is cut off": ("stringvector", b"\1\0\0"),
    "a string is longer than the value": ("stringvector", b"\2\0\0\0x"),
    "a string of negative length": ("stringvector", b"\xff\xff\xff\xff"),
    "floats of 5 bytes": ("floatvector", b"12345"),
    "a hint that is cut off": ("bytes", b"\5\0\0\0hint"),
    "no hint's length": ("bytes", b"\1"),
    "a preview without size": ("preview", b"\1\0\0\0"),
    "a preview of too few pixels": ("preview", struct.pack("<2I", 2, 2) + b"\0" * 15),
    "a preview of too many pixels": ("preview", struct.pack("<2I", 2, 2) + b"\0" * 17),
    "a preview of more pixels than memory": ("preview", struct.pack("<2I", 0xFFFFFFFF, 0xFFFFFFFF)),
    "a manifest without size": ("idmanifest", b"\1\0\0\0\0\0\0"),
    "a channel list without end": ("chlist", ENCODERS["chlist"]([Channel("R")])[:-1]),
    "a channel list that goes on behind its end": ("chlist", b"\0\0"),
    "no channel list at all": ("chlist", b""),
    "a channel cut off": ("chlist", b"R\0" + b"\0" * 15 + b"\0"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_broken_structures_are_errors_of_that_value(what: str) -> None:
    value, error = decode(*BROKEN[what])
    assert value is None
    assert error


@pytest.mark.parametrize("type_", CODES)
def test_every_code_comes_back_and_unknown_ones_stay_numbers(type_: str) -> None:
    for code in range(256):
        value, error = decode(type_, bytes([code]))
        assert error is None
        assert encode(type_, value) == bytes([code])
        assert isinstance(value, int) == (code >= len(CODES[type_]))
        assert not isinstance(value, int) or value == code


def test_every_tile_mode_comes_back() -> None:
    for mode in range(256):
        raw = struct.pack("<2IB", 8, 8, mode)
        value, error = decode("tiledesc", raw)
        assert error is None
        assert encode("tiledesc", value) == raw
    assert decode("tiledesc", struct.pack("<2IB", 8, 8, 0x23))[0] == {
        "x_size": 8,
        "y_size": 8,
        "level_mode": "unknown(3)",
        "rounding_mode": "unknown(2)",
    }


@pytest.mark.parametrize(
    ("type_", "raw", "form"),
    [
        ("float", struct.pack("<f", math.nan), "NaN"),
        ("float", struct.pack("<f", math.inf), "Infinity"),
        ("double", struct.pack("<d", -math.inf), "-Infinity"),
        ("double", struct.pack("<d", math.nan), "NaN"),
        ("v2f", struct.pack("<2f", math.inf, math.nan), ["Infinity", "NaN"]),
        ("floatvector", struct.pack("<2f", -math.inf, 1), ["-Infinity", 1.0]),
    ],
)
def test_numbers_that_are_not_finite_are_named(type_: str, raw: bytes, form: Any) -> None:
    assert decode(type_, raw) == (form, None)
    assert encode(type_, form) == raw


@pytest.mark.parametrize(
    ("type_", "raw", "form"),
    [
        ("string", b"abc\xe9", "abc\\xe9"),
        ("string", b"\xed\xa0\x80", "\\xed\\xa0\\x80"),
        ("stringvector", struct.pack("<i", 1) + b"\xe9", ["\\xe9"]),
        ("bytes", struct.pack("<i", 1) + b"\xe9x", {"type_hint": "\\xe9", "base64": b64(b"x")}),
    ],
)
def test_text_that_is_not_utf8_is_escaped(type_: str, raw: bytes, form: Any) -> None:
    assert decode(type_, raw) == (form, None)


def test_a_channel_name_that_is_not_utf8_is_escaped() -> None:
    value, error = decode("chlist", ENCODERS["chlist"]([Channel(b"abc\xe9.R")]))
    assert error is None
    assert value[0]["name"] == "abc\\xe9.R"


@pytest.mark.parametrize(("type_", "item"), [("floatvector", bytes(4)), ("stringvector", bytes(4))])
def test_lists_are_decoded_up_to_a_length_and_kept_as_bytes_beyond(type_: str, item: bytes) -> None:
    value, error = decode(type_, item * MAX_ITEMS)
    assert error is None
    assert len(value) == MAX_ITEMS
    value, error = decode(type_, item * (MAX_ITEMS + 1))
    assert value is None
    assert error is not None
    assert str(MAX_ITEMS) in error


@pytest.mark.parametrize("size", [MAX_ESCAPED_BYTES, MAX_ESCAPED_BYTES + 1])
def test_long_text_that_is_not_utf8_is_kept_as_bytes(size: int) -> None:
    value, error = decode("string", b"\xff" * size)
    assert (value is None) == (error is not None) == (size > MAX_ESCAPED_BYTES)
    assert decode("string", b"x" * size) == ("x" * size, None)


@pytest.mark.parametrize("code", [3, 255, -1, 2**31 - 1])
def test_an_unknown_pixel_type_has_its_number_and_comes_back(code: int) -> None:
    raw = ENCODERS["chlist"]([Channel("R", code), Channel("Z", "float")])
    value, error = decode("chlist", raw)
    assert error is None
    assert [each["type"] for each in value] == [f"unknown({code})", "float"]
    assert encode("chlist", value) == raw


@pytest.mark.parametrize("count", [0, 1, 2, 99])
def test_channels_are_counted_without_decoding(count: int) -> None:
    raw = ENCODERS["chlist"]([Channel(f"layer{n}.R", n % 7) for n in range(count)])
    assert count_channels(raw, 1000) == count


def test_counting_channels_stops_behind_the_cap() -> None:
    raw = ENCODERS["chlist"]([Channel(f"layer{n}.R") for n in range(10)])
    assert count_channels(raw, 3) == 4


@settings(max_examples=300)
@given(data=st.data())
def test_values_that_fit_their_type_are_decoded(data: st.DataObject) -> None:
    type_ = data.draw(st.sampled_from(sorted(WELL_FORMED)))
    value, error = decode(type_, data.draw(WELL_FORMED[type_]))
    assert error is None
    assert value is not None


@settings(max_examples=300)
@given(data=st.data())
def test_any_bytes_are_a_value_or_a_reason(data: st.DataObject) -> None:
    type_ = data.draw(st.sampled_from(sorted(WELL_FORMED)))
    value, error = decode(type_, data.draw(any_size(type_)))
    assert (value is None) == (error is not None)
    json.dumps(value, allow_nan=False).encode()


def test_the_names_of_codes_are_those_of_the_writer() -> None:
    assert tuple(codes.COMPRESSION_NAMES.values()) == CODES["compression"]
    assert tuple(codes.COMPRESSION_NAMES) == tuple(range(len(CODES["compression"])))
    assert attribute("x", "compression", "zstd").value == b"\x0d"


@given(st.sampled_from(sorted(type_ for type_, codec in CODECS.items() if codec.is_exact)), st.data())
def test_an_exact_codec_restores_every_value_that_it_decodes(type_: str, data: st.DataObject) -> None:
    size = FIXED_SIZES.get(type_)
    raw = data.draw(any_size(type_) if size is None else st.binary(min_size=size, max_size=size))
    value, error = decode(type_, raw)
    assert error is not None or encode(type_, value) == raw


@pytest.mark.parametrize(
    "type_", ["float", "double", "string", "stringvector", "chlist", "v3f", "box2f", "bytes"]
)
def test_a_codec_that_can_lose_bytes_is_not_exact(type_: str) -> None:
    assert not CODECS[type_].is_exact
