"""Document -> statistics: measure the pixels of the files whose requests ask for it.

What the store already has is not measured again: it is identified by the object's version, the request and
the version of the facet.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from exr_inspector.catalog.facets import FACETS, UNFINISHED, input_hash, object_version
from exr_inspector.document.serialize import to_json
from exr_inspector.errors import PIXELS_TIMEOUT, InspectorError
from exr_inspector.mattes import list_objects
from exr_inspector.parallel import side_by_side
from exr_inspector.reader import Inspection, Pixels, Reader
from exr_inspector.settings import Settings
from exr_inspector.sources.protocol import Stat

if TYPE_CHECKING:
    from exr_inspector.catalog.store import Sink

KNOWN = "the store has the statistics of these pixels"
NO_TIME = "EXR_INSPECTOR_STATS_SECONDS are over"

Mode = Literal["sampled", "full"]


@dataclass(frozen=True)
class Measurer:
    """Measures the files of one event or batch. `store` is None if nothing is stored."""

    reader: Reader
    store: Sink | None = None
    keep_faults: bool = False
    """Whether a fault that a retry can cure is part of the document instead of raised."""
    end: float = 0.0
    """When the time for pixels is over, on the clock `time.monotonic`."""

    @classmethod
    def start(cls, reader: Reader, store: Sink | None = None, *, keep_faults: bool = False) -> Measurer:
        """Return a measurer whose time begins now."""
        return cls(reader, store, keep_faults, time.monotonic() + reader.settings.stats_seconds)

    def measure(self, inspections: Sequence[Inspection]) -> list[Inspection]:
        """Return the inspections, those that ask for statistics or cryptomattes with them.

        A file that is replaced meanwhile is inspected again. Raises InspectorError for a fault that a retry
        can cure.
        """
        wanted = [index for index, each in enumerate(inspections) if self._mode(each) is not None]
        found = list(inspections)
        if wanted:
            known = self._known([inspections[index] for index in wanted])
            measured = side_by_side(lambda index: self._result(inspections[index], known), wanted)
            for index, each in zip(wanted, measured, strict=True):
                found[index] = each
        return list_objects(found, self.reader, self.store, self.end, keep_faults=self.keep_faults)

    def stored(self, inspections: Sequence[Inspection]) -> dict[str, str]:
        """Return the hashes of stored statistics of these versions of files, whatever asked for them."""
        held = self._known(inspections) if inspections else {}
        found: dict[str, str] = {}
        for each in inspections:
            if each.location and each.stat and (known := held.get(each.location.file_id)):
                modes = [_input_hash(each.stat, asked) for asked in requests("sampled", self.reader.settings)]
                found |= {each.location.file_id: known} if known in modes else {}
        return found

    def _known(self, inspections: Sequence[Inspection]) -> Mapping[str, str | None]:
        """Return the hashes of the stored statistics of these files, by file."""
        file_ids = [each.location.file_id for each in inspections if each.location]
        return self.store.computed(file_ids, "pixels") if self.store else {}

    def _result(self, inspection: Inspection, known: Mapping[str, str | None]) -> Inspection:
        """Measure one file. A fault that no retry cures, such as an absent library, is in its document."""
        try:
            return self._measured(inspection, known)
        except InspectorError as error:
            if error.retry and not self.keep_faults:
                raise
            return _with(inspection, {"status": "skipped", "reason": str(error)})

    def _mode(self, inspection: Inspection) -> Mode | None:
        """Return the mode for the pixels of a file; None if they are not read or the header is missing."""
        mode = inspection.request.config.stats_mode(self.reader.settings.stats)
        return mode if mode != "none" and inspection.document["parts"] else None

    def _measured(self, inspection: Inspection, known: Mapping[str, str | None]) -> Inspection:
        from exr_inspector.pixels.stats import source_stats  # noqa: PLC0415 - only if pixels are read

        settings = self.reader.settings

        def compute(inspection: Inspection) -> Inspection | None:
            mode, location, stat = self._mode(inspection), inspection.location, inspection.stat
            if mode is None or location is None or stat is None:
                return inspection
            hashes = [_input_hash(stat, each) for each in requests(mode, settings)]
            if known.get(location.file_id) in hashes:
                return _with(inspection, {"status": "unchanged", "reason": KNOWN})
            seconds = self.end - time.monotonic()
            if seconds <= 0:
                return _with(inspection, {"status": "skipped", "reason": NO_TIME})
            source = self.reader.open_source(location)
            with self.reader.telemetry.step("measure", path=location.path):
                result = source_stats(source, mode, settings.stats_bytes, settings, seconds)
            self.reader.telemetry.record("exr_inspector.bytes_read", result["coverage"]["bytes_read"])
            self.reader.count_faults(result["failures"])
            if source.stat() != stat:
                return None
            shown = {name: value for name, value in result.items() if not name.startswith("look")}
            pixels = _pixels(result, stat, requests(mode, settings)[0])
            return replace(_with(inspection, shown), pixels=pixels)

        return self.reader.retry_replaced(inspection, compute)


def requests(mode: str, settings: Settings) -> list[str]:
    """Return the request as JSON, and other requests whose results also satisfy it: a full pass does."""
    full = to_json({"mode": "full"})
    return [full] if mode == "full" else [to_json({"mode": mode, "budget": settings.stats_bytes}), full]


def _pixels(result: Mapping[str, Any], stat: Stat, request: str) -> Pixels:
    """Return the stored form. An unfinished result gets a different hash, so that it is computed again."""
    if all(each["code"] != PIXELS_TIMEOUT.code for each in result["failures"]):
        return Pixels(result, request, _input_hash(stat, request), result["status"])
    unfinished = f"{request} after {result['coverage']['chunks_read']} chunks"
    return Pixels(result, request, _input_hash(stat, unfinished), UNFINISHED)


def _input_hash(stat: Stat, request: str) -> str:
    return input_hash(FACETS["pixels"], object_version(stat.row()), request)


def _with(inspection: Inspection, stats: dict[str, Any]) -> Inspection:
    return replace(inspection, document={**inspection.document, "stats": stats})
