"""`exr-inspector cryptomatte`: list the objects of Cryptomattes, and measure their coverage."""

from __future__ import annotations

import os
from collections.abc import Sequence
from fnmatch import fnmatchcase
from functools import partial
from typing import Any

import click

from exr_inspector.apps.cli.exits import FOUND, OK, attempt, of_result
from exr_inspector.apps.cli.paths import complete_paths, expand_some, recursive_option
from exr_inspector.apps.cli.stores import with_db
from exr_inspector.apps.cli.table import print_table
from exr_inspector.apps.cli.terminal import json_text, nearby, plural, progress, say
from exr_inspector.events.request import Config, CryptomatteMode, Request
from exr_inspector.location import Location
from exr_inspector.settings import Settings

# Files whose rows are stored in one transaction.
BATCH = 20

WRONG_IDS = {
    "bad_ids": "not eight hexadecimal digits",
    "mismatched": "not the hash of the name",
    "unclamped": "the hash of the name, but not a normal float, so no pixel has it",
    "collisions": "also the id of another name",
}


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", shell_complete=complete_paths)
@recursive_option
@click.option(
    "--coverage", is_flag=True, help="Decode pixels to measure the area, pixel count and box of each object."
)
@click.option(
    "--object",
    "patterns",
    multiple=True,
    metavar="NAME",
    help="Only objects that match a pattern such as *dragon*.",
)
@click.option(
    "--db",
    metavar="FILE",
    shell_complete=complete_paths,
    help="Store the objects in this DuckDB file; stored files are not read again.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON Lines: one object per file.")
@click.pass_context
def cryptomatte(
    ctx: click.Context,
    paths: tuple[str, ...],
    recursive: bool,
    coverage: bool,
    patterns: tuple[str, ...],
    db: str | None,
    as_json: bool,
) -> None:
    """List the Cryptomatte objects of EXR files, and verify ids.


    PATH is a file, a folder (its .exr files), a pattern, or s3://bucket/key. The names come from the manifest
    in the header or in its side-car file. With --coverage, objects that appear in no pixel have the area 0,
    and ids that are not in the manifest have no name.

    The exit code is 1 if a file is not ok, or if a manifest is invalid or has a wrong id.
    """
    from exr_inspector.pixels.cryptomatte import cryptomattes  # noqa: PLC0415 - so that --help is quick

    settings = Settings.from_mapping(os.environ)
    files = expand_some(paths, recursive=recursive, settings=settings)
    if db is not None:
        if patterns or as_json:
            raise click.UsageError("--db stores all objects; drop --object and --json")
        mode: CryptomatteMode = "coverage" if coverage else "objects"
        ctx.exit(_store(files, mode, with_db(settings, db)))
    codes = set()
    read = partial(cryptomattes, coverage=coverage, settings=settings)
    results = ((each, attempt(partial(read, each), cryptomattes=[], unclaimed_layers=[])) for each in files)
    for location, found in progress(results, len(files), shown=True, prints=True):
        codes.add(FOUND if any(map(_faults, found["cryptomattes"])) else of_result(found))
        if patterns:
            found["cryptomattes"] = [_matching(each, patterns) for each in found["cryptomattes"]]
        if as_json:
            click.echo(json_text({"file_path": location.path, **found}))
        else:
            _print(nearby(location.path), found, has_coverage=coverage, shows_all=not patterns)
    ctx.exit(max(codes, default=OK))


def _store(files: Sequence[Location], mode: CryptomatteMode, settings: Settings) -> int:
    """Store the objects of files; return the exit code."""
    from exr_inspector.pipeline import inspect_many  # noqa: PLC0415
    from exr_inspector.response import make_runtime  # noqa: PLC0415

    runtime = make_runtime(settings)
    requests = (Request("created", (location,), Config(cryptomatte=mode)) for location in files)
    codes = set()
    try:
        documents = inspect_many(requests, runtime, batch=BATCH, keep_faults=True)
        for document in progress(documents, len(files), shown=True, prints=True):
            status = document["file"]["status"]
            codes.add(OK if status == "ok" else FOUND)
            persistence = document["persistence"]
            line = f"{nearby(document['file']['path'])}: {persistence['status']}, {persistence['message']}"
            line += "".join(f"; {each['code']}: {each['message']}" for each in document["errors"][:1])
            say(line)
    finally:
        if runtime.store:
            runtime.store.close()
    return max(codes, default=OK)


def _matching(found: dict[str, Any], patterns: tuple[str, ...]) -> dict[str, Any]:
    """Return a cryptomatte with the objects whose name matches a pattern."""
    objects = [
        each for each in found["objects"] if any(fnmatchcase(each["name"] or "", glob) for glob in patterns)
    ]
    return {**found, "objects": objects}


def _faults(found: dict[str, Any]) -> list[str]:
    """Return the problems of a manifest and its ids, one line each."""
    faults = [found["manifest_error"]] if found["manifest_error"] else []
    for kind, reason in WRONG_IDS.items():
        count, names = found[f"{kind}_count"], ", ".join(found[kind])
        if count:
            more = ", ..." if count > len(found[kind]) else ""
            faults.append(f"{count:,} {'id is' if count == 1 else 'ids are'} {reason}: {names}{more}")
    return faults


def _print(path: str, found: dict[str, Any], *, has_coverage: bool, shows_all: bool) -> None:
    """Print the cryptomattes of a file; those without an object only if `shows_all`."""
    lines = []
    if shows_all and not found["cryptomattes"] and not found["failures"]:
        lines.append(f"{path}: no cryptomatte")
    for each in found["cryptomattes"]:
        where = {"header": "in the header", "sidecar": f"in {each['manifest_file']}"}
        source = each["manifest_source"]
        objects = f"{plural(each['object_count'], 'object')} {where[source]}" if source else "no manifest"
        title = f"{path}: {each['name']}, {each['ranks']} ranks, {objects}"
        names = ("object", "id", "area", "pixels", "box") if has_coverage else ("object", "id")
        if each["objects"]:
            print_table(names, [_row(item)[: len(names)] for item in each["objects"]], title=title)
        elif shows_all:
            say(title, bold=True)
        lines += _faults(each) + _notes(each["coverage"])
    lines += [
        f"{path}: the layers {name}00 and up have no cryptomatte attributes"
        for name in found["unclaimed_layers"]
    ]
    for failure in found["failures"]:
        number = f"{plural(failure['chunks'], 'chunk')}: " if failure["chunks"] else ""
        lines.append(f"{path}: {failure['code']}: {number}{failure['message']}")
    for line in lines:
        say(line)


def _notes(coverage: dict[str, Any] | None) -> list[str]:
    """Return what the coverage of the objects omits."""
    if coverage is None:
        return []
    notes = [f"coverage not computed: {coverage['error']}"] if coverage["error"] else []
    if coverage["other_pixels"]:
        notes.append(
            f"further ids: area {coverage['other_area']:,.1f} in {coverage['other_pixels']:,} pixels"
        )
    if coverage["invalid_samples"]:
        notes.append(f"{coverage['invalid_samples']:,} samples have a negative or infinite coverage")
    return notes


def _row(item: dict[str, Any]) -> list[Any]:
    box = item["box"]
    area = None if item["area"] is None else round(item["area"], 1)
    corners = [f"{box[end]['x']},{box[end]['y']}" for end in ("min", "max")] if box else []
    return [item["name"], item["id"], area, item["pixels"], " - ".join(corners)]
