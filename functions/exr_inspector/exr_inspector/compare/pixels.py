"""How far the pixels of two files are apart: both are decoded in lockstep, a few lines at a time.

Compression, tiling, parts, and the order of lines and channels do not matter: the pixel engine gives lines in
order of y for any of them. Only the full-resolution images are compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import groupby
from typing import Any, Literal, NamedTuple, TypedDict

import numpy as np

from exr_inspector.compare.channels import Hashes, Matched
from exr_inspector.compare.heatmap import HeatMap
from exr_inspector.compare.samples import EXACT, SampleComparison, SampleDiff, Tolerance
from exr_inspector.compare.strips import Array, Strip, lockstep
from exr_inspector.document.model import Channel
from exr_inspector.exr import facts
from exr_inspector.pixels.pixel_file import PixelFile
from exr_inspector.pixels.places import Block, Window, data_window
from exr_inspector.pixels.stream import PartStream

Pair = tuple[Channel, Channel]
Status = Literal["equal", "different", "unknown"]


class ChannelDiff(TypedDict):
    """The difference of two channels. `parts` and `names` are those of each file.

    `status` is `unknown` if nothing differs but not everything was compared: `lines_missing` of the `lines`
    that both have were not decoded, or a `reason` says why nothing was. `numbers` is None in the mode `hash`.
    """

    parts: tuple[int, int]
    names: tuple[str, str]
    status: Status
    reason: str
    lines: int
    lines_missing: int
    numbers: SampleDiff | None


class WindowDiff(TypedDict):
    """Two data windows that differ, and the pixels that were compared; None if they share none."""

    parts: tuple[int, int]
    a: facts.Window
    b: facts.Window
    both: facts.Window | None


class PixelDiff(TypedDict):
    """The differences of all channels that correspond. `only_a` and `only_b` are the names of the others.

    `renamed` has pairs of channels whose pixels are equal.

    `sample_counts` are channels of their own, one for each pair of deep parts; the samples of a deep channel
    are compared in pixels with equal counts. `failures` are those of decoding each file.
    """

    mode: Literal["hash", "full"]
    status: Status
    channels: list[ChannelDiff]
    renamed: list[Pair]
    sample_counts: list[ChannelDiff]
    only_a: list[str]
    only_b: list[str]
    windows: list[WindowDiff]
    failures: dict[Literal["a", "b"], list[dict[str, Any]]]


def diff_pixels(
    a: PixelFile,
    b: PixelFile,
    matched: Matched,
    tolerance: Tolerance = EXACT,
    heat_maps: list[HeatMap] | None = None,
) -> PixelDiff:
    """Compare the pixels of channels that correspond. Raises what the sources raise.

    A map of the differences of each pair of flat parts is appended to `heat_maps`.
    """

    def indexes(pair: Pair) -> tuple[int, int]:
        return pair[0]["part_index"], pair[1]["part_index"]

    pairs = sorted(matched.pairs, key=indexes)
    parts = [_Parts(a, b, key, list(found), tolerance) for key, found in groupby(pairs, indexes)]
    for part in parts:
        if heat_maps is not None and part.both and not part.reason() and not part.counts:
            part.heat = HeatMap(part.both)
            heat_maps.append(part.heat)
        part.compare()
    channels = [each for part in parts for each in part.results(part.comparisons)]
    counts = [each for part in parts if part.counts for each in part.results([part.counts])]
    return {
        **_verdict("full", matched, channels, counts),
        "windows": [part.window_diff() for part in parts if part.windows[0] != part.windows[1]],
        "failures": {"a": _failures(part.a for part in parts), "b": _failures(part.b for part in parts)},
    }


def diff_hashes(matched: Matched, hashes_a: Hashes, hashes_b: Hashes) -> PixelDiff:
    """Compare the hashes of channels that correspond: of all pixels of their data windows."""
    channels: list[ChannelDiff] = []
    for a, b in matched.pairs:
        found = hashes_a.get((a["part_index"], a["name"])), hashes_b.get((b["part_index"], b["name"]))
        channels.append(
            {
                "parts": (a["part_index"], b["part_index"]),
                "names": (a["name"], b["name"]),
                "status": "unknown" if None in found else "equal" if found[0] == found[1] else "different",
                "reason": "a hash is not known" if None in found else "",
                "lines": 0,
                "lines_missing": 0,
                "numbers": None,
            }
        )
    return _verdict("hash", matched, channels, [])


def _verdict(
    mode: Literal["hash", "full"],
    matched: Matched,
    channels: list[ChannelDiff],
    counts: list[ChannelDiff],
) -> PixelDiff:
    statuses = {each["status"] for each in (*channels, *counts)}
    is_different = "different" in statuses or bool(matched.only_a or matched.only_b)
    return {
        "mode": mode,
        "status": "different" if is_different else "unknown" if "unknown" in statuses else "equal",
        "channels": channels,
        "renamed": matched.renamed,
        "sample_counts": counts,
        "only_a": [each["name"] for each in matched.only_a],
        "only_b": [each["name"] for each in matched.only_b],
        "windows": [],
        "failures": {"a": [], "b": []},
    }


def _failures(streams: Iterator[PartStream]) -> list[dict[str, Any]]:
    return [failure for stream in streams for failure in stream.failures.values()]


class _Comparison(NamedTuple):
    """Two channels that are compared, and their positions among those of both streams."""

    names: tuple[str, str]
    indexes: tuple[int, int]
    reason: str
    samples: SampleComparison


class _Parts:
    """Compares the channels of a part of one file with those of a part of the other."""

    def __init__(
        self, a: PixelFile, b: PixelFile, parts: tuple[int, int], pairs: list[Pair], tolerance: Tolerance
    ) -> None:
        self.parts = parts
        wanted = [{pair[side]["name"] for pair in pairs} for side in (0, 1)]
        self.a, self.b = (file.stream(part) for file, part in zip((a, b), parts, strict=True))
        for stream, names in zip((self.a, self.b), wanted, strict=True):
            stream.channels = [each for each in stream.channels if each.name in names]
        self.positions = [
            {each.name: index for index, each in enumerate(stream.channels)} for stream in (self.a, self.b)
        ]
        self.windows = data_window(self.a.layout), data_window(self.b.layout)
        self.both = self.windows[0].overlap(self.windows[1])
        self.lines_missing = 0
        self.heat: HeatMap | None = None
        self.comparisons = [self._comparison(pair, tolerance) for pair in pairs]
        self.counts: _Comparison | None = None
        is_deep = self.a.layout.is_deep and self.b.layout.is_deep
        if is_deep and not self.reason():
            self.counts = _Comparison(("", ""), (0, 0), "", SampleComparison())

    def _comparison(self, pair: Pair, tolerance: Tolerance) -> _Comparison:
        names = pair[0]["name"], pair[1]["name"]
        indexes = [positions[name] for positions, name in zip(self.positions, names, strict=True)]
        layouts = self.a.channels[indexes[0]].layout, self.b.channels[indexes[1]].layout
        reason = self.reason()
        if layouts[0][1:] != layouts[1][1:]:
            reason = "the channels have different sampling"
        return _Comparison(names, (indexes[0], indexes[1]), reason, SampleComparison(tolerance))

    def reason(self) -> str:
        """Return why the parts cannot be compared; an empty text if they can."""
        layouts = self.a.layout, self.b.layout
        if layouts[0].is_deep != layouts[1].is_deep:
            return "one part is deep, and the other is not"
        return "" if self.both else "the data windows have no pixel in common"

    def compare(self) -> None:
        """Decode both parts, and compare all lines that both have."""
        comparisons = [each for each in self.comparisons if not each.reason]
        if not comparisons:
            return
        add = self._add_deep if self.counts else self._add_flat
        for pixels, ours, theirs in lockstep(self.a, self.b):
            if ours.blocks is None or theirs.blocks is None:
                self.lines_missing += pixels.height
            else:
                add(comparisons, pixels, ours, theirs)

    def _add_flat(self, comparisons: list[_Comparison], pixels: Window, ours: Strip, theirs: Strip) -> None:
        for each in comparisons:
            a, b = ours.cut(each.indexes[0], pixels), theirs.cut(each.indexes[1], pixels)
            each.samples.add(a.samples, b.samples, _place(a))
            if self.heat:
                self.heat.add(a, b.samples)

    def _add_deep(self, comparisons: list[_Comparison], pixels: Window, ours: Strip, theirs: Strip) -> None:
        assert self.counts is not None
        counts = ours.cut(0, pixels)
        others, place = theirs.cut(0, pixels).samples, _place(counts)
        self.counts.samples.add(counts.samples, others, place)
        chosen: Array = counts.samples == others
        pixel_of = np.repeat(np.flatnonzero(chosen), counts.samples[chosen])
        for each in comparisons:
            a = ours.deep(each.indexes[0], pixels, chosen)
            b = theirs.deep(each.indexes[1], pixels, chosen)
            each.samples.add(a, b, lambda index: place(int(pixel_of[index])))

    def results(self, comparisons: list[_Comparison]) -> Iterator[ChannelDiff]:
        """Yield the differences that comparisons found."""
        lines = self.both.height if self.both else 0
        for names, _, reason, samples in comparisons:
            found = samples.result()
            missing = lines if reason else self.lines_missing
            yield {
                "parts": self.parts,
                "names": names,
                "status": "different"
                if found["over_tolerance"]
                else "unknown"
                if reason or missing
                else "equal",
                "reason": reason,
                "lines": lines,
                "lines_missing": missing,
                "numbers": found,
            }

    def window_diff(self) -> WindowDiff:
        """Return both data windows, and the compared window."""
        a, b = map(_window, self.windows)
        return {"parts": self.parts, "a": a, "b": b, "both": _window(self.both) if self.both else None}


def _place(block: Block) -> Callable[[int], tuple[int, int]]:
    """Return the function that gives the x and y of a sample, by its position in a block."""
    width = len(block.columns)
    return lambda index: (int(block.columns[index % width]), int(block.lines[index // width]))


def _window(pixels: Window) -> facts.Window:
    return {"min": {"x": pixels.x, "y": pixels.y}, "max": {"x": pixels.right - 1, "y": pixels.bottom - 1}}
