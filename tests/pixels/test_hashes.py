from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xxhash

from exr_inspector import pixel_stats
from tests.exr import files
from tests.exrfiles.attributes import attribute
from tests.exrfiles.geometry import Tiling
from tests.exrfiles.parts import deep_scanline, deep_tiled, scanline, tiled
from tests.exrfiles.writer import Part, write
from tests.pixels.images import library_file, picture

PLANE = np.random.default_rng(6).random((40, 30)).astype(np.float16)


def _stats(path: Path, data: bytes, **options: Any) -> dict[str, Any]:
    (path / "x.exr").write_bytes(data)
    return pixel_stats(path / "x.exr", **options)


def _display(path: Path, part: Part) -> tuple[str, str]:
    found = _stats(path, write(part))
    return found["channels"][0]["display_hash"], found["parts"][0]["display_hash"]


def _window(x: int, y: int, width: int, height: int) -> list[Any]:
    return [attribute("displayWindow", "box2i", (x, y, x + width - 1, y + height - 1))]


@pytest.mark.parametrize(
    ("x", "y", "width", "height"),
    [(0, 0, 30, 40), (3, 5, 20, 21), (-2, -3, 40, 50), (10, -9, 50, 20), (-9, 20, 20, 90), (29, 39, 1, 1)],
)
@pytest.mark.parametrize("is_tiled", [False, True])
def test_the_display_hash_covers_the_display_window(
    x: int, y: int, width: int, height: int, is_tiled: bool, tmp_path: Path
) -> None:
    window = _window(x, y, width, height)
    pixels = {"R": PLANE}
    part = tiled({(0, 0): pixels}, Tiling(16, 8), window) if is_tiled else scanline(pixels, window)
    shown = np.zeros((height, width), np.float16)
    for row, column in np.argwhere(np.ones_like(PLANE)).tolist():
        if x <= column < x + width and y <= row < y + height:
            shown[row - y, column - x] = PLANE[row, column]
    assert _display(tmp_path, part)[0] == f"xxh3_128:{xxhash.xxh3_128_hexdigest(shown.tobytes())}"


def test_overscan_and_cropping_do_not_change_the_display_hash(tmp_path: Path) -> None:
    black = np.zeros((60, 50), np.float16)
    black[10:50, 10:40] = PLANE
    window = _window(-10, -10, 50, 60)
    whole = scanline({"R": black}, window, origin=(-10, -10))
    cropped = scanline({"R": PLANE}, window)
    overscan = scanline({"R": np.pad(black, 4, constant_values=9)}, window, origin=(-14, -14))
    assert _display(tmp_path, whole) == _display(tmp_path, cropped) == _display(tmp_path, overscan)


def test_subsampled_channels_are_hashed_where_the_display_window_has_samples(tmp_path: Path) -> None:
    pixels: dict[str, Any] = {"BY": PLANE[:20, :15], "Y": PLANE}
    part = scanline(pixels, _window(3, 5, 10, 10), sampling={"BY": (2, 2)})
    expected = xxhash.xxh3_128_hexdigest(np.ascontiguousarray(PLANE[3:8, 2:7]).tobytes())
    assert _display(tmp_path, part)[0] == f"xxh3_128:{expected}"


@pytest.mark.parametrize(
    "display", [(100, 100, 5, 5), (-(1 << 31), -(1 << 31), 1 << 32, 1 << 32), (-(1 << 31), 0, 1 << 32, 1)]
)
def test_a_display_window_elsewhere_or_of_any_size_has_no_hash(
    display: tuple[int, int, int, int], tmp_path: Path
) -> None:
    found = _stats(tmp_path, write(scanline({"R": PLANE}, _window(*display))))
    assert found["status"] == "ok"
    assert (found["channels"][0]["display_hash"], found["parts"][0]["display_hash"]) == (None, None)
    assert found["channels"][0]["hash"]


def test_a_part_has_the_same_hash_in_any_lossless_compression_or_cut(tmp_path: Path) -> None:
    planes = picture(70, 21)
    data = [library_file(planes, each, tmp_path / "y.exr") for each in ("none", "zip", "piz", "zstd")]
    data.append(write(tiled({(0, 0): planes}, Tiling(16, 32))))
    found = [_stats(tmp_path, each) for each in data]
    assert len({each["hash"] for each in found}) == len({each["parts"][0]["hash"] for each in found}) == 1
    assert found[0]["parts"][0]["hash"] == found[0]["parts"][0]["display_hash"]


def test_pxr24_keeps_half_and_uint_but_not_float(tmp_path: Path) -> None:
    planes = picture(70, 21)
    found = [
        {each["name"]: each["hash"] for each in _stats(tmp_path, data)["channels"]}
        for data in (library_file(planes, each, tmp_path / "y.exr") for each in ("pxr24", "zip"))
    ]
    assert {name for name in planes if found[0][name] != found[1][name]} == {"Z"}


def test_the_order_of_parts_does_not_count_for_the_file(tmp_path: Path) -> None:
    first, last = files.KINDS["parts of every kind"][0], files.KINDS["parts of every kind"][3]
    found = [_stats(tmp_path, write(*order)) for order in ((first, last), (last, first))]
    assert found[0]["hash"] == found[1]["hash"] is not None
    assert found[0]["parts"][0]["hash"] == found[1]["parts"][1]["hash"]


@pytest.mark.parametrize(
    "changes", [{"R": -PLANE}, {"G": PLANE}, {"R": PLANE.astype(np.float32)}, {"R": PLANE.reshape(30, 40)}]
)
def test_other_pixels_names_types_and_sizes_have_other_hashes(
    changes: dict[str, Any], tmp_path: Path
) -> None:
    first = _stats(tmp_path, write(scanline({"R": PLANE})))
    other = _stats(tmp_path, write(scanline(changes)))
    assert first["parts"][0]["hash"] != other["parts"][0]["hash"]


@pytest.mark.parametrize("options", [{"channels": ["R"]}, {"parts": [0]}, {"mode": "sampled", "budget": 0}])
def test_what_was_not_read_whole_has_no_hash(options: dict[str, Any], tmp_path: Path) -> None:
    pixels: dict[str, Any] = {"R": np.ones((600, 9), np.float16), "Z": np.ones((600, 9), np.float32)}
    names = [[attribute("name", "string", name)] for name in ("a", "b")]
    found = _stats(tmp_path, write(*(scanline(pixels, name) for name in names)), **options)
    assert found["status"] == "ok"
    assert found["hash"] is None
    assert (found["parts"][0]["hash"] is None) == ("parts" not in options)


# --- deep parts -------------------------------------------------------------------------------------------

COUNTS = np.random.default_rng(2).integers(0, 4, (40, 30)).astype(np.int32)
COUNTS[5] = 0
DEPTHS = np.random.default_rng(3).random(int(COUNTS.sum())).astype(np.float32)
SAMPLES: dict[str, Any] = {"A": DEPTHS.astype(np.float16), "Z": DEPTHS}


def _deep_parts() -> list[Part]:
    cut = [deep_tiled(COUNTS, SAMPLES, Tiling(*size)) for size in ((16, 8), (8, 40), (32, 64))]
    packed = [deep_scanline(COUNTS, SAMPLES, compression=each) for each in ("none", "zips")]
    return [*cut, *packed, deep_tiled(COUNTS, SAMPLES, Tiling(7, 7), compression="none")]


def test_a_deep_part_has_the_same_hash_in_any_compression_or_cut(tmp_path: Path) -> None:
    found = [_stats(tmp_path, write(each)) for each in _deep_parts()]
    assert len({each["hash"] for each in found}) == len({each["parts"][0]["hash"] for each in found}) == 1
    assert found[0]["hash"]
    assert all(channel["hash"] for channel in found[0]["channels"])


def test_a_deep_hash_does_not_depend_on_the_groups_in_which_chunks_are_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = _stats(tmp_path, write(deep_scanline(COUNTS, SAMPLES)))["hash"]
    monkeypatch.setattr("exr_inspector.pixels.stream.GROUP_BYTES", 300)
    assert [_stats(tmp_path, write(each))["hash"] for each in _deep_parts()] == [whole] * 6


def test_other_samples_counts_and_places_have_other_deep_hashes(tmp_path: Path) -> None:
    moved = COUNTS.copy()
    moved[3, 4], moved[3, 5] = COUNTS[3, 5] + 1, COUNTS[3, 4] - 1
    assert moved.sum() == COUNTS.sum()
    parts = [
        deep_scanline(COUNTS, SAMPLES),
        deep_scanline(moved, SAMPLES),
        deep_scanline(COUNTS, {**SAMPLES, "Z": -DEPTHS}),
        deep_scanline(COUNTS, {"A": SAMPLES["A"], "ZBack": DEPTHS}),
        deep_scanline(COUNTS.reshape(30, 40), SAMPLES),
    ]
    found = [_stats(tmp_path, write(each))["parts"][0]["hash"] for each in parts]
    assert len(set(found)) == len(parts)


@pytest.mark.parametrize("is_tiled", [False, True])
def test_a_display_window_hides_deep_samples_from_its_hash(is_tiled: bool, tmp_path: Path) -> None:
    """Pixels outside the data window count as empty, and samples outside the display window do not count."""
    window = _window(-3, 4, 20, 50)
    shown = np.zeros((50, 20), np.int32)
    shown[:36, 3:] = COUNTS[4:, :17]
    kept = np.repeat((np.indices(COUNTS.shape)[0] >= 4) & (np.indices(COUNTS.shape)[1] < 17), COUNTS.ravel())
    alone = deep_scanline(shown, {name: plane[kept] for name, plane in SAMPLES.items()}, origin=(-3, 4))
    tiles = deep_tiled(COUNTS, SAMPLES, Tiling(8, 8), window)
    part = tiles if is_tiled else deep_scanline(COUNTS, SAMPLES, window)
    assert _display(tmp_path, part) == _display(tmp_path, alone)


def test_a_deep_part_that_was_not_read_whole_has_no_hash(tmp_path: Path) -> None:
    data = write(deep_scanline(COUNTS, SAMPLES))
    found = _stats(tmp_path, data[:-20])
    assert (found["status"], found["parts"][0]["hash"], found["channels"][0]["hash"]) == (
        "partial",
        None,
        None,
    )
