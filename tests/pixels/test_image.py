from __future__ import annotations

from contextlib import closing
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from exr_inspector import InspectorError
from exr_inspector.exr.limits import Limits
from exr_inspector.pixels.image import Image, read_image
from exr_inspector.pixels.pixel_file import PixelFile
from exr_inspector.pixels.places import Window
from tests.exr import files
from tests.exrfiles.attributes import attribute
from tests.exrfiles.geometry import Tiling, level_sizes
from tests.exrfiles.parts import scanline, tiled
from tests.exrfiles.writer import Part, write
from tests.pixels.images import Bytes, opened

Array = npt.NDArray[Any]


def _image(data: bytes, channels: list[str], max_size: int, part: int = 0, **options: Any) -> Image:
    with closing(PixelFile(Bytes(data), Limits())) as file:
        return read_image(file, part, channels, max_size, **options)


def _ramp(height: int, width: int) -> Array:
    return (np.arange(height)[:, None] + np.arange(width) / 1000).astype(np.float32)


def _means(plane: Array, factor: int) -> Array:
    height, width = (each // factor for each in plane.shape)
    found: Array = plane.reshape(height, factor, width, factor).mean(axis=(1, 3), dtype=float)
    return found


def test_an_image_is_the_mean_of_the_samples_that_each_pixel_covers() -> None:
    plane = _ramp(64, 96)
    found = _image(write(scanline({"R": plane, "Z": -plane})), ["Z", "R"], 24)
    assert found.planes.shape == (2, 16, 24)
    assert np.allclose(found.planes[1], _means(plane, 4))
    assert np.allclose(found.planes[0], -_means(plane, 4))


def test_tiles_give_the_same_image_as_scan_lines() -> None:
    plane = _ramp(75, 50)
    whole = _image(write(scanline({"R": plane})), ["R"], 17)
    tiles = _image(write(tiled({(0, 0): {"R": plane}}, Tiling(16, 8))), ["R"], 17)
    assert np.allclose(whole.planes, tiles.planes, rtol=1e-6)


def test_an_image_is_not_enlarged() -> None:
    plane = _ramp(5, 7)
    found = _image(write(scanline({"R": plane})), ["R"], 256)
    assert np.array_equal(found.planes[0], plane)


def _mipmap(width: int = 256, height: int = 128, levels: str = "mipmap") -> Part:
    tiling = Tiling(32, 32, levels, "down")
    sizes = level_sizes(width, height, tiling)
    planes = {level: {"R": np.full(size[::-1], level[0], np.float16)} for level, size in sizes.items()}
    return tiled(planes, tiling)


@pytest.mark.parametrize("levels", ["mipmap", "ripmap"])
def test_the_smallest_level_that_suffices_is_read(levels: str) -> None:
    data = write(_mipmap(levels=levels))
    found = _image(data, ["R"], 64)
    assert found.coverage["level"] == {"width": 64, "height": 32}
    assert (found.coverage["chunks"], found.coverage["chunks_read"]) == (2, 2)
    assert found.planes.shape == (1, 32, 64)
    assert (found.planes == 2).all()


def test_a_level_between_two_sizes_is_reduced() -> None:
    found = _image(write(_mipmap()), ["R"], 40)
    assert found.coverage["level"]["width"] == 64
    assert found.planes.shape == (1, 20, 40)
    assert (found.planes == 2).all()


def test_of_single_lines_only_some_are_read() -> None:
    plane = _ramp(256, 8)
    found = _image(write(scanline({"R": plane}, compression="zips")), ["R"], 32)
    assert (found.coverage["chunks"], found.coverage["chunks_read"]) == (32, 32)
    assert np.abs(found.planes[0, :, 0] - _means(plane, 8)[:, 0]).max() <= 4


def test_a_budget_limits_the_rows_of_chunks_that_are_read() -> None:
    plane = np.random.default_rng(1).random((512, 4000)).astype(np.float32)
    data = write(scanline({"R": plane}))
    found = _image(data, ["R"], 64, budget=len(data) // 4)
    assert found.coverage["chunks_read"] == 8
    assert found.coverage["bytes_read"] < len(data) * 0.27
    assert (found.planes > 0).all()


def test_the_image_shows_the_display_window() -> None:
    plane = np.ones((20, 20), np.float16)
    display = attribute("displayWindow", "box2i", (0, 0, 39, 9))
    found = _image(write(scanline({"R": plane}, [display], origin=(-5, -5))), ["R"], 40)
    assert found.window == Window(0, 0, 40, 10)
    expected = np.zeros((10, 40))
    expected[:, :15] = 1
    assert np.array_equal(found.planes[0], expected)


@pytest.mark.parametrize("display", [(100, 100, 200, 200), (-(1 << 31), 0, -(1 << 30), 0)])
def test_a_display_window_elsewhere_is_ignored(display: tuple[int, ...]) -> None:
    part = scanline({"R": np.ones((6, 4), np.float16)}, [attribute("displayWindow", "box2i", display)])
    assert _image(write(part), ["R"], 8).planes.tolist() == [[[1] * 4] * 6]


def test_a_huge_display_window_gives_a_small_image() -> None:
    display = attribute("displayWindow", "box2i", (-(1 << 31), -(1 << 31), (1 << 31) - 1, (1 << 31) - 1))
    found = _image(write(scanline({"R": np.ones((6, 4), np.float16)}, [display])), ["R"], 64)
    assert found.planes.shape == (1, 64, 64)


def test_means_are_those_of_the_finite_samples() -> None:
    plane = np.ones((4, 4), np.float32)
    plane[0, 0], plane[2:, 2:] = np.nan, np.inf
    found = _image(write(scanline({"R": plane})), ["R"], 2).planes[0]
    assert np.array_equal(found, np.array([[1, 1], [1, np.nan]]), equal_nan=True)


def test_subsampled_channels_are_as_large_as_the_others() -> None:
    chroma = np.arange(12, dtype=np.float16).reshape(4, 3)
    pixels: dict[str, Any] = {"Y": np.ones((8, 6), np.float16), "BY": chroma}
    data = write(scanline(pixels, sampling={"BY": (2, 2)}, origin=(-4, 10)))
    planes: Array = _image(data, ["Y", "BY"], 8).planes
    assert np.array_equal(planes[1], chroma.repeat(2, 0).repeat(2, 1))


def test_chunks_that_failed_are_zero_and_reported() -> None:
    data = bytearray(write(scanline({"R": np.ones((64, 4), np.float16)})))
    _, table = opened(bytes(data))
    data[int(table.entries[1]) + 12] ^= 255
    found = _image(bytes(data), ["R"], 64)
    assert found.planes[0].sum(axis=1).tolist() == [4] * 16 + [0] * 16 + [4] * 32
    assert [(each["code"], each["chunks"]) for each in found.failures] == [("CHUNK_CORRUPT", 1)]


def test_names_are_not_patterns() -> None:
    pixels = {"[R]": np.ones((2, 2), np.float16), "R": np.zeros((2, 2), np.float16)}
    assert _image(write(scanline(pixels)), ["[R]"], 2).planes.sum() == 4


@pytest.mark.parametrize(
    ("kind", "part", "channel"), [("scan lines", 0, "Q"), ("deep scan lines", 0, "Z"), ("scan lines", 1, "R")]
)
def test_what_has_no_image_is_refused(kind: str, part: int, channel: str) -> None:
    with pytest.raises(InspectorError) as caught:
        _image(files.file(kind).data, [channel], 8, part)
    assert caught.value.code == "BAD_CONFIG"
