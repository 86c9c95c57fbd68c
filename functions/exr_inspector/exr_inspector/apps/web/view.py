"""One request of a page: its parameters, the rows in its scope, and its response."""

from __future__ import annotations

import asyncio
import csv
import os
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from tempfile import SpooledTemporaryFile
from typing import Any

from jinja2 import Environment
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response, StreamingResponse

from exr_inspector.apps.export.record import cell
from exr_inspector.apps.web.originals import Originals
from exr_inspector.apps.web.pictures import Pictures
from exr_inspector.apps.web.security import SCOPE
from exr_inspector.apps.web.snapshot import CurrentSnapshot
from exr_inspector.catalog.duckdb.snapshot import Reader, Scope, SnapshotFacts
from exr_inspector.location import Location, is_object
from exr_inspector.settings import Settings

FORMAT = "format"
"""The parameter that, with the value `sql`, returns a page's statements instead of the page."""


AT_ONCE, MAX_WAIT = 8, 20.0
"""Maximum number of requests of one scope that are answered at once, and the maximum wait in seconds.

All tokens share 40 threads.
"""
RETRY_AFTER = "10"
"""Seconds after which a refused request may be repeated."""


@dataclass(frozen=True)
class Site:
    """State that all requests share."""

    snapshots: CurrentSnapshot
    environment: Environment
    settings: Settings
    originals: Originals
    pictures: Pictures
    is_copy: bool = False
    """Whether the snapshot is a copy of a store that was made at the start, which nobody replaces."""
    slots: Mapping[Scope, asyncio.Semaphore] = field(
        default_factory=lambda: defaultdict(lambda: asyncio.Semaphore(AT_ONCE))
    )


@dataclass(frozen=True)
class View:
    """One request. `reader` sees only the rows in `scope`."""

    request: Request
    site: Site
    scope: Scope
    snapshot: SnapshotFacts
    reader: Reader

    def parameter(self, name: str, default: str = "") -> str:
        """Return a parameter of the URL."""
        return self.request.query_params.get(name, default)

    def render(self, template: str, **values: Any) -> Response:
        """Return a page, or with `format=sql` its statements."""
        if self.parameter(FORMAT) == "sql":
            return PlainTextResponse(";\n\n".join([*self.reader.statements, ""]).rstrip("\n"))
        sql = self.request.url.include_query_params(**{FORMAT: "sql"})
        page = {
            "as_of": self.snapshot.published_at,
            "is_copy": self.site.is_copy,
            "snapshot": self.snapshot,
            "sql_url": _relative(sql),
        }
        return HTMLResponse(self.site.environment.get_template(template).render(**page, **values))

    def roots(self) -> tuple[str, ...]:
        """Return the folders whose files may be read again: the indexed folders in the scope, links resolved.

        Links below an indexed folder are not followed; `index` does not follow them either.
        """
        found = set()
        for indexed in self.snapshot.folders:
            shown = self.shown_path(f"{indexed}/")
            if is_object(shown):
                continue
            real = os.path.realpath(shown).rstrip("/")
            if self.scope.has(indexed):
                found.add(real)
            for folder in self.scope.folders or ():
                if Scope((indexed,)).has(folder):
                    found.add(real + folder[len(indexed) :])
        return tuple(each or "/" for each in sorted(found))

    def csv(self, name: str, batches: Iterable[Sequence[Mapping[str, Any]]]) -> Response:
        """Return rows as a CSV download with a file name. Large answers are buffered on disk."""
        table = SpooledTemporaryFile(max_size=1 << 20, mode="w+", newline="", encoding="utf-8")  # noqa: SIM115
        writer = csv.writer(table)
        for index, rows in enumerate(batches):
            if index == 0 and rows:
                writer.writerow(rows[0])
            writer.writerows([cell(value) for value in row.values()] for row in rows)
        table.seek(0)
        headers = {"content-disposition": f'attachment; filename="{name}.csv"'}
        return StreamingResponse(
            iter(lambda: table.read(1 << 16), ""),
            media_type="text/csv",
            headers=headers,
            background=BackgroundTask(table.close),
        )

    def file_id(self, path: str) -> str:
        """Return the id of a stored path."""
        return Location(path, self.site.settings.paths.canonical(path)).file_id

    def shown_path(self, path: str) -> str:
        """Return a stored path as this machine opens it, translated by the path map."""
        return self.site.settings.paths.display(path)


Handler = Callable[[View], Response]


def endpoint(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """Return the endpoint of a page. It answers in a thread.

    Raises HTTPException(429) after MAX_WAIT in which AT_ONCE other requests of the scope are being answered.
    """

    def answer(request: Request, site: Site, scope: Scope) -> Response:
        with site.snapshots.reading(scope) as (snapshot, reader):
            return handler(View(request, site, scope, snapshot.facts, reader))

    async def respond(request: Request) -> Response:
        site: Site = request.app.state.site
        scope: Scope = request.scope[SCOPE]
        slots = site.slots[scope]
        try:
            await asyncio.wait_for(slots.acquire(), MAX_WAIT)
        except asyncio.TimeoutError:
            message = "Too many pages are being made with your token. Wait for them, or ask for less."
            raise HTTPException(429, message, {"retry-after": RETRY_AFTER}) from None
        try:
            return await run_in_threadpool(answer, request, site, scope)
        finally:
            slots.release()

    return respond


def not_found(what: str) -> HTTPException:
    """Return the error for something that is missing or out of scope. The two look the same."""
    return HTTPException(404, what)


def _relative(url: Any) -> str:
    return f"{url.path}?{url.query}"
