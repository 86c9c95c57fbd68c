"""`exr-inspector shards`: divide a large index among the tasks of a farm manager."""

from __future__ import annotations

import json
import os
from collections import Counter
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from exr_inspector.apps.cli.index import roots_of
from exr_inspector.apps.cli.paths import complete_paths
from exr_inspector.apps.cli.stores import selected_store, with_db, written_db
from exr_inspector.apps.cli.terminal import plural
from exr_inspector.settings import Settings

if TYPE_CHECKING:
    pass

_PLAN = click.option("--plan", "folder", metavar="DIR", required=True, help="The folder of the plan.")


@click.group()
def shards() -> None:
    """Divide a large index among the tasks of a farm manager.

    `plan` lists files, compares them with the store, and writes shards of 10,000 files. Each task of an array
    job runs `work` on one shard, in any order and any number of times. The store is the only record of
    progress: after a failure, plan again. `index` deletes the rows of deleted files.
    """


@shards.command()
@click.argument("roots", nargs=-1, required=True, metavar="ROOT...", shell_complete=complete_paths)
@click.option("--out", "-o", "folder", metavar="DIR", required=True, help="An empty folder for the plan.")
@written_db
def plan(roots: tuple[str, ...], folder: str, db: str | None) -> None:
    """Divide the new and changed files of roots into shards."""
    from exr_inspector.apps.index.facets import wanted  # noqa: PLC0415 - so that --help is quick
    from exr_inspector.apps.index.run import Options, Run  # noqa: PLC0415
    from exr_inspector.apps.index.shards import write_plan  # noqa: PLC0415
    from exr_inspector.sources.opener import Opener  # noqa: PLC0415

    settings = _settings(db)
    options = Options(deletes=False, wanted=wanted(settings, Opener(settings)))
    with closing(selected_store(settings)) as store:
        run = Run(roots_of(roots, settings), store, settings, options, lambda *_: None)
        made = write_plan(run, Path(folder))
    for line in run.summary.faults:
        click.echo(line, err=True)
    click.echo(f"{plural(made.files, 'file')} in {plural(made.shards, 'shard')}, numbered from 0")


@shards.command()
@_PLAN
@click.option("--shard", "number", type=int, required=True, metavar="N", help="The shard, from 0.")
@click.option("--no-oiio", is_flag=True, help="Skip OpenImageIO's report.")
@written_db
def work(folder: str, number: int, no_oiio: bool, db: str | None) -> None:
    """Inspect the files of one shard, and store their rows.

    The exit code is 0 even if files are bad, since a manager repeats failed tasks. It is 2 if a retry may
    help or the configuration is wrong.
    """
    from exr_inspector.apps.index.shards import Plan, mark_done  # noqa: PLC0415
    from exr_inspector.apps.index.shards import work as inspect_shard  # noqa: PLC0415

    settings = _settings(db)
    settings = replace(settings, openimageio=settings.openimageio and not no_oiio)
    found = Plan.load(Path(folder))
    counts = inspect_shard(found.shard(number), settings, lambda: selected_store(settings))
    mark_done(found, number, counts)
    click.echo(f"shard {number}: {_text(counts)}")


@shards.command()
@_PLAN
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def status(folder: str, as_json: bool) -> None:
    """Show which shards of a plan are done.

    Each task writes a marker into the plan's folder.
    """
    from exr_inspector.apps.index.shards import Plan  # noqa: PLC0415
    from exr_inspector.sequences import format_frames  # noqa: PLC0415

    found = Plan.load(Path(folder))
    done = found.done()
    counts: Counter[str] = Counter()
    for each in done.values():
        counts.update(each)
    left = [number for number in range(found.shards) if number not in done]
    if as_json:
        click.echo(
            json.dumps({"shards": found.shards, "done": len(done), "left": left, "files": dict(counts)})
        )
        return
    line = f"{len(done):,} of {plural(found.shards, 'shard')} done: {_text(counts)}"
    click.echo(line + (f"; left: {format_frames(left)}" if left else ""))


def _settings(db: str | None) -> Settings:
    settings = Settings.from_mapping(os.environ)
    return with_db(settings, db) if db else settings


def _text(counts: Counter[str]) -> str:
    return ", ".join(f"{number:,} {name}" for name, number in sorted(counts.items())) or "no files"
