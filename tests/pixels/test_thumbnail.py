from __future__ import annotations

import io
from contextlib import closing
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from exr_inspector.errors import InspectorError
from exr_inspector.exr.header import Header, parse_header
from exr_inspector.exr.limits import Limits
from exr_inspector.pixels import stats
from exr_inspector.pixels.beauty import find_beauty
from exr_inspector.pixels.color import ASSUMED, PRIMARIES
from exr_inspector.pixels.pixel_file import PixelFile
from exr_inspector.pixels.thumbnail import Picture, read_picture
from exr_inspector.pixels.tone import encode
from exr_inspector.settings import Settings
from tests.corpus import CORPUS, needed
from tests.exrfiles.attributes import Attribute, attribute
from tests.exrfiles.demo import layered_beauty, simple
from tests.exrfiles.geometry import Tiling, level_sizes
from tests.exrfiles.parts import deep_scanline, scanline, tiled
from tests.exrfiles.writer import write
from tests.pixels.images import Bytes

COLOR = (0.8, 0.4, 0.1)


def picture(data: bytes, **options: Any) -> Picture | None:
    with closing(PixelFile(Bytes(data), Limits())) as file:
        return read_picture(file, **options)


def shown(data: bytes, **options: Any) -> Picture:
    found = picture(data, **options)
    assert found is not None
    return found


def decoded(webp: bytes) -> Any:
    return np.asarray(Image.open(io.BytesIO(webp)).convert("RGB"))


def flat(*attributes: Attribute, names: str = "RGB", height: int = 8, width: int = 16) -> bytes:
    planes = {
        name: np.full((height, width), value, np.float16) for name, value in zip(names, COLOR, strict=True)
    }
    return write(scanline(planes, attributes))


# --- which channels ---------------------------------------------------------------------------------------


def part(*names: str, **attributes: str) -> Any:
    plane = np.zeros((2, 2), np.float16)
    return scanline(
        dict.fromkeys(names, plane), [attribute(name, "string", text) for name, text in attributes.items()]
    )


def beauty(*parts: Any) -> tuple[int, str, tuple[str, ...]] | None:
    header = parse_header(write(*parts))
    assert isinstance(header, Header)
    found = find_beauty(header)
    return None if found is None else (found.part, found.layer, found.channels)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ("A B G R Z beauty.B beauty.G beauty.R", (0, "", ("R", "G", "B"))),
        ("BY RY Y beauty.B beauty.G beauty.R", (0, "", ("Y", "RY", "BY"))),
        ("albedo.B albedo.G albedo.R rgba.b rgba.g rgba.r", (0, "rgba", ("rgba.r", "rgba.g", "rgba.b"))),
        ("Z albedo.B albedo.G albedo.R", (0, "albedo", ("albedo.R", "albedo.G", "albedo.B"))),
        ("A Z mask.m", (0, "mask", ("mask.m",))),
        ("A Z", None),
    ],
)
def test_the_picture_is_the_main_layer_or_else_the_next_by_the_rule(names: str, expected: Any) -> None:
    assert beauty(part(*names.split())) == expected


def test_a_part_may_be_a_layer_of_its_own() -> None:
    depth, main = part("B", "G", "R", name="normal"), part("B", "G", "R", name="rgba")
    assert beauty(depth, main) == (1, "rgba", ("R", "G", "B"))


def test_the_ranks_of_a_cryptomatte_are_no_picture() -> None:
    ranks = [f"id_object00.{each}" for each in "BGR"]
    assert beauty(part(*ranks)) == (0, "id_object00", tuple(f"id_object00.{each}" for each in "RGB"))
    assert beauty(part(*ranks, **{"cryptomatte/bda530a/name": "id_object"})) is None
    assert beauty(part(*(f"CryptoAsset00.{each}" for each in "BGR"))) is None


def test_a_cryptomatte_that_another_part_describes_is_no_picture_and_its_name_hides_no_other_layer() -> None:
    described = part("Z", name="depth", **{"cryptomatte/bda530a/name": "id"})
    ranks, idiff = (part(*(f"{layer}.{each}" for each in "BGR"), name=layer) for layer in ("id00", "idiff"))
    assert beauty(described, ranks) is None
    assert beauty(described, ranks, idiff) == (2, "idiff", ("idiff.R", "idiff.G", "idiff.B"))


def test_deep_files_have_no_picture() -> None:
    samples = {name: np.ones(4, np.float16) for name in "BGR"}
    assert picture(write(deep_scanline(np.ones((2, 2), np.int32), samples))) is None


def test_a_layer_can_be_chosen() -> None:
    data = layered_beauty()
    assert shown(data, layer="Albedo").beauty.channels == ("albedo.R", "albedo.G", "albedo.B")
    with pytest.raises(InspectorError, match="BAD_CONFIG: the file has no layer 'albeda'"):
        picture(data, layer="albeda")


# --- colors -----------------------------------------------------------------------------------------------


def code(linear: float) -> float:
    return 255 * (12.92 * linear if linear <= 0.0031308 else 1.055 * linear ** (1 / 2.4) - 0.055)


def test_a_pixel_has_the_srgb_code_of_its_value_at_a_fixed_exposure() -> None:
    found = shown(flat())
    assert found.color_space == ASSUMED
    pixel = decoded(encode(found.linear())).reshape(-1, 3).mean(axis=0)
    assert pixel == pytest.approx([code(value) for value in COLOR], abs=3)
    darker = decoded(encode(found.linear(), -1)).reshape(-1, 3).mean(axis=0)
    assert darker == pytest.approx([code(value / 2) for value in COLOR], abs=3)


@pytest.mark.parametrize(
    "name", ["lin_ap1_scene", "ACEScg", "lin_ap0_scene", "lin_rec2020_scene", "lin_p3d65_scene"]
)
def test_white_stays_white_and_colors_are_converted(name: str) -> None:
    space = attribute("colorInteropID", "string", name)
    found = shown(flat(space))
    assert found.color_space == name
    assert found.rgb[0].mean() > COLOR[0]
    gray = write(scanline({each: np.full((4, 4), 0.5, np.float16) for each in "BGR"}, [space]))
    assert shown(gray).rgb == pytest.approx(0.5, abs=2e-3)


def test_chromaticities_give_the_same_colors_as_the_name_of_the_space() -> None:
    red, green, blue, white = PRIMARIES["ap1"]
    stated = attribute("chromaticities", "chromaticities", (*red, *green, *blue, *white))
    by_name = shown(flat(attribute("colorInteropID", "string", "lin_ap1_scene")))
    found = shown(flat(stated))
    assert found.color_space == "chromaticities"
    assert found.rgb == pytest.approx(by_name.rgb, abs=1e-5)


@pytest.mark.parametrize("values", [(0.0,) * 8, (0.3,) * 8, (float("nan"),) * 8, (1, 0, 0, 1, 0, 0, 0.3, 0)])
def test_chromaticities_that_are_no_primaries_are_not_used(values: tuple[float, ...]) -> None:
    assert shown(flat(attribute("chromaticities", "chromaticities", values))).color_space == ASSUMED


def test_encoded_colors_are_decoded() -> None:
    encoded = shown(flat(attribute("colorInteropID", "string", "srgb_rec709_scene")))
    assert 255 * np.array(COLOR) == pytest.approx(code_of(encoded), abs=1)
    gamma = shown(flat(attribute("colorInteropID", "string", "g22_rec709_scene")))
    assert gamma.rgb[:, 0, 0] == pytest.approx(np.array(COLOR) ** 2.2, rel=2e-3)


def code_of(found: Picture) -> list[float]:
    return [code(value) for value in found.rgb[:, 0, 0]]


@needed
@pytest.mark.parametrize("space", ["Rec709", "XYZ"])
def test_luminance_and_chroma_give_the_colors_of_the_same_image_in_rgb(space: str) -> None:
    rgb, yc = (shown((CORPUS / f"Chromaticities/{space}{kind}.exr").read_bytes()).rgb for kind in ("", "_YC"))
    assert np.abs(rgb - yc).mean() < 0.01


# --- strange pixels and windows ---------------------------------------------------------------------------


def test_values_that_are_not_finite_do_not_hurt() -> None:
    plane = np.full((64, 64), 0.5, np.float16)
    plane[:8], plane[8:16], plane[16:24] = np.nan, np.inf, -np.inf
    found = shown(write(scanline(dict.fromkeys("BGR", plane))))
    assert np.isfinite(found.rgb).all()
    assert found.rgb[:, 40, 40] == pytest.approx(0.5, abs=1e-3)
    assert np.isfinite(found.look()["look_vector"]).all()


def test_a_picture_without_a_finite_value_is_black() -> None:
    found = shown(write(scanline(dict.fromkeys("BGR", np.full((9, 9), np.nan, np.float16)))))
    assert not decoded(encode(found.linear())).any()


@pytest.mark.parametrize("value", [65504.0, -65504.0, 3e38])
def test_extreme_values_are_clipped(value: float) -> None:
    planes = dict.fromkeys("BGR", np.full((9, 9), value, np.float32))
    space = attribute("colorInteropID", "string", "g22_ap1_scene")
    assert decoded(encode(shown(write(scanline(planes, [space]))).linear())).max() in (0, 255)


def test_the_picture_shows_the_display_window() -> None:
    """The data window is 4 pixels larger on each side, or covers only its left half."""
    plane = np.ones((24, 40), np.float16)
    plane[4:-4, 4:-4] = 0.25
    window = attribute("displayWindow", "box2i", (0, 0, 31, 15))
    overscan = shown(write(scanline(dict.fromkeys("BGR", plane), [window], origin=(-4, -4))))
    assert (overscan.rgb.shape, set(overscan.rgb.ravel())) == ((3, 16, 32), {0.25})
    cropped = shown(write(scanline(dict.fromkeys("BGR", plane[:16, :16]), [window])))
    assert cropped.rgb.shape == (3, 16, 32)
    assert cropped.rgb[:, :, 16:].max() == 0
    assert cropped.rgb[:, :, :16].min() > 0


@pytest.mark.parametrize(
    ("aspect", "size"), [(2.0, (16, 4)), (0.5, (8, 8)), (float("nan"), (16, 8)), (0.0, (16, 8))]
)
def test_pixels_that_are_not_square_are_stretched(aspect: float, size: tuple[int, int]) -> None:
    data = flat(attribute("pixelAspectRatio", "float", aspect))
    assert shown(data).linear().shape == (*size[::-1], 3)


def test_a_large_image_becomes_256_pixels_and_its_file_stays_small() -> None:
    noise = np.random.default_rng(1).random((3, 300, 700)).astype(np.float16)
    found = shown(write(scanline(dict(zip("BGR", noise, strict=True)))))
    assert found.linear().shape == (110, 256, 3)
    whole = len(encode(found.linear()))
    assert len(encode(found.linear(), max_bytes=whole // 2)) <= whole // 2


def test_a_mip_level_is_read_if_there_is_one() -> None:
    tiling = Tiling(32, 32, "mipmap")
    levels = {
        level: {name: np.full(size[::-1], 0.5, np.float16) for name in "BGR"}
        for level, size in level_sizes(1024, 1024, tiling).items()
    }
    data = write(tiled(levels, tiling))
    found = shown(data)
    assert found.coverage["level"] == {"width": 256, "height": 256}
    assert found.rgb == pytest.approx(0.5)


def test_a_file_whose_chunks_are_lost_has_no_picture() -> None:
    assert picture(simple(64, 64)[:420]) is None


def both_ways(data: bytes) -> tuple[dict[str, Any], dict[str, Any], Picture]:
    """The result of a full pass, that of a pass without a picture, and the picture by itself."""
    plain = stats.Request("full", 1 << 25, None, None, Settings())
    results = [stats._Reading(Bytes(data), each).result() for each in (replace(plain, look=True), plain)]
    return results[0], results[1], shown(data)


@pytest.mark.parametrize("kind", ["zip", "zips", "tiles", "overscan", "chroma"])
def test_a_full_pass_makes_the_same_picture_without_reading_more(kind: str) -> None:
    y, x = np.mgrid[:48, :80]
    planes = {
        name: ((x * y) % number / number).astype(np.float16)
        for name, number in zip("BGR", (7, 9, 13), strict=True)
    }
    planes["Z"] = np.ones((48, 80), np.float16)
    files = {
        "zip": lambda: write(scanline(planes)),
        "zips": lambda: write(scanline(planes, compression="zips")),
        "tiles": lambda: write(tiled({(0, 0): planes}, Tiling(16, 32))),
        "overscan": lambda: write(
            scanline(planes, [attribute("displayWindow", "box2i", (0, 0, 63, 31))], origin=(-8, -8))
        ),
        "chroma": lambda: write(
            scanline(
                {"Y": planes["R"], "RY": planes["G"][:24, :40], "BY": planes["B"][:24, :40]},
                sampling={"RY": (2, 2), "BY": (2, 2)},
            )
        ),
    }
    with_look, without, picture = both_ways(files[kind]())
    assert with_look["look"]["look_vector"] == pytest.approx(picture.look()["look_vector"], abs=1e-6)
    assert with_look["look"]["thumbnail"] == encode(picture.linear())
    assert with_look["coverage"] == without["coverage"]
    assert with_look["channels"] == without["channels"]


def test_the_picture_of_a_file_with_levels_comes_from_a_small_one() -> None:
    tiling, random = Tiling(64, 64, "mipmap"), np.random.default_rng(3)
    levels = {
        level: {name: random.random(size[::-1]).astype(np.float16) for name in "BGR"}
        for level, size in level_sizes(512, 512, tiling).items()
    }
    with_look, without, _ = both_ways(write(tiled(levels, tiling)))
    assert with_look["look_coverage"]["level"] == {"width": 256, "height": 256}
    more = with_look["coverage"]["bytes_read"] - without["coverage"]["bytes_read"]
    assert 0 < more < without["coverage"]["bytes_read"] / 2
