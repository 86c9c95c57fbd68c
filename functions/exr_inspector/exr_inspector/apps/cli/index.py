"""`exr-inspector index`: bring a database up to date with folders and buckets."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import click

from exr_inspector.apps.cli import terminal
from exr_inspector.apps.cli.executors import Dask, executors
from exr_inspector.apps.cli.exits import FOUND, INTERRUPTED, OK
from exr_inspector.apps.cli.paths import complete_paths, local_name, matches, typed_names
from exr_inspector.apps.cli.stores import (
    archive_settings,
    compared_store,
    is_absent,
    selected_store,
    with_db,
    written_db,
)
from exr_inspector.errors import FILE_NOT_FOUND, InspectorError, requires_extra
from exr_inspector.location import is_exr, is_object, path_location, stored_name
from exr_inspector.settings import Settings

if TYPE_CHECKING:
    from types import FrameType

    from exr_inspector.apps.index.pool import Executor
    from exr_inspector.apps.index.publish import Publisher
    from exr_inspector.apps.index.run import Options, Root, Run
    from exr_inspector.catalog.store import Store
    from exr_inspector.sources.listing import Listing
    from exr_inspector.sources.opener import Opener


@click.command()
@click.argument("roots", nargs=-1, required=True, metavar="ROOT...", shell_complete=complete_paths)
@written_db
@click.option("--jobs", "-j", type=click.IntRange(1), metavar="N", help="Worker processes.  [default: cores]")
@click.option(
    "--facets",
    metavar="LIST",
    help="The facets that every file must have, stored ones included, such as"
    " `header,pixels:sampled,policy:default`. Also `pixels:full`, `cryptomatte:objects`,"
    " `cryptomatte:coverage`, and `policy:` with a pack or a file. [default: header, and those in the"
    " settings]",
)
@click.option(
    "--dask",
    metavar="tls://HOST:PORT",
    help="Inspect on the workers of this Dask cluster. tcp:// is allowed only for a cluster on this machine.",
)
@click.option(
    "--dask-ca", metavar="PEM", help="Certificate authority of the cluster. [default: Dask's configuration]"
)
@click.option("--dask-cert", metavar="PEM", help="Certificate that the cluster trusts.")
@click.option("--dask-key", metavar="PEM", help="Key of the certificate, if it is in a separate file.")
@click.option("--no-delete", is_flag=True, help="Keep the rows of deleted files.")
@click.option(
    "--max-delete",
    type=click.FloatRange(0, 100),
    default=5,
    show_default=True,
    metavar="PERCENT",
    help="Delete the rows of at most this share of a root's files.",
)
@click.option(
    "--yes", is_flag=True, help="Delete more than that, and the rows of file systems that are not mounted."
)
@click.option(
    "--allow-empty",
    is_flag=True,
    help="Delete the rows of a root that contains no files. Without this option, it counts as not mounted.",
)
@click.option(
    "--catalog",
    metavar="PATH",
    help="List ROOT by querying VAST Catalog, where it has this path. Not verified on a cluster.",
)
@click.option(
    "--keep-gone",
    type=click.IntRange(0),
    metavar="DAYS",
    help="Keep the rows of deleted files for this many days, in NAME.gone.duckdb or the schema NAME_gone.",
)
@click.option("--dry-run", is_flag=True, help="List and compare only; change nothing.")
@click.option(
    "--publish",
    metavar="FILE",
    type=click.Path(dir_okay=False),
    help="At the end, write a snapshot for readers to this DuckDB file; with a DuckDB store, also whenever"
    " the number of files has doubled.",
)
@click.option(
    "--watch",
    is_flag=True,
    help="Index changes to these local folders continuously, until Ctrl-C.",
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
    facets: str | None,
    dask: str | None,
    dask_ca: str | None,
    dask_cert: str | None,
    dask_key: str | None,
    no_delete: bool,
    max_delete: float,
    yes: bool,
    allow_empty: bool,
    catalog: str | None,
    keep_gone: int | None,
    dry_run: bool,
    publish: str | None,
    watch: bool,
    as_json: bool,
    quiet: bool,
    no_oiio: bool,
) -> None:
    """Bring a database up to date with folders and buckets.

    ROOT is a folder, s3://bucket/folder, a file or a pattern. New and changed files are inspected; unchanged
    files are not opened. The rows of deleted files are deleted if the whole root could be listed and they are
    few; the summary reports kept rows and the reason. Incomplete files that were modified recently may still
    be being written; the next run inspects them again.

    After Ctrl-C, `index` stores the files in progress and exits; run it again to continue. The exit code is 1
    if a file or folder could not be read.
    """
    from exr_inspector.apps.index.archive import Archive  # noqa: PLC0415 - so that --help is quick
    from exr_inspector.apps.index.facets import wanted  # noqa: PLC0415
    from exr_inspector.apps.index.publish import Publisher  # noqa: PLC0415
    from exr_inspector.apps.index.run import Options  # noqa: PLC0415
    from exr_inspector.sources.opener import Opener  # noqa: PLC0415

    if jobs and dask:
        raise click.UsageError("--jobs sets local worker processes; --dask uses none")
    if watch and dry_run:
        raise click.UsageError("--watch and --dry-run exclude each other")
    settings = _settings(db, facets, with_report=not no_oiio)
    wants = wanted(settings, Opener(settings))
    whole = roots_of(roots, settings)
    _check_roots(whole, settings)
    store = (compared_store if dry_run else selected_store)(settings)
    options = Options(not no_delete, max_delete / 100, yes, allow_empty, wants)
    if catalog:
        options = replace(options, list_root=_catalog(catalog, roots))
    with ExitStack() as stack:
        stack.enter_context(closing(store))
        archive = None
        if keep_gone is not None and not dry_run:
            kept = stack.enter_context(closing(selected_store(archive_settings(settings))))
            archive = Archive(kept, store)
            options = replace(options, keep=archive.keep)
        publisher = None
        if publish and not dry_run:
            publisher = Publisher(store, publish)
        cluster = Dask(dask, dask_ca, dask_cert, dask_key) if dask else None
        execute = executors(settings, store, whole, jobs, cluster)
        expire = partial(archive.expire, keep_gone) if archive and keep_gone is not None else None
        command = _Command(store, settings, options, execute, publisher, expire, as_json, quiet, dry_run)
        with _stopping(command):
            if watch:
                command.follow(whole)
            else:
                command.run(whole)
            if publisher:
                publisher.publish()
    ctx.exit(INTERRUPTED if command.is_stopping else FOUND if command.has_failed else OK)


def _check_roots(roots: Sequence[Root], settings: Settings) -> None:
    """Raise InspectorError(FILE_NOT_FOUND) if a root does not exist and no database has its files.

    `Run` handles the rows of a root that no longer exists.
    """
    paths = [path for root in roots for path in root.paths]
    if is_absent(settings) and not any(is_object(path) or os.path.lexists(path) for path in paths):
        message = f"there is nothing to index, so {settings.db_file} was not created"
        raise InspectorError(FILE_NOT_FOUND, message, paths[0])


@dataclass
class _Command:
    """The options of the command, for any roots."""

    store: Store
    settings: Settings
    options: Options
    execute: Callable[[int], Executor]
    publisher: Publisher | None
    expire: Callable[[], object] | None
    as_json: bool
    quiet: bool
    dry: bool
    is_stopping: bool = False
    has_failed: bool = False
    _run: Run | None = None

    def stop(self) -> None:
        """Stop after storing the files in progress."""
        self.is_stopping = True
        if self._run:
            self._run.is_stopping = True

    def run(self, roots: Sequence[Root], *, tells_all: bool = True) -> bool:
        """Index roots and report, with `tells_all` also that nothing was new. Return whether rows changed."""
        from exr_inspector.apps.index.run import Run  # noqa: PLC0415 - so that --help is quick

        counter = terminal.Counter(shown=not (self.quiet or self.as_json))

        def progress(step: str, done: int, total: int) -> None:
            counter(step, done, total)
            if self.publisher and step == "Inspecting":
                self.publisher()

        run = self._run = Run(roots, self.store, self.settings, self.options, progress)
        run.is_stopping = self.is_stopping
        try:
            run.run(self.execute, dry=self.dry)
            if self.expire:
                self.expire()
        finally:
            counter.end()
            found = run.summary
            if tells_all or found.new or found.changed or found.gone or found.faults:
                _report(run, as_json=self.as_json, quiet=self.quiet, dry=self.dry)
        if tells_all and not (self.quiet or found.seen or found.faults or found.kept or run.is_stopping):
            terminal.say("The roots contain no .exr file", err=True)
        self.has_failed = found.failed > 0 or found.unlisted > 0
        return bool(found.new or found.changed or found.deleted)

    def follow(self, roots: Sequence[Root]) -> None:
        """Index folders, and then what changes in them, until `stop`.

        A transient fault is reported, and the watch continues.
        """
        for each in roots:
            if is_object(each.path) or not each.is_whole:
                raise click.UsageError(f"--watch follows local folders only, not {each.path}")
        with requires_extra("index"):
            from exr_inspector.apps.index.watch import Watch  # noqa: PLC0415 - an extra

        is_unpublished = False
        watch = Watch([each.path for each in roots], self.settings.settle_seconds, self._holds)
        for paths in watch:
            if self.is_stopping:
                return
            try:
                if paths:
                    is_first = self._run is None
                    is_unpublished |= self.run(make_roots(paths, self.settings), tells_all=is_first)
                if self.publisher and is_unpublished and self.publisher.is_due:
                    self.publisher.publish()
                    is_unpublished = False
            except InspectorError as error:
                if not error.retry:
                    raise
                click.echo(f"exr-inspector: {terminal.harmless(str(error))}", err=True)
                watch.fail()

    def _holds(self, folder: str) -> bool:
        """Return whether files below a folder are stored."""
        name = stored_name(folder, self.settings.paths) + "/"
        return self.store.scan("files", ["file_id"], lambda rows: any(each.num_rows for each in rows), name)


def _settings(db: str | None, facets: str | None, *, with_report: bool) -> Settings:
    from exr_inspector.apps.index.facets import with_facets  # noqa: PLC0415 - so that --help is quick

    settings = Settings.from_mapping(os.environ)
    settings = replace(settings, openimageio=settings.openimageio and with_report)
    if facets is not None:
        try:
            settings = with_facets(settings, facets)
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint="--facets") from None
    return with_db(settings, db) if db else settings


def _catalog(path: str, roots: Sequence[str]) -> Callable[[str, Opener], Listing]:
    """Return what lists the one root by VAST Catalog."""
    settings = Settings.from_mapping(os.environ)
    if len(roots) != 1 or not settings.vast_endpoint:
        raise click.UsageError("--catalog needs one ROOT, and the settings of VAST DataBase")
    with requires_extra("vast"):  # 1.5 s, only if it is used
        from exr_inspector.apps.index.vast_catalog import Catalog  # noqa: PLC0415
    return lambda root, _: Catalog(root, path, settings)


def roots_of(names: Sequence[str], settings: Settings) -> list[Root]:
    """Return the roots that a user names."""
    paths: list[str] = []
    for name in typed_names(names):
        path = local_name(name, settings)
        paths += [path] if is_object(path) else matches(name, path, settings)
    return make_roots(paths, settings)


def make_roots(paths: Iterable[str], settings: Settings) -> list[Root]:
    """Return the roots of paths, without those below others; single files share one root."""
    from exr_inspector.apps.index.run import Root  # noqa: PLC0415 - so that --help is quick

    whole: list[Root] = []
    files: list[str] = []
    for path in paths:
        # A root that is not there is a folder that is not mounted, unless its name is that of a file.
        if os.path.isfile(path) or (is_exr(path) and not os.path.isdir(path)):  # noqa: PTH112, PTH113
            files.append(path if is_object(path) else path_location(path).path)
        else:
            root = path.rstrip("/") if is_object(path) else path_location(path).path
            whole.append(Root((root,), stored_name(root, settings.paths).rstrip("/") + "/"))
    whole = [
        each
        for number, each in enumerate(whole)
        if not any(
            each.name.startswith(other.name) and (each.name != other.name or number > place)
            for place, other in enumerate(whole)
        )
    ]
    if files:
        name = os.path.commonprefix([stored_name(each, settings.paths) for each in files])  # noqa: RUF071 - of keys
        whole.append(Root(tuple(dict.fromkeys(files)), name, is_whole=False))
    return whole


@contextmanager
def _stopping(command: _Command) -> Iterator[None]:
    """Let the first Ctrl-C in the block end the command soon, and the second one at once."""

    def stop(number: int, _frame: FrameType | None) -> None:
        if command.is_stopping:
            signal.signal(number, signal.SIG_DFL)
            raise KeyboardInterrupt
        command.stop()

    previous = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)


def _report(run: Run, *, as_json: bool, quiet: bool, dry: bool) -> None:
    summary = run.summary
    if as_json:
        click.echo(json.dumps({**summary.as_json(), "interrupted": run.is_stopping}))
    if not quiet:
        for line in summary.faults:
            terminal.say(line, err=True)
        for each in summary.kept:
            files = terminal.plural(each.files, "missing file")
            terminal.say(f"{each.root}: the rows of {files} are kept: {each.reason}", err=True)
    if not as_json:
        line = summary.line()
        if dry:
            mib = summary.size_bytes / 2**20
            line += f"; a run would read at most {mib:,.0f} MiB with at least {summary.requests:,} requests"
        terminal.say(f"Interrupted: {line}" if run.is_stopping else line)
