"""`exr-inspector similar`: find renders like this one, and say why they are."""

from __future__ import annotations

import os
from contextlib import closing
from dataclasses import replace

import click
from rich.table import Table

from exr_inspector.apps.cli import show
from exr_inspector.apps.cli.query import DATABASE_FILE
from exr_inspector.catalog.connect import open_store
from exr_inspector.catalog.search import By, Match
from exr_inspector.catalog.store import Store
from exr_inspector.errors import BAD_SETTING, InspectorError
from exr_inspector.settings import Settings
from exr_inspector.similar import query_of, search
from exr_inspector.vectors.explain import explain
from exr_inspector.writer import NO_STORE


@click.command()
@click.argument("target", metavar="FILE|FILE_ID")
@click.option(
    "--by",
    type=click.Choice(["metadata", "channels"]),
    default="metadata",
    show_default=True,
    help="Compare all that makes a render, or its channels alone.",
)
@click.option(
    "--where", default="", metavar="SQL", help="Only files that meet a condition on the columns of `files`."
)
@click.option(
    "--limit", default=10, show_default=True, type=click.IntRange(1, 1000), help="How many files to show."
)
@click.option(
    "--db",
    metavar="FILE",
    type=DATABASE_FILE,
    help="The DuckDB file; the settings choose the store otherwise.",
)
@click.option(
    "--explain", "explained", is_flag=True, help="Say which groups of features make files alike or different."
)
@click.option("--json", "as_json", is_flag=True, help="JSON Lines: one object per file.")
def similar(
    target: str, by: By, where: str, limit: int, db: str | None, explained: bool, as_json: bool
) -> None:
    """Show the stored files that are most like a file, the nearest first.

    The cosine is 1 for files that are the same kind of render, whatever their frame, time or place.
    """
    with closing(_store(db)) as store:
        query = query_of(target, store, by)
        matches = search(query, store, where=where, limit=limit)
    vector = query.vector
    if as_json:
        for match in matches:
            click.echo(show.json_text(_entry(match, vector, by, explained)))
        return
    out = show.console()
    rows = ([round(match.similarity, 4), show.nearby(match.file_path), match.file_id] for match in matches)
    out.print(show.table("", ("cosine", "file", "file_id"), rows))
    for match in matches if explained else ():
        out.print(_reasons(match, vector, by))


def _store(db: str | None) -> Store:
    settings = Settings.from_mapping(os.environ)
    chosen = replace(settings, db_file=db, vast_endpoint="") if db else settings
    store = open_store(chosen, read_only=True)
    if store is None:
        raise InspectorError(BAD_SETTING, NO_STORE)
    return store


def _entry(match: Match, vector: list[float], by: By, explained: bool) -> dict[str, object]:
    entry: dict[str, object] = {
        "file_id": match.file_id,
        "file_path": match.file_path,
        "similarity": match.similarity,
    }
    if explained:
        groups = explain(vector, match.vector, by).groups
        entry["groups"] = [
            {"group": each.group, "weight": each.weight, "cosine": each.cosine, "takes": each.takes}
            for each in groups
        ]
    return entry


def _reasons(match: Match, vector: list[float], by: By) -> Table:
    """The groups of a pair, the one that separates the files most first."""
    rows = (
        [each.group, each.about, _rounded(each.weight), _rounded(each.cosine), _rounded(each.takes)]
        for each in explain(vector, match.vector, by).groups
        if each.weight
    )
    return show.table(
        show.nearby(match.file_path), ("group", "about", "weight", "cosine", "takes away"), rows
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4) + 0.0
