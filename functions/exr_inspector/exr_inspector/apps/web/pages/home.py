"""The first page."""

from __future__ import annotations

from starlette.responses import Response

from exr_inspector.apps.web.view import View


def page(view: View) -> Response:
    """Return the first page: the files that were modified last."""
    files = view.reader.rows(
        """
        SELECT file_id, file_path, status, size_bytes, mtime FROM files
        ORDER BY mtime DESC NULLS LAST, file_path LIMIT 50"""
    )
    return view.render("home.html", files=files)
