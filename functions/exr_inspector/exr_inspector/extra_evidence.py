"""Evidence that some rules need besides the document and the statistics.

It is read only if a policy uses it, and only for files that state the value to compare it with.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from exr_inspector.errors import InspectorError
from exr_inspector.exr.chunks import ChunkTable, chunk_table
from exr_inspector.exr.completeness import MAX_TABLE_BYTES
from exr_inspector.exr.cryptomatte import MAX_CRYPTOMATTES, MAX_MANIFEST_BYTES, manifest_path
from exr_inspector.exr.limits import Limits
from exr_inspector.location import Location
from exr_inspector.policy.collections.aces import OFFSETS_RISE, SCAN_LINES_MD5
from exr_inspector.policy.collections.cryptomatte import SIDECARS, find
from exr_inspector.sources.beside import read_beside
from exr_inspector.sources.protocol import Source
from exr_inspector.sources.read_ahead import ReadAhead
from exr_inspector.version_reader import read_header, read_unchanged

PIECE = 8 << 20
"""Bytes of scan lines that are held at once."""

OpenSource = Callable[[Location], Source]


@dataclass(frozen=True)
class ExtraReader:
    """Reads the evidence for rules on `collections`; `with_pixels` allows to read the scan lines."""

    open_source: OpenSource
    limits: Limits
    collections: Collection[str]
    with_pixels: bool = False

    def read(self, document: Mapping[str, Any], location: Location) -> dict[str, Any]:
        """Return the evidence of a file as `policy.facts.Facts.extra` holds it.

        Raises transient faults of the file's store.
        """
        extra: dict[str, Any] = {}
        if "cryptomattes" in self.collections:
            paths = (each.manifest_file for each in find(document).cryptomattes)
            stated = list(dict.fromkeys(path for path in paths if path is not None))[:MAX_CRYPTOMATTES]
            extra[SIDECARS] = {path: _sidecar(path, location, self.open_source) for path in stated}
        attributes = {each["name"] for part in document["parts"] for each in part["attributes"]}
        if "aces_container" in self.collections and "acesImageContainerFlag" in attributes:
            is_hashed = self.with_pixels and "imageChecksum" in attributes
            extra |= read_unchanged(lambda: _container(self.open_source(location), self.limits, is_hashed))
        return extra


def identity(extra: Mapping[str, Any]) -> dict[str, Any]:
    """Return JSON values that are equal for equal evidence."""
    sidecars = {
        path: content and hashlib.sha256(content).hexdigest()
        for path, content in extra.get(SIDECARS, {}).items()
    }
    return {**extra, SIDECARS: sidecars}


def _sidecar(stated: str, location: Location, open_source: OpenSource) -> bytes | None:
    """Return the bytes of a side-car manifest; None if it cannot be read, or its path is not allowed."""
    path = manifest_path(stated)
    try:
        return read_beside(location, path, MAX_MANIFEST_BYTES, open_source) if path else None
    except InspectorError as error:
        if error.retry:
            raise
        return None


def _container(source: Source, limits: Limits, is_hashed: bool) -> dict[str, Any]:
    """Return whether the offsets of a file rise, and the MD5 of its scan lines."""
    ahead = ReadAhead(source)
    try:
        header = read_header(ahead, limits)
    except InspectorError as error:
        if error.retry:
            raise
        return {}
    table = chunk_table(header, source.stat().size)
    if table is None or table.end - table.start > MAX_TABLE_BYTES:
        return {}
    raw = ahead.read(table.start, table.end - table.start)
    if len(raw) < table.end - table.start:
        return {}
    offsets = table.with_offsets(raw).entries
    extra: dict[str, Any] = {OFFSETS_RISE: bool((offsets[1:] > offsets[:-1]).all())}
    if is_hashed:
        extra[SCAN_LINES_MD5] = _md5(source, table)
    return extra


def _md5(source: Source, table: ChunkTable) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    for start in range(table.end, table.file_size, PIECE):
        digest.update(source.read(start, min(PIECE, table.file_size - start)))
    return digest.hexdigest()
