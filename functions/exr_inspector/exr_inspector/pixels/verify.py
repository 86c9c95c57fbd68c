"""Decode everything in a file, and report every chunk that does not decode."""

from __future__ import annotations

import os
from contextlib import closing
from typing import Any

from exr_inspector.errors import NOT_INSTALLED, InspectorError
from exr_inspector.location import Location, path_location
from exr_inspector.pixels.decode import decoder_version
from exr_inspector.pixels.pixel_file import PixelFile
from exr_inspector.pixels.plan import plan_full
from exr_inspector.pixels.stream import MAX_FAILED
from exr_inspector.settings import Settings
from exr_inspector.sources.opener import Opener
from exr_inspector.sources.protocol import Source
from exr_inspector.version_reader import read_unchanged

CHECKED = frozenset(("zip", "zips", "pxr24"))
"""Codecs with a checksum. Others decode most damaged data without an error."""


def verify_pixels(
    path: str | os.PathLike[str] | Location,
    settings: Settings | None = None,
    *,
    seconds: float | None = None,
) -> dict[str, Any]:
    """Decode all chunks of all parts and levels of a file; return those that do not decode.

    The result has `status`: `ok`; `partial` if a chunk does not decode; `failed` if none does. `chunks` and
    `chunks_decoded` count. `bad_chunks` has those that do not decode, at most 10,000, each with its part,
    level, pixels, code and message, and `failures` what concerns whole parts. `unchecked` lists the parts
    whose codec has no checksum: damage there may decode to wrong pixels without an error, as may damage to
    chunks that a codec stored uncompressed, since that was smaller.

    Raises InspectorError as `pixel_stats` does.
    """
    decoder_version()
    settings = settings or Settings()
    location = path_location(path, settings.paths)
    opener = Opener(settings)
    return read_unchanged(lambda: _verify(opener(location), settings, seconds))


def _verify(source: Source, settings: Settings, seconds: float | None) -> dict[str, Any]:
    found: dict[str, Any] = {"chunks": 0, "chunks_decoded": 0, "bad_chunks": [], "failures": []}
    unchecked = []
    try:
        file = PixelFile(source, settings.limits, seconds)
    except InspectorError as error:
        if error.retry or error.fault is NOT_INSTALLED:
            raise
        found["failures"].append({"part_index": None, "code": error.code, "message": error.message})
        return {"status": "failed", **found, "unchecked": []}
    with closing(file):
        for part in range(len(file.header.parts)):
            found["chunks"] += file.table.counts[part]
            try:
                _verify_part(file, part, found)
            except InspectorError as error:
                if error.retry:
                    raise
                failure = {"part_index": part, "code": error.code, "message": error.message}
                found["failures"].append(failure)
                continue
            compression = file.table.layouts[part].compression
            if compression not in CHECKED:
                unchecked.append({"part_index": part, "compression": compression})
    is_whole = found["chunks"] == found["chunks_decoded"]
    status = "ok" if is_whole else "partial" if found["chunks_decoded"] else "failed"
    return {"status": status, **found, "unchecked": unchecked}


def _verify_part(file: PixelFile, part: int, found: dict[str, Any]) -> None:
    """Decode all levels of a part. No channel is wanted, so that the samples stay in the decoder."""
    stream = file.stream(part, [])
    for number in range(len(stream.layout.levels)):
        for _ in stream.groups(plan_full(stream.layout, number)):
            pass
    found["chunks_decoded"] += stream.chunks_read
    for index, (code, message) in sorted(stream.failed_chunks.items()):
        if len(found["bad_chunks"]) >= MAX_FAILED:
            return
        coordinates, x, y, width, height = stream.layout.chunk(index)
        found["bad_chunks"].append(
            {
                "part_index": part,
                "level": list(coordinates[2:]),
                "x": x,
                "y": y,
                "width": width,
                "height": height,
                "code": code,
                "message": message,
            }
        )
