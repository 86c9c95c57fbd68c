"""From what a user types to the files that are meant."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence

import click

from exr_inspector.location import path_location


def expand(paths: Sequence[str], *, recursive: bool) -> list[str]:
    """Every file once, in order: a file as it is, a folder's `.exr` files, a pattern's matches.

    `recursive` goes into folders below. A path that is not there is returned, to be reported missing, and so
    is a folder that may not be read. Raises click.UsageError for a pattern that nothing matches.
    """
    files: dict[str, str] = {}
    for path in paths:
        for each in _expanded(path, recursive):
            files.setdefault(path_location(each).canonical, each)
    return list(files.values())


def is_exr(path: str) -> bool:
    """Whether a name ends in `.exr`, in any case."""
    return path.lower().endswith(".exr")


def _expanded(path: str, recursive: bool) -> Iterator[str]:
    # A path itself before its meaning as a pattern. What cannot be a path, as too long a name, is none.
    matches = [path] if os.path.exists(path) else sorted(glob.glob(path, recursive=True))  # noqa: PTH110, PTH207
    if not matches and glob.has_magic(path):
        raise click.UsageError(f"no file matches {path}")
    for match in matches or [path]:
        yield from _in_folder(match, recursive) if os.path.isdir(match) else (match,)  # noqa: PTH112


def _in_folder(folder: str, recursive: bool) -> list[str]:
    denied: list[OSError] = []
    files: list[str] = []
    for place, folders, names in os.walk(folder, onerror=denied.append):
        if not recursive:
            folders.clear()
        files += (os.path.join(place, name) for name in names if is_exr(name))  # noqa: PTH118
    # A folder that may not be read is a result like a file that may not.
    found = [*filter(os.path.isfile, files), *(error.filename for error in denied)]
    return sorted(map(os.path.normpath, found))
