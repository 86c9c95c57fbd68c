"""What `check --db` finds in a sequence as a whole, such as missing frames and headers that differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exr_inspector.apps.web.queries.frames import JOINED, MAX_COMPARED, FrameSequence
from exr_inspector.catalog.duckdb.snapshot import Reader
from exr_inspector.catalog.stored_document import by_file
from exr_inspector.errors import requires_extra
from exr_inspector.location import Location
from exr_inspector.sequences import Group
from exr_inspector.settings import Settings
from exr_inspector.shows import Shows

if TYPE_CHECKING:
    from exr_inspector.checks.report import CheckFinding

_TABLES = ("files", "parts", "channels", "attributes", "pixels", "channel_stats")


def whole_findings(reader: Reader, found: FrameSequence, settings: Settings) -> list[CheckFinding] | None:
    """Judge the stored facts of a sequence; None if it is too long.

    A snapshot has the findings of files only, since those of a sequence belong to no file. Raises
    InspectorError: BAD_POLICY, BAD_SETTING for the configuration of the show, NOT_INSTALLED.
    """
    with requires_extra("policy"):
        from exr_inspector.checks.checker import Checker, Options  # noqa: PLC0415 - an extra
        from exr_inspector.checks.stored import stored_evidence  # noqa: PLC0415

    if len(found.frames) > MAX_COMPARED:
        return None
    named = {each.frame: each for each in found.frames if each.frame is not None}
    if not named:
        return []
    tables = {
        table: reader.rows(f"SELECT {table}.* FROM {JOINED.format(table=table)}", **found.bounds)
        for table in _TABLES
    }
    rows = by_file(tables, of="files")
    locations = (Location(each.file_path, each.file_path) for each in named.values())
    evidence = [stored_evidence(rows[each.file_id]) for each in named.values()]
    checker = Checker(Options(), settings, Shows(settings.show_config), look=lambda _: evidence)
    checked = checker.check(Group(found.summary.key, tuple(locations), tuple(named)))
    return [each for each in checked.findings if each["file_path"] is None]
