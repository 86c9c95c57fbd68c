"""The header parser: what it finds, when it asks for more, what it refuses."""

from __future__ import annotations

import struct
from dataclasses import replace
from struct import error as StructError
from typing import TYPE_CHECKING, Any

import pytest

from exr_inspector import errors
from exr_inspector.exr.header import (
    MAGIC,
    MAX_NAME_BYTES,
    Attribute,
    Header,
    NeedMore,
    parse_header,
    write_header,
)
from exr_inspector.exr.limits import Limits
from exr_inspector.exr.values import CODECS, FIXED_SIZES, MAX_ITEMS, Codec
from tests.exr.headers import NAMED, REQUIRED, multipart, parsed, plain
from tests.exrfiles.attributes import NUMBERS, Channel, attribute
from tests.exrfiles.attributes import Attribute as Stored
from tests.exrfiles.writer import DEEP, LONG_NAMES, MULTIPART, TILED, header

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exr_inspector.errors import Fault
    from tests.exrfiles.writer import Header as Written

HEADERS = {
    "one part": plain(attribute("owner", "string", "someone"), attribute("v", "v3f", (1, 2, 3))),
    "odd values": plain(
        Stored(b"abc\xe9", b"\xfftype", b"\0\0\0"),
        Stored(b"wrong", b"int", b"12345"),
        Stored(b"empty", b"string", b""),
        attribute("n" * 255, "string", "long name"),
    ),
    "two parts": multipart(NAMED, [*NAMED, attribute("preview", "preview", (2, 2, bytes(16)))]),
    "no attribute": header([[]]),
}


def refusal(data: bytes, limits: Limits | None = None, file_size: int | None = None) -> errors.InspectorError:
    """Why these bytes are no header."""
    with pytest.raises(errors.InspectorError) as raised:
        parse_header(data, limits or Limits(), 1 << 40 if file_size is None else file_size)
    return raised.value


def fault_of(data: bytes, limits: Limits | None = None, file_size: int | None = None) -> Fault:
    return refusal(data, limits, file_size).fault


def values(written: Written) -> Iterator[range]:
    """For each attribute of a single part, the bytes that its value takes."""
    end = 8
    for name, type_, value in written.parts[0]:
        start = end + len(name) + len(type_) + 6
        end = start + len(value)
        yield range(start, end)


# --- what is found --------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", HEADERS)
def test_everything_that_was_written_is_found_in_its_order(what: str) -> None:
    written = HEADERS[what]
    found = parsed(written)
    names = [[stored(each) for each in part.attributes] for part in found.parts]
    assert names == [list(part) for part in written.parts]
    assert found.size == written.size


def stored(found: Attribute) -> Stored:
    name, type_name = (text.encode("utf-8", "surrogateescape") for text in (found.name, found.type_name))
    return Stored(name, type_name, found.raw)


@pytest.mark.parametrize("what", HEADERS)
def test_writing_what_was_found_gives_back_the_bytes(what: str) -> None:
    found = parsed(HEADERS[what])
    parts = [[tuple(stored(each)) for each in part.attributes] for part in found.parts]
    assert write_header(found.version_field, parts) == HEADERS[what].data  # type: ignore[arg-type]


def test_what_lies_behind_the_header_is_not_touched() -> None:
    data = HEADERS["two parts"].data
    assert parse_header(data + b"anything\0at all") == parse_header(data)


@pytest.mark.parametrize("flags", [0, TILED, LONG_NAMES, DEEP, TILED | LONG_NAMES | DEEP])
def test_version_and_flags_are_kept(flags: int) -> None:
    found = parsed(plain(flags=flags))
    assert found.version_field == 2 | flags
    assert found.version == 2
    assert not found.is_multipart


def test_parts_of_a_multipart_file_are_told_apart() -> None:
    found = parsed(multipart([attribute("name", "string", "left")], [attribute("name", "string", "right")]))
    assert found.is_multipart
    assert [part.value("name", "string") for part in found.parts] == ["left", "right"]


def test_names_that_differ_in_case_are_different_attributes() -> None:
    part = parsed(plain(*(attribute(name, "string", name) for name in ("owner", "Owner", "OWNER")))).parts[0]
    assert [part.value(name, "string") for name in ("owner", "Owner", "OWNER")] == ["owner", "Owner", "OWNER"]


def test_duplicates_are_all_kept_and_the_last_one_counts() -> None:
    part = parsed(plain(attribute("twice", "int", 1), attribute("twice", "int", 2))).parts[0]
    assert [each.value for each in part.attributes if each.name == "twice"] == [1, 2]
    assert part.value("twice", "int") == 2


def test_a_value_is_found_by_its_type_too() -> None:
    part = parsed(plain(attribute("size", "int", 1))).parts[0]
    assert part.value("size", "float") is None
    assert part.value("absent", "int") is None
    assert part.by_name.get("absent") is None


def test_names_that_are_not_utf8_keep_their_bytes() -> None:
    part = parsed(plain(Stored(b"abc\xe9", b"t\xff", b"x"))).parts[0]
    assert part.attributes[-1][:3] == ("abc\udce9", "t\udcff", b"x")


def test_one_bad_value_costs_its_decoding_alone() -> None:
    part = parsed(plain(Stored(b"wrong", b"int", b"12345"), attribute("right", "int", 7))).parts[0]
    wrong = part.by_name.get("wrong")
    assert wrong == Attribute("wrong", "int", b"12345", None, "5 bytes are not the size of type int")
    assert part.value("right", "int") == 7


# --- when more is needed --------------------------------------------------------------------------------


@pytest.mark.parametrize("what", HEADERS)
def test_every_prefix_asks_for_more_and_never_for_too_much(what: str) -> None:
    """Each answer leads to a longer prefix within the header, so that asking always ends with the header."""
    data = HEADERS[what].data
    for cut in range(len(data)):
        found = parse_header(data[:cut], file_size=len(data))
        assert isinstance(found, NeedMore)
        assert cut < found.size <= len(data)
    assert isinstance(parse_header(data, file_size=len(data)), Header)


def test_a_cut_inside_a_value_asks_for_exactly_the_value() -> None:
    written = HEADERS["one part"]
    for value in values(written):
        for cut in value:
            assert parse_header(written.data[:cut]) == NeedMore(value.stop)


def test_an_empty_prefix_asks_for_the_magic_number_and_version() -> None:
    assert parse_header(b"") == NeedMore(8)


# --- what is refused ------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", HEADERS)
def test_a_file_that_ends_inside_its_header_is_truncated(what: str) -> None:
    """Wherever it ends: in a name, in a type, in a size, in a value, before the last zero byte.

    Within a value of a size that its type cannot have, the file is corrupt.
    """
    data, wrong = HEADERS[what].data, wrongly_sized(HEADERS[what])
    for cut in range(len(data)):
        expected = errors.HEADER_CORRUPT if cut in wrong else errors.HEADER_TRUNCATED
        assert fault_of(data[:cut], file_size=cut) is expected


def wrongly_sized(written: Written) -> set[int]:
    """The bytes of the first part's values that have an impossible size."""
    found = zip(written.parts[0], values(written), strict=True)
    return {byte for each, place in found if not has_a_possible_size(each) for byte in place}


def has_a_possible_size(each: Stored) -> bool:
    layout = NUMBERS.get(each.type.decode("latin-1"))
    return layout is None or struct.calcsize("<" + layout) == len(each.value)


@pytest.mark.parametrize("type_", FIXED_SIZES)
def test_a_value_beyond_the_end_of_the_file_is_corrupt_if_its_size_is_impossible(type_: str) -> None:
    """As the box2i of 32,528 bytes in one of OpenEXR's broken test files of 786 bytes."""
    size = FIXED_SIZES[type_]
    for given_, fault in ((size, errors.HEADER_TRUNCATED), (32528, errors.HEADER_CORRUPT)):
        data = head(b"n\0", type_.encode(), b"\0", struct.pack("<i", given_))
        assert fault_of(data, file_size=len(data)) is fault
    message = refusal(data, file_size=len(data)).message
    assert message == f"attribute 'n' has the size 32528, but a {type_} has {size}"


def test_the_sizes_of_types_are_those_that_the_codecs_take() -> None:
    for type_, codec in CODECS.items():
        fits = [size for size in range(130) if _takes(codec, bytes(size))]
        assert (fits == [FIXED_SIZES.get(type_)]) is (type_ in FIXED_SIZES), type_


def _takes(codec: Codec, raw: bytes) -> bool:
    try:
        codec.decode(raw)
    except (StructError, ValueError):
        return False
    return True


def head(*pieces: bytes, flags: int = 0) -> bytes:
    return MAGIC + struct.pack("<I", 2 | flags) + b"".join(pieces)


REFUSED: dict[str, tuple[bytes, Fault]] = {
    "another format": (b"\x89PNG\r\n\x1a\n", errors.NOT_AN_EXR),
    "a first byte alone that is wrong": (b"J", errors.NOT_AN_EXR),
    "a magic number with its last byte wrong": (MAGIC[:3] + b"\2", errors.NOT_AN_EXR),
    "version 1": (MAGIC + b"\1\0\0\0", errors.UNSUPPORTED_VERSION),
    "version 3": (MAGIC + b"\3\0\0\0", errors.UNSUPPORTED_VERSION),
    "a flag that is not defined": (MAGIC + b"\2\1\0\0", errors.UNSUPPORTED_VERSION),
    "the highest flag": (MAGIC + b"\2\0\0\x80", errors.UNSUPPORTED_VERSION),
    "no part in a multipart file": (head(b"\0", flags=MULTIPART), errors.HEADER_CORRUPT),
    "an attribute without type": (head(b"name\0\0\1\0\0\0x"), errors.HEADER_CORRUPT),
    "a name that is too long": (head(b"n" * (MAX_NAME_BYTES + 1)), errors.HEADER_CORRUPT),
    "a type that is too long": (head(b"n\0", b"t" * (MAX_NAME_BYTES + 1)), errors.HEADER_CORRUPT),
    "a negative size": (head(b"n\0int\0\xff\xff\xff\xff"), errors.HEADER_CORRUPT),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_no_header_is_refused_as_soon_as_it_shows(what: str) -> None:
    data, fault = REFUSED[what]
    assert fault_of(data) is fault


def test_the_longest_names_are_read() -> None:
    data = head(b"n" * MAX_NAME_BYTES, b"\0", b"t" * MAX_NAME_BYTES, b"\0\0\0\0\0\0")
    assert parsed(data).parts[0].attributes[0][:2] == ("n" * MAX_NAME_BYTES, "t" * MAX_NAME_BYTES)


def test_a_refusal_names_the_byte() -> None:
    assert refusal(head(b"n\0int\0\4\0\0\0abcd", b"bad\0\0")).where == "byte 26"


def test_a_value_larger_than_the_file_is_corrupt_where_no_file_could_hold_it() -> None:
    limits = Limits(max_value_bytes=1000)
    data = head(b"n\0string\0", struct.pack("<i", 2000))
    assert fault_of(data, limits, file_size=1500) is errors.HEADER_CORRUPT
    assert fault_of(data, limits, file_size=5000) is errors.LIMIT_EXCEEDED


# --- caps -----------------------------------------------------------------------------------------------

COUNTED = multipart(
    [attribute("channels", "chlist", [Channel("B"), Channel("G")])],
    [attribute("channels", "chlist", [Channel("R")])],
)
# For each cap, what the header above has of it.
HAS = {
    "max_parts": 2,
    "max_channels": 3,
    "max_attributes": 2 * (len(REQUIRED) + len(NAMED)),
    "max_value_bytes": max(len(each.value) for part in COUNTED.parts for each in part),
    "max_header_bytes": COUNTED.size,
}


def capped(cap: str, most: int) -> Limits:
    changes: dict[str, Any] = {cap: most}
    return replace(Limits(), **changes)


@pytest.mark.parametrize("cap", HAS)
def test_a_cap_is_exact(cap: str) -> None:
    assert parsed(COUNTED, capped(cap, HAS[cap])).size == COUNTED.size
    found = refusal(COUNTED.data, capped(cap, HAS[cap] - 1))
    assert found.fault is errors.LIMIT_EXCEEDED
    assert f"EXR_INSPECTOR_{cap.upper()}={HAS[cap] - 1}" in found.message


def test_a_value_over_its_cap_is_refused_before_its_bytes_are_asked_for() -> None:
    start = head(b"n\0string\0")
    limits = Limits(max_value_bytes=1000)
    assert fault_of(start + struct.pack("<i", 1001), limits) is errors.LIMIT_EXCEEDED
    end = len(start) + 4 + 1000
    assert parse_header(start + struct.pack("<i", 1000), limits) == NeedMore(end)


def test_a_header_over_its_cap_is_refused_before_its_bytes_are_asked_for() -> None:
    """At the cap, the value still has room for itself, and not for the zero byte that follows."""
    start = head(b"n\0string\0", struct.pack("<i", 100))
    end = len(start) + 100
    assert fault_of(start, Limits(max_header_bytes=end - 1)) is errors.LIMIT_EXCEEDED
    assert parse_header(start, Limits(max_header_bytes=end)) == NeedMore(end)
    assert fault_of(start + bytes(100), Limits(max_header_bytes=end)) is errors.LIMIT_EXCEEDED


@pytest.mark.parametrize("what", HEADERS)
def test_no_more_is_ever_asked_for_than_the_header_cap(what: str) -> None:
    data = HEADERS[what].data
    for cap in range(8, len(data)):
        assert fault_of(data[:cap], Limits(max_header_bytes=cap)) is errors.LIMIT_EXCEEDED


def test_the_default_caps_bound_the_memory_of_one_event() -> None:
    """Higher caps would let a hostile file exhaust 512 MiB; lower ones would refuse real files."""
    assert Limits() == Limits(
        max_header_bytes=2**25,
        max_value_bytes=2**24,
        max_parts=2**12,
        max_channels=2**14,
        max_attributes=2**16,
    )


def test_an_attribute_over_the_cap_is_refused_at_its_head() -> None:
    one = b"n\0string\0\1\0\0\0x"
    limits = Limits(max_attributes=8)
    assert fault_of(head(one * 8, one[:-1]), limits) is errors.LIMIT_EXCEEDED
    assert isinstance(parse_header(head(one * 8), limits), NeedMore)


def test_channels_of_all_channel_lists_count() -> None:
    more = attribute("other", "chlist", [Channel(f"c{n}") for n in range(9)])
    assert parsed(plain(more), Limits(max_channels=10)).size
    assert fault_of(plain(more).data, Limits(max_channels=9)) is errors.LIMIT_EXCEEDED


def test_channels_of_all_parts_count() -> None:
    channels = [attribute("channels", "chlist", [Channel(f"c{n}") for n in range(3)])]
    data = multipart(channels, channels).data
    assert fault_of(data, Limits(max_channels=5)) is errors.LIMIT_EXCEEDED
    assert parsed(multipart(channels, channels), Limits(max_channels=6)).size


def test_lists_are_decoded_until_a_header_has_enough_of_them() -> None:
    """A cap for each list alone would let a hostile header have thousands of them."""
    half = bytes(4 * (MAX_ITEMS // 2 + 1))
    lists = [Stored(b"f%d" % n, b"floatvector", half) for n in range(4)]
    (part,) = parsed(plain(*lists)).parts
    found = [part.by_name.get(f"f{n}") for n in range(4)]
    assert [each.error is None for each in found if each] == [True, True, False, False]
    assert [each.raw for each in found if each] == [half] * 4
