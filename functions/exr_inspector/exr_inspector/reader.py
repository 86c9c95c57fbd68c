"""Request -> source -> header -> document: read the file that a request names.

Permanent faults of a file become part of its document; transient faults are raised.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

from exr_inspector.document.build import Reading, make_document
from exr_inspector.document.model import Document
from exr_inspector.document.report import OiioReport
from exr_inspector.errors import (
    BAD_EVENT,
    DANGLING_LINK,
    FILE_NOT_FOUND,
    LINK_LOOP,
    NOT_A_FILE,
    OBJECT_CHANGED,
    PATH_NOT_ALLOWED,
    STORAGE_DENIED,
    STORAGE_REFUSED,
    InspectorError,
)
from exr_inspector.events.request import Config, Request
from exr_inspector.exr.completeness import Completeness, assess, unexamined
from exr_inspector.exr.header import Header
from exr_inspector.location import Location
from exr_inspector.settings import Settings
from exr_inspector.sources.protocol import Source, Stat
from exr_inspector.sources.read_ahead import ReadAhead
from exr_inspector.telemetry import Telemetry
from exr_inspector.version_reader import FIRST_LOCAL_READ, FIRST_READ, MAX_READS, read_header, read_unchanged

# Chunk heads that are read, each with a request or a system call, if a file has no offset table.
MAX_REMOTE_HEADS = 256
MAX_LOCAL_HEADS = 1 << 17
# Faults of files that could not be opened.
UNREACHED = (BAD_EVENT, DANGLING_LINK, FILE_NOT_FOUND, LINK_LOOP, NOT_A_FILE, PATH_NOT_ALLOWED)
# Faults that may concern the name alone: the object may exist under another of the request's names.
REFUSALS = (STORAGE_DENIED, STORAGE_REFUSED)

OpenSource = Callable[[Location], Source]


class Judged(NamedTuple):
    """The document's `validation`, and the inputs that produced it besides the facts.

    `known` is the identity of the stored findings if they were judged by statistics that are not at hand.
    """

    validation: Mapping[str, Any]
    inputs: Sequence[Any]
    known: str | None


class Pixels(NamedTuple):
    """The result of `pixels.stats` or `pixels.cryptomatte`.

    `request` is the request as JSON. `hash` identifies both. `status` is that of the result, or `unfinished`.
    """

    result: Mapping[str, Any]
    request: str
    hash: str
    status: str


@dataclass(frozen=True)
class Inspection:
    """A request and its result."""

    request: Request
    document: Document
    location: Location | None = None
    """The location that was read, or the first that was tried; None if the request names none."""
    stat: Stat | None = None
    """The version that was read; None if there is none."""
    absent: tuple[Location, ...] = ()
    """All locations of the request, if the file is at none of them."""
    is_current: bool = False
    """Whether this version was seen again after another one was stored, and must replace it."""
    pixels: Pixels | None = None
    """The pixel statistics of this version; None if they were not requested or are stored."""
    cryptomattes: Pixels | None = None
    """The cryptomattes of this version, likewise."""
    judged: Judged | None = None
    """The findings of policies; None if no policy was requested."""


@dataclass(frozen=True)
class Reader:
    """Reads files with one instance's settings. `open_source` makes the Source of a location."""

    settings: Settings
    open_source: OpenSource
    telemetry: Telemetry

    def inspect(self, request: Request) -> Inspection:
        """Return the inspection of a request's file; for a refused request, a document with its faults."""
        for error in request.errors:
            self.telemetry.logger.warning("Event: %s", error)
        if request.kind in ("ignored", "refused"):
            location = next(iter(request.locations), None)
            return Inspection(request, make_document(Reading(location, errors=request.errors)), location)
        with self.telemetry.step("read", path=request.locations[0].path):
            reading, absent = self._locate(request)
        if request.errors:
            reading = reading._replace(errors=(*reading.errors, *request.errors))
        document = make_document(reading, request.sequencer)
        self.telemetry.record("exr_inspector.files", 1, status=document["file"]["status"])
        self.count_faults(document["errors"])
        return Inspection(request, document, reading.location, reading.stat, absent)

    def count_faults(self, faults: Sequence[Mapping[str, Any]]) -> None:
        """Count faults of a file, or of its pixels, by their `code`."""
        for code, count in Counter(each["code"] for each in faults).items():
            self.telemetry.record("exr_inspector.faults", count, code=code, outcome="recorded")

    def retry_replaced(
        self, inspection: Inspection, compute: Callable[[Inspection], Inspection | None]
    ) -> Inspection:
        """Return what `compute` makes of an inspection. If the file was replaced meanwhile, it returns None,
        and the file is inspected again.

        Raises InspectorError: OBJECT_CHANGED after MAX_READS attempts.
        """
        for _ in range(MAX_READS):
            found = compute(inspection)
            if found is not None:
                return found
            locations = (inspection.location,) if inspection.location else ()
            inspection = self.inspect(replace(inspection.request, locations=locations))
        message = "the object changed each time its pixels were read"
        raise InspectorError(OBJECT_CHANGED, message, inspection.document["file"]["path"])

    def _locate(self, request: Request) -> tuple[Reading, tuple[Location, ...]]:
        """Read the first location that exists with the request's eTag or size.

        If none agrees, take the first that exists, since the object may have been overwritten; then the first
        that is missing. If a location was refused, it may be the right one: raise its refusal.
        """
        readings: list[Reading] = []
        refusals: list[InspectorError] = []
        for location in request.locations:
            try:
                reading = read_unchanged(partial(self._read_version, location, request.config))
            except InspectorError as error:
                if error.fault not in REFUSALS:
                    raise
                refusals.append(error)
                continue
            if _agrees(request, reading.stat):
                return reading, ()
            readings.append(reading)
        if refusals:
            raise refusals[0]
        present = [each for each in readings if each.stat]
        if present:
            return present[0], ()
        missing = [each for each in readings if each.errors[0].fault.status == "missing"]
        absent = tuple(each.location for each in missing if each.location)
        return (missing or readings)[0], absent

    def _read_version(self, location: Location, config: Config) -> Reading:
        """Read one version of a file. A permanent fault is part of the result, any other is raised."""
        source = self.open_source(location)
        ahead = ReadAhead(source)
        try:
            first = FIRST_READ if location.scheme == "s3" else FIRST_LOCAL_READ
            header = read_header(ahead, self.settings.limits, first)
            completeness = self._assess(header, ahead, location)
        except InspectorError as error:
            if error.retry:
                raise
            stat = None if error.fault in UNREACHED else source.stat()
            return Reading(location, stat, errors=(error,))
        finally:
            self.telemetry.record("exr_inspector.bytes_read", len(ahead.prefix))
        return Reading(
            location=location,
            stat=source.stat(),
            header=header,
            header_hash=hashlib.sha256(ahead.prefix[: header.size]).hexdigest(),
            completeness=completeness,
            view=_report(header, source.stat().size) if self.settings.openimageio and config.meta else None,
        )

    def _assess(self, header: Header, ahead: ReadAhead, location: Location) -> Completeness:
        """Judge completeness as far as the settings allow: in S3 objects `auto` looks at held bytes only."""
        size = ahead.source.stat().size
        policy, is_remote = self.settings.completeness, location.scheme == "s3"
        if policy == "never":
            return unexamined(header, size)
        read = ahead.held if policy == "auto" and is_remote else ahead.read
        return assess(header, read, size, MAX_REMOTE_HEADS if is_remote else MAX_LOCAL_HEADS)


def _agrees(request: Request, stat: Stat | None) -> bool:
    """Compare by eTag if both are known, since two versions may have one size; else by size."""
    if stat is None:
        return False
    if request.etag and stat.etag:
        return request.etag == stat.etag
    return request.size in (None, stat.size)


def _report(header: Header, file_size: int) -> OiioReport:
    from exr_inspector.document.oiio_report import report_header  # noqa: PLC0415 - 40 MiB, only if it is wanted

    return report_header(header, file_size)
