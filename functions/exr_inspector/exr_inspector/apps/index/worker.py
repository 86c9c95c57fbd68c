"""What a worker process does: inspect shards of files, and return their rows or store them itself."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from multiprocessing.connection import Connection
from multiprocessing.pool import ExceptionWithTraceback  # type: ignore[attr-defined] # typeshed lacks it
from typing import NamedTuple

from exr_inspector.catalog.connect import open_store
from exr_inspector.catalog.duckdb.inventory import Difference
from exr_inspector.catalog.facets import FileRows
from exr_inspector.catalog.plan import Outcome, Removal
from exr_inspector.catalog.store import Sink
from exr_inspector.document.build import Reading, make_document
from exr_inspector.document.model import Document
from exr_inspector.errors import WORKER_LOST, InspectorError
from exr_inspector.events.request import Request
from exr_inspector.location import path_location
from exr_inspector.pipeline import Runtime, inspect_many
from exr_inspector.reader import Inspection, Reader
from exr_inspector.settings import Settings
from exr_inspector.sources.opener import Opener
from exr_inspector.writer import write

# Files whose rows are stored in one transaction, and that a worker gets at once.
SHARD = 500


class Result(NamedTuple):
    """What became of a file, and its first fault.

    `status` is that of its document, None if no row could be made, `gone` if it vanished after the listing.
    """

    status: str | None
    fault: str = ""


class Inspected(NamedTuple):
    """The results of a shard, in order, and the rows that the driver is to store."""

    results: list[Result]
    files: Sequence[FileRows] = ()
    removals: Sequence[Removal] = ()


class Collector:
    """A Sink that collects deliveries for another process to store."""

    name = "the index"
    commits = False

    def __init__(self, known: Mapping[tuple[str, str], str] | None = None) -> None:
        """`known` has stored hashes, by file_id and facet."""
        self.files: list[FileRows] = []
        self.removals: list[Removal] = []
        self._known = known or {}

    def ensure_tables(self) -> None:
        """There is nothing to create."""

    def upsert(self, files: Sequence[FileRows], removals: Sequence[Removal] = ()) -> list[Outcome]:
        self.files += files
        self.removals += removals
        return [
            *(Outcome(each.file_id, "inserted") for each in files),
            *(Outcome(each.file_id, "deleted") for each in removals),
        ]

    def computed(self, file_ids: Sequence[str], facet: str) -> dict[str, str | None]:
        return {each: known for each in file_ids if (known := self._known.get((each, facet)))}

    def close(self) -> None:
        """There is nothing to release."""


class Present:
    """A Sink that leaves rows alone if their file vanished after it was listed.

    Perhaps it was deleted, perhaps its file system was unmounted; the next listing tells. `links` are files
    that were listed as links that lead nowhere. They have a row that says so.
    """

    def __init__(self, sink: Sink, links: Collection[str] = ()) -> None:
        self.name, self.commits = sink.name, sink.commits
        self._sink = sink
        self._links = links

    def ensure_tables(self) -> None:
        self._sink.ensure_tables()

    def upsert(self, files: Sequence[FileRows], removals: Sequence[Removal] = ()) -> list[Outcome]:
        absent = [
            each.file_id
            for each in files
            if each.file["status"] == "missing" and each.file_id not in self._links
        ]
        present = [each for each in files if each.file_id not in absent]
        return [*self._sink.upsert(present, removals), *(Outcome(each, "absent") for each in absent)]

    def computed(self, file_ids: Sequence[str], facet: str) -> dict[str, str | None]:
        return self._sink.computed(file_ids, facet)

    def close(self) -> None:
        self._sink.close()


@contextmanager
def collecting_rarely() -> Iterator[None]:
    """Collect garbage less often in the block.

    A batch has about a million objects, without cycles. Scanning them repeatedly takes a tenth of the time.
    """
    before = gc.get_threshold()
    gc.set_threshold(100_000, 20, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def inspect_files(files: Sequence[Difference], runtime: Runtime) -> list[Result]:
    """Inspect files and store their rows in one transaction. Raises as `inspect_many`."""
    assert runtime.store is not None
    # Each file has the time for pixels that an event has.
    seconds = runtime.settings.stats_seconds * len(files)
    settings = replace(runtime.settings, stats_seconds=seconds)
    locations = [path_location(each.path, runtime.settings.paths) for each in files]
    links = {location.file_id for file, location in zip(files, locations, strict=True) if file.is_link}
    present = replace(runtime, settings=settings, store=Present(runtime.store, links))
    requests = [Request("created", (location,)) for location in locations]
    results = map(_result, inspect_many(requests, present, keep_faults=True))
    return [
        Result("gone") if result.status == "missing" and not file.is_link else result
        for file, result in zip(files, results, strict=True)
    ]


def _result(document: Document) -> Result:
    status, errors = document["file"]["status"], document["errors"]
    return Result(status, f"{errors[0]['code']}: {errors[0]['message']}" if errors else "")


def refuse(file: Difference, runtime: Runtime) -> Inspected:
    """Return the rows of a file that worker processes died of: it is not opened again until it changes."""
    location = path_location(file.path, runtime.settings.paths)
    error = InspectorError(WORKER_LOST, "the process that inspected the file died", location.path)
    stat = runtime.open_source(location).stat()
    document = make_document(Reading(location, stat, errors=(error,)))
    inspection = Inspection(Request("created", (location,)), document, location, stat)
    collector = Collector()
    reader = Reader(runtime.settings, runtime.open_source, runtime.telemetry)
    write([inspection], collector, reader, list)
    return Inspected([Result(document["file"]["status"], str(error))], collector.files)


def answer(pipe: Connection) -> None:
    """Call what the driver sends, and send back what it returns or raises, until the driver closes the pipe.

    Ctrl-C concerns the driver alone, which lets the workers finish.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_driver, daemon=True).start()
    while True:
        try:
            function, *arguments = pipe.recv()
        except EOFError:
            return
        try:
            result = function(*arguments)
        except Exception as error:  # noqa: BLE001 - the driver raises it
            result = ExceptionWithTraceback(error, error.__traceback__)
        pipe.send(result)


def _end_with_driver() -> None:
    """End this process when the driver has died: a killed driver cannot stop its workers."""
    driver = multiprocessing.parent_process()
    if driver:
        driver.join()
        os._exit(1)


@lru_cache(maxsize=1)
def _runtime(settings: Settings) -> Runtime:
    # Only a database takes rows from many processes.
    store = open_store(settings) if settings.vast_endpoint else None
    return Runtime(settings, store, Opener(settings))


def inspect_shard(files: Sequence[Difference], settings: Settings) -> Inspected:
    """Inspect some files in a worker process. Raises InspectorError if the store fails."""
    runtime = _runtime(settings)
    if runtime.store:
        with collecting_rarely():
            return Inspected(inspect_files(files, runtime))
    collector = Collector(
        {
            (path_location(each.path, settings.paths).file_id, facet): known
            for each in files
            for facet, known in each.known
        }
    )
    with collecting_rarely():
        results = inspect_files(files, replace(runtime, store=collector))
    return Inspected(results, collector.files, collector.removals)
