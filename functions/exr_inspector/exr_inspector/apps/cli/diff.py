"""`exr-inspector diff`: what differs between two files, sequences or folders."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from exr_inspector.apps.cli.diff_text import print_file, print_sequence
from exr_inspector.apps.cli.exits import FOUND, OK, UNREAD, UNREAD_FAULTS
from exr_inspector.apps.cli.output import write_bytes
from exr_inspector.apps.cli.paths import (
    complete_paths,
    expand_some,
    local_name,
    recursive_option,
    sequence_pattern,
)
from exr_inspector.apps.cli.places import Places
from exr_inspector.apps.cli.stores import stored_files
from exr_inspector.apps.cli.terminal import json_text, progress
from exr_inspector.errors import FILE_NOT_FOUND, InspectorError, requires_extra
from exr_inspector.location import Location, is_object
from exr_inspector.sequences import group
from exr_inspector.settings import Settings
from exr_inspector.shows import Shows

if TYPE_CHECKING:
    from exr_inspector.checks.stored import StoredFiles
    from exr_inspector.compare.files import FileDiff
    from exr_inspector.compare.heatmap import HeatMap
    from exr_inspector.compare.pixels import Status
    from exr_inspector.compare.sequences import SequencePair
    from exr_inspector.differences import PixelMode
    from exr_inspector.document.model import ErrorEntry

Pair = tuple[Location, Location]
Compare = Callable[[Sequence[Pair]], "Iterator[FileDiff]"]

# The exit code of a difference that is as said, from the least to the most urgent.
EXIT_CODES = {"equal": OK, "unknown": UNREAD, "different": FOUND}


_NUMBER = r"[0-9]+\.?[0-9]*(?:e-?[0-9]+)?|\.[0-9]+"
_TOLERANCE = re.compile(rf"({_NUMBER})(?:,({_NUMBER}))?", re.IGNORECASE)


def _tolerance(ctx: click.Context, param: click.Parameter, value: str) -> tuple[float, float]:
    found = _TOLERANCE.fullmatch(value)
    if not found:
        message = f"{value} is not a tolerance; write one like 0.001 or 0.001,0.01"
        raise click.BadParameter(message, ctx, param)
    return float(found[1]), float(found[2] or 0)


@click.command()
@click.argument("a", shell_complete=complete_paths)
@click.argument("b", shell_complete=complete_paths)
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
    help="Samples may differ by ABS plus REL times the larger one. Needs --pixels full.",
)
@click.option(
    "--channel",
    "--channels",
    "channels",
    multiple=True,
    metavar="NAME",
    help="Compare only the pixels of channels that match a pattern such as *.R.",
)
@recursive_option
@click.option(
    "--db",
    metavar="FILE",
    shell_complete=complete_paths,
    help="Compare the rows of A and B in this DuckDB file instead of reading files.",
)
@click.option(
    "--heatmap",
    metavar="PNG",
    help="Write a picture of the differences between two files. Needs --pixels full.",
)
@click.option(
    "--all", "show_all", is_flag=True, help="Also show attributes of one run: times, frame numbers, hosts."
)
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
    db: str | None,
    heatmap: str | None,
    show_all: bool,
    as_json: bool,
) -> None:
    """Compare two files, sequences or folders.

    Headers are always compared; --pixels compares pixels too.

    A and B are files, patterns such as beauty.#.exr, folders, or s3://bucket/key. Frames are paired by
    number. Sequences are paired by name, ignoring versions such as v012. Parts are paired by name and view,
    channels and attributes by name.

    The exit code is 0 if nothing differs by more than the tolerance, 1 if something differs, 2 for a usage or
    environment error, and 3 if something could not be compared. Attributes that describe one run of a render,
    such as times, frame numbers and hosts, do not count as differences.
    """
    _check_usage(pixels, tolerance, channels, db, heatmap)
    settings = Settings.from_mapping(os.environ)
    with requires_extra("pixels"):
        from exr_inspector.compare.samples import Tolerance  # noqa: PLC0415 - so that --help is quick
        from exr_inspector.compare.sequences import pair_sequences  # noqa: PLC0415
        from exr_inspector.differences import diff as diff_files  # noqa: PLC0415

    maps: list[HeatMap] | None = [] if heatmap else None
    read = partial(
        diff_files,
        pixels=pixels,
        tolerance=Tolerance(*tolerance),
        channels=channels or None,
        settings=settings,
        heat_maps=maps,
    )

    with stored_files(db) as stored:
        compare: Compare = (
            partial(_compare_stored, stored, pixels, channels or None)
            if stored
            else partial(_compare_files, read)
        )
        sides = [_files(name, settings, stored, recursive=recursive) for name in (a, b)]
        if len(sides[0]) == len(sides[1]) == 1:
            found = next(iter(compare([(sides[0][0], sides[1][0])])))
            if as_json:
                click.echo(json_text(found))
            else:
                print_file(found, show_all=show_all)
            if heatmap and maps:
                write_bytes(heatmap, maps[0].png())
            ctx.exit(EXIT_CODES[found["status"]])
        if heatmap:
            raise click.UsageError("--heatmap needs two files")
        for side in sides:
            if stored is None and not (is_object(side[0].path) or os.path.lexists(side[0].path)):
                raise InspectorError(FILE_NOT_FOUND, "No such file or directory", side[0].path)
        groups = [group(side, lambda each: each.path) for side in sides]
        roots = _root(a, settings), _root(b, settings)
        statuses = [
            _compare_sequences(pair, compare, pixels, as_json=as_json)
            for pair in pair_sequences(groups[0], groups[1], roots)
        ]
    ctx.exit(EXIT_CODES[max(statuses, key=list(EXIT_CODES).index, default="equal")])


def _check_usage(
    pixels: PixelMode,
    tolerance: tuple[float, float],
    channels: Sequence[str],
    db: str | None,
    heatmap: str | None,
) -> None:
    if db and pixels == "full":
        raise click.UsageError("--db has hashes of pixels, but no pixels: use --pixels hash, or no --db")
    if pixels != "full" and (heatmap or any(tolerance)):
        raise click.UsageError(f"{'--heatmap' if heatmap else '--tolerance'} needs --pixels full")
    if pixels == "none" and channels:
        raise click.UsageError("--channel needs --pixels hash or full")
    if heatmap and Path(heatmap).suffix.lower() != ".png":
        raise click.UsageError(f"--heatmap is a PNG picture: end its name in .png, not {heatmap}")


def _compare_sequences(
    pair: SequencePair[Location], compare: Compare, pixels: PixelMode, *, as_json: bool
) -> Status:
    """Compare the frames that both sequences have, print the difference, and return its status."""
    from exr_inspector.compare.sequences import Frame, pair_frames, summarize  # noqa: PLC0415 - as above

    both = [
        (each.frame, each.a, each.b)
        for each in pair_frames(pair)
        if each.a is not None and each.b is not None
    ]
    found = progress(compare([(a, b) for _, a, b in both]), len(both), shown=True)
    frames = (
        Frame(frame, each["status"], each["header"], each["pixels"], each["errors"])
        for (frame, _, _), each in zip(both, found, strict=True)
    )
    summary = summarize(pair, frames)
    if as_json:
        click.echo(json_text(summary))
    else:
        print_sequence(summary, pixels=pixels)
    return summary["status"]


def _files(
    name: str, settings: Settings, stored: StoredFiles | None, *, recursive: bool
) -> Sequence[Location]:
    if stored is None:
        return expand_some([name], recursive=recursive, settings=settings)
    found = Places([name], settings, Shows(settings.show_config)).stored(stored)
    return [each for sequence, _ in found for each in sequence.items]


def _compare_files(
    compare: Callable[[Location, Location], FileDiff], pairs: Sequence[Pair]
) -> Iterator[FileDiff]:
    """Compare pairs of files. A file that cannot be read now does not stop the others."""
    from exr_inspector.compare.files import not_compared  # noqa: PLC0415 - as above

    for ours, theirs in pairs:
        try:
            yield compare(ours, theirs)
        except InspectorError as error:
            if error.fault not in UNREAD_FAULTS:
                raise
            yield not_compared(ours.path, theirs.path, [cast("ErrorEntry", error.entry())])


def _compare_stored(
    stored: StoredFiles, pixels: PixelMode, channels: Sequence[str] | None, pairs: Sequence[Pair]
) -> Iterator[FileDiff]:
    """Compare pairs of stored files: their headers, and with the mode `hash` the hashes of their channels."""
    from exr_inspector.compare.files import compare_hashes, diff_documents, hashes_of  # noqa: PLC0415

    evidence = stored.look([each for pair in pairs for each in pair])
    for ours, theirs in zip(evidence, evidence, strict=True):
        compare = compare_hashes(hashes_of(ours.stats), hashes_of(theirs.stats)) if pixels == "hash" else None
        yield diff_documents(ours.document, theirs.document, compare, channels)


def _root(name: str, settings: Settings) -> str:
    """Return the folder of a name that sequences below it are named from."""
    path = os.path.abspath(local_name(name, settings)) if "://" not in name else name  # noqa: PTH100
    return "" if sequence_pattern(name, settings) else path.rstrip("/")
