"""The demo's files: the same bytes every time, whole but for the one that is cut, and true to their kind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from tests.exrfiles.cryptomatte import murmur3_32, object_id
from tests.exrfiles.demo import (
    TRUNCATED_FRAME,
    deep,
    demo_files,
    layered_beauty,
    luminance_chroma,
    mipmapped,
    simple,
    stereo_pair,
    write_demo,
)
from tests.exrfiles.readers import (
    oiio_deep_samples,
    oiio_pixels,
    open_oiio,
    openexr_header,
    openexr_pixels,
    pending_error,
)

ROOT = Path(__file__).parents[2]
CUT = f"shots/sq010/sh020/beauty.{TRUNCATED_FRAME}.exr"


@cache
def demo() -> dict[str, bytes]:
    return dict(demo_files())


def test_another_process_writes_the_same_bytes(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    command = [sys.executable, "-m", "tests.exrfiles.demo", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True)
    assert done.stdout.splitlines() == [str(tmp_path / name) for name in demo()]
    assert {name: (tmp_path / name).read_bytes() for name in demo()} == demo()


def test_write_demo_says_where_the_files_are(tmp_path: Path) -> None:
    assert write_demo(tmp_path) == [tmp_path / name for name in demo()]


def test_the_demo_is_small() -> None:
    assert sum(map(len, demo().values())) < 1_000_000


@pytest.mark.parametrize("name", [name for name in demo() if name != CUT])
def test_every_other_file_opens_in_openexr_with_pixels(name: str) -> None:
    assert all(pixels.size for pixels in openexr_pixels(demo()[name]).values())


@pytest.mark.parametrize("name", [name for name in demo() if name != CUT and "plate" not in name])
def test_every_file_but_the_subsampled_opens_in_openimageio(name: str, tmp_path: Path) -> None:
    path = tmp_path / "file.exr"
    path.write_bytes(demo()[name])
    assert set(open_oiio(path).spec().channelnames) == openexr_pixels(demo()[name]).keys()


def test_the_cut_frame_has_a_whole_header_and_lacks_pixels(tmp_path: Path) -> None:
    whole = layered_beauty(TRUNCATED_FRAME, 96, 54)
    assert whole.startswith(demo()[CUT])
    assert openexr_header(demo()[CUT])["imageCounter"] == TRUNCATED_FRAME
    path = tmp_path / "cut.exr"
    path.write_bytes(demo()[CUT])
    image = open_oiio(path)
    assert image.read_image("float") is None
    assert pending_error(image)


def test_time_codes_follow_the_frames() -> None:
    names = [name for name in demo() if "sh020" in name]
    codes = [openexr_header(demo()[name])["timeCode"] for name in names]
    assert [(code.hours, code.minutes, code.seconds, code.frame) for code in codes] == [
        (1, 0, 0, frame) for frame in range(6)
    ]


def test_a_later_time_code_carries_into_seconds() -> None:
    code = openexr_header(layered_beauty(1001 + 24 * 61 + 13, 16, 10))["timeCode"]
    assert (code.hours, code.minutes, code.seconds, code.frame) == (1, 1, 1, 13)


def test_the_beauty_has_overscan_and_layers() -> None:
    data = layered_beauty()
    header, pixels = openexr_header(data), openexr_pixels(data)
    assert [each.tolist() for each in header["displayWindow"]] == [[0, 0], [159, 89]]
    assert [each.tolist() for each in header["dataWindow"]] == [[-8, -8], [167, 97]]
    assert {pixel.dtype.name for name, pixel in pixels.items() if "crypto" in name} == {"float32"}
    assert pixels["Z"].dtype == np.float32
    lit = pixels["diffuse.R"].astype(np.float32) + pixels["specular.R"]
    np.testing.assert_allclose(pixels["R"], lit, atol=2e-3)


def test_every_cryptomatte_id_is_in_the_manifest() -> None:
    header, pixels = openexr_header(layered_beauty()), openexr_pixels(layered_beauty())
    manifest = json.loads(header["cryptomatte/f834d0a/manifest"])
    assert header["cryptomatte/f834d0a/name"] == "crypto_object"
    ids = np.concatenate([pixels[f"crypto_object{layer:02}.{c}"].ravel() for layer in range(3) for c in "RB"])
    found = {f"{bits:08x}" for bits in np.unique(ids.view(np.uint32)) if bits}
    assert found == set(manifest.values())
    assert {name: f"{object_id(name):08x}" for name in manifest} == manifest


def test_cryptomatte_coverage_is_ranked_and_adds_up_to_alpha() -> None:
    pixels = openexr_pixels(layered_beauty())
    ranks = [pixels[f"crypto_object{layer:02}.{component}"] for layer in range(3) for component in "GA"]
    assert all((nearer >= farther).all() for nearer, farther in pairwise(ranks))
    np.testing.assert_allclose(np.sum(ranks, axis=0), pixels["A"], atol=1e-3)
    assert ranks[1].any()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"", 0),
        (b"hello", 0x248BFA47),
        (b"hello, world", 0x149BBB7F),
        (b"The quick brown fox jumps over the lazy dog", 0x2E4FF723),
    ],
)
def test_murmur3_gives_the_published_values(text: bytes, expected: int) -> None:
    assert murmur3_32(text) == expected


@pytest.mark.parametrize(("name", "expected"), [("obj45", 0x00F34D5C), ("obj520", 0x7F3B01ED)])
def test_ids_are_normal_floats(name: str, expected: int) -> None:
    """A hash that would be a denormal, and one that would be a NaN."""
    assert murmur3_32(name.encode()) != expected
    assert object_id(name) == expected


def test_the_stereo_pair_has_beauty_and_depth_for_both_eyes() -> None:
    headers = [openexr_header(stereo_pair(), part) for part in range(4)]
    assert [(each["name"], each["view"]) for each in headers] == [
        *(("rgba.left", "left"), ("depth.left", "left")),
        *(("rgba.right", "right"), ("depth.right", "right")),
    ]
    assert openexr_pixels(stereo_pair(), 0).keys() == {"R", "G", "B", "A"}
    assert openexr_pixels(stereo_pair(), 3).keys() == {"Z"}
    assert not np.array_equal(openexr_pixels(stereo_pair(), 0)["R"], openexr_pixels(stereo_pair(), 2)["R"])


def test_deep_samples_lie_nearest_first_with_depth_behind_depth(tmp_path: Path) -> None:
    path = tmp_path / "deep.exr"
    path.write_bytes(deep(width=32, height=18))
    counts, samples = oiio_deep_samples(path)
    assert samples.keys() == {"R", "G", "B", "A", "Z", "ZBack"}
    assert min(counts) == 0
    assert max(counts) > 2
    ends = np.cumsum(counts)
    pixels = [samples["Z"][end - count : end] for count, end in zip(counts, ends, strict=True)]
    assert all(pixel == sorted(pixel) for pixel in pixels)
    thickness = np.subtract(samples["ZBack"], samples["Z"])
    assert set(np.sign(thickness)) == {0, 1}


def test_each_mip_level_is_the_mean_of_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "texture.exr"
    path.write_bytes(mipmapped())
    levels = [oiio_pixels(path, level=level)["G"].astype(np.float32) for level in range(8)]
    assert [level.shape for level in levels] == [(128 >> n, 128 >> n) for n in range(8)]
    for larger, smaller in pairwise(levels):
        blocks = larger.reshape(len(smaller), 2, len(smaller), 2)
        np.testing.assert_allclose(smaller, blocks.mean(axis=(1, 3)), atol=1e-3)


def test_chroma_has_half_the_size_of_luminance() -> None:
    shapes = {name: pixels.shape for name, pixels in openexr_pixels(luminance_chroma()).items()}
    assert shapes == {"Y": (90, 160), "RY": (45, 80), "BY": (45, 80)}


def test_a_simple_file_is_what_is_asked_for() -> None:
    pixels = openexr_pixels(simple(5, 3, channels=("Z", "left.R"), compression="none"))
    assert {name: plane.shape for name, plane in pixels.items()} == {"Z": (3, 5), "left.R": (3, 5)}
