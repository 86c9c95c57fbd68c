"""Whether a file holds every chunk that its header promises, at the price of a few small reads.

The offset table and the head of the last chunk decide for a healthy file. Only if something is wrong
are more heads read: a bisection finds where a zero-filled tail begins, and a scan finds the chunks of a file
without a table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from exr_inspector.errors import (
    CHUNKS_MISSING,
    COMPLETENESS_UNKNOWN,
    OFFSET_TABLE_MISSING,
    OFFSET_TABLE_REBUILT,
    InspectorError,
)
from exr_inspector.exr.chunks import ChunkHead, ChunkTable, Offsets, Sizes, chunk_table
from exr_inspector.exr.header import Header
from exr_inspector.exr.layout import Layout

MAX_TABLE_BYTES = 16 << 20
"""A larger offset table is not read: 16 MiB hold the offsets of two million chunks."""

Read = Callable[[int, int], "bytes | None"]
"""Return `length` bytes of the file from `start`, or None if they must not be read."""

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Completeness:
    """Whether all chunks are there, how many are, and how many the header promises; None if unknown.

    `error` states what is missing. `table` has the offsets that were read or found.
    """

    complete: bool | None = None
    present: int | None = None
    promised: int | None = None
    error: InspectorError | None = None
    table: ChunkTable | None = None


UNKNOWN = Completeness()


def unexamined(header: Header, file_size: int) -> Completeness:
    """Return what the header alone states, without looking at any chunk."""
    table = chunk_table(header, file_size)
    return Completeness(promised=table.total if table else None, table=table)


def assess(header: Header, read: Read, file_size: int, max_heads: int) -> Completeness:
    """Return how complete a file is.

    Reads the offset table and the head of the last chunk; of an incomplete file also the heads that tell how
    much is there, at most `max_heads` of them.
    """
    table = chunk_table(header, file_size)
    return UNKNOWN if table is None else _Assessment(table, read, max_heads).result()


class _UnreadError(Exception):
    """Bytes that decide must not be read."""


@dataclass
class _Assessment:
    table: ChunkTable
    read: Read
    max_heads: int

    def result(self) -> Completeness:
        table = self.table
        if table.end > table.file_size:
            return self._incomplete(0, self._first_missing_line(None))
        length = table.end - table.start
        is_cut = table.file_size < table.min_file_size
        if length > MAX_TABLE_BYTES:
            return self._incomplete() if is_cut else self._too_large(length)
        raw = self.read(table.start, length)
        if raw is None or len(raw) < length:
            return self._incomplete() if is_cut else self._answer(None)
        self.table = table.with_offsets(raw)
        return self._by_offsets() if raw.strip(b"\0") else self._by_scan(is_cut=is_cut)

    # --- a table that was written ---

    def _by_offsets(self) -> Completeness:
        """Judge by the offsets, then by the head of the last chunk that they leave."""
        if self._is_in_order():
            present, entries = np.ones(self.table.total, bool), np.arange(self.table.total)
        else:
            present = self._plausible()
            entries = np.flatnonzero(present)
            entries = entries[np.argsort(self.table.entries[entries], kind="stable")]
        try:
            if len(entries) and not self._is_whole(int(entries[-1])):
                present[entries[self._count_whole(entries) :]] = False
        except _UnreadError:
            if present.all():
                return self._answer(None)
        if present.all():
            return self._answer(True, present=self.table.total)
        return self._incomplete(int(present.sum()), self._first_missing_line(present))

    def _is_in_order(self) -> bool:
        """Return whether the chunks lie in the table's order, each with room for the least that it can have.

        Most tables pass this quick check; `_plausible` examines the others entry by entry.
        """
        offsets = self.table.entries
        needed = max(layout.head_size + layout.min_data_size for layout in self.table.layouts)
        first, last = int(offsets[0]), int(offsets[-1])
        if first < self.table.end or last + needed > self.table.file_size:
            return False
        following = offsets[1:]
        return bool((following > offsets[:-1]).all() and (following - offsets[:-1] >= needed).all())

    def _plausible(self) -> Flags:
        """Return which entries point to a place of their own that can hold their chunk.

        Of entries with the same offset only the first counts. A chunk that another one begins in is missing.
        """
        offsets, layouts = self.table.entries, self.table.layouts
        sizes = [layout.head_size + layout.min_data_size for layout in layouts]
        needed = self.table.per_entry(sizes).astype(np.uint64)
        end = np.uint64(self.table.file_size)
        present: Flags = (offsets >= np.uint64(self.table.end)) & (offsets <= end) & (needed <= end - offsets)
        order = np.flatnonzero(present)
        order = order[np.argsort(offsets[order], kind="stable")]
        gaps = np.diff(offsets[order])
        present[order[1:][gaps == 0]] = False
        present[order[:-1][(gaps > 0) & (gaps < needed[order[:-1]])]] = False
        return present

    def _count_whole(self, entries: npt.NDArray[np.int64]) -> int:
        """Return how many chunks, in the order of the file, lie before the first broken one.

        The last is broken. A bisection suffices, since a tail that was never written reaches to the end.
        """
        low, high = 0, len(entries) - 1
        while low < high:
            middle = (low + high) // 2
            if self._is_whole(int(entries[middle])):
                low = middle + 1
            else:
                high = middle
        return low

    def _is_whole(self, entry: int) -> bool:
        """Return whether the chunk that an entry promises begins at its offset and ends within the file."""
        found = self._chunk_at(int(self.table.entries[entry]))
        return found is not None and found.entry == entry

    def _chunk_at(self, place: int) -> _Found | None:
        """Return the chunk that begins at `place`; None if no chunk of the file can begin or end there.

        Raises _UnreadError.
        """
        raw = self.read(place, self.table.max_head_size)
        if raw is None:
            raise _UnreadError
        head = self.table.head(raw)
        if head is None:
            return None
        layout = self.table.layouts[head.part]
        index = layout.index(head.coordinates)
        size = head.table_size + head.samples_size
        end = place + layout.head_size + size
        if index is None or end > self.table.file_size or not _has_data(head, layout, index):
            return None
        return _Found(self.table.entry(head.part, index), size, end)

    # --- a table of zeros ---

    def _by_scan(self, *, is_cut: bool) -> Completeness:
        """Search for the chunks one after another, as readers do that rebuild the table."""
        table = self.table
        offsets, sizes = np.zeros(table.total, np.uint64), np.full(table.total, -1, np.int64)
        try:
            self._scan(offsets, sizes)
        except _UnreadError:
            return self._answer(
                False if is_cut else None,
                InspectorError(OFFSET_TABLE_MISSING, "the offset table is missing; the chunks may be intact"),
            )
        present = sizes >= 0
        message = f"the offset table is missing; {present.sum()} of {table.total} chunks are there"
        if not present.all():
            message += self._first_missing_line(present)
            error = InspectorError(OFFSET_TABLE_MISSING, message)
            return self._answer(False, error, present=int(present.sum()))
        self.table = table.with_entries(offsets, sizes)
        return self._answer(True, InspectorError(OFFSET_TABLE_REBUILT, message), present=table.total)

    def _scan(self, offsets: Offsets, sizes: Sizes) -> None:
        """Fill in the chunks that lie one behind the other. Raises _UnreadError."""
        place = self.table.end
        for _ in range(min(self.max_heads, self.table.total)):
            found = self._chunk_at(place) if place < self.table.file_size else None
            if found is None or sizes[found.entry] >= 0:
                return
            offsets[found.entry], sizes[found.entry] = place, found.size
            place = found.end
        if self.max_heads < self.table.total:
            raise _UnreadError

    # --- answers ---

    def _answer(
        self, complete: bool | None, error: InspectorError | None = None, present: int | None = None
    ) -> Completeness:
        return Completeness(complete, present, self.table.total, error, self.table)

    def _too_large(self, length: int) -> Completeness:
        if self.read(self.table.start, 1) is None:  # nothing is to be looked at
            return self._answer(None)
        message = f"the offset table has {length} bytes, more than the {MAX_TABLE_BYTES} that are read"
        return self._answer(None, InspectorError(COMPLETENESS_UNKNOWN, message))

    def _incomplete(self, present: int | None = None, first_line: str = "") -> Completeness:
        """Return that chunks are missing; `present` is None if it is unknown how many are there."""
        promise = f"{self.table.total} chunks"
        found = (
            f"the file holds {present} of {promise}"
            if present is not None
            else (f"the file has {self.table.file_size} bytes, too few for its {promise}")
        )
        return self._answer(False, InspectorError(CHUNKS_MISSING, found + first_line), present)

    def _first_missing_line(self, present: Flags | None) -> str:
        """Return words about the first scan line that is missing; `present` is None if no chunk is there."""
        for part, layout in enumerate(self.table.layouts):
            first = self.table.entry(part, 0)
            flags = np.zeros(1, bool) if present is None else present[first : first + self.table.counts[part]]
            if not layout.is_tiled and not flags.all():
                line = layout.y + int(flags.argmin()) * layout.chunk_height
                where = f" of part {part}" if layout.is_multipart else ""
                return f"; the first missing scan line{where} is {line}"
        return ""


class _Found(NamedTuple):
    """A chunk: its index in the table's `entries`, the size of its data, and the byte behind it."""

    entry: int
    size: int
    end: int


def _has_data(head: ChunkHead, layout: Layout, index: int) -> bool:
    """Return whether a head states as many bytes as its chunk needs; a chunk without samples needs none."""
    if layout.is_deep:
        return head.table_size > 0 and head.samples_size >= 0
    needed = layout.unpacked_size(index) or 0
    return head.samples_size >= (needed if layout.compression == "none" else min(needed, 1))
