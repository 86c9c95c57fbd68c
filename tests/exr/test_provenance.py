"""What a part states about the program that wrote it, and about its color space."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exr_inspector.exr.provenance import MAX_PROGRAM, Stated, color_space, program_of, render_software
from tests.exr.headers import parsed, plain
from tests.exrfiles.attributes import Attribute, attribute


def software_of(stated: list[tuple[str, str]]) -> Stated:
    given_ = [attribute(name, "string", text) for name, text in stated]
    return render_software(parsed(plain(*given_)).parts[0])


def space_of(*stated: Attribute) -> Stated:
    return color_space(parsed(plain(*stated)).parts[0])


def text(name: str, value: str) -> Attribute:
    return attribute(name, "string", value)


# --- software -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ([], (None, None)),
        ([("software", "Nuke 15.1")], ("Nuke 15.1", "software")),
        ([("Software", "Blender 4.2")], ("Blender 4.2", "Software")),
        ([("nuke/version", "15.1v2")], ("Nuke 15.1v2", "nuke/version")),
        ([("nuke/version", "Nuke 15.1v2")], ("Nuke 15.1v2", "nuke/version")),
        ([("arnold/version", "7.3"), ("software", "Arnold 7.3.3.1")], ("Arnold 7.3.3.1", "software")),
        ([("software", ""), ("rs/version", "3.6")], ("Redshift 3.6", "rs/version")),
        ([("generatedBy", "Mitsuba version 0.6.0")], ("Mitsuba 0.6.0", "generatedBy")),
        ([("rendererinfo", "Octane Render 2022.1.1 (11000900)")], ("Octane Render 2022.1.1", "rendererinfo")),
        ([("spi:renderer", "Arnold 5.0")], ("Arnold 5.0", "spi:renderer")),
        ([("fileCreatedBy", "Guerilla Render 2.4")], ("Guerilla Render 2.4", "fileCreatedBy")),
        ([("dl:renderer", "3Delight 2.9.3")], ("3Delight 2.9.3", "dl:renderer")),
        ([("xmp:CreatorTool", "Adobe Photoshop 25.0")], ("Adobe Photoshop 25.0", "xmp:CreatorTool")),
        ([("input/software", "Nuke 15.1"), ("arnold/host/renderer", "x")], (None, None)),
        ([("rendererVersion", "1"), ("comments", "Nuke 15.1"), ("creator", "somebody")], (None, None)),
    ],
)
def test_software_is_what_an_attribute_names(
    stated: list[tuple[str, str]], expected: tuple[str | None, str | None]
) -> None:
    assert software_of(stated) == expected


def test_only_texts_name_software() -> None:
    assert render_software(parsed(plain(attribute("software", "int", 5))).parts[0]) == (None, None)


PROGRAMS = {
    "OpenImageIO 1.5.17 : oiiotool checker.png -o checker.exr": "OpenImageIO 1.5.17",
    "OpenImageIO 2.6.0.0spi : 0DCB6853291057732512B8F2B7B8597CE2624B28": "OpenImageIO 2.6.0.0spi",
    "oiiotool a.exr -resize 50% -o b.exr": "oiiotool",
    "oiiotool a.0001.exr b.exr": "oiiotool",
    "../../bin/oiiotool a.tif --ch 2": "oiiotool",
    "/opt/tools/maketx in.tif": "maketx",
    "maketx textures/in.tif": "maketx",
    "C:\\Program Files\\Nuke15.1\\Nuke15.1.exe -x comp.nk": "Nuke15.1",
    "Nuke 15.1v2 -x comp.nk": "Nuke 15.1v2",
    "Arnold 7.4.2.1 [37ff9861] linux x86_64 clang-15.0.7 oiio-2.6.3": "Arnold 7.4.2.1",
    "Blender 4.2.1 LTS (hash 396f546c9d82)": "Blender 4.2.1",
    "V-Ray 6.10.02": "V-Ray 6.10.02",
    "3Delight 2.9.3": "3Delight 2.9.3",
    "Karma 20": "Karma 20",
    "DaVinci Resolve Studio 18.1.4": "DaVinci Resolve Studio 18.1.4",
    "Maxwell Render Version 3.0.1.4": "Maxwell Render 3.0.1.4",
    "Adobe After Effects": "Adobe After Effects",
    "Unreal Engine 5.3.2-29314046+++UE5+Release-5.3": "Unreal Engine 5.3.2",
    "15.1v2": "15.1v2",
    "first line\nsecond line": "first line",
    " ": "",
}


@pytest.mark.parametrize("value", PROGRAMS)
def test_a_text_is_reduced_to_program_and_version(value: str) -> None:
    assert program_of(value) == PROGRAMS[value]


@given(st.text(st.sampled_from("a1v. -/\\:(\n"), max_size=2000))
def test_a_program_is_one_short_line(value: str) -> None:
    found = program_of(value)
    assert len(found.splitlines()) <= 1
    assert len(found) <= MAX_PROGRAM


# --- color space ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ([], (None, None)),
        ([text("colorInteropID", "lin_ap1_scene")], ("lin_ap1_scene", "colorInteropID")),
        ([text("oiio:ColorSpace", "ACEScg")], ("ACEScg", "oiio:ColorSpace")),
        ([text("arnold/color_space", "linear")], ("linear", "arnold/color_space")),
        ([text("vray/colorSpace", "ACEScg")], ("ACEScg", "vray/colorSpace")),
        ([text("rs/outputColorSpace", "sRGB")], ("sRGB", "rs/outputColorSpace")),
        ([text("Colour Space", "sRGB")], ("sRGB", "Colour Space")),
        (
            [text("arnold/color_space", "linear"), text("oiio:ColorSpace", "ACEScg")],
            ("ACEScg", "oiio:ColorSpace"),
        ),
        (
            [text("oiio:ColorSpace", "ACEScg"), text("colorInteropID", "lin_rec709_scene")],
            ("lin_rec709_scene", "colorInteropID"),
        ),
        (
            [text("colorInteropID", "lin_rec709_scene"), attribute("acesImageContainerFlag", "int", 1)],
            ("lin_ap0_scene", "acesImageContainerFlag"),
        ),
        ([attribute("acesImageContainerFlag", "int", 0)], (None, None)),
        ([text("colorInteropID", "")], (None, None)),
        ([text("input/colorspace", "log"), text("camera:ColorSpace", "LogC")], (None, None)),
        (
            [attribute("chromaticities", "chromaticities", (0.64, 0.33, 0.3, 0.6, 0.15, 0.06, 0.3, 0.3))],
            (None, None),
        ),
    ],
)
def test_a_color_space_is_stated_or_none(
    stated: list[Attribute], expected: tuple[str | None, str | None]
) -> None:
    assert space_of(*stated) == expected
