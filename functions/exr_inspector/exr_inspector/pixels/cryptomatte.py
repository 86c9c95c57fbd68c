"""The cryptomattes of one file: their objects, whether the ids are right, and what each object covers."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from math import inf
from typing import Any, Literal

from exr_inspector.errors import NOT_INSTALLED, InspectorError
from exr_inspector.exr.cryptomatte import (
    MAX_CRYPTOMATTES,
    MAX_MANIFEST_BYTES,
    Cryptomatte,
    Manifest,
    clamped,
    describe,
    find_cryptomattes,
    manifest_path,
    parse_manifest,
)
from exr_inspector.exr.facts import PartFacts
from exr_inspector.exr.header import Header
from exr_inspector.exr.limits import Limits
from exr_inspector.exr.part_summary import channel_facts, part_facts
from exr_inspector.location import Location, path_location
from exr_inspector.pixels.coverage import Coverage, cover
from exr_inspector.pixels.pixel_file import PixelFile
from exr_inspector.settings import Settings
from exr_inspector.sources.beside import read_beside
from exr_inspector.sources.opener import Opener
from exr_inspector.sources.protocol import Source
from exr_inspector.sources.read_ahead import ReadAhead
from exr_inspector.version_reader import read_header, read_unchanged

OpenSource = Callable[[Location], Source]


def cryptomattes(
    path: str | os.PathLike[str] | Location, *, coverage: bool = False, settings: Settings | None = None
) -> dict[str, Any]:
    """Return the Cryptomattes of a file: the facts in its header, and the objects in the manifests.

    The manifest comes from the header, or from the side-car file that the header names. Each id is compared
    with the hash of its name. With `coverage`, pixels are decoded, and each object has its `area` (the sum of
    its coverage, in pixels), the number of `pixels` that contain it, and their bounding `box`. Ids that are
    not in the manifest are objects without a name. Objects are sorted by area, then by name.

    The result has `status`: `ok`; `partial` if a chunk failed or is missing; `failed` if the file cannot be
    read. A fault of the file is in `failures`.

    Raises InspectorError: NOT_INSTALLED without the extra `policy`, or without `pixels` if `coverage` is
    true; BAD_EVENT for an invalid path; and transient faults of the file system or object store.
    """
    settings = settings or Settings()
    location = path_location(path, settings.paths)
    opener = Opener(settings)
    seconds = inf if coverage else None
    return read_unchanged(
        lambda: source_cryptomattes(opener(location), location, opener, settings.limits, seconds)
    )


def source_cryptomattes(
    source: Source, location: Location, open_source: OpenSource, limits: Limits, seconds: float | None
) -> dict[str, Any]:
    """Return what `cryptomattes` does, of the version of a file that a source reads.

    Pixels that are not decoded within `seconds` are skipped; infinity means no limit. None means that no
    pixel is read. A permanent fault is part of the result; any other is raised.
    """
    try:
        if seconds is None:
            mattes, unclaimed = _mattes(read_header(ReadAhead(source), limits), location, open_source)
            return _report(mattes, unclaimed, [])
        with closing(PixelFile(source, limits, None if seconds == inf else seconds)) as file:
            mattes, unclaimed = _mattes(file.header, location, open_source)
            for matte in mattes:
                matte.coverage = Coverage(clamped(id_) for _, id_ in matte.manifest.objects)
            wanted = [
                (rank, matte.coverage)
                for matte in mattes
                if matte.coverage and not matte.unfit
                for rank in matte.found.ranks
            ]
            return _report(mattes, unclaimed, cover(file, wanted))
    except InspectorError as error:
        if error.retry or error.fault is NOT_INSTALLED:
            raise
        failure = {"part_index": None, "code": error.code, "message": error.message, "chunks": None}
        return {**_report([], [], [failure]), "status": "failed"}


@dataclass
class _Matte:
    """A cryptomatte and its manifest, which is empty if there is none."""

    position: int
    found: Cryptomatte
    parts: Sequence[PartFacts]
    manifest: Manifest
    manifest_source: Literal["header", "sidecar"] | None
    coverage: Coverage | None = None

    @property
    def unfit(self) -> str | None:
        """Why the coverage cannot be computed; None if it can."""
        if self.position >= MAX_CRYPTOMATTES:
            return f"the file has more than {MAX_CRYPTOMATTES} cryptomattes"
        if not self.found.ranks:
            return "no layer has an id and a coverage channel"
        for layer in self.found.layers:
            if self.parts[layer.part_index]["is_deep"]:
                return "the part is deep"
            for component, channel in layer.channels.items():
                if component in "rb" and channel["type"] != "float":
                    return f"{channel['name']} is {channel['type']}; ids must be float"
                if (channel["x_sampling"], channel["y_sampling"]) != (1, 1):
                    return f"{channel['name']} is subsampled"
        return None

    def report(self) -> dict[str, Any]:
        """Return the facts, the totals of the coverage, and the objects."""
        facts = describe(self.found, self.parts, self.manifest if self.manifest_source else None)
        coverage = None
        if self.coverage is not None:
            coverage = {
                "error": self.unfit,
                "other_pixels": self.coverage.other_pixels,
                "other_area": self.coverage.other_area,
                "invalid_samples": self.coverage.invalid,
            }
        objects = sorted(
            self._objects(), key=lambda each: (-(each["area"] or 0), each["name"] or "", each["id"])
        )
        return {**facts, "manifest_source": self.manifest_source, "coverage": coverage, "objects": objects}

    def _objects(self) -> Iterator[dict[str, Any]]:
        is_covered = self.coverage is not None and not self.unfit
        totals = self.coverage.by_id() if self.coverage and is_covered else {}
        empty = {"area": 0.0, "pixels": 0, "box": None}
        nothing = empty if is_covered else dict.fromkeys(empty)
        unnamed = dict(totals)
        for name, id_ in self.manifest.objects:
            unnamed.pop(clamped(id_), None)
            yield {"name": name, "id": f"{id_:08x}", **totals.get(clamped(id_), nothing)}
        for id_, found in unnamed.items():
            yield {"name": None, "id": f"{id_:08x}", **found}


def _mattes(header: Header, location: Location, open_source: OpenSource) -> tuple[list[_Matte], list[str]]:
    """Return the cryptomattes of a header with their manifests, and layers that seem to be some."""
    parts = [part_facts(header, index) for index in range(len(header.parts))]
    texts = [
        {each.name: each.value for each in part.attributes if each.type_name == "string" and each.value}
        for part in header.parts
    ]
    found, unclaimed = find_cryptomattes(parts, texts, channel_facts(header))
    bounded = [
        each if position < MAX_CRYPTOMATTES else replace(each, manifest_file=None)
        for position, each in enumerate(found)
    ]
    mattes = [
        _Matte(position, each, parts, *_manifest(each, location, open_source))
        for position, each in enumerate(bounded)
    ]
    return mattes, unclaimed


def _manifest(
    found: Cryptomatte, location: Location, open_source: OpenSource
) -> tuple[Manifest, Literal["header", "sidecar"] | None]:
    """Return a manifest and its source. The side-car is used only if the header has no valid manifest."""
    if found.manifest is not None:
        manifest = parse_manifest(found.manifest)
        if manifest.error is None or found.manifest_file is None:
            return manifest, "header"
    if found.manifest_file is None:
        return Manifest([], []), None
    return _sidecar(found.manifest_file, location, open_source), "sidecar"


def _sidecar(stated: str, location: Location, open_source: OpenSource) -> Manifest:
    """Read the side-car file that a header names. Raises transient faults of its store."""
    path = manifest_path(stated)
    if path is None:
        return Manifest([], [], f"the path of the manifest is not allowed: {stated[:200]!r}")
    try:
        return parse_manifest(read_beside(location, path, MAX_MANIFEST_BYTES, open_source))
    except InspectorError as error:
        if error.retry:
            raise
        return Manifest([], [], f"the manifest {path} cannot be read: {error.message}")


def _report(mattes: Sequence[_Matte], unclaimed: list[str], failures: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "status": "partial" if failures else "ok",
        "cryptomattes": [matte.report() for matte in mattes],
        "unclaimed_layers": unclaimed,
        "failures": failures,
    }
