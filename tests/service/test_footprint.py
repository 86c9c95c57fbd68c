"""What an event costs: requests, transferred bytes, memory, the size of the answer, and files left behind."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from exr_inspector.document.truncate import truncate
from exr_inspector.exr.header import Header, parse_header
from exr_inspector.settings import KIB, MIB
from tests.exrfiles.attributes import Attribute, attribute
from tests.exrfiles.demo import layered_beauty, simple, stereo_pair
from tests.service.function import BUCKET, Document, Function, check, codes, created, created_all, plain
from tests.sources.server import KEYS, S3Server

LIMIT = 100_000
REPOSITORY = Path(__file__).parents[2]
FOLDER = REPOSITORY / "functions" / "exr_inspector"

MEMORY_FILES = "/dev/shm/exr-inspector-"

MANIFEST = attribute("cryptomatte/8ab3c7d/manifest", "string", "m" * 5_000_000)


# --- requests and bytes ---------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [layered_beauty(), simple(4, 4), b"not an image" * 10_000])
def test_an_ordinary_header_costs_one_get_of_64_kib(bare: Function, s3: S3Server, content: bytes) -> None:
    bare.read_from(s3)
    s3.put(BUCKET, "cost/ordinary.exr", content)
    bare.handle(created("cost/ordinary.exr", size=len(content)))
    (request,) = s3.seen
    assert (request.method, request.range) == ("GET", "bytes=0-65535")
    assert request.body == min(len(content), 64 * KIB)
    assert s3.sent < 64 * KIB + KIB


def test_a_manifest_of_5_mb_costs_at_most_3_gets_and_twice_the_header(bare: Function, s3: S3Server) -> None:
    bare.read_from(s3)
    content = simple(4, 4, attributes=[MANIFEST]) + bytes(8 * MIB)
    s3.put(BUCKET, "cost/manifest.exr", content)
    document = bare.handle(created("cost/manifest.exr", size=len(content)))
    assert document["file"]["header_bytes"] > 5_000_000
    assert len(s3.seen) <= 3
    assert sum(request.body for request in s3.seen) <= 2 * document["file"]["header_bytes"]


@pytest.mark.parametrize(("size", "requests"), [(64 * KIB, 1), (64 * KIB + 1, 2)])
def test_a_header_of_64_kib_costs_one_get_and_a_longer_one_two(
    bare: Function, s3: S3Server, size: int, requests: int
) -> None:
    bare.read_from(s3)
    empty = _header_size(bare, s3, b"")
    assert _header_size(bare, s3, b"x" * (size - empty)) == size
    assert len(s3.seen) == requests
    assert sum(request.body for request in s3.seen) <= 2 * size


def _header_size(function: Function, s3: S3Server, comments: bytes) -> int:
    content = simple(4, 4, attributes=[attribute("comments", "string", comments)]) + bytes(MIB)
    s3.put(BUCKET, "cost/edge.exr", content)
    s3.forget()
    size: int = function.handle(created("cost/edge.exr"))["file"]["header_bytes"]
    return size


LARGE = simple(256, 256, compression="none")


def _without_table(content: bytes, chunks: int = 256) -> bytes:
    header = parse_header(content)
    assert isinstance(header, Header)
    return content[: header.size] + bytes(8 * chunks) + content[header.size + 8 * chunks :]


@pytest.mark.parametrize("content", [LARGE, _without_table(LARGE), LARGE[:-1], LARGE[:100_000]])
def test_completeness_costs_no_second_get_of_an_object(bare: Function, s3: S3Server, content: bytes) -> None:
    """Whatever is wrong with it: the first read holds the table, and no chunk behind it is asked for."""
    bare.read_from(s3)
    s3.put(BUCKET, "cost/large.exr", content)
    bare.handle(created("cost/large.exr", size=len(content)))
    assert [request.method for request in s3.seen] == ["GET"]


def test_chunks_of_an_object_without_table_are_counted_if_that_is_wanted(
    bare: Function, s3: S3Server
) -> None:
    """One GET per chunk behind the first read; by default they are not asked for, and may be intact."""
    bare.read_from(s3)
    content = _without_table(LARGE)
    s3.put(BUCKET, "cost/large.exr", content)
    found = bare.handle(created("cost/large.exr"))
    assert (found["file"]["status"], found["file"]["complete"]) == ("incomplete", None)
    assert found["errors"][0]["message"] == "the offset table is missing; the chunks may be intact"
    bare.restart()
    bare.set(EXR_INSPECTOR_COMPLETENESS="always")
    found = bare.handle(created("cost/large.exr"))
    assert (found["file"]["status"], found["file"]["complete"]) == ("ok", True)
    assert found["file"]["chunks_present"] == found["file"]["chunks_promised"] == 256
    assert len(s3.seen) < 2 + 256


def test_more_than_256_chunks_are_counted_in_a_local_file_only(
    bare: Function, s3: S3Server, tmp_path: Path
) -> None:
    """A chunk costs a request of a store, and a system call of a file."""
    bare.read_from(s3)
    bare.set(EXR_INSPECTOR_COMPLETENESS="always")
    content = _without_table(simple(256, 257, compression="none"), 257)
    s3.put(BUCKET, "cost/longer.exr", content)
    (tmp_path / "longer.exr").write_bytes(content)
    remote, local = bare.handle(created("cost/longer.exr")), bare.handle(plain(tmp_path / "longer.exr"))
    assert (remote["file"]["complete"], remote["file"]["chunks_present"]) == (None, None)
    assert len(s3.seen) < 2 + 256
    assert (local["file"]["complete"], local["file"]["chunks_present"]) == (True, 257)


def test_an_absent_object_costs_one_request_for_each_reading_of_its_key(bare: Function, s3: S3Server) -> None:
    bare.read_from(s3)
    bare.handle(created("cost/absent.exr"))
    assert [request.method for request in s3.seen] == ["GET"]
    s3.forget()
    bare.handle(created("cost/ab+s%20ent.exr"))
    assert len(s3.seen) == 3


# --- memory ---------------------------------------------------------------------------------------------

# The growth of the largest resident memory in KiB, from the first object to the last one.
_MEASURE = """
import json, resource, sys, main
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
first, *others = [json.loads(line) for line in sys.stdin]
main.handler(None, first)
before = peak()
found = [main.handler(None, event)["file"] for event in others]
print(json.dumps([peak() - before, [[each["status"], each["size_bytes"]] for each in found]]))
"""


def test_an_object_of_2_gb_takes_less_than_20_mib_of_memory(s3: S3Server) -> None:
    """Measure three objects: with an ordinary header, with a header without an end, and of zeros."""
    s3.put(BUCKET, "cost/first.exr", layered_beauty())
    endless = layered_beauty()[:8] + b"comments\0string\0" + (2_000_000_000).to_bytes(4, "little")
    for name, head in (("huge", layered_beauty()), ("endless", endless), ("zeros", b"")):
        s3.announce(BUCKET, f"cost/{name}.exr", head, 2 << 30)
    events = [created(f"cost/{name}.exr") for name in ("first", "huge", "endless", "zeros")]
    growth, found = json.loads(_run(_MEASURE, s3, "\n".join(map(json.dumps, events))))
    assert found == [["ok", 2 << 30], ["unsupported", 2 << 30], ["unsupported", 2 << 30]]
    assert growth < 20 * KIB
    assert len(s3.seen) == 4


def _run(script: str, s3: S3Server, events: str, folder: Path = FOLDER, **environment: str) -> str:
    """Return the output of a script that runs in a folder, with these events as its input."""
    reached = {"S3_ENDPOINT": s3.url, "S3_ACCESS_KEY": KEYS["s3_access_key"]}
    reached |= {"S3_SECRET_KEY": KEYS["s3_secret_key"], "PYTHONPATH": str(FOLDER)}
    done = subprocess.run(
        [sys.executable, "-B", "-c", script],
        cwd=folder,
        env={"PATH": os.environ["PATH"], **reached, **environment},
        input=events,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


# --- the answer -----------------------------------------------------------------------------------------


def _size(answer: Any) -> int:
    """Return the size as JSON in its longest usual form, that of json.dumps."""
    return len(json.dumps(answer))


@pytest.mark.parametrize(
    "attributes",
    [
        [MANIFEST],
        [attribute("comments", "string", "東" * 30_000)],
        [attribute(f"note{number}", "string", "x" * 900) for number in range(200)],
        [attribute(f"number{number}", "int", number) for number in range(5000)],
        [attribute("names", "stringvector", ["x" * 100] * 5000)],
        [attribute("curve", "floatvector", [0.1] * 50_000)],
        [Attribute(b"odd", b"nothingKnown", bytes(500_000))],
        [Attribute(b"broken%d" % number, b"int", b"") for number in range(2000)],
        [attribute("comments", "string", b"\xe9" * 100_000)],
    ],
    ids=["5 MB", "unicode", "many", "very many", "strings", "floats", "unknown", "broken", "latin-1"],
)
def test_an_answer_stays_below_100_kb(bare: Function, folder: Path, attributes: list[Attribute]) -> None:
    (folder / "a.exr").write_bytes(simple(4, 4, attributes=attributes))
    document = bare.handle(plain(folder / "a.exr"))
    assert _size(document) <= LIMIT
    assert document["file"]["path"] == str(folder / "a.exr")
    assert document["file"]["status"] in ("ok", "corrupt")
    assert document["persistence"]["status"] == "skipped"


def test_only_large_values_are_elided(bare: Function, folder: Path) -> None:
    owner = attribute("owner", "string", "Example Pictures")
    (folder / "a.exr").write_bytes(simple(4, 4, attributes=[MANIFEST, owner]))
    document = bare.handle(plain(folder / "a.exr"))
    values = {each["name"]: each["value"] for each in document["parts"][0]["attributes"]}
    assert values["owner"] == "Example Pictures"
    assert values["cryptomatte/8ab3c7d/manifest"]["elided"]["size_bytes"] == 5_000_002
    assert len(document["channels"]) == 3


def test_a_small_answer_is_complete(bare: Function, folder: Path) -> None:
    (folder / "a.exr").write_bytes(stereo_pair())
    assert "elided" not in json.dumps(bare.handle(plain(folder / "a.exr")))


def test_the_rows_keep_what_the_answer_elides(function: Function, folder: Path) -> None:
    notes = [attribute(f"note{number}", "string", "x" * 900) for number in range(200)]
    (folder / "a.exr").write_bytes(simple(4, 4, attributes=notes))
    function.handle(plain(folder / "a.exr"))
    rows = [row for row in function.rows("attributes") if row["attr_name"].startswith("note")]
    assert [row["value_text"] for row in rows] == ["x" * 900] * 200


@pytest.mark.parametrize("records", [3, 30, 150])
def test_an_answer_of_several_documents_stays_below_100_kb_too(
    bare: Function, s3: S3Server, records: int
) -> None:
    bare.read_from(s3)
    s3.put(BUCKET, "cost/many.exr", layered_beauty())
    answer = bare.call(created_all(*["cost/many.exr"] * records))
    assert _size(answer) <= LIMIT
    if records < 100:
        check(answer)
        assert [each["file"]["status"] for each in answer["documents"]] == ["ok"] * records


def test_the_largest_values_are_elided_first_and_no_more_than_needed(bare: Function, folder: Path) -> None:
    sizes = {"a": 2000, "b": 8000, "c": 4000}
    long = [attribute(name, "string", name * size) for name, size in sizes.items()]
    (folder / "a.exr").write_bytes(simple(4, 4, attributes=long))
    document: Document = bare.handle(plain(folder / "a.exr"))
    for limit, left in ((_size(document), "abc"), (_size(document) - 1, "ac"), (8000, "a")):
        small = truncate(document, limit)
        values = {each["name"]: each["value"] for each in small["parts"][0]["attributes"]}
        assert "".join(name for name in "abc" if isinstance(values[name], str)) == left
        assert _size(small) <= limit
    assert codes(truncate(document, 2000)) == []


# --- files left behind ----------------------------------------------------------------------------------

# Prints every path that Python opens to write, makes or renames while it handles events.
_WATCH = """
import os, sys, json, main
events = [json.loads(line) for line in sys.stdin]
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
found = []
def watch(name, given):
    if name == "open" and (given[2] or 0) & WRITING:
        found.append(str(given[0]))
    if name in ("os.mkdir", "os.mkfifo"):
        found.append(str(given[0]))
    if name in ("os.rename", "os.symlink", "os.link"):
        found.append(str(given[1]))
sys.addaudithook(watch)
answers = [main.handler(None, event) for event in events] + main.batch_handler(None, events)
print(json.dumps([found, [answer["file"]["status"] for answer in answers]]))
"""


def test_only_temporary_files_are_written_and_none_is_left(
    s3: S3Server, folder: Path, tmp_path: Path
) -> None:
    """No file is written beside the images, in the working folder, or in the home folder."""
    s3.put(BUCKET, "cost/trace.exr", layered_beauty())
    (folder / "a.exr").write_bytes(stereo_pair())
    (folder / "refused.exr").write_bytes(
        simple(4, 4, attributes=[attribute("compression", "compression", 99)])
    )
    (folder / "b.exr").write_bytes(b"not an image")
    places = {name: tmp_path / name for name in ("home", "temporary", "work")}
    for place in places.values():
        place.mkdir()
    workspace = shutil.copytree(FOLDER, tmp_path / "workspace", ignore=shutil.ignore_patterns("__pycache__"))
    paths = [folder / name for name in ("a.exr", "refused.exr", "b.exr", "absent.exr")]
    events = [created("cost/trace.exr"), *map(plain, paths)]
    images, code = _tree(folder), _tree(workspace)
    answer = _run(
        _WATCH,
        s3,
        "\n".join(map(json.dumps, events)),
        places["work"],
        HOME=str(places["home"]),
        TMPDIR=str(places["temporary"]),
        PYTHONPATH=str(workspace),
    )
    written, statuses = json.loads(answer)
    assert statuses == ["ok", "ok", "unsupported", "unsupported", "missing"] * 2
    assert [path for path in written if not _is_temporary(path, places["temporary"])] == []
    assert {name: _tree(place) for name, place in places.items()} == {name: {} for name in places}
    assert [path for path in written if path.startswith(MEMORY_FILES) and Path(path).exists()] == []
    assert (_tree(folder), _tree(workspace)) == (images, code)


def _is_temporary(path: str, folder: Path) -> bool:
    return path.startswith(MEMORY_FILES) or path == os.devnull or folder in Path(path).parents


def _tree(folder: Path) -> dict[str, tuple[int, int]]:
    """Return every file below a folder with its size and time."""
    return {
        str(path): (path.stat().st_size, path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file()
    }
