"""Where bytes come from: the Source protocol, local files, and the read-ahead that asks for few pieces.

S3 objects are in reading.s3.
"""

from __future__ import annotations

import errno
import os
import stat as modes
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Protocol

from exr_inspector.errors import (
    EMPTY_FILE,
    FILE_NOT_FOUND,
    NOT_A_FILE,
    OBJECT_CHANGED,
    STORAGE_DENIED,
    STORAGE_UNAVAILABLE,
    InspectorError,
)
from exr_inspector.reading.header import Header, NeedMore, parse_header
from exr_inspector.settings import KIB, Settings

_NO_WAIT = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_EARLIEST = datetime.min.replace(tzinfo=timezone.utc)
_LATEST = datetime.max.replace(tzinfo=timezone.utc)

# All 356 healthy files of three public test sets have their header within this.
FIRST_READ = 64 * KIB


def is_object(location: str) -> bool:
    """Whether a location names an S3 object, not a local path."""
    return location.startswith("s3://")


@dataclass(frozen=True)
class Stat:
    """What a store says of a file: `size` in bytes, `mtime` in UTC, `etag` without quotes."""

    size: int
    mtime: datetime
    etag: str | None = None


class Source(Protocol):
    """A file that is read in pieces. Every piece is of one version of the file.

    Both methods raise InspectorError; OBJECT_CHANGED where the file is no longer the one first read.
    """

    location: str

    def read(self, start: int, length: int) -> bytes:
        """The bytes from `start`, `length` of them, fewer at the end of the file."""

    def stat(self) -> Stat:
        """Size, time and tag of the version that is read."""


class LocalFile:
    """A Source on a path of this machine."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.location = os.path.abspath(path)  # noqa: PTH100 - a link keeps its own name
        self._first: os.stat_result | None = None
        self._stat: Stat | None = None

    def read(self, start: int, length: int) -> bytes:
        try:
            return self._read(start, length)
        except OSError as error:
            raise _coded(error, self.location) from error
        except ValueError as error:  # a NUL in the path
            raise InspectorError(FILE_NOT_FOUND, str(error), self.location) from error

    def stat(self) -> Stat:
        if self._stat is None:
            self.read(0, 0)
        assert self._stat is not None
        return self._stat

    def _read(self, start: int, length: int) -> bytes:
        # Without waiting: opening a named pipe would wait for its writer.
        descriptor = os.open(self.location, os.O_RDONLY | _NO_WAIT)
        try:
            self._check(os.fstat(descriptor))
            os.lseek(descriptor, start, os.SEEK_SET)
            return os.read(descriptor, length)
        finally:
            os.close(descriptor)

    def _check(self, now: os.stat_result) -> None:
        """Make sure that this is a file, and the one first read."""
        if not modes.S_ISREG(now.st_mode):
            raise InspectorError(NOT_A_FILE, "the path is not a regular file", self.location)
        if self._first is None:
            self._first, self._stat = now, Stat(now.st_size, _moment(now.st_mtime_ns))
        first = self._first
        if (now.st_ino, now.st_size, now.st_mtime_ns) != (first.st_ino, first.st_size, first.st_mtime_ns):
            raise InspectorError(OBJECT_CHANGED, "the file changed while it was read", self.location)


_FAULTS = {
    errno.ENOENT: FILE_NOT_FOUND,
    errno.ENOTDIR: FILE_NOT_FOUND,
    errno.ENAMETOOLONG: FILE_NOT_FOUND,
    errno.ELOOP: FILE_NOT_FOUND,
    errno.EISDIR: NOT_A_FILE,
    errno.ENXIO: NOT_A_FILE,  # a socket, or a device that is not there
    errno.ENODEV: NOT_A_FILE,
    errno.EACCES: STORAGE_DENIED,
    errno.EPERM: STORAGE_DENIED,
}


def _coded(error: OSError, location: str) -> InspectorError:
    fault = _FAULTS.get(error.errno or 0, STORAGE_UNAVAILABLE)
    return InspectorError(fault, error.strerror or str(error), location)


def _moment(nanoseconds: int) -> datetime:
    """A time in UTC from nanoseconds since 1970; some file systems hold times that no calendar has."""
    try:
        return _EPOCH + timedelta(microseconds=nanoseconds // 1000)
    except OverflowError:
        return _LATEST if nanoseconds > 0 else _EARLIEST


class ReadAhead:
    """Reads a source from its start in growing pieces, and serves again what it holds."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.prefix = b""

    def held(self, start: int, length: int) -> bytes | None:
        """Those bytes if they were read already, else None."""
        end = min(start + length, self.source.stat().size)
        return self.prefix[start:end] if end <= len(self.prefix) else None

    def read(self, start: int, length: int) -> bytes:
        held = self.held(start, length)
        return self.source.read(start, length) if held is None else held

    def grow(self, size: int) -> None:
        """Hold the first `size` bytes of the file, or all of it."""
        more = self.source.read(len(self.prefix), size - len(self.prefix))
        self.prefix = self.prefix + more if self.prefix else more


def read_header(ahead: ReadAhead, limits: Settings) -> Header:
    """Read as much as the header needs: 64 KiB, then what the parser asks for or twice what is held.

    Raises InspectorError: EMPTY_FILE, what `parse_header` raises, and what the source raises.
    """
    ahead.grow(FIRST_READ)
    size = ahead.source.stat().size
    if not size:
        raise InspectorError(EMPTY_FILE, "the file has no bytes", ahead.source.location)
    while isinstance(found := parse_header(ahead.prefix, limits, size), NeedMore):
        held = len(ahead.prefix)
        ahead.grow(min(max(found.size, 2 * held), size, limits.max_header_bytes))
        if len(ahead.prefix) <= held:
            raise InspectorError(
                OBJECT_CHANGED, f"the file ended at byte {held} of {size}", ahead.source.location
            )
    return found
