"""The page of one file."""

from __future__ import annotations

from starlette.responses import Response

from exr_inspector.apps.web.queries.files import StoredFile, stored_file
from exr_inspector.apps.web.view import View, not_found
from exr_inspector.catalog.stored_document import whole_document
from exr_inspector.document.serialize import to_json


def page(view: View) -> Response:
    """Return the page of the file of the parameter `id`."""
    found = _file(view)
    return view.render("file.html", found=found, file=found.file, shown=view.shown_path(found.path))


def document(view: View) -> Response:
    """Return what is stored of a file as a document in JSON."""
    found = _file(view)
    rows = {"parts": found.parts, "channels": found.channels, "attributes": found.attributes}
    text = to_json(whole_document(found.file, rows), indent=2)
    return Response(text, media_type="application/json")


def _file(view: View) -> StoredFile:
    found = stored_file(view.reader, view.parameter("id"))
    if found is None:
        raise not_found("No file with this id is stored.")
    return found
