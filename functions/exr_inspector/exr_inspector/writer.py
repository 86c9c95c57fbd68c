"""Document -> vectors -> rows -> store: bring the tables up to date with what was read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from exr_inspector.document.model import Document, Persistence
from exr_inspector.errors import OBJECT_CHANGED, InspectorError
from exr_inspector.location import Location
from exr_inspector.parallel import side_by_side
from exr_inspector.reader import Inspection, Reader
from exr_inspector.sources.protocol import Stat

if TYPE_CHECKING:
    from exr_inspector.catalog.rows import FileRows
    from exr_inspector.catalog.store import Action, Store

# Times that an object is processed because it changed between its reading and the commit of its rows.
MAX_ROUNDS = 5

GONE = "the file is gone, and its rows with it"
NO_FILE = "no file is known"
NOTHING_ASKED = "the event asks for nothing here"
NO_STORE = "no database is set: VAST_DB_ENDPOINT or EXR_INSPECTOR_DB names one"


def write(inspections: Sequence[Inspection], store: Store | None, reader: Reader) -> list[Document]:
    """Store the rows of the files that were read and delete those of files that are gone, in one transaction.

    Return the documents, each with what became of its rows in `persistence`.

    After the commit, look at each object once more, and process it again if it is not the version whose rows
    were written. Any later change has an event that is delivered after this commit, so the tables end in the
    state of the objects, whatever the order of events (docs/decisions/003-one-set-of-rows-per-file.md).
    Raises InspectorError(OBJECT_CHANGED) if an object changes in every round.
    """
    documents = [_answered(each, *_unwritten(each)) for each in inspections]
    if store is None:
        return documents
    pending = [(index, each) for index, each in enumerate(inspections) if _concerns_a_file(each)]
    for _ in range(MAX_ROUNDS):
        if not pending:
            return documents
        written = _transact([each for _, each in pending], store, reader)
        for (index, each), done in zip(pending, written, strict=True):
            documents[index] = _answered(each, *_stored(done))
        checks = [(each, done.action) for (_, each), done in zip(pending, written, strict=True)]
        again = side_by_side(lambda check: _confirm(*check, reader), checks)
        pending = [(index, each) for (index, _), each in zip(pending, again, strict=True) if each]
    message = "the object changed each time its rows were stored"
    raise InspectorError(OBJECT_CHANGED, message, pending[0][1].document["file"]["path"])


class _Written(NamedTuple):
    """What was done with a file's rows; both None if they were deleted."""

    action: Action | None = None
    rows: FileRows | None = None


def _transact(inspections: Sequence[Inspection], store: Store, reader: Reader) -> list[_Written]:
    """Write the rows of some files, and delete those of the absent ones, in one transaction."""
    from exr_inspector.catalog.store import Removal  # noqa: PLC0415 - as in `_rows`

    log = reader.telemetry.logger
    rows = [None if _is_gone(each) else _rows(each) for each in inspections]
    removals = [
        Removal(location.file_id, each.request.sequencer if len(each.absent) == 1 else None)
        for each in inspections
        if _is_gone(each)
        for location in each.absent
    ]
    files = [each for each in rows if each is not None]
    for each in files:
        log.info("Persisting metadata for path=%s", each.file["file_path"])
    with reader.telemetry.step("store", files=len(files) + len(removals)):
        actions = {outcome.file_id: outcome.action for outcome in store.upsert(files, removals)}
    if files:
        log.info("Wrote %s to %s", _counted(files, "files", "parts", "channels"), store.name)
    return [_Written() if each is None else _Written(actions[each.file_id], each) for each in rows]


def _rows(inspection: Inspection) -> FileRows:
    # numpy and pyarrow take 100 ms, and are needed only if rows are stored
    from exr_inspector.catalog.rows import header_rows  # noqa: PLC0415
    from exr_inspector.vectors.embedding import embed  # noqa: PLC0415

    assert inspection.location is not None
    document, stat = inspection.document, inspection.stat
    rows = header_rows(document, inspection.location, stat.mtime if stat else None, embed(document))
    return replace(rows, is_current=inspection.is_current)


def _confirm(inspection: Inspection, action: Action | None, reader: Reader) -> Inspection | None:
    """Return what must be written after all, or None if the tables agree with the object."""
    locations = [each for each in inspection.absent or (inspection.location,) if each is not None]
    if all(each.scheme == "file" for each in locations):
        return None
    if any(_look(each, reader) != inspection.stat for each in locations):
        return reader.inspect(inspection.request)
    return replace(inspection, is_current=True) if action == "outdated" else None


def _look(location: Location, reader: Reader) -> Stat | None:
    """Return the object's present version, None if it is gone. Raises what the source raises."""
    try:
        return reader.open_source(location).stat()
    except InspectorError as error:
        if error.fault.status != "missing":
            raise
        return None


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


def _stored(written: _Written) -> tuple[str, str, bool]:
    if written.rows is None:
        return "deleted", GONE, False
    counts = _counted([written.rows], *written.rows.rows)
    return "stored", f"{written.action} {counts}", written.action == "inserted"


def _counted(files: Sequence[FileRows], *tables: str) -> str:
    """Return row counts by table as text, such as `1 file, 2 parts`."""
    counts = {table: sum(len(each.rows[table]) for each in files) for table in tables}
    return ", ".join(f"{count} {table if count != 1 else table[:-1]}" for table, count in counts.items())
