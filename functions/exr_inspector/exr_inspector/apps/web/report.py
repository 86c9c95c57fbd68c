"""A report: sequences of a catalog as one HTML file that needs no network, server or script.

It uses the templates and queries of the pages. Pictures are embedded; links stay within the file.
"""

from __future__ import annotations

from base64 import b64encode
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from exr_inspector.apps.web.queries import home
from exr_inspector.apps.web.queries.report import Section, section, selection, thumbnails, worst
from exr_inspector.apps.web.queries.sequences import Sequence as Listed
from exr_inspector.apps.web.templating import STATIC, environment
from exr_inspector.catalog.duckdb.snapshot import Reader, SnapshotFacts
from exr_inspector.catalog.duckdb.summaries import STATES
from exr_inspector.errors import BAD_QUERY, InspectorError
from exr_inspector.policy.model import SEVERITIES
from exr_inspector.settings import Settings

MAX_LISTED, MAX_SECTIONS = 300, 60
"""Maximum number of sequences in the list, and with a section. The worst come first."""
MAX_PICTURES, MAX_CHANNELS = 6, 40
"""Maximum number of pictures and channels in a section."""
MAX_PICTURE_BYTES = 1_000_000
"""Maximum bytes of all pictures. Base64 adds a third."""


def render_report(
    reader: Reader, facts: SnapshotFacts, names: Sequence[str], title: str, settings: Settings
) -> str:
    """Return the report of the sequences with these folders, keys or files; without names, of all sequences.

    Raises InspectorError(BAD_QUERY) if nothing is stored under a name.
    """
    asked = selection(names)
    overall = home.overall(reader, asked)
    if names and not overall.sequences:
        raise InspectorError(BAD_QUERY, "nothing of that name is stored", title)
    listed = worst(reader, asked, MAX_LISTED)
    sections = [section(reader, each.key, settings) for each in listed[:MAX_SECTIONS]]
    sections.sort(key=lambda each: list(STATES).index(each.sequence.state))
    listed[:MAX_SECTIONS] = [each.sequence for each in sections]
    pictures = _pictures(reader, listed, sections)
    anchors = {each.sequence.key: f"#s{index}" for index, each in enumerate(sections)}
    anchors |= {file.file_id: anchors[each.sequence.key] for each in sections for file in each.files}

    def url(page: str, /, **parameters: Any) -> str:
        """Return the report's replacement for the URL of a page."""
        if page == "/thumbnail":
            return f"data:image/webp;base64,{b64encode(pictures[parameters['id']]).decode()}"
        return anchors.get(str(parameters.get("key") or parameters.get("id")), "#list")

    made = environment()
    made.globals.update(url=url)
    made.filters.update(points=_points, age=_day)
    return made.get_template("report.html").render(
        title=title,
        css=(STATIC / "browse.css").read_text(encoding="utf-8"),
        facts=facts,
        overall=overall,
        rules=sorted([*_whole_rules(sections), *home.rules(reader, asked)], key=_gravity),
        states=STATES,
        listed=[_shown(each, pictures) for each in listed],
        sections=[
            (each, [file for file in each.pictures(MAX_PICTURES) if file.file_id in pictures])
            for each in sections
        ],
        max_channels=MAX_CHANNELS,
        shown_path=settings.paths.display,
    )


def _whole_rules(sections: Sequence[Section]) -> list[home.Rule]:
    """Return the rules that fail for sequences as a whole. They count no files."""
    messages: defaultdict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for shown in sections:
        for each in shown.whole:
            if each["verdict"] == "fail":
                messages[each["rule_id"], each["severity"]][shown.sequence.key] = each["message"]
    return [home.Rule(*rule, "fail", len(found), 0, min(found.values())) for rule, found in messages.items()]


def _gravity(rule: home.Rule) -> int:
    return SEVERITIES.index(rule.severity)


def _day(moment: datetime) -> str:
    """Return the date of a time: an age would become wrong in a stored report."""
    return moment.strftime("%Y-%m-%d")


def _shown(sequence: Listed, pictures: dict[str, bytes]) -> Listed:
    """Return a sequence whose contact strip has only the pictures in the report."""
    contact = [replace(each, has_thumbnail=each.file_id in pictures) for each in sequence.contact]
    return replace(sequence, contact=contact)


def _pictures(reader: Reader, listed: Sequence[Listed], sections: Sequence[Section]) -> dict[str, bytes]:
    """Return the pictures that fit in the report, by file_id. Pictures of sections come first."""

    def wanted() -> Iterator[str]:
        for each in sections:
            yield from (file.file_id for file in each.pictures(MAX_PICTURES))
        for sequence in listed:
            yield from (each.file_id for each in sequence.contact if each.has_thumbnail)

    uses = Counter(wanted())
    found: dict[str, bytes] = {}
    room = MAX_PICTURE_BYTES
    for file_id, data in thumbnails(reader, list(uses)).items():
        room -= len(data) * uses[file_id]
        if room < 0:
            break
        found[file_id] = data
    return found


def _points(values: Sequence[float | None]) -> str:
    """Return numbers as the points of an SVG polyline, 100 wide and 20 high."""
    present = [value for value in values if value is not None]
    if len(present) < 2 or min(present) == max(present):
        return ""
    scale, step = 18 / (max(present) - min(present)), 100 / (len(present) - 1)
    return " ".join(
        f"{index * step:.1f},{19 - (value - min(present)) * scale:.1f}" for index, value in enumerate(present)
    )
