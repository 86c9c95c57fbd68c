"""From the names that a user types to the files that they name."""

from __future__ import annotations

import glob
import os
import sys
from collections.abc import Iterator, Sequence

import click

from exr_inspector.location import SUFFIX, Location, is_object, path_location
from exr_inspector.sequences import Pattern, parse_pattern
from exr_inspector.settings import Settings

# The name that stands for the names on standard input.
STDIN = "-"


def expand(names: Sequence[str], *, recursive: bool, settings: Settings) -> list[Location]:
    """Return every named file once, in order: a file, the `.exr` files of a folder, the matches of a pattern.

    A pattern has wildcards, or padding as `sequences.parse_pattern` reads it. `-` stands for the names on
    standard input.
    `recursive` includes the folders below. Links to folders are not followed. A folder's dangling links and
    named pipes called `.exr` are returned, so that they are reported. So are paths that do not exist and
    folders that cannot be read.

    Raises click.UsageError if a pattern matches nothing, or if a name is that of a bucket.
    """
    files: dict[str, Location] = {}
    for name in typed_names(names):
        for path in _paths(name, settings, recursive):
            location = path_location(path, settings.paths)
            files.setdefault(location.canonical, location)
    return list(files.values())


def typed_names(names: Sequence[str]) -> list[str]:
    """Replace `-` by the names on standard input: one a line, or separated by NUL as `find -print0` does."""
    if STDIN not in names:
        return list(names)
    data = sys.stdin.buffer.read()
    read = map(os.fsdecode, data.split(b"\0") if b"\0" in data else data.splitlines())
    index = names.index(STDIN)
    return [*names[:index], *filter(None, read), *(each for each in names[index:] if each != STDIN)]


def sequence_pattern(name: str, settings: Settings) -> Pattern | None:
    """Return the pattern of a sequence that a user names; None if the name is that of a file, or has none.

    The pattern's paths are absolute. Raises click.UsageError if its frames are too many.
    """
    if not is_object(name) and os.path.lexists(name):
        return None
    try:
        if not parse_pattern(name):
            return None
        return parse_pattern(path_location(local_name(name, settings), settings.paths).path)
    except ValueError as error:
        raise click.UsageError(f"{name}: {error}") from None


def local_name(name: str, settings: Settings) -> str:
    """Return the name under which to open a file, which may have several with a path map.

    An S3 name is kept if an S3 service is configured. Otherwise the path map may lead to a mounted folder.
    """
    if is_object(name):
        configured = settings.s3_endpoint or settings.s3_access_key
        return name if configured else settings.paths.display(name)
    canonical = settings.paths.canonical(name)
    return name if canonical == name else path_location(name, settings.paths).path


def is_exr(path: str) -> bool:
    """Return whether a name ends in `.exr`, in upper or lower case."""
    return path.lower().endswith(SUFFIX)


def _paths(name: str, settings: Settings, recursive: bool) -> Iterator[str]:
    path = local_name(name, settings)
    if is_object(path):
        if path.count("/") < 3 or path.endswith("/"):
            message = f"{name} is a bucket or a folder; name its objects, as s3://bucket/key"
            raise click.UsageError(message)
        yield path
        return
    for match in _matches(name, path, settings):
        yield from _in_folder(match, recursive) if os.path.isdir(match) else (match,)  # noqa: PTH112


def _matches(name: str, path: str, settings: Settings) -> list[str]:
    # A file may have the name of a pattern, so look for the file first.
    if os.path.lexists(path):
        return [path]
    if pattern := sequence_pattern(name, settings):
        matches = pattern.select(sorted(glob.glob(pattern.glob, recursive=True)))  # noqa: PTH207
    elif glob.has_magic(path):
        matches = sorted(glob.glob(path, recursive=True))  # noqa: PTH207
    else:
        return [path]
    if not matches:
        raise click.UsageError(f"no file matches {name}")
    return matches


def _in_folder(folder: str, recursive: bool) -> list[str]:
    denied: list[OSError] = []
    found: list[str] = []
    for place, folders, names in os.walk(folder, onerror=denied.append):
        if not recursive:
            folders.clear()
        found += (os.path.join(place, name) for name in names if is_exr(name))  # noqa: PTH118
    found += (error.filename for error in denied)  # an unreadable folder is a result, like an unreadable file
    return sorted(map(os.path.normpath, found))
