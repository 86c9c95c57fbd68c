"""Read files on this machine."""

from __future__ import annotations

import errno
import os
import stat as modes
from datetime import datetime, timedelta, timezone

from exr_inspector.errors import (
    DANGLING_LINK,
    FILE_NOT_FOUND,
    LINK_LOOP,
    NOT_A_FILE,
    OBJECT_CHANGED,
    STORAGE_DENIED,
    STORAGE_UNAVAILABLE,
    InspectorError,
)
from exr_inspector.sources.protocol import Stat

# Do not wait for the writer of a named pipe that replaces the file before it is opened.
_NO_WAIT = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_EARLIEST = datetime.min.replace(tzinfo=timezone.utc)
_LATEST = datetime.max.replace(tzinfo=timezone.utc)
_KINDS = {
    modes.S_IFDIR: "folder",
    modes.S_IFIFO: "named pipe",
    modes.S_IFSOCK: "socket",
    modes.S_IFCHR: "device",
    modes.S_IFBLK: "device",
}


class LocalFile:
    """A Source that reads a path of this machine."""

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
        if self._first is None:
            # Look before opening: opening can rewind a tape, or end the program that writes to a named pipe.
            self._require_file(os.stat(self.location))  # noqa: PTH116
        descriptor = os.open(self.location, os.O_RDONLY | _NO_WAIT)
        try:
            self._check(os.fstat(descriptor))
            os.lseek(descriptor, start, os.SEEK_SET)
            return os.read(descriptor, length)
        finally:
            os.close(descriptor)

    def _require_file(self, now: os.stat_result) -> None:
        if not modes.S_ISREG(now.st_mode):
            kind = _KINDS.get(modes.S_IFMT(now.st_mode), "special file")
            raise InspectorError(NOT_A_FILE, f"the path is a {kind}, not a regular file", self.location)

    def _check(self, now: os.stat_result) -> None:
        """Raise InspectorError unless this is a regular file, and the one that was read first."""
        self._require_file(now)
        if self._first is None:
            self._first, self._stat = now, Stat(now.st_size, _moment(now.st_mtime_ns))
        first = self._first
        if (now.st_ino, now.st_size, now.st_mtime_ns) != (first.st_ino, first.st_size, first.st_mtime_ns):
            raise InspectorError(OBJECT_CHANGED, "the file changed while it was read", self.location)


_FAULTS = {
    errno.ENOENT: FILE_NOT_FOUND,
    errno.ENOTDIR: FILE_NOT_FOUND,
    errno.ENAMETOOLONG: FILE_NOT_FOUND,
    errno.ELOOP: LINK_LOOP,
    errno.EISDIR: NOT_A_FILE,
    errno.ENXIO: NOT_A_FILE,  # a socket, or an absent device
    errno.ENODEV: NOT_A_FILE,
    errno.EACCES: STORAGE_DENIED,
    errno.EPERM: STORAGE_DENIED,
}


def _coded(error: OSError, location: str) -> InspectorError:
    fault = _FAULTS.get(error.errno or 0, STORAGE_UNAVAILABLE)
    if fault is FILE_NOT_FOUND and os.path.islink(location):  # noqa: PTH114
        target = os.readlink(location)  # noqa: PTH115
        return InspectorError(DANGLING_LINK, f"the link points to {target}, which does not exist", location)
    return InspectorError(fault, error.strerror or str(error), location)


def _moment(nanoseconds: int) -> datetime:
    """Return the time in UTC. File systems can hold times that `datetime` cannot; they are clamped."""
    try:
        return _EPOCH + timedelta(microseconds=nanoseconds // 1000)
    except OverflowError:
        return _LATEST if nanoseconds > 0 else _EARLIEST
