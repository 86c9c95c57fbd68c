"""Two versions side by side."""

from __future__ import annotations

from starlette.responses import Response

from exr_inspector.apps.web.pages.thumbnail import exposure
from exr_inspector.apps.web.queries.compare import (
    Side,
    compare,
    evenly,
    facts,
    in_order,
    side,
    value_text,
    versions,
)
from exr_inspector.apps.web.view import View, not_found

MAX_PICTURES = 6
"""Maximum number of frames shown side by side."""


def page(view: View) -> Response:
    """Return the comparison of `a` and `b`; without `b`, a list of the other versions of `a`."""
    a = _side(view, "a")
    if not view.parameter("b"):
        proposed = [
            (each.sequence, sorted((a.key, each.name), key=in_order)) for each in versions(view.reader, a)
        ]
        return view.render("versions.html", a=a, versions=proposed)
    found = compare(view.reader, a, _side(view, "b"))
    different = [each for each in found.frames if each[0] in found.different]
    return view.render(
        "compare.html",
        found=found,
        facts=facts(found),
        pictures=evenly(different or found.frames, MAX_PICTURES),
        exposure=exposure(view),
        value_text=value_text,
    )


def table(view: View) -> Response:
    """Return the statistics of both as CSV."""
    found = compare(view.reader, _side(view, "a"), _side(view, "b"))
    rows = [
        {
            "part_index": each.part_index,
            "name": each.name,
            "frames": each.frames,
            **{
                f"{key}_{name}": values[key] if values else None
                for name, values in (("a", each.a), ("b", each.b))
                for key in ("min", "max", "mean", "nonfinite", "packed")
            },
            "different_frames": each.different,
        }
        for each in found.channels
    ]
    return view.csv("compare", [rows])


def _side(view: View, name: str) -> Side:
    found = side(view.reader, view.parameter(name))
    if found is None:
        raise not_found(f"No sequence or file with the name in the parameter {name} is stored.")
    return found
