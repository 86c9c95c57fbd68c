"""Frames that do not belong to their sequence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from exr_inspector import inspect
from exr_inspector.compare.outliers import FrameFacts, Outlier, find_outliers, frame_facts
from exr_inspector.location import path_location
from exr_inspector.pixels.stats import source_stats
from exr_inspector.settings import Settings
from exr_inspector.sources.opener import Opener
from tests.exrfiles import moving

MOVING = [0.2 + 0.01 * frame for frame in range(20)]


def frame(number: int, **facts: Any) -> FrameFacts:
    nothing: dict[str, Any] = {
        "values": {}, "counts": {}, "size": None, "look": None, "pixels": None, "settings": {}
    }  # fmt: skip
    return FrameFacts(1001 + number, f"/beauty.{1001 + number}.exr", **{**nothing, **facts})


def found(means: Sequence[float | None], **options: float) -> list[int]:
    frames = [
        frame(index, values={} if mean is None else {"mean of R": mean}) for index, mean in enumerate(means)
    ]
    return sorted(each["frame"] - 1001 for each in find_outliers(frames, **options))


def replaced(values: Sequence[float], changes: Mapping[int, float | None]) -> list[float | None]:
    return [changes.get(index, value) for index, value in enumerate(values)]


@pytest.mark.parametrize("place", [0, 1, 2, 9, 17, 18, 19])
@pytest.mark.parametrize("value", [1.0, 0.01])
def test_a_flashed_or_dark_frame_is_found_anywhere(place: int, value: float) -> None:
    assert found(replaced(MOVING, {place: value})) == [place]


@pytest.mark.parametrize("places", [(8, 9), (3, 15), (0, 10, 19)])
def test_several_frames_are_found(places: tuple[int, ...]) -> None:
    assert found(replaced(MOVING, dict.fromkeys(places, 1.0))) == list(places)


@pytest.mark.parametrize(
    "means",
    [
        MOVING,
        [0.2] * 20,
        [0.0] * 20,
        [0.2] * 10 + [0.8] * 10,
        [0.2] * 19 + [0.21],
        [0.3 + 0.2 * np.sin(frame / 3) for frame in range(40)],
        [2.0 ** (frame / 4) for frame in range(20)],
    ],
    ids=["a ramp", "a still", "black", "a light is switched on", "a small change", "a swing", "a fade"],
)
def test_moves_and_changes_of_light_are_no_outliers(means: list[float]) -> None:
    assert found(means) == []


def test_noise_is_no_outlier() -> None:
    for seed in range(20):
        random = np.random.default_rng(seed)
        assert found((0.5 + random.normal(0, 0.02, 60)).tolist()) == []


def test_frames_without_a_value_are_left_out() -> None:
    assert found(replaced(MOVING, {5: None, 9: 1.0})) == [9]


def test_fewer_than_five_frames_are_no_sequence() -> None:
    assert found([0.2, 5.0, 0.2, 0.2]) == []


def test_a_higher_threshold_finds_less() -> None:
    means = replaced(MOVING, {9: 0.6})
    assert found(means) == [9]
    assert found(means, threshold=1000) == []


def test_the_reason_has_the_value_and_those_beside_it() -> None:
    (outlier,) = find_outliers(
        frame(index, values={"mean of R": 5.0 if index == 4 else 0.5}) for index in range(9)
    )
    assert outlier["reasons"] == ["mean of R is 5, beside 0.5 and 0.5"]
    assert outlier["path"] == "/beauty.1005.exr"
    assert outlier["score"] is not None
    assert outlier["score"] > 6


def test_a_frame_with_other_settings_comes_first() -> None:
    frames = [
        frame(
            index,
            values={"mean of R": 9.0 if index == 2 else 0.5},
            settings={"compression": "piz" if index == 7 else "zip"},
        )
        for index in range(10)
    ]
    first, second = find_outliers(frames)
    assert (first["frame"], first["score"]) == (1008, None)
    assert first["reasons"] == ["compression is piz, the others have zip"]
    assert second["frame"] == 1003


def test_settings_that_differ_in_many_frames_are_no_outliers() -> None:
    settings = [{"take": str(index)} for index in range(10)]
    assert find_outliers(frame(index, settings=each) for index, each in enumerate(settings)) == []


def test_an_absent_setting_is_named() -> None:
    frames = [frame(index, settings={} if index == 3 else {"Z": "float"}) for index in range(10)]
    assert find_outliers(frames)[0]["reasons"] == ["Z is absent, the others have float"]


def hashed(*pixels: str) -> list[Outlier]:
    return find_outliers(frame(index, pixels=each) for index, each in enumerate(pixels))


def test_a_frozen_frame_has_the_pixels_of_the_one_before() -> None:
    (outlier,) = hashed("a", "b", "c", "c", "d", "e")
    assert (outlier["frame"], outlier["reasons"]) == (1004, ["its pixels are those of frame 1003"])


@pytest.mark.parametrize("pixels", ["aaaaaaaa", "aabbccdd", "abababab"])
def test_stills_and_renders_on_twos_are_not_frozen(pixels: str) -> None:
    assert hashed(*pixels) == []


def test_the_order_of_the_frames_does_not_matter() -> None:
    frames = [frame(index, values={"mean of R": 9.0 if index == 2 else 0.5}) for index in range(10)]
    assert find_outliers(reversed(frames)) == find_outliers(frames)


@pytest.mark.parametrize("kind", ["flashed", "wrong camera", "a missing layer"])
def test_a_planted_fault_is_the_only_outlier_of_a_rendered_sequence(kind: str, tmp_path: Path) -> None:
    moving.write(tmp_path, 14, kind=kind, fault_at=6)
    settings = Settings()
    opener = Opener(settings)
    frames = [
        frame_facts(
            int(path.name.split(".")[1]),
            inspect(path),
            source_stats(opener(path_location(str(path))), "full", 0, settings),
        )
        for path in sorted(tmp_path.iterdir())
    ]
    assert [each["frame"] for each in find_outliers(frames)] == [1007]
