"""`exr-inspector export`: take the metadata to other systems."""

from __future__ import annotations

import os
from contextlib import closing
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import click

from exr_inspector.apps.cli.stores import read_db, selected_store, with_db
from exr_inspector.apps.cli.terminal import plural
from exr_inspector.settings import Settings

if TYPE_CHECKING:
    from exr_inspector.apps.export.write import Format
    from exr_inspector.catalog.duckdb.grouping import Per


@click.command()
@read_db
@click.option(
    "--format",
    "form",
    type=click.Choice(["parquet", "ndjson", "csv", "shotgrid"]),
    default="parquet",
    show_default=True,
    help="The format. `shotgrid` is JSON Lines with a PublishedFile and a Version for each record.",
)
@click.option(
    "--per",
    type=click.Choice(["sequence", "file"]),
    default="sequence",
    show_default=True,
    help="What a record describes.",
)
@click.option("--where", default="", metavar="SQL", help="A condition on the columns of `files`.")
@click.option(
    "--since",
    metavar="TIME",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"]),
    help="Only records with a file that was inspected at or after this time, in UTC.",
)
@click.option(
    "--output",
    "-o",
    metavar="DIR",
    required=True,
    type=click.Path(file_okay=False),
    help="Folder for the files and manifest.json.",
)
def export(db: str | None, form: Format, per: Per, where: str, since: datetime | None, output: str) -> None:
    """Write records of sequences or files for other systems.

    By default, there is one record for each sequence.

    docs/EXPORT.md lists the columns. Names of shows and shots come from the show configuration; without one,
    they are guesses with a confidence. Nothing is sent over the network. Each file appears when it is
    complete; manifest.json, which counts their rows, is written last.
    """
    from exr_inspector.apps.export.record import record  # noqa: PLC0415 - so that --help is quick
    from exr_inspector.apps.export.write import write_records  # noqa: PLC0415
    from exr_inspector.catalog.duckdb.records import Records  # noqa: PLC0415

    settings = Settings.from_mapping(os.environ)
    if db:
        settings = with_db(settings, db)
    now = datetime.now(timezone.utc)
    about = {
        "per": per,
        "where": where,
        "since": since.isoformat() if since else None,
        "exported_at": now.isoformat(timespec="microseconds"),
    }
    with (
        closing(selected_store(settings, read_only=True)) as store,
        Records(store, per, where, since) as records,
    ):
        rows = write_records((record(each, per, now) for each in records), Path(output), form, about)
    click.echo(f"{plural(rows, 'row')} in {output}")
