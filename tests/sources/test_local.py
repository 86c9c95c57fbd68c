"""Where bytes come from: local files, and how few pieces of them are asked for."""

from __future__ import annotations

import os
import stat
import struct
import sys
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

import pytest

from exr_inspector import errors
from exr_inspector.errors import Fault, InspectorError
from exr_inspector.exr.header import Header
from exr_inspector.exr.limits import Limits
from exr_inspector.location import is_object
from exr_inspector.mounts import file_system
from exr_inspector.settings import MIB
from exr_inspector.sources.local import LocalFile, signed
from exr_inspector.sources.protocol import Stat
from exr_inspector.sources.read_ahead import ReadAhead
from exr_inspector.version_reader import FIRST_READ, read_header
from tests.exr.headers import REQUIRED, parsed, plain
from tests.exrfiles.attributes import Attribute, attribute


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "file.exr"
    found.write_bytes(plain().data + bytes(1000))
    return found


def refusal(path: str | Path) -> InspectorError:
    """Why a path cannot be read: the same whether bytes or facts are asked for."""
    with pytest.raises(InspectorError) as read:
        LocalFile(path).read(0, 8)
    with pytest.raises(InspectorError) as asked:
        LocalFile(path).stat()
    assert read.value.entry() == asked.value.entry()
    return read.value


# --- local files ----------------------------------------------------------------------------------------


def test_bytes_are_those_of_the_file_and_end_with_it(path: Path) -> None:
    source, data = LocalFile(path), path.read_bytes()
    assert source.read(0, 8) == data[:8]
    assert source.read(100, 50) == data[100:150]
    assert source.read(len(data) - 5, 50) == data[-5:]
    assert source.read(len(data), 50) == source.read(1 << 40, 50) == source.read(0, 0) == b""


def test_facts_are_those_of_the_file(path: Path) -> None:
    os.utime(path, ns=(0, 1_790_846_130_123_456_789))
    moment = datetime(2026, 10, 1, 9, 15, 30, 123456, tzinfo=timezone.utc)
    stat, found = LocalFile(path).stat(), path.stat()
    assert (stat.size, stat.mtime, stat.etag, stat.inode) == (found.st_size, moment, None, found.st_ino)
    assert stat.ctime
    assert abs(stat.ctime.timestamp() - found.st_ctime) < 0.001
    assert stat.device == file_system(found.st_dev, str(path))


def test_a_file_system_is_named_by_what_is_mounted() -> None:
    if sys.platform != "linux":
        pytest.skip("only Linux says what is mounted")
    assert file_system(Path("/proc/self").stat().st_dev, "/proc/self").startswith("proc ")


def test_an_inode_above_63_bits_becomes_negative() -> None:
    assert (signed(7), signed(2**64 - 1)) == (7, -1)


@pytest.mark.parametrize("seconds", [0, -1, -(2**31), 2**31, 2**33])
def test_any_time_that_a_file_system_holds_is_told(seconds: int, path: Path) -> None:
    os.utime(path, ns=(0, seconds * 10**9))
    held = path.stat().st_mtime_ns
    assert round(LocalFile(path).stat().mtime.timestamp()) == held // 10**9


@pytest.mark.parametrize("sign", [1, -1])
def test_a_time_that_no_calendar_has_is_told_as_the_last_or_first_there_is(
    sign: int, monkeypatch: pytest.MonkeyPatch, path: Path
) -> None:
    """Few file systems hold times beyond the year 9999, so that the system's answer is made up."""
    real = os.fstat
    monkeypatch.setattr(os, "fstat", lambda descriptor: _dated(real(descriptor), sign * 10**12))
    assert LocalFile(path).stat().mtime.year == (9999 if sign > 0 else 1)


def _dated(found: os.stat_result, seconds: int) -> os.stat_result:
    fields = list(found)
    fields[8] = seconds
    times = {"st_mtime_ns": seconds * 10**9, "st_ctime_ns": found.st_ctime_ns}
    return os.stat_result(fields, times)


def test_a_relative_path_has_an_absolute_location(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    assert LocalFile("sub/../file.exr").location == str(path)
    assert LocalFile(Path("file.exr")).read(0, 4) == path.read_bytes()[:4]


def test_a_link_is_followed_and_keeps_its_own_name(path: Path) -> None:
    link = path.with_name("link.exr")
    link.symlink_to(path)
    assert LocalFile(link).location == str(link)
    assert LocalFile(link).read(0, 4) == path.read_bytes()[:4]


def make_loop(folder: Path) -> Path:
    (folder / "loop").symlink_to("loop")
    return folder / "loop"


def make_dangling(folder: Path) -> Path:
    (folder / "dangling").symlink_to("nothing")
    return folder / "dangling"


def make_pipe(folder: Path) -> Path:
    """Opening it would wait for a writer that never comes."""
    os.mkfifo(folder / "pipe")
    return folder / "pipe"


def make_socket(folder: Path) -> Path:
    """Opening it fails, with an error that no other file has."""
    os.mknod(folder / "socket", stat.S_IFSOCK | 0o600)
    return folder / "socket"


def make_file(folder: Path) -> Path:
    (folder / "file").write_bytes(b"")
    return folder / "file" / "below"


UNREADABLE: dict[str, tuple[Callable[[Path], str | Path], Fault]] = {
    "a missing file": (lambda folder: folder / "missing.exr", errors.FILE_NOT_FOUND),
    "a file below a file": (make_file, errors.FILE_NOT_FOUND),
    "a name that is too long": (lambda folder: folder / ("a" * 300), errors.FILE_NOT_FOUND),
    "a link to itself": (make_loop, errors.LINK_LOOP),
    "a link to nothing": (make_dangling, errors.DANGLING_LINK),
    "a NUL in the path": (lambda folder: f"{folder}/a\0b", errors.FILE_NOT_FOUND),
    "a path of no encoding": (lambda folder: f"{folder}/\ud800", errors.FILE_NOT_FOUND),
    "a folder": (lambda folder: folder, errors.NOT_A_FILE),
    "a named pipe": (make_pipe, errors.NOT_A_FILE),
    "a socket": (make_socket, errors.NOT_A_FILE),
    "a device": (lambda _: "/dev/zero", errors.NOT_A_FILE),
}


@pytest.mark.parametrize("what", UNREADABLE)
def test_what_is_no_readable_file_is_a_permanent_coded_error(what: str, tmp_path: Path) -> None:
    make, fault = UNREADABLE[what]
    path = make(tmp_path)
    found = refusal(path)
    assert found.fault is fault
    assert not found.retry
    assert found.where == str(path)


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (PermissionError(13, "Permission denied"), errors.STORAGE_DENIED),
        (PermissionError(1, "Operation not permitted"), errors.STORAGE_DENIED),
        (OSError(5, "Input/output error"), errors.STORAGE_UNAVAILABLE),
        (OSError(116, "Stale file handle"), errors.STORAGE_UNAVAILABLE),
        (TimeoutError(110, "Connection timed out"), errors.STORAGE_UNAVAILABLE),
        (OSError("no number"), errors.STORAGE_UNAVAILABLE),
    ],
)
def test_what_may_pass_is_worth_a_retry(
    error: OSError, fault: Fault, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> None:
        raise error

    found = refusal_while(path, monkeypatch, fail)
    assert found.fault is fault
    assert found.retry
    assert found.message == (error.strerror or "no number")


def refusal_while(
    path: Path, monkeypatch: pytest.MonkeyPatch, fail: Callable[[object], None]
) -> InspectorError:
    """Why the file cannot be read while the system fails so; afterwards it works again."""
    with monkeypatch.context() as system:
        system.setattr(os, "fstat", fail)
        try:
            LocalFile(path).read(0, 8)
        except InspectorError as error:
            return error
    return pytest.fail("it can be read")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_without_permission_is_denied(path: Path) -> None:
    path.chmod(0)
    assert refusal(path).fault is errors.STORAGE_DENIED


# --- paths that are not read ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["/proc/self/environ", "/proc/sys/kernel/hostname", "/sys/kernel/uevent_seqnum"]
)
def test_files_of_the_kernel_are_never_read(name: str, tmp_path: Path) -> None:
    link = tmp_path / "link.exr"
    link.symlink_to(name)
    assert {refusal(each).fault for each in (name, link)} == {errors.PATH_NOT_ALLOWED}


def test_below_the_roots_files_are_read(path: Path, tmp_path: Path) -> None:
    assert LocalFile(path, [str(tmp_path)]).read(0, 4) == path.read_bytes()[:4]
    assert LocalFile(path, ["/nowhere", "/"]).read(0, 4) == path.read_bytes()[:4]


@pytest.mark.parametrize("way_out", ["../file.exr", "link.exr", "folder/file.exr"])
def test_outside_the_roots_no_file_is_read(way_out: str, path: Path) -> None:
    """Whether by `..`, by a link to a file or by a link to a folder, and whether the file exists or not."""
    root = path.parent / "root"
    root.mkdir()
    (root / "link.exr").symlink_to(path)
    (root / "folder").symlink_to(path.parent)
    for roots in ([str(root)], [], ["/roo"]):
        with pytest.raises(InspectorError) as refused:
            LocalFile(root / way_out, roots).read(0, 4)
        assert refused.value.fault is errors.PATH_NOT_ALLOWED
        assert not refused.value.retry


def test_a_link_that_is_swapped_between_the_check_and_the_opening_is_not_followed(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = path.with_name("secret.exr")
    secret.write_bytes(b"secret")
    link = path.with_name("link.exr")
    link.symlink_to(path)
    real = os.open

    def swapped(name: str, flags: int) -> int:
        link.unlink()
        link.symlink_to(secret)
        return real(name, flags)

    monkeypatch.setattr(os, "open", swapped)
    with pytest.raises(InspectorError) as refused:
        LocalFile(link).read(0, 4)
    assert refused.value.fault is errors.OBJECT_CHANGED


# --- versions -------------------------------------------------------------------------------------------


def rewrite(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"more")


def replace(path: Path) -> None:
    """Another file of the same size and time takes the name: its number alone tells."""
    other = path.with_name("other")
    other.write_bytes(path.read_bytes())
    os.utime(other, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    other.replace(path)


def touch(path: Path) -> None:
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1000))


@pytest.mark.parametrize("change", [rewrite, replace, touch])
def test_a_file_that_changes_between_two_reads_is_told(path: Path, change: object) -> None:
    source = LocalFile(path)
    source.read(0, 8)
    assert callable(change)
    change(path)
    with pytest.raises(InspectorError) as raised:
        source.read(8, 8)
    assert raised.value.fault is errors.OBJECT_CHANGED
    assert raised.value.retry


def test_facts_are_of_the_version_first_read(path: Path) -> None:
    source = LocalFile(path)
    before = source.stat()
    rewrite(path)
    assert source.stat() == before


def test_a_file_deleted_between_two_reads_is_missing(path: Path) -> None:
    source = LocalFile(path)
    source.read(0, 8)
    path.unlink()
    with pytest.raises(InspectorError) as raised:
        source.read(8, 8)
    assert raised.value.fault is errors.FILE_NOT_FOUND


@pytest.mark.parametrize(
    ("location", "expected"), [("s3://b/k", True), ("/s3://b/k", False), ("S3://b/k", False), ("", False)]
)
def test_objects_are_told_from_paths(location: str, expected: bool) -> None:
    assert is_object(location) is expected


# --- reading ahead --------------------------------------------------------------------------------------


class Counted:
    """A Source of bytes in memory, which keeps a list of what was read."""

    location = "/show/file.exr"

    def __init__(self, data: bytes, size: int | None = None) -> None:
        self.data = data
        self.size = len(data) if size is None else size
        self.reads: list[tuple[int, int]] = []

    def read(self, start: int, length: int) -> bytes:
        assert start >= 0
        assert length > 0
        found = self.data[start : start + length]
        self.reads.append((start, len(found)))
        return found

    def stat(self) -> Stat:
        return Stat(self.size, datetime(2026, 10, 1, tzinfo=timezone.utc))

    @property
    def total(self) -> int:
        return sum(length for _, length in self.reads)


def read(source: Counted, limits: Limits | None = None) -> Header:
    return read_header(ReadAhead(source), limits or Limits())


def fault_of(source: Counted, limits: Limits | None = None) -> Fault:
    with pytest.raises(InspectorError) as raised:
        read(source, limits)
    return raised.value.fault


def text(size: int, name: str = "text") -> Attribute:
    return attribute(name, "string", "x" * size)


@pytest.mark.parametrize("pixels", [0, 10, 10 * MIB])
def test_an_ordinary_header_takes_one_read(pixels: int) -> None:
    source = Counted(plain().data + bytes(pixels))
    assert read(source) == parsed(plain())
    assert source.reads == [(0, min(FIRST_READ, len(source.data)))]


def test_a_header_that_just_fits_the_first_read_takes_one() -> None:
    written = plain(text(FIRST_READ - plain(text(0)).size))
    assert written.size == FIRST_READ
    source = Counted(written.data + bytes(10 * MIB))
    assert read(source).size == FIRST_READ
    assert len(source.reads) == 1


@pytest.mark.parametrize("behind", [0, 1, 20 * MIB])
@pytest.mark.parametrize("place", ["first", "last"])
@pytest.mark.parametrize("size", [100_000, 5 * MIB])
def test_a_long_string_takes_at_most_three_reads_and_twice_its_bytes(
    size: int, place: str, behind: int
) -> None:
    written = plain(*((text(size), *REQUIRED) if place == "first" else (text(size),)))
    source = Counted(written.data + bytes(behind))
    assert read(source).size == written.size
    assert len(source.reads) <= 3
    assert source.total <= 2 * written.size


def test_many_long_values_take_reads_that_double() -> None:
    written = plain(*(text(70_000, f"text{n}") for n in range(100)))
    source = Counted(written.data + bytes(MIB))
    assert read(source) == parsed(written)
    assert len(source.reads) <= 9
    assert source.total <= 2 * written.size + FIRST_READ


def test_no_byte_is_read_twice() -> None:
    source = Counted(plain(*(text(70_000, f"text{n}") for n in range(20))).data)
    read(source)
    ends = [start + length for start, length in source.reads]
    assert [start for start, _ in source.reads] == [0, *ends[:-1]]


def test_an_empty_file_has_its_own_fault() -> None:
    assert fault_of(Counted(b"")) is errors.EMPTY_FILE


@pytest.mark.parametrize("cut", [1, 7, 8, 9, 100, FIRST_READ - 1, FIRST_READ, FIRST_READ + 1, 80_000])
def test_a_file_that_ends_inside_its_header_is_truncated_after_one_read(cut: int) -> None:
    """The value says that it goes on behind the file's end: the rest of it is not fetched."""
    source = Counted(plain(text(100_000)).data[:cut])
    assert fault_of(source) is errors.HEADER_TRUNCATED
    assert source.reads == [(0, min(cut, FIRST_READ))]


@pytest.mark.parametrize(
    "piece", [b"name", b"name\0string", b"name\0string\0", b"name\0string\0\5\0", b"name\0int\0\4\0\0\0ab"]
)
def test_a_file_that_ends_inside_an_attribute_is_called_truncated(piece: bytes) -> None:
    """Also inside the size: an answer that asks for more than the file has would look like a change of it."""
    assert fault_of(Counted(plain().data[:-1] + piece)) is errors.HEADER_TRUNCATED


def test_a_value_over_its_cap_is_not_fetched() -> None:
    source = Counted(plain(text(5 * MIB)).data)
    assert fault_of(source, Limits(max_value_bytes=5 * MIB - 1)) is errors.LIMIT_EXCEEDED
    assert source.total == FIRST_READ


def test_no_more_is_fetched_than_the_header_cap() -> None:
    source = Counted(plain(*(text(50_000, f"text{n}") for n in range(100))).data)
    assert fault_of(source, Limits(max_header_bytes=1_000_000)) is errors.LIMIT_EXCEEDED
    assert source.total <= 1_000_000
    assert read(source, Limits(max_header_bytes=len(source.data))).size == len(source.data)


def test_endless_attributes_end_at_a_cap() -> None:
    """Each answer asks for a byte more; the reads still double."""
    one = b"n\0string\0\0\0\0\0"
    source = Counted(plain().data[:-1] + one * 200_000)
    assert fault_of(source) is errors.LIMIT_EXCEEDED
    assert len(source.reads) <= 8


def test_a_file_that_shrinks_while_it_is_read_has_changed() -> None:
    written = plain(text(100_000))
    assert fault_of(Counted(written.data[:70_000], size=written.size)) is errors.OBJECT_CHANGED


def test_a_value_that_claims_more_than_the_file_has_is_not_waited_for() -> None:
    head = plain().data[:-1] + b"n\0string\0" + struct.pack("<i", 2**31 - 1)
    source = Counted(head + bytes(100))
    assert fault_of(source) is errors.HEADER_CORRUPT
    assert len(source.reads) == 1


def test_what_is_held_is_served_again_without_reading() -> None:
    source = Counted(plain().data + bytes(100_000))
    ahead = ReadAhead(source)
    ahead.grow(1000)
    assert ahead.held(10, 20) == ahead.read(10, 20) == source.data[10:30]
    assert ahead.held(990, 11) is None
    assert len(source.reads) == 1
    assert ahead.read(990, 11) == source.data[990:1001]
    assert source.reads[1] == (990, 11)


def test_the_end_of_a_file_that_is_held_is_held() -> None:
    source = Counted(b"x" * 100)
    ahead = ReadAhead(source)
    ahead.grow(1000)
    assert ahead.held(90, 50) == b"x" * 10
    assert ahead.held(100, 50) == b""
