"""List the EXR files below a root: a folder of this machine, or a prefix of a bucket.

A listing streams: it never holds a tree. It says afterwards whether it saw all of its root.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from functools import partial
from itertools import islice
from typing import NamedTuple, Protocol

from exr_inspector.errors import InspectorError
from exr_inspector.location import S3, is_exr, is_object
from exr_inspector.mounts import file_system
from exr_inspector.sources.local import coded, microseconds, signed
from exr_inspector.sources.opener import Opener

# Folders that are read at once: on a network file system each call waits for the server.
THREADS = 16
# Entries of one folder that a thread reads before it hands them over.
PIECE = 2000


class Entry(NamedTuple):
    """A file, and what the listing says of its version. Times are microseconds since 1970 in UTC.

    What a listing does not know is None; so is everything but the path of a dangling link.
    """

    path: str
    """An absolute path or `s3://bucket/key`, as `path_location` takes it."""
    size: int | None = None
    mtime: int | None = None
    etag: str | None = None
    ctime: int | None = None
    inode: int | None = None
    device: str | None = None
    """The file system of a local file, as `file_system` names it."""


class Listing(Protocol):
    """The files below a root whose names end in `.exr`, in any case and in any order."""

    errors: list[InspectorError]
    """Why parts of the root were not listed; `where` names each. Empty if the root was listed whole."""
    devices: set[str]
    """The file systems of the folders that were listed; empty for a bucket."""

    def __iter__(self) -> Iterator[Entry]:
        """Yield the entries. A failure ends up in `errors`; the rest of the root is still listed."""


def listing(root: str, opener: Opener, *, recursive: bool = True) -> Listing:
    """Return the listing of a root: an absolute path of a folder or a file, or `s3://bucket/prefix`.

    A prefix means the objects below it, as a folder does: `s3://bucket/a` leaves `s3://bucket/ab.exr` out. A
    root that is a file, or an object's name that ends in `.exr`, lists only itself.
    """
    if is_object(root):
        return Bucket(root, opener, recursive=recursive)
    return Tree(root, recursive=recursive)


class Tree:
    """Lists a folder by `os.scandir`. Links to folders are not followed; links to files are files."""

    def __init__(self, root: str, *, recursive: bool = True) -> None:
        self.errors: list[InspectorError] = []
        self.devices: set[str] = set()
        self._root = root
        self._recursive = recursive

    def __iter__(self) -> Iterator[Entry]:
        if not os.path.isdir(self._root):  # noqa: PTH112 - text, as it was given
            yield from self._alone()
            return
        folders = [self._root]
        running: set[Future[_Piece]] = set()
        with ThreadPoolExecutor(THREADS) as pool:
            while folders or running:
                while folders and len(running) < THREADS:
                    running.add(pool.submit(self._open, folders.pop()))
                done, running = wait(running, return_when=FIRST_COMPLETED)
                for piece in (each.result() for each in done):
                    if piece.rest is not None:
                        running.add(pool.submit(self._read, *piece.rest))
                    if self._recursive:
                        folders += piece.folders
                    yield from piece.entries

    def _alone(self) -> Iterator[Entry]:
        """Yield the root itself, which is not a folder."""
        try:
            found = _entry(self._root, partial(os.stat, self._root))
        except OSError as error:
            self.errors.append(coded(error, self._root))
        else:
            self.devices.update(filter(None, [found.device]))
            yield found

    def _open(self, folder: str) -> _Piece:
        try:
            self.devices.add(file_system(os.stat(folder).st_dev, folder))  # noqa: PTH116
            scan = os.scandir(folder)
        except OSError as error:
            self.errors.append(coded(error, folder))
            return _Piece([], [], None)
        return self._read(folder, scan)

    def _read(self, folder: str, scan: Iterator[os.DirEntry[str]]) -> _Piece:
        entries, folders, count = [], [], 0
        try:
            for found in islice(scan, PIECE):
                count += 1
                if _is_folder(found):
                    if not found.is_symlink():
                        folders.append(found.path)
                elif is_exr(found.name):
                    with suppress(FileNotFoundError):  # it was removed meanwhile
                        entries.append(_entry(found.path, found.stat))
        except OSError as error:
            self.errors.append(coded(error, folder))
            count = 0
        return _Piece(entries, folders, (folder, scan) if count == PIECE else None)


class _Piece(NamedTuple):
    """Some entries of a folder, the folders in it, and the rest of its scan."""

    entries: list[Entry]
    folders: list[str]
    rest: tuple[str, Iterator[os.DirEntry[str]]] | None


def _is_folder(found: os.DirEntry[str]) -> bool:
    try:
        return found.is_dir()  # a system call only for a link
    except OSError:  # a link that leads nowhere
        return False


def _entry(path: str, stat: Callable[[], os.stat_result]) -> Entry:
    """Return the entry of a file. Raises FileNotFoundError if it does not exist, not even as a link."""
    try:
        found = stat()
    except OSError as error:
        # Whoever reads it gets the error. Only a file that is gone is no entry.
        if isinstance(error, FileNotFoundError) and not os.path.islink(path):  # noqa: PTH114
            raise
        return Entry(path)
    return Entry(
        path,
        found.st_size,
        microseconds(found.st_mtime_ns),
        None,
        microseconds(found.st_ctime_ns),
        signed(found.st_ino),
        file_system(found.st_dev, path),
    )


class Bucket:
    """Lists the objects below a prefix."""

    def __init__(self, root: str, opener: Opener, *, recursive: bool = True) -> None:
        self.errors: list[InspectorError] = []
        self.devices: set[str] = set()
        bucket, _, prefix = root[len(S3) :].partition("/")
        is_folder = not prefix or prefix.endswith("/") or is_exr(prefix)
        self._root = f"{S3}{bucket}/{prefix}" + ("" if is_folder else "/")
        self._opener = opener
        self._recursive = recursive

    def __iter__(self) -> Iterator[Entry]:
        try:
            for found in self._opener.client().list_objects(self._root, recursive=self._recursive):
                path, size, mtime, etag = found
                if is_exr(path) and (path == self._root or not is_exr(self._root)):
                    yield Entry(path, size, mtime, etag)
        except InspectorError as error:
            self.errors.append(error)
