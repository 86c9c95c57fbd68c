"""Which sequences and frames of two versions correspond, and what differs between them as a whole."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypedDict, TypeVar

from exr_inspector.compare.header import Change
from exr_inspector.compare.pixels import PixelDiff, Status
from exr_inspector.document.model import ErrorEntry
from exr_inspector.document.serialize import to_json
from exr_inspector.sequences import Group, format_frames

Item = TypeVar("Item")

VERSION = re.compile(r"(?<![A-Za-z0-9])v[0-9]+(?![A-Za-z0-9])", re.IGNORECASE)
"""A version in a name or a folder: `_v012`, `.v2`, `v012/`."""
_PADDING = re.compile(r"[#@]+")


@dataclass(frozen=True)
class SequencePair(Generic[Item]):
    """Two sequences that correspond; None if one side lacks it."""

    a: Group[Item] | None
    b: Group[Item] | None


@dataclass(frozen=True)
class FramePair(Generic[Item]):
    """Two files of one frame; None if one side lacks it. `frame` is None for files without frame."""

    frame: int | None
    a: Item | None
    b: Item | None


class SequenceChange(TypedDict):
    """A header change of some frames. `before` and `after` are None if they differ from frame to frame."""

    what: str
    kind: str
    part: str | None
    name: str
    frames: str
    before: Any
    after: Any


class SequenceDiff(TypedDict):
    """The difference of two sequences. Frames are texts such as `1001-1049, 1052`.

    `channels` has the frames in which a channel's pixels differ, by the channel's name in `a`. `reasons` has
    the frames that could not be compared, by the reason.
    """

    a: str | None
    b: str | None
    status: Status
    equal: str
    different: str
    unknown: str
    added: str
    removed: str
    files: int
    changes: list[SequenceChange]
    channels: dict[str, str]
    reasons: dict[str, str]


def pair_sequences(
    a: Sequence[Group[Item]], b: Sequence[Group[Item]], roots: tuple[str, str] = ("", "")
) -> list[SequencePair[Item]]:
    """Pair the sequences below two roots by their names, in which versions and padding do not count.

    If there is one sequence on each side, they belong together whatever their names.
    """
    if len(a) == len(b) == 1:
        return [SequencePair(a[0], b[0])]
    names: dict[tuple[str, int], list[Group[Item] | None]] = {}
    for side, groups in enumerate((a, b)):
        seen: defaultdict[str, int] = defaultdict(int)
        for group in groups:
            name = versionless(group.key.removeprefix(roots[side]))
            names.setdefault((name, seen[name]), [None, None])[side] = group
            seen[name] += 1
    return [SequencePair(*pair) for _, pair in sorted(names.items())]


def versionless(key: str) -> str:
    """Return a sequence's name with `v#` for versions and `#` for padding: equal for all versions of it."""
    return _PADDING.sub("#", VERSION.sub("v#", key))


def pair_frames(pair: SequencePair[Item]) -> Iterator[FramePair[Item]]:
    """Yield the frames of both sequences, rising."""
    ours, theirs = _by_frame(pair.a), _by_frame(pair.b)
    for frame in sorted(ours.keys() | theirs.keys(), key=lambda each: each if each is not None else 0):
        yield FramePair(frame, ours.get(frame), theirs.get(frame))


def _by_frame(group: Group[Item] | None) -> Mapping[int | None, Item]:
    if group is None:
        return {}
    if not group.frames:
        return {None: group.items[0]}
    return dict(zip(group.frames, group.items, strict=True))


class Frame(NamedTuple):
    """The result for one frame that both sequences have."""

    frame: int | None
    status: Status
    header: Sequence[Change]
    pixels: PixelDiff | None
    errors: Sequence[ErrorEntry] = ()


def summarize(pair: SequencePair[Any], frames: Iterable[Frame]) -> SequenceDiff:
    """Return the difference of two sequences from those of their frames. The frames are not kept."""
    by_status: dict[Status, list[int | None]] = {"equal": [], "different": [], "unknown": []}
    changes: dict[tuple[str, str, str | None, str], _Changed] = defaultdict(_Changed)
    channels: dict[str, list[int | None]] = defaultdict(list)
    reasons: dict[str, list[int | None]] = defaultdict(list)
    for frame, found, header, pixels, errors in frames:
        by_status[found].append(frame)
        for reason in _reasons(pixels, errors) if found == "unknown" else ():
            reasons[reason].append(frame)
        for change in header:
            if not change["is_occasional"]:
                key = change["what"], change["kind"], change["part"], change["name"]
                changes[key].add(frame, change)
        for channel in pixels["channels"] if pixels else ():
            if channel["status"] == "different":
                channels[channel["names"][0]].append(frame)
    groups = pair.a, pair.b
    ours, theirs = (set(group.frames) if group and group.frames else set() for group in groups)
    is_one_sided = None in groups or bool(ours ^ theirs)
    status: Status = "different" if by_status["different"] or is_one_sided else "equal"
    return {
        "a": pair.a.key if pair.a else None,
        "b": pair.b.key if pair.b else None,
        "status": "unknown" if status == "equal" and by_status["unknown"] else status,
        "equal": _text(by_status["equal"]),
        "different": _text(by_status["different"]),
        "unknown": _text(by_status["unknown"]),
        "added": format_frames(theirs - ours),
        "removed": format_frames(ours - theirs),
        "files": sum(map(len, by_status.values())),
        "changes": [changed.result(key) for key, changed in changes.items()],
        "channels": {name: _text(differing) for name, differing in channels.items()},
        "reasons": {reason: _text(unknown) for reason, unknown in reasons.items()},
    }


def _reasons(pixels: PixelDiff | None, errors: Sequence[ErrorEntry]) -> Iterator[str]:
    """Yield why the files of a frame could not be compared, each reason once."""
    found = [f"{each['code']}: {each['message']}" for each in errors]
    if pixels:
        failures = (each for side in pixels["failures"].values() for each in side)
        found += [f"{each['code']}: {each['message']}" for each in failures]
        found += [each["reason"] for each in pixels["channels"] if each["reason"]]
    yield from dict.fromkeys(found)


class _Changed:
    def __init__(self) -> None:
        self.frames: list[int | None] = []
        self.values: set[tuple[str, str]] = set()

    def add(self, frame: int | None, change: Change) -> None:
        self.frames.append(frame)
        if len(self.values) < 2:
            self.values.add((to_json(change["before"]), to_json(change["after"])))
            self.change = change

    def result(self, key: tuple[str, str, str | None, str]) -> SequenceChange:
        what, kind, part, name = key
        is_one = len(self.values) == 1
        before, after = (self.change["before"], self.change["after"]) if is_one else (None, None)
        return {
            "what": what,
            "kind": kind,
            "part": part,
            "name": name,
            "frames": _text(self.frames),
            "before": before,
            "after": after,
        }


def _text(frames: Iterable[int | None]) -> str:
    return format_frames(frame for frame in frames if frame is not None)
