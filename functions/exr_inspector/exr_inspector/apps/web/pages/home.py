"""The first page: recent changes, totals, and disk usage."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import Response

from exr_inspector.apps.web.pages.sequences import SPANS
from exr_inspector.apps.web.queries import home
from exr_inspector.apps.web.queries.sequences import Filter, FilterError
from exr_inspector.apps.web.templating import url
from exr_inspector.apps.web.view import View
from exr_inspector.catalog.duckdb.summaries import STATES

SINCE = "24h"


def page(view: View) -> Response:
    """Return the first page: of everything, of one `show`, or of the folder `under`."""
    asked = _asked(view)
    since = view.parameter("since", SINCE)
    lately = _parse(view, asked.but(since=since))
    crumbs = _crumbs(view, asked)
    return view.render(
        "home.html",
        asked=asked,
        since=since,
        spans=SPANS,
        crumbs=crumbs[:-1],
        title=crumbs[-1][0],
        kinds=home.KINDS,
        changes=home.changes(view.reader, lately),
        overall=home.overall(view.reader, asked),
        compressions=home.space(view.reader, asked, "compression"),
        layers=home.space(view.reader, asked, "layer"),
        rules=home.rules(view.reader, asked),
        states=STATES,
        **_parts(view, asked),
    )


def _parts(view: View, asked: Filter) -> dict[str, Any]:
    """Return the groups of the sequences: shows if they have names, otherwise folders."""
    folder = asked.text["under"] or home.common_folder(view.reader, asked)
    shows = home.by_show(view.reader, asked) if asked.is_empty else []
    return {
        "folder": folder,
        "shows": shows,
        "folders": [] if shows else home.by_folder(view.reader, asked, folder),
    }


def _crumbs(view: View, asked: Filter) -> list[tuple[str, str]]:
    """Return the names and URLs of the parent pages and this page, starting at the first page."""
    crumbs = [("Everything", "/")]
    show, under = asked.text["show"], asked.text["under"]
    if show:
        crumbs.append((show, url("/", show=show)))
    if under:
        top = home.common_folder(view.reader, Filter.parse({"show": show}, view.snapshot.published_at))
        steps = under.removeprefix(top).strip("/").split("/")
        paths = [f"{top}/{'/'.join(steps[: count + 1])}" for count in range(len(steps))]
        crumbs += [(name, url("/", show=show, under=path)) for name, path in zip(steps, paths, strict=True)]
    return crumbs


def totals(view: View) -> Response:
    """Return the sums by show, or by the folders in a folder, as CSV."""
    asked = _asked(view)
    parts = _parts(view, asked)
    found = parts["shows"] or [
        replace(each, name=f"{parts['folder']}/{each.name or ''}") for each in parts["folders"]
    ]
    rows = [asdict(each) for each in found]
    for row in rows:
        row |= dict(zip(STATES, row.pop("states"), strict=True))
    return view.csv("totals", [rows])


def _asked(view: View) -> Filter:
    return _parse(view, {name: view.parameter(name) for name in ("show", "under")})


def _parse(view: View, parameters: dict[str, str]) -> Filter:
    try:
        return Filter.parse(parameters, view.snapshot.published_at)
    except FilterError as error:
        raise HTTPException(400, str(error)) from error
