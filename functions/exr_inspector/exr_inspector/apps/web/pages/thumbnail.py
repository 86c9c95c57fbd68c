"""Small pictures of files."""

from __future__ import annotations

from math import isfinite

from starlette.exceptions import HTTPException
from starlette.responses import Response

from exr_inspector.apps.web.view import View, not_found

NO_PICTURE = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 9"><rect width="16" height="9" \
fill="#23272d"/><path d="M6.5 3l3 3m0-3l-3 3" stroke="#69717c" stroke-width=".5"/></svg>"""
"""The placeholder for a file without a picture, or whose pixels cannot be read."""
# Cache for some minutes, while a viewer switches between pages and exposures.
_KEPT = "private, max-age=300"


def picture(view: View) -> Response:
    """Return the picture of the file of the parameter `id`, at the `exposure` in stops."""
    sql = """
        SELECT files.file_path, etag, size_bytes, mtime, thumbnail
        FROM files LEFT JOIN (FROM pixels WHERE path_rank = $rank) USING (path_rank)
        WHERE path_rank = $rank"""
    rank = view.reader.rank(view.parameter("id"))
    found = None if rank is None else view.reader.row(sql, rank=rank)
    stops = exposure(view)
    if found is None:
        raise not_found("No file with this id is stored.")
    version = (found["etag"], found["size_bytes"], found["mtime"])
    data = view.site.pictures.picture(found["file_path"], version, view.roots(), found["thumbnail"], stops)
    headers = {"cache-control": _KEPT}
    if data is None:
        return Response(NO_PICTURE, media_type="image/svg+xml", headers=headers)
    return Response(data, media_type="image/webp", headers=headers)


AUTO = "auto"
"""The parameter value that computes the exposure from the frames of a sequence."""


def exposure(view: View) -> float:
    """Return the parameter `exposure`. Raises HTTPException(400) if it is not a number."""
    try:
        stops = float(view.parameter("exposure", "0"))
    except ValueError:
        stops = float("nan")
    if not isfinite(stops):
        raise HTTPException(400, "The exposure must be a number of stops.")
    return stops
