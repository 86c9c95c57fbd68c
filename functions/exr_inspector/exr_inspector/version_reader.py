"""Read the header of one version of a file with few requests; start over if the file was replaced."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from exr_inspector.errors import EMPTY_FILE, OBJECT_CHANGED, InspectorError
from exr_inspector.exr.header import Header, NeedMore, parse_header
from exr_inspector.exr.limits import Limits
from exr_inspector.settings import KIB
from exr_inspector.sources.read_ahead import ReadAhead

# All 356 healthy files of three public test sets have their header within this.
FIRST_READ = 64 * KIB
# Most headers and offset tables are within this. A second read of a local file costs little, and copying 64
# KiB displaces other data from the processor's caches.
FIRST_LOCAL_READ = 16 * KIB
# How often a file that is replaced while it is read is read again from its start.
MAX_READS = 3

Result = TypeVar("Result")


def read_unchanged(read: Callable[[], Result]) -> Result:
    """Return what `read` returns for one version of a file; `read` opens the file anew each time.

    Raises InspectorError: OBJECT_CHANGED if the file was replaced in each of MAX_READS attempts, and what
    `read` raises otherwise.
    """
    for _ in range(MAX_READS - 1):
        try:
            return read()
        except InspectorError as error:
            if error.fault is not OBJECT_CHANGED:
                raise
    return read()


def read_header(ahead: ReadAhead, limits: Limits, first: int = FIRST_READ) -> Header:
    """Read the header: `first` bytes, then as many as the parser requests, or twice as many as before.

    Raises InspectorError: EMPTY_FILE, and the errors of `parse_header` and of the source.
    """
    ahead.grow(first)
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
