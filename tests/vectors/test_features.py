"""The features of attributes, layers, parts and numbers."""

from __future__ import annotations

from typing import Any

import pytest

from exr_inspector.exr import codes
from exr_inspector.vectors import attributes, channels, features
from exr_inspector.vectors.embedding import COMPRESSIONS
from exr_inspector.vectors.numbers import magnitude, reach
from exr_inspector.vectors.weights import KINDS, PICTURE
from tests.vectors.documents import (
    RGBA,
    WORDS,
    Document,
    attribute,
    beauty,
    channel,
    document,
    part,
    stereo,
    tiled,
)


def features_of(name: str, value: Any, kind: str = "string") -> dict[str, set[str]]:
    """The features of one attribute by group, without those of its name."""
    found: dict[str, set[str]] = {}
    for group, feature, _ in attributes.features(attribute(name, value, kind)):
        found.setdefault(group, set()).add(feature)
    found.pop("attributes", None)
    return found


# --- attributes -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "program", "version"),
    [
        ("Arnold 7.3.2.1", "arnold", "7.3.2.1"),
        ("Arnold 7.3.2.1 [c9b9f5a8] linux clang-15.0.7", "arnold", "7.3.2.1"),
        ("Version of V-Ray for Maya 6.20.06", "v-ray", "6.20.06"),
        ("V-Ray 6.20.06", "v-ray", "6.20.06"),
        ("Version of V-Ray for Maya Next", "v-ray", None),
        ("Redshift 3.6.04", "redshift", "3.6.04"),
        ("Nuke 15.1v3", "nuke", "15.1v3"),
        ("Blender 4.5.1 LTS", "blender", "4.5.1"),
        ("RenderMan 26.2", "renderman", "26.2"),
        ("Houdini 20.5.278", "houdini", "20.5.278"),
        ('3Delight 2.1.23 darwin-x86_64 "Re-Animator"', "3delight", "2.1.23"),
        ("OpenImageIO 2.4.11.1 : 8B7A0A5E", "openimageio", "2.4.11.1"),
        ("oiiotool", "openimageio", None),
        ("Studio Writer v3.5", "studio writer", "3.5"),
    ],
)
def test_a_program_and_its_version_are_found_in_what_renderers_write(
    text: str, program: str, version: str | None
) -> None:
    found = features.weighted_features(document([], part(render_software=text)))["software"]
    assert program in found
    assert {each for each in found if each.endswith("exactly")} == (
        {f"{program} {version} exactly"} if version else set()
    )


@pytest.mark.parametrize(
    "name",
    ["software", "arnold/version", "husk:renderer", "colorInteropID", "studio/colourSpace", "color_space"],
)
def test_a_value_that_the_fields_of_the_part_describe_is_not_seen_twice(name: str) -> None:
    assert features_of(name, "Arnold 7.3.2.1") == {}


def test_consecutive_releases_of_a_program_differ_in_a_known_word() -> None:
    now, then = (
        features.weighted_features(document([], part(render_software=f"Redshift 3.6.0{n}")))["software"]
        for n in (4, 5)
    )
    assert set(now) - set(then) == {"redshift 3.6.04 exactly", "release 4"}
    assert "release 5" in then


@pytest.mark.parametrize(
    "value",
    ["hero", "v012", "final quality", "sh_a", "ACES 1.3", "rec709", "S7/i", "2d"],
)
def test_a_category_is_kept_as_it_is(value: str) -> None:
    assert features_of("studio/element", value) == {"values": {f"studio/element {value}"}}


CATEGORIES = """
    camera/aperture_blades ghosting observer object department take wedding renderLayer passName group
    facility owner project show element quality engine integrator pixelfilter lut ocio grid catalogName
"""


@pytest.mark.parametrize("name", CATEGORIES.split())
def test_a_name_that_only_resembles_a_volatile_one_hides_no_category(name: str) -> None:
    assert features_of(name, "hero") == {"values": {f"{name} hero"}}


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("rooftop_0040", "rooftop_#"),
        ("cin_112_0080", "cin_#_#"),
        ("take 3 of 12", "take # of #"),
        ("rec2020", "rec#"),
        ("16-bit half", "#-bit half"),
    ],
)
def test_a_number_that_could_be_a_frame_counts_as_a_sign(value: str, kept: str) -> None:
    assert features_of("studio/element", value) == {"values": {f"studio/element {kept}"}}


def test_a_whole_number_weighs_less_than_a_text() -> None:
    (_, _, number), (_, _, text) = (
        attributes.features(attribute("studio/level", *each))[-1] for each in ((3, "int"), ("high", "string"))
    )
    assert number < text


@pytest.mark.parametrize(
    "kind", ["float", "m44f", "v2f", "box2i", "preview", "idmanifest", "timecode", "odd"]
)
def test_only_texts_and_whole_numbers_can_be_categories(kind: str) -> None:
    assert features_of("studio/element", "hero", kind) == {}


def test_names_of_attributes_count_with_their_name_space_and_without_their_numbers() -> None:
    found = attributes.features(attribute("studio/light_12/gain", 1.0, "float"))
    assert found == (("attributes", "studio/light_#/gain", 1.0), ("attributes", "studio/", 3.0))


@pytest.mark.parametrize("name", sorted(attributes.STRUCTURAL))
def test_attributes_that_the_fields_of_the_part_describe_are_not_seen(name: str) -> None:
    plain, more = document([], part()), document([], part(attribute(name, "hero")))
    assert features.weighted_features(plain) == features.weighted_features(more)


def test_the_patterns_of_the_programs_have_no_groups() -> None:
    """The number of the group that matched is the program's place in the table."""
    assert attributes._PROGRAM.groups == len(attributes.PROGRAMS)


# --- channels -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("purpose", "layers"),
    [
        (
            "diffuse",
            ["diffuse_direct", "directDiffuse", "DiffuseLighting", "combineddiffuse", "ViewLayer.DiffDir"],
        ),
        (
            "indirect",
            ["diffuse_indirect", "indirectDiffuse", "GlobalIllumination", "GI", "ViewLayer.GlossInd"],
        ),
        (
            "specular",
            [
                "specular_direct",
                "SpecularLighting",
                "combinedglossyreflection",
                "ViewLayer.GlossCol",
                "reflect",
            ],
        ),
        ("subsurface", ["sss", "SSS", "SubSurfaceScatter", "subsurface"]),
        ("depth", ["depth", "zDepth", "ViewLayer.Depth", "Z"]),
        ("normal", ["N", "normals", "Nn", "ViewLayer.Normal"]),
        ("motion", ["motionvector", "velocity", "dPdtime", "MotionVectors", "ViewLayer.Vector", "forward"]),
        (
            "matte",
            [
                "crypto_object00",
                "Cryptomatte01",
                "MatteID00",
                "PuzzleMatte1",
                "multimatte_1",
                "ViewLayer.CryptoObject00",
            ],
        ),
        ("beauty", ["", "RGBA_key", "ViewLayer.Combined", "beauty_fill"]),
    ],
)
def test_a_purpose_is_seen_in_every_naming_scheme(purpose: str, layers: list[str]) -> None:
    assert [layer for layer in layers if purpose not in of_layers(layer)["purposes"]] == []


def of_layers(*layers: str) -> dict[str, dict[str, float]]:
    return seen([channel(f"{layer}.R" if layer else "R") for layer in layers])


def seen(listed: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    return channels.weighted_features(channels.seen(listed))


def test_words_of_a_layer_are_the_same_in_any_spelling() -> None:
    one, other = of_layers("specular_direct")["layers"], of_layers("directSpecular")["layers"]
    assert one.keys() & other.keys() == {"~specular", "~direct"}


def test_a_purpose_counts_layers_and_a_word_each_of_its_occurrences() -> None:
    weighted = of_layers("", "diffuse_diff", "diffuse\ndiffuse", "global", "illum")
    assert weighted["purposes"] == {"beauty": 1.0, "diffuse": 2.0, "emission": 1.0}
    assert weighted["layers"]["~diffuse"] == 3.0
    assert weighted["layers"].keys() & {"~", "~\n"} == set()


def test_a_channel_gives_its_name_layer_component_and_pixel_type() -> None:
    weighted = seen([channel("diffuse.R"), channel("BY", "float", x_sampling=2, y_sampling=2, p_linear=True)])
    assert set(weighted["names"]) == {"diffuse.R", "BY"}
    assert set(weighted["layers"]) == {"", "diffuse", "~diffuse"}
    assert set(weighted["components"]) == {"R", "BY"}
    assert set(weighted["pixels"]) == {"half", "float", "every 2 by 2", "perceptually linear"}


def test_the_reader_and_the_vectors_use_the_same_words() -> None:
    assert tuple(f"compression {name}" for name in codes.COMPRESSION_NAMES.values()) == COMPRESSIONS
    assert set(codes.PIXEL_TYPES.values()) == set(channels.PIXELS)
    assert {
        ("line_order", codes.LINE_ORDERS[0]),
        ("level_mode", codes.LEVEL_MODES[0]),
        ("rounding_mode", codes.ROUNDING_MODES[0]),
    } == features.USUAL


# --- documents ------------------------------------------------------------------------------------


def test_values_that_nearly_every_file_has_are_not_features() -> None:
    weighted = features.weighted_features(document(RGBA, part()))
    assert {group for group, found in weighted.items() if found} == {
        "names", "layers", "purposes", "components", "pixels", "counts", "kind", "storage", "structure",
        "resolution",
    }  # fmt: skip
    assert weighted["kind"] == {PICTURE: 1.0}


@pytest.mark.parametrize(
    ("changed", "kinds"),
    [
        (document(RGBA, part(attribute("envmap", "cube", "envmap"))), {"environment map", "cube"}),
        (document(RGBA, part(attribute("envmap", "latlong", "envmap"))), {"environment map", "latlong"}),
        (document(RGBA, part(level_mode="mipmap")), {"levels"}),
        (document(RGBA, part(attribute("cryptomatte/f834d0a/name", "id"))), {"cryptomatte"}),
        (document([channel("crypto_object00.R")], part()), {"cryptomatte", "layers"}),
        (document([channel("ViewLayer.CryptoAsset00.r")], part()), {"cryptomatte", "layers"}),
        (document(RGBA, part(type="deepscanline")), {"deep"}),
        (document(RGBA, part(view="left"), part(view="right")), {"views"}),
        (document(RGBA, part(attribute("multiView", ["a", "b"], "stringvector"))), {"views"}),
        (document([channel("RY"), channel("BY"), channel("Y")], part()), {"chroma"}),
        (document([channel("Y")], part()), {"one channel"}),
        (document([*RGBA, channel("diffuse.R")], part()), {"layers"}),
        (document(RGBA, part(attribute("cameraModel", "ALEXA 35"))), {"photograph"}),
        (document(RGBA, part()), {"picture"}),
    ],
)
def test_the_kind_of_a_file_is_seen(changed: Document, kinds: set[str]) -> None:
    assert features.weighted_features(changed)["kind"] == {kind: KINDS.get(kind, 1.0) for kind in kinds}


def test_the_key_of_a_cryptomatte_is_not_seen() -> None:
    one, other = (
        [attribute(f"cryptomatte/{key}/conversion", "uint32_to_float32")] for key in ("f834d0a", "bda530a")
    )
    assert features.weighted_features(document(RGBA, part(*one))) == features.weighted_features(
        document(RGBA, part(*other))
    )


@pytest.mark.parametrize("layer", ["rgba", "RGBA", "rgb"])
def test_a_part_that_is_named_after_the_image_holds_the_main_layer(layer: str) -> None:
    listed = [channel(name, layer_name=layer, component_name=name) for name in "RGBA"]
    assert seen(listed) == seen(RGBA)


def test_a_layer_gives_the_same_features_in_a_part_of_its_own() -> None:
    own = [channel(name, index=1, layer_name="depth", component_name=name) for name in ("Z", "ZBack")]
    assert seen([*RGBA, *own]) == seen([*RGBA, channel("depth.Z"), channel("depth.ZBack")])


@pytest.mark.parametrize(("word", "name"), WORDS.items())
def test_every_word_of_a_volatile_name_hides_its_value(word: str, name: str) -> None:
    assert attributes.VOLATILE.search(name)
    others = [[each for each in words if each != word] for words in (attributes.ANYWHERE, attributes.ALONE)]
    assert not attributes.volatile(*others).search(name)


def test_one_level_of_a_tiled_file_is_not_a_feature() -> None:
    assert features.weighted_features(tiled())["storage"] == {
        "compression zip": 8.0,
        "tile_width 16": 1.0,
        "tile_height 32": 1.0,
    }


def test_a_fact_that_parts_share_counts_once() -> None:
    one = stereo()
    assert features.weighted_features(one)["storage"] == {"compression zips": 8.0}
    assert features.weighted_features(one)["values"] == {"owner north": 1.0}


def test_an_attribute_that_differs_between_parts_counts_for_each() -> None:
    both = document([], part(attribute("studio/side", "left")), part(attribute("studio/side", "right")))
    assert set(features.weighted_features(both)["values"]) == {"studio/side left", "studio/side right"}


def test_a_side_of_the_window_gives_its_direction_and_reach() -> None:
    data = {"min": {"x": -192, "y": 0}, "max": {"x": 1919, "y": 971}}
    assert features.weighted_features(beauty(data_window=data))["windows"] == {
        "left over": 1.0,
        "left over 0": 0.609375,
        "left over 0.25": 0.390625,
        "bottom within": 1.0,
        "bottom within 0": 0.609375,
        "bottom within 0.25": 0.390625,
    }


# --- numbers --------------------------------------------------------------------------------------


def test_a_number_shares_its_weight_between_two_bins() -> None:
    assert magnitude("camera", 2.0**21, "iso") == (("iso 2^21 *1", 1.0),)
    assert magnitude("camera", 1.5 * 2.0**20, "iso") == (("iso 2^20 *1", 0.5), ("iso 2^21 *1", 0.5))
    assert magnitude("size", 1.5 * 2.0**20)[-1] == ("size 2^20.5 *2", 1.0)


@pytest.mark.parametrize("value", [0, -1.0, float("inf"), float("nan")])
def test_a_number_that_is_not_positive_has_no_magnitude(value: float) -> None:
    assert magnitude("size", value) == ()


def test_very_large_reaches_are_alike() -> None:
    assert reach("left over", 17.0) == reach("left over", 1e9) == (("left over 16", 1.0),)
