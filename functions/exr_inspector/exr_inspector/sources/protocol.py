"""The Source protocol: a file that is read by ranges."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple, Protocol


class Stat(NamedTuple):
    """State of one version of a file: `size` in bytes, times in UTC, `etag` without quotes.

    Objects have an eTag, local files the rest. `inode` is signed; `device` names the file system.
    """

    size: int
    mtime: datetime
    etag: str | None = None
    ctime: datetime | None = None
    inode: int | None = None
    device: str | None = None

    def row(self) -> dict[str, Any]:
        """Return the columns of `files` that identify a version. Stored times have no zone."""
        return {
            "etag": self.etag,
            "size_bytes": self.size,
            "mtime": self.mtime.replace(tzinfo=None),
            "ctime": self.ctime.replace(tzinfo=None) if self.ctime else None,
            "inode": self.inode,
        }


class Listed(NamedTuple):
    """A file, and what a listing says of its version. Times are microseconds since 1970 in UTC.

    What a listing does not know is None; so is everything but the path of a link that leads nowhere.
    """

    path: str
    """An absolute path or `s3://bucket/key`, as `path_location` takes it."""
    size: int | None = None
    mtime: int | None = None
    etag: str | None = None
    ctime: int | None = None
    inode: int | None = None
    device: str | None = None
    """The file system of a local file, as `mounts.file_system` names it."""


class Source(Protocol):
    """A file that is read by ranges. Every range comes from the same version of the file.

    Both methods raise InspectorError, OBJECT_CHANGED if the file was replaced since the first read.
    """

    location: str

    def read(self, start: int, length: int) -> bytes:
        """Return `length` bytes from `start`, fewer at the end of the file."""

    def stat(self) -> Stat:
        """Return the size, time and eTag of the version that is read."""
