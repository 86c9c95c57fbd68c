"""From what a user types to the files that are meant."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from pathlib import Path


def expand(paths: Sequence[str], *, recursive: bool) -> list[str]:
    """Every file once, in order: a file as it is, a folder's `.exr` files, a pattern's matches.

    `recursive` goes into folders below. What matches nothing is returned as it is, to be reported missing.
    """
    found = (each for path in paths for each in _expanded(path, recursive))
    return list(dict.fromkeys(found))


def _expanded(path: str, recursive: bool) -> Iterator[str]:
    # A path itself before its meaning as a pattern. What cannot be a path, as too long a name, is none.
    matches = [path] if os.path.exists(path) else sorted(glob.glob(path, recursive=True))  # noqa: PTH110, PTH207
    for match in matches or [path]:
        yield from _in_folder(Path(match), recursive) if os.path.isdir(match) else (match,)  # noqa: PTH112


def _in_folder(folder: Path, recursive: bool) -> Iterator[str]:
    entries = folder.rglob("*") if recursive else folder.iterdir()
    yield from sorted(str(each) for each in entries if each.suffix.lower() == ".exr" and each.is_file())
