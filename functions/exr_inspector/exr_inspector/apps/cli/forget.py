"""`exr-inspector forget`: remove names of people and hosts, or files, from a database."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from exr_inspector.apps.cli import terminal
from exr_inspector.apps.cli.stores import archive_settings, read_db, selected_store, with_db
from exr_inspector.location import is_object, path_location, stored_name
from exr_inspector.settings import Settings

if TYPE_CHECKING:
    from exr_inspector.catalog.forget import Tally
    from exr_inspector.catalog.store import Store
    from exr_inspector.location import PathMap

Step = Literal["Searching", "Forgetting"]
logger = logging.getLogger("exr_inspector")


@click.command()
@read_db
@click.option("--user", metavar="NAME", help="Forget every attribute whose value contains this word.")
@click.option(
    "--attribute",
    metavar="PATTERN",
    help="Forget attributes whose names match a pattern such as `*host*`. Required attributes, such as"
    " dataWindow, remain.",
)
@click.option("--path", metavar="PREFIX", help="Forget a file, or all files below a folder.")
@click.option("--dry-run", is_flag=True, help="Count only; change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
def forget(
    db: str | None, user: str | None, attribute: str | None, path: str | None, dry_run: bool, yes: bool
) -> None:
    """Remove names of people and hosts, or files, from a database.

    Give one of --user, --attribute or --path. A forgotten value is replaced by a mark in all tables; a
    forgotten file loses its rows. The header of a file that has lost values can no longer be restored. Its
    findings are deleted, and its vectors are computed again. A DuckDB file is rewritten, because its free
    blocks still contain the values; no other process may have it open.

    Not changed: the files themselves; copies of the database, such as snapshots of `index --publish`, the
    copies of `browse` in ~/.cache/exr-inspector, exports, backups and logs; names in paths; and values that
    were too long to store. The next inspection of a file stores its values again: `index` inspects a file if
    it changed; an event or `inspect --db` always does.
    """
    if sum(each is not None for each in (user, attribute, path)) != 1 or "" in (user, attribute, path):
        raise click.UsageError("give one of --user, --attribute or --path")
    if user and user != user.encode("utf-8", "ignore").decode():
        raise click.UsageError("--user is not UTF-8 text")
    settings = Settings.from_mapping(os.environ)
    if db:
        settings = with_db(settings, db)
    given = user or attribute or path or ""
    run = partial(_run, user=user, attribute=attribute, path=path, paths=settings.paths)
    _forget_in(settings, run, given, dry_run=dry_run, yes=yes)
    archive = archive_settings(settings)
    if not settings.vast_endpoint and Path(archive.db_file).exists():
        click.echo(f"In {archive.db_file}, which has the rows of deleted files:")
        _forget_in(archive, run, given, dry_run=dry_run, yes=yes)


def _forget_in(
    settings: Settings, run: Callable[[Store, Step], Tally], given: str, *, dry_run: bool, yes: bool
) -> None:
    """Forget in one store."""
    with closing(selected_store(settings)) as store:
        found = run(store, "Searching")
        is_empty = not (found.files or found.rows)
        click.echo(f"Nothing matches {given!r}" if is_empty else f"Found {_described(found)}")
        if found.in_paths:
            files = terminal.plural(found.in_paths, "file")
            click.echo(f"The name is in the path of {files}, which stays; --path forgets files.")
        if dry_run:
            return
        if found.files:
            if not yes:
                click.confirm("Forget this?", abort=True)
            done = _described(run(store, "Forgetting"))
            click.echo(f"Forgot {done}")
            # Do not log the name that is being forgotten.
            logger.info("Forgot in %s %s", store.name, done)
    if settings.db_file and not settings.vast_endpoint:
        from exr_inspector.catalog.duckdb.copies import rewrite  # noqa: PLC0415 - an extra

        # Even if nothing was found: an earlier run may have been interrupted before this step.
        rewrite(settings.db_file)
        click.echo(f"Rewrote {settings.db_file} without deleted rows")


def _run(
    store: Store,
    step: Step,
    *,
    user: str | None,
    attribute: str | None,
    path: str | None,
    paths: PathMap,
) -> Tally:
    from exr_inspector.catalog import forget as core  # noqa: PLC0415 - so that --help is quick

    counter = terminal.Counter(shown=True)
    progress, is_dry = partial(counter, step), step == "Searching"
    try:
        if path:
            root = path.rstrip("/") if is_object(path) else path_location(path).path
            return core.forget_files(store, stored_name(root, paths), progress, dry=is_dry)
        what = core.Word(user) if user else core.Attributes(attribute or "")
        return core.forget_values(store, what, progress, dry=is_dry)
    finally:
        counter.end()


def _described(tally: Tally) -> str:
    """Return the totals, such as `3 values in 2 files: 2 owner, 1 comments; 1 other row`."""
    parts = [terminal.plural(tally.files, "file")]
    if tally.values:
        names = ", ".join(
            f"{count:,} {terminal.harmless(name, keep='')}" for name, count in tally.values.most_common()
        )
        values = terminal.plural(tally.values.total(), "value")
        parts = [f"{values} in {parts[0]}: {names}"]
    if tally.rows:
        parts.append(terminal.plural(tally.rows, "other row"))
    return "; ".join(parts)
