"""The page of one sequence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import inf, isfinite

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from exr_inspector.apps.web.commands import sequence_commands
from exr_inspector.apps.web.pages.thumbnail import AUTO, exposure
from exr_inspector.apps.web.queries.frames import (
    STATISTICS,
    ChannelName,
    Frame,
    FrameSequence,
    channel_series,
    frame_outliers,
    frame_sequence,
    measured_channels,
    sequence_findings,
    variations,
)
from exr_inspector.apps.web.queries.whole import whole_findings
from exr_inspector.apps.web.templating import real, size, url
from exr_inspector.apps.web.view import View, not_found
from exr_inspector.catalog.duckdb.snapshot import Row
from exr_inspector.compare.outliers import Outlier
from exr_inspector.pixels.tone import shared_exposure

STATUS, SIZE, OUTLIER = "status", "size", "outlier"
MAX_PICTURES = 24
"""Maximum number of pictures on the contact sheet."""
MAX_AUTO = 8
"""Maximum number of pictures from which a common exposure is computed."""
SHADES = 10
"""Number of colors of cells that show numbers."""


@dataclass(frozen=True)
class Cell:
    """A cell of the frame strip; `file` is None for a missing frame, `shade` None without a number."""

    frame: int | None
    file: Frame | None
    text: str
    shade: int | None = None


@dataclass(frozen=True)
class Strip:
    """The frame strip. `low` and `high` are the values of the first and the last shade."""

    cells: tuple[Cell, ...]
    low: str
    high: str


def page(view: View) -> Response:
    """Return the page of the sequence of the parameter `key`."""
    found = _sequence(view)
    if len(found.frames) == 1 and found.frames[0].frame is None:
        return RedirectResponse(url("/file", id=found.frames[0].file_id), 303)
    channels = measured_channels(view.reader, found)
    channel = _chosen(view, channels)
    series = channel_series(view.reader, found, channel) if channel else {}
    by = view.parameter("by") or STATUS
    if by not in (STATUS, SIZE, OUTLIER, *STATISTICS):
        raise HTTPException(400, "Frames cannot be colored by this.")
    outliers = frame_outliers(view.reader, found) if by == OUTLIER else None
    summary = found.summary
    shown = view.shown_path(summary.key)
    frames = [each.frame for each in found.frames if each.frame is not None]
    pictures = _sample(found)
    return view.render(
        "sequence.html",
        found=found,
        summary=summary,
        shown=shown,
        commands=sequence_commands(shown, frames[0], frames[-1]) if frames else {},
        by=by,
        statistics=STATISTICS,
        strip=_strip(found, by, _values(found, by, series, outliers or ())),
        outliers=outliers,
        channels=channels,
        channel=channel,
        series=series,
        pictures=pictures,
        exposure=_exposure(view, pictures),
        variations=variations(view.reader, found),
        findings=sequence_findings(view.reader, found),
    )


def frames(view: View) -> Response:
    """Return the frames of a sequence as CSV."""
    found = _sequence(view)
    return view.csv("frames", [[asdict(each) for each in found.frames]])


def outliers(view: View) -> Response:
    """Return the outliers of a sequence, with reasons."""
    found = _sequence(view)
    return view.render(
        "sequence_outliers.html",
        found=found,
        summary=found.summary,
        outliers=frame_outliers(view.reader, found),
        files={each.file_path: each for each in found.frames},
    )


def whole(view: View) -> Response:
    """Return what is found in a sequence as a whole."""
    found = _sequence(view)
    findings = whole_findings(view.reader, found, view.site.settings)
    return view.render("sequence_whole.html", summary=found.summary, findings=findings)


def _sequence(view: View) -> FrameSequence:
    found = frame_sequence(view.reader, view.parameter("key"))
    if found is None:
        raise not_found("No sequence with this key is stored.")
    return found


def _chosen(view: View, channels: Sequence[ChannelName]) -> ChannelName | None:
    """Return the channel of the parameter `channel`, or the first channel if it is absent or not measured."""
    wanted = view.parameter("channel")
    return next((each for each in channels if each.text == wanted), next(iter(channels), None))


def _strip(found: FrameSequence, by: str, values: Mapping[str, float | None]) -> Strip:
    """Return the cells of the present and the missing frames, by frame."""
    shades = _shades(values)
    cells = [
        Cell(
            each.frame,
            each,
            each.status if by == STATUS else f"{each.status}, {_text(by, values.get(each.file_id))}",
            shades.get(each.file_id),
        )
        for each in found.frames
    ]
    cells += [Cell(frame, None, "missing") for frame in found.missing]
    known = [value for value in values.values() if value is not None]
    return Strip(
        tuple(sorted(cells, key=lambda cell: (cell.frame is None, cell.frame or 0))),
        _text(by, min(known, default=None)),
        _text(by, max(known, default=None)),
    )


def _values(
    found: FrameSequence, by: str, series: Mapping[str, Row], outliers: Sequence[Outlier]
) -> dict[str, float | None]:
    """Return the number that colors each frame, by `file_id`."""
    if by == SIZE:
        return {each.file_id: each.size_bytes for each in found.frames}
    if by == OUTLIER:
        scores = {each["path"]: each["score"] or inf for each in outliers}
        return {each.file_id: scores.get(each.file_path, 0.0) for each in found.frames}
    return {} if by == STATUS else {file_id: row[by] for file_id, row in series.items()}


def _text(by: str, value: float | None) -> str:
    if value is None:
        return "not measured"
    if by in (SIZE, "packed_bytes"):
        return size(value)
    if by == OUTLIER:
        score = f"{real(value)} times the typical change" if isfinite(value) else "stands out"
        return score if value else "does not stand out"
    return f"{STATISTICS[by].lower()} {real(value)}"


def _shades(values: Mapping[str, float | None]) -> dict[str, int]:
    """Return a shade for each value, from the lowest to the highest; infinity has the last shade."""
    known = {name: value for name, value in values.items() if value is not None}
    finite = [value for value in known.values() if isfinite(value)]
    low, high = min(finite, default=0.0), max(finite, default=0.0)
    step = (high - low) or 1.0
    return {
        name: round((value - low) / step * (SHADES - 1)) if isfinite(value) else SHADES - 1
        for name, value in known.items()
    }


def _sample(found: FrameSequence) -> list[Frame]:
    """Return the frames of the contact sheet: evenly spaced, including the first and the last."""
    count = len(found.frames)
    if count <= MAX_PICTURES:
        return list(found.frames)
    places = {round(index * (count - 1) / (MAX_PICTURES - 1)) for index in range(MAX_PICTURES)}
    return [found.frames[place] for place in sorted(places)]


def _exposure(view: View, pictures: Sequence[Frame]) -> float:
    """Return the exposure of all pictures: the parameter, or a computed exposure if it is `auto`."""
    if view.parameter("exposure") != AUTO:
        return exposure(view)
    step = max(1, len(pictures) // MAX_AUTO)
    images = [
        view.site.pictures.image(each.file_path, (each.etag, each.size_bytes, each.mtime), view.roots())
        for each in pictures[::step]
    ]
    return shared_exposure([image for image in images if not isinstance(image, str)])
