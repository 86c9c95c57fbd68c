"""What is wrong with the parts of a header."""

from __future__ import annotations

import struct

import pytest

from exr_inspector import errors
from exr_inspector.exr.conformance import check_parts
from exr_inspector.exr.header import Header
from exr_inspector.exr.part_summary import part_facts
from tests.exr.headers import NAMED, REQUIRED, multipart, parsed, plain, replaced, without
from tests.exrfiles.attributes import Attribute, Channel, attribute
from tests.exrfiles.geometry import Tiling
from tests.exrfiles.writer import DEEP, TILED, header

TILES = attribute("tiles", "tiledesc", Tiling(64, 32, "mipmap", "up"))


def faults(found: Header, index: int = 0) -> list[tuple[str, str]]:
    """Code and place of each fault of a part."""
    all_ = [(error.code, error.where) for error in check_parts(found)]
    return [(code, where) for code, where in all_ if where.startswith(f"parts[{index}].")]


def faults_of(*more: Attribute, flags: int | None = None) -> list[tuple[str, str]]:
    return faults(parsed(plain(*more, flags=flags)))


def required(name: str, index: int = 0) -> tuple[str, str]:
    return ("REQUIRED_ATTRIBUTE", f"parts[{index}].{name}")


def test_nothing_is_wrong_with_a_plain_part() -> None:
    assert faults_of() == []
    assert faults_of(TILES, flags=TILED) == []
    assert faults_of(*NAMED[1:], attribute("type", "string", "deepscanline"), flags=DEEP) == []
    assert faults(parsed(multipart([], [])), 1) == []


@pytest.mark.parametrize("name", [each.name.decode() for each in REQUIRED])
def test_a_required_attribute_that_is_absent_is_named(name: str) -> None:
    found = parsed(header([without(name.encode())], 0))
    assert required(name) in faults(found)
    assert any("is absent" in error.message for error in check_parts(found))


@pytest.mark.parametrize("name", [each.name.decode() for each in REQUIRED])
def test_a_required_attribute_of_another_type_is_named(name: str) -> None:
    found = parsed(plain(attribute(name, "string", "text")))
    assert required(name) in faults(found)
    assert any("has the type string, not" in error.message for error in check_parts(found))


@pytest.mark.parametrize("each", REQUIRED, ids=lambda each: each.name.decode())
def test_a_required_attribute_that_cannot_be_decoded_is_named_once(each: Attribute) -> None:
    found = parsed(plain(each._replace(value=each.value + b"\0")))
    assert [where for _, where in faults(found)] == [f"parts[0].{each.name.decode()}"]
    assert check_parts(found)[0].fault is errors.REQUIRED_ATTRIBUTE
    assert "cannot be decoded" in check_parts(found)[0].message


@pytest.mark.parametrize("name", ["name", "type", "chunkCount"])
def test_parts_of_a_multipart_file_need_more(name: str) -> None:
    other = replaced(NAMED, [attribute("name", "string", "other")])
    short = (*REQUIRED, *(each for each in other if each.name != name.encode()))
    whole = (*REQUIRED, *NAMED)
    found = parsed(header([whole, short], multipart().flags))
    assert faults(found, 0) == []
    assert faults(found, 1) == [required(name, 1)]


def test_a_deep_file_needs_its_type_and_count() -> None:
    assert faults_of(flags=DEEP) == [required("type"), required("chunkCount")]


def test_a_tiled_part_needs_its_tiles() -> None:
    assert faults_of(flags=TILED) == [required("tiles")]
    assert faults(parsed(multipart([attribute("type", "string", "deeptile")]))) == [required("tiles")]


@pytest.mark.parametrize("name", ["dataWindow", "displayWindow"])
@pytest.mark.parametrize("box", [(0, 0, -1, 5), (0, 0, 5, -1), (10, 10, 0, 0)])
def test_an_empty_window_is_named(name: str, box: tuple[int, ...]) -> None:
    assert faults_of(attribute(name, "box2i", box)) == [required(name)]


@pytest.mark.parametrize(("name", "code"), [("compression", 14), ("compression", 255), ("lineOrder", 3)])
def test_an_unknown_code_is_named(name: str, code: int) -> None:
    assert faults_of(attribute(name, name, code)) == [("UNKNOWN_CODE", f"parts[0].{name}")]


def test_an_unknown_type_of_part_is_named() -> None:
    assert faults(parsed(multipart([attribute("type", "string", "volume")]))) == [
        ("UNKNOWN_CODE", "parts[0].type")
    ]


IMPOSSIBLE: dict[str, tuple[str, Attribute]] = {
    "tiles without width": ("tiles", attribute("tiles", "tiledesc", Tiling(0, 32))),
    "tiles without height": ("tiles", attribute("tiles", "tiledesc", Tiling(64, 0))),
    "no channel": ("channels", attribute("channels", "chlist", [])),
    "a sampling of no column": ("channels", attribute("channels", "chlist", [Channel("Y", "half", 0, 0, 1)])),
    "a sampling backwards": ("channels", attribute("channels", "chlist", [Channel("Y", "half", 0, 1, -2)])),
}


@pytest.mark.parametrize("what", IMPOSSIBLE)
def test_a_value_that_no_image_can_have_is_named(what: str) -> None:
    name, given = IMPOSSIBLE[what]
    assert faults_of(TILES, given, flags=TILED) == [required(name)]


@pytest.mark.parametrize("count", [0, -1])
def test_a_part_of_no_chunk_is_named(count: int) -> None:
    assert faults(parsed(multipart([attribute("chunkCount", "int", count)]))) == [required("chunkCount")]


def test_a_chunk_count_that_disagrees_with_the_geometry_is_a_warning() -> None:
    """In files of one part too, though there the attribute decides nothing."""
    stated = attribute("chunkCount", "int", 5)
    for found in (parsed(multipart([stated])), parsed(plain(stated))):
        assert faults(found) == [("CHUNK_COUNT_MISMATCH", "parts[0].chunkCount")]
        (error,) = check_parts(found)
        assert error.fault.status is None
        assert error.message == "chunkCount is 5, but the data window is cut into 2 chunks"
        assert part_facts(found, 0)["chunk_count"] == 2


def test_a_chunk_count_is_not_judged_if_the_geometry_is_unknown() -> None:
    unknown = attribute("compression", "compression", 99)
    assert faults_of(unknown, attribute("chunkCount", "int", 5)) == [("UNKNOWN_CODE", "parts[0].compression")]


def test_a_name_that_an_earlier_part_has_is_named() -> None:
    twice = [attribute("name", "string", "same")]
    assert faults(parsed(multipart(twice, twice)), 1) == [required("name", 1)]


def test_an_unknown_pixel_type_is_named_and_hides_no_channel() -> None:
    channels = attribute("channels", "chlist", [Channel("A", "half"), Channel("B", 7)])
    assert faults_of(channels) == [("UNKNOWN_CODE", "parts[0].channels")]
    assert part_facts(parsed(plain(channels)), 0)["channel_count"] == 2


@pytest.mark.parametrize("mode", [0x0F, 0x20])
def test_an_unknown_tile_mode_is_named_where_there_are_tiles(mode: int) -> None:
    tiles = Attribute(b"tiles", b"tiledesc", struct.pack("<2IB", 64, 64, mode))
    assert faults_of(tiles, flags=TILED) == [("UNKNOWN_CODE", "parts[0].tiles")]
    assert faults_of(tiles, flags=0) == []


def test_of_two_required_attributes_the_one_that_does_not_count_may_be_bad() -> None:
    twice = (Attribute(b"compression", b"compression", b""), attribute("compression", "compression", "zip"))
    found = parsed(header([(*without(b"compression"), *twice)], 0))
    assert faults(found) == [("BAD_ATTRIBUTE", "parts[0].compression")]


def test_any_other_bad_value_is_named_and_harms_nothing_else() -> None:
    bad = (Attribute(b"wrong", b"int", b"12345"), Attribute(b"abc\xe9", b"v2f", b""))
    found = parsed(plain(*bad))
    assert faults(found) == [("BAD_ATTRIBUTE", "parts[0].wrong"), ("BAD_ATTRIBUTE", "parts[0].abc\\xe9")]
    assert all(error.fault.status is None for error in check_parts(found))
    assert part_facts(found, 0) == part_facts(parsed(plain()), 0)


def test_what_makes_a_file_unreadable_stands_first() -> None:
    found = parsed(
        header([(Attribute(b"wrong", b"int", b"12345"), *without(b"channels"))], 0),
    )
    assert faults(found) == [required("channels"), ("BAD_ATTRIBUTE", "parts[0].wrong")]
