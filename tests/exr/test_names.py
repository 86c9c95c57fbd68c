"""What names say: frames and sequences of files, layers and components of channels."""

from __future__ import annotations

import fileseq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exr_inspector.exr.names import split_channel, split_path

# A file's name, its frame, and the name of its sequence.
FRAMES = [
    ("beauty.1001.exr", 1001, "beauty.#.exr"),
    ("beauty.0001.exr", 1, "beauty.#.exr"),
    ("beauty.0000.exr", 0, "beauty.#.exr"),
    ("beauty.1.exr", 1, "beauty.@.exr"),
    ("beauty.10.exr", 10, "beauty.@@.exr"),
    ("beauty.00001.exr", 1, "beauty.@@@@@.exr"),
    ("beauty.100100.exr", 100100, "beauty.@@@@@@.exr"),
    ("beauty.00001001.exr", 1001, "beauty.##.exr"),
    ("beauty_1001.exr", 1001, "beauty_#.exr"),
    ("beauty_v002_1001.exr", 1001, "beauty_v002_#.exr"),
    ("beauty.v002.1001.exr", 1001, "beauty.v002.#.exr"),
    ("beauty.-0010.exr", -10, "beauty.@@@@@.exr"),
    ("beauty.-010.exr", -10, "beauty.#.exr"),
    ("beauty.-1.exr", -1, "beauty.@@.exr"),
    ("beauty_-001.exr", -1, "beauty_#.exr"),
    ("beauty_101.exr", 101, "beauty_@@@.exr"),
    ("beauty.v2.101.exr", 101, "beauty.v2.@@@.exr"),
    ("sh010.1001.exr", 1001, "sh010.#.exr"),
    ("1001.exr", 1001, "#.exr"),
    ("-0001.exr", -1, "@@@@@.exr"),
    ("beauty.1001.sxr", 1001, "beauty.#.sxr"),
    ("sh010.beauty.1001.exr", 1001, "sh010.beauty.#.exr"),
    ("a 1001.exr", 1001, "a #.exr"),
    ("grün.1001.exr", 1001, "grün.#.exr"),
]
# Names without a frame: no number, a version, a size, a decimal, a date, a counter, a number that belongs to
# a word, or one that is too long.
NO_FRAME = [
    "uffizi_probe-128.exr",
    "sky_rgb_hour18.30_t9.800_a0.500.exr",
    "subimages-2.exr",
    "exposure_a0.5000.exr",
    "sigma1.25.exr",
    "chart_2.exr",
    "chart 64.exr",
    "plate_2026-10-01.exr",
    "plate.1001-1010.exr",
    "openexr_2.2.exr",
    "beauty.exr",
    "beauty",
    "beauty_v002.exr",
    "sh010.exr",
    "beauty.1001",
    "beauty.1001.exr.tmp",
    "beauty.1234567890.exr",
    "beauty.\u0661\u0660\u0660\u0661.exr",  # 1001 in Arabic-Indic digits
    ".exr",
    "",
    "1001",
    "beauty.10x.exr",
    "beauty.+10.exr",
]
# A hyphen in front of a number is a separator here, and a sign for fileseq.
HYPHENS = [
    ("beauty-1001.exr", 1001, "beauty-#.exr"),
    ("sh010-1001.exr", 1001, "sh010-#.exr"),
    ("beauty--10.exr", -10, "beauty-@@@.exr"),
]


@pytest.mark.parametrize(("name", "frame", "sequence"), [*FRAMES, *HYPHENS])
def test_a_name_tells_its_frame_and_sequence(name: str, frame: int, sequence: str) -> None:
    assert split_path(name) == (frame, sequence)


@pytest.mark.parametrize("name", NO_FRAME)
def test_a_name_without_frame_has_no_sequence(name: str) -> None:
    assert split_path(name) == (None, None)


@pytest.mark.parametrize("folder", ["/show/sq010/", "s3://bucket/sq.0010/", "C:\\show\\", "/show.1001.exr/"])
@pytest.mark.parametrize(("name", "frame", "sequence"), FRAMES)
def test_folders_belong_to_the_sequence_and_say_nothing_of_the_frame(
    folder: str, name: str, frame: int, sequence: str
) -> None:
    assert split_path(folder + name) == (frame, folder + sequence)


@pytest.mark.parametrize(("name", "frame", "sequence"), FRAMES)
def test_fileseq_agrees(name: str, frame: int, sequence: str) -> None:
    """The frame, what stands before and behind it, and how its padding is written."""
    (found,) = fileseq.findSequencesInList([f"/show/{name}"])
    assert found.start() == frame
    assert f"{found.basename()}{found.padding()}{found.extension()}" == sequence


@pytest.mark.parametrize("name", ["beauty.exr", "beauty", "beauty.10x.exr"])
def test_fileseq_agrees_that_there_is_no_frame(name: str) -> None:
    (found,) = fileseq.findSequencesInList([f"/show/{name}"])
    assert found.frameSet() is None


@given(st.text())
def test_any_text_is_a_path(path: str) -> None:
    frame, sequence = split_path(path)
    assert (frame is None) == (sequence is None)


@given(st.integers(-99999999, 999999999), st.integers(1, 9))
def test_frames_of_one_padding_share_a_sequence(frame: int, padding: int) -> None:
    text = f"{frame:0{padding}}"
    found = split_path(f"/show/beauty.{text}.exr")
    padded = "@" * len(text) if len(text) % 4 else "#" * (len(text) // 4)
    assert found == (frame, f"/show/beauty.{padded}.exr")


CHANNELS = [
    ("R", None, "R"),
    ("diffuse.R", "diffuse", "R"),
    ("left.diffuse.R", "left.diffuse", "R"),
    ("crypto_object00.R", "crypto_object00", "R"),
    ("light1.specular.red", "light1.specular", "red"),
    (".R", None, ".R"),
    ("R.", None, "R."),
    (".", None, "."),
    ("..", None, ".."),
    ("a..R", "a.", "R"),
    ("", None, ""),
    ("grün.X", "grün", "X"),
]


@pytest.mark.parametrize(("name", "layer", "component"), CHANNELS)
def test_a_channel_is_split_at_its_last_dot(name: str, layer: str | None, component: str) -> None:
    assert split_channel(name) == (layer, component)


@given(st.text(st.sampled_from("ab.")))
def test_layer_and_component_make_up_the_name_again(name: str) -> None:
    layer, component = split_channel(name)
    assert (f"{layer}.{component}" if layer else component) == name
    assert bool(layer) == (layer is not None)
