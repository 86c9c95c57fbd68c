"""From the names that a user types to the files that they name."""

from __future__ import annotations

import glob
import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence

import click
from click.shell_completion import CompletionItem

from exr_inspector.location import Location, is_object, path_location
from exr_inspector.sequences import Pattern, parse_pattern
from exr_inspector.settings import Settings
from exr_inspector.sources.listing import listing
from exr_inspector.sources.opener import Opener

# The name that stands for the names on standard input.
STDIN = "-"


def complete_paths(
    ctx: click.Context,  # noqa: ARG001 - click's interface
    param: click.Parameter,  # noqa: ARG001
    incomplete: str,
) -> list[CompletionItem]:
    """Let the shell complete names of files."""
    return [CompletionItem(incomplete, type="file")]


_RECURSIVE = "--recursive/--no-recursive", "-r"
_HELP = "Include the folders below a folder."
recursive_option = click.option(*_RECURSIVE, default=False, help=_HELP)
"""Of a command of single files."""
whole_tree_option = click.option(*_RECURSIVE, default=True, help=f"{_HELP}  [default: yes]")
"""Of a command of sequences."""


def expand(names: Sequence[str], *, recursive: bool, settings: Settings) -> list[Location]:
    """Return every named file once, in order.

    A name is that of a file, a folder or an S3 prefix with a slash at its end, which stand for the `.exr`
    files in them, or a pattern, which stands for its matches: it has wildcards, or padding as
    `sequences.parse_pattern` reads it. `-` stands for the names on standard input.

    `recursive` includes the folders below. Links to folders are not followed. A folder's dangling links and
    named pipes called `.exr` are returned, so that they are reported. So are paths that do not exist and
    folders that cannot be read.

    Raises click.UsageError if a pattern matches nothing; InspectorError if a bucket cannot be listed.
    """
    return located(
        (path for name in typed_names(names) for path in _paths(name, settings, recursive)), settings
    )


def expand_some(names: Sequence[str], *, recursive: bool, settings: Settings) -> list[Location]:
    """Return the result of `expand`. Also raises click.UsageError if it is empty."""
    files = expand(names, recursive=recursive, settings=settings)
    if not files:
        hint = "" if recursive else "; --recursive includes the folders below"
        raise click.UsageError(f"no .exr file in {', '.join(names)}{hint}")
    return files


def located(paths: Iterable[str], settings: Settings) -> list[Location]:
    """Return the location of each path. Of several paths of one file, the first counts."""
    files: dict[str, Location] = {}
    for path in paths:
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


def selected(pattern: Pattern, settings: Settings) -> list[str]:
    """Return the paths of the files that the pattern of a sequence matches, sorted; there may be none."""
    if not is_object(pattern.before):
        return pattern.select(sorted(glob.glob(pattern.glob, recursive=True)))  # noqa: PTH207
    folder = re.split(r"[*?]", pattern.before)[0].rpartition("/")[0]
    is_recursive = pattern.before.count("/") > folder.count("/") + 1
    return pattern.select(_listed(f"{folder}/", settings, recursive=is_recursive))


def _paths(name: str, settings: Settings, recursive: bool) -> Iterator[str]:
    path = local_name(name, settings)
    pattern = sequence_pattern(name, settings)
    if is_object(path) and not pattern:
        # Without a slash at the end it is an object, even if it has no extension.
        is_folder = path.count("/") < 3 or path.endswith("/")
        yield from _listed(path, settings, recursive) if is_folder else (path,)
        return
    for match in matches(name, path, settings):
        yield from _listed(match, settings, recursive) if os.path.isdir(match) else (match,)  # noqa: PTH112


def matches(name: str, path: str, settings: Settings) -> list[str]:
    """Return the paths that a name stands for: itself, or the matches of a pattern, sorted.

    `path` is its local name. Raises click.UsageError if a pattern matches nothing.
    """
    if pattern := sequence_pattern(name, settings):
        found = selected(pattern, settings)
    elif os.path.lexists(path) or not glob.has_magic(path):
        # A file may have the name of a pattern, so look for the file first.
        return [path]
    else:
        found = sorted(glob.glob(path, recursive=True))  # noqa: PTH207
    if not found:
        raise click.UsageError(f"no file matches {name}")
    return found


def _listed(root: str, settings: Settings, recursive: bool) -> list[str]:
    """Return the files below a root, sorted, and the folders that cannot be read: they are results too.

    Raises InspectorError if the objects of a bucket cannot be listed.
    """
    found = listing(
        path_location(root).path if not is_object(root) else root, Opener(settings), recursive=recursive
    )
    paths = [each.path for each in found]
    if found.errors and is_object(root):
        raise found.errors[0]
    return sorted([*paths, *(error.where for error in found.errors)])
