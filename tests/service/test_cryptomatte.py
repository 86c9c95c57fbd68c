"""Objects of cryptomattes as rows: what asks for them, and that no file is read twice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from exr_inspector.catalog import cryptomatte_rows
from exr_inspector.errors import NOT_INSTALLED, STORAGE_UNAVAILABLE, Fault, InspectorError
from tests.exrfiles.attributes import attribute
from tests.exrfiles.cryptomatte import channels, metadata, object_id
from tests.exrfiles.demo import simple
from tests.exrfiles.parts import scanline
from tests.exrfiles.writer import write
from tests.service.function import BUCKET, Function, codes, created, plain
from tests.sources.server import S3Server

NAMES = ("/char/dragon", "/set/hill", "/set/moon")


def frame(*, shows_dragon: bool = True, sidecar: str = "") -> bytes:
    """A file with a hill, and a dragon in 8 of its 48 pixels; the moon is only in the manifest."""
    dragon = np.zeros((8, 6), np.float32)
    dragon[2:4, 1:5] = 0.5 * shows_dragon
    planes = channels("id", {"/set/hill": 1 - dragon, "/char/dragon": dragon})
    texts = metadata("id", NAMES)
    if sidecar:
        key = texts[0].name.decode().rpartition("/")[0]
        texts = [*(each for each in texts if not each.name.endswith(b"manifest"))]
        texts.append(attribute(f"{key}/manif_file", "string", sidecar))
    return write(scanline(planes, texts, origin=(10, 20)))


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "beauty.1001.exr"
    path.write_bytes(frame())
    return path


class Reads:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from exr_inspector.pixels import cryptomatte

        self.count = 0
        real = cryptomatte.source_cryptomattes

        def counted(*arguments: Any) -> dict[str, Any]:
            self.count += 1
            return real(*arguments)

        monkeypatch.setattr(cryptomatte, "source_cryptomattes", counted)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Reads:
    return Reads(monkeypatch)


def objects(function: Function) -> dict[str, Any]:
    return {row["name"]: row for row in function.rows("cryptomatte_objects")}


def test_the_objects_that_pixels_show_are_stored_with_area_and_box(function: Function, image: Path) -> None:
    document = function.handle(plain(image, cryptomatte="coverage"))
    assert document["persistence"]["message"].endswith("2 objects")
    dragon, hill = objects(function)["/char/dragon"], objects(function)["/set/hill"]
    assert set(objects(function)) == {"/char/dragon", "/set/hill"}
    assert (hill["area"], hill["pixel_count"], hill["object_id"]) == (44, 48, f"{object_id('/set/hill'):08x}")
    box = ("min_x", "min_y", "max_x", "max_y")
    assert [dragon[side] for side in box] == [11, 22, 14, 23]
    (matte,) = function.rows("cryptomattes")
    assert (matte["name"], matte["rank_count"], matte["object_count"]) == ("id", 6, 3)
    assert (matte["stored_count"], matte["dropped_count"], matte["dropped_area"]) == (2, 0, 0)
    (facet,) = [row for row in function.rows("facets") if row["facet"] == "cryptomatte"]
    assert (facet["status"], facet["request"]) == ("ok", '{"mode":"coverage"}')


def test_without_coverage_all_names_are_stored(function: Function, image: Path) -> None:
    function.set(EXR_INSPECTOR_CRYPTOMATTE="objects")
    function.handle(plain(image))
    assert {name: row["area"] for name, row in objects(function).items()} == dict.fromkeys(NAMES)


@pytest.mark.parametrize(
    ("setting", "asked", "count"), [("none", None, 0), ("coverage", "none", 0), ("objects", "coverage", 2)]
)
def test_the_event_or_else_the_setting_chooses_the_mode(
    function: Function, image: Path, setting: str, asked: str | None, count: int
) -> None:
    function.set(EXR_INSPECTOR_CRYPTOMATTE=setting)
    function.handle(plain(image, cryptomatte=asked))
    assert len(objects(function)) == count


def test_another_value_is_a_fault_of_the_event(function: Function, image: Path) -> None:
    assert codes(function.handle(plain(image, cryptomatte="all"))) == ["BAD_CONFIG"]


def test_a_name_that_is_no_text_is_stored_as_escapes(function: Function, image: Path) -> None:
    key = metadata("id", NAMES)[0].name.decode().rpartition("/")[0]
    texts = (
        attribute(f"{key}/name", "string", "id"),
        attribute(f"{key}/manifest", "string", r'{"\ud800\u0000x":"00800000"}'),
    )
    image.write_bytes(simple(4, 4, attributes=texts))
    function.handle(plain(image, cryptomatte="objects"))
    assert set(objects(function)) == {"\\ud800\0x"}


def test_a_file_without_a_cryptomatte_is_known_to_have_none(
    function: Function, image: Path, reads: Reads
) -> None:
    image.write_bytes(simple(4, 4))
    for _ in range(2):
        function.handle(plain(image, cryptomatte="coverage"))
    assert (function.rows("cryptomattes"), reads.count) == ([], 1)
    assert {row["facet"] for row in function.rows("facets")} == {"header", "cryptomatte"}


def test_an_unchanged_file_is_read_once_and_coverage_answers_both_requests(
    function: Function, image: Path, reads: Reads
) -> None:
    for mode, count in (("objects", 1), ("coverage", 2), ("objects", 2), ("coverage", 2)):
        function.handle(plain(image, cryptomatte=mode))
        assert reads.count == count
    assert len(objects(function)) == 2
    function.handle(plain(image))
    assert len(objects(function)) == 2


def test_a_new_version_drops_the_objects_of_the_old_one(function: Function, image: Path) -> None:
    function.handle(plain(image, cryptomatte="coverage"))
    image.write_bytes(frame(shows_dragon=False) + b"another size")
    function.handle(plain(image))
    assert objects(function) == {}
    function.handle(plain(image, cryptomatte="coverage"))
    assert set(objects(function)) == {"/set/hill"}


def test_the_largest_objects_are_stored_and_the_rest_is_counted(
    function: Function, image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cryptomatte_rows, "MAX_OBJECTS", 1)
    function.handle(plain(image, cryptomatte="coverage"))
    assert set(objects(function)) == {"/set/hill"}
    (matte,) = function.rows("cryptomattes")
    assert (matte["stored_count"], matte["dropped_count"], matte["dropped_area"]) == (1, 1, 4)


def test_a_sidecar_that_arrives_later_is_read_with_the_next_request(
    function: Function, s3: S3Server, reads: Reads
) -> None:
    function.read_from(s3)
    function.set(EXR_INSPECTOR_CRYPTOMATTE="coverage")
    s3.put(BUCKET, "sh010/beauty.1001.exr", frame(sidecar="id.json"))
    function.handle(created("sh010/beauty.1001.exr"))
    assert set(objects(function)) == {None}
    assert "cannot be read" in function.rows("cryptomattes")[0]["manifest_error"]
    s3.put(BUCKET, "sh010/id.json", json.dumps({name: f"{object_id(name):08x}" for name in NAMES}).encode())
    for _ in range(2):
        function.handle(created("sh010/beauty.1001.exr"))
    assert set(objects(function)) == {"/char/dragon", "/set/hill"}
    assert reads.count == 2


def test_what_the_time_does_not_suffice_for_is_read_with_the_next_request(
    function: Function, image: Path, reads: Reads
) -> None:
    function.set(EXR_INSPECTOR_STATS_SECONDS=0.0001)
    function.handle(plain(image, cryptomatte="coverage"))
    (facet,) = [row for row in function.rows("facets") if row["facet"] == "cryptomatte"]
    assert (facet["status"], objects(function)) == ("partial", {})
    function.set(EXR_INSPECTOR_STATS_SECONDS=60)
    function.restart()
    function.handle(plain(image, cryptomatte="coverage"))
    assert (len(objects(function)), reads.count) == (2, 2)


def test_policies_look_at_the_sidecar_and_judge_again_once_it_is_there(
    function: Function, image: Path
) -> None:
    image.write_bytes(frame(sidecar="id.json"))
    function.set(EXR_INSPECTOR_POLICIES="cryptomatte")
    found = function.handle(plain(image))["validation"]["findings"]
    assert [each["rule_id"] for each in found] == ["CRY-05-FILE"]
    (image.parent / "id.json").write_text('{"/char/dragon":"00800000"}')
    found = function.handle(plain(image))["validation"]["findings"]
    assert [each["rule_id"] for each in found] == ["CRY-06"]
    assert [row["rule_id"] for row in function.rows("findings")] == ["CRY-06"]


@pytest.mark.parametrize("fault", [NOT_INSTALLED, STORAGE_UNAVAILABLE])
def test_a_fault_that_a_retry_cures_is_raised_and_any_other_recorded(
    function: Function, image: Path, monkeypatch: pytest.MonkeyPatch, fault: Fault
) -> None:
    def refuse(*_: object) -> None:
        raise InspectorError(fault, "why")

    monkeypatch.setattr("exr_inspector.pixels.cryptomatte.source_cryptomattes", refuse)
    if fault.retry:
        with pytest.raises(InspectorError, match="why"):
            function.handle(plain(image, cryptomatte="objects"))
        return
    function.handle(plain(image, cryptomatte="objects"))
    (facet,) = [row for row in function.rows("facets") if row["facet"] == "cryptomatte"]
    assert "why" in facet["status"]
