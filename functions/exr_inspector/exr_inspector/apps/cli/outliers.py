"""`exr-inspector outliers`: frames that do not belong to their sequence, as a list to review."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal

import click
from click.core import ParameterSource

from exr_inspector.apps.cli.exits import FOUND, OK, UNREAD
from exr_inspector.apps.cli.paths import complete_paths, typed_names, whole_tree_option
from exr_inspector.apps.cli.places import Places
from exr_inspector.apps.cli.stores import stored_files
from exr_inspector.apps.cli.terminal import json_text, nearby, progress, say
from exr_inspector.errors import FILE_NOT_FOUND, InspectorError, requires_extra
from exr_inspector.location import Location, is_object
from exr_inspector.sequences import Group, format_frames
from exr_inspector.settings import MIB, Settings
from exr_inspector.shows import Shows

if TYPE_CHECKING:
    from exr_inspector.checks.stored import StoredFiles
    from exr_inspector.compare.outliers import FrameFacts, Outlier


@click.command()
@click.argument("paths", nargs=-1, metavar="[PATH]...", shell_complete=complete_paths)
@click.option(
    "--db",
    metavar="FILE",
    shell_complete=complete_paths,
    help="Compare the rows of the paths in this DuckDB file instead of reading files.",
)
@whole_tree_option
@click.option(
    "--pixels",
    type=click.Choice(["none", "sampled", "full"]),
    default="sampled",
    show_default=True,
    help="Read no pixels, a sample, or all of them. Only `full` finds frozen frames.",
)
@click.option(
    "--budget",
    type=click.IntRange(1),
    default=8,
    show_default=True,
    metavar="MIB",
    help="Maximum MiB that a sample reads of each file.",
)
@click.option(
    "--threshold",
    type=click.FloatRange(1),
    default=6.0,
    show_default=True,
    metavar="N",
    help="Minimum distance of an outlier from its neighbors, in units of the typical change between frames.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON Lines: one object per sequence.")
@click.pass_context
def outliers(
    ctx: click.Context,
    paths: tuple[str, ...],
    db: str | None,
    recursive: bool,
    pixels: Literal["none", "sampled", "full"],
    budget: int,
    threshold: float,
    as_json: bool,
) -> None:
    """List frames that differ from the rest of their sequence.

    PATH is a file, a folder, a pattern such as beauty.#.exr, or s3://bucket/folder/. Each frame is compared
    with the frames before and after it: statistics, look, size, settings, pixels. Each result has its
    reasons. An outlier is a frame to review; it may be correct.

    The exit code is 1 if a frame stands out, otherwise 3 if a file could not be read, otherwise 0.
    """
    is_budget_given = ctx.get_parameter_source("budget") is ParameterSource.COMMANDLINE
    if is_budget_given and (pixels != "sampled" or db):
        raise click.UsageError("--budget limits a sample; use --pixels sampled, without --db")
    settings = Settings.from_mapping(os.environ)
    shows = Shows(settings.show_config)
    places = Places(typed_names(paths), settings, shows)
    with requires_extra("pixels"):
        from exr_inspector.compare.outliers import MIN_FRAMES, find_outliers  # noqa: PLC0415

    def judge(sequence: Group[Location], stored: StoredFiles | None) -> None:
        if len(sequence.frames) < MIN_FRAMES:
            short.extend(sequence.items)
            return
        facts: list[FrameFacts] = []
        unread: list[int] = []
        source = _stored(sequence, stored) if stored else _read(sequence, settings, pixels, budget * MIB)
        for frame, fact in zip(sequence.frames, source, strict=True):
            if fact:
                facts.append(fact)
            else:
                unread.append(frame)
        found = find_outliers(facts, threshold)
        counts["outliers"] += len(found)
        counts["unread"] += len(unread)
        if as_json:
            report = {"sequence": sequence.key, "frames": len(facts), "unread": format_frames(unread)}
            click.echo(json_text({**report, "outliers": found}))
        else:
            _print(sequence, found, len(facts), unread)

    counts = {"outliers": 0, "unread": 0}
    short: list[Location] = []
    with stored_files(db, with_looks=True) as stored:
        sequences = places.stored(stored) if stored else places.files(recursive=recursive)
        for sequence, _ in sequences:
            judge(sequence, stored)
    counts["unread"] += _report_short(short, MIN_FRAMES, is_stored=bool(db))
    ctx.exit(FOUND if counts["outliers"] else UNREAD if counts["unread"] else OK)


def _report_short(files: Sequence[Location], min_frames: int, *, is_stored: bool) -> int:
    """Print the missing files and the number of uncompared files; return the number of missing files."""
    there = [each for each in files if is_stored or is_object(each.path) or os.path.lexists(each.path)]
    for each in files:
        if each not in there:
            error = InspectorError(FILE_NOT_FOUND, "No such file or directory")
            say(f"{nearby(each.path)}: {error}", err=True)
    if there:
        counted = "1 file is" if len(there) == 1 else f"{len(there):,} files are"
        say(f"{counted} in no sequence of at least {min_frames} frames, and not compared", err=True)
    return len(files) - len(there)


def _stored(sequence: Group[Location], stored: StoredFiles) -> Iterator[FrameFacts | None]:
    from exr_inspector.compare.outliers import frame_facts  # noqa: PLC0415 - so that --help is quick

    for frame, found in zip(sequence.frames, stored.look(sequence.items), strict=True):
        yield frame_facts(frame, found.document, found.stats) if found.document["parts"] else None


def _read(
    sequence: Group[Location], settings: Settings, pixels: Literal["none", "sampled", "full"], budget: int
) -> Iterator[FrameFacts | None]:
    """Yield the facts of each frame; None if its header cannot be read."""
    from exr_inspector import pipeline  # noqa: PLC0415 - so that --help is quick
    from exr_inspector.compare.outliers import frame_facts  # noqa: PLC0415
    from exr_inspector.pixels.stats import source_stats  # noqa: PLC0415
    from exr_inspector.sources.opener import Opener  # noqa: PLC0415

    opener = Opener(settings)
    frames = list(zip(sequence.frames, sequence.items, strict=True))
    for frame, location in progress(frames, len(frames), shown=True):
        try:
            document = pipeline.inspect(location, settings)
            if not document["parts"]:
                yield None
                continue
            stats = source_stats(opener(location), pixels, budget, settings) if pixels != "none" else None
        except InspectorError as error:
            if not error.retry:
                raise
            yield None
        else:
            yield frame_facts(frame, document, stats)


def _print(sequence: Group[Location], found: list[Outlier], count: int, unread: list[int]) -> None:
    verdict = f"{len(found)} of {count:,} frames to review" if found else f"{count:,} frames, none stands out"
    not_read = f"; not read: {format_frames(unread)}" if unread else ""
    say(f"{nearby(sequence.key)}: {verdict}{not_read}", "yellow" if found or unread else "green")
    for each in found:
        score = "" if each["score"] is None else f" ({each['score']:g} times the typical change)"
        first, *others = each["reasons"]
        say(f"  {each['frame']}: {first}{score}")
        for reason in others[:3]:
            say(f"        {reason}")
        if len(others) > 3:
            say(f"        and {len(others) - 3} more reasons (--json)")
