"""Sequences of frames: notations for their files and for their frame numbers, groups, and gaps.

The notation is fileseq's (https://github.com/justinisrael/fileseq), and the patterns of Nuke, Houdini and
printf are read too. fileseq itself is not imported: that takes longer than reading 100 headers, it refuses S3
paths, and it reads `####` as 16 digits. The tests compare with it.
"""

from __future__ import annotations

import re
from bisect import bisect
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from math import gcd
from typing import Generic, NamedTuple, Protocol, TypeVar

from exr_inspector.exr.names import frame_span, padding

Item = TypeVar("Item")

# A notation may name this many frames, and the first and last frame of a sequence may be this far apart.
MAX_FRAMES = 1_000_000

PATH_FIELDS = ("show", "sequence", "shot", "pass", "version")
"""What the configuration of a show finds in a path."""
PATH_COLUMNS = {name: "show_name" if name == "show" else name for name in PATH_FIELDS}
"""The columns of `files` that hold it: `show` is a word of SQL."""

_RANGE = re.compile(r"(-?[0-9]{1,9})(?:-(-?[0-9]{1,9})(?:([xy:])([0-9]{1,9}))?)?")
_FRAMES = r"-?[0-9]+(?:--?[0-9]+(?:[xy:][0-9]+)?)?(?:,\s*-?[0-9]+(?:--?[0-9]+(?:[xy:][0-9]+)?)?)*"
# Padding in a file's name, with fileseq's frames in front of it, or frames in brackets.
_PADDING = re.compile(
    rf"(?:(?:^|(?<=[._\- ]))(?P<frames>{_FRAMES}))?(?:%(?P<printf>0?[0-9]?)d|\$\{{?F(?P<houdini>[0-9]?)\}}?"
    rf"|(?P<marks>[#@]+))|\[(?P<bracket>{_FRAMES})\]"
)


def parse_frames(text: str) -> tuple[int, ...]:
    """Return the frames that fileseq's notation names, rising: `1001-1049, 1052-1240x2`.

    `1-9x2` is every second frame, `1-9y2` the others, and `1-9:2` all of them. Raises ValueError.
    """
    frames: set[int] = set()
    for part in text.split(","):
        found = _RANGE.fullmatch(part.strip())
        if not found:
            raise ValueError(f"{text!r} is not a frame range; write one like 1001-1240, 1300-1310x2")
        first, last = sorted((int(found[1]), int(found[2] or found[1])))
        step = int(found[4] or 1)
        if not step:
            raise ValueError(f"{text!r} has a step of 0")
        if last - first >= MAX_FRAMES or len(frames) > MAX_FRAMES:
            raise ValueError(f"{text!r} has more than {MAX_FRAMES:,} frames")
        if found[3] == ":":
            frames.update(range(first, last + 1))
            continue
        # A falling range steps from its first number, as 10-1x4 does: 10, 6, 2.
        is_falling = int(found[1]) == last
        stepped = range(last, first - 1, -step) if is_falling else range(first, last + 1, step)
        frames.update(set(range(first, last + 1)).difference(stepped) if found[3] == "y" else stepped)
    return tuple(sorted(frames))


def format_frames(frames: Iterable[int]) -> str:
    """Return frames in fileseq's notation: `1001-1049, 1052-1240x2`. A step needs three frames."""
    rising = sorted(set(frames))
    parts = []
    start = 0
    while start < len(rising):
        step = rising[start + 1] - rising[start] if start + 1 < len(rising) else 1
        end = start + 1
        while end < len(rising) and rising[end] - rising[end - 1] == step:
            end += 1
        if end == start + 2 and step > 1:
            end = start + 1
        first, last = rising[start], rising[end - 1]
        parts.append(str(first) if first == last else f"{first}-{last}" + (f"x{step}" if step > 1 else ""))
        start = end
    return ", ".join(parts)


def gaps(frames: Sequence[int]) -> tuple[int, ...] | None:
    """Return the frames that are missing between the first and the last of some frames.

    Three or more frames on a common step, such as renders on twos, lack only frames on that step. The result
    is None if the first and the last are more than MAX_FRAMES steps apart: such numbers are not frames.
    """
    present = sorted(set(frames))
    if len(present) < 2:
        return ()
    step = gcd(*(b - a for a, b in pairwise(present))) if len(present) > 2 else 1
    whole = range(present[0], present[-1] + 1, step)
    return None if len(whole) > MAX_FRAMES else tuple(sorted(set(whole).difference(present)))


@dataclass(frozen=True)
class Pattern:
    """A name for all files of a sequence: `beauty.#.exr`, `beauty.%04d.exr`, `beauty.[1001-1240].exr`."""

    before: str
    """The path in front of the frame. `*`, `?` and `**` are wildcards; a backslash is a separator."""
    after: str
    widths: tuple[int, ...]
    """Least numbers of characters of a frame, in the order in which they are tried."""
    frames: tuple[int, ...] | None = None
    """The frames that the pattern names; None if it names none."""

    @property
    def key(self) -> str:
        """The name of the sequence, as `sequence_key` in the catalog."""
        return self.path_of(padding(self.widths[0]))

    def path_of(self, frame: int | str) -> str:
        """Return the path of a frame, or of the text that stands for it."""
        text = frame if isinstance(frame, str) else str(frame).zfill(self.widths[0])
        return self.before + text + self.after

    @property
    def glob(self) -> str:
        """The pattern for `glob.glob`: it matches all files of the sequence, and others."""
        return "*".join(each.replace("[", "[[]") for each in (self.before, self.after))

    @cached_property
    def _regex(self) -> re.Pattern[str]:
        wildcards = {"**/": "(?:.*/)?", "*": "[^/]*", "?": "[^/]"}
        before, after = (
            "".join(wildcards.get(each) or re.escape(each) for each in re.split(r"(\*\*/|[*?])", text))
            for text in (self.before, self.after)
        )
        return re.compile(f"{before}(-?[0-9]{{1,9}}){after}", re.DOTALL)

    def span(self, path: str) -> tuple[int, int] | None:
        """Return where the frame is in a path; None if the path does not match."""
        found = self._regex.fullmatch(path)
        return found.span(1) if found else None

    def select(self, paths: Iterable[str]) -> list[str]:
        """Return the paths that match, in order; with `frames`, only those of these frames."""
        found = [(path[slice(*span)], path) for path in paths if (span := self.span(path))]
        for width in self.widths:
            selected = [(text, path) for text, path in found if _is_padded(text, width)]
            if selected:
                wanted = None if self.frames is None else set(self.frames)
                return [path for text, path in selected if wanted is None or int(text) in wanted]
        return []


def parse_pattern(text: str) -> Pattern | None:
    """Return the pattern that a user means; None if the text has no padding in its last element.

    `####` is four digits as in Nuke, or else 16 as in fileseq. `#` is four, or else as few as there are.
    Raises ValueError if its frames have a step of 0 or are too many.
    """
    folder_end = max(text.rfind("/"), text.rfind("\\")) + 1
    found = None
    for each in _PADDING.finditer(text, folder_end):
        found = each
    if found is None:
        return None
    notation = found["frames"] or found["bracket"]
    if found["bracket"]:
        if not re.search("[0-9]{2}|,", notation):
            return None  # [0-9] is a wildcard
        widths: tuple[int, ...] = (min(map(len, re.findall("[0-9]+", notation))),)
    elif marks := found["marks"]:
        fileseq_width = 4 * marks.count("#") + marks.count("@")
        widths = tuple(dict.fromkeys((4, 1) if marks == "#" else (len(marks), fileseq_width)))
    else:
        widths = (int(found["printf"] or found["houdini"] or 1),)
    frames = parse_frames(notation) if notation else None
    return Pattern(text[: found.start()], text[found.end() :], widths, frames)


@dataclass(frozen=True)
class Group(Generic[Item]):
    """The files of one sequence, by rising frame; or one file whose name has no frame."""

    key: str
    """The name of the sequence, as `sequence_key` in the catalog; the path of a file without frame."""
    items: tuple[Item, ...]
    frames: tuple[int, ...]
    """The frame of each item; empty for a file without frame."""


class PathFields(NamedTuple):
    """What a path says by the configuration of its show: its fields, and where its frame is."""

    fields: Mapping[str, str]
    span: tuple[int, int] | None = None


class HasSpan(Protocol):
    """What knows where the frame is in some paths."""

    def span(self, path: str) -> tuple[int, int] | None:
        """Return where the frame is in a path; None if it does not know."""


def group(
    items: Iterable[Item], path: Callable[[Item], str], patterns: Sequence[HasSpan] = ()
) -> list[Group[Item]]:
    """Return the sequences of some files, in order of their keys; `path` returns an item's path.

    The frame is where the first pattern that matches has it, or else where `frame_span` finds it. Files of
    different padding are different sequences, as in fileseq. A frame that is longer than the padding belongs
    to the sequence of the shorter ones: `beauty.10000.exr` to that of `beauty.9999.exr`.
    """
    names: dict[tuple[str, str], dict[str, Item]] = defaultdict(dict)
    groups: list[Group[Item]] = []
    for item in items:
        name = path(item)
        span = next(filter(None, (each.span(name) for each in patterns)), None) or frame_span(name)
        if span is None:
            groups.append(Group(name, (item,), ()))
        else:
            names[name[: span[0]], name[span[1] :]][name[slice(*span)]] = item
    for (before, after), members in names.items():
        widths = sorted({len(text) for text in members if not _is_padded(text, 1)})
        by_width: dict[int, list[tuple[int, str]]] = defaultdict(list)
        for text in sorted(members, key=len):
            if not widths or len(text) < widths[0]:
                widths.insert(0, len(text))
            by_width[widths[bisect(widths, len(text)) - 1]].append((int(text), text))
        for width, frames in by_width.items():
            frames.sort()
            found = tuple(members[text] for _, text in frames)
            groups.append(Group(before + padding(width) + after, found, tuple(frame for frame, _ in frames)))
    return sorted(groups, key=lambda each: each.key)


def _is_padded(text: str, width: int) -> bool:
    """Return whether a frame is written with this padding: with zeros up to `width`, and longer without."""
    return str(int(text)).zfill(width) == text
