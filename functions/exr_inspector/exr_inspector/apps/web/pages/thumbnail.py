"""Small pictures of files."""

from __future__ import annotations

from starlette.responses import Response

from exr_inspector.apps.web.view import View, not_found


def picture(view: View) -> Response:
    """Return the stored thumbnail of a file."""
    sql = "SELECT thumbnail FROM pixels WHERE file_id = $id"
    found = view.reader.row(sql, id=view.parameter("id"))
    if not found or not found["thumbnail"]:
        raise not_found("There is no picture of this file.")
    return Response(bytes(found["thumbnail"]), media_type="image/webp")
