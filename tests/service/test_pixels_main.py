"""The second function: what starts it, and when it stops."""

from __future__ import annotations

from pathlib import Path

import pytest

import pixels_main
from exr_inspector import InspectorError
from tests.exrfiles.demo import layered_beauty
from tests.service.function import Function, plain

SCHEDULE = {
    "specversion": "1.0",
    "id": "5f0f8c1e-0000-4000-8000-000000000001",
    "type": "vastdata.com:Schedule.TimerElapsed",
    "source": "vastdata.com:every-hour.6f1d2c3b",
    "subject": "render-broker.main",
    "data": {"message": "timer elapsed"},
}


@pytest.fixture
def show(tmp_path: Path) -> Path:
    for number in range(1001, 1006):
        (tmp_path / f"beauty.{number}.exr").write_bytes(layered_beauty(number, 32, 18))
    return tmp_path


def test_a_schedule_measures_what_is_left_and_then_nothing(function: Function, show: Path) -> None:
    function.handle_batch([plain(path) for path in sorted(show.glob("*.exr"))])
    done = pixels_main.handler(function.ctx, SCHEDULE)
    assert (done["measured"], done["failed"], done["left"], done["stopped"]) == (5, 0, 0, "nothing is left")
    assert done["bytes_read"] > 0
    assert {row["mode"] for row in function.rows("pixels")} == {"sampled"}
    assert len(function.rows("pixels")) == 5
    assert pixels_main.handler(function.ctx, SCHEDULE)["measured"] == 0
    assert [row["inspection_count"] for row in function.rows()] == [2] * 5


def test_the_bytes_of_a_day_and_the_seconds_of_a_call_end_it(
    function: Function,
    show: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("exr_inspector.backlog.BATCH", 2)
    function.set(EXR_INSPECTOR_STATS_BYTES_PER_DAY=1)
    function.handle_batch([plain(path) for path in sorted(show.glob("*.exr"))])
    first = pixels_main.handler(function.ctx, SCHEDULE)
    assert (first["measured"], first["left"]) == (2, 3)
    assert "BYTES_PER_DAY" in first["stopped"]
    assert pixels_main.handler(function.ctx, SCHEDULE)["measured"] == 0
    function.set(EXR_INSPECTOR_STATS_BYTES_PER_DAY=0, EXR_INSPECTOR_STATS_SECONDS=1e-9)
    function.restart()
    assert "STATS_SECONDS" in pixels_main.handler(function.ctx, SCHEDULE)["stopped"]


def test_an_event_that_names_a_file_measures_it(function: Function, show: Path) -> None:
    document = pixels_main.handler(function.ctx, plain(show / "beauty.1001.exr"))
    assert document["stats"]["mode"] == "sampled"
    assert len(function.rows("pixels")) == 1


def test_a_file_that_is_gone_does_not_stop_the_others(function: Function, show: Path) -> None:
    function.handle_batch([plain(path) for path in sorted(show.glob("*.exr"))])
    (show / "beauty.1003.exr").unlink()
    done = pixels_main.handler(function.ctx, SCHEDULE)
    assert (done["measured"], done["failed"]) == (4, 1)


def test_without_a_store_the_second_function_is_refused(bare: Function) -> None:
    with pytest.raises(InspectorError, match="BAD_SETTING"):
        pixels_main.handler(bare.ctx, SCHEDULE)


def test_the_first_function_ignores_a_schedule(function: Function) -> None:
    assert function.call(SCHEDULE)["persistence"]["status"] == "ignored"
