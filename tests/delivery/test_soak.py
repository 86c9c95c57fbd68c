"""The soak says so where memory grows or an event fails."""

from __future__ import annotations

import pytest

from benchmarks.soak import STAGES, Found, report


def _found(last: float, *errors: str) -> Found:
    return Found([1.0, 2.0, 3.0], list(errors), 1.0, {"function": 0.006}, [*[100.0] * STAGES, last])


@pytest.mark.parametrize(
    ("found", "sound"),
    [(_found(104.0), True), (_found(90.0), True), (_found(108.1), False), (_found(100.0, "500 no"), False)],
    ids=["within", "less", "beyond", "an error"],
)
def test_a_soak_is_sound_within_its_bound_and_without_errors(
    found: Found, sound: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report(found, 8) is sound
    first, last = found.mebibytes[0], found.mebibytes[-1]
    printed = capsys.readouterr().out
    assert f"{first} at the start, {last} at the end" in printed
    assert "CPU ms per event   2.00 function" in printed
