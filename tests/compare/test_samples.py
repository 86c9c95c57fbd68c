"""The differences of samples, against exact arithmetic."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from exr_inspector.compare import samples
from exr_inspector.compare.samples import EXACT, SampleComparison, SampleDiff, Tolerance

SHAPE = (3, 4)
TYPES = {"half": "<f2", "float": "<f4", "uint": "<u4"}


def compared(a: Any, b: Any, tolerance: Tolerance = EXACT, x: int = 0, y: int = 0) -> SampleDiff:
    found = SampleComparison(tolerance)
    width = a.shape[1]
    found.add(a, b, lambda index: (x + index % width, y + index // width))
    return found.result()


def image(dtype: str) -> st.SearchStrategy[Any]:
    return arrays.arrays(dtype, SHAPE, fill=st.nothing())


@pytest.mark.parametrize("kind", TYPES)
@given(st.data())
def test_errors_are_those_of_rational_arithmetic(kind: str, data: st.DataObject) -> None:
    a, b = data.draw(image(TYPES[kind])), data.draw(image(TYPES[kind]))
    pairs = [(float(p), float(q)) for p, q in zip(a.flat, b.flat, strict=True)]
    finite = [abs(Fraction(p) - Fraction(q)) for p, q in pairs if math.isfinite(p) and math.isfinite(q)]
    unlike = [
        (p, q)
        for p, q in pairs
        if not (math.isfinite(p) and math.isfinite(q)) and p != q and not (math.isnan(p) and math.isnan(q))
    ]
    found = compared(a, b)
    assert found["samples"] == 12
    assert found["nonfinite"] == len(unlike)
    assert found["different"] == found["over_tolerance"] == len(unlike) + sum(each > 0 for each in finite)
    assert found["is_bit_equal"] == (a.tobytes() == b.tobytes())
    if not finite:
        assert found["max_error"] is found["mean_error"] is found["rms_error"] is None
        return
    assert found["max_error"] == pytest.approx(float(max(finite)), rel=1e-12)
    assert found["mean_error"] == pytest.approx(float(sum(finite) / len(finite)), rel=1e-12)
    squares = sum(each * each for each in finite) / len(finite)
    assert found["rms_error"] == pytest.approx(math.sqrt(squares), rel=1e-9)


@given(image("<f2"), image("<f2"))
def test_the_comparison_is_the_same_from_both_sides(a: Any, b: Any) -> None:
    there, back = compared(a, b), compared(b, a)
    assert {**there, "worst": None} == {**back, "worst": None}


@given(image("<f4"))
def test_an_image_equals_itself_even_where_it_is_not_a_number(a: Any) -> None:
    found = compared(a, a.copy())
    assert (found["different"], found["is_bit_equal"], found["worst"]) == (0, True, None)
    assert found["max_error"] in {0.0, None}


def test_the_worst_pixel_is_the_first_of_the_largest_differences() -> None:
    a, b = np.zeros((4, 5), "<f4"), np.zeros((4, 5), "<f4")
    b[1, 3], b[2, 0], b[3, 4] = 0.5, -2, 2
    worst = compared(a, b, x=-10, y=100)["worst"]
    assert worst == {"x": -10, "y": 102, "before": 0.0, "after": -2.0}


def test_a_number_that_is_none_is_worse_than_any_error() -> None:
    a, b = np.zeros((2, 2), "<f2"), np.array([[60000, 0], [math.nan, 0]], "<f2")
    found = compared(a, b)
    assert found["worst"] == {"x": 0, "y": 1, "before": 0.0, "after": "NaN"}
    assert (found["max_error"], found["nonfinite"]) == (60000 - 60000 % 32, 1)


@pytest.mark.parametrize(
    ("a", "b", "unlike"),
    [("nan", "nan", 0), ("inf", "inf", 0), ("inf", "-inf", 1), ("nan", "inf", 1), ("1", "nan", 1)],
)  # fmt: skip
def test_nan_and_infinity_are_compared_as_what_they_are(a: str, b: str, unlike: int) -> None:
    found = compared(np.full(SHAPE, float(a), "<f2"), np.full(SHAPE, float(b), "<f2"))
    assert found["nonfinite"] == found["different"] == 12 * unlike
    assert found["mean_error"] is None


def test_zero_equals_minus_zero_though_its_bits_differ() -> None:
    found = compared(np.zeros(SHAPE, "<f2"), -np.zeros(SHAPE, "<f2"))
    assert (found["different"], found["is_bit_equal"], found["max_error"]) == (0, False, 0.0)


@pytest.mark.parametrize(
    ("tolerance", "over"),
    [(EXACT, 3), (Tolerance(0.25), 2), (Tolerance(0, 0.125), 3), (Tolerance(1, 0.1), 1), (Tolerance(100), 0)],
)  # fmt: skip
def test_a_tolerance_is_absolute_and_relative_to_the_larger_value(tolerance: Tolerance, over: int) -> None:
    a, b = np.array([[1, 4, 8, 0]], "<f4"), np.array([[1.25, 4, 10, 50]], "<f4")
    assert compared(a, b, tolerance)["over_tolerance"] == over


@pytest.mark.parametrize("tolerance", [Tolerance(math.inf), Tolerance(1e9, 1e9)])
def test_no_tolerance_excuses_a_number_that_is_none(tolerance: Tolerance) -> None:
    a, b = np.zeros((1, 2), "<f4"), np.array([[0, math.inf]], "<f4")
    assert compared(a, b, tolerance)["over_tolerance"] == 1


def test_types_may_differ_if_the_values_are_equal() -> None:
    a = np.linspace(0, 1, 12).reshape(SHAPE).astype("<f2")
    found = compared(a, a.astype("<f4"))
    assert (found["different"], found["is_bit_equal"], found["rms_error"]) == (0, False, 0.0)


def test_blocks_of_lines_give_the_same_as_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(5)
    a, b = (random.normal(size=(20, 7)).astype("<f4") for _ in range(2))
    whole = compared(a, b)
    monkeypatch.setattr(samples, "BLOCK", 14)
    blocks = compared(a, b)
    assert blocks == {
        **whole,
        **{key: pytest.approx(whole[key]) for key in ("mean_error", "rms_error", "psnr")},
    }


def test_psnr_is_for_a_peak_of_one() -> None:
    found = compared(np.zeros(SHAPE, "<f4"), np.full(SHAPE, 0.1, "<f4"))
    assert found["psnr"] == pytest.approx(20)
