"""Where bytes come from: the Source protocol, local files, and the read-ahead that asks for few pieces.

S3 objects are in reading.s3.
"""

from __future__ import annotations

import os
import stat as modes
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
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

    def read(self, start: int, length: int) -> bytes:
        try:
            return self._read(start, length)
        except OSError as error:
            raise _coded(error, self.location) from error
        except ValueError as error:  # a NUL in the path
            raise InspectorError(FILE_NOT_FOUND, str(error), self.location) from error

    def stat(self) -> Stat:
        if self._first is None:
            self.read(0, 0)
        assert self._first is not None
        mtime = datetime.fromtimestamp(self._first.st_mtime_ns // 1000 / 1e6, timezone.utc)
        return Stat(self._first.st_size, mtime)

    def _read(self, start: int, length: int) -> bytes:
        # Asked before opening, because opening a named pipe waits for its writer.
        if not modes.S_ISREG(os.stat(self.location).st_mode):  # noqa: PTH116 - the hot path
            raise InspectorError(NOT_A_FILE, "the path is not a regular file", self.location)
        with Path(self.location).open("rb", buffering=0) as file:
            self._check_same(os.fstat(file.fileno()))
            file.seek(start)
            return file.read(length)

    def _check_same(self, now: os.stat_result) -> None:
        first = self._first = self._first or now
        if (now.st_ino, now.st_size, now.st_mtime_ns) != (first.st_ino, first.st_size, first.st_mtime_ns):
            raise InspectorError(OBJECT_CHANGED, "the file changed while it was read", self.location)


def _coded(error: OSError, location: str) -> InspectorError:
    faults = {
        FileNotFoundError: FILE_NOT_FOUND,
        NotADirectoryError: FILE_NOT_FOUND,
        IsADirectoryError: NOT_A_FILE,
        PermissionError: STORAGE_DENIED,
    }
    return InspectorError(
        faults.get(type(error), STORAGE_UNAVAILABLE), error.strerror or str(error), location
    )


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
