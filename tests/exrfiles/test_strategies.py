"""The header strategies: valid ones are accepted by OpenEXR, and all that is promised is really drawn."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Callable
from functools import cache

import pytest
from hypothesis import Phase, given, seed, settings
from hypothesis import strategies as st

from tests.exrfiles.attributes import CODES, ENCODERS, NUMBERS, Attribute
from tests.exrfiles.readers import openexr_accepts
from tests.exrfiles.strategies import NO_EXTRAS, valid_headers, wild_headers
from tests.exrfiles.writer import DEEP, LONG_NAMES, MULTIPART, TILED, Header

REQUIRED = (
    *(b"channels", b"compression", b"dataWindow", b"displayWindow"),
    *(b"lineOrder", b"pixelAspectRatio", b"screenWindowCenter", b"screenWindowWidth"),
)
STRATEGIES = {"valid": valid_headers(), "wild": wild_headers()}

Predicate = Callable[[Header], bool]


@cache
def drawn(kind: str) -> list[Header]:
    """A few hundred headers, from many short runs: within a run Hypothesis varies what it has drawn."""
    headers: list[Header] = []
    for number in range(20):
        _collect(STRATEGIES[kind], number, headers)
    return headers


def _collect(strategy: st.SearchStrategy[Header], number: int, headers: list[Header]) -> None:
    @seed(number)
    @settings(max_examples=15, database=None, phases=[Phase.generate])
    @given(strategy)
    def collect(header: Header) -> None:
        headers.append(header)

    collect()


@settings(max_examples=150)
@given(valid_headers(NO_EXTRAS))
def test_openexr_accepts_valid_headers(header: Header) -> None:
    """Without extras: OpenEXR refuses a whole file for one broken value of its own types."""
    assert openexr_accepts(header.data)


def attributes_of(header: Header) -> list[Attribute]:
    return [attribute for part in header.parts for attribute in part]


def any_attribute(test: Callable[[Attribute], bool]) -> Predicate:
    return lambda header: any(map(test, attributes_of(header)))


def any_part(test: Callable[[list[bytes]], bool]) -> Predicate:
    """Whether the attribute names of some part pass the test."""
    return lambda header: any(test([each.name for each in part]) for part in header.parts)


def flagged(flag: int) -> Predicate:
    return lambda header: bool(header.flags & flag)


def is_text(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def first_float(attribute: Attribute) -> int:
    """The bits of the first number of any type made of 32-bit floats."""
    is_float = NUMBERS.get(attribute.type.decode("latin-1"), "").endswith("f")
    return int.from_bytes(attribute.value[:4], "little") if is_float else 0


def size_is_wrong(attribute: Attribute) -> bool:
    layout = NUMBERS.get(attribute.type.decode("latin-1"))
    return layout is not None and len(attribute.value) != struct.calcsize("<" + layout)


def is_of_type(type_: str) -> Callable[[Attribute], bool]:
    return lambda each: each.type == type_.encode()


def code_is_unknown(type_: str) -> Callable[[Attribute], bool]:
    return lambda each: (
        each.type == type_.encode() and len(each.value) == 1 and each.value[0] >= len(CODES[type_])
    )


DRAWN: dict[str, Predicate] = {
    "single part": lambda header: not header.multipart,
    "several parts": lambda header: len(header.parts) > 1,
    "multipart with one part": lambda header: header.multipart and len(header.parts) == 1,
    "tiled": flagged(TILED),
    "deep": flagged(DEEP),
    "deep and multipart": lambda header: bool(header.flags & DEEP and header.flags & MULTIPART),
    "flag for long names": flagged(LONG_NAMES),
    "a long name": any_attribute(lambda each: len(each.name) > 31),
    "a name that is not UTF-8": any_attribute(lambda each: not is_text(each.name)),
    "a type that is not UTF-8": any_attribute(lambda each: not is_text(each.type)),
    "a string that is not UTF-8": any_attribute(
        lambda each: each.type == b"string" and not is_text(each.value)
    ),
    "a string with NUL": any_attribute(lambda each: each.type == b"string" and b"\0" in each.value),
    "an empty string": any_attribute(lambda each: each == (each.name, b"string", b"")),
    "a NaN with a payload": any_attribute(
        lambda each: first_float(each) in {0x7FC00001, 0x7F800001, 0xFFABCDEF}
    ),
    "an infinity": any_attribute(lambda each: first_float(each) in {0x7F800000, 0xFF800000}),
    "a denormal": any_attribute(lambda each: first_float(each) in {1, 0x807FFFFF}),
    "an unknown type": any_attribute(lambda each: each.type.decode("latin-1") not in ENCODERS),
    "a wrong size": any_attribute(size_is_wrong),
    "an unknown compression": any_attribute(code_is_unknown("compression")),
    "an unknown line order": any_attribute(code_is_unknown("lineOrder")),
    "a name twice": any_part(lambda names: max(Counter(names).values(), default=0) > 1),
    "names that differ in case": any_part(
        lambda names: len({each.lower() for each in names}) < len(set(names))
    ),
    **{f"type {name}": any_attribute(is_of_type(name)) for name in ENCODERS},
}

DRAWN_WILD: dict[str, Predicate] = {
    "no attribute at all": lambda header: not attributes_of(header),
    "no part": lambda header: not header.parts,
    "a part that lacks what is required": any_part(lambda names: not set(REQUIRED) <= set(names)),
    "a required attribute twice": any_part(lambda names: any(names.count(each) > 1 for each in REQUIRED)),
    "a required attribute of another type": any_attribute(
        lambda each: each.name == b"dataWindow" and each.type != b"box2i"
    ),
    "flags that contradict each other": lambda header: (
        header.flags & (TILED | DEEP | MULTIPART) == TILED | DEEP | MULTIPART
    ),
}


@pytest.mark.parametrize("kind", STRATEGIES)
@pytest.mark.parametrize("claim", DRAWN)
def test_both_strategies_draw(claim: str, kind: str) -> None:
    assert any(map(DRAWN[claim], drawn(kind)))


@pytest.mark.parametrize("claim", DRAWN_WILD)
def test_wild_headers_alone_draw(claim: str) -> None:
    assert any(map(DRAWN_WILD[claim], drawn("wild")))
    assert not any(map(DRAWN_WILD[claim], drawn("valid")))


def test_valid_headers_have_each_required_attribute_once() -> None:
    for header in drawn("valid"):
        for part in header.parts:
            names = Counter(each.name for each in part)
            assert [names[each] for each in REQUIRED] == [1] * len(REQUIRED)
