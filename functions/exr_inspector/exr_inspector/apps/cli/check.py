"""`exr-inspector check`: check files and sequences against policies."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from itertools import count
from typing import TYPE_CHECKING

import click

from exr_inspector.apps.cli.check_text import print_report, print_sequence
from exr_inspector.apps.cli.paths import complete_paths, typed_names, whole_tree_option
from exr_inspector.apps.cli.places import Places
from exr_inspector.apps.cli.stores import DATABASE_FILE, stored_files
from exr_inspector.apps.cli.terminal import Counter, json_text
from exr_inspector.apps.cli.watch import follow
from exr_inspector.errors import requires_extra
from exr_inspector.sequences import parse_frames
from exr_inspector.settings import MIB, Settings
from exr_inspector.shows import Shows

if TYPE_CHECKING:
    from exr_inspector.checks.checker import Options, Pixels
    from exr_inspector.checks.judge import Evidence, Look
    from exr_inspector.checks.report import Report
    from exr_inspector.location import Location

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
    help="Check the rows of this DuckDB file, all or those at PATH, instead of reading files.",
)
@click.option(
    "--store", is_flag=True, help="With --db: store the findings and the fields from the show configuration."
)
@whole_tree_option
@click.option(
    "--policy",
    "policies",
    multiple=True,
    metavar="NAME|FILE",
    help="Also apply this policy. `exr-inspector rules` lists the built-in packs.",
)
@click.option("--no-default", is_flag=True, help="Do not apply the policy `default`.")
@click.option(
    "--frames",
    callback=_frames,
    metavar="FRAMES",
    help="The expected frames of every sequence: 1001-1240 or 1-9,20-40x2.",
)
@click.option(
    "--pixels",
    type=click.Choice(["none", "sampled", "full"]),
    help="Read no pixels, a sample, or all of them, for the rules on pixels. [default: none]",
)
@click.option(
    "--budget",
    type=click.IntRange(0),
    metavar="MIB",
    help="Maximum MiB that a sample reads of each file. [default: 32]",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default="text",
    show_default=True,
    help="Format of the report.",
)
@click.option(
    "--fail-on",
    multiple=True,
    type=click.Choice(["error", "warning", "info", "unknown"]),
    default=["error"],
    show_default=True,
    help="The lowest severity that causes exit code 1; `unknown` adds rules without a verdict.",
)
@click.option("--exit-zero", is_flag=True, help="Findings do not change the exit code.")
@click.option(
    "--baseline",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False),
    help="Accept the findings of this earlier report (--format json).",
)
@click.option(
    "--settle",
    metavar="SECONDS",
    type=click.FloatRange(0),
    help="An incomplete file that changed within this time counts as being written, and is not checked."
    " [default: EXR_INSPECTOR_SETTLE_SECONDS]",
)
@click.option(
    "--config",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False),
    help="The show configuration. [default: the nearest exr-inspector.yaml in the parent folders]",
)
@click.option("--quiet", "-q", is_flag=True, help="Omit sequences without findings.")
@click.option(
    "--watch",
    metavar="SECONDS",
    type=click.FloatRange(1),
    help="Repeat the check with this pause until Ctrl-C.",
)
@click.option(
    "--webhook",
    metavar="URL",
    help="With --watch: notify this URL when a sequence with expected frames becomes complete or broken."
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
    """Check EXR files and sequences against policies.

    PATH is a file, a folder (its .exr files), a pattern such as beauty.#.exr or beauty.[1001-1240].exr,
    s3://bucket/key, s3://bucket/folder/, or - for names on standard input.

    Without expected frames, only gaps between the first and the last frame count as missing. Rules whose
    evidence was not requested are skipped; they never count as passed. The show configuration can state
    frames, policies and other options; options on the command line override it.

    The exit code is 2 for a usage or environment error, otherwise 1 if a finding counts, otherwise 3 if a
    file could not be read, otherwise 0.
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
    """The options of the command."""

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
        """Check everything once, print the report, and return it."""
        from exr_inspector.checks.checker import Checker  # noqa: PLC0415 - so that --help is quick
        from exr_inspector.checks.judge import drop  # noqa: PLC0415

        are_frames_stated = self.options.frames is not None
        places = Places(self.names, self.settings, self.shows, are_frames_stated=are_frames_stated)
        with stored_files(self.db, self.shows if self.stores else None) as stored:
            look = stored.look if stored else None
            keep = stored.keep if stored and self.stores else drop
            sequences = places.stored(stored) if stored else places.files(recursive=self.recursive)
            total = sum(len(each.items) for each, _ in sequences)
            counter = Counter(shown=not self.is_quiet)
            track = partial(_tracked, show=partial(counter, "Inspecting", total=total), numbers=count(1))
            checker = Checker(self.options, self.settings, self.shows, look, keep, track)
            for each, stated in sequences:
                try:
                    found = checker.check(each, stated)
                finally:
                    counter.end()
                if self.form == "text" and not (self.is_quiet and found.is_clean):
                    print_sequence(found)
        if self.form == "text":
            print_report(checker.report)
        else:
            click.echo(_rendered(checker.report, self.form))
        return checker.report


def _tracked(look: Look, *, show: Callable[[int], object], numbers: Iterator[int]) -> Look:
    """Return a function that looks at files, and shows the number of each."""

    def looked(files: Sequence[Location]) -> Iterator[Evidence]:
        for each in look(files):
            show(next(numbers))
            yield each

    return looked


def _rendered(report: Report, form: str) -> str:
    """Return a report as JSON, SARIF, JUnit XML or annotations of GitHub."""
    if form == "json":
        return json_text(report.as_json(), indent=2)
    module = import_module(f"exr_inspector.checks.{form}")
    text: str = module.render(report)
    return text
