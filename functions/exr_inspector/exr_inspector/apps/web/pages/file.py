"""The page of one file. Slow sections are separate pages that it loads later."""

from __future__ import annotations

import json
from typing import Any

from starlette.responses import Response

from exr_inspector.apps.web.charts import chunk_map, histogram, windows
from exr_inspector.apps.web.commands import file_commands
from exr_inspector.apps.web.queries.attributes import attributes, reported
from exr_inspector.apps.web.queries.chunks import MAX_PARTS, part_chunks
from exr_inspector.apps.web.queries.files import StoredFile, cryptomatte_objects, neighbors, stored_file
from exr_inspector.apps.web.queries.layers import layer_tree
from exr_inspector.apps.web.queries.similar import similar_files
from exr_inspector.apps.web.templating import url
from exr_inspector.apps.web.view import View, not_found
from exr_inspector.catalog.stored_document import whole_document
from exr_inspector.document.model import FileFacts
from exr_inspector.document.serialize import to_json
from exr_inspector.errors import InspectorError
from exr_inspector.vectors import By

SIMILAR: dict[By, str] = {"metadata": "Metadata", "channels": "Channels", "look": "Look"}
MAX_SIMILAR = 4
MAX_OBJECTS = 40
_ALL = "all"


def page(view: View) -> Response:
    """Return the page of the file of the parameter `id`."""
    found = _file(view)
    shown = view.shown_path(found.path)
    wanted = view.parameter("attribute")
    limit = None if view.parameter("objects") == _ALL else MAX_OBJECTS
    picture = url("/thumbnail", id=found.file["file_id"])
    return view.render(
        "file.html",
        found=found,
        file=found.file,
        shown=shown,
        names=[name for name in view.site.settings.paths.names(found.path) if name != shown],
        commands=file_commands(shown),
        neighbors=neighbors(view.reader, found),
        picture=picture,
        windows=windows(found.parts, picture),
        trees=layer_tree(found),
        histogram=histogram,
        attributes=attributes(found.attributes, wanted),
        wanted=wanted,
        objects=cryptomatte_objects(view.reader, found, limit),
        errors=json.loads(found.file["errors_json"] or "[]"),
        differences=json.loads(found.file["openimageio_differences"] or "[]"),
    )


def chunks(view: View) -> Response:
    """Return the map of the chunks that are currently in a file."""
    found = _file(view)
    parts, error = None, None
    try:
        completeness = view.site.originals.completeness(found.path, view.roots())
        parts, error = part_chunks(completeness), completeness.error
    except InspectorError as raised:
        error = raised
    more = max(len(found.parts) - MAX_PARTS, 0)
    return _piece(view, "file_chunks.html", found, parts=parts, more=more, error=error, chunk_map=chunk_map)


def openimageio(view: View) -> Response:
    """Return the current attributes of a file beside those that OpenImageIO reports."""
    found = _file(view)
    document, error = None, None
    try:
        document = view.site.originals.document(found.path, view.roots())
    except InspectorError as raised:
        error = raised
    rows = reported(document) if document else []
    return _piece(view, "file_openimageio.html", found, rows=rows, document=document, error=error)


def similar(view: View) -> Response:
    """Return the files most similar to a file, by each vector."""
    found = _file(view)
    likenesses = {name: similar_files(view.reader, found, by, MAX_SIMILAR) for by, name in SIMILAR.items()}
    return _piece(view, "file_similar.html", found, likenesses=likenesses)


def document(view: View) -> Response:
    """Return a file's document as JSON: inspected again, or as stored if the file cannot be read."""
    found = _file(view)
    source = "file"
    try:
        made: Any = view.site.originals.document(found.path, view.roots())
    except InspectorError:
        source = "catalog"
        rows = {"parts": found.parts, "channels": found.channels, "attributes": found.attributes}
        made = whole_document(found.file, rows)
        made["file"] = {name: made["file"].get(name) for name in FileFacts.__annotations__}
    headers = {"x-read-from": source}
    return Response(to_json(made, indent=2), media_type="application/json", headers=headers)


def _piece(view: View, template: str, found: StoredFile, **values: Any) -> Response:
    shown = view.shown_path(found.path)
    return view.render(template, found=found, file=found.file, shown=shown, **values)


def _file(view: View) -> StoredFile:
    found = stored_file(view.reader, view.parameter("id"))
    if found is None:
        raise not_found("No file with this id is stored.")
    return found
