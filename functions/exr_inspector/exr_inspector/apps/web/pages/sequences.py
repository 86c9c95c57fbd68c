"""The list of sequences."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.responses import Response

from exr_inspector.apps.web.queries.sequences import (
    SORTS,
    Filter,
    FilterError,
    Place,
    all_sequences,
    choices,
    count_sequences,
    list_sequences,
)
from exr_inspector.apps.web.view import View
from exr_inspector.catalog.duckdb.snapshot import Row
from exr_inspector.catalog.duckdb.summaries import STATES

IN_FILTER = {
    "broken,failing": "broken or failing",
    **{state: state for state in STATES},
    "ok,warning,unjudged": "complete",
}
"""Labels of the states in the filter."""
SPANS = {"24h": "day", "3d": "3 days", "7d": "week", "30d": "30 days"}


def page(view: View) -> Response:
    """Return a page of the sequences that match the parameters. See queries.sequences.Filter."""
    sort = view.parameter("sort") if view.parameter("sort") in SORTS else "name"
    after = Place(view.parameter("after"), view.parameter("behind")) if view.parameter("behind") else None
    problem = ""
    try:
        asked = Filter.parse(view.request.query_params, view.snapshot.published_at)
    except FilterError as error:  # the user may still be typing
        asked, problem = Filter.unparsed(view.request.query_params), str(error)
    return view.render(
        "sequences.html",
        asked=asked,
        problem=problem,
        sort=sort,
        place=after,
        count=count_sequences(view.reader, asked),
        listed=list_sequences(view.reader, asked, SORTS[sort], after),
        choices={} if "hx-request" in view.request.headers else choices(view.reader),
        states=IN_FILTER,
        spans=SPANS,
    )


def table(view: View) -> Response:
    """Return all sequences that match the parameters, as CSV."""
    try:
        asked = Filter.parse(view.request.query_params, view.snapshot.published_at)
    except FilterError as error:
        raise HTTPException(400, str(error)) from error
    sort = SORTS.get(view.parameter("sort"), SORTS["name"])
    batches = all_sequences(view.reader, asked, sort)
    return view.csv("sequences", ([_flat(row) for row in rows] for rows in batches))


def _flat(row: Row) -> Row:
    """Return a row of the list as cells, without the contact strip."""
    return {name: value for name, value in row.items() if name not in ("contact", "place")}
