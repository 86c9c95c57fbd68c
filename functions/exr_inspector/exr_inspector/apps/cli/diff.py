"""`exr-inspector diff`: what differs between two files, sequences or folders."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from exr_inspector.apps.cli.diff_text import print_file, print_sequence
from exr_inspector.apps.cli.paths import expand, local_name
from exr_inspector.apps.cli.terminal import json_text, progress
from exr_inspector.errors import requires_extra
from exr_inspector.location import Location
from exr_inspector.sequences import group
from exr_inspector.settings import Settings

if TYPE_CHECKING:
    from exr_inspector.compare.sequences import Frame, SequencePair
    from exr_inspector.differences import PixelMode

# The exit code of a difference that is as said, from the least to the most urgent.
EXIT_CODES = {"equal": 0, "unknown": 3, "different": 1}


_NUMBER = r"[0-9]+\.?[0-9]*(?:e-?[0-9]+)?|\.[0-9]+"
_TOLERANCE = re.compile(rf"({_NUMBER})(?:,({_NUMBER}))?", re.IGNORECASE)


def _tolerance(ctx: click.Context, param: click.Parameter, value: str) -> tuple[float, float]:
    found = _TOLERANCE.fullmatch(value)
    if not found:
        message = f"{value} is no tolerance; write one like 0.001 or 0.001,0.01"
        raise click.BadParameter(message, ctx, param)
    return float(found[1]), float(found[2] or 0)


@click.command()
@click.argument("a")
@click.argument("b")
@click.option(
    "--pixels",
    type=click.Choice(["none", "hash", "full"]),
    default="none",
    show_default=True,
    help="Compare hashes of the decoded channels, or every sample.",
)
@click.option(
    "--tolerance",
    default="0",
    show_default=True,
    metavar="ABS[,REL]",
    callback=_tolerance,
    help="How far samples may be apart: ABS, plus REL times the larger one. For --pixels full.",
)
@click.option(
    "--channels", multiple=True, metavar="NAME", help="Compare only pixels of channels that match, as *.R."
)
@click.option("--recursive", "-r", is_flag=True, help="Include the folders below.")
@click.option("--all", "show_all", is_flag=True, help="Show facts of the occasion too: times, frames, hosts.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON Lines: one object per file or sequence.")
@click.pass_context
def diff(
    ctx: click.Context,
    a: str,
    b: str,
    pixels: PixelMode,
    tolerance: tuple[float, float],
    channels: tuple[str, ...],
    recursive: bool,
    show_all: bool,
    as_json: bool,
) -> None:
    """Compare two files, sequences or folders: headers first, and pixels if asked.

    A and B are files, patterns such as beauty.#.exr, folders, or s3://bucket/key. Frames are paired by their
    numbers, and sequences by their names, in which versions such as v012 do not count. Parts are paired by
    name and view, channels and attributes by name.

    Exit code 0 if nothing differs, within the tolerance; 1 if something does; 2 for wrong usage or an
    unsuitable environment; 3 if something could not be compared. Attributes of the occasion of a render, such
    as times, frame numbers and hosts, never count.
    """
    settings = Settings.from_mapping(os.environ)
    sides = [expand([name], recursive=recursive, settings=settings) for name in (a, b)]
    with requires_extra("pixels"):
        from exr_inspector.compare.samples import Tolerance  # noqa: PLC0415 - so that --help is quick
        from exr_inspector.compare.sequences import pair_sequences, summarize  # noqa: PLC0415
        from exr_inspector.differences import diff as diff_files  # noqa: PLC0415

    options: dict[str, Any] = {
        "pixels": pixels,
        "tolerance": Tolerance(*tolerance),
        "channels": channels or None,
        "settings": settings,
    }
    if len(sides[0]) == len(sides[1]) == 1:
        found = diff_files(sides[0][0], sides[1][0], **options)
        if as_json:
            click.echo(json_text(found))
        else:
            print_file(found, show_all=show_all)
        ctx.exit(EXIT_CODES[found["status"]])
    groups = [group(side, lambda each: each.path) for side in sides]
    roots = tuple(_root(name, settings) for name in (a, b))
    statuses = set()
    for pair in pair_sequences(groups[0], groups[1], (roots[0], roots[1])):
        summary = summarize(pair, _frames(pair, options))
        statuses.add(summary["status"])
        if as_json:
            click.echo(json_text(summary))
        else:
            print_sequence(summary, pixels=pixels)
    ctx.exit(EXIT_CODES[max(statuses, key=list(EXIT_CODES).index, default="equal")])


def _root(name: str, settings: Settings) -> str:
    """Return the folder of a name that sequences below it are named from."""
    path = os.path.abspath(local_name(name, settings)) if "://" not in name else name  # noqa: PTH100
    return path if os.path.isdir(path) or path.endswith("/") else ""  # noqa: PTH112


def _frames(pair: SequencePair[Location], options: dict[str, Any]) -> Iterator[Frame]:
    """Compare the frames that both sequences have."""
    from exr_inspector.compare.sequences import Frame, pair_frames  # noqa: PLC0415 - as above
    from exr_inspector.differences import diff as diff_files  # noqa: PLC0415

    both = [(frame, a, b) for frame, a, b in pair_frames(pair) if a is not None and b is not None]
    for frame, ours, theirs in progress(both, len(both), shown=True):
        found = diff_files(ours, theirs, **options)
        yield Frame(frame, found["status"], found["header"], found["pixels"])
