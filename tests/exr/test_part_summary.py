"""The facts of parts and channels."""

from __future__ import annotations

import struct

import pytest

from exr_inspector.exr.facts import PartFacts
from exr_inspector.exr.part_summary import channel_facts, part_facts
from tests.exr.headers import multipart, parsed, plain
from tests.exrfiles.attributes import CODES, LEVEL_MODES, Attribute, Channel, attribute
from tests.exrfiles.geometry import Tiling
from tests.exrfiles.writer import TILED, header

TILES = attribute("tiles", "tiledesc", Tiling(64, 32, "mipmap", "up"))


def facts(*more: Attribute, flags: int | None = None) -> PartFacts:
    return part_facts(parsed(plain(*more, flags=flags)), 0)


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
        "color_space_source": None,
        "render_software": None,
        "render_software_source": None,
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


def test_a_later_part_falls_back_on_what_the_first_one_states() -> None:
    first = [
        attribute("software", "string", "Karma 20"),
        attribute("colorInteropID", "string", "lin_ap1_scene"),
    ]
    found = part_facts(parsed(multipart(first, [attribute("name", "string", "other")])), 1)
    assert (found["render_software"], found["render_software_source"]) == ("Karma 20", "software")
    assert (found["color_space"], found["color_space_source"]) == ("lin_ap1_scene", "colorInteropID")


@pytest.mark.parametrize("mode", LEVEL_MODES)
def test_more_chunks_than_a_column_can_count_are_not_counted(mode: str) -> None:
    window = attribute("dataWindow", "box2i", (-(2**31), -(2**31), 2**31 - 1, 2**31 - 1))
    tiles = attribute("tiles", "tiledesc", Tiling(1, 1, mode))
    assert facts(window, tiles, flags=TILED)["chunk_count"] is None


def test_a_later_part_keeps_what_it_states_itself() -> None:
    def stating(space: str, program: str) -> list[Attribute]:
        return [attribute("oiio:ColorSpace", "string", space), attribute("software", "string", program)]

    header = parsed(multipart(stating("ACEScg", "Nuke 15.1"), stating("linear", "Arnold 7.3")))
    later = part_facts(header, 1)
    assert (later["color_space"], later["render_software"]) == ("linear", "Arnold 7.3")


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


# --- layers ---------------------------------------------------------------------------------------------


def part(name: str | None, *channels: str, view: str | None = None) -> list[Attribute]:
    """The attributes of one part with these channels."""
    texts = {"name": name, "view": view}
    return [
        *(attribute(key, "string", text) for key, text in texts.items() if text is not None),
        attribute("channels", "chlist", [Channel(channel) for channel in channels]),
    ]


def layers(*parts: list[Attribute]) -> list[tuple[str | None, str | None]]:
    """Layer and source of each channel of a multipart file."""
    found = channel_facts(parsed(multipart(*parts)))
    return [(each["layer_name"], each["layer_source"]) for each in found]


def test_a_channels_name_carries_its_layer() -> None:
    (found,) = channel_facts(parsed(plain(attribute("channels", "chlist", [Channel("diffuse.R")]))))
    assert found == {
        "part_index": 0,
        "name": "diffuse.R",
        "layer_name": "diffuse",
        "layer_source": "channel",
        "component_name": "R",
        "type": "half",
        "x_sampling": 1,
        "y_sampling": 1,
        "p_linear": False,
    }


def test_a_parts_name_carries_the_layer_if_its_channels_carry_none() -> None:
    """As Nuke writes a part per layer."""
    assert layers(part("rgba", "A", "B", "G", "R"), part("depth", "Z"), part("N", "N.X")) == [
        *[("rgba", "part")] * 4,
        ("depth", "part"),
        ("N", "channel"),
    ]


def test_a_part_with_a_layer_in_one_channel_has_none_of_its_own() -> None:
    assert layers(part("main", "R", "diffuse.R"), part("other", "Z")) == [
        (None, None),
        ("diffuse", "channel"),
        ("other", "part"),
    ]


@pytest.mark.parametrize("separator", "._- ")
def test_the_suffix_of_a_declared_view_is_no_part_of_the_layer(separator: str) -> None:
    found = layers(
        part(f"rgba{separator}left", "R", view="left"), part(f"depth{separator}right", "Z", view="right")
    )
    assert found == [("rgba", "part"), ("depth", "part")]


def test_a_part_whose_name_is_its_view_has_no_layer() -> None:
    """As Nuke writes a part per view."""
    found = layers(part("left", "R", "diffuse.R", view="left"), part("right", "R", view="right"))
    assert found == [(None, None), ("diffuse", "channel"), (None, None)]


def test_a_suffix_that_no_attribute_declares_as_a_view_stays() -> None:
    """Nor does a view come out of a name."""
    parts = [part("rgba.left", "R"), part("rgba.right", "R")]
    assert layers(*parts) == [("rgba.left", "part"), ("rgba.right", "part")]
    assert [part_facts(parsed(multipart(*parts)), index)["view"] for index in (0, 1)] == [None, None]


def test_the_views_of_the_file_count_for_a_part_that_states_none() -> None:
    views = attribute("multiView", "stringvector", ["left", "right"])
    assert layers([*part("rgba.left", "R"), views], part("depth.right", "Z")) == [
        ("rgba", "part"),
        ("depth", "part"),
    ]
    assert layers(part("key.right", "R", view="left"), part("b", "R")) == [
        ("key.right", "part"),
        ("b", "part"),
    ]


@pytest.mark.parametrize("name", ["subimage00", "Part1", "part 2", "3", "", "image"])
def test_a_name_that_stands_for_none_carries_no_layer(name: str) -> None:
    """As OpenImageIO names the parts that have no name."""
    assert layers(part(name, "R"), part("other", "R")) == [(None, None), ("other", "part")]


def test_the_name_of_a_single_part_is_no_layer() -> None:
    """It tells nothing apart; its channels are the file's."""
    assert layers(part("rgba", "R")) == [(None, None)]
