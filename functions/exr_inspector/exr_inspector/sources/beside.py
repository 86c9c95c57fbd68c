"""Read a small file that another one names, such as a manifest."""

from __future__ import annotations

import os
from collections.abc import Callable

from exr_inspector.errors import LIMIT_EXCEEDED, InspectorError
from exr_inspector.location import Location, path_location
from exr_inspector.sources.protocol import Source


def read_beside(
    location: Location, path: str, max_bytes: int, open_source: Callable[[Location], Source]
) -> bytes:
    """Return the bytes of the file at `path`, relative to the folder of a file; it must not lead out of it.

    Raises InspectorError: LIMIT_EXCEEDED for more than `max_bytes`, and what the source raises.
    """
    folder = location.path.rpartition("/")[0] if location.scheme == "s3" else os.path.dirname(location.path)  # noqa: PTH120 - text
    source = open_source(path_location(f"{folder}/{path}"))
    size = source.stat().size
    if size > max_bytes:
        raise InspectorError(LIMIT_EXCEEDED, f"it has {size} bytes; {max_bytes} are read", path)
    return source.read(0, size)
