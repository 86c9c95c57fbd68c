"""The facts of a part, and what is wrong with it."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from exr_inspector import errors
from exr_inspector.exr.header import Header
from exr_inspector.exr.part_summary import check_parts, part_facts
from tests.exr.headers import NAMED, REQUIRED, multipart, parsed, plain, replaced, without
from tests.exrfiles.attributes import CODES, LEVEL_MODES, Attribute, Channel, attribute
from tests.exrfiles.geometry import Tiling
from tests.exrfiles.writer import DEEP, TILED, header

TILES = attribute("tiles", "tiledesc", Tiling(64, 32, "mipmap", "up"))


def facts(*more: Attribute, flags: int | None = None) -> dict[str, Any]:
    return part_facts(parsed(plain(*more, flags=flags)), 0)


def faults(found: Header, index: int = 0) -> list[tuple[str, str]]:
    """Code and place of everything that is wrong with a part."""
    told = [(error.code, error.where) for error in check_parts(found)]
    return [(code, where) for code, where in told if where.startswith(f"parts[{index}].")]


def faults_of(*more: Attribute, flags: int | None = None) -> list[tuple[str, str]]:
    return faults(parsed(plain(*more, flags=flags)))


def required(name: str, index: int = 0) -> tuple[str, str]:
    return ("REQUIRED_ATTRIBUTE", f"parts[{index}].{name}")


# --- facts ----------------------------------------------------------------------------------------------


def test_a_part_has_its_facts_in_the_documented_order() -> None:
    assert facts() == {
        "index": 0,
        "name": None,
        "view": None,
        "type": "scanlineimage",
        "width": 64,
        "height": 32,
        "data_window": {"min": {"x": 0, "y": 0}, "max": {"x": 63, "y": 31}},
        "display_window": {"min": {"x": 0, "y": 0}, "max": {"x": 63, "y": 31}},
        "display_width": 64,
        "display_height": 32,
        "data_x_offset": 0,
        "data_y_offset": 0,
        "pixel_aspect_ratio": 1.0,
        "line_order": "increasingY",
        "compression": "zip",
        "is_tiled": False,
        "tile_width": None,
        "tile_height": None,
        "level_mode": None,
        "rounding_mode": None,
        "is_deep": False,
        "chunk_count": 2,
        "channel_count": 1,
        "color_space": None,
        "render_software": None,
    }


def test_overscan_shows_in_offsets_and_sizes() -> None:
    found = facts(
        attribute("dataWindow", "box2i", (-8, -4, 71, 35)),
        attribute("displayWindow", "box2i", (2, 3, 61, 28)),
    )
    assert (found["width"], found["height"]) == (80, 40)
    assert (found["data_x_offset"], found["data_y_offset"]) == (-8, -4)
    assert (found["display_width"], found["display_height"]) == (60, 26)


def test_windows_at_the_ends_of_the_integers_have_their_true_size() -> None:
    found = facts(attribute("dataWindow", "box2i", (-(2**31), -(2**31), 2**31 - 1, 2**31 - 1)))
    assert (found["width"], found["height"]) == (2**32, 2**32)


def test_a_tiled_part_has_its_tiles() -> None:
    found = facts(TILES, flags=TILED)
    assert found["type"] == "tiledimage"
    assert found["is_tiled"]
    assert (found["tile_width"], found["tile_height"]) == (64, 32)
    assert (found["level_mode"], found["rounding_mode"]) == ("mipmap", "up")


@pytest.mark.parametrize(
    ("type_", "is_tiled", "is_deep"),
    [
        ("scanlineimage", False, False),
        ("tiledimage", True, False),
        ("deepscanline", False, True),
        ("deeptile", True, True),
    ],
)
def test_the_type_of_a_part_in_a_multipart_file_is_the_attributes(
    type_: str, is_tiled: bool, is_deep: bool
) -> None:
    found = part_facts(parsed(multipart([attribute("type", "string", type_), TILES])), 0)
    assert (found["type"], found["is_tiled"], found["is_deep"]) == (type_, is_tiled, is_deep)


@pytest.mark.parametrize("code", range(14))
def test_every_compression_has_its_name(code: int) -> None:
    assert facts(attribute("compression", "compression", code))["compression"] == CODES["compression"][code]


@pytest.mark.parametrize("code", [14, 99, 255])
def test_an_unknown_compression_is_called_unknown(code: int) -> None:
    """Libraries say ZIP here."""
    found = facts(attribute("compression", "compression", code))
    assert found["compression"] == f"unknown({code})"
    assert found["chunk_count"] is None


@pytest.mark.parametrize("code", [3, 9, 255])
def test_an_unknown_line_order_is_called_unknown(code: int) -> None:
    assert facts(attribute("lineOrder", "lineOrder", code))["line_order"] == f"unknown({code})"


def test_other_attributes_of_these_types_change_nothing() -> None:
    """A line order or compression under another name is no line order or compression of the part."""
    found = facts(attribute("other", "lineOrder", "randomY"), attribute("second", "compression", "piz"))
    assert (found["line_order"], found["compression"]) == ("increasingY", "zip")


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ([], None),
        ([attribute("colorInteropID", "string", "lin_ap1_scene")], "lin_ap1_scene"),
        ([attribute("oiio:ColorSpace", "string", "ACEScg")], "ACEScg"),
        (
            [
                attribute("oiio:ColorSpace", "string", "ACEScg"),
                attribute("colorInteropID", "string", "lin_rec709_scene"),
            ],
            "lin_rec709_scene",
        ),
        (
            [
                attribute("colorInteropID", "string", "lin_rec709_scene"),
                attribute("acesImageContainerFlag", "int", 1),
            ],
            "lin_ap0_scene",
        ),
        ([attribute("acesImageContainerFlag", "int", 0)], None),
        ([attribute("colorInteropID", "string", "")], None),
        ([attribute("chromaticities", "chromaticities", (0.64, 0.33, 0.3, 0.6, 0.15, 0.06, 0.3, 0.3))], None),
    ],
)
def test_a_colour_space_is_stated_or_none(stated: list[Attribute], expected: str | None) -> None:
    assert facts(*stated)["color_space"] == expected


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ([], None),
        ([("software", "Nuke 15.1")], "Nuke 15.1"),
        ([("Software", "Blender 4.2")], "Blender 4.2"),
        ([("nuke/version", "15.1v2")], "Nuke 15.1v2"),
        ([("nuke/version", "Nuke 15.1v2")], "Nuke 15.1v2"),
        ([("arnold/version", "7.3"), ("software", "Arnold 7.3.3.1")], "Arnold 7.3.3.1"),
        ([("software", ""), ("rs/version", "3.6")], "Redshift 3.6"),
    ],
)
def test_render_software_is_what_an_attribute_says(
    stated: list[tuple[str, str]], expected: str | None
) -> None:
    assert facts(*(attribute(name, "string", text) for name, text in stated))["render_software"] == expected


def test_a_later_part_falls_back_on_what_the_first_one_states() -> None:
    first = [
        attribute("software", "string", "Karma 20"),
        attribute("colorInteropID", "string", "lin_ap1_scene"),
    ]
    found = part_facts(parsed(multipart(first, [attribute("name", "string", "other")])), 1)
    assert (found["render_software"], found["color_space"]) == ("Karma 20", "lin_ap1_scene")


# --- what is wrong --------------------------------------------------------------------------------------


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
    assert next(check_parts(found)).fault is errors.REQUIRED_ATTRIBUTE
    assert "cannot be decoded" in next(check_parts(found)).message


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


def test_a_name_that_an_earlier_part_has_is_named() -> None:
    twice = [attribute("name", "string", "same")]
    assert faults(parsed(multipart(twice, twice)), 1) == [required("name", 1)]


def test_an_unknown_pixel_type_is_named_and_hides_no_channel() -> None:
    channels = attribute("channels", "chlist", [Channel("A", "half"), Channel("B", 7)])
    assert faults_of(channels) == [("UNKNOWN_CODE", "parts[0].channels")]
    assert facts(channels)["channel_count"] == 2


@pytest.mark.parametrize("mode", [0x0F, 0x20])
def test_an_unknown_tile_mode_is_named_where_there_are_tiles(mode: int) -> None:
    tiles = Attribute(b"tiles", b"tiledesc", struct.pack("<2IB", 64, 64, mode))
    assert faults_of(tiles, flags=TILED) == [("UNKNOWN_CODE", "parts[0].tiles")]
    assert faults_of(tiles, flags=0) == []


def test_of_two_required_attributes_the_one_that_does_not_count_may_be_bad() -> None:
    twice = (Attribute(b"compression", b"compression", b""), attribute("compression", "compression", "zip"))
    found = parsed(header([(*without(b"compression"), *twice)], 0))
    assert faults(found) == [("BAD_ATTRIBUTE", "parts[0].compression")]


@pytest.mark.parametrize("mode", LEVEL_MODES)
def test_more_chunks_than_a_column_can_count_are_not_counted(mode: str) -> None:
    window = attribute("dataWindow", "box2i", (-(2**31), -(2**31), 2**31 - 1, 2**31 - 1))
    tiles = attribute("tiles", "tiledesc", Tiling(1, 1, mode))
    assert facts(window, tiles, flags=TILED)["chunk_count"] is None


def test_any_other_bad_value_is_named_and_harms_nothing_else() -> None:
    bad = (Attribute(b"wrong", b"int", b"12345"), Attribute(b"abc\xe9", b"v2f", b""))
    found = parsed(plain(*bad))
    assert faults(found) == [("BAD_ATTRIBUTE", "parts[0].wrong"), ("BAD_ATTRIBUTE", "parts[0].abc\\xe9")]
    assert all(error.fault.status is None for error in check_parts(found))
    assert part_facts(found, 0) == facts()


def test_what_makes_a_file_unreadable_stands_first() -> None:
    found = parsed(
        header([(Attribute(b"wrong", b"int", b"12345"), *without(b"channels"))], 0),
    )
    assert faults(found) == [required("channels"), ("BAD_ATTRIBUTE", "parts[0].wrong")]


def test_facts_of_a_part_without_attributes_are_none() -> None:
    found = part_facts(parsed(header([[]])), 0)
    known = {"index": 0, "type": "scanlineimage", "is_tiled": False, "is_deep": False, "channel_count": 0}
    assert {key: value for key, value in found.items() if value is not None} == known


def test_a_pixel_aspect_ratio_that_is_no_number_is_told() -> None:
    nan = Attribute(b"pixelAspectRatio", b"float", struct.pack("<I", 0x7FC00001))
    assert facts(nan)["pixel_aspect_ratio"] == "NaN"


def test_channels_of_the_part_alone_are_counted() -> None:
    more = attribute("other", "chlist", [Channel("a"), Channel("b")])
    assert facts(more, attribute("channels", "chlist", [Channel("R"), Channel("Z")]))["channel_count"] == 2
