"""List the EXR files below a root: a folder of this machine, or a prefix of a bucket.

A listing streams: it never holds a tree. It says afterwards whether it saw all of its root.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from datetime import datetime
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Protocol

from exr_inspector.errors import InspectorError
from exr_inspector.location import S3, is_exr, is_object
from exr_inspector.mounts import file_system
from exr_inspector.sources.local import coded, microseconds, signed
from exr_inspector.sources.opener import Opener
from exr_inspector.sources.protocol import Listed

if TYPE_CHECKING:
    from exr_inspector.sources.s3 import Page

# Folders that are read at once: on a network file system each call waits for the server.
THREADS = 16
# How deep a bucket is split into prefixes that are listed at once.
MAX_DEPTH = 3
# Entries of one folder that a thread reads before it hands them over.
PIECE = 2000


class Listing(Protocol):
    """The files below a root whose names end in `.exr`, in any case and in any order."""

    errors: list[InspectorError]
    """Why parts of the root were not listed; `where` names each. Empty if the root was listed whole."""
    devices: set[str]
    """The file systems of the folders that were listed; empty for a bucket."""
    as_of: datetime | None
    """Time of the listed state, in UTC without a zone, once it has been read; None for a direct listing."""

    def __iter__(self) -> Iterator[Listed]:
        """Yield the entries. A failure ends up in `errors`; the rest of the root is still listed."""


def listing(root: str, opener: Opener, *, recursive: bool = True) -> Listing:
    """Return the listing of a root: an absolute path of a folder or a file, or `s3://bucket/prefix`.

    A prefix means the objects below it, as a folder does: `s3://bucket/a` leaves `s3://bucket/ab.exr` out. A
    root that is a file, or an object's name that ends in `.exr`, lists only itself.
    """
    if is_object(root):
        return Bucket(root, opener, recursive=recursive)
    return Tree(root, recursive=recursive)


# A step of a listing: it returns some files, and the steps that it has opened up.
Step = Callable[[], tuple[list[Listed], "list[Step]"]]


def _together(first: Step) -> Iterator[Listed]:
    """Yield what steps find; many run at once, the latest ones first, so that few wait."""
    waiting = [first]
    running: set[Future[tuple[list[Listed], list[Step]]]] = set()
    with ThreadPoolExecutor(THREADS) as pool:
        while waiting or running:
            while waiting and len(running) < THREADS:
                running.add(pool.submit(waiting.pop()))
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for files, steps in (each.result() for each in done):
                waiting += steps
                yield from files


class Tree:
    """Lists a folder by `os.scandir`. Links to folders are not followed; links to files are files."""

    as_of: datetime | None = None

    def __init__(self, root: str, *, recursive: bool = True) -> None:
        self.errors: list[InspectorError] = []
        self.devices: set[str] = set()
        self._root = root
        self._recursive = recursive

    def __iter__(self) -> Iterator[Listed]:
        if os.path.isdir(self._root):  # noqa: PTH112 - text, as given
            yield from _together(partial(self._open, self._root))
            return
        try:
            found = _listed(self._root, partial(os.stat, self._root))
        except OSError as error:
            self.errors.append(coded(error, self._root))
        else:
            self.devices.update(filter(None, [found.device]))
            yield found

    def _open(self, folder: str) -> tuple[list[Listed], list[Step]]:
        try:
            self.devices.add(file_system(os.stat(folder).st_dev, folder))  # noqa: PTH116
            scan = os.scandir(folder)
        except OSError as error:
            self.errors.append(coded(error, folder))
            return [], []
        return self._read(folder, scan)

    def _read(self, folder: str, scan: Iterator[os.DirEntry[str]]) -> tuple[list[Listed], list[Step]]:
        files: list[Listed] = []
        steps: list[Step] = []
        count = 0
        try:
            for found in islice(scan, PIECE):
                count += 1
                if _is_folder(found):
                    if self._recursive and not found.is_symlink():
                        steps.append(partial(self._open, found.path))
                elif is_exr(found.name):
                    with suppress(FileNotFoundError):  # it was removed meanwhile
                        files.append(_listed(found.path, found.stat))
        except OSError as error:
            self.errors.append(coded(error, folder))
        else:
            if count == PIECE:
                steps.append(partial(self._read, folder, scan))
        return files, steps


def _is_folder(found: os.DirEntry[str]) -> bool:
    try:
        return found.is_dir()  # a system call only for a link
    except OSError:  # a link that leads nowhere
        return False


def _listed(path: str, stat: Callable[[], os.stat_result]) -> Listed:
    """Return the listed version of a file. Raises FileNotFoundError if neither it nor a link exists."""
    try:
        found = stat()
    except OSError as error:
        # The reader gets the error. Only a file that no longer exists is omitted.
        if isinstance(error, FileNotFoundError) and not os.path.islink(path):  # noqa: PTH114
            raise
        return Listed(path)
    return Listed(
        path,
        found.st_size,
        microseconds(found.st_mtime_ns),
        None,
        microseconds(found.st_ctime_ns),
        signed(found.st_ino),
        file_system(found.st_dev, path),
    )


class Bucket:
    """Lists the objects below a prefix; a recursive listing has several prefixes under way at once."""

    as_of: datetime | None = None

    def __init__(self, root: str, opener: Opener, *, recursive: bool = True) -> None:
        self.errors: list[InspectorError] = []
        self.devices: set[str] = set()
        self._name, _, prefix = root[len(S3) :].partition("/")
        self._is_object = is_exr(prefix)
        is_folder = not prefix or prefix.endswith("/") or self._is_object
        self._root = f"{S3}{self._name}/{prefix}" + ("" if is_folder else "/")
        self._opener = opener
        self._recursive = recursive and not self._is_object

    def __iter__(self) -> Iterator[Listed]:
        try:
            self._client = self._opener.client()
            self._fast = self._opener.fast_listing(self._name) if self._recursive else None
        except InspectorError as error:
            self.errors.append(error)
            return
        for found in _together(partial(self._split, self._root, 0)):
            if is_exr(found.path) and (found.path == self._root or not self._is_object):
                yield found

    def _split(self, prefix: str, depth: int) -> tuple[list[Listed], list[Step]]:
        """List a prefix's folders concurrently if one page names them all; otherwise the whole prefix."""
        pages = self._client.list_pages(prefix, recursive=False)
        try:
            page = next(pages)
        except InspectorError as error:
            self.errors.append(error)
            return [], []
        if not self._recursive:
            return page.objects, [partial(self._next, pages)]
        if not page.is_last:
            return [], [self._all(prefix)]
        deeper = depth < MAX_DEPTH and len(page.folders) < THREADS
        return page.objects, [
            partial(self._split, each, depth + 1) if deeper else self._all(each) for each in page.folders
        ]

    def _all(self, prefix: str) -> Step:
        """Return the step that lists all objects below a prefix."""
        if self._fast is None:
            return partial(self._next, self._client.list_pages(prefix))
        return partial(self._next_fast, prefix, self._fast(prefix))

    def _next(self, pages: Iterator[Page]) -> tuple[list[Listed], list[Step]]:
        try:
            page = next(pages, None)
        except InspectorError as error:
            self.errors.append(error)
            page = None
        return (page.objects, [partial(self._next, pages)]) if page else ([], [])

    def _next_fast(self, prefix: str, pages: Iterator[list[Listed]]) -> tuple[list[Listed], list[Step]]:
        try:
            page = next(pages, None)
        except NotImplementedError:
            # From the start again: the same file twice does no harm.
            return [], [partial(self._next, self._client.list_pages(prefix))]
        if page is None:
            return [], []
        # The marker of a folder, an empty object whose key ends in a slash, looks like a file.
        empty = [partial(self._exactly, each.path) for each in page if not each.size]
        return [each for each in page if each.size], [*empty, partial(self._next_fast, prefix, pages)]

    def _exactly(self, path: str) -> tuple[list[Listed], list[Step]]:
        files, _ = self._next(self._client.list_pages(path))
        return [each for each in files if each.path == path], []
