"""The story, in order: request -> source -> header -> document -> vectors and rows -> store.

Permanent faults of a file become part of its document; faults that a retry can cure are raised.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import Any

from exr_inspector.document import Document, Reading, location_of, make_document
from exr_inspector.errors import (
    BAD_EVENT,
    FILE_NOT_FOUND,
    NOT_A_FILE,
    OBJECT_CHANGED,
    STORAGE_DENIED,
    STORAGE_REFUSED,
    InspectorError,
)
from exr_inspector.events.request import Config, Request
from exr_inspector.reading.chunks import is_complete
from exr_inspector.reading.header import Header
from exr_inspector.reading.sources import LocalFile, ReadAhead, Source, is_object, read_header
from exr_inspector.reading.view import View
from exr_inspector.settings import Settings
from exr_inspector.storage.store import Removal, Store
from exr_inspector.storage.tables import FileRows, rows_of
from exr_inspector.storage.tables import file_id as id_of
from exr_inspector.telemetry import SILENT, Telemetry

# How often a file that is replaced while it is read is read again from its start.
READS = 3
# How many files of one batch are read at once.
READERS = 16
# Faults of a file that no byte can be had of.
UNREACHED = (BAD_EVENT, FILE_NOT_FOUND, NOT_A_FILE)
# Answers that may be about the name alone: under another one the object may be had.
REFUSALS = (STORAGE_DENIED, STORAGE_REFUSED)
GONE = "the file is gone, and its rows with it"
NO_FILE = "no file is known"
NOTHING_ASKED = "the event asks for nothing here"
NO_STORE = "no database is set: VAST_DB_ENDPOINT or EXR_INSPECTOR_DB names one"


@dataclass(frozen=True)
class Runtime:
    """What one instance holds from its start to its end. `open_source` gives a Source for a location."""

    settings: Settings = field(default_factory=Settings)
    store: Store | None = None
    open_source: Callable[[str], Source] = LocalFile
    telemetry: Telemetry = SILENT


def inspect(path: str | os.PathLike[str], settings: Settings | None = None) -> Document:
    """The document of one local file. A file that cannot be read as EXR gives one too, with `errors`.

    Raises InspectorError where reading again may help: STORAGE_DENIED, STORAGE_UNAVAILABLE, OBJECT_CHANGED.
    """
    return inspect_location(os.fspath(path), Runtime(settings or Settings()))


# The name that the original design gave it.
inspect_exr = inspect


def inspect_location(location: str, runtime: Runtime, config: Config | None = None) -> Document:
    """The document of the file at a location, without storing it. Raises as `inspect` does."""
    return inspect_request(Request("created", (location,), config or Config()), runtime)


def process(requests: Sequence[Request], runtime: Runtime) -> list[Document]:
    """Inspect what the requests name and bring the store up to date: one document each, in their order.

    Files are read side by side; all their rows go into the store in one transaction. Raises InspectorError
    for a fault that a retry can cure, and then nothing of these requests is in the store.
    """
    files = [_by_file(request) for request in requests]
    singly = [each for request in files for each in request]
    documents = _side_by_side(singly, runtime)
    _bring_up_to_date(list(zip(singly, documents, strict=True)), runtime)
    told = iter(documents)
    return [_telling([next(told) for _ in request]) for request in files]


def persist(documents: Sequence[Document], runtime: Runtime, removals: Sequence[Removal] = ()) -> None:
    """Store documents and delete what is gone, in one transaction, and say in each document's `persistence`
    what became of it.
    """
    store = runtime.store
    if store is None:
        for document in documents:
            document["persistence"] = _persistence("skipped", document, NO_STORE)
    elif documents or removals:
        _store(documents, removals, store, runtime.telemetry)


def _store(
    documents: Sequence[Document], removals: Sequence[Removal], store: Store, telemetry: Telemetry
) -> None:
    log = telemetry.logger
    for document in documents:
        log.info("Persisting metadata for path=%s", document["file"]["path"])
    files = [rows_of(document) for document in documents]
    with telemetry.step("store", files=len(files) + len(removals)):
        actions = {outcome.file_id: outcome.action for outcome in store.upsert(files, removals)}
    for document, rows in zip(documents, files, strict=True):
        action = actions[rows.file_id]
        document["persistence"] = _persistence(
            "stored", document, f"{action} {_counted([rows], *rows.rows)}", action == "inserted"
        )
    if files:
        log.info("Wrote %s to %s", _counted(files, "files", "parts", "channels"), store.name)


def inspect_request(request: Request, runtime: Runtime) -> Document:
    """The document of the file that a request means, not stored. Raises as `inspect` does."""
    with runtime.telemetry.step("read", path=request.locations[0]):
        reading = _settled(request, runtime)
    if request.errors:
        reading = replace(reading, errors=(*reading.errors, *request.errors))
    document = make_document(reading, sequencer=request.sequencer)
    asked = request.config
    if asked.stats or asked.deep_stats:
        document["stats"] = {"status": "skipped", "reason": "pixel statistics are not part of this release"}
    if asked.validate:
        document["validation"] = {"status": "skipped", "reason": "policies are not part of this release"}
    runtime.telemetry.record("exr_inspector.files", 1, status=document["file"]["status"])
    return document


# --- reading --------------------------------------------------------------------------------------------


def _by_file(request: Request) -> list[Request]:
    """A request for each file: a removal is one of the file under each name that it may mean, for one may be
    gone while another is there. Which of several is the removed one is not known, so none has its sequencer.
    """
    if request.kind != "removed" or len(request.locations) == 1:
        return [request]
    return [replace(request, locations=(location,), sequencer=None) for location in request.locations]


def _telling(documents: list[Document]) -> Document:
    """Of the documents for one request the one that answers it: where a file is gone, that file's."""
    return next((each for each in documents if each["file"]["status"] == "missing"), documents[0])


def _side_by_side(requests: Sequence[Request], runtime: Runtime) -> list[Document]:
    if len(requests) < 2:
        return [_document(request, runtime) for request in requests]
    # Each in a copy of this thread's context, so that its spans belong to the handler's.
    contexts = [copy_context() for _ in requests]
    with ThreadPoolExecutor(max_workers=min(len(requests), READERS)) as readers:
        return list(
            readers.map(lambda context, each: context.run(_document, each, runtime), contexts, requests)
        )


def _document(request: Request, runtime: Runtime) -> Document:
    for error in request.errors:
        runtime.telemetry.logger.warning("Of the event: %s", error)
    if request.kind in ("created", "removed"):
        return inspect_request(request, runtime)
    return make_document(Reading(next(iter(request.locations), ""), errors=request.errors))


def _settled(request: Request, runtime: Runtime) -> Reading:
    """Of the locations that a request may mean, the first that exists and is of the stated eTag or size.

    Else the first that exists: the object may have been overwritten since; else the first that is missing.
    Where a refused one may be the right one, its refusal is raised.
    """
    readings, refusals = [], []
    for location in request.locations:
        try:
            reading = _read(location, request.config, runtime)
        except InspectorError as error:
            if error.fault not in REFUSALS:
                raise
            refusals.append(error)
            continue
        if _agrees(request, reading):
            return reading
        readings.append(reading)
    if refusals:
        raise refusals[0]
    there = [each for each in readings if each.stat]
    missing = [each for each in readings if each.errors and each.errors[0].fault is FILE_NOT_FOUND]
    return (there or missing or readings)[0]


def _agrees(request: Request, reading: Reading) -> bool:
    """By eTag where both are known, for versions may be of one size; else by size; else by being there."""
    stat = reading.stat
    if stat is None:
        return False
    if request.etag and stat.etag:
        return request.etag == stat.etag
    return request.size in (None, stat.size)


def _read(location: str, config: Config, runtime: Runtime) -> Reading:
    for _ in range(READS - 1):
        try:
            return _read_once(runtime.open_source(location), config, runtime)
        except InspectorError as error:
            if error.fault is not OBJECT_CHANGED:
                raise
    return _read_once(runtime.open_source(location), config, runtime)


def _read_once(source: Source, config: Config, runtime: Runtime) -> Reading:
    """Read one version of a file. A permanent fault is part of the answer, any other is raised."""
    ahead = ReadAhead(source)
    try:
        header = read_header(ahead, runtime.settings)
        complete = _complete(header, ahead, runtime.settings)
    except InspectorError as error:
        if error.retry:
            raise
        stat = None if error.fault in UNREACHED else source.stat()
        return Reading(source.location, stat, errors=(error,))
    finally:
        runtime.telemetry.record("exr_inspector.bytes_read", len(ahead.prefix))
    return Reading(
        location=source.location,
        stat=source.stat(),
        header=header,
        header_hash=hashlib.sha256(ahead.prefix[: header.size]).hexdigest(),
        complete=complete,
        view=_view(header) if runtime.settings.openimageio and config.meta else None,
    )


def _complete(header: Header, ahead: ReadAhead, settings: Settings) -> bool | None:
    if settings.completeness == "never":
        return None
    frugal = settings.completeness == "auto" and is_object(ahead.source.location)
    return is_complete(header, ahead.held if frugal else ahead.read, ahead.source.stat().size)


def _view(header: Header) -> View:
    from exr_inspector.reading.oiio_view import view_header  # noqa: PLC0415 - 40 MiB, only where it is wanted

    return view_header(header)


# --- storing --------------------------------------------------------------------------------------------


def _bring_up_to_date(found: Sequence[tuple[Request, Document]], runtime: Runtime) -> None:
    """Store what was reached and delete what is gone; of anything else no row can speak."""
    gone = [(request, document) for request, document in found if _is_gone(request, document)]
    kept = [each for request, each in found if each["file"]["status"] and not _is_gone(request, each)]
    persist(kept, runtime, [_removal(request) for request, _ in gone])
    for request, document in found:
        if "persistence" not in document:
            status, message = _left(request, document, runtime)
            document["persistence"] = _persistence(status, document, message)


def _left(request: Request, document: Document, runtime: Runtime) -> tuple[str, str]:
    """What became of a file that is not stored."""
    if request.kind == "ignored":
        return "ignored", NOTHING_ASKED
    if not document["file"]["status"]:
        return "skipped", NO_FILE
    return ("deleted", GONE) if runtime.store else ("skipped", NO_STORE)


def _is_gone(request: Request, document: Document) -> bool:
    """Whether a removed file is really no longer there.

    What was created again since its removal is stored like any other file, in whatever order events come.
    """
    return request.kind == "removed" and document["file"]["status"] == "missing"


def _removal(request: Request) -> Removal:
    return Removal(id_of(request.locations[0]), request.sequencer, _moment(request.time))


def _moment(text: str | None) -> datetime | None:
    """An event's time in UTC, its zone where it names none, as the tables hold it; None if it is no time."""
    try:
        moment = datetime.fromisoformat((text or "").replace("Z", "+00:00"))
        return (moment.astimezone(timezone.utc) if moment.tzinfo else moment).replace(tzinfo=None)
    except (OverflowError, ValueError):
        return None


def _persistence(status: str, document: Document, message: str, inserted: bool = False) -> dict[str, Any]:
    file_id = id_of(location_of(document)) if document["file"]["path"] else None
    return {"status": status, "file_id": file_id, "inserted": inserted, "message": message}


def _counted(files: Sequence[FileRows], *tables: str) -> str:
    counts = {table: sum(len(each.rows[table]) for each in files) for table in tables}
    return ", ".join(f"{count} {table if count != 1 else table[:-1]}" for table, count in counts.items())
