"""Read a file of the catalog again: its document, its chunks, its picture.

Only local files below the given folders are read, and objects. Few are read at once, by the ordinary pipeline
and the decoder's process, which have limits of their own.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from exr_inspector.document.model import Document
from exr_inspector.errors import FAULTS, STORAGE_UNAVAILABLE, InspectorError
from exr_inspector.exr.completeness import Completeness, assess
from exr_inspector.location import Location, path_location
from exr_inspector.mounts import is_below
from exr_inspector.pipeline import Runtime, inspect_request, request_for
from exr_inspector.pixels.thumbnail import Picture, file_picture
from exr_inspector.settings import Settings
from exr_inspector.sources.opener import Opener
from exr_inspector.sources.read_ahead import ReadAhead
from exr_inspector.version_reader import read_header, read_unchanged

AT_ONCE = 2
"""Files that are read at the same time."""
MAX_WAITING, MAX_WAIT = 12, 20.0
"""Requests that wait for others that read, and for how many seconds."""
PICTURE_BYTES, PICTURE_SECONDS = 64 << 20, 10.0
"""What one picture may read, and take."""
MAX_HEADS = 1 << 14
"""Chunk heads that are read of a file without an offset table."""


class Originals:
    """Reads files by their stored path. `roots` are the folders, without links, that local files must be in.

    All methods raise InspectorError: PATH_NOT_ALLOWED, what reading the file raises, and STORAGE_UNAVAILABLE
    if too many others are being read.
    """

    def __init__(self, settings: Settings) -> None:
        # Without statistics and policies, which a page does not wait for.
        self._settings = replace(settings, stats="none", cryptomatte="none", policies=())
        self._slots = threading.BoundedSemaphore(AT_ONCE)
        self._places = threading.BoundedSemaphore(AT_ONCE + MAX_WAITING)

    def document(self, path: str, roots: Sequence[str]) -> Document:
        """Return the document of a file as it is now."""
        with self._slot():
            runtime = Runtime(self._settings, None, self._opener(roots))
            document = inspect_request(request_for(self._location(path), self._settings), runtime)
        if document["file"]["status"] in (None, "missing"):  # nothing of it was read
            error = document["errors"][0]
            raise InspectorError(FAULTS[error["code"]], error["message"], error["where"])
        return document

    def completeness(self, path: str, roots: Sequence[str]) -> Completeness:
        """Return which chunks a file has now."""
        opener, location = self._opener(roots), self._location(path)

        def read() -> Completeness:
            source = opener(location)
            ahead = ReadAhead(source)
            header = read_header(ahead, self._settings.limits)
            return assess(header, ahead.read, source.stat().size, MAX_HEADS)

        with self._slot():
            return read_unchanged(read)

    def picture(self, path: str, roots: Sequence[str]) -> Picture | None:
        """Return a small picture of a file; None if there is nothing to look at, or it takes too long."""
        with self._slot():
            return file_picture(
                self._location(path),
                None,
                self._settings,
                budget=PICTURE_BYTES,
                seconds=PICTURE_SECONDS,
                opener=self._opener(roots),
            )

    def _location(self, path: str) -> Location:
        return path_location(self._settings.paths.display(path), self._settings.paths)

    def _opener(self, roots: Sequence[str]) -> Opener:
        allowed = self._settings.local_roots
        if allowed is not None:
            inner = [each for each in roots if is_below(each, allowed)]
            roots = [*inner, *(each for each in allowed if is_below(each, roots))]
        return Opener(self._settings, roots)

    @contextmanager
    def _slot(self) -> Iterator[None]:
        too_many = InspectorError(STORAGE_UNAVAILABLE, "too many files are being read; try again")
        if not self._places.acquire(blocking=False):
            raise too_many
        try:
            if not self._slots.acquire(timeout=MAX_WAIT):
                raise too_many
            try:
                yield
            finally:
                self._slots.release()
        finally:
            self._places.release()
