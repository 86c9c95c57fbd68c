from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from exr_inspector.pixels.accumulate import PERCENTILES, STATS, Stats

NAN, INF = float("nan"), float("inf")
RANDOM = np.random.default_rng(4)
EXTREMES = [NAN, INF, -INF, 0.0, -0.0, 6e-8, -6e-8, 1.5, -3.25, 60000.0, -60000.0]

ARRAYS: dict[str, Any] = {
    "half of every kind": np.array(EXTREMES * 3, np.float16),
    "half, far from zero": (2000 + RANDOM.integers(-1, 2, 5000)).astype(np.float16),
    "half, all bit patterns": np.arange(65536, dtype=np.uint16).view(np.float16),
    "float of every kind": np.array([*EXTREMES, 1e-40, -1e-40, 3e38], np.float32),
    "float, 1e7 +- 1": (1e7 + RANDOM.integers(-1, 2, 20000)).astype(np.float32),
    "float, 1e5 +- 0.05": (1e5 + RANDOM.normal(0, 0.05, 20000)).astype(np.float32),
    "float, wide": np.exp(RANDOM.normal(0, 20, 20000)).astype(np.float32),
    "float, constant": np.full(1000, 0.1, np.float32),
    "uint, ids": RANDOM.integers(0, 1 << 32, 20000, np.uint32),
    "uint, small": RANDOM.integers(0, 200, 999, np.uint32),
    "uint, largest": np.full(5, 0xFFFFFFFF, np.uint32),
}
NAMES = {np.dtype(np.float16): "half", np.dtype(np.float32): "float", np.dtype(np.uint32): "uint"}


def _place(mask: Any) -> tuple[int, int]:
    return 0, int(np.flatnonzero(mask)[0])


def _measured(array: Any, pieces: int) -> Stats:
    total = STATS[NAMES[array.dtype]]()
    for piece in np.array_split(array, pieces):
        one = STATS[NAMES[array.dtype]]()
        one.add(piece, _place)
        total.merge(one)
    return total


@pytest.mark.parametrize("pieces", [1, 7])
@pytest.mark.parametrize("name", ARRAYS)
def test_values_agree_with_rational_arithmetic(name: str, pieces: int) -> None:
    array = ARRAYS[name]
    found = _measured(array, pieces).result()
    finite = sorted(Fraction(each) for each in array.tolist() if np.isfinite(each))
    mean = sum(finite, Fraction(0)) / len(finite)
    scale = sum(map(abs, finite), Fraction(0)) / len(finite)
    assert (found["min"], found["max"]) == (finite[0], finite[-1])
    assert abs(Fraction(found["mean"]) - mean) <= Fraction(1, 10**12) * scale
    variance = sum(((each - mean) ** 2 for each in finite), Fraction(0)) / len(finite)
    deviation = Fraction(float(variance) ** 0.5)
    assert abs(Fraction(found["stddev"]) - deviation) <= Fraction(1, 10**12) * deviation
    assert found["constant"] == (len(set(finite)) == 1 and len(finite) == array.size)
    tolerance = {"half": Fraction(0), "float": Fraction(1, 256), "uint": Fraction(1, 128)}[NAMES[array.dtype]]
    for percentile, thousandths in PERCENTILES.items():
        exact = finite[max(1, -(-len(finite) * thousandths // 1000)) - 1]
        difference = abs(Fraction(found["percentiles"][percentile]) - exact)
        assert difference <= tolerance * abs(exact) + Fraction(1, 10**38) * bool(tolerance)


@pytest.mark.parametrize("pieces", [1, 7])
@pytest.mark.parametrize("name", ARRAYS)
def test_counts_are_exact(name: str, pieces: int) -> None:
    array = ARRAYS[name]
    found = _measured(array, pieces).result()
    wide = array.astype(np.float64)
    smallest = np.finfo(array.dtype).tiny if array.dtype != np.uint32 else 0
    expected = {
        "count": array.size,
        "nan_count": np.isnan(wide).sum(),
        "pos_inf_count": (wide == INF).sum(),
        "neg_inf_count": (wide == -INF).sum(),
        "zero_count": (wide == 0).sum(),
        "negative_count": ((wide < 0) & np.isfinite(wide)).sum(),
        "subnormal_count": ((wide != 0) & (abs(wide) < smallest)).sum(),
    }
    assert {key: found[key] for key in expected} == expected


def test_small_integers_have_exact_percentiles() -> None:
    ids = np.arange(200, dtype=np.uint32)
    assert _measured(ids, 1).result()["percentiles"]["p50"] == 99


@pytest.mark.parametrize("type_", [np.float16, np.float32])
def test_nothing_finite_gives_no_values(type_: type) -> None:
    found = _measured(np.array([NAN, INF, -INF], type_), 1).result()
    assert [found[key] for key in ("min", "max", "mean", "stddev", "percentiles", "constant")] == [None] * 6
    assert (found["count"], found["nan_count"], found["pos_inf_count"], found["neg_inf_count"]) == (
        3,
        1,
        1,
        1,
    )


@pytest.mark.parametrize("type_", STATS)
def test_no_sample_gives_no_values(type_: str) -> None:
    found = STATS[type_]().result()
    assert (found["count"], found["min"], found["mean"]) == (0, None, None)


@pytest.mark.parametrize("payload", [0x7F800001, 0xFF800001, 0x7FC00000])
def test_a_nan_is_no_infinity_whatever_its_payload(payload: int) -> None:
    found = _measured(np.array([payload], np.uint32).view(np.float32), 1).result()
    assert (found["nan_count"], found["pos_inf_count"], found["neg_inf_count"]) == (1, 0, 0)
