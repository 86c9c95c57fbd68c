"""SVG charts, rendered on the server: they need no script, so the static report contains them too.

Colors are CSS classes, since the content security policy forbids inline styles. Markup escapes all text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log1p
from typing import Any

from markupsafe import Markup

from exr_inspector.apps.web.queries.chunks import PartChunks
from exr_inspector.catalog.duckdb.snapshot import Row

HISTOGRAM_WIDTH, HISTOGRAM_HEIGHT = 96, 20
WINDOWS_WIDTH, WINDOWS_HEIGHT = 300, 200
MAP_WIDTH, MAP_HEIGHT = 300, 200


def histogram(found: Mapping[str, Any] | None, component: str = "") -> Markup:
    """Return a histogram as bars. Heights are logarithmic, so that small counts remain visible."""
    if not found:
        return Markup()
    counts: Sequence[int] = found["counts"]
    highest = log1p(max(counts, default=0)) or 1
    step = HISTOGRAM_WIDTH / max(len(counts), 1)
    bars = Markup().join(
        Markup('<rect x="{:.2f}" y="{:.2f}" width="{:.2f}" height="{:.2f}"/>').format(
            index * step, HISTOGRAM_HEIGHT - height, max(step - 0.5, 0.5), height
        )
        for index, count in enumerate(counts)
        if (height := log1p(count) / highest * HISTOGRAM_HEIGHT)
    )
    label = f"{sum(counts):,} samples from {found['low']:.5g} to {found['high']:.5g}; heights are logarithms"
    return Markup(
        '<svg class="histogram is-channel-{}" viewBox="0 0 {} {}" role="img"><title>{}</title>{}</svg>'
    ).format(channel_color(component), HISTOGRAM_WIDTH, HISTOGRAM_HEIGHT, label, bars)


def windows(parts: Sequence[Row], picture: str | None) -> Markup:
    """Return the display and data windows of all parts, drawn to scale over the file's picture."""
    boxes = _boxes(parts)
    if not boxes:
        return Markup()
    left, top = min(x for _, x, *_ in boxes), min(y for _, _, y, *_ in boxes)
    right, bottom = max(x + w for _, x, _, w, _ in boxes), max(y + h for _, _, y, _, h in boxes)
    scale = min(WINDOWS_WIDTH / (right - left), WINDOWS_HEIGHT / (bottom - top))
    width, height = (right - left) * scale, (bottom - top) * scale
    drawn = []
    for kind, x, y, w, h in boxes:
        place = ((x - left) * scale, (y - top) * scale, w * scale, h * scale)
        if kind == "display" and picture:
            drawn.append(
                Markup(
                    '<image href="{}" x="{:.2f}" y="{:.2f}" width="{:.2f}" height="{:.2f}"'
                    ' preserveAspectRatio="none"/>'
                ).format(picture, *place)
            )
        drawn.append(
            Markup('<rect class="{}" x="{:.2f}" y="{:.2f}" width="{:.2f}" height="{:.2f}"/>').format(
                f"{kind}-window", *place
            )
        )
    view = Markup("-2 -2 {:.2f} {:.2f}").format(width + 4, height + 4)
    label = "The display window, and the data windows of all parts over it"
    return Markup('<svg class="windows" viewBox="{}" role="img"><title>{}</title>{}</svg>').format(
        view, label, Markup().join(drawn)
    )


def _boxes(parts: Sequence[Row]) -> list[tuple[str, int, int, int, int]]:
    """Return the distinct windows as (kind, x, y, width, height), display windows first."""
    found: dict[tuple[str, int, int, int, int], None] = {}
    for kind in ("display", "data"):
        for part in parts:
            x, y, right, bottom = (
                part[f"{kind}_window_{end}"] for end in ("min_x", "min_y", "max_x", "max_y")
            )
            if x is not None and right >= x and bottom >= y:
                found[kind, x, y, right - x + 1, bottom - y + 1] = None
    return list(found)


def chunk_map(part: PartChunks) -> Markup:
    """Return the chunks of a part at their positions in the data window.

    The more bytes a chunk takes for its area, the more opaque it is.
    """
    scale = min(MAP_WIDTH / part.width, MAP_HEIGHT / part.height)
    cells = Markup().join(
        Markup(
            '<rect class="{}" x="{:.2f}" y="{:.2f}" width="{:.2f}" height="{:.2f}" fill-opacity="{:.2f}"/>'
        ).format(
            "chunk" if cell.is_present else "chunk is-missing",
            cell.x * scale,
            cell.y * scale,
            max(cell.width * scale, 0.5),
            max(cell.height * scale, 0.5),
            0.25 + 0.75 * cell.weight if cell.is_present else 1,
        )
        for cell in part.cells
    )
    label = f"{part.present:,} of {part.total:,} chunks of part {part.index} are in the file"
    return Markup(
        '<svg class="chunks" viewBox="0 0 {:.2f} {:.2f}" role="img"><title>{}</title>{}</svg>'
    ).format(part.width * scale, part.height * scale, label, cells)


def channel_color(name: str) -> str:
    """Return the color class for a channel of this name."""
    return {"r": "r", "red": "r", "g": "g", "green": "g", "b": "b", "blue": "b"}.get(name.lower(), "y")
