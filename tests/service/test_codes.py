"""Every code of errors.FAULTS, reached: through the handler where it is about an event, else at its own door.

The tables below are the whole of it; the last test holds them against FAULTS. Permanent faults are
documents, and rows where a file was reached. Transient ones are raised, leave no row, and once their cause
has gone the same event is answered.
"""

from __future__ import annotations

import resource
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from click.testing import CliRunner

import main
from exr_inspector import header_bytes
from exr_inspector.apps.cli import commands
from exr_inspector.catalog.duckdb.store import DuckDBStore
from exr_inspector.catalog.limits import QueryLimits
from exr_inspector.errors import FAULTS, InspectorError
from exr_inspector.exr.chunks import chunk_count
from exr_inspector.exr.header import MAGIC, Header, parse_header
from tests.exrfiles.attributes import Attribute, attribute
from tests.exrfiles.demo import simple, truncated
from tests.exrfiles.parts import scanline
from tests.exrfiles.writer import Part, write
from tests.service.function import BUCKET, Document, Function, codes, created, location, plain
from tests.sources.faults import after, every, status
from tests.sources.server import S3Server
from tests.vast_server.faults import Fault
from tests.vast_server.server import VastServer


def _without(name: str) -> bytes:
    """A file that lacks an attribute."""
    part = scanline({"Y": np.zeros((4, 4), np.float16)})
    kept = tuple(each for each in part.attributes if each.name != name.encode())
    return write(Part(kept, part.chunks))


def _without_table(data: bytes) -> bytes:
    """The file with an offset table of zeros, one entry for every 16 scan lines."""
    header = parse_header(data)
    assert isinstance(header, Header)
    (count,) = (chunk_count(header, part) for part in header.parts)
    assert count is not None
    return data[: header.size] + bytes(8 * count) + data[header.size + 8 * count :]


# --- the file -------------------------------------------------------------------------------------------

# The file's bytes; None for no file. Settings that a case needs stand below.
FILES: dict[str, bytes | None] = {
    "FILE_NOT_FOUND": None,
    "EMPTY_FILE": b"",
    "NOT_AN_EXR": b"\x89PNG\r\n\x1a\n" + bytes(100),
    "UNSUPPORTED_VERSION": MAGIC + struct.pack("<I", 3) + bytes(100),
    "HEADER_TRUNCATED": simple(4, 4)[:100],
    "HEADER_CORRUPT": MAGIC + struct.pack("<I", 2) + b"channels\0chlist\0" + struct.pack("<i", -1),
    "LIMIT_EXCEEDED": simple(4, 4, channels="ABCDE"),
    "REQUIRED_ATTRIBUTE": _without("compression"),
    "BAD_ATTRIBUTE": simple(4, 4, attributes=[Attribute(b"isoSpeed", b"float", b"\0")]),
    "UNKNOWN_CODE": simple(4, 4, attributes=[attribute("compression", "compression", 99)]),
    "CHUNKS_MISSING": truncated(simple(64, 64)),
    "CHUNK_COUNT_MISMATCH": simple(4, 4, attributes=[attribute("chunkCount", "int", 9)]),
    "OFFSET_TABLE_MISSING": truncated(_without_table(simple(64, 64))),
    "OFFSET_TABLE_REBUILT": _without_table(simple(64, 64)),
}
# Faults that leave a file as it is.
HARMLESS = {"BAD_ATTRIBUTE", "CHUNK_COUNT_MISMATCH", "OFFSET_TABLE_REBUILT", "COMPLETENESS_UNKNOWN"}
SETTINGS = {"LIMIT_EXCEEDED": {"EXR_INSPECTOR_MAX_CHANNELS": 4}}


@pytest.mark.parametrize("code", FILES)
def test_a_fault_of_a_file_is_in_its_document_and_its_row(
    function: Function, folder: Path, code: str
) -> None:
    function.set(**SETTINGS.get(code, {}))
    content = FILES[code]
    if content is not None:
        (folder / "a.exr").write_bytes(content)
    _check_permanent(function, plain(folder / "a.exr"), code)


@pytest.mark.parametrize("code", [each for each in FILES if each != "FILE_NOT_FOUND"])
def test_a_fault_of_an_object_is_in_its_document_and_its_row(
    function: Function, s3: S3Server, code: str
) -> None:
    function.set(**SETTINGS.get(code, {}))
    function.read_from(s3)
    key, content = f"codes/{code}.exr", FILES[code]
    if content is not None:
        s3.put(BUCKET, key, content)
    _check_permanent(function, created(key), code)


def test_an_absent_object_has_its_fault_in_the_document_and_no_row(function: Function, s3: S3Server) -> None:
    function.read_from(s3)
    document = function.handle(created("codes/absent.exr"))
    assert (document["file"]["status"], codes(document)) == ("missing", ["FILE_NOT_FOUND"])
    assert document["persistence"]["status"] == "deleted"
    assert function.rows() == []


def test_a_folder_is_not_a_file_and_has_no_row(function: Function, folder: Path) -> None:
    document = function.handle(plain(folder))
    assert (document["file"]["status"], codes(document)) == (None, ["NOT_A_FILE"])
    assert function.rows() == []


LINKS = {"DANGLING_LINK": "absent.exr", "LINK_LOOP": "a.exr"}


@pytest.mark.parametrize("code", LINKS)
def test_a_link_that_leads_nowhere_is_a_missing_file_with_a_row(
    function: Function, folder: Path, code: str
) -> None:
    (folder / "a.exr").symlink_to(LINKS[code])
    document = function.handle(plain(folder / "a.exr"))
    assert (document["file"]["status"], codes(document)) == ("missing", [code])
    assert [row["status"] for row in function.rows()] == ["missing"]


def test_a_table_that_is_too_large_to_read_leaves_completeness_unknown(
    function: Function, folder: Path
) -> None:
    """Three million lines in a sparse file that has room for them."""
    window = attribute("dataWindow", "box2i", (0, 0, 7, 3_000_000))
    with (folder / "a.exr").open("wb") as tall:
        tall.write(simple(4, 4, compression="none", attributes=[window]))
        tall.truncate(1 << 30)
    _check_permanent(function, plain(folder / "a.exr"), "COMPLETENESS_UNKNOWN")


@pytest.mark.parametrize("roots", ["none", "/mnt/renders"])
def test_a_local_path_outside_the_roots_is_refused_and_leaves_no_row(
    function: Function, folder: Path, roots: str
) -> None:
    function.set(EXR_INSPECTOR_LOCAL_ROOTS=roots)
    (folder / "a.exr").write_bytes(simple(4, 4))
    for event in (plain(folder / "a.exr"), plain("/etc/passwd"), plain("/dev/zero")):
        document = function.handle(event)
        assert codes(document) == ["PATH_NOT_ALLOWED"]
        assert not FAULTS["PATH_NOT_ALLOWED"].retry
        assert (document["file"]["status"], document["file"]["size_bytes"]) == (None, None)
        assert document["persistence"]["status"] == "skipped"
    assert function.rows() == []


def test_a_local_path_below_a_root_is_inspected(function: Function, folder: Path) -> None:
    function.set(EXR_INSPECTOR_LOCAL_ROOTS=folder)
    (folder / "a.exr").write_bytes(simple(4, 4))
    assert function.handle(plain(folder / "a.exr"))["file"]["status"] == "ok"


def test_the_environment_of_the_process_is_never_read(function: Function) -> None:
    assert codes(function.handle(plain("/proc/self/environ"))) == ["PATH_NOT_ALLOWED"]
    assert function.rows() == []


def _check_permanent(function: Function, event: Any, code: str) -> None:
    document = function.handle(event)
    fault, (row,) = FAULTS[code], function.rows()
    assert not fault.retry
    assert codes(document) == [code]
    assert document["file"]["status"] == row["status"] == (fault.status or "ok")
    assert (row["error_count"], row["file_path"]) == (1, document["file"]["path"])
    assert f'"code":"{code}"' in row["errors_json"]
    assert document["persistence"]["status"] == "stored"


# --- the event ------------------------------------------------------------------------------------------


def test_an_event_that_names_no_file_is_refused_in_a_document_and_leaves_no_row(function: Function) -> None:
    document = function.handle({"data": {"message": "hello"}})
    assert not FAULTS["BAD_EVENT"].retry
    assert codes(document) == ["BAD_EVENT"]
    assert document["persistence"]["status"] == "skipped"
    assert function.rows() == []


def test_a_name_that_the_store_takes_for_none_is_refused_in_a_document_and_leaves_no_row(
    function: Function, s3: S3Server
) -> None:
    function.read_from(s3)
    for fault in (status(400, "KeyTooLongError"), status(414)):
        s3.plan = every(1, [fault])
        document = function.handle(created("codes/impossible.exr"))
        assert codes(document) == ["BAD_EVENT"]
        assert document["persistence"]["status"] == "skipped"
    assert function.rows() == []


def test_a_wrong_configuration_leaves_the_file_as_it_is(function: Function, folder: Path) -> None:
    (folder / "a.exr").write_bytes(simple(4, 4))
    _check_permanent(function, plain(folder / "a.exr", validate="perhaps"), "BAD_CONFIG")


# --- the world ------------------------------------------------------------------------------------------


class World:
    """What a transient fault happens in, with one healthy object and the event that names it."""

    def __init__(self, function: Function, s3: S3Server, folder: Path) -> None:
        function.read_from(s3)
        self.function, self.s3 = function, s3
        self.database = folder / "world.duckdb"
        function.set(EXR_INSPECTOR_DB=self.database)
        self.key = "codes/healthy.exr"
        s3.put(BUCKET, self.key, simple(4, 4))
        self.event = created(self.key)


@contextmanager
def _store_says(world: World, number: int, code: str) -> Iterator[None]:
    world.s3.plan = every(1, [status(number, code)])
    yield
    world.s3.plan = None


@contextmanager
def _replaced_in_every_reading(world: World) -> Iterator[None]:
    """The header takes two requests; before each second one another version is put in place."""
    versions = [
        simple(4, 4, attributes=[attribute("comments", "string", letter * 100_000)]) for letter in "ab"
    ]
    world.s3.put(BUCKET, world.key, versions[0])
    puts = [after(partial(world.s3.put, BUCKET, world.key, body)) for body in versions[::-1]]
    world.s3.plan = lambda number: None if number % 2 else puts[number // 2 % 2 - 1]
    yield
    world.s3.plan = None


@contextmanager
def _locked_by_another_process(world: World) -> Iterator[None]:
    script = "import sys, duckdb; held = duckdb.connect(sys.argv[1]); print('held', flush=True); input()"
    command = [sys.executable, "-c", script, str(world.database)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        yield
        holder.communicate("\n")


@contextmanager
def _another_writers_table(world: World) -> Iterator[None]:
    with duckdb.connect(str(world.database)) as connection:
        connection.execute("CREATE TABLE files (file_id INTEGER)")
    yield
    world.function.restart()
    with duckdb.connect(str(world.database)) as connection:
        connection.execute("DROP TABLE files")


@contextmanager
def _another_writers_transaction(world: World) -> Iterator[None]:
    """It has deleted the row that the event is about, and has not ended."""
    world.function.handle(world.event)
    world.s3.put(BUCKET, world.key, simple(8, 8))
    with duckdb.connect(str(world.database)) as other:
        other.execute("BEGIN")
        other.execute("DELETE FROM files")
        yield
        other.execute("ROLLBACK")


@contextmanager
def _full_disk(world: World) -> Iterator[None]:
    """The database cannot grow: no file may become larger than its log is now."""
    world.function.init()
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    size = Path(f"{world.database}.wal").stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, unlimited[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)


Trouble = Callable[[World], AbstractContextManager[None]]
TROUBLES: dict[str, Trouble] = {
    "STORAGE_UNAVAILABLE": lambda world: _store_says(world, 503, "SlowDown"),
    "STORAGE_DENIED": lambda world: _store_says(world, 403, "AccessDenied"),
    "STORAGE_REFUSED": lambda world: _store_says(world, 400, "AuthorizationHeaderMalformed"),
    "OBJECT_CHANGED": _replaced_in_every_reading,
    "DATABASE_IN_USE": _locked_by_another_process,
    "DATABASE_CONFLICT": _another_writers_transaction,
    "DATABASE_FULL": _full_disk,
    "TABLE_MISMATCH": _another_writers_table,
}


@pytest.mark.parametrize("code", TROUBLES)
def test_a_fault_of_the_world_is_raised_until_it_has_passed(
    function: Function, s3: S3Server, folder: Path, code: str
) -> None:
    world = World(function, s3, folder)
    assert FAULTS[code].retry
    assert FAULTS[code].status is None
    with TROUBLES[code](world):
        for _ in range(2):
            with pytest.raises(InspectorError) as raised:
                function.handle(world.event)
            assert (raised.value.code, raised.value.retry) == (code, True)
    document = function.handle(world.event)
    assert document["persistence"]["status"] == "stored"
    (row,) = function.rows()
    assert (row["file_path"], row["status"]) == (location(world.key), "ok")
    assert row["inspection_count"] == (2 if code == "DATABASE_CONFLICT" else 1)


# What VAST DataBase answers to every request but those that begin and end a transaction.
VAST_ANSWERS = {
    "DATABASE_UNAVAILABLE": Fault(status=503),
    "DATABASE_DENIED": Fault(status=403),
    "DATABASE_REFUSED": Fault(status=400),
    "DATABASE_CONFLICT": Fault(status=409),
}


@pytest.fixture
def vast(bare: Function) -> Iterator[VastServer]:
    with VastServer() as server:
        bare.set(
            VAST_DB_ENDPOINT=server.endpoint,
            VAST_DB_ACCESS_KEY=server.access_key,
            VAST_DB_SECRET_KEY=server.secret_key,
            VAST_DB_BUCKET=server.bucket,
            VAST_DB_ATTEMPTS=2,
        )
        yield server
        bare.close()


@pytest.mark.parametrize("code", VAST_ANSWERS)
def test_a_fault_of_vast_database_is_raised_until_it_has_passed(
    bare: Function, vast: VastServer, folder: Path, code: str
) -> None:
    """From the first event on, which finds no tables yet: `init` leaves a database that is down to them."""
    (folder / "a.exr").write_bytes(simple(4, 4))
    event = plain(folder / "a.exr")
    vast.faults.every(VAST_ANSWERS[code], on=lambda kind: kind not in ("version", "begin", "rollback"))
    bare.init()
    assert any("The tables are not ready yet" in line for line in bare.log)
    for _ in range(2):
        with pytest.raises(InspectorError) as raised:
            bare.handle(event)
        assert (raised.value.code, raised.value.retry) == (code, True)
    vast.faults.clear()
    document = bare.handle(event)
    assert (document["persistence"]["status"], document["persistence"]["inserted"]) == ("stored", True)
    assert vast.rows("exr_metadata", "files")["status"].to_pylist() == ["ok"]
    assert vast.open_transactions == []


def test_a_bucket_that_is_not_there_is_seen_at_once(bare: Function, vast: VastServer) -> None:
    bare.set(VAST_DB_BUCKET="elsewhere")
    with pytest.raises(InspectorError, match="BAD_SETTING") as raised:
        bare.init()
    assert not raised.value.retry


# --- other doors ----------------------------------------------------------------------------------------


def _init(function: Function) -> None:
    function.set(S3_READ_TIMEOUT="soon")
    function.init()


def _init_without_duckdb(function: Function) -> None:
    function.monkeypatch.setitem(sys.modules, "duckdb", None)
    function.monkeypatch.delitem(sys.modules, "exr_inspector.catalog.duckdb.store")
    function.init()


def _header_of_what_the_handler_returned(function: Function) -> None:
    header_bytes(function.handle(plain("no-such-file.exr")))


def _sql(function: Function) -> None:
    function.handle(plain("no-such-file.exr"))
    function.close()
    database = function.runtime.settings.db_file
    done = CliRunner().invoke(commands, ["sql", "SELECT nothing FROM nowhere", "--db", database])
    assert (done.exit_code, done.stdout) == (2, "")
    code = done.stderr.removeprefix("exr-inspector: ").split(":")[0]
    raise InspectorError(FAULTS[code], "as the command line says")


def _database_of(function: Function) -> Path:
    """The database of a function that was started and is closed again."""
    function.init()
    path = Path(function.runtime.settings.db_file)
    function.close()
    return path


def _init_with_an_absent_folder(function: Function) -> None:
    function.set(EXR_INSPECTOR_DB=_database_of(function).parent / "absent" / "exr.duckdb")
    function.init()


def _init_with_an_image_as_database(function: Function) -> None:
    image = _database_of(function).with_name("beauty.1001.exr")
    image.write_bytes(simple(4, 4))
    function.set(EXR_INSPECTOR_DB=image)
    function.init()


def _long_query(function: Function) -> None:
    store = DuckDBStore(str(_database_of(function)), limits=QueryLimits(seconds=0.1))
    store.query("SELECT count(*) FROM range(100000000000) WHERE range % 7 = 3")


DOORS: dict[str, Callable[[Function], None]] = {
    "BAD_SETTING": _init,
    "NOT_INSTALLED": _init_without_duckdb,
    "NOT_LOSSLESS": _header_of_what_the_handler_returned,
    "BAD_QUERY": _sql,
    "QUERY_LIMIT": _long_query,
    "DATABASE_NOT_FOUND": _init_with_an_absent_folder,
    "NOT_A_DATABASE": _init_with_an_image_as_database,
}


@pytest.mark.parametrize("code", DOORS)
def test_a_fault_that_is_not_about_an_event_is_met_at_its_own_door(function: Function, code: str) -> None:
    with pytest.raises(InspectorError) as raised:
        DOORS[code](function)
    assert (raised.value.code, raised.value.retry) == (code, False)


def test_a_secret_that_cannot_be_read_stops_the_start_until_it_can(function: Function, folder: Path) -> None:
    (folder / "a.exr").write_bytes(simple(4, 4))
    with pytest.raises(InspectorError) as raised:
        main.handler(_Vaulted(), plain(folder / "a.exr"))
    assert (raised.value.code, raised.value.retry) == ("SECRET_UNAVAILABLE", True)
    assert function.handle(plain(folder / "a.exr"))["persistence"]["status"] == "stored"


class _Vaulted:
    """A ctx whose secrets are behind a service that does not answer."""

    @property
    def secrets(self) -> Any:
        raise TimeoutError


# --- all of them ----------------------------------------------------------------------------------------


# Codes that no event reaches: of the embedded store and of the decoder. The tests that do, below `tests`.
ELSEWHERE = {
    "DATABASE_FULL": "apps/cli/test_run.py",
    "DATABASE_NOT_FOUND": "apps/cli/test_run.py",
    "NOT_A_DATABASE": "apps/cli/test_run.py",
    "QUERY_LIMIT": "apps/cli/test_sql.py",
    "BAD_POLICY": "policy/test_load.py",
    "CHUNK_CORRUPT": "pixels/test_stats.py",
    "DECODER_LOST": "pixels/test_stats.py",
    "NO_WORKERS": "apps/index/test_cluster.py",
    "WORKER_LOST": "apps/index/test_pool.py",
    "PIXELS_LIMIT": "pixels/test_stats.py",
    "PIXELS_TIMEOUT": "pixels/test_memory.py",
}


@pytest.mark.parametrize("code", ELSEWHERE)
def test_a_code_that_no_event_reaches_is_reached_elsewhere(code: str) -> None:
    assert code in (Path(__file__).parents[1] / ELSEWHERE[code]).read_text()


def test_every_fault_is_reached_by_a_test() -> None:
    reached = {
        *ELSEWHERE,
        *FILES,
        *LINKS,
        "COMPLETENESS_UNKNOWN",
        "NOT_A_FILE",
        "PATH_NOT_ALLOWED",
        "SECRET_UNAVAILABLE",
        "BAD_EVENT",
        "BAD_CONFIG",
        *TROUBLES,
        *VAST_ANSWERS,
        *DOORS,
    }
    assert reached == set(FAULTS)


def test_what_a_retry_cannot_cure_says_what_becomes_of_the_file() -> None:
    """A fault that is raised has no status, and one of a file has one unless it is harmless."""
    stated = {code for code, fault in FAULTS.items() if fault.status}
    assert stated == {*FILES, *LINKS, "WORKER_LOST"} - HARMLESS


def test_an_elided_document_gives_no_header_back(function: Function, folder: Path) -> None:
    long = attribute("comments", "string", "x" * 200_000)
    (folder / "a.exr").write_bytes(simple(4, 4, attributes=[long]))
    document: Document = function.handle(plain(folder / "a.exr"))
    with pytest.raises(InspectorError, match="NOT_LOSSLESS"):
        header_bytes(document)
