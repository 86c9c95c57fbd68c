"""The application: pages, static files and error pages, behind the guard."""

from __future__ import annotations

from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from exr_inspector.apps.web.originals import Originals
from exr_inspector.apps.web.pages import compare, file, home, questions, sequence, sequences, thumbnail
from exr_inspector.apps.web.pictures import Pictures
from exr_inspector.apps.web.security import SCOPE, Access, Guard
from exr_inspector.apps.web.snapshot import CurrentSnapshot
from exr_inspector.apps.web.templating import STATIC, environment
from exr_inspector.apps.web.view import Handler, Site, endpoint
from exr_inspector.catalog.duckdb.snapshot import ALL
from exr_inspector.errors import BAD_QUERY, InspectorError
from exr_inspector.settings import Settings

PAGES: dict[str, Handler] = {
    "/": home.page,
    "/totals.csv": home.totals,
    "/sequences": sequences.page,
    "/sequences.csv": sequences.table,
    "/file": file.page,
    "/file.json": file.document,
    "/file/chunks": file.chunks,
    "/file/openimageio": file.openimageio,
    "/file/similar": file.similar,
    "/compare": compare.page,
    "/compare.csv": compare.table,
    "/questions": questions.index,
    "/questions/{name}.csv": questions.table,
    "/questions/{name}": questions.page,
    "/sequence": sequence.page,
    "/sequence.csv": sequence.frames,
    "/sequence/outliers": sequence.outliers,
    "/sequence/whole": sequence.whole,
    "/thumbnail": thumbnail.picture,
}
# Static files have their hash in the URL.
_KEPT = "private, max-age=31536000, immutable"


def make_site(path: str, settings: Settings, *, is_copy: bool = False) -> Site:
    """Return the state that all pages of a snapshot share. Raises InspectorError if it cannot be opened."""
    originals = Originals(settings)
    return Site(CurrentSnapshot(path), environment(), settings, originals, Pictures(originals), is_copy)


def make_app(site: Site, access: Access) -> Guard:
    """Return the application. Every request needs a token of `access`."""
    app = Starlette(
        routes=[
            *(Route(path, endpoint(handler)) for path, handler in PAGES.items()),
            Mount("/static", _Static(directory=str(STATIC))),
        ],
        exception_handlers={HTTPException: _refused, InspectorError: _failed, Exception: _broken},
    )
    app.state.site = site
    return Guard(app, access)  # outermost, so error responses get its headers too


class _Static(StaticFiles):
    def file_response(self, *arguments: Any, **options: Any) -> Response:
        response = super().file_response(*arguments, **options)
        response.headers["cache-control"] = _KEPT
        return response


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    titles = {404: "Not found", 400: "Invalid address", 429: "Too many requests"}
    response = _error(request, error.status_code, titles.get(error.status_code, "Refused"), error.detail)
    response.headers.update(error.headers or {})
    return response


def _failed(request: Request, error: Exception) -> Response:
    """Return the response to a coded fault. Its message may name paths, so only unlimited tokens see it."""
    assert isinstance(error, InspectorError)
    message = f"{error}" if request.scope.get(SCOPE) == ALL else error.fault.meaning
    status = 503 if error.retry else 400 if error.fault is BAD_QUERY else 500
    return _error(request, status, error.code, message, error.fault.remedy)


def _broken(request: Request, _fault: Exception) -> Response:
    message = "This page failed; the terminal of `exr-inspector browse` shows the error."
    return _error(request, 500, "Internal error", message)


def _error(request: Request, status: int, title: str, message: str, remedy: str = "") -> Response:
    site: Site = request.app.state.site
    template = site.environment.get_template("error.html")
    values = {"title": title, "message": message, "remedy": remedy, "as_of": None, "sql_url": None}
    return HTMLResponse(template.render(values), status)
