"""`exr-inspector report`: some sequences of a catalog as one HTML file."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from exr_inspector.apps.cli.exits import FOUND, OK
from exr_inspector.apps.cli.output import opened
from exr_inspector.apps.cli.paths import expand_some, local_name, sequence_pattern, typed_names
from exr_inspector.apps.cli.stores import DATABASE_FILE, with_db
from exr_inspector.apps.cli.summary import faults
from exr_inspector.apps.cli.terminal import progress, say
from exr_inspector.errors import requires_extra
from exr_inspector.location import folder_names
from exr_inspector.settings import Settings


@click.command()
@click.argument("paths", nargs=-1, metavar="[PATH...]")
@click.option(
    "--db",
    metavar="FILE",
    type=DATABASE_FILE,
    help="Report the rows of this DuckDB file, all or those at PATH, instead of reading files.",
)
@click.option(
    "--output",
    "-o",
    required=True,
    metavar="FILE",
    type=click.Path(dir_okay=False),
    help="The HTML file to write.",
)
@click.option("--title", metavar="TEXT", help="Title of the report. [default: PATH, or the database]")
@click.option("--quiet", "-q", is_flag=True, help="Do not print progress.")
@click.pass_context
def report(
    ctx: click.Context, paths: tuple[str, ...], db: str | None, output: str, title: str | None, quiet: bool
) -> None:
    """Write a report of sequences as one HTML file.

    PATH is a folder, a sequence such as beauty.#.exr, or a file. Without --db, the files at PATH are
    inspected: headers, pixels, and findings of the policy `default`.

    The report has thumbnails, missing and broken frames, findings and statistics, with the worst sequences
    first. It has no script and loads nothing, so it can be opened from disk or mailed.

    The exit code is 1 if a file or folder could not be read; the report lacks it.
    """
    with requires_extra("browse"):  # here, so that --help is quick
        from exr_inspector.apps.web.report import render_report  # noqa: PLC0415
        from exr_inspector.apps.web.snapshot import snapshot_path  # noqa: PLC0415
        from exr_inspector.catalog.duckdb.snapshot import Snapshot  # noqa: PLC0415

    settings = Settings.from_mapping(os.environ)
    named = typed_names(paths)
    if not (named or db):
        raise click.UsageError("name a PATH, or a database with --db")
    about = title or ", ".join(named) or Path(db or "").name
    unread: list[str] = []
    with TemporaryDirectory(prefix="exr-inspector-") as folder:
        path = snapshot_path(db) if db else _inspected(named, Path(folder), settings, unread, shown=not quiet)
        names = [each for name in named for each in _stored_names(name, settings)] if db else []
        snapshot = Snapshot(path)
        with snapshot.reading() as reader:
            text = render_report(reader, snapshot.facts, names, about, settings)
    with opened(output) as file:
        file.write(text)
    for line in unread:
        say(f"Not read: {line}", err=True)
    say(f"{output}: {len(text.encode('utf-8')):,} bytes", err=True)
    ctx.exit(FOUND if unread else OK)


def _stored_names(name: str, settings: Settings) -> Iterator[str]:
    """Yield the names under which a store may have what a user names."""
    if pattern := sequence_pattern(name, settings):
        yield pattern.key
        return
    yield from folder_names(local_name(name, settings), settings.paths)


def _inspected(
    names: Sequence[str], folder: Path, settings: Settings, unread: list[str], *, shown: bool
) -> str:
    """Inspect files into a store in a folder, and return the path of its snapshot.

    `unread` gets a line for each file that could not be read.
    """
    from exr_inspector.apps.cli.run import BATCH  # noqa: PLC0415 - so that --help is quick
    from exr_inspector.catalog.duckdb.publish import publish_file  # noqa: PLC0415
    from exr_inspector.pipeline import inspect_many, request_for  # noqa: PLC0415
    from exr_inspector.response import make_runtime  # noqa: PLC0415

    settings = replace(
        with_db(settings, str(folder / "report.duckdb")),
        stats=settings.stats if settings.stats != "none" else "full",
        policies=settings.policies or ("default",),
    )
    files = expand_some(names, recursive=True, settings=settings)
    runtime = make_runtime(settings)
    requests = (request_for(each, settings) for each in files)
    documents = inspect_many(requests, runtime, batch=BATCH, keep_faults=True)
    statuses = set()
    for document in progress(documents, len(files), shown=shown):
        statuses.add(document["file"]["status"])
        if document["file"]["status"] in (None, "missing"):
            unread += faults(document, settings.paths)
    if runtime.store:
        runtime.store.close()
    if statuses == {"missing"}:
        raise click.UsageError(f"there is no file at {', '.join(names)}")
    path = str(folder / "report.view.duckdb")
    publish_file(settings.db_file, path)
    return path
