"""Document -> vectors -> rows -> store: bring the tables up to date."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, NamedTuple

from exr_inspector.catalog.plan import Removal
from exr_inspector.document.model import Document, Persistence
from exr_inspector.errors import OBJECT_CHANGED, InspectorError
from exr_inspector.location import Location
from exr_inspector.parallel import side_by_side
from exr_inspector.reader import Inspection, Reader
from exr_inspector.sequences import PATH_COLUMNS
from exr_inspector.shows import shows_of

if TYPE_CHECKING:
    from exr_inspector.catalog.facets import FileRows
    from exr_inspector.catalog.plan import Action
    from exr_inspector.catalog.store import Sink

# Times that an object is processed because it changed between its reading and the commit of its rows.
MAX_ROUNDS = 5
# Tables whose rows a document's message counts, if they were computed.
_COUNTED = ("files", "parts", "channels", "attributes", "cryptomatte_objects")

GONE = "the file does not exist; its rows were deleted"
NO_FILE = "no file was read"
NOTHING_ASKED = "the event needs no action"
NO_STORE = "no database is configured: set VAST_DB_ENDPOINT or EXR_INSPECTOR_DB"

Process = Callable[[Sequence[Inspection]], list[Inspection]]
"""The steps between reading and writing: measure pixels, and apply policies."""


def write(
    inspections: Sequence[Inspection], store: Sink | None, reader: Reader, process: Process
) -> list[Document]:
    """Store the rows of the files that were read and delete those of deleted files, in one transaction.

    Return the documents, each with what became of its rows in `persistence`.

    After the commit, look at each object once more, and read and `process` it again unless the tables hold
    the version that is there. Any later change of the object has an event that is delivered after this
    commit, so the tables end in the state of the objects (docs/decisions/003-one-set-of-rows-per-file.md).
    Raises InspectorError(OBJECT_CHANGED) if an object changes in every round.
    """
    documents = [_answered(each, *_unwritten(each)) for each in inspections]
    if store is None:
        return documents
    pending = [(index, each) for index, each in enumerate(inspections) if _concerns_a_file(each)]
    rounds = 0
    while pending:
        if rounds == MAX_ROUNDS:
            message = "the object changed each time its rows were stored"
            raise InspectorError(OBJECT_CHANGED, message, pending[0][1].document["file"]["path"])
        rounds += 1
        rows = [None if _is_gone(each) else _rows(each, reader) for _, each in pending]
        actions = _transact(pending, rows, store, reader)
        for (index, each), file in zip(pending, rows, strict=True):
            documents[index] = _answered(each, *_stored(file, actions))
        looks = [
            _Look(index, each, location, actions[location.file_id])
            for index, each in pending
            for location in (_objects(each) if store.commits else ())
        ]
        again = side_by_side(lambda look: _process_again(look, reader), looks)
        left = [(look, each) for look, each in zip(looks, again, strict=True) if each]
        processed = process([each for _, each in left])
        pending = [(look.document_index, each) for (look, _), each in zip(left, processed, strict=True)]
    return documents


class _Look(NamedTuple):
    """An object to look at after the commit, and what the commit did with its rows."""

    document_index: int
    inspection: Inspection
    location: Location
    action: Action


def _transact(
    pending: Sequence[tuple[int, Inspection]],
    rows: Sequence[FileRows | None],
    store: Sink,
    reader: Reader,
) -> dict[str, Action]:
    """Write the rows of files, and delete those of absent ones; return the result by file."""
    log = reader.telemetry.logger
    files = [each for each in rows if each is not None]
    removals = [
        Removal(
            location.file_id,
            # If the event may mean several objects, it does not order the removals of each.
            each.request.sequencer if len(each.absent) == 1 else None,
            is_current=each.is_current,
        )
        for (_, each), file in zip(pending, rows, strict=True)
        if file is None
        for location in each.absent
    ]
    for each in files:
        log.info("Persisting metadata for path=%s", each.file["file_path"])
    with reader.telemetry.step("store", files=len(files) + len(removals)):
        actions = {outcome.file_id: outcome.action for outcome in store.upsert(files, removals)}
    if store.commits:
        now = datetime.now(timezone.utc)
        for _, inspection in pending:
            if happened := inspection.request.happened():
                lag = max((now - happened).total_seconds(), 0.0)
                reader.telemetry.record("exr_inspector.lag", 1000 * lag)
    if files:
        log.info("Wrote %s to %s", _counted(files, "files", "parts", "channels"), store.name)
    return actions


def _rows(inspection: Inspection, reader: Reader) -> FileRows:
    # numpy and pyarrow take 100 ms, and are needed only if rows are stored
    from exr_inspector.catalog.rows import header_rows  # noqa: PLC0415
    from exr_inspector.vectors.embedding import embed  # noqa: PLC0415

    assert inspection.location is not None
    document, stat = inspection.document, inspection.stat
    found: dict[str, Any] = {}
    if stat:
        age = (datetime.now(timezone.utc) - stat.mtime).total_seconds()
        is_writing = document["file"]["status"] == "incomplete" and age < reader.settings.settle_seconds
        version = stat.row()
        found = {
            "ctime": version["ctime"],
            "inode": version["inode"],
            "device": stat.device,
            "writing": is_writing,
        }
    found |= _path_columns(inspection.location, reader)
    rows = header_rows(document, inspection.location, stat.mtime if stat else None, embed(document), found)
    if inspection.pixels is not None:
        from exr_inspector.catalog.pixel_rows import with_pixels  # noqa: PLC0415

        rows = with_pixels(rows, *inspection.pixels)
    if inspection.cryptomattes is not None:
        from exr_inspector.catalog.cryptomatte_rows import with_cryptomattes  # noqa: PLC0415

        rows = with_cryptomattes(rows, *inspection.cryptomattes)
    if inspection.judged is not None:
        from exr_inspector.catalog.finding_rows import with_findings  # noqa: PLC0415

        rows = with_findings(rows, *inspection.judged)
    return replace(rows, is_current=inspection.is_current)


def _path_columns(location: Location, reader: Reader) -> dict[str, str | None]:
    """Return what the path says by the configuration of its show. One that is not valid is only logged."""
    try:
        fields = shows_of(reader.settings.show_config).describe(location.path).fields
    except InspectorError as error:
        reader.telemetry.logger.warning("Configuration of the show: %s", error)
        fields = {}
    return {column: fields.get(name) for name, column in PATH_COLUMNS.items()}


def _objects(inspection: Inspection) -> list[Location]:
    """Return the objects whose rows an inspection decides. A local file is not looked at again."""
    locations = inspection.absent or (inspection.location,)
    return [each for each in locations if each is not None and each.scheme == "s3"]


def _process_again(look: _Look, reader: Reader) -> Inspection | None:
    """Look at an object after the commit; return the rows to write, or None if the tables are correct."""
    _, inspection, location, action = look
    try:
        stat = reader.open_source(location).stat()
    except InspectorError as error:
        if error.fault.status != "missing":
            raise
        stat = None
    if stat != inspection.stat:
        return reader.inspect(replace(inspection.request, locations=(location,)))
    if action != "outdated":
        return None
    absent = (location,) if inspection.absent else ()
    return replace(inspection, location=location, absent=absent, is_current=True)


def _concerns_a_file(inspection: Inspection) -> bool:
    kind, status = inspection.request.kind, inspection.document["file"]["status"]
    return kind in ("created", "removed") and status is not None


def _is_gone(inspection: Inspection) -> bool:
    """Return whether rows are deleted: an object that is absent has none, whatever its event says.

    A local file that is absent has a row with the status `missing`, unless it was reported as removed. A
    removed file that exists again is stored like any other.
    """
    objects = any(each.scheme == "s3" for each in inspection.absent)
    return bool(inspection.absent) and (objects or inspection.request.kind == "removed")


# --- the document's `persistence` -----------------------------------------------------------------------


def _answered(inspection: Inspection, status: str, message: str, inserted: bool = False) -> Document:
    file_id = inspection.location.file_id if inspection.location else None
    persistence: Persistence = {
        "status": status,
        "file_id": file_id,
        "inserted": inserted,
        "message": message,
    }
    return {**inspection.document, "persistence": persistence}


def _unwritten(inspection: Inspection) -> tuple[str, str]:
    if inspection.request.kind == "ignored":
        return "ignored", NOTHING_ASKED
    return "skipped", NO_STORE if inspection.document["file"]["status"] else NO_FILE


def _stored(rows: FileRows | None, actions: dict[str, Action]) -> tuple[str, str, bool]:
    if rows is None:
        return "deleted", GONE, False
    action = actions[rows.file_id]
    return "stored", f"{action} {_counted([rows], *_COUNTED)}", action == "inserted"


def _counted(files: Sequence[FileRows], *tables: str) -> str:
    """Return row counts by table as text, such as `1 file, 2 parts`."""
    counts = {
        table.removeprefix("cryptomatte_"): sum(len(each.rows[table]) for each in files)
        for table in tables
        if all(table in each.rows for each in files)
    }
    return ", ".join(f"{count} {table if count != 1 else table[:-1]}" for table, count in counts.items())
