"""Many events: side by side, in batches, several in one, late, twice, and of files that are gone."""

from __future__ import annotations

import json
import random
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import duckdb
import pytest

from exr_inspector.document.truncate import MAX_ANSWER
from exr_inspector.errors import InspectorError
from exr_inspector.location import Location
from exr_inspector.parallel import MAX_THREADS
from exr_inspector.pipeline import Runtime, inspect_many, request_for
from exr_inspector.sources.local import LocalFile
from tests.exrfiles.demo import layered_beauty, simple, stereo_pair
from tests.service.function import (
    BUCKET,
    Function,
    codes,
    created,
    created_all,
    location,
    plain,
    removed,
)
from tests.sources.faults import after, at_random, cut, every, reset, status
from tests.sources.server import S3Server

TABLES = ("files", "parts", "channels", "attributes")


def _counts(function: Function) -> dict[str, int]:
    return {table: len(function.rows(table)) for table in TABLES}


# --- side by side ---------------------------------------------------------------------------------------


def test_200_events_on_20_threads_leave_exactly_the_right_rows(
    function: Function, s3: S3Server, folder: Path
) -> None:
    """Twenty objects and twenty local files, five deliveries of each, in any order; S3 fails now and then."""
    function.read_from(s3)
    bodies = [simple(8, 8), stereo_pair(), b"", b"not an image", simple(16, 4, channels=("Y", "Z"))]
    events = []
    for number in range(20):
        body = bodies[number % len(bodies)]
        s3.put(BUCKET, f"crowd/{number:02}.exr", body)
        (folder / f"{number:02}.exr").write_bytes(body)
        events += [created(f"crowd/{number:02}.exr", size=len(body)), plain(folder / f"{number:02}.exr")] * 5
    random.Random(1).shuffle(events)
    s3.plan = at_random(0.1, [status(503), reset, cut], seed=2)
    documents, redeliveries = _delivered(function, events)

    rows = function.rows()
    paths = [str(folder / f"{number:02}.exr") for number in range(20)]
    paths += [location(f"crowd/{number:02}.exr") for number in range(20)]
    assert [row["file_path"] for row in rows] == sorted(paths)
    assert Counter(row["status"] for row in rows) == {"ok": 24, "incomplete": 8, "unsupported": 8}
    # The look at an object after the commit can fail too; its event is then inspected once more.
    assert 200 <= sum(row["inspection_count"] for row in rows) <= 200 + redeliveries
    assert min(row["inspection_count"] for row in rows) == 5
    inserted = sum(document["persistence"]["inserted"] for document in documents)
    assert 40 - redeliveries <= inserted <= 40
    one_of_each = {document["file"]["path"]: document for document in documents}.values()
    assert _counts(function) == {
        "files": 40,
        "parts": sum(len(each["parts"]) for each in one_of_each),
        "channels": sum(len(each["channels"]) for each in one_of_each),
        "attributes": sum(len(part["attributes"]) for each in one_of_each for part in each["parts"]),
    }


def _delivered(function: Function, events: list[Any]) -> tuple[list[dict[str, Any]], int]:
    """Deliver each event until it is answered, twenty at a time; return the answers and the redeliveries."""
    failures: list[InspectorError] = []

    def deliver(event: Any) -> dict[str, Any]:
        while True:
            try:
                return function.call(event)
            except InspectorError as error:
                if not error.retry:
                    raise
                failures.append(error)

    with ThreadPoolExecutor(20) as threads:
        return list(threads.map(deliver, events)), len(failures)


def test_the_same_file_in_20_threads_is_inserted_once(function: Function, folder: Path) -> None:
    (folder / "a.exr").write_bytes(layered_beauty())
    documents, _ = _delivered(function, [plain(folder / "a.exr")] * 40)
    (row,) = function.rows()
    assert row["inspection_count"] == 40
    assert sum(document["persistence"]["inserted"] for document in documents) == 1
    assert [each for each in documents if each["file"] != documents[0]["file"]] == []
    assert len(function.rows("channels")) == len(documents[0]["channels"])


# --- batches --------------------------------------------------------------------------------------------


def test_a_batch_gives_an_answer_to_each_event_in_order(function: Function, folder: Path) -> None:
    """A bad file, a bad event and a file that comes twice spoil nothing."""
    (folder / "a.exr").write_bytes(simple(4, 4))
    (folder / "b.exr").write_bytes(b"not an image")
    paths = [folder / name for name in ("a.exr", "b.exr", "absent.exr", "a.exr")]
    events: list[Any] = [*map(plain, paths), {"data": {"path": ""}}, _Unreadable()]
    answers = function.handle_batch(events)
    assert [answer["file"]["path"] for answer in answers] == [*map(str, paths), "", ""]
    assert [answer["file"]["status"] for answer in answers] == [
        *("ok", "unsupported", "missing", "ok"),
        *(None, None),
    ]
    assert [codes(answer) for answer in answers[4:]] == [["BAD_EVENT"], ["BAD_EVENT"]]
    assert [answer["persistence"]["status"] for answer in answers] == ["stored"] * 4 + ["skipped"] * 2
    assert {Path(row["file_path"]).name: row["status"] for row in function.rows()} == {
        "a.exr": "ok",
        "absent.exr": "missing",
        "b.exr": "unsupported",
    }


class _Unreadable:
    """An event object of which nothing can be had."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)

    def get_data(self) -> Any:
        raise RuntimeError("no payload")


@pytest.mark.parametrize("sequencer", ["\ud800", "0" * 200_000, "00 41", 41])
def test_a_sequencer_that_is_none_breaks_no_row_and_no_answer(
    function: Function, s3: S3Server, sequencer: Any
) -> None:
    function.read_from(s3)
    s3.put(BUCKET, "unfit.exr", simple(4, 4))
    event = created("unfit.exr", sequencer=sequencer, eTag=sequencer)
    event["data"]["Records"][0]["eventTime"] = sequencer
    s3.put(BUCKET, "other.exr", simple(4, 4))
    first, second = function.handle_batch([event, created("other.exr")])
    assert first["file"]["sequencer"] is None
    assert len(json.dumps(first)) < MAX_ANSWER
    assert [each["persistence"]["status"] for each in (first, second)] == ["stored", "stored"]


def test_a_batch_of_nothing_is_answered_by_nothing(function: Function) -> None:
    assert function.handle_batch([]) == []


def test_the_files_of_a_batch_are_read_side_by_side(function: Function, s3: S3Server) -> None:
    """Every request waits until the others have come too; were they read in turn, none would be answered."""
    function.read_from(s3)
    keys = [f"beside/{number}.exr" for number in range(MAX_THREADS)]
    for key in keys:
        s3.put(BUCKET, key, simple(4, 4))
    everyone = threading.Barrier(MAX_THREADS, timeout=20)
    s3.faults.extend([after(everyone.wait)] * MAX_THREADS)
    answers = function.handle_batch([created(key) for key in keys])
    assert [answer["file"]["status"] for answer in answers] == ["ok"] * MAX_THREADS
    assert [each.method for each in s3.seen] == ["GET"] * MAX_THREADS + ["HEAD"] * MAX_THREADS


def test_local_files_of_a_batch_are_read_in_the_callers_thread(folder: Path) -> None:
    """Reading them is work of the processor, which threads only make slower."""
    threads = set()

    def open_source(place: Location) -> LocalFile:
        threads.add(threading.current_thread())
        return LocalFile(place.path)

    for name in "abc":
        (folder / f"{name}.exr").write_bytes(simple(4, 4))
    runtime = Runtime(open_source=open_source)
    requests = [request_for(folder / f"{name}.exr", runtime.settings) for name in "abc"]
    assert [each["file"]["status"] for each in inspect_many(requests, runtime)] == ["ok"] * 3
    assert threads == {threading.current_thread()}


def test_a_batch_is_stored_in_one_transaction(function: Function, folder: Path) -> None:
    for name in "abcdef":
        (folder / f"{name}.exr").write_bytes(simple(4, 4))
    function.handle_batch([plain(folder / f"{name}.exr") for name in "abcdef"])
    assert len(function.rows()) == 6
    assert len({row["last_inspected"] for row in function.rows()}) == 1
    assert [line for line in function.log if line.startswith("Wrote")] == [
        f"Wrote 6 files, 6 parts, 18 channels to {function.runtime.settings.db_file}"
    ]


def test_a_transient_fault_raises_for_the_whole_batch_and_nothing_is_half_written(
    function: Function, s3: S3Server, folder: Path
) -> None:
    function.read_from(s3)
    (folder / "a.exr").write_bytes(simple(4, 4))
    s3.put(BUCKET, "batch.exr", simple(4, 4))
    events = [plain(folder / "a.exr"), created("batch.exr"), plain(folder / "absent.exr")]
    s3.plan = every(1, [status(503)])
    with pytest.raises(InspectorError, match="STORAGE_UNAVAILABLE"):
        function.handle_batch(events)
    assert _counts(function) == dict.fromkeys(TABLES, 0)
    s3.plan = None
    answers = function.handle_batch(events)
    assert [answer["persistence"]["inserted"] for answer in answers] == [True] * 3
    assert {row["inspection_count"] for row in function.rows()} == {1}


def test_a_fault_of_the_database_in_the_middle_of_a_batch_leaves_all_as_it_was(
    function: Function, folder: Path
) -> None:
    """Another writer holds a row that the batch replaces, behind others that it inserts."""
    names = ["held", *"abc"]
    for name in names:
        (folder / f"{name}.exr").write_bytes(simple(4, 4))
    function.handle(plain(folder / "held.exr"))
    (folder / "held.exr").write_bytes(simple(8, 8))
    before = [function.rows(table) for table in TABLES]
    with duckdb.connect(function.runtime.settings.db_file) as other:
        other.execute("BEGIN")
        other.execute("DELETE FROM attributes")
        with pytest.raises(InspectorError, match="DATABASE_CONFLICT"):
            function.handle_batch([plain(folder / f"{name}.exr") for name in names])
        other.execute("ROLLBACK")
    assert [function.rows(table) for table in TABLES] == before


def test_a_fault_in_the_deletion_of_a_batch_leaves_what_it_inserts_unwritten_too(
    function: Function, s3: S3Server, folder: Path
) -> None:
    function.read_from(s3)
    (folder / "a.exr").write_bytes(simple(4, 4))
    s3.put(BUCKET, "batch/gone.exr", simple(4, 4))
    function.handle(created("batch/gone.exr"))
    s3.delete(BUCKET, "batch/gone.exr")
    before = [function.rows(table) for table in TABLES]
    with duckdb.connect(function.runtime.settings.db_file) as other:
        other.execute("BEGIN")
        other.execute("DELETE FROM files")
        with pytest.raises(InspectorError, match="DATABASE_CONFLICT"):
            function.handle_batch([plain(folder / "a.exr"), removed("batch/gone.exr")])
        other.execute("ROLLBACK")
    assert [function.rows(table) for table in TABLES] == before


# --- several records in one event -----------------------------------------------------------------------


def test_an_event_of_several_records_is_answered_by_several_documents(
    function: Function, s3: S3Server
) -> None:
    function.read_from(s3)
    s3.put(BUCKET, "many/a.exr", simple(4, 4))
    s3.put(BUCKET, "many/b.exr", b"not an image")
    keys = ["many/a.exr", "many/b.exr", "many/readme.txt", "many/absent.exr"]
    documents = function.handle(created_all(*keys))["documents"]
    assert [each["file"]["path"] for each in documents] == [location(key) for key in keys]
    assert [each["file"]["status"] for each in documents] == ["ok", "unsupported", None, "missing"]
    assert [each["persistence"]["status"] for each in documents] == ["stored", "stored", "ignored", "deleted"]
    assert len(function.rows()) == 2
    assert function.handle_batch([created_all(*keys), created(keys[0])])[0].keys() == {"documents"}


def test_a_record_that_is_refused_spoils_none_of_the_others(function: Function, s3: S3Server) -> None:
    function.read_from(s3)
    for key in ("record/a.exr", "record/b.exr"):
        s3.put(BUCKET, key, simple(4, 4))
    event = created_all("record/a.exr", "dir/./x.exr", "dir/./x.txt", "record/b.exr")
    event["data"]["Records"].insert(1, {"eventName": "ObjectCreated:Put"})
    documents = function.handle(event)["documents"]
    assert [codes(each) for each in documents] == [[], ["BAD_EVENT"], ["BAD_EVENT"], [], []]
    statuses = ["stored", "skipped", "skipped", "ignored", "stored"]
    assert [each["persistence"]["status"] for each in documents] == statuses
    assert [row["file_path"] for row in function.rows()] == [
        location("record/a.exr"),
        location("record/b.exr"),
    ]


# --- removed, late, twice, overwritten ------------------------------------------------------------------


def test_a_removed_object_takes_its_rows_with_it(function: Function, s3: S3Server) -> None:
    function.read_from(s3)
    for key in ("gone.exr", "kept.exr"):
        s3.put(BUCKET, key, simple(4, 4))
        function.handle(created(key))
    s3.delete(BUCKET, "gone.exr")
    document = function.handle(removed("gone.exr"))
    assert document["persistence"]["status"] == "deleted"
    assert document["file"]["status"] == "missing"
    for table in TABLES:
        assert {row["file_path"] for row in function.rows(table)} == {location("kept.exr")}


def test_an_object_that_is_there_again_keeps_its_rows(function: Function, s3: S3Server) -> None:
    """The event of its removal comes after it was created again."""
    function.read_from(s3)
    s3.put(BUCKET, "again.exr", simple(4, 4))
    function.handle(created("again.exr"))
    document = function.handle(removed("again.exr"))
    assert (document["file"]["status"], document["persistence"]["status"]) == ("ok", "stored")
    assert [row["inspection_count"] for row in function.rows()] == [2]


def test_a_removal_that_is_delivered_twice_or_of_an_unknown_object_is_acknowledged(
    function: Function, s3: S3Server
) -> None:
    function.read_from(s3)
    for _ in range(2):
        assert function.handle(removed("never.exr"))["persistence"]["status"] == "deleted"
    assert function.rows() == []


@pytest.mark.parametrize("name", ["take 1.exr", "a+b.exr", "größe.exr"])
def test_a_removal_is_understood_in_every_encoding_of_the_key(
    function: Function, s3: S3Server, name: str
) -> None:
    function.read_from(s3)
    for encode in (str, quote, quote_plus):
        s3.put(BUCKET, name, simple(4, 4))
        function.handle(plain(location(name)))
        assert len(function.rows()) == 1
        s3.delete(BUCKET, name)
        function.handle(removed(encode(name)))
        assert function.rows() == []


def test_a_creation_delivered_after_the_removal_leaves_no_row(function: Function, s3: S3Server) -> None:
    function.read_from(s3)
    s3.put(BUCKET, "late.exr", simple(4, 4))
    function.handle(created("late.exr"))
    s3.delete(BUCKET, "late.exr")
    function.handle(removed("late.exr"))
    function.handle(created("late.exr"))
    assert _counts(function) == {"files": 0, "parts": 0, "channels": 0, "attributes": 0}
    s3.put(BUCKET, "late.exr", simple(4, 4))
    function.handle(created("late.exr"))
    assert [row["status"] for row in function.rows()] == ["ok"]


def test_an_overwritten_object_replaces_its_rows_whatever_its_events_say(
    function: Function, s3: S3Server
) -> None:
    """Both events come after the second version was put; the store holds what lies there."""
    function.read_from(s3)
    first = s3.put(BUCKET, "over.exr", simple(4, 4))
    function.handle(created("over.exr", eTag=first, sequencer="0041"))
    second = s3.put(BUCKET, "over.exr", simple(8, 8))
    function.handle(created("over.exr", eTag=second, sequencer="0042"))
    late = function.handle(created("over.exr", eTag=first, sequencer="0041"))
    (row,) = function.rows()
    assert (row["etag"], row["sequencer"], row["inspection_count"]) == (second, "0042", 3)
    assert [part["width"] for part in function.rows("parts")] == [8]
    assert late["persistence"]["message"].startswith("unchanged")


def test_events_of_creation_and_removal_in_any_order_end_in_what_is_there(
    function: Function, s3: S3Server
) -> None:
    function.read_from(s3)
    s3.put(BUCKET, "there.exr", simple(4, 4))
    both = [event for key in ("there.exr", "not-there.exr") for event in (created(key), removed(key))]
    for seed in range(6):
        random.Random(seed).shuffle(both)
        function.handle_batch(both)
    function.handle(removed("not-there.exr"))
    assert [row["file_path"] for row in function.rows()] == [location("there.exr")]


def test_what_is_no_exr_by_name_is_acknowledged_without_a_request(function: Function, s3: S3Server) -> None:
    function.read_from(s3)
    for event in (created("notes.txt"), removed("notes.txt")):
        document = function.handle(event)
        assert (document["persistence"]["status"], document["errors"]) == ("ignored", [])
    assert (s3.seen, function.rows()) == ([], [])


def test_a_removed_file_of_this_machine_takes_its_rows_with_it_whatever_its_name(
    function: Function, folder: Path
) -> None:
    path = folder / "caf\udce9.exr"
    path.write_bytes(simple(4, 4))
    function.handle(plain(path))
    path.unlink()
    function.handle({"type": "vastdata.com:Element.ElementDeleted", "specversion": "1.0", **plain(path)})
    assert function.rows() == []
