"""`exr-inspector similar`: find renders like a file, and explain why they are alike."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any

import click

from exr_inspector.apps.cli.paths import complete_paths, local_name, matches, sequence_pattern
from exr_inspector.apps.cli.query import query_limit
from exr_inspector.apps.cli.stores import read_db, selected_store, with_db
from exr_inspector.apps.cli.table import print_table
from exr_inspector.apps.cli.terminal import columns, fold, harmless, json_text, nearby
from exr_inspector.errors import FAULTS, FILE_NOT_FOUND, InspectorError
from exr_inspector.location import path_location
from exr_inspector.settings import Settings

if TYPE_CHECKING:
    from exr_inspector.catalog.search import By, Match
    from exr_inspector.catalog.store import Store
    from exr_inspector.similar import Query
    from exr_inspector.vectors.explain import Explanation, Likeness

# Features of one group that are named; --json names all.
_MAX_NAMES = 6


@click.command()
@click.argument("target", metavar="FILE|FILE_ID", shell_complete=complete_paths)
@click.option(
    "--by",
    type=click.Choice(["metadata", "channels", "look"]),
    default="metadata",
    show_default=True,
    help="Compare all metadata, only the channels, or the look of the pixels.",
)
@click.option("--where", default="", metavar="SQL", help="A condition on the columns of `files`.")
@click.option("--frames", is_flag=True, help="Show every file, not only the best match of each sequence.")
@click.option(
    "--limit",
    default=10,
    show_default=True,
    metavar="N",
    type=click.IntRange(1, 1000),
    help="Number of files to show.",
)
@read_db
@click.option(
    "--timeout",
    metavar="SECONDS",
    type=click.FloatRange(0, min_open=True),
    default=60.0,
    show_default=True,
    help="Stop the search after this time.",
)
@click.option("--explain", "explained", is_flag=True, help="Show the layers and attributes that differ.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON Lines: one object per file.")
def similar(
    target: str,
    by: By,
    where: str,
    frames: bool,
    limit: int,
    db: str | None,
    timeout: float,
    explained: bool,
    as_json: bool,
) -> None:
    """Show the stored files most similar to a file.

    The most similar come first; FILE itself is omitted. If it cannot be read, its stored vectors are used. If
    FILE is a sequence such as beauty.#.exr, its first frame is compared. The cosine is 1 for renders with the
    same setup, regardless of frame, time and path.
    """
    from exr_inspector.similar import explain_matches, search  # noqa: PLC0415 - so that --help is quick

    settings = Settings.from_mapping(os.environ)
    if db:
        settings = with_db(settings, db)
    with closing(selected_store(settings, read_only=True)) as store:
        query = _query(target, store, by, settings)
        with query_limit(timeout):
            matches = search(query, store, where=where, limit=limit, frames=frames)
        explanations = explain_matches(query, matches, store) if explained else []
    if as_json:
        for index, match in enumerate(matches):
            click.echo(json_text(_entry(match, explanations[index] if explained else None)))
        return
    rows = [
        [f"{match.similarity:.4f}", nearby(settings.paths.display(match.file_path)), match.file_id]
        for match in matches
    ]
    if not rows:
        hint = "; `exr-inspector stats --db` stores looks" if by == "look" else ""
        click.echo(f"no other stored file has a vector to compare{hint}", err=True)
        return
    print_table(("cosine", "file", "file_id"), rows, optional=("file_id",))
    for match, explanation in zip(matches, explanations, strict=False):
        _print_explanation(nearby(settings.paths.display(match.file_path)), explanation)


def _query(target: str, store: Store, by: By, settings: Settings) -> Query:
    """Return the query for a file, from its stored vectors if it cannot be read now."""
    from exr_inspector.pipeline import inspect  # noqa: PLC0415
    from exr_inspector.similar import query_of  # noqa: PLC0415

    if re.fullmatch("[0-9a-f]{32}", target):
        return query_of(target, store, by, settings)
    name = local_name(target, settings)
    if sequence_pattern(target, settings):
        name = matches(target, name, settings)[0]
    location = path_location(name, settings.paths)
    try:
        document = inspect(location, settings)
        if document["file"]["status"] not in ("missing", None):
            return query_of(document, store, by, settings)
        fault = document["errors"][0]
        unreachable = InspectorError(FAULTS[fault["code"]], fault["message"], target)
    except InspectorError as error:
        if not error.retry:
            raise
        unreachable = error
    try:
        return query_of(location.file_id, store, by, settings)
    except InspectorError as error:
        raise (unreachable if error.fault is FILE_NOT_FOUND else error) from None


def _entry(match: Match, explanation: Explanation | None) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "file_id": match.file_id,
        "file_path": match.file_path,
        "sequence_key": match.sequence_key,
        "similarity": match.similarity,
    }
    if explanation:
        entry["groups"] = [
            {
                "group": each.group,
                "weight": each.weight,
                "cosine": each.cosine,
                "takes": each.takes,
                "only_query": each.only_a,
                "only_match": each.only_b,
            }
            for each in explanation.groups
        ]
    return entry


def _print_explanation(path: str, explanation: Explanation) -> None:
    """Print the groups that separate a match from the query, and name those that do not."""
    from exr_inspector.vectors.explain import ALIKE  # noqa: PLC0415 - numpy

    apart = [each for each in explanation.groups if each.takes >= ALIKE]
    alike = [each.group for each in explanation.groups if each.weight and each.takes < ALIKE]
    rows = [
        [
            each.group,
            round(each.takes, 3),
            "only one has any" if each.cosine is None else f"{each.cosine:.2f}",
            _difference(each),
        ]
        for each in apart
    ]
    names = ("group", "takes", "cosine", "- only the query  + only the match")
    if rows:
        print_table(names, rows, title=f"\n{path}", folded=names[-1])
    else:
        click.secho(f"\n{harmless(path)}", bold=True)
    if alike:
        line = f"alike: {', '.join(alike)}"
        width = columns()
        click.echo("\n".join(fold(line, width, len(line)) if width else [line]))


def _difference(group: Likeness) -> str:
    """Return the features that only one file has, or why there are none to name."""
    from exr_inspector.vectors.explain import words  # noqa: PLC0415 - numpy

    named = [_named("-", words(group.only_a)), _named("+", words(group.only_b))]
    if any(named):
        return "  ".join(filter(None, named))
    return "(other numbers)" if group.only_a or group.only_b else "(the same features, other amounts)"


def _named(sign: str, words: Sequence[str]) -> str:
    if not words:
        return ""
    more = len(words) - _MAX_NAMES
    return f"{sign} {', '.join(words[:_MAX_NAMES])}" + (f" and {more} more" if more > 0 else "")
