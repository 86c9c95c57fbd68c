"""Pixels of two files, compared in lockstep, on files that the OpenEXR library writes."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR
import pytest

from exr_inspector import inspect
from exr_inspector.compare.channels import match_channels
from exr_inspector.compare.pixels import PixelDiff, diff_pixels
from exr_inspector.compare.samples import EXACT, SampleDiff, Tolerance
from exr_inspector.exr.limits import Limits
from exr_inspector.location import path_location
from exr_inspector.pixels.pixel_file import PixelFile
from exr_inspector.settings import Settings
from exr_inspector.sources.opener import Opener
from tests.exrfiles.geometry import Tiling
from tests.exrfiles.parts import deep_scanline, deep_tiled
from tests.exrfiles.writer import write
from tests.pixels.images import CODECS, library_file, picture

LOSSLESS = ("none", "rle", "zips", "zip", "piz", "htj2k256", "zstd")
PLANES = picture(70, 33)


def diff(a: Path, b: Path, tolerance: Tolerance = EXACT) -> PixelDiff:
    opener = Opener(Settings())
    matched = match_channels(inspect(a), inspect(b))
    sources = [opener(path_location(str(path))) for path in (a, b)]
    with closing(PixelFile(sources[0], Limits())) as ours, closing(PixelFile(sources[1], Limits())) as theirs:
        return diff_pixels(ours, theirs, matched, tolerance)


@pytest.fixture
def zip_file(tmp_path: Path) -> Path:
    return written(tmp_path / "a.exr", PLANES)


def written(path: Path, planes: Any, compression: str = "zip", **header: Any) -> Path:
    library_file({name: plane.copy() for name, plane in planes.items()}, compression, path, **header)
    return path


def window(left: int, top: int, planes: Any) -> Any:
    height, width = next(iter(planes.values())).shape
    return np.array([left, top], "i4"), np.array([left + width - 1, top + height - 1], "i4")


def numbers(found: PixelDiff, name: str) -> SampleDiff:
    (channel,) = (each for each in found["channels"] if each["names"][0] == name)
    assert channel["numbers"]
    return channel["numbers"]


def statuses(found: PixelDiff) -> dict[str, str]:
    return {each["names"][0]: each["status"] for each in found["channels"]}


@pytest.mark.parametrize("codec", [each for each in LOSSLESS if each in CODECS])
def test_a_lossless_recompression_has_the_same_pixels(zip_file: Path, tmp_path: Path, codec: str) -> None:
    found = diff(zip_file, written(tmp_path / "b.exr", PLANES, codec))
    assert found["status"] == "equal"
    assert all(numbers(found, name)["is_bit_equal"] for name in PLANES)
    assert {each["lines"] for each in found["channels"]} == {70}
    assert len(found["channels"]) == len(PLANES)


def test_tiles_have_the_same_pixels_as_scan_lines(zip_file: Path, tmp_path: Path) -> None:
    tiles = OpenEXR.TileDescription()
    tiles.xSize, tiles.ySize, tiles.mode = 16, 24, OpenEXR.ONE_LEVEL
    tiled = written(tmp_path / "b.exr", PLANES, type=OpenEXR.tiledimage, tiles=tiles)
    assert diff(zip_file, tiled)["status"] == diff(tiled, zip_file)["status"] == "equal"


def test_one_changed_sample_is_found_with_its_channel_place_and_values(
    zip_file: Path, tmp_path: Path
) -> None:
    changed = {**PLANES, "Z": PLANES["Z"].copy()}
    changed["Z"][41, 7] += 1
    found = diff(zip_file, written(tmp_path / "b.exr", changed, "piz"))
    assert {name for name, status in statuses(found).items() if status == "different"} == {"Z"}
    channel = numbers(found, "Z")
    assert (channel["different"], channel["samples"]) == (1, 70 * 33)
    worst = channel["worst"]
    assert worst
    assert (worst["x"], worst["y"]) == (7, 41)
    assert (worst["before"], worst["after"]) == (float(PLANES["Z"][41, 7]), float(changed["Z"][41, 7]))
    back = numbers(diff(tmp_path / "b.exr", zip_file), "Z")
    assert (back["max_error"], back["worst"]) == (
        channel["max_error"],
        {**worst, "before": worst["after"], "after": worst["before"]},
    )


def test_a_tolerance_forgives_what_a_lossy_codec_changes(zip_file: Path, tmp_path: Path) -> None:
    lossy = written(tmp_path / "b.exr", PLANES, "dwaa")
    assert diff(zip_file, lossy)["status"] == "different"
    assert diff(zip_file, lossy, Tolerance(0.5))["status"] == "equal"


def test_data_windows_are_compared_where_they_overlap(tmp_path: Path) -> None:
    large = {"R": PLANES["R"]}
    small = {"R": PLANES["R"][20:51, 3:30]}
    a = written(tmp_path / "a.exr", large, dataWindow=window(-10, -5, large))
    b = written(tmp_path / "b.exr", small, "zips", dataWindow=window(-7, 15, small))
    for found in (diff(a, b), diff(b, a)):
        (channel,) = found["channels"]
        assert (channel["status"], channel["lines"]) == ("equal", 31)
        assert numbers(found, "R")["samples"] == 31 * 27
        (windows,) = found["windows"]
        assert windows["both"] == {"min": {"x": -7, "y": 15}, "max": {"x": 19, "y": 45}}


def test_windows_without_a_common_pixel_are_not_compared(tmp_path: Path) -> None:
    plane = {"R": PLANES["R"]}
    a = written(tmp_path / "a.exr", plane, dataWindow=window(0, 0, plane))
    b = written(tmp_path / "b.exr", plane, dataWindow=window(33, 0, plane))
    found = diff(a, b)
    assert (found["status"], found["windows"][0]["both"]) == ("unknown", None)
    assert found["channels"][0]["reason"] == "the data windows have no pixel in common"


def test_channels_of_one_file_make_the_files_different(zip_file: Path, tmp_path: Path) -> None:
    fewer = {name: plane for name, plane in PLANES.items() if name != "Z"}
    found = diff(zip_file, written(tmp_path / "b.exr", {**fewer, "mask": PLANES["A"]}))
    assert (found["status"], found["only_a"], found["only_b"]) == ("different", ["Z"], ["mask"])


def parts_file(path: Path, *parts: tuple[str, Any]) -> Path:
    made = [
        OpenEXR.Part(
            {"compression": CODECS["zip"], "type": OpenEXR.scanlineimage},
            {name: plane.copy() for name, plane in planes.items()},
            part,
        )
        for part, planes in parts
    ]
    with OpenEXR.File(made) as file:
        file.write(str(path))
    return path


RGB = {name: PLANES[name] for name in "RGB"}
DEPTH = {"Z": PLANES["Z"]}


def test_the_order_and_the_names_of_parts_do_not_matter(tmp_path: Path) -> None:
    a = parts_file(tmp_path / "a.exr", ("rgba", RGB), ("depth", DEPTH))
    reordered = parts_file(tmp_path / "b.exr", ("depth", DEPTH), ("rgba", RGB))
    renamed = parts_file(tmp_path / "c.exr", ("beauty", RGB), ("z", DEPTH))
    for other in (reordered, renamed):
        found = diff(a, other)
        assert (found["status"], len(found["channels"])) == ("equal", 4)


def test_a_part_for_each_layer_has_the_pixels_of_layers_in_one_part(tmp_path: Path) -> None:
    a = parts_file(tmp_path / "a.exr", ("albedo", RGB), ("depth", DEPTH))
    single = {**{f"albedo.{name}": plane for name, plane in RGB.items()}, "depth.Z": PLANES["Z"]}
    found = diff(a, written(tmp_path / "b.exr", single))
    assert found["status"] == "equal"
    assert ("Z", "depth.Z") in [each["names"] for each in found["channels"]]


def test_what_cannot_be_decoded_is_unknown_and_not_equal(zip_file: Path, tmp_path: Path) -> None:
    data = zip_file.read_bytes()
    cut = tmp_path / "b.exr"
    cut.write_bytes(data[: len(data) * 2 // 3])
    found = diff(zip_file, cut)
    assert found["status"] == "unknown"
    assert {each["status"] for each in found["channels"]} == {"unknown"}
    assert 0 < found["channels"][0]["lines_missing"] < 70
    assert found["failures"]["b"]
    assert not found["failures"]["a"]


def test_a_difference_counts_even_if_other_lines_are_missing(zip_file: Path, tmp_path: Path) -> None:
    changed = {**PLANES, "R": PLANES["R"] + np.float16(1)}
    other = written(tmp_path / "b.exr", changed)
    data = other.read_bytes()
    other.write_bytes(data[: len(data) // 2])
    found = diff(zip_file, other)
    assert (found["status"], statuses(found)["R"], statuses(found)["G"]) == (
        "different",
        "different",
        "unknown",
    )


def deep_file(path: Path, planes: Any, compression: str = "zips") -> Path:
    header = {"compression": CODECS[compression], "type": OpenEXR.deepscanline}
    with OpenEXR.File(header, planes) as file:
        file.write(str(path))
    return path


def deep_planes(*, counts: Any) -> dict[str, Any]:
    planes: dict[str, Any] = {}
    for name, dtype in (("A", "f2"), ("Z", "f4")):
        cells = np.empty(counts.shape, object)
        for number, place in enumerate(np.ndindex(counts.shape)):
            cells[place] = (np.arange(counts[place]) + number / 8).astype(dtype)
        planes[name] = cells
    return planes


COUNTS = np.random.default_rng(3).integers(0, 4, (40, 9))


def test_deep_parts_are_compared_sample_by_sample(tmp_path: Path) -> None:
    a = deep_file(tmp_path / "a.exr", deep_planes(counts=COUNTS))
    found = diff(a, deep_file(tmp_path / "b.exr", deep_planes(counts=COUNTS), "none"))
    assert found["status"] == "equal"
    assert [numbers(found, name)["samples"] for name in "AZ"] == [COUNTS.sum()] * 2
    assert found["sample_counts"][0]["status"] == "equal"


def test_one_changed_deep_sample_is_found_in_its_pixel(tmp_path: Path) -> None:
    planes = deep_planes(counts=COUNTS)
    y, x = (int(each) for each in np.argwhere(COUNTS > 1)[7])
    a = deep_file(tmp_path / "a.exr", deep_planes(counts=COUNTS))
    planes["Z"][y, x] = planes["Z"][y, x] + np.float32(100)
    found = diff(a, deep_file(tmp_path / "b.exr", planes))
    assert statuses(found) == {"A": "equal", "Z": "different"}
    worst = numbers(found, "Z")["worst"]
    assert worst
    assert (worst["x"], worst["y"]) == (x, y)


def test_deep_tiles_are_compared_with_deep_scan_lines(tmp_path: Path) -> None:
    counts = COUNTS.astype(np.int32)
    depths = np.arange(counts.sum(), dtype=np.float32)
    y, x = (int(each) for each in np.argwhere(counts > 1)[30])
    other = depths.copy()
    other[int(counts.ravel()[: 9 * y + x].sum())] += 1000
    (tmp_path / "a.exr").write_bytes(write(deep_scanline(counts, {"Z": depths})))
    (tmp_path / "b.exr").write_bytes(write(deep_tiled(counts, {"Z": depths}, Tiling(4, 16))))
    (tmp_path / "c.exr").write_bytes(write(deep_tiled(counts, {"Z": other}, Tiling(8, 8))))
    assert diff(tmp_path / "a.exr", tmp_path / "b.exr")["status"] == "equal"
    worst = numbers(diff(tmp_path / "b.exr", tmp_path / "c.exr"), "Z")["worst"]
    assert worst
    assert (worst["x"], worst["y"]) == (x, y)


def test_pixels_with_other_sample_counts_are_counted_apart(tmp_path: Path) -> None:
    more = COUNTS.copy()
    more[5, 5] += 1
    a = deep_file(tmp_path / "a.exr", {"Z": deep_planes(counts=COUNTS)["Z"]})
    found = diff(a, deep_file(tmp_path / "b.exr", {"Z": deep_planes(counts=more)["Z"]}))
    (counts,) = found["sample_counts"]
    assert counts["status"] == "different"
    assert counts["numbers"]
    assert counts["numbers"]["different"] == 1
    assert statuses(found) == {"Z": "equal"}
    assert numbers(found, "Z")["samples"] == COUNTS.sum() - COUNTS[5, 5]
    assert found["status"] == "different"


def test_a_deep_and_a_flat_part_are_not_compared(zip_file: Path, tmp_path: Path) -> None:
    found = diff(zip_file, deep_file(tmp_path / "b.exr", deep_planes(counts=COUNTS)))
    assert {each["reason"] for each in found["channels"]} == {"one part is deep, and the other is not"}
