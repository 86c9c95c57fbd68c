"""`exr-inspector stats`: measure the pixels of files."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from exr_inspector.apps.cli.exits import OK, attempt, of_result
from exr_inspector.apps.cli.paths import complete_paths, expand_some, recursive_option
from exr_inspector.apps.cli.stores import with_db
from exr_inspector.apps.cli.table import print_table
from exr_inspector.apps.cli.terminal import json_text, nearby, plural, progress, say
from exr_inspector.events.request import Config, Request
from exr_inspector.location import Location
from exr_inspector.settings import MIB, Settings

if TYPE_CHECKING:
    from exr_inspector.pixels.stats import AnyMode, Mode

# Files whose rows are stored in one transaction; each has a thumbnail.
BATCH = 20
_BARS = "\u00b7\u2581\u2582\u2583\u2584\u2585\u2586\u2587\u2588"


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", shell_complete=complete_paths)
@recursive_option
@click.option(
    "--mode",
    type=click.Choice(["full", "sampled", "counts"]),
    default="full",
    show_default=True,
    help="Read every chunk, a sample of at least 16 chunks, or only the sample counts of deep pixels.",
)
@click.option(
    "--budget",
    type=click.IntRange(0),
    metavar="MIB",
    help="Maximum MiB that --mode sampled reads of each file. [default: 32]",
)
@click.option(
    "--channel",
    "channels",
    multiple=True,
    metavar="NAME",
    help="Only channels that match a pattern such as *.R.",
)
@click.option(
    "--db",
    metavar="FILE",
    shell_complete=complete_paths,
    help="Store the rows in this DuckDB file; unchanged pixels are not read again.",
)
@click.option("--dry-run", is_flag=True, help="Show what would be read; read no pixels.")
@click.option("--verify", is_flag=True, help="Decode every chunk of every level, and list the damaged ones.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON Lines: one object per file.")
@click.pass_context
def stats(
    ctx: click.Context,
    paths: tuple[str, ...],
    recursive: bool,
    mode: AnyMode,
    budget: int | None,
    channels: tuple[str, ...],
    db: str | None,
    dry_run: bool,
    verify: bool,
    as_json: bool,
) -> None:
    """Measure the pixels of EXR files, channel by channel.

    Print the minimum, maximum and mean, and count NaN and infinities.

    PATH is a file, a folder (its .exr files), a pattern, s3://bucket/key, or s3://bucket/folder/. The values
    describe the decoded pixels of the full-resolution image. A damaged chunk does not affect the others.

    Only ZIP, ZIPS and PXR24 have checksums. With other codecs, --verify does not detect all damage.
    """
    settings = Settings.from_mapping(os.environ)
    files = expand_some(paths, recursive=recursive, settings=settings)
    limit = None if budget is None else budget * MIB
    if budget is not None and (mode == "full" or verify):
        raise click.UsageError("--budget limits a sample; add --mode sampled")
    if verify:
        if db is not None or channels or dry_run:
            raise click.UsageError("--verify decodes all; drop --db, --channel and --dry-run")
        results = _verified(files, settings)
    elif db is None:
        results = _measured(files, mode, limit, channels or None, settings, dry_run)
    elif channels or dry_run or mode == "counts":
        raise click.UsageError("--db stores all channels; drop --channel, --dry-run and --mode counts")
    else:
        stats_bytes = settings.stats_bytes if limit is None else max(limit, 1)
        settings = with_db(replace(settings, stats_bytes=stats_bytes), db)
        results = _stored(files, mode, settings)
    codes = set()
    for location, found in progress(results, len(files), shown=True, prints=True):
        codes.add(of_result(found))
        if as_json:
            kind = "verification" if verify else "stats"
            click.echo(json_text({"file_path": location.path, kind: found}))
        else:
            (_print_verified if verify else _print)(nearby(location.path), found)
    ctx.exit(max(codes, default=OK))


def _measured(
    files: Sequence[Location],
    mode: AnyMode,
    budget: int | None,
    channels: tuple[str, ...] | None,
    settings: Settings,
    dry_run: bool,
) -> Iterator[tuple[Location, dict[str, Any]]]:
    from exr_inspector.pixels.helper import shared_helper  # noqa: PLC0415 - so that --help is quick

    if not dry_run:
        shared_helper()  # it starts while this process imports numpy
    from exr_inspector.pixels.stats import pixel_stats  # noqa: PLC0415

    for location in files:
        read = partial(pixel_stats, location, mode, budget, None, channels, settings, dry_run=dry_run)
        yield location, attempt(read)


def _verified(files: Sequence[Location], settings: Settings) -> Iterator[tuple[Location, dict[str, Any]]]:
    from exr_inspector.pixels.verify import verify_pixels  # noqa: PLC0415

    for location in files:
        yield location, attempt(partial(verify_pixels, location, settings))


def _stored(
    files: Sequence[Location], mode: Mode, settings: Settings
) -> Iterator[tuple[Location, dict[str, Any]]]:
    """Measure files and store their rows; those that the store has are `unchanged`."""
    from exr_inspector.pipeline import inspect_many  # noqa: PLC0415
    from exr_inspector.response import make_runtime  # noqa: PLC0415

    runtime = make_runtime(settings)
    requests = (Request("created", (location,), Config(stats=mode)) for location in files)
    try:
        documents = inspect_many(requests, runtime, batch=BATCH, keep_faults=True)
        for location, document in zip(files, documents, strict=True):
            yield location, document["stats"] or {"status": "failed", "failures": document["errors"]}
    finally:
        if runtime.store:
            runtime.store.close()


def _print(path: str, found: dict[str, Any]) -> None:
    coverage = found.get("coverage")
    if found["status"] == "unchanged":
        say(f"{path}: unchanged, {found['reason']}")
        return
    if not coverage or not coverage["chunks"]:
        _print_failures(path, found)
        return
    if found["status"] == "planned":
        size = _size(coverage["bytes_planned"])
        text = f"would read {coverage['chunks_planned']:,} of {coverage['chunks']:,} chunks, {size}"
        say(f"{path}: {text}")
        return
    read = f"{coverage['chunks_read']:,} of {coverage['chunks']:,} chunks, {_size(coverage['bytes_read'])}"
    title = f"{path}: {found['status']}, {read}"
    names = (
        "part",
        "channel",
        "type",
        "min",
        "max",
        "mean",
        "stddev",
        "p50",
        "shape",
        "NaN",
        "Inf",
        "first bad",
    )
    rows = [_row(each) for each in found["channels"]]
    if rows:
        print_table(
            names, rows, title=title, optional=("shape", "p50", "type", "stddev", "part", "first bad")
        )
    else:
        say(title, bold=True)
    for each in found["channels"]:
        _print_suspects(each)
    for each in found["deep"]:
        per_pixel = each["samples_per_pixel"]
        counts = (
            f"{each['samples']:,} samples in {each['pixels']:,} pixels, at most {per_pixel['max']} in one"
        )
        click.echo(f"part {each['part_index']}: {counts}; {each['empty_pixels']:,} pixels are empty")
    _print_failures("", found)


def _print_failures(path: str, found: dict[str, Any]) -> None:
    """Print the failures of a file, with its path if that was not printed."""
    for each in found["failures"]:
        part = "" if each.get("part_index") is None else f"part {each['part_index']}: "
        number = f"{plural(each['chunks'], 'chunk')}: " if each.get("chunks") else ""
        say(f"{path}{': ' if path else ''}{part}{each['code']}: {number}{each['message']}")


def _print_verified(path: str, found: dict[str, Any]) -> None:
    if not found.get("chunks"):
        _print_failures(path, found)
        return
    counts = f"{found['chunks_decoded']:,} of {found['chunks']:,} chunks decode"
    codecs = sorted({str(each["compression"]) for each in found["unchecked"]})
    hint = f" ({', '.join(codecs)}: no checksum, so damage may go unnoticed)" if codecs else ""
    say(f"{path}: {found['status']}, {counts}{hint}", bold=True)
    for each in found["bad_chunks"]:
        size = f"{each['width']}x{each['height']} at {each['x']},{each['y']}"
        level = f", level {each['level'][0]},{each['level'][1]}" if any(each["level"]) else ""
        say(f"part {each['part_index']}, {size}{level}: {each['code']}: {each['message']}")
    _print_failures("", found)


def _print_suspects(channel: dict[str, Any]) -> None:
    """Print the fireflies, holes and flat rectangles of a channel, if there are any."""
    kinds = (
        ("fireflies", "firefly", "brightest"),
        ("holes", "hole", "first"),
        ("flat_rectangles", "flat rectangle", "first"),
    )
    for name, one, where in kinds:
        found = channel[name]
        if found and found["count"]:
            place = f"{found[where]['x']},{found[where]['y']}"
            number = f"1 {one}" if found["count"] == 1 else f"{found['count']:,} {name.replace('_', ' ')}"
            say(f"{channel['name']}: {number}, the {where} at {place}")


def _sparkline(histogram: dict[str, Any] | None) -> str | None:
    """Return a histogram as a row of 16 bars; from p0.1 to p99.9."""
    if not histogram or len(histogram["counts"]) == 1:
        return None
    counts = [sum(pair) for pair in zip(histogram["counts"][::2], histogram["counts"][1::2], strict=True)]
    highest = max(counts)
    return "".join(_BARS[-(-count * (len(_BARS) - 1) // highest)] for count in counts)


def _row(channel: dict[str, Any]) -> list[Any]:
    place = channel["first_nonfinite"]
    values = [channel[name] for name in ("min", "max", "mean", "stddev")]
    values.append((channel["percentiles"] or {}).get("p50"))
    return [
        channel["part_index"],
        channel["name"],
        channel["type"],
        *(None if value is None else float(f"{value:.6g}") for value in values),
        _sparkline(channel["histogram"]),
        channel["nan_count"],
        channel["pos_inf_count"] + channel["neg_inf_count"],
        f"{place['x']},{place['y']}" if place else None,
    ]


def _size(count: int) -> str:
    return f"{count / MIB:,.1f} MiB" if count >= MIB else f"{count / 1024:,.1f} KiB"
