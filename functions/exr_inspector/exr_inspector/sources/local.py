"""Read files on this machine."""

from __future__ import annotations

import errno
import os
import stat as modes
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from functools import cache
from pathlib import Path

from exr_inspector.errors import (
    DANGLING_LINK,
    FILE_NOT_FOUND,
    LINK_LOOP,
    NOT_A_FILE,
    OBJECT_CHANGED,
    PATH_NOT_ALLOWED,
    STORAGE_DENIED,
    STORAGE_UNAVAILABLE,
    InspectorError,
)
from exr_inspector.mounts import file_system, is_below
from exr_inspector.sources.protocol import Stat

_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
# The range of a datetime, in microseconds since 1970.
_EARLIEST, _LATEST = -62_135_596_800_000_000, 253_402_300_799_999_999
# File systems whose regular files are views of the kernel and of processes.
_KERNEL_FOLDERS = ("/proc", "/sys", "/sys/fs/cgroup", "/sys/kernel/debug", "/sys/kernel/tracing")
_KINDS = {
    modes.S_IFDIR: "folder",
    modes.S_IFIFO: "named pipe",
    modes.S_IFSOCK: "socket",
    modes.S_IFCHR: "device",
    modes.S_IFBLK: "device",
}
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


class LocalFile:
    """A Source on a regular file of this machine.

    With `roots`, only files below these folders are read; they must be absolute and without links. Links in
    the path are resolved before it is compared.
    """

    def __init__(self, path: str | os.PathLike[str], roots: Sequence[str] | None = None) -> None:
        self.location = os.path.abspath(path)  # noqa: PTH100 - a link keeps its own name
        self._roots = roots
        self._first: os.stat_result | None = None
        self._stat: Stat | None = None

    def read(self, start: int, length: int) -> bytes:
        """See Source. Raises PATH_NOT_ALLOWED for a path outside the roots or in `/proc` or `/sys`."""
        try:
            checked = self._check_path()
            descriptor = os.open(self.location, _FLAGS)
            try:
                self._check_version(os.fstat(descriptor), checked)
                os.lseek(descriptor, start, os.SEEK_SET)
                return os.read(descriptor, length)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise coded(error, self.location) from error
        except ValueError as error:  # a NUL in the path
            raise InspectorError(FILE_NOT_FOUND, str(error), self.location) from error

    def stat(self) -> Stat:
        """See Source."""
        if self._stat is None:
            self.read(0, 0)
        assert self._stat is not None
        return self._stat

    def _check_path(self) -> os.stat_result:
        """Refuse a path before it is opened: opening can rewind a tape or end the writer of a named pipe."""
        if self._roots is not None and not is_below(os.path.realpath(self.location), self._roots):
            message = "the path is not below a folder of EXR_INSPECTOR_LOCAL_ROOTS"
            raise InspectorError(PATH_NOT_ALLOWED, message, self.location)
        found = os.stat(self.location)  # noqa: PTH116 - the hot path
        if found.st_dev in _kernel_devices():
            raise InspectorError(PATH_NOT_ALLOWED, "files of /proc and /sys are never read", self.location)
        if not modes.S_ISREG(found.st_mode):
            if modes.S_ISDIR(found.st_mode):
                os.scandir(self.location).close()  # a folder that could not be listed is named too: say why
            kind = _KINDS.get(modes.S_IFMT(found.st_mode), "special file")
            raise InspectorError(NOT_A_FILE, f"the path is a {kind}, not a regular file", self.location)
        return found

    def _check_version(self, opened: os.stat_result, checked: os.stat_result) -> None:
        """Refuse another file than the one that was checked, and another version than the first read."""
        if self._first is None:
            self._first, self._stat = opened, _stat(opened, self.location)
        first = self._first
        if (opened.st_dev, opened.st_ino) != (checked.st_dev, checked.st_ino) or (
            (opened.st_ino, opened.st_size, opened.st_mtime_ns)
            != (first.st_ino, first.st_size, first.st_mtime_ns)
        ):
            raise InspectorError(OBJECT_CHANGED, "the file changed while it was read", self.location)


def coded(error: OSError, location: str) -> InspectorError:
    """Return the fault that an error of the operating system means for a path."""
    fault = _FAULTS.get(error.errno or 0, STORAGE_UNAVAILABLE)
    if fault is FILE_NOT_FOUND and os.path.islink(location):  # noqa: PTH114
        target = os.readlink(location)  # noqa: PTH115
        return InspectorError(DANGLING_LINK, f"the link points to {target}, which does not exist", location)
    return InspectorError(fault, error.strerror or str(error), location)


@cache
def _kernel_devices() -> frozenset[int]:
    found = set()
    for folder in _KERNEL_FOLDERS:
        with suppress(OSError):
            found.add(Path(folder).stat().st_dev)
    return frozenset(found - {Path("/").stat().st_dev})


def _stat(found: os.stat_result, path: str) -> Stat:
    mtime, ctime = _moment(found.st_mtime_ns), _moment(found.st_ctime_ns)
    device = file_system(found.st_dev, path)
    return Stat(found.st_size, mtime, ctime=ctime, inode=signed(found.st_ino), device=device)


def signed(inode: int) -> int:
    """Return an inode number as a signed number of 64 bits, as databases store it."""
    return inode - (1 << 64) if inode >> 63 else inode


def microseconds(nanoseconds: int) -> int:
    """Return a time in microseconds; some file systems hold times beyond any calendar."""
    return min(max(nanoseconds // 1000, _EARLIEST), _LATEST)


def _moment(nanoseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds(nanoseconds))
