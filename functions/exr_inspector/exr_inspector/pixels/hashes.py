"""Hashes of decoded samples: equal pixels have equal hashes, however they are compressed or cut into chunks.

A channel's hash covers its little-endian samples line by line, bit for bit: -0 differs from 0, and NaNs with
different payloads differ. It is that of the decoded pixels, so a lossy compression changes it; PXR24 keeps
half and uint samples, but cuts the lowest byte off float. The hash of a deep channel covers the sample counts
of all pixels, and its samples, pixel after pixel.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

import numpy as np
import xxhash

from exr_inspector.exr.layout import ChannelLayout
from exr_inspector.pixels.places import PIXELS, Array, Block, Window
from exr_inspector.pixels.stream import Channel

MAX_PADDING = 1 << 26
"""Samples outside the data window that are hashed as 0."""
MAX_PADDED_LINE = 1 << 18


def hash_of(data: bytes) -> str:
    """Return the hash of data in its stored form."""
    return f"xxh3_128:{xxhash.xxh3_128_hexdigest(data)}"


class ChannelHash:
    """Hashes the samples of a channel in a window, from blocks of whole lines in order of y.

    Pixels of the window that the blocks do not have count as 0.
    """

    def __init__(self, channel: ChannelLayout, window: Window) -> None:
        _, x, y = channel
        self._rows = range(-(-window.y // y), -(-(window.y + window.height) // y))
        self._columns = range(-(-window.x // x), -(-(window.x + window.width) // x))
        self._x, self._y = x, y
        self._row_bytes = len(self._columns) * channel.sample_bytes
        self._next = self._rows.start
        self._hash = xxhash.xxh3_128()

    def add(self, block: Block) -> None:
        """Add the next lines."""
        if not block.samples.size:
            return
        top, left = int(block.lines[0]) // self._y, int(block.columns[0]) // self._x
        self._pad(min(top, self._rows.stop))
        rows = block.samples[max(self._next - top, 0) : max(self._rows.stop - top, 0)]
        if not len(rows):
            return
        first, last = self._columns.start - left, self._columns.stop - left
        inside = rows[:, max(first, 0) : max(last, 0)]
        if inside.shape[1] == len(self._columns):
            self._hash.update(np.ascontiguousarray(inside).data)
        else:
            line = np.zeros(len(self._columns), rows.dtype)
            for row in inside:
                line[max(-first, 0) : max(-first, 0) + len(row)] = row
                self._hash.update(line.data)
        self._next = top + max(self._next - top, 0) + len(rows)

    def result(self) -> str:
        """Return the hash of all lines of the window."""
        self._pad(self._rows.stop)
        return f"xxh3_128:{self._hash.hexdigest()}"

    def _pad(self, row: int) -> None:
        missing = max(row - self._next, 0) * self._row_bytes
        zeros = bytes(min(missing, 1 << 20))
        while missing:
            self._hash.update(zeros[:missing])
            missing -= min(missing, len(zeros))
        self._next = max(self._next, row)


class WindowHash:
    """Hashes the channels of a part in a window."""

    def __init__(self, channels: Sequence[Channel], window: Window) -> None:
        self.channels = channels
        self.window = window
        self._hashes = [ChannelHash(each.layout, window) for each in channels]

    def add(self, index: int, block: Block) -> None:
        """Add the next lines of a channel."""
        self._hashes[index].add(block)

    def result(self) -> tuple[list[str], str]:
        """Return the hash of each channel, and that of all, in which their order does not count."""
        found = [each.result() for each in self._hashes]
        return found, _part_hash(self.window, self.channels, found)


class DeepHash:
    """Hashes the channels of a deep part in a window, from whole lines in order of y.

    Pixels of the window that the part does not have count as empty.
    """

    def __init__(self, channels: Sequence[Channel], window: Window) -> None:
        self.channels = channels
        self.window = window
        self._counts = ChannelHash(PIXELS, window)
        self._samples = [xxhash.xxh3_128() for _ in channels]

    def add(self, counts: Block, samples: Sequence[Array]) -> None:
        """Add the sample counts of the next lines, and the samples of each channel, pixel after pixel."""
        self._counts.add(counts)
        x, y = counts.columns, counts.lines
        inside = np.outer(
            (y >= self.window.y) & (y < self.window.bottom), (x >= self.window.x) & (x < self.window.right)
        )
        chosen = slice(None) if inside.all() else np.repeat(inside.ravel(), counts.samples.ravel())
        for digest, plane in zip(self._samples, samples, strict=True):
            digest.update(np.ascontiguousarray(plane[chosen]).data)

    def result(self) -> tuple[list[str], str]:
        """Return what `WindowHash.result` does."""
        counts = self._counts.result()
        found = [hash_of(f"{counts} {each.hexdigest()}".encode()) for each in self._samples]
        return found, _part_hash(self.window, self.channels, found)


def _part_hash(window: Window, channels: Sequence[Channel], digests: Sequence[str]) -> str:
    rows = [
        (each.name, each.type, each.layout.x_sampling, each.layout.y_sampling, digest)
        for each, digest in zip(channels, digests, strict=True)
    ]
    return hash_of(json.dumps([window, sorted(rows)]).encode())


def is_hashable(window: Window | None, data: Window) -> bool:
    """Return whether a window meets the data window, and is not so much larger that hashing it takes long."""
    if window is None or not window.meets(data):
        return False
    padding = window.width * window.height - data.width * data.height
    return padding <= MAX_PADDING and window.width <= data.width + MAX_PADDED_LINE


def file_hash(parts: Iterable[str | None]) -> str | None:
    """Return the hash of a file, in which the order of its parts does not count; None if one is unknown."""
    known = list(parts)
    if not known or None in known:
        return None
    return hash_of(json.dumps(sorted(known, key=str)).encode())
