"""Files on this machine."""

from __future__ import annotations

import errno
import os
import stat as modes
from datetime import datetime, timedelta, timezone

from exr_inspector.errors import (
    FILE_NOT_FOUND,
    NOT_A_FILE,
    OBJECT_CHANGED,
    STORAGE_DENIED,
    STORAGE_UNAVAILABLE,
    InspectorError,
)
from exr_inspector.sources.protocol import Stat

_NO_WAIT = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_EARLIEST = datetime.min.replace(tzinfo=timezone.utc)
_LATEST = datetime.max.replace(tzinfo=timezone.utc)


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
