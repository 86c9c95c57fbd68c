"""Pictures that look alike have vectors that are near, and the odd frame of a sequence has not."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from exr_inspector.vectors.look import LOOK_VERSION, SIZE, look_vector

ODD: dict[str, Any] = {
    "a flash of one stop": lambda rgb: rgb * 2,
    "a flash of half a stop": lambda rgb: rgb * 2**0.5,
    "a stop darker": lambda rgb: rgb / 2,
    "black": lambda rgb: rgb * 0,
    "black below the middle": lambda rgb: np.where(np.arange(rgb.shape[1])[:, None] < 40, rgb, 0),
    "without red": lambda rgb: rgb * np.array([0, 1, 1])[:, None, None],
    "without color": lambda rgb: np.repeat(rgb.mean(axis=0, keepdims=True), 3, axis=0),
    "upside down": lambda rgb: rgb[:, ::-1],
    "mirrored": lambda rgb: rgb[:, :, ::-1],
}


def frame(number: int, height: int = 80, width: int = 120) -> Any:
    """A warm disk that moves slowly over a dark, bluish gradient, with grain."""
    y, x = np.mgrid[:height, :width]
    sky = np.array([0.1, 0.2, 0.4])[:, None, None] * (1 - y / height) + 0.02
    disk = (x - 25 - number) ** 2 + (y - 40) ** 2 < 300
    grain = np.random.default_rng(number).normal(1, 0.05, (3, height, width))
    return np.where(disk, np.array([2.0, 1.2, 0.5])[:, None, None], sky) * grain


def cosine(first: Any, second: Any) -> float:
    return float(look_vector(first) @ look_vector(second))


SEQUENCE = [frame(number) for number in range(8)]


def test_a_vector_has_unit_length_and_single_precision() -> None:
    vector = look_vector(frame(0))
    assert vector.shape == (SIZE,)
    assert vector.dtype == "float32"
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("odd", ODD)
def test_frames_of_a_sequence_are_nearer_than_its_odd_frame(odd: str) -> None:
    neighbors = min(cosine(*pair) for pair in pairwise(SEQUENCE))
    assert neighbors > 0.99
    assert cosine(ODD[odd](SEQUENCE[4]), SEQUENCE[3]) < neighbors


@pytest.mark.parametrize("scale", [2, 4])
def test_size_and_grain_hardly_matter(scale: int) -> None:
    first = SEQUENCE[0]
    larger = first.repeat(scale, axis=1).repeat(scale, axis=2)
    assert cosine(first, larger) > 0.9999
    noisy = first * np.random.default_rng(9).normal(1, 0.2, first.shape)
    assert cosine(first, noisy) > 0.995


def test_a_larger_change_of_exposure_is_further_away() -> None:
    first = SEQUENCE[0]
    found = [cosine(first, first * 2.0**stops) for stops in (0, 0.5, 1, 2, 3)]
    assert found == sorted(found, reverse=True)


@pytest.mark.parametrize("shape", [(1, 1), (1, 256), (3, 2), (256, 256)])
@pytest.mark.parametrize("value", [0.0, -1.0, 1e-30, 0.18, 65504.0, 1e300])
def test_any_picture_has_a_direction(shape: tuple[int, int], value: float) -> None:
    vector = look_vector(np.full((3, *shape), value))
    assert np.isfinite(vector).all()
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-6)


def test_the_vector_of_a_version_does_not_change() -> None:
    """The picture has no random numbers, so that NumPy may change its generator."""
    y, x = np.mgrid[:40, :60]
    rgb = np.stack([x / 60, y / 40, np.ones((40, 60)) / 4])
    found = np.rint(look_vector(rgb)[[0, 5, 15, 16, 31, 40, 55, 60]] * 1e5).tolist()
    assert (LOOK_VERSION, found) == (1, [-4291, 8322, 18465, -7982, 8649, -7443, 18696, 0])
