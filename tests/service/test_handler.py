"""The plain event: a path in, a document and rows out; whatever is wrong is a code, not an exception."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import exr_inspector
import main
from exr_inspector.pipeline import Runtime
from exr_inspector.response import make_runtime
from tests.exrfiles.attributes import attribute
from tests.exrfiles.demo import layered_beauty, simple, stereo_pair
from tests.service.function import Function, codes, plain

KEYS = [
    *("schema_version", "file", "parts", "channels", "attributes"),
    *("stats", "validation", "errors", "persistence"),
]


@pytest.fixture
def image(folder: Path) -> Path:
    path = folder / "beauty.1001.exr"
    path.write_bytes(simple(4, 4))
    return path


# --- the event ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["path", "file", "file_path"])
@pytest.mark.parametrize("wrapped", [True, False])
def test_the_path_may_stand_under_three_names(bare: Function, image: Path, key: str, wrapped: bool) -> None:
    event = {key: str(image)}
    document = bare.handle({"data": event} if wrapped else event)
    assert document["file"]["path"] == str(image)
    assert document["file"]["status"] == "ok"
    assert document["file"]["frame_number"] == 1001
    assert list(document) == KEYS


@pytest.mark.parametrize("value", [False, 0, "0", "false", "NO", "n", "off", None])
@pytest.mark.parametrize("flag", ["stats", "deep_stats", "validate"])
def test_what_is_not_asked_for_is_empty(bare: Function, image: Path, flag: str, value: Any) -> None:
    document = bare.handle(plain(image, **{flag: value}))
    assert (document["stats"], document["validation"]) == ({}, {})


@pytest.mark.parametrize(
    "payload",
    [
        {"meta": "perhaps"},
        {"stats": 2},
        {"deep_stats": []},
        {"validate": ""},
        {"schema_version": 2},
        {"policy_path": 7},
    ],
    ids=lambda payload: next(iter(payload)),
)
def test_an_unknown_value_is_coded_and_the_file_is_stored_with_the_default(
    function: Function, image: Path, payload: dict[str, Any]
) -> None:
    """An event that is acknowledged does not come again."""
    document = function.handle(plain(image, **payload))
    (error,) = document["errors"]
    assert (error["code"], error["where"]) == ("BAD_CONFIG", next(iter(payload)))
    assert (document["file"]["path"], document["file"]["status"]) == (str(image), "ok")
    assert (document["stats"], document["validation"]) == ({}, {})
    (row,) = function.rows()
    assert (row["status"], row["error_count"]) == ("ok", 1)
    assert function.log[0].startswith(f"Event: {error['code']}: {error['message']}")


@pytest.mark.parametrize(
    "event", [{}, {"data": {}}, {"data": {"path": ""}}, {"data": {"path": 7}}, None, "a.exr", 7, []]
)
def test_an_event_without_a_path_is_coded(function: Function, event: Any) -> None:
    document = function.handle(event)
    assert codes(document) == ["BAD_EVENT"]
    assert document["file"]["status"] is None
    assert document["persistence"] == {
        "status": "skipped",
        "file_id": None,
        "inserted": False,
        "message": "no file was read",
    }
    assert function.rows() == []
    assert function.log[0].startswith("Event: BAD_EVENT: ")


# --- the file -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "code", "status"),
    [
        (None, "FILE_NOT_FOUND", "missing"),
        (b"", "EMPTY_FILE", "incomplete"),
        (b"\xff\xd8\xff\xe0 not an image of ours", "NOT_AN_EXR", "unsupported"),
        (simple(4, 4)[:150], "HEADER_TRUNCATED", "incomplete"),
    ],
)
def test_a_file_that_cannot_be_read_is_a_document_with_a_code(
    bare: Function, folder: Path, content: bytes | None, code: str, status: str
) -> None:
    path = folder / "odd.exr"
    if content is not None:
        path.write_bytes(content)
    document = bare.handle(plain(path))
    assert codes(document) == [code]
    assert document["file"]["status"] == status
    assert document["file"]["size_bytes"] == (None if content is None else len(content))
    assert (document["parts"], document["channels"], document["attributes"]) == ([], [], {})


def test_a_folder_is_a_document_with_a_code(bare: Function, folder: Path) -> None:
    document = bare.handle(plain(folder))
    assert codes(document) == ["NOT_A_FILE"]
    assert document["file"]["status"] is None


def test_a_pipe_without_a_writer_is_not_waited_for(bare: Function, folder: Path) -> None:
    os.mkfifo(folder / "pipe.exr")
    assert codes(bare.handle(plain(folder / "pipe.exr"))) == ["NOT_A_FILE"]


@pytest.mark.parametrize("path", ["a" * 300 + ".exr", "b/" * 3000 + "b.exr", "loop.exr", "file.txt/a.exr"])
def test_a_path_that_no_file_can_have_is_not_tried_again(
    bare: Function, folder: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.chdir(folder)
    Path("loop.exr").symlink_to("loop.exr")
    Path("file.txt").touch()
    assert codes(bare.handle(plain(path))) == ["LINK_LOOP" if path == "loop.exr" else "FILE_NOT_FOUND"]


# --- persistence ----------------------------------------------------------------------------------------


def test_without_a_database_storing_is_skipped_and_says_what_would_name_one(
    bare: Function, image: Path
) -> None:
    persistence = bare.handle(plain(image))["persistence"]
    assert (persistence["status"], persistence["inserted"]) == ("skipped", False)
    assert "VAST_DB_ENDPOINT" in persistence["message"]
    assert "EXR_INSPECTOR_DB" in persistence["message"]
    assert bare.runtime.store is None


def test_a_new_file_is_inserted_in_all_tables(function: Function, folder: Path) -> None:
    path = folder / "stereo.exr"
    path.write_bytes(stereo_pair())
    document = function.handle(plain(path))
    persistence = document["persistence"]
    attributes = sum(len(part["attributes"]) for part in document["parts"])
    assert (persistence["status"], persistence["inserted"]) == ("stored", True)
    assert persistence["message"] == f"inserted 1 file, 4 parts, 10 channels, {attributes} attributes"
    (row,) = function.rows()
    assert (row["file_id"], row["inspection_count"]) == (persistence["file_id"], 1)
    counts = {table: len(function.rows(table)) for table in ("parts", "channels", "attributes")}
    assert counts == {"parts": 4, "channels": 10, "attributes": attributes}


def test_an_unchanged_file_only_counts_up(function: Function, image: Path) -> None:
    first = function.handle(plain(image))
    (before,) = function.rows()
    second = function.handle(plain(image))
    (after,) = function.rows()
    assert second["persistence"]["inserted"] is False
    assert second["persistence"]["message"].startswith("unchanged 1 file")
    assert first["persistence"]["file_id"] == second["persistence"]["file_id"]
    assert after["inspection_count"] == 2
    assert after["last_inspected"] > before["last_inspected"]
    audit = {"inspection_count", "last_inspected", "write_id"}
    assert {name for name in after if after[name] != before[name]} <= audit
    assert len(function.rows("parts")) == 1


def test_a_changed_file_replaces_its_rows(function: Function, image: Path) -> None:
    function.handle(plain(image))
    (before,) = function.rows()
    image.write_bytes(simple(8, 8, channels=("Y",)))
    second = function.handle(plain(image))
    (after,) = function.rows()
    assert second["persistence"]["inserted"] is False
    assert second["persistence"]["message"].startswith("replaced 1 file")
    assert (after["file_id"], after["first_seen"]) == (before["file_id"], before["first_seen"])
    assert after["inspection_count"] == 2
    assert [row["width"] for row in function.rows("parts")] == [8]
    assert [row["name"] for row in function.rows("channels")] == ["Y"]


def test_a_file_is_the_same_by_every_way_to_it(
    function: Function, image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(image.parent)
    for path in (image, image.name, f"./{image.name}", f"../{image.parent.name}//{image.name}"):
        function.handle(plain(path))
    (row,) = function.rows()
    assert (row["file_path"], row["inspection_count"]) == (str(image), 4)


def test_the_view_of_openimageio_can_be_left_out_by_the_event(bare: Function, image: Path) -> None:
    assert bare.handle(plain(image))["file"]["openimageio"]["opens"] is True
    assert bare.handle(plain(image, meta="off"))["file"]["openimageio"]["opens"] is None


# --- init and the log -----------------------------------------------------------------------------------


def test_settings_and_store_are_made_once(
    function: Function, image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the first event where `init` was not called, however many come first."""
    made = []

    def counted(*given: Any, **named: Any) -> Runtime:
        made.append(given)
        return make_runtime(*given, **named)

    monkeypatch.setattr(main, "make_runtime", counted)
    with ThreadPoolExecutor(20) as threads:
        list(threads.map(function.handle, [plain(image)] * 40))
    assert len(made) == 1
    assert function.rows()[0]["inspection_count"] == 40


def test_an_event_after_init_makes_nothing_anew(function: Function, image: Path) -> None:
    function.init()
    made = function.runtime
    function.handle(plain(image))
    assert function.runtime is made


def test_a_wrong_setting_is_refused_again_and_again_until_it_is_right(bare: Function, image: Path) -> None:
    bare.set(EXR_INSPECTOR_MAX_PARTS="many")
    for _ in range(2):
        with pytest.raises(exr_inspector.InspectorError, match=r"BAD_SETTING: EXR_INSPECTOR_MAX_PARTS"):
            bare.handle(plain(image))
    bare.set(EXR_INSPECTOR_MAX_PARTS="7")
    assert bare.handle(plain(image))["file"]["status"] == "ok"


def test_the_log_says_what_is_stored_where(function: Function, folder: Path, tmp_path: Path) -> None:
    stereo, gone = folder / "stereo.exr", folder / "gone.exr"
    stereo.write_bytes(stereo_pair())
    function.handle(plain(stereo))
    function.handle(plain(gone))
    store = tmp_path / "rows.duckdb"
    assert function.log == [
        f"Persisting metadata for path={stereo}",
        f"Wrote 1 file, 4 parts, 10 channels to {store}",
        f"Persisting metadata for path={gone}",
        f"Wrote 1 file, 0 parts, 0 channels to {store}",
    ]


# --- the library's front door ---------------------------------------------------------------------------


def test_the_library_gives_the_document_that_the_handler_gives(bare: Function, image: Path) -> None:
    document = bare.handle(plain(image))
    del document["persistence"]
    for path in (image, str(image)):
        assert exr_inspector.inspect(path) == document


def test_the_header_comes_back_from_the_document(folder: Path) -> None:
    path, content = folder / "beauty.exr", layered_beauty()
    path.write_bytes(content)
    document = exr_inspector.inspect(path)
    header = exr_inspector.header_bytes(document)
    assert len(header) == document["file"]["header_bytes"]
    assert content.startswith(header)


def test_the_vectors_are_those_of_the_rows(function: Function, folder: Path) -> None:
    path = folder / "beauty.exr"
    path.write_bytes(layered_beauty())
    document = function.handle(plain(path))
    (row,) = function.rows()
    for name, length in (("metadata_embedding", 384), ("channel_fingerprint", 128)):
        vector = getattr(exr_inspector, name)(document)
        assert (vector.dtype, vector.shape) == (np.float32, (length,))
        assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-6)
        assert row[name] == vector.tolist()


def test_settings_can_be_handed_to_the_library(folder: Path) -> None:
    path = folder / "long.exr"
    path.write_bytes(simple(4, 4, attributes=[attribute("comments", "string", "x" * 5000)]))
    settings = exr_inspector.Settings(max_value_bytes=1024, openimageio=False)
    assert codes(exr_inspector.inspect(path, settings)) == ["LIMIT_EXCEEDED"]
