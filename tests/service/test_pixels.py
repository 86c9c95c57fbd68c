"""Statistics of pixels: what asks for them, and that no pixel is read twice."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from exr_inspector import reader
from exr_inspector.errors import NOT_INSTALLED, InspectorError
from exr_inspector.vectors.look import LOOK_VERSION
from tests.exrfiles.demo import layered_beauty, simple
from tests.exrfiles.parts import deep_scanline, scanline
from tests.exrfiles.writer import write
from tests.service.function import BUCKET, Function, created, location, plain, removed
from tests.sources.server import S3Server

ROWS = ("pixels", "channel_stats", "deep_stats")


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "beauty.1001.exr"
    path.write_bytes(layered_beauty())
    return path


class Reads:
    """How often pixels were read."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from exr_inspector.pixels import stats

        self.count = 0
        real = stats.source_stats

        def counted(*arguments: Any, **options: Any) -> dict[str, Any]:
            self.count += 1
            return real(*arguments, **options)

        monkeypatch.setattr(stats, "source_stats", counted)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Reads:
    return Reads(monkeypatch)


def statistics(function: Function) -> dict[str, list[dict[str, Any]]]:
    return {table: function.rows(table) for table in ROWS}


# --- who asks ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "asked", "mode"),
    [
        ("none", None, None),
        ("none", True, "sampled"),
        ("none", "full", "full"),
        ("sampled", None, "sampled"),
        ("full", "yes", "full"),
        ("full", "Sampled", "sampled"),
        ("full", False, None),
        ("sampled", "none", None),
    ],
)
def test_the_event_or_else_the_setting_chooses_the_mode(
    function: Function, image: Path, setting: str, asked: Any, mode: str | None
) -> None:
    function.set(EXR_INSPECTOR_STATS=setting)
    function.restart()
    document = function.handle(plain(image, **({} if asked is None else {"stats": asked})))
    assert document["stats"].get("mode") == mode
    assert [row["mode"] for row in function.rows("pixels")] == ([mode] if mode else [])


def test_deep_statistics_are_asked_for_like_the_others(function: Function, tmp_path: Path) -> None:
    counts = np.array([[0, 2], [1, 3]])
    samples = {"Z": np.arange(6, dtype=np.float32)}
    (tmp_path / "deep.exr").write_bytes(write(deep_scanline(counts, samples)))
    document = function.handle(plain(tmp_path / "deep.exr", deep_stats=True))
    assert document["stats"]["deep"][0]["samples"] == 6
    (row,) = function.rows("deep_stats")
    assert (row["sample_count"], row["empty_pixel_count"], row["samples_per_pixel_max"]) == (6, 1, 3)
    assert (row["deepest_x"], row["deepest_y"]) == (1, 1)


# --- what is stored ---------------------------------------------------------------------------------------


def test_the_rows_say_what_the_document_says(function: Function, image: Path) -> None:
    found = function.handle(plain(image, stats="full"))["stats"]
    (row,) = function.rows("pixels")
    assert (row["mode"], row["status"], row["exact"]) == ("full", "ok", True)
    channels = {each["name"]: each for each in found["channels"]}
    rows = {each["name"]: each for each in function.rows("channel_stats")}
    assert set(rows) == set(channels)
    for name, stored in rows.items():
        for column in ("min", "max", "mean", "stddev", "nan_count", "zero_count", "constant", "hash", "type"):
            assert stored[column] == channels[name][column], (name, column)
        assert stored["firefly_count"] == (channels[name]["fireflies"] or {}).get("count")
        assert stored["alpha_one"] == (channels[name]["alpha"] or {}).get("one")
        assert stored["p99_9"] == channels[name]["percentiles"]["p99_9"]
        assert stored["sample_count"] == channels[name]["count"]
    assert rows["A"]["alpha_zero"] + rows["A"]["alpha_one"] > 0
    assert rows["R"]["firefly_count"] is not None
    assert [name for name in rows if rows[name]["is_cryptomatte"]] == [
        name for name in rows if name.startswith("crypto_object")
    ]
    assert 0 < sum(each["packed_bytes"] for each in rows.values()) <= image.stat().st_size
    assert rows["Z"]["packed_bytes"] == pytest.approx(2 * rows["R"]["packed_bytes"], abs=1)
    (facet,) = [each for each in function.rows("facets", "facet") if each["facet"] == "pixels"]
    assert (facet["status"], facet["request"]) == ("ok", '{"mode":"full"}')


def test_the_picture_and_its_vector_are_stored_and_not_answered(function: Function, image: Path) -> None:
    found = function.handle(plain(image, stats=True))["stats"]
    assert not [name for name in found if name.startswith("look")]
    (row,) = function.rows("pixels")
    assert Image.open(io.BytesIO(row["thumbnail"])).size == (160, 90)
    assert (row["thumbnail_layer"], row["thumbnail_color_space"]) == ("", "lin_ap1_scene")
    assert (len(row["look_vector"]), row["look_version"]) == (64, LOOK_VERSION)
    assert json.loads(row["coverage_json"])["thumbnail"]["chunks_read"]


def test_nan_and_infinity_are_stored_with_their_place(function: Function, tmp_path: Path) -> None:
    plane = np.ones((8, 6), np.float16)
    plane[[2, 5], [4, 1]] = np.nan, -np.inf
    (tmp_path / "bad.exr").write_bytes(
        write(scanline({"R": plane, "G": np.full((8, 6), np.nan, np.float16)}))
    )
    function.handle(plain(tmp_path / "bad.exr", stats=True))
    green, red = function.rows("channel_stats", "name")
    assert (red["nan_count"], red["neg_inf_count"], red["min"]) == (1, 1, 1.0)
    assert (red["first_nonfinite_x"], red["first_nonfinite_y"]) == (4, 2)
    assert (green["nan_count"], green["min"], green["mean"], green["p50"]) == (48, None, None, None)


def test_a_file_without_chunks_is_a_result(function: Function, tmp_path: Path) -> None:
    data = simple(64, 64)
    (tmp_path / "cut.exr").write_bytes(data[:420])
    document = function.handle(plain(tmp_path / "cut.exr", stats=True))
    assert document["stats"]["status"] == "failed"
    assert document["persistence"]["status"] == "stored"
    (row,) = function.rows("pixels")
    assert (row["status"], row["exact"]) == ("failed", False)
    assert {(each["sample_count"], each["min"]) for each in function.rows("channel_stats")} == {(0, None)}


def test_a_file_without_a_header_has_no_statistics(function: Function, tmp_path: Path) -> None:
    (tmp_path / "text.exr").write_bytes(b"not an EXR")
    assert function.handle(plain(tmp_path / "text.exr", stats=True))["stats"] == {}
    assert function.rows("pixels") == []


def test_without_the_library_the_header_is_stored_and_the_answer_says_why(
    function: Function, image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(*_: object) -> None:
        raise InspectorError(NOT_INSTALLED, "pip install 'exr-inspector[pixels]'")

    monkeypatch.setattr("exr_inspector.pixels.stats.source_stats", absent)
    document = function.handle(plain(image, stats=True))
    assert document["stats"]["status"] == "skipped"
    assert "exr-inspector[pixels]" in document["stats"]["reason"]
    assert [row["facet"] for row in function.rows("facets", "facet")] == ["header"]


# --- no pixel is read twice -------------------------------------------------------------------------------


def test_the_same_request_for_an_unchanged_file_reads_no_pixel(
    function: Function, image: Path, reads: Reads
) -> None:
    function.handle(plain(image, stats=True))
    before = statistics(function)
    document = function.handle(plain(image, stats=True))
    assert document["stats"]["status"] == "unchanged"
    assert document["persistence"]["message"].startswith("unchanged")
    assert (reads.count, statistics(function)) == (1, before)
    assert function.rows()[0]["inspection_count"] == 2


def test_a_full_pass_answers_a_request_for_a_sample_and_not_the_other_way_round(
    function: Function, image: Path, reads: Reads
) -> None:
    for mode in ("sampled", "full", "sampled", "full"):
        function.handle(plain(image, stats=mode))
    assert reads.count == 2
    assert [row["mode"] for row in function.rows("pixels")] == ["full"]


def test_an_event_for_the_header_leaves_the_statistics(function: Function, image: Path) -> None:
    function.handle(plain(image, stats=True))
    before = statistics(function)
    function.handle(plain(image))
    function.handle(plain(image, stats=False, meta=False))
    assert before["channel_stats"]
    assert statistics(function) == before


def test_a_new_version_drops_the_statistics_of_the_old_one(function: Function, image: Path) -> None:
    function.handle(plain(image, stats=True))
    image.write_bytes(layered_beauty(frame=1002))
    function.handle(plain(image))
    assert statistics(function) == {"pixels": [], "channel_stats": [], "deep_stats": []}
    assert len(function.rows("facets", "facet")) == 1


def test_a_file_of_the_same_size_and_time_is_measured_again_if_it_is_another(
    function: Function, image: Path, reads: Reads
) -> None:
    """As `rsync --times` replaces a file: the change time and the inode differ."""
    function.handle(plain(image, stats=True))
    before = image.stat()
    other = image.with_name("other.exr")
    other.write_bytes(image.read_bytes()[:-4] + b"\0\0\0\0")
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(image)
    assert (image.stat().st_size, image.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    assert function.handle(plain(image, stats=True))["stats"]["status"] != "unchanged"
    assert reads.count == 2


@pytest.mark.parametrize("table", ROWS)
def test_statistics_whose_table_was_dropped_are_computed_again(
    function: Function, image: Path, reads: Reads, table: str
) -> None:
    function.handle(plain(image, stats=True))
    before = statistics(function)
    store: Any = function.runtime.store
    store.query(f"DROP TABLE {table}")
    function.restart()
    function.handle(plain(image, stats=True))
    assert (reads.count, statistics(function)) == (2, before)


def test_another_budget_is_another_request(function: Function, image: Path, reads: Reads) -> None:
    function.handle(plain(image, stats=True))
    function.set(EXR_INSPECTOR_STATS_BYTES=1)
    function.restart()
    function.handle(plain(image, stats=True))
    assert reads.count == 2


def test_a_result_that_ran_out_of_time_is_stored_and_computed_again(
    function: Function, image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from exr_inspector.pixels import stats

    real, seconds = stats.source_stats, iter([1e-6, 60])

    def limited(source: Any, mode: Any, budget: int, settings: Any, _: float) -> dict[str, Any]:
        return real(source, mode, budget, settings, next(seconds))

    monkeypatch.setattr(stats, "source_stats", limited)
    found = function.handle(plain(image, stats="full"))["stats"]
    assert {each["code"] for each in found["failures"]} == {"PIXELS_TIMEOUT"}
    assert (found["status"], function.rows("facets", "facet")[1]["status"]) == ("failed", "unfinished")
    assert function.handle(plain(image, stats="full"))["stats"]["status"] == "ok"
    assert [row["status"] for row in function.rows("facets", "facet")] == ["ok", "ok"]
    assert function.handle(plain(image, stats="full"))["stats"]["status"] == "unchanged"


def test_when_the_time_is_over_headers_are_stored_without_statistics(function: Function, image: Path) -> None:
    function.set(EXR_INSPECTOR_STATS_SECONDS=1e-9)
    document = function.handle(plain(image, stats=True))
    assert document["stats"] == {"status": "skipped", "reason": "EXR_INSPECTOR_STATS_SECONDS are over"}
    assert (len(function.rows()), function.rows("pixels")) == (1, [])


# --- objects ----------------------------------------------------------------------------------------------


def test_two_objects_with_the_same_bytes_are_both_measured(
    function: Function, s3: S3Server, reads: Reads
) -> None:
    function.read_from(s3)
    function.set(EXR_INSPECTOR_STATS="full")
    for key in ("a.exr", "b.exr"):
        s3.put(BUCKET, key, simple(4, 4))
    function.handle_batch([created("a.exr"), created("b.exr")])
    first, second = function.rows("pixels")
    assert [first["file_path"], second["file_path"]] == [location("a.exr"), location("b.exr")]
    assert reads.count == 2
    function.handle_batch([created("a.exr"), created("b.exr")])
    assert reads.count == 2


def test_an_object_that_is_replaced_while_its_pixels_are_read_is_read_again(
    function: Function, s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    from exr_inspector.pixels import stats

    function.read_from(s3)
    s3.put(BUCKET, "a.exr", simple(4, 4))
    real, left = stats.source_stats, [1]

    def replaced(*arguments: Any) -> dict[str, Any]:
        if left:
            left.pop()
            s3.put(BUCKET, "a.exr", simple(8, 8))
        return real(*arguments)

    monkeypatch.setattr(stats, "source_stats", replaced)
    document = function.handle({**created("a.exr"), "data": {**created("a.exr")["data"], "stats": "full"}})
    assert document["parts"][0]["width"] == 8
    assert {row["sample_count"] for row in function.rows("channel_stats")} == {64}


def test_a_removed_object_takes_its_statistics_with_it(function: Function, s3: S3Server) -> None:
    function.read_from(s3)
    function.set(EXR_INSPECTOR_STATS="full")
    s3.put(BUCKET, "gone.exr", simple(4, 4))
    function.handle(created("gone.exr"))
    assert function.rows("pixels")
    s3.delete(BUCKET, "gone.exr")
    function.handle(removed("gone.exr"))
    assert [rows for rows in statistics(function).values() if rows] == []
    assert function.rows("facets") == []


def test_a_file_that_changes_each_time_is_a_transient_fault(
    function: Function, image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from exr_inspector.pixels import stats

    real, frames = stats.source_stats, iter(range(1002, 1010))

    def replaced(*arguments: Any) -> dict[str, Any]:
        # The source that is given was not opened yet.
        image.write_bytes(layered_beauty(frame=next(frames)))
        os.utime(image, (1, next(frames)))
        return real(*arguments)

    monkeypatch.setattr(stats, "source_stats", replaced)
    monkeypatch.setattr(reader, "MAX_READS", 2)
    with pytest.raises(InspectorError, match="OBJECT_CHANGED"):
        function.handle(plain(image, stats=True))
    assert function.rows() == []
