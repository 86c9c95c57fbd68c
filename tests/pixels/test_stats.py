from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xxhash

import exr_inspector
from exr_inspector import InspectorError, pixel_stats
from exr_inspector.pixels import decode, fetch, plan, stream
from exr_inspector.pixels.hashes import hash_of
from exr_inspector.pixels.helper import Helper
from exr_inspector.pixels.memory import Memory
from exr_inspector.pixels.thumbnail import file_picture
from tests.corpus import damaged, each_image, for_each
from tests.exr import files
from tests.exrfiles.attributes import attribute
from tests.exrfiles.geometry import Tiling
from tests.exrfiles.parts import deep_scanline, deep_tiled, scanline, tiled
from tests.exrfiles.writer import write
from tests.pixels.images import (
    CODECS,
    Planes,
    decoded,
    decoded_parts,
    library_deep_file,
    library_file,
    opened,
    picture,
)


def _stats(path: Path, data: bytes, **options: Any) -> dict[str, Any]:
    (path / "x.exr").write_bytes(data)
    return pixel_stats(path / "x.exr", **options)


def _hashes(result: dict[str, Any], part: int = 0) -> dict[str, Any]:
    return {each["name"]: each["hash"] for each in result["channels"] if each["part_index"] == part}


def _expected(planes: Planes) -> dict[str, str]:
    return {
        name: _deep_hash(plane) if plane.dtype == object else hash_of(plane.tobytes())
        for name, plane in planes.items()
    }


def _deep_hash(pixels: Any) -> str:
    cells = [each if each is not None else [] for each in pixels.ravel()]
    counts = np.array([len(each) for each in cells], np.uint32)
    samples = np.concatenate([each for each in cells if len(each)])
    return hash_of(f"{hash_of(counts.tobytes())} {xxhash.xxh3_128(samples.tobytes()).hexdigest()}".encode())


@pytest.mark.parametrize("kind", files.KINDS)
def test_every_kind_of_part_is_measured(kind: str, tmp_path: Path) -> None:
    data = files.file(kind).data
    found = _stats(tmp_path, data)
    assert (found["status"], found["failures"]) == ("ok", [])
    assert found["coverage"]["exact"]
    for part in range(len(files.KINDS[kind])):
        expected = _expected(decoded(data, part))
        assert _hashes(found, part) == expected
    assert all(each["nan_count"] == 0 and each["min"] is not None for each in found["channels"])
    json.dumps(found, allow_nan=False)


LOSSLESS = ("none", "rle", "zips", "zip", "piz", "htj2k256", "htj2k32", "zstd")


def test_lossless_files_of_the_same_pixels_have_the_same_hashes(tmp_path: Path) -> None:
    planes = picture(300, 21)
    found = [_hashes(_stats(tmp_path, library_file(planes, each, tmp_path / "y.exr"))) for each in LOSSLESS]
    found.append(_hashes(_stats(tmp_path, write(tiled({(0, 0): planes}, Tiling(16, 32))))))
    assert found == [_expected(planes)] * len(found)


@pytest.mark.parametrize("group", [1, 5000, 1 << 20])
@pytest.mark.parametrize("compression", CODECS)
def test_results_do_not_depend_on_the_groups(
    compression: str, group: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exr_inspector.pixels.stream.GROUP_BYTES", group)
    data = library_file(picture(70, 9), compression, tmp_path / "y.exr")
    assert _hashes(_stats(tmp_path, data)) == _expected(decoded(data))


def test_values_are_those_of_all_samples(tmp_path: Path) -> None:
    plane = np.random.default_rng(5).normal(1e7, 1, (200, 33)).astype(np.float32)
    channel = _stats(tmp_path, write(scanline({"Z": plane})))["channels"][0]
    wide = plane.astype(np.float64)
    assert (channel["min"], channel["max"], channel["count"]) == (wide.min(), wide.max(), wide.size)
    assert channel["mean"] == pytest.approx(wide.mean(), rel=1e-15)
    assert channel["stddev"] == pytest.approx(wide.std(), rel=1e-9)


def test_the_first_nonfinite_sample_has_pixel_coordinates(tmp_path: Path) -> None:
    pixels = {"Y": np.ones((8, 6), np.float16), "BY": np.ones((4, 3), np.float16)}
    pixels["Y"][[3, 3, 5], [4, 2, 0]] = np.nan, np.inf, np.nan
    pixels["BY"][2, 1] = -np.inf
    data = write(scanline(pixels, sampling={"BY": (2, 2)}, origin=(-4, 10)))
    found = {each["name"]: each for each in _stats(tmp_path, data)["channels"]}
    assert found["Y"]["first_nonfinite"] == {"x": -2, "y": 13}
    assert found["BY"]["first_nonfinite"] == {"x": -2, "y": 14}
    assert (found["BY"]["count"], found["BY"]["neg_inf_count"]) == (12, 1)


def test_the_first_nonfinite_sample_is_found_among_tiles(tmp_path: Path) -> None:
    plane = np.ones((37, 45), np.float32)
    plane[[20, 20, 36], [44, 17, 0]] = np.nan
    data = write(tiled({(0, 0): {"Z": plane}}, Tiling(16, 8), origin=(100, -7)))
    assert _stats(tmp_path, data)["channels"][0]["first_nonfinite"] == {"x": 117, "y": 13}


COUNTS = ("count", "nan_count", "pos_inf_count", "neg_inf_count", "zero_count", "negative_count")


def _counts(plane: Any) -> tuple[int, ...]:
    infinite = [np.count_nonzero(plane == sign * np.inf) for sign in (1, -1)]
    finite = plane[np.isfinite(plane)]
    special = (finite == 0).sum(), (finite < 0).sum()
    return plane.size, int(np.isnan(plane).sum()), *infinite, *map(int, special)


def _strange(height: int, width: int, type_: Any) -> Any:
    """Every special value, all over the image."""
    values = np.array([np.nan, np.inf, -np.inf, 0, -0.0, -2, 1, 1e-7], type_)
    return np.random.default_rng(4).choice(values, (height, width))


@pytest.mark.parametrize("kind", ["scan lines", "tiles", "subsampled"])
@pytest.mark.parametrize("type_", [np.float16, np.float32])
def test_special_values_outside_the_display_window_are_counted_apart(
    kind: str, type_: Any, tmp_path: Path
) -> None:
    window = attribute("displayWindow", "box2i", (1, 3, 20, 30))
    plane = _strange(40, 32, type_)
    step = 2 if kind == "subsampled" else 1
    if kind == "tiles":
        part = tiled({(0, 0): {"R": plane}}, Tiling(16, 8), [window], origin=(-4, -2))
    else:
        part = scanline({"R": plane}, [window], origin=(-4, -2), sampling={"R": (step, step)})
    x, y = (step * np.arange(count) + first for count, first in zip(plane.shape[::-1], (-4, -2), strict=True))
    inside = (x >= 1) & (x <= 20) & ((y >= 3) & (y <= 30))[:, None]
    channel = _stats(tmp_path, write(part))["channels"][0]
    assert tuple(channel[name] for name in COUNTS) == _counts(plane)
    assert tuple(channel["outside_display"][name] for name in COUNTS) == _counts(plane[~inside])


def test_deep_samples_outside_the_display_window_are_counted_apart(tmp_path: Path) -> None:
    counts = np.random.default_rng(8).integers(0, 4, (9, 7)).astype(np.int32)
    samples = np.where(np.arange(counts.sum()) % 3, 1, -1).astype(np.float32)
    window = attribute("displayWindow", "box2i", (2, 0, 4, 5))
    channel = _stats(tmp_path, write(deep_scanline(counts, {"Z": samples}, [window])))["channels"][0]
    y, x = np.divmod(np.repeat(np.arange(counts.size), counts.ravel()), 7)
    outside = (x < 2) | (x > 4) | (y > 5)
    assert channel["outside_display"]["count"] == outside.sum()
    assert channel["outside_display"]["negative_count"] == (samples[outside] < 0).sum()


def test_nothing_is_outside_if_the_display_window_shows_everything(tmp_path: Path) -> None:
    channel = _stats(tmp_path, files.file("scan lines").data)["channels"][0]
    assert set(channel["outside_display"].values()) == {0}


def test_a_channel_without_finite_samples_has_no_values(tmp_path: Path) -> None:
    channel = _stats(tmp_path, write(scanline({"R": np.full((9, 9), np.nan, np.float16)})))["channels"][0]
    assert (channel["min"], channel["mean"], channel["nan_count"]) == (None, None, 81)
    assert channel["first_nonfinite"] == {"x": 0, "y": 0}


@pytest.mark.parametrize("is_tiled", [False, True])
def test_sample_counts_alone_are_those_of_a_full_pass_for_few_bytes(is_tiled: bool, tmp_path: Path) -> None:
    random = np.random.default_rng(4)
    counts = random.integers(0, 90, (64, 60)).astype(np.int32)
    depths = random.random(int(counts.sum())).astype(np.float32)
    cut = (
        deep_tiled(counts, {"Z": depths}, Tiling(32, 32))
        if is_tiled
        else deep_scanline(counts, {"Z": depths})
    )
    data = write(cut)
    whole = _stats(tmp_path, data)["deep"][0]
    found = _stats(tmp_path, data, mode="counts")
    assert (found["status"], found["channels"], found["failures"]) == ("ok", [], [])
    assert {**found["deep"][0], "unsorted_pixels": whole["unsorted_pixels"]} == whole
    assert found["deep"][0]["unsorted_pixels"] is None
    planned = _stats(tmp_path, data, mode="counts", dry_run=True)["coverage"]
    assert planned["bytes_planned"] < len(data) / 8


def test_sample_counts_that_only_the_library_unpacks_are_the_same(tmp_path: Path) -> None:
    found = [
        _stats(tmp_path, library_deep_file(compression, tmp_path), mode="counts")
        for compression in ("zstd", "zips")
    ]
    assert found[0]["status"] == "ok"
    assert found[0]["deep"] == found[1]["deep"]


def test_signaling_nan_is_counted_without_a_warning(tmp_path: Path) -> None:
    plane = np.full((9, 9), 0x7F800001, np.uint32).view(np.float32)
    data = write(scanline(dict.fromkeys("BGR", plane)))
    red = _stats(tmp_path, data)["channels"][2]
    assert (red["nan_count"], red["min"], red["holes"]["count"]) == (81, None, 0)
    assert file_picture(tmp_path / "x.exr")


@pytest.mark.parametrize("is_tiled", [False, True])
def test_groups_and_requests_have_few_chunks_however_small_they_are(
    is_tiled: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of the chunks are missing, so that no bytes limit what is held of them."""
    planes = {"R": np.arange(400, dtype=np.float16).reshape(40, 10)}
    part = tiled({(0, 0): planes}, Tiling(5, 2)) if is_tiled else scanline(planes, compression="zips")
    data = bytearray(write(part))
    whole = _stats(tmp_path, bytes(data))
    for module in (plan, fetch):
        monkeypatch.setattr(module, "GROUP_CHUNKS", 6)
    held: list[int] = []
    merged = fetch.ChunkReader._merged

    def counted(reader: Any, batch: Any) -> Any:
        held.append(len(batch.found) + len(batch.spans))
        return merged(reader, batch)

    monkeypatch.setattr(fetch.ChunkReader, "_merged", counted)
    assert _stats(tmp_path, bytes(data))["hash"] == whole["hash"]
    start = opened(bytes(data))[1].start
    data[start : start + 160] = bytes(160)
    found = _stats(tmp_path, bytes(data))
    assert (found["coverage"]["chunks_read"], found["failures"][0]["chunks"]) == (20, 20)
    assert max(held) == 6


def test_flat_files_have_no_sample_counts(tmp_path: Path) -> None:
    found = _stats(tmp_path, files.file("scan lines").data, mode="counts")
    assert (found["status"], [each["code"] for each in found["failures"]]) == ("failed", ["BAD_CONFIG"])


def test_a_chunk_without_its_samples_is_missing_if_only_counts_are_read(tmp_path: Path) -> None:
    counts = np.full((4, 8), 5, np.int32)
    depths = np.random.default_rng(5).random(160).astype(np.float32)
    data = write(deep_scanline(counts, {"Z": depths}))
    found = _stats(tmp_path, data[:-1], mode="counts")
    assert (found["status"], found["failures"][0]["code"]) == ("partial", "CHUNKS_MISSING")
    assert found["deep"][0]["pixels"] == 24


@pytest.mark.parametrize("compression", ["none", "zips"])
def test_places_in_deep_tiles_are_those_of_their_pixels(compression: str, tmp_path: Path) -> None:
    counts = np.ones((19, 37), np.int32)
    counts[7, 30] = 9
    depths = np.ones(int(counts.sum()), np.float32)
    depths[int(counts.ravel()[: 37 * 3 + 25].sum())] = np.nan
    tiles = deep_tiled(counts, {"Z": depths}, Tiling(16, 8), compression=compression, origin=(-4, 5))
    found = _stats(tmp_path, write(tiles))
    assert found["deep"][0]["deepest"] == {"x": 26, "y": 12, "samples": 9}
    assert found["channels"][0]["first_nonfinite"] == {"x": 21, "y": 8}


def test_deep_parts_count_their_samples(tmp_path: Path) -> None:
    found = _stats(tmp_path, files.file("deep scan lines").data)
    counts = np.random.default_rng(8).integers(0, 3, (37, 45))
    y, x = np.argwhere(counts == 2)[0].tolist()
    assert found["deep"] == [
        {
            "part_index": 0,
            "pixels": counts.size,
            "samples": counts.sum(),
            "empty_pixels": (counts == 0).sum(),
            "state": None,
            "unsorted_pixels": 0,
            "overlapping_pixels": None,
            "contradicts_state": False,
            "samples_per_pixel": {
                "min": 0,
                "max": 2,
                "mean": counts.sum() / counts.size,
                "histogram": np.bincount(counts.ravel()).tolist(),
            },
            "deepest": {"x": x, "y": y, "samples": 2},
        }
    ]
    assert (found["channels"][0]["count"], found["channels"][0]["constant"]) == (counts.sum(), True)


@pytest.mark.parametrize(
    ("state", "contradicts"), [(0, False), (1, True), (2, True), (3, True), (None, False)]
)
def test_deep_samples_are_compared_with_the_declared_state(
    state: int | None, contradicts: bool, tmp_path: Path
) -> None:
    counts = np.array([[2, 0, 3], [1, 2, 9]], np.int32)
    front = np.array([1, 2, *(3, 1, 2), 5, *(1, 4), *range(9)], np.float32)
    back = front + np.where(np.arange(17) == 6, 3.5, 0.5).astype(np.float32)  # the sixth pixel's overlap
    more = [] if state is None else [attribute("deepImageState", "deepImageState", state)]
    part = deep_scanline(counts, {"Z": front, "ZBack": back}, more)
    (found,) = _stats(tmp_path, write(part))["deep"]
    assert (found["unsorted_pixels"], found["contradicts_state"]) == (1, contradicts)
    assert found["overlapping_pixels"] == (1 if state in (2, 3) else None)
    assert found["samples_per_pixel"]["histogram"] == [1, 1, 3, 0, 1]


def test_parts_and_channels_are_chosen(tmp_path: Path) -> None:
    found = _stats(tmp_path, files.file("parts of every kind").data, parts=[0, 3], channels=["R*"])
    assert [(each["part_index"], each["name"]) for each in found["channels"]] == [(0, "R"), (3, "R")]
    assert found["coverage"]["chunks"] == 4


def test_a_part_that_is_not_there_is_a_failure(tmp_path: Path) -> None:
    found = _stats(tmp_path, files.file("scan lines").data, parts=[1])
    assert (found["status"], found["failures"][0]["code"]) == ("failed", "BAD_CONFIG")


def test_a_truncated_file_gives_the_chunks_that_are_there(tmp_path: Path) -> None:
    planes = picture(160, 64)
    data = library_file(planes, "zip", tmp_path / "y.exr")
    _, table = opened(data)
    cut = int(table.entries[6]) + 100
    found = _stats(tmp_path, data[:cut])
    assert (found["status"], found["coverage"]["chunks_read"], found["coverage"]["exact"]) == (
        "partial",
        6,
        False,
    )
    assert {each["code"] for each in found["failures"]} == {"CHUNKS_MISSING"}
    assert sum(each["chunks"] for each in found["failures"]) == 4
    red = next(each for each in found["channels"] if each["name"] == "R")
    assert (red["count"], red["min"], red["hash"]) == (96 * 64, planes["R"][:96].min(), None)


def test_a_file_without_an_offset_table_is_measured(tmp_path: Path) -> None:
    data = files.file("blocks of scan lines").data
    _, table = opened(data)
    zeros = data[: table.start] + bytes(table.end - table.start) + data[table.end :]
    found = _stats(tmp_path, zeros)
    assert _hashes(found) == _expected(decoded(data))


def test_a_damaged_chunk_costs_only_itself(tmp_path: Path) -> None:
    data = bytearray(library_file(picture(160, 64), "zip", tmp_path / "y.exr"))
    _, table = opened(bytes(data))
    data[int(table.entries[3]) + 50] ^= 255
    found = _stats(tmp_path, bytes(data))
    assert (found["status"], found["coverage"]["chunks_read"]) == ("partial", 9)
    (failure,) = found["failures"]
    assert (failure["code"], failure["chunks"]) == ("CHUNK_CORRUPT", 1)
    assert failure["first"] == {"x": 0, "y": 48}


@pytest.mark.parametrize("value", [0, 5, 1 << 40, (1 << 64) - 1])
def test_an_offset_that_is_wrong_costs_only_its_chunk(value: int, tmp_path: Path) -> None:
    data = bytearray(files.file("scan lines").data)
    _, table = opened(bytes(data))
    struct.pack_into("<Q", data, table.start + 8 * 5, value)
    assert _stats(tmp_path, bytes(data))["coverage"]["chunks_read"] == 36


@pytest.mark.parametrize("size", [-1, -(1 << 31), (1 << 31) - 1, 0])
def test_a_size_that_is_wrong_costs_only_its_chunk(size: int, tmp_path: Path) -> None:
    data = bytearray(files.file("blocks of scan lines").data)
    _, table = opened(bytes(data))
    struct.pack_into("<i", data, int(table.entries[1]) + 4, size)
    found = _stats(tmp_path, bytes(data))
    assert (found["coverage"]["chunks_read"], found["failures"][0]["chunks"]) == (2, 1)


def test_a_vertically_subsampled_line_is_lost_with_its_neighbor(tmp_path: Path) -> None:
    pixels = {"BY": np.ones((4, 3), np.float16), "Y": np.ones((8, 6), np.float16)}
    data = bytearray(write(scanline(pixels, compression="none", sampling={"BY": (2, 2)})))
    _, table = opened(bytes(data))
    struct.pack_into("<Q", data, table.start + 8 * 3, 0)
    found = _stats(tmp_path, bytes(data))
    assert found["coverage"]["chunks_read"] == 6
    assert sum(each["chunks"] for each in found["failures"]) == 2


def test_a_chunk_that_unpacks_to_too_much_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Memory, "max_chunk", 4000)
    found = _stats(tmp_path, files.file("blocks of scan lines").data)
    assert (found["status"], found["coverage"]["chunks_read"]) == ("partial", 1)
    assert (found["failures"][0]["code"], found["failures"][0]["chunks"]) == ("PIXELS_LIMIT", 2)


@pytest.fixture
def helper(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Helper]:
    with closing(Helper(f"tests.pixels.faulty_{request.param}")) as found:
        monkeypatch.setattr(decode, "shared_helper", lambda: found)
        yield found


def _fatal() -> bytes:
    """Twenty lines, of which one crashes or hangs the faulty decoders."""
    plane = np.ones((20, 8), np.float16)
    plane[7, 3] = 666
    return write(scanline({"R": plane}, compression="zips"))


@pytest.mark.parametrize("helper", ["crash", "exit", "hang"], indirect=True)
def test_a_chunk_that_is_fatal_to_the_decoder_costs_only_itself(
    helper: Helper, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exr_inspector.pixels.decode.Decoder.__init__.__defaults__", (1, None, 64 << 20))
    found = _stats(tmp_path, _fatal())
    assert (found["status"], found["coverage"]["chunks_read"]) == ("partial", 19)
    (failure,) = found["failures"]
    assert (failure["code"], failure["chunks"], failure["first"]) == ("DECODER_LOST", 1, {"x": 0, "y": 7})
    assert (found["channels"][0]["count"], found["channels"][0]["max"]) == (152, 1)


@pytest.mark.parametrize("helper", ["crash"], indirect=True)
def test_a_file_that_is_fatal_again_and_again_is_given_up(
    helper: Helper, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "MAX_LOST", 5)
    found = _stats(tmp_path, write(scanline({"R": np.full((99, 4), 666, np.float16)}, compression="zips")))
    assert found["status"] == "failed"
    assert sum(each["chunks"] for each in found["failures"]) == 99
    assert any("decoders were lost before" in each["message"] for each in found["failures"])


def test_a_sample_is_repeatable_and_says_what_it_read(tmp_path: Path) -> None:
    planes = picture(1600, 16)
    data = library_file(planes, "zip", tmp_path / "y.exr")
    first = _stats(tmp_path, data, mode="sampled", budget=0)
    again = pixel_stats(tmp_path / "x.exr", mode="sampled", budget=0)
    assert first == again
    assert (first["status"], first["mode"]) == ("ok", "sampled")
    assert (first["coverage"]["chunks"], first["coverage"]["chunks_read"]) == (100, 16)
    assert not first["coverage"]["exact"]
    red = next(each for each in first["channels"] if each["name"] == "R")
    assert red["hash"] is None
    assert abs(red["mean"] - planes["R"].mean(dtype=float)) < 6 * red["mean_standard_error"]


def test_a_sample_reads_about_its_budget(tmp_path: Path) -> None:
    noise = np.random.default_rng(2).integers(0, 1 << 32, (640, 6000), np.uint32)
    data = library_file({"id": noise}, "zip", tmp_path / "y.exr")
    budget = 20 * len(data) // 40
    found = _stats(tmp_path, data, mode="sampled", budget=budget)["coverage"]
    assert found["chunks_read"] == 20
    assert found["bytes_read"] <= budget + (100 << 10)


def test_a_sample_of_a_small_file_is_all_of_it(tmp_path: Path) -> None:
    found = _stats(tmp_path, files.file("blocks of scan lines").data, mode="sampled")
    assert found["coverage"]["exact"]
    assert found["channels"][0]["hash"]
    assert found["channels"][0]["mean_standard_error"] is None


def test_a_file_that_cannot_be_read_is_a_failure(tmp_path: Path) -> None:
    found = pixel_stats(tmp_path / "absent.exr")
    assert (found["status"], found["channels"]) == ("failed", [])
    assert found["failures"][0]["code"] == "FILE_NOT_FOUND"


def test_an_unknown_mode_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InspectorError, match="full, sampled, counts"):
        _stats(tmp_path, b"", mode="fast")


def test_too_many_channels_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exr_inspector.pixels.stats.MAX_CHANNELS", 3)
    found = _stats(tmp_path, files.file("parts of every kind").data)
    assert {each["part_index"] for each in found["channels"]} == {0, 2}
    assert [each["code"] for each in found["failures"]] == ["PIXELS_LIMIT"] * 2


def test_the_package_names_the_function() -> None:
    assert "pixel_stats" in exr_inspector.__all__
    with pytest.raises(AttributeError, match="no attribute 'pixels_stat'"):
        exr_inspector.pixels_stat  # noqa: B018


@each_image
def test_images_of_the_corpus_decode_as_the_library_decodes_them(image: Path) -> None:
    found = pixel_stats(image)
    assert (found["status"], found["failures"]) == ("ok", [])
    if found["deep"]:  # the library does not decode all of these
        return
    for part, planes in enumerate(decoded_parts(image.read_bytes())):
        assert _hashes(found, part) == _expected(planes)


@for_each(damaged())
def test_damaged_files_give_a_result_with_failures(image: Path) -> None:
    found = pixel_stats(image)
    assert found["status"] == "ok" or found["failures"]
    json.dumps(found, allow_nan=False)
