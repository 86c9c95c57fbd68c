"""Sequences: notations of patterns and frames, groups, and gaps. fileseq is the reference."""

from __future__ import annotations

import fileseq
import pytest
from fileseq.frameset import FrameSet
from hypothesis import given
from hypothesis import strategies as st

from exr_inspector.exr.names import split_path
from exr_inspector.sequences import MAX_FRAMES, format_frames, gaps, group, parse_frames, parse_pattern

FRAMES = ["1001-1240", "1001-1240x2", "1-10y3", "1-10:3", "10-1", "10-1x4", "-5-5", "-10--5", "1,3,5", "7"]
RANGES = st.lists(st.integers(-50, 300), min_size=1)
NAMES = [f"beauty.{frame}.exr" for frame in ("0999", "1000", "1001", "10000")]


@pytest.mark.parametrize("text", [*FRAMES, "1001-1010x3, 1100, 1005-1020", " 1 , 2 "])
def test_frames_mean_what_fileseq_says(text: str) -> None:
    assert list(parse_frames(text)) == sorted(FrameSet(text))


@pytest.mark.parametrize("text", ["", "a", "1-", "1..5", "1-10x0", "1-10x", "1;2", "0-1000000", "1234567890"])
def test_what_is_no_frame_range_or_a_huge_one_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"frame|step"):
        parse_frames(text)


def test_many_ranges_are_limited_together() -> None:
    with pytest.raises(ValueError, match="more than"):
        parse_frames(",".join(f"{each * MAX_FRAMES}-{(each + 1) * MAX_FRAMES - 1}" for each in range(9)))


@given(RANGES)
def test_frames_are_written_as_fileseq_writes_them(frames: list[int]) -> None:
    text = format_frames(frames)
    assert text.replace(", ", ",") == fileseq.framesToFrameRange(sorted(set(frames)))
    assert parse_frames(text) == tuple(sorted(set(frames)))


@pytest.mark.parametrize(
    ("frames", "missing"),
    [
        ([1001, 1002, 1005, 1006], (1003, 1004)),
        ([1001, 1003], (1002,)),
        ([1001, 1003, 1005, 1009], (1007,)),  # on twos
        ([1001], ()),
        ([], ()),
        ([1, 999999999], None),
    ],
)
def test_gaps_lie_inside_and_on_the_step(frames: list[int], missing: tuple[int, ...] | None) -> None:
    assert gaps(frames) == missing


@pytest.mark.parametrize(
    "text",
    [
        "beauty.#.exr",
        "beauty.####.exr",
        "beauty.@@@@.exr",
        "beauty.%04d.exr",
        "beauty.$F4.exr",
        "beauty.${F4}.exr",
        "beauty.[0999-10000].exr",
        "beauty.999-10000#.exr",
    ],
)
@pytest.mark.parametrize("folder", ["", "/show/a_[1-2]/", "s3://bucket/sh.0010/"])
def test_every_notation_names_the_same_files(folder: str, text: str) -> None:
    pattern = parse_pattern(folder + text)
    assert pattern
    others = ["beauty.1.exr", "beauty.01001.exr", "other.1001.exr", "beauty.1001.exr.tmp", "beauty.x.exr"]
    assert pattern.select(folder + name for name in NAMES + others) == [folder + name for name in NAMES]
    assert pattern.key == f"{folder}beauty.#.exr"
    assert pattern.path_of(7) == f"{folder}beauty.0007.exr"


@pytest.mark.parametrize("text", ["beauty.1001-1010x2,1020#.exr", "beauty.[1001-1010x2,1020].exr"])
def test_a_pattern_names_its_frames(text: str) -> None:
    pattern = parse_pattern(text)
    assert pattern
    assert pattern.frames == (1001, 1003, 1005, 1007, 1009, 1020)
    assert pattern.select(["beauty.1002.exr", "beauty.1003.exr"]) == ["beauty.1003.exr"]
    assert list(pattern.frames) == list(FrameSet("1001-1010x2,1020"))


@pytest.mark.parametrize("text", ["beauty.%d.exr", "beauty.@.exr", "beauty.$F.exr", "beauty.#.exr"])
def test_frames_without_padding_have_patterns(text: str) -> None:
    pattern = parse_pattern(text)
    assert pattern
    assert pattern.select(["beauty.9.exr", "beauty.10.exr", "beauty.011.exr"]) == [
        "beauty.9.exr",
        "beauty.10.exr",
    ]


def test_the_shorter_reading_of_hashes_comes_first() -> None:
    pattern = parse_pattern("beauty.##.exr")
    assert pattern
    assert pattern.select(["beauty.00001001.exr", "beauty.01.exr"]) == ["beauty.01.exr"]
    assert pattern.select(["beauty.00001001.exr"]) == ["beauty.00001001.exr"]


@pytest.mark.parametrize(
    "text", ["beauty.exr", "beauty.[0-9].exr", "beauty.[0-9]*.exr", "", "%d/beauty.exr", "a*"]
)
def test_other_names_are_no_patterns(text: str) -> None:
    assert parse_pattern(text) is None


def test_a_pattern_may_have_wildcards() -> None:
    pattern = parse_pattern("/show/sh*/**/beauty_?.#.exr")
    assert pattern
    named = ["/show/sh1/beauty_l.1001.exr", "/show/sh1/a/b/beauty_r.1001.exr"]
    assert pattern.select([*named, "/show/sh1/beauty_ll.1001.exr", "/show/x/sh1/beauty_l.1001.exr"]) == named


def test_files_are_grouped_by_sequence() -> None:
    names = ["b.1002.exr", "b.1001.exr", "a.exr", "b.01001.exr", "c/b.1001.exr"]
    found = [(each.key, each.items, each.frames) for each in group(names, str)]
    assert found == [
        ("a.exr", ("a.exr",), ()),
        ("b.#.exr", ("b.1001.exr", "b.1002.exr"), (1001, 1002)),
        ("b.@@@@@.exr", ("b.01001.exr",), (1001,)),
        ("c/b.#.exr", ("c/b.1001.exr",), (1001,)),
    ]


def test_a_frame_longer_than_its_padding_belongs_to_the_shorter_ones() -> None:
    (found,) = group(NAMES, str)
    assert (found.key, found.frames) == ("beauty.#.exr", (999, 1000, 1001, 10000))
    (counted,) = group([f"beauty.{frame}.exr" for frame in (-1, 0, 9, 10, 100)], str)
    assert (counted.key, counted.frames) == ("beauty.@.exr", (-1, 0, 9, 10, 100))


def test_a_pattern_says_where_the_frame_is() -> None:
    names = ["img0001.exr", "img0002.exr"]
    assert [each.frames for each in group(names, str)] == [(), ()]
    pattern = parse_pattern("img####.exr")
    assert pattern
    (found,) = group(names, str, [pattern])
    assert (found.key, found.frames) == ("img#.exr", (1, 2))


@given(st.lists(st.from_regex(r"\Ab\.-?[0-9]{1,4}\.exr\Z"), unique=True))
def test_no_file_is_lost_in_groups_and_all_have_their_frame(names: list[str]) -> None:
    groups = group(names, str)
    assert sorted(item for each in groups for item in each.items) == sorted(names)
    for each in groups:
        assert list(each.frames) == [split_path(item).frame_number for item in each.items]
        assert list(each.frames) == sorted(each.frames)


@given(st.text())
def test_any_text_may_be_asked_for_a_pattern(text: str) -> None:
    try:
        pattern = parse_pattern(text)
    except ValueError:
        return
    assert pattern is None or pattern.select([text]) in ([], [text])
