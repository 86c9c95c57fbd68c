"""`exr-inspector index`: bring a database up to date with folders and buckets."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from exr_inspector.apps.cli import terminal
from exr_inspector.apps.cli.executors import Dask, executors
from exr_inspector.apps.cli.paths import local_name, matches, typed_names
from exr_inspector.apps.cli.stores import archive_settings, selected_store, with_db, written_db
from exr_inspector.location import is_exr, is_object, path_location
from exr_inspector.settings import Settings

if TYPE_CHECKING:
    from types import FrameType

    from exr_inspector.apps.index.run import Root, Run

INTERRUPTED = 130


@click.command()
@click.argument("roots", nargs=-1, required=True, metavar="ROOT...")
@written_db
@click.option("--jobs", "-j", type=click.IntRange(1), metavar="N", help="Worker processes.  [default: cores]")
@click.option(
    "--dask",
    metavar="tls://HOST:PORT",
    help="Inspect on the workers of this Dask cluster. tcp:// is for a cluster of this machine only.",
)
@click.option(
    "--dask-ca", metavar="PEM", help="Certificate authority of the cluster. [default: Dask's configuration]"
)
@click.option("--dask-cert", metavar="PEM", help="Certificate that the cluster trusts.")
@click.option("--dask-key", metavar="PEM", help="Key of that certificate, if it is in another file.")
@click.option("--no-delete", is_flag=True, help="Keep the rows of files that are gone.")
@click.option(
    "--max-delete",
    type=click.FloatRange(0, 100),
    default=5,
    show_default=True,
    metavar="PERCENT",
    help="Delete at most this share of a root's files.",
)
@click.option(
    "--yes", is_flag=True, help="Delete more than that, and the rows of file systems that are gone."
)
@click.option(
    "--keep-gone",
    type=click.IntRange(0),
    metavar="DAYS",
    help="Keep rows of files that are gone for some days, apart: in NAME.gone.duckdb, or the schema NAME_gone.",
)
@click.option("--dry-run", is_flag=True, help="Only list and compare; change nothing.")
@click.option(
    "--publish",
    metavar="FILE",
    type=click.Path(dir_okay=False),
    help="Write a snapshot to this DuckDB file at the end, which others can read; of a DuckDB file also"
    " whenever the number of files has doubled.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
@click.option("--quiet", "-q", is_flag=True, help="Do not print faults and progress.")
@click.option("--no-oiio", is_flag=True, help="Skip OpenImageIO's report.")
@click.pass_context
def index(
    ctx: click.Context,
    roots: tuple[str, ...],
    db: str | None,
    jobs: int | None,
    dask: str | None,
    dask_ca: str | None,
    dask_cert: str | None,
    dask_key: str | None,
    no_delete: bool,
    max_delete: float,
    yes: bool,
    keep_gone: int | None,
    dry_run: bool,
    publish: str | None,
    as_json: bool,
    quiet: bool,
    no_oiio: bool,
) -> None:
    """Bring a database up to date with folders and buckets.

    ROOT is a folder, s3://bucket/folder, a file or a pattern. Files that are new or have changed since the
    last run are inspected, unchanged ones are not opened. The rows of files that are gone are deleted, if
    their root was listed whole and they are few; the summary says what was kept and why. Incomplete files
    that were modified a short time ago may still be being written, and are inspected again by the next run.

    Ctrl-C stores what is under way and ends; run it again to continue. Exit codes: 0, 1 if a file could not
    be read, 2, 130 after Ctrl-C.
    """
    from exr_inspector.apps.index.archive import Archive  # noqa: PLC0415 - so that --help is quick
    from exr_inspector.apps.index.publish import Publisher  # noqa: PLC0415 - so that --help is quick
    from exr_inspector.apps.index.run import Options, Run  # noqa: PLC0415

    if jobs and dask:
        raise click.UsageError("--jobs counts processes of this machine, and --dask uses none")
    settings = Settings.from_mapping(os.environ)
    settings = replace(settings, openimageio=settings.openimageio and not no_oiio)
    if db:
        settings = with_db(settings, db)
    store = selected_store(settings)
    counter = terminal.Counter(shown=not (quiet or as_json))
    with ExitStack() as stack:
        stack.enter_context(closing(store))
        options, archive = Options(not no_delete, max_delete / 100, yes), None
        if keep_gone is not None and not dry_run:
            kept = stack.enter_context(closing(selected_store(archive_settings(settings))))
            archive = Archive(kept, store)
            options = replace(options, keep=archive.keep)
        publisher = None
        if publish and not dry_run:
            publisher = Publisher(store, publish)

        def progress(step: str, done: int, total: int) -> None:
            counter(step, done, total)
            if publisher and step == "Inspecting":
                publisher()

        whole = roots_of(roots, settings)
        cluster = Dask(dask, dask_ca, dask_cert, dask_key) if dask else None
        execute = executors(settings, store, whole, jobs, cluster)
        run = Run(whole, store, settings, options, progress)
        with _stopping(run):
            try:
                run.run(execute, dry=dry_run)
                if archive:
                    archive.expire(keep_gone or 0)
                if publisher:
                    publisher.publish()
            finally:
                counter.end()
                _report(run, as_json=as_json, quiet=quiet, dry=dry_run)
    ctx.exit(INTERRUPTED if run.is_stopping else int(run.summary.failed > 0 or run.summary.unlisted > 0))


def roots_of(names: Sequence[str], settings: Settings) -> list[Root]:
    """Return the roots that a user names, without those below others; single files share one root."""
    from exr_inspector.apps.index.run import Root  # noqa: PLC0415

    whole: list[Root] = []
    files: list[str] = []
    for name in typed_names(names):
        path = local_name(name, settings)
        for match in [path] if is_object(path) else matches(name, path, settings):
            # A root that is not there is a folder that is not mounted, unless its name is that of a file.
            if os.path.isfile(match) or (is_exr(match) and not os.path.isdir(match)):  # noqa: PTH112, PTH113
                files.append(match if is_object(match) else path_location(match).path)
            else:
                root = match.rstrip("/") if is_object(match) else path_location(match).path
                whole.append(Root((root,), settings.paths.canonical(root).rstrip("/") + "/"))
    whole = [
        each
        for number, each in enumerate(whole)
        if not any(
            each.name.startswith(other.name) and (each.name != other.name or number > place)
            for place, other in enumerate(whole)
        )
    ]
    if files:
        name = os.path.commonprefix([settings.paths.canonical(each) for each in files])  # noqa: RUF071 - of keys
        whole.append(Root(tuple(dict.fromkeys(files)), name, is_whole=False))
    return whole


@contextmanager
def _stopping(run: Run) -> Iterator[None]:
    """Let the first Ctrl-C in the block end the run soon, and the second one at once."""

    def stop(number: int, _frame: FrameType | None) -> None:
        if run.is_stopping:
            signal.signal(number, signal.SIG_DFL)
            raise KeyboardInterrupt
        run.is_stopping = True

    previous = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)


def _report(run: Run, *, as_json: bool, quiet: bool, dry: bool) -> None:
    summary = run.summary
    if as_json:
        click.echo(json.dumps(summary.as_json()))
    if not quiet:
        for line in summary.faults:
            click.echo(terminal.harmless(line, keep=""), err=True)
        for each in summary.kept:
            files = terminal.plural(each.files, "missing file")
            kept = f"{each.root}: the rows of {files} are kept: {each.reason}"
            click.echo(terminal.harmless(kept, keep=""), err=True)
    if not as_json:
        line = summary.line()
        if dry:
            mib = summary.size_bytes / 2**20
            line += f"; a run would read at most {mib:,.0f} MiB with at least {summary.requests:,} requests"
        click.echo(f"Interrupted: {line}" if run.is_stopping else line)
