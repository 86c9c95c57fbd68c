from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from exr_inspector import pixel_stats
from exr_inspector.exr.header import Header, parse_header
from exr_inspector.pixels.places import Block
from exr_inspector.pixels.roles import Role, channel_roles
from exr_inspector.pixels.suspects import Suspects
from tests.exrfiles.attributes import attribute
from tests.exrfiles.geometry import Tiling
from tests.exrfiles.parts import scanline, tiled
from tests.exrfiles.writer import write

Array = npt.NDArray[Any]


def _found(plane: Array, step: int = 1000, origin: tuple[int, int] = (0, 0)) -> dict[str, Any]:
    suspects = Suspects()
    x, y = origin
    for first in range(0, len(plane), step):
        rows = plane[first : first + step]
        lines = np.arange(first, first + len(rows)) + y
        suspects.add(Block(lines, np.arange(plane.shape[1]) + x, rows))
    return suspects.result()


def _noise(height: int = 64, width: int = 96, type_: Any = np.float16) -> Array:
    return np.random.default_rng(3).uniform(0.2, 0.6, (height, width)).astype(type_)


@pytest.mark.parametrize("step", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize("type_", [np.float16, np.float32])
def test_fireflies_and_holes_are_found_wherever_groups_meet(step: int, type_: Any) -> None:
    plane = _noise(type_=type_)
    fireflies = [(0, 0), (6, 20), (7, 40), (63, 95), (30, 0)]
    holes = [(0, 50), (14, 9), (63, 0), (33, 33)]
    for number, (y, x) in enumerate(fireflies):
        plane[y, x] = 20 + number
    for (y, x), value in zip(holes, (0, np.nan, -1, np.inf), strict=True):
        plane[y, x] = value
    found = _found(plane, step, (-5, 100))
    assert found["fireflies"] == {"count": 5, "brightest": {"x": -5, "y": 130, "value": 24}}
    assert found["holes"] == {"count": 4, "first": {"x": 45, "y": 100}}


def test_what_is_not_alone_is_no_suspect() -> None:
    plane = _noise()
    plane[10, 10:12] = 50
    plane[20:22, 30] = 0
    plane[40, 40], plane[40, 41] = 50, 8
    plane[50, 50], plane[51, 51] = 0, 0.005
    found = _found(plane)
    assert (found["fireflies"]["count"], found["holes"]["count"]) == (0, 0)


def test_bright_and_black_areas_are_no_suspects() -> None:
    plane = _noise()
    plane[:, :40] = 0
    plane[:, 60:] += 100
    found = _found(plane)
    assert (found["fireflies"]["count"], found["holes"]["count"]) == (0, 0)


def test_a_firefly_is_found_in_an_image_that_is_bright_elsewhere() -> None:
    plane = _noise(256, 256)
    plane[:, :100] += np.float16(30)
    plane[50, 200] = 600
    assert _found(plane)["fireflies"]["count"] == 1


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1)])
def test_small_images_have_borders_only(shape: tuple[int, int]) -> None:
    plane = np.full(shape, 0.5, np.float16)
    plane[0, 0] = 9
    assert _found(plane)["fireflies"]["count"] == (shape != (1, 1))


@pytest.mark.parametrize("step", [1, 16, 21, 1000])
def test_lost_buckets_are_flat_rectangles(step: int) -> None:
    plane = _noise(200, 200)
    plane[32:96, 64:128] = 0
    plane[112:144, 16:48] = 0.5
    assert _found(plane, step)["flat_rectangles"] == {
        "count": 2,
        "black": 1,
        "first": {"y": 32, "x": 64, "height": 64, "width": 64, "value": 0},
    }


def test_backgrounds_and_other_shapes_are_no_flat_rectangles() -> None:
    plane = _noise(200, 200)
    plane[:64] = 0  # at the border
    plane[96:112, 32:48] = 0  # one cell
    plane[96:128, 80:112] = plane[128:160, 80:144] = 0  # an L
    plane[96:128, 160:] = 0  # at the right border, whose cells are cut
    assert _found(plane)["flat_rectangles"]["count"] == 0
    assert _found(np.zeros((200, 200), np.float16))["flat_rectangles"]["count"] == 0


def test_a_flat_rectangle_of_nan_has_no_value() -> None:
    plane = _noise(100, 100)
    plane[32:64, 32:64] = np.nan
    assert _found(plane)["flat_rectangles"]["first"]["value"] is None


def _stats(tmp_path: Path, *parts: Any, **options: Any) -> dict[str, dict[str, Any]]:
    (tmp_path / "x.exr").write_bytes(write(*parts))
    found = pixel_stats(tmp_path / "x.exr", **options)
    return {each["name"]: each for each in found["channels"]}


def _picture() -> Array:
    plane = _noise(64, 64)
    plane[9, 9] = 99
    return plane


@pytest.mark.parametrize("is_tiled", [False, True])
def test_only_the_picture_has_suspects(is_tiled: bool, tmp_path: Path) -> None:
    plane = _picture()
    pixels = dict.fromkeys(("R", "G", "B", "A", "diffuse.R", "crypto00.R"), plane)
    part = tiled({(0, 0): pixels}, Tiling(16, 8)) if is_tiled else scanline(pixels)
    found = _stats(tmp_path, part)
    assert {name for name, each in found.items() if each["fireflies"]} == {"R", "G", "B"}
    assert found["R"]["fireflies"] == {"count": 1, "brightest": {"x": 9, "y": 9, "value": 99}}


def test_a_sample_has_no_suspects(tmp_path: Path) -> None:
    tall = np.tile(_picture(), (10, 1))
    found = _stats(tmp_path, scanline({"R": tall, "G": tall, "B": tall}), mode="sampled", budget=0)
    assert found["R"]["fireflies"] is None


@pytest.mark.parametrize("type_", [np.float16, np.float32, np.uint32])
def test_alpha_has_the_shares_of_its_values(type_: Any, tmp_path: Path) -> None:
    plane = np.array([[0, 0, 0, 1, 1, 2, 3, 4]], type_)
    if type_ is not np.uint32:
        plane[0, 5:] = -0.5, 1.001, 0.25
        plane = np.concatenate((plane, [[-0.0, 0.999, np.nan, np.inf, 1, 1, 0.5, -np.inf]]), 1).astype(type_)
    found = _stats(tmp_path, scanline({"A": plane, "R": plane}))
    finite = plane[np.isfinite(plane)]
    shares = {
        "zero": (finite == 0).mean(),
        "one": (finite == 1).mean(),
        "between": ((finite > 0) & (finite < 1)).mean(),
        "outside": ((finite < 0) | (finite > 1)).mean(),
    }
    assert found["A"]["alpha"] == pytest.approx(shares)
    assert found["R"]["alpha"] is None


def test_alpha_without_finite_values_has_no_shares(tmp_path: Path) -> None:
    assert _stats(tmp_path, scanline({"A": np.full((2, 2), np.nan, np.float16)}))["A"]["alpha"] is None


def _roles(*parts: Any) -> dict[tuple[int, str], Role]:
    header = parse_header(write(*parts))
    assert isinstance(header, Header)
    return channel_roles(header)


def test_cryptomattes_are_told_by_attributes_of_any_part_and_by_their_names() -> None:
    plane = np.ones((2, 2), np.float32)
    names = ("object00.R", "object00.A", "object.R", "objects.R", "uCryptoAsset01.G", "A")
    stated = [attribute("cryptomatte/1234567/name", "string", "object"), attribute("name", "string", "a")]
    other = [attribute("name", "string", "b")]
    roles = _roles(scanline({"Z": plane}, stated), scanline(dict.fromkeys(names, plane), other))
    assert [roles[1, name].is_cryptomatte for name in names] == [True, True, True, False, True, False]
    assert [roles[1, name].is_alpha for name in names] == [False, False, False, False, False, True]
