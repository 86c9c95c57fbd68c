"""Hashes of decoded samples: equal pixels have equal hashes, however they are compressed or cut into chunks.

A channel's hash covers its little-endian samples line by line, bit for bit: -0 differs from 0, and NaNs with
different payloads differ. It is that of the decoded pixels, so a lossy compression changes it; PXR24 keeps
half and uint samples, but cuts the lowest byte off float.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

import numpy as np
import xxhash

from exr_inspector.exr.layout import ChannelLayout
from exr_inspector.pixels.places import Block, Window
from exr_inspector.pixels.stream import Channel

MAX_PADDING = 1 << 26
"""Samples outside the data window that are hashed as 0."""
MAX_PADDED_LINE = 1 << 18


def text(data: bytes) -> str:
    """Return the hash of data as it is stored."""
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
        rows = [
            (each.name, each.type, each.layout.x_sampling, each.layout.y_sampling, digest)
            for each, digest in zip(self.channels, found, strict=True)
        ]
        return found, text(json.dumps([self.window, sorted(rows)]).encode())


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
    return text(json.dumps(sorted(known, key=str)).encode())
