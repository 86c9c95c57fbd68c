"""From the names that a user types to the sequences that `check` judges."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from exr_inspector.apps.cli.paths import expand, local_name, located, selected, sequence_pattern
from exr_inspector.location import Location, folder_names
from exr_inspector.sequences import Group, Pattern, group, parse_pattern
from exr_inspector.settings import Settings
from exr_inspector.shows import Shows

if TYPE_CHECKING:
    from exr_inspector.checks.stored import StoredFiles

Sequences = list[tuple[Group[Location], "tuple[int, ...] | None"]]
"""Sequences, each with the frames that its pattern names."""


@dataclass(frozen=True)
class Places:
    """What a user names: files, folders, patterns, objects and prefixes.

    If the expected frames are stated, a pattern may match no file: then all frames are missing. Raises
    click.UsageError for any other name that stands for nothing.
    """

    names: Sequence[str]
    settings: Settings
    shows: Shows
    are_frames_stated: bool = False

    def files(self, *, recursive: bool) -> Sequences:
        """Return the sequences of the files that exist."""
        if not self.names:
            raise click.UsageError("name a PATH, or a database with --db")
        files: list[Location] = []
        patterns = {name: found for name in self.names if (found := sequence_pattern(name, self.settings))}
        for name in self.names:
            pattern = patterns.get(name)
            if pattern and self._may_be_empty(pattern):
                files += located(selected(pattern, self.settings), self.settings)
            else:
                files += expand([name], recursive=recursive, settings=self.settings)
        return self._grouped(files, list(patterns.values()))

    def stored(self, stored: StoredFiles) -> Sequences:
        """Return the sequences of stored files. Nothing is looked for elsewhere."""
        files: list[Location] = []
        patterns: list[Pattern] = []
        for name in self.names:
            names = folder_names(local_name(name, self.settings), self.settings.paths)
            pattern = parse_pattern(names[0])
            found = _matching(stored.locations, pattern) if pattern else _below(stored.locations, names)
            if not found and not self._may_be_empty(pattern):
                raise click.UsageError(f"no stored file is at {name}")
            files += found
            patterns += [pattern] if pattern else []
        return self._grouped(files if self.names else stored.locations, patterns)

    def _may_be_empty(self, pattern: Pattern | None) -> bool:
        return pattern is not None and (self.are_frames_stated or pattern.frames is not None)

    def _grouped(self, files: Iterable[Location], patterns: Sequence[Pattern]) -> Sequences:
        files = {each.canonical: each for each in files}.values()
        found = group(files, lambda each: each.path, [*patterns, self.shows])
        absent = [each for each in patterns if not any(each.span(item.path) for item in files)]
        if not found and not absent:
            raise click.UsageError(f"no .exr file in {', '.join(self.names) or 'the database'}")
        stated = {each.key: each.frames for each in patterns}
        return [
            (each, stated.get(each.key))
            for each in (*found, *(Group[Location](each.key, (), ()) for each in absent))
        ]


def _matching(files: Sequence[Location], pattern: Pattern) -> list[Location]:
    matched = set(pattern.select(each.path for each in files))
    return [each for each in files if each.path in matched]


def _below(files: Sequence[Location], roots: Sequence[str]) -> list[Location]:
    """Return the files with one of the names, or below it if it is a folder, under either of their names."""
    folders = tuple(f"{each}/" for each in roots)
    return [
        each
        for each in files
        if each.path in roots or each.path.startswith(folders) or each.canonical.startswith(folders)
    ]
