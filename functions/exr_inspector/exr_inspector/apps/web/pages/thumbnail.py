"""Small pictures of files."""

from __future__ import annotations

from math import isfinite

from starlette.exceptions import HTTPException
from starlette.responses import Response

from exr_inspector.apps.web.pictures import NOTHING
from exr_inspector.apps.web.view import View, not_found

NO_PICTURE = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 160 90">\
<rect width="160" height="90" fill="#23272d"/>\
<g fill="#a5adb8" font-family="sans-serif" text-anchor="middle">\
<text x="80" y="42" font-size="13">no picture</text><text x="80" y="60" font-size="11">{}</text></g></svg>"""
"""The placeholder for a file without a picture, with the reason."""
DEEP = "deep pixels"
# Cache for some minutes, while a viewer switches between pages and exposures.
_KEPT = "private, max-age=300"


def picture(view: View) -> Response:
    """Return the picture of the file of the parameter `id`, at the `exposure` in stops."""
    sql = """
        SELECT files.file_path, etag, size_bytes, mtime, is_deep, thumbnail
        FROM files LEFT JOIN (FROM pixels WHERE path_rank = $rank) USING (path_rank)
        WHERE path_rank = $rank"""
    rank = view.reader.rank(view.parameter("id"))
    found = None if rank is None else view.reader.row(sql, rank=rank)
    stops = exposure(view)
    if found is None:
        raise not_found("No file with this id is stored.")
    version = (found["etag"], found["size_bytes"], found["mtime"])
    made = view.site.pictures.picture(found["file_path"], version, view.roots(), found["thumbnail"], stops)
    headers = {"cache-control": _KEPT}
    if isinstance(made, str):
        reason = DEEP if made == NOTHING and found["is_deep"] else made
        return Response(NO_PICTURE.format(reason), media_type="image/svg+xml", headers=headers)
    return Response(made, media_type="image/webp", headers=headers)


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
