from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from exr_inspector.pixels.tone import Format, encode, linear_image, shared_exposure


def gray(value: float, size: tuple[int, int] = (9, 16)) -> Any:
    return linear_image(np.full((3, *size), value))


def codes(data: bytes) -> Any:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def test_an_image_is_half_and_finite_whatever_the_values() -> None:
    image = linear_image(np.array([[[1e9]], [[-1e9]], [[0.25]]]))
    assert (str(image.dtype), image.shape) == ("float16", (1, 1, 3))
    assert image.ravel().tolist() == [65504.0, -65504.0, 0.25]


@pytest.mark.parametrize(("aspect", "shape"), [(2.0, (4, 16)), (0.5, (8, 8)), (10.0, (1, 16))])
def test_pixels_become_square_by_the_means_of_the_light(aspect: float, shape: tuple[int, int]) -> None:
    """Alternating black and white lines become a gray of half their light."""
    lines = np.zeros((3, 8, 16))
    lines[:, ::2] = 1
    image = linear_image(lines, aspect)
    assert image.shape == (*shape, 3)
    assert image.astype(float).mean() == pytest.approx(0.5)


@pytest.mark.parametrize(("kind", "magic"), [("png", b"\x89PNG"), ("jpeg", b"\xff\xd8"), ("webp", b"RIFF")])
def test_an_image_is_shown_at_any_exposure(kind: Format, magic: bytes) -> None:
    image = gray(0.25)
    assert encode(image, 0, kind).startswith(magic)
    shown = [codes(encode(image, stops, kind)).mean() for stops in (-1, 0, 1, 2, 100, 1e9)]
    assert shown == pytest.approx([99, 137, 188, 255, 255, 255], abs=2)
    assert not codes(encode(image, float("nan"), kind)).any()


def test_one_exposure_makes_most_frames_of_a_sequence_white_in_their_bright_parts() -> None:
    """A flashed frame, a black one and a firefly do not change it."""
    frames = [gray(0.25) for _ in range(5)]
    frames[2][0, 0] = 60000
    assert shared_exposure([*frames, gray(64), gray(0)]) == 2.0
    assert shared_exposure([gray(8)]) == -3.0
    assert codes(encode(frames[0], 2.0)).min() == 255


def test_black_frames_have_the_exposure_zero() -> None:
    assert shared_exposure([gray(0), gray(-1)]) == 0
    assert shared_exposure([]) == 0
