"""Read a file of the catalog again: its document, its chunks, its picture.

Only objects, and local files below the given folders, are read. Concurrency is limited. The pipeline and the
decoder process have their own limits.
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
"""Maximum number of files that are read concurrently."""
MAX_WAITING, MAX_WAIT = 12, 20.0
"""Maximum number of waiting requests, and their maximum wait in seconds."""
PICTURE_BYTES, PICTURE_SECONDS = 64 << 20, 10.0
"""Limits for one picture."""
MAX_HEADS = 1 << 14
"""Maximum number of chunk heads to read from a file without an offset table."""


class Originals:
    """Reads files by their stored path. Local files must be in `roots`, folders with links resolved.

    All methods raise InspectorError: PATH_NOT_ALLOWED, STORAGE_UNAVAILABLE if too many files are being read,
    and any error of reading the file.
    """

    def __init__(self, settings: Settings) -> None:
        # Omit statistics and policies: they are too slow for a page.
        self._settings = replace(settings, stats="none", cryptomatte="none", policies=())
        self._slots = threading.BoundedSemaphore(AT_ONCE)
        self._places = threading.BoundedSemaphore(AT_ONCE + MAX_WAITING)

    def document(self, path: str, roots: Sequence[str]) -> Document:
        """Inspect a file and return its current document."""
        with self._slot():
            runtime = Runtime(self._settings, None, self._opener(roots))
            document = inspect_request(request_for(self._location(path), self._settings), runtime)
        if document["file"]["status"] in (None, "missing"):  # the file was not read
            error = document["errors"][0]
            raise InspectorError(FAULTS[error["code"]], error["message"], error["where"])
        return document

    def completeness(self, path: str, roots: Sequence[str]) -> Completeness:
        """Return which chunks are currently in a file."""
        opener, location = self._opener(roots), self._location(path)

        def read() -> Completeness:
            source = opener(location)
            ahead = ReadAhead(source)
            header = read_header(ahead, self._settings.limits)
            return assess(header, ahead.read, source.stat().size, MAX_HEADS)

        with self._slot():
            return read_unchanged(read)

    def picture(self, path: str, roots: Sequence[str]) -> Picture | None:
        """Return a small picture of a file; None if it has no picture or decoding takes too long."""
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
