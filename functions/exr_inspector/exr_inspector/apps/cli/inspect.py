"""`exr-inspector inspect`: read files, print their metadata, and store it in a database."""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from exr_inspector.apps.cli import summary, terminal
from exr_inspector.apps.cli.details import print_details
from exr_inspector.apps.cli.everything import print_everything
from exr_inspector.apps.cli.output import Discard, opened
from exr_inspector.apps.cli.paths import complete_paths, expand_some, local_name, recursive_option
from exr_inspector.apps.cli.stores import with_db
from exr_inspector.apps.cli.table import print_table
from exr_inspector.document.model import Document
from exr_inspector.document.serialize import to_json
from exr_inspector.location import Location, PathMap, is_exr, path_location
from exr_inspector.settings import Settings

if TYPE_CHECKING:
    from exr_inspector.apps.cli.run import Run


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", shell_complete=complete_paths)
@recursive_option
@click.option(
    "--db", metavar="FILE", shell_complete=complete_paths, help="Store the rows in this DuckDB file."
)
@click.option(
    "--output",
    "-o",
    metavar="FILE",
    type=click.Path(dir_okay=False),
    help="Write JSON to this file instead of standard output.",
)
@click.option("--pretty", "form", flag_value="pretty", help="Print indented JSON.")
@click.option(
    "--compact", "form", flag_value="compact", help="Print JSON without spaces; the default in a pipe."
)
@click.option("--jsonl", "form", flag_value="jsonl", help="Print JSON Lines: one document per line.")
@click.option("--table", "form", flag_value="table", help="Print a table; the default on a terminal.")
@click.option(
    "--no-output", "-n", "form", flag_value="none", help="Print no documents, only faults and the summary."
)
@click.option("--all", "-a", "shows_all", is_flag=True, help="Print every fact of each file.")
@click.option("--quiet", "-q", is_flag=True, help="Do not print faults, progress and the summary line.")
@click.option("--no-oiio", is_flag=True, help="Skip OpenImageIO's report.")
@click.pass_context
def inspect(
    ctx: click.Context,
    paths: tuple[str, ...],
    recursive: bool,
    db: str | None,
    output: str | None,
    form: str | None,
    shows_all: bool,
    quiet: bool,
    no_oiio: bool,
) -> None:
    """Show what EXR files contain.

    PATH is a file, a folder (its .exr files), a pattern, s3://bucket/key, or s3://bucket/folder/. On a
    terminal, the output is a table, or a summary of a single file. Otherwise it is JSON: one document for a
    single file, or a list. A bad file never stops the others. A summary line on standard error counts the
    files by status.

    With --db, 100 files share a transaction. Ctrl-C finishes the current one and exits with code 130; a
    second Ctrl-C rolls it back.
    """
    # here, so that --help is quick
    from exr_inspector.apps.cli.run import Run  # noqa: PLC0415
    from exr_inspector.response import make_runtime  # noqa: PLC0415

    settings = Settings.from_mapping(os.environ)
    settings = replace(settings, openimageio=settings.openimageio and not no_oiio)
    if db:
        settings = with_db(settings, db)
    files = expand_some(paths, recursive=recursive, settings=settings)
    if shows_all and (output or form not in (None, "table")):
        raise click.UsageError("--all applies to text output; JSON always has everything")
    form = (
        form
        or ("table" if shows_all else None)
        or ("compact" if output or not sys.stdout.isatty() else "table")
    )
    _check_output(output, form, files)
    is_single = len(paths) == 1 and files == [path_location(local_name(paths[0], settings), settings.paths)]
    run = Run(files, make_runtime(settings), lists_faults=bool(output) or form in ("table", "none"))
    with run.session():
        is_json_on_terminal = sys.stdout.isatty() and not run.lists_faults
        shown = not (quiet or is_json_on_terminal)
        prints = form == "table" and (is_single or shows_all)
        documents = terminal.progress(run.documents(), len(files), shown=shown, prints=prints)
        if form == "table":
            _print_table(documents, is_single, settings.paths, shows_all=shows_all)
        elif form == "none":
            deque(documents, maxlen=0)
        else:
            _write_json(documents, output, form, is_single, run)
    if not quiet:
        for line in run.faults:
            terminal.say(line, err=True)
        if form != "table" or not is_single or run.runtime.store or run.is_partial:
            terminal.say(run.line(), err=form != "table" or run.is_partial)
    if run.failure:
        raise run.failure
    ctx.exit(run.exit_code)


def _check_output(output: str | None, form: str, files: Sequence[Location]) -> None:
    if output and form in ("table", "none"):
        raise click.UsageError("--output takes JSON; drop --table or --no-output")
    if output and (is_exr(output) or os.path.abspath(output) in {each.path for each in files}):  # noqa: PTH100
        raise click.UsageError(f"--output would overwrite the EXR file {output}")


def _print_table(documents: Iterable[Document], is_single: bool, paths: PathMap, *, shows_all: bool) -> None:
    """Print a table of many files, or the details of a single one, or everything about each."""
    if is_single or shows_all:
        for index, document in enumerate(documents):
            click.echo(nl=index > 0)
            print_everything(document) if shows_all else print_details(document, paths)
        return
    rows = [summary.row(document, paths) for document in documents]
    left_out = print_table(summary.COLUMNS, rows, optional=summary.OPTIONAL) if rows else []
    if left_out:
        click.secho(f"Not shown on this narrow terminal: {', '.join(left_out)}", dim=True)


def _write_json(
    documents: Iterable[Document], output: str | None, form: str, is_single: bool, run: Run
) -> None:
    """Write the documents as they come. An output file is written completely or not at all."""
    indent = 2 if form == "pretty" else None
    text = to_json if output else terminal.json_text
    before, between, after = ("", "\n", "\n") if is_single or form == "jsonl" else ("[\n", ",\n", "\n]\n")
    with opened(output) as file:
        index = -1
        for index, document in enumerate(documents):
            file.write((between if index else before) + text(document, indent=indent))
        file.write(after if index >= 0 else before.strip() + after.strip() + "\n")
        if run.is_partial:
            raise Discard
