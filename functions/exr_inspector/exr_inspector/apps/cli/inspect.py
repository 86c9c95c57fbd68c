"""`exr-inspector inspect`: look into files, print what is there, store it if a database is named."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TextIO

import click
from rich.console import Console
from rich.progress import track

from exr_inspector import library
from exr_inspector.apps.cli import show
from exr_inspector.apps.cli.paths import expand, is_exr
from exr_inspector.document.model import Document
from exr_inspector.document.serialize import to_json
from exr_inspector.events.request import Request
from exr_inspector.location import path_location
from exr_inspector.pipeline import Runtime, inspect_many
from exr_inspector.response import make_runtime
from exr_inspector.settings import Settings

# Files whose rows go into the database in one transaction.
BATCH = 100


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--recursive", "-r", is_flag=True, help="Go into folders below.")
@click.option("--db", metavar="FILE", help="Store the rows in this DuckDB file.")
@click.option(
    "--output",
    "-o",
    metavar="FILE",
    type=click.Path(dir_okay=False),
    help="Write JSON to this file instead of standard output.",
)
@click.option("--pretty", "form", flag_value="pretty", help="JSON, indented.")
@click.option("--compact", "form", flag_value="compact", help="JSON without spaces; the default in a pipe.")
@click.option(
    "--jsonl", "form", flag_value="jsonl", help="JSON Lines: one document per line, as it is found."
)
@click.option("--table", "form", flag_value="table", help="A table; the default on a terminal.")
@click.option("--no-oiio", is_flag=True, help="Leave out OpenImageIO's view.")
@click.pass_context
def inspect(
    ctx: click.Context,
    paths: tuple[str, ...],
    recursive: bool,
    db: str | None,
    output: str | None,
    form: str | None,
    no_oiio: bool,
) -> None:
    """Show what is inside EXR files.

    PATH is a file, a folder (its .exr files), a pattern, or s3://bucket/key. On a terminal the answer is a
    table, elsewhere JSON: one document for one file, else a list. One bad file never stops the others.
    """
    if output and form == "table":
        raise click.UsageError("--output takes JSON, not --table")
    files = expand(paths, recursive=recursive)
    if output and (output in files or is_exr(output)):
        raise click.UsageError(f"--output would write over the EXR file {output}")
    if not files:
        raise click.UsageError(f"no .exr file in {', '.join(paths)}; --recursive goes into folders below")
    runtime = _runtime(db, no_oiio)
    documents = _inspected(files, runtime)
    single = len(paths) == 1 and files == list(paths)
    form = form or ("compact" if output or not sys.stdout.isatty() else "table")
    bad = (
        _print_tables(list(documents), single)
        if form == "table"
        else _write_json(documents, output, form, single)
    )
    ctx.exit(1 if bad else 0)


def _runtime(db: str | None, no_oiio: bool) -> Runtime:
    settings = Settings.from_mapping(os.environ)
    if db:
        settings = replace(settings, db_file=db, vast_endpoint="")
    if no_oiio:
        settings = replace(settings, openimageio=False)
    return make_runtime(settings)


def _inspected(files: list[str], runtime: Runtime) -> Iterator[Document]:
    """Return the documents as they come. A fault that a retry could cure is that file's result here."""
    progress = Console(stderr=True)
    counted = track(files, "Inspecting", console=progress, transient=True, disable=not progress.is_terminal)
    if runtime.store is None:
        yield from library.inspect_many(counted, runtime.settings)
        return
    requests = (Request("created", (path_location(path, runtime.settings.paths),)) for path in counted)
    yield from inspect_many(requests, runtime, batch=BATCH, keep_faults=True)
    runtime.store.close()


def _write_json(documents: Iterable[Document], output: str | None, form: str, single: bool) -> int:
    """Write the documents as they come, and count those that are not ok."""
    indent = 2 if form == "pretty" else None
    text = to_json if output else show.json_text
    before, between, after = ("", "\n", "\n") if single or form == "jsonl" else ("[\n", ",\n", "\n]\n")
    bad = 0
    told: list[str] = []
    with _opened(output) as file:
        for index, document in enumerate(documents):
            file.write((between if index else before) + text(document, indent=indent))
            bad += document["file"]["status"] != "ok"
            told += show.faults([document]) if output else []
        file.write(after)
    for line in told:
        click.echo(line, err=True)
    return bad


@contextmanager
def _opened(output: str | None) -> Iterator[TextIO]:
    """Standard output, or a file that appears under its name when it is whole."""
    if not output:
        sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
        yield sys.stdout
        sys.stdout.flush()  # here, where click meets a reader that has gone away
        return
    target = Path(output)
    # A device or a pipe cannot be replaced, and what a link leads to would be left as it was.
    replaced = not target.is_symlink() and (target.is_file() or not target.exists())
    try:
        with _whole(target) if replaced else target.open("w", encoding="utf-8") as file:
            yield file
    except OSError as error:
        raise click.UsageError(f"cannot write {output}: {error.strerror}") from error


@contextmanager
def _whole(target: Path) -> Iterator[TextIO]:
    """A file beside the target that takes its place, and its mode, in the end."""
    part = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        with part.open("x", encoding="utf-8") as file:
            yield file
        if target.exists():
            part.chmod(target.stat().st_mode)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _print_tables(documents: list[Document], single: bool) -> int:
    out = show.console()
    out.print(show.summary(documents))
    for each in show.details(documents[0]) if single else ():
        out.print(each)
    for line in show.faults(documents):
        click.echo(line, err=True)
    bad: int = sum(document["file"]["status"] != "ok" for document in documents)
    if len(documents) > 1:
        out.print(f"{len(documents)} files, {len(documents) - bad} ok, {bad} not ok")
    return bad
