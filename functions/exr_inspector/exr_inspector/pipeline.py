"""The pipeline, in order: request -> source -> header -> document -> pixels -> findings -> rows -> store.

`reader` does the steps up to the document. `measurer` reads pixels and `judge` applies policies, each if that
is asked for. `writer` does the steps from the vectors to the store.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING

from exr_inspector.document.build import Reading, make_document
from exr_inspector.document.model import Document
from exr_inspector.errors import InspectorError
from exr_inspector.events.request import Request
from exr_inspector.judge import Judge
from exr_inspector.location import Location, path_location
from exr_inspector.measurer import Measurer
from exr_inspector.parallel import side_by_side
from exr_inspector.policy_files import PolicyFiles
from exr_inspector.reader import Inspection, OpenSource, Reader
from exr_inspector.settings import Settings
from exr_inspector.sources.opener import Opener
from exr_inspector.telemetry import SILENT, Telemetry
from exr_inspector.writer import Process, write

if TYPE_CHECKING:
    from exr_inspector.catalog.store import Sink

Target = str | os.PathLike[str] | Location
"""A file: a local path, `s3://bucket/key`, or a location."""


@dataclass(frozen=True)
class Runtime:
    """What one instance holds for its lifetime."""

    settings: Settings = field(default_factory=Settings)
    store: Sink | None = None
    open_source: OpenSource = field(default_factory=lambda: Opener(Settings()))
    telemetry: Telemetry = SILENT
    policies: PolicyFiles = field(default_factory=PolicyFiles)


def request_for(path: Target, settings: Settings) -> Request:
    """Return the request to inspect a path. Raises InspectorError(BAD_EVENT) for an impossible one."""
    return Request("created", (path_location(path, settings.paths),))


def inspect(path: Target, settings: Settings | None = None) -> Document:
    """Return the document of one file: a local path or `s3://bucket/key`.

    If the file is not a readable EXR, the document has `errors`. Raises InspectorError if a retry may help:
    STORAGE_DENIED, STORAGE_UNAVAILABLE, OBJECT_CHANGED. Raises BAD_EVENT for an invalid path.

    >>> document = inspect("beauty.1001.exr")
    >>> document["file"]["status"], [part["compression"] for part in document["parts"]]
    ('ok', ['zip'])
    """
    settings = settings or Settings()
    return inspect_request(request_for(path, settings), Runtime(settings, None, Opener(settings)))


# The name that the original design gave it.
inspect_exr = inspect


def inspect_many(
    requests: Iterable[Request], runtime: Runtime, *, batch: int | None = None, keep_faults: bool = False
) -> Iterator[Document]:
    """Inspect files and bring the store up to date; yield one document per request, in order.

    `batch` requests share a transaction; by default all of them. Raises InspectorError for a fault that a
    retry can cure, and then nothing of its batch is stored. With `keep_faults`, a file that cannot be read
    now gives a document with that fault, and the others are stored. If the store fails, the documents of the
    batch come first, with the fault in `persistence`, and then the fault is raised.
    """
    reader = _reader(runtime)

    def read(request: Request) -> Inspection:
        try:
            return reader.inspect(request)
        except InspectorError as error:
            if not keep_faults:
                raise
            location = next(iter(request.locations), None)
            return Inspection(request, make_document(Reading(location, errors=(error,))), location)

    remaining = iter(requests)
    while group := list(islice(remaining, batch)):
        files = [_expand(request) for request in group]
        singles = [each for expanded in files for each in expanded]
        # Threads help only reads that wait for the network. Local files would take twice the CPU time.
        waits = any(location.scheme == "s3" for each in singles for location in each.locations)
        inspections = side_by_side(read, singles) if waits else [read(each) for each in singles]
        measurer = Measurer.start(reader, runtime.store, keep_faults=keep_faults)
        process = _measure_and_judge(measurer, runtime.policies)
        try:
            documents = iter(write(process(inspections), runtime.store, reader, process))
        except InspectorError as error:
            if keep_faults:
                yield from _unstored(write(inspections, None, reader, process), error)
            raise
        for expanded in files:
            yield _answer([next(documents) for _ in expanded])


def _unstored(documents: Iterable[Document], error: InspectorError) -> Iterator[Document]:
    for document in documents:
        yield {**document, "persistence": {**document["persistence"], "message": str(error)}}


def _measure_and_judge(measurer: Measurer, policies: PolicyFiles) -> Process:
    judge = Judge(measurer, policies)
    return lambda inspections: judge.judge(measurer.measure(inspections))


def _reader(runtime: Runtime) -> Reader:
    return Reader(runtime.settings, runtime.open_source, runtime.telemetry)


def inspect_request(request: Request, runtime: Runtime) -> Document:
    """Return the document of the file that a request names, without storing it. Raises as `inspect`."""
    reader = _reader(runtime)
    process = _measure_and_judge(Measurer.start(reader), runtime.policies)
    (inspection,) = process([reader.inspect(request)])
    return inspection.document


def _expand(request: Request) -> Sequence[Request]:
    """Expand a removal to every candidate key: one object may be gone while another is there.

    Which of several was removed is unknown, so ambiguous removals drop the sequencer.
    """
    if request.kind != "removed" or len(request.locations) == 1:
        return [request]
    return [replace(request, locations=(location,), sequencer=None) for location in request.locations]


def _answer(documents: list[Document]) -> Document:
    """Choose the document that answers an expanded request: that of the missing file, if there is one."""
    return next((each for each in documents if each["file"]["status"] == "missing"), documents[0])
