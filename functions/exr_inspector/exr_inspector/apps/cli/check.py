"""`exr-inspector check`: judge files and sequences by policies."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING

import click

from exr_inspector.apps.cli.check_text import print_report, print_sequence
from exr_inspector.apps.cli.paths import complete_paths, typed_names, whole_tree_option
from exr_inspector.apps.cli.places import Places
from exr_inspector.apps.cli.stores import DATABASE_FILE, stored_files
from exr_inspector.apps.cli.terminal import json_text, progress
from exr_inspector.apps.cli.watch import follow
from exr_inspector.errors import requires_extra
from exr_inspector.sequences import parse_frames
from exr_inspector.settings import MIB, Settings
from exr_inspector.shows import Shows

if TYPE_CHECKING:
    from exr_inspector.checks.checker import Options, Pixels
    from exr_inspector.checks.judge import Look
    from exr_inspector.checks.report import Report

FORMATS = ("text", "json", "sarif", "junit", "github")


def _frames(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[int, ...] | None:
    try:
        return None if value is None else parse_frames(value)
    except ValueError as error:
        raise click.BadParameter(str(error), ctx, param) from None


@click.command()
@click.argument("paths", nargs=-1, metavar="PATH...", shell_complete=complete_paths)
@click.option(
    "--db",
    metavar="FILE",
    type=DATABASE_FILE,
    help="Judge what this DuckDB file holds of the files at PATH, or of all, and read no file.",
)
@click.option("--store", is_flag=True, help="With --db: store the findings, and what paths say by the show.")
@whole_tree_option
@click.option(
    "--policy",
    "policies",
    multiple=True,
    metavar="NAME|FILE",
    help="Judge by this policy too. `exr-inspector rules` lists those that ship with exr-inspector.",
)
@click.option("--no-default", is_flag=True, help="Do not judge by the policy `default`.")
@click.option(
    "--frames",
    callback=_frames,
    metavar="FRAMES",
    help="The frames that every sequence must have: 1001-1240 or 1-9, 20-40x2.",
)
@click.option(
    "--pixels",
    type=click.Choice(["none", "sampled", "full"]),
    help="Read a sample of the pixels or all of them, for the rules that look at them. [default: none]",
)
@click.option(
    "--budget",
    type=click.IntRange(0),
    metavar="MIB",
    help="MiB of a file that a sample may read. [default: 32]",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default="text",
    show_default=True,
    help="Form of the report.",
)
@click.option(
    "--fail-on",
    multiple=True,
    type=click.Choice(["error", "warning", "info", "unknown"]),
    default=["error"],
    show_default=True,
    help="The lowest severity that gives exit code 1; `unknown` adds rules without a verdict.",
)
@click.option("--exit-zero", is_flag=True, help="Exit with code 0 whatever is found.")
@click.option(
    "--baseline",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False),
    help="Accept the findings of this report, which --format json wrote.",
)
@click.option(
    "--settle",
    metavar="SECONDS",
    type=click.FloatRange(0),
    help="An incomplete file that was changed less than this ago is being written, and not judged."
    " [default: EXR_INSPECTOR_SETTLE_SECONDS]",
)
@click.option(
    "--config",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False),
    help="Configuration of the show. [default: exr-inspector.yaml of the folder, or the nearest above]",
)
@click.option(
    "--quiet", "-q", is_flag=True, help="Leave out the lines of sequences in which nothing was found."
)
@click.option(
    "--watch",
    metavar="SECONDS",
    type=click.FloatRange(1),
    help="Judge again and again, with this pause, until Ctrl-C.",
)
@click.option(
    "--webhook",
    metavar="URL",
    help="With --watch: tell this URL when a sequence whose frames are stated becomes complete, or breaks."
    " [default: that of the configuration]",
)
@click.pass_context
def check(
    ctx: click.Context,
    paths: tuple[str, ...],
    db: str | None,
    store: bool,
    recursive: bool,
    policies: tuple[str, ...],
    no_default: bool,
    frames: tuple[int, ...] | None,
    pixels: Pixels | None,
    budget: int | None,
    form: str,
    fail_on: tuple[str, ...],
    exit_zero: bool,
    baseline: str | None,
    settle: float | None,
    config: str | None,
    quiet: bool,
    watch: float | None,
    webhook: str | None,
) -> None:
    """Judge EXR files and sequences by policies.

    PATH is a file, a folder (its .exr files), a pattern such as beauty.#.exr or beauty.[1001-1240].exr,
    s3://bucket/key, s3://bucket/folder/, or - for names on standard input.

    A sequence whose frames are not stated lacks only those between its first and its last. Rules whose
    evidence was not asked for are skipped, and never count as passed. The configuration of a show states
    frames, policies and the other options below, which come first if they are given.

    Exit code 2 for wrong usage or an unsuitable environment, or else 1 for a finding that counts, or else 3
    if something could not be read, or else 0.
    """
    with requires_extra("policy"):
        from exr_inspector.checks.checker import Options  # noqa: PLC0415 - so that --help is quick
        from exr_inspector.checks.inputs import fingerprints  # noqa: PLC0415

    if store and not db:
        raise click.UsageError("--store needs --db")
    if budget is not None and pixels in ("none", "full"):
        raise click.UsageError("--budget limits a sample; use --pixels sampled")
    if webhook and watch is None:
        raise click.UsageError("--webhook needs --watch")
    settings = Settings.from_mapping(os.environ)
    shows = Shows(config or settings.show_config)
    options = Options(
        policies=(*(() if no_default else ("default",)), *policies),
        frames=frames,
        pixels=pixels,
        budget=None if budget is None else budget * MIB,
        settle_seconds=settle,
        accepted=fingerprints(baseline) if baseline else frozenset(),
        fail_on=fail_on,
    )
    run = _Run(options, settings, shows, typed_names(paths), db, store, recursive, form, quiet)
    if watch is not None:
        follow(run.report, watch, webhook or "", shows, settings)
    found = run.report()
    ctx.exit(0 if exit_zero else found.exit_code)


@dataclass(frozen=True)
class _Run:
    """What the command was asked to do."""

    options: Options
    settings: Settings
    shows: Shows
    names: Sequence[str]
    db: str | None
    stores: bool
    recursive: bool
    form: str
    is_quiet: bool

    def report(self) -> Report:
        """Judge everything once, print it, and return the report."""
        from exr_inspector.checks.checker import Checker  # noqa: PLC0415 - so that --help is quick
        from exr_inspector.checks.judge import drop  # noqa: PLC0415

        track = partial(_tracked, shown=not self.is_quiet)
        are_frames_stated = self.options.frames is not None
        places = Places(self.names, self.settings, self.shows, are_frames_stated=are_frames_stated)
        with stored_files(self.db, self.shows if self.stores else None) as stored:
            look = stored.look if stored else None
            keep = stored.keep if stored and self.stores else drop
            checker = Checker(self.options, self.settings, self.shows, look, keep, track)
            for each, stated in places.stored(stored) if stored else places.files(recursive=self.recursive):
                found = checker.check(each, stated)
                if self.form == "text" and not (self.is_quiet and found.is_clean):
                    print_sequence(found)
        if self.form == "text":
            print_report(checker.report)
        else:
            click.echo(_rendered(checker.report, self.form))
        return checker.report


def _tracked(look: Look, *, shown: bool) -> Look:
    """Return a function that shows how many files it has looked at."""
    return lambda files: progress(look(files), len(files), shown=shown)


def _rendered(report: Report, form: str) -> str:
    """Return a report as JSON, SARIF, JUnit XML or annotations of GitHub."""
    if form == "json":
        return json_text(report.as_json(), indent=2)
    module = import_module(f"exr_inspector.checks.{form}")
    text: str = module.render(report)
    return text
