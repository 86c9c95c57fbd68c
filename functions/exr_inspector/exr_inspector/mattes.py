"""Inspection -> cryptomattes: list the objects of the files whose requests ask for it.

What the store already has is not computed again: it is identified by the object's version, the request and
the version of the facet.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from exr_inspector.catalog.facets import FACETS, input_hash, object_version
from exr_inspector.document.serialize import to_json
from exr_inspector.errors import PIXELS_TIMEOUT, InspectorError
from exr_inspector.parallel import side_by_side
from exr_inspector.reader import Inspection, Pixels, Reader
from exr_inspector.sources.protocol import Stat

if TYPE_CHECKING:
    from exr_inspector.catalog.store import Sink


def list_objects(
    inspections: Sequence[Inspection], reader: Reader, store: Sink | None, end: float, *, keep_faults: bool
) -> list[Inspection]:
    """Return the inspections, those that ask for cryptomattes with them.

    A file that is replaced meanwhile is inspected again. Pixels are given up at `end`, on the clock
    `time.monotonic`. Raises InspectorError for a fault that a retry can cure, unless `keep_faults`.
    """
    found = list(inspections)
    wanted = [index for index, each in enumerate(found) if _mode(each, reader) != "none"]
    if not wanted:
        return found
    file_ids = [location.file_id for index in wanted if (location := found[index].location)]
    known = store.computed(file_ids, "cryptomatte") if store else {}

    def listed(index: int) -> Inspection:
        inspection = found[index]
        try:
            return _listed(inspection, reader, known, end)
        except InspectorError as error:
            if (error.retry and not keep_faults) or inspection.stat is None:
                raise
            mode = _mode(inspection, reader)
            failed = {"status": str(error), "cryptomattes": []}
            request = requests(mode)[0]
            identity = _input_hash(inspection.stat, request, "failed")
            return replace(inspection, cryptomattes=Pixels(failed, request, identity, str(error)))

    for index, each in zip(wanted, side_by_side(listed, wanted), strict=True):
        found[index] = each
    return found


def _mode(inspection: Inspection, reader: Reader) -> str:
    """Return the requested mode: `none`, `objects` or `coverage`."""
    asked = inspection.request.config.cryptomatte or reader.settings.cryptomatte
    return asked if inspection.document["parts"] else "none"


def _listed(
    inspection: Inspection, reader: Reader, known: Mapping[str, str | None], end: float
) -> Inspection:
    from exr_inspector.pixels.cryptomatte import source_cryptomattes  # noqa: PLC0415 - only if it is wanted

    def compute(inspection: Inspection) -> Inspection | None:
        mode, location, stat = _mode(inspection, reader), inspection.location, inspection.stat
        if mode == "none" or location is None or stat is None:
            return inspection
        if known.get(location.file_id) in {_input_hash(stat, each) for each in requests(mode)}:
            return inspection
        source = reader.open_source(location)
        seconds = max(end - time.monotonic(), 0) if mode == "coverage" else None
        with reader.telemetry.step("cryptomatte", path=location.path):
            result = source_cryptomattes(
                source, location, reader.open_source, reader.settings.limits, seconds
            )
        reader.count_faults(result["failures"])
        if source.stat() != stat:
            return None
        more = () if _is_final(result) else ("unfinished",)
        request = requests(mode)[0]
        identity = _input_hash(stat, request, *more)
        return replace(inspection, cryptomattes=Pixels(result, request, identity, result["status"]))

    return reader.retry_replaced(inspection, compute)


def _is_final(result: Mapping[str, Any]) -> bool:
    """Return whether the same request would give the same result.

    Not if the time did not suffice, nor if a side-car could not be read: it may arrive after the file.
    """
    is_late = any(each["code"] == PIXELS_TIMEOUT.code for each in result["failures"])
    return not is_late and all(
        each["manifest_source"] != "sidecar" or each["manifest_error"] is None
        for each in result["cryptomattes"]
    )


def requests(mode: str) -> list[str]:
    """Return the request as JSON, and other requests whose results also satisfy it: coverage does."""
    return [to_json({"mode": each}) for each in dict.fromkeys((mode, "coverage"))]


def _input_hash(stat: Stat, request: str, *more: str) -> str:
    return input_hash(FACETS["cryptomatte"], object_version(stat.row()), request, *more)
