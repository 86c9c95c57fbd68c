"""The first page: what happened lately, what there is, and what takes the space."""

from __future__ import annotations

from dataclasses import asdict, replace

from starlette.exceptions import HTTPException
from starlette.responses import Response

from exr_inspector.apps.web.pages.sequences import SPANS
from exr_inspector.apps.web.queries import home
from exr_inspector.apps.web.queries.sequences import BadFilter, Filter
from exr_inspector.apps.web.view import View
from exr_inspector.catalog.duckdb.summaries import STATES

SINCE = "24h"


def page(view: View) -> Response:
    """Return the first page, of everything, of one `show`, or of the folder `under`."""
    asked = _asked(view)
    since = view.parameter("since", SINCE)
    lately = _parse(view, {**asked.text, "since": since})
    folder = asked.text["under"] or home.common_folder(view.reader, asked)
    shows = home.by_show(view.reader, asked) if asked.is_empty else []
    return view.render(
        "home.html",
        asked=asked,
        lately=lately,
        since=since,
        spans=SPANS,
        kinds=home.KINDS,
        changes=home.changes(view.reader, lately),
        overall=home.overall(view.reader, asked),
        folder=folder,
        shows=shows,
        folders=home.by_folder(view.reader, asked, folder),
        compressions=home.space(view.reader, asked, "compression"),
        layers=home.space(view.reader, asked, "layer"),
        rules=home.rules(view.reader, asked),
        states=STATES,
    )


def totals(view: View) -> Response:
    """Return the sums by show, or by the folders in a folder, as CSV."""
    asked = _asked(view)
    folder = asked.text["under"] or home.common_folder(view.reader, asked)
    shows = home.by_show(view.reader, asked) if asked.is_empty else []
    found = shows or [
        replace(each, name=f"{folder}/{each.name or ''}")
        for each in home.by_folder(view.reader, asked, folder)
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
    except BadFilter as error:
        raise HTTPException(400, str(error)) from error
