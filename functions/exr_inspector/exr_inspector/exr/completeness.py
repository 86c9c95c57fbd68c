"""Whether a file holds every chunk that its header promises, at the price of a few small reads.

The offset table and the head of the last chunk decide for a healthy file. Only if something is wrong
are more heads read: a bisection finds where a zero-filled tail begins, and a scan finds the chunks of a file
without a table.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from exr_inspector.errors import (
    CHUNKS_MISSING,
    COMPLETENESS_UNKNOWN,
    OFFSET_TABLE_MISSING,
    OFFSET_TABLE_REBUILT,
    InspectorError,
)
from exr_inspector.exr.chunks import ChunkHead, ChunkTable, chunk_table
from exr_inspector.exr.header import Header
from exr_inspector.exr.layout import Layout

MAX_TABLE_BYTES = 16 << 20
"""A larger offset table is not read: 16 MiB hold the offsets of two million chunks."""

Read = Callable[[int, int], "bytes | None"]
"""Return `length` bytes of the file from `start`, or None if they must not be read."""


class Completeness(NamedTuple):
    """Whether all chunks are present, their number, and the number that the header promises; None if unknown.

    `error` states the missing chunks. `table` has the offsets that were read or found.
    """

    complete: bool | None = None
    present: int | None = None
    promised: int | None = None
    error: InspectorError | None = None
    table: ChunkTable | None = None

    def present_chunks(self) -> Sequence[int] | None:
        """Return which chunks are there, as indexes in the table's `entries`; None if it is unknown."""
        table = self.table
        if table is None or self.present is None:
            return None
        if table.data_sizes is not None:
            return [entry for entry, size in enumerate(table.data_sizes) if size >= 0]
        if self.present in (0, table.total):
            return range(self.present)
        return (range(table.total) if table.is_in_order() else table.plausible())[: self.present]


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


class _Assessment:
    def __init__(self, table: ChunkTable, read: Read, max_heads: int) -> None:
        self.table = table
        self.read = read
        self.max_heads = max_heads

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
        table = self.table
        entries = range(table.total) if table.is_in_order() else table.plausible()
        try:
            whole = self._count_whole(entries)
        except _UnreadError:
            if len(entries) == table.total:
                return self._answer(None)
            whole = len(entries)
        if whole == table.total:
            return self._answer(True, present=whole)
        return self._incomplete(whole, self._first_missing_line(entries[:whole]))

    def _count_whole(self, entries: Sequence[int]) -> int:
        """Return how many chunks, in the order of the file, lie before the first broken one.

        If the last is broken, a bisection suffices, since a tail that was never written reaches to the end.
        Raises _UnreadError.
        """
        if not entries or self._is_whole(entries[-1]):
            return len(entries)
        low, high = 0, len(entries) - 1
        while low < high:
            middle = (low + high) // 2
            if self._is_whole(entries[middle]):
                low = middle + 1
            else:
                high = middle
        return low

    def _is_whole(self, entry: int) -> bool:
        """Return whether the chunk that an entry promises begins at its offset and ends within the file."""
        found = self._chunk_at(self.table.offset(entry))
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
        offsets, sizes = array("Q", [0]) * table.total, array("q", [-1]) * table.total
        try:
            self._scan(offsets, sizes)
        except _UnreadError:
            return self._answer(
                False if is_cut else None,
                InspectorError(OFFSET_TABLE_MISSING, "the offset table is missing; the chunks may be intact"),
            )
        present = [entry for entry, size in enumerate(sizes) if size >= 0]
        message = f"the offset table is missing; {len(present)} of {table.total} chunks are there"
        if len(present) < table.total:
            message += self._first_missing_line(present)
            error = InspectorError(OFFSET_TABLE_MISSING, message)
            return self._answer(False, error, present=len(present))
        self.table = table.with_offsets(struct.pack(f"<{table.total}Q", *offsets), sizes)
        return self._answer(True, InspectorError(OFFSET_TABLE_REBUILT, message), present=table.total)

    def _scan(self, offsets: array[int], sizes: array[int]) -> None:
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

    def _first_missing_line(self, present: Iterable[int] | None) -> str:
        """Return words about the first scan line that is missing.

        `present` are the entries of the chunks that are there; None if the file ends inside its table, which
        can promise more chunks than any memory has bytes.
        """
        flags = bytearray(0 if present is None else self.table.total)
        for entry in present or ():
            flags[entry] = 1
        for part, layout in enumerate(self.table.layouts):
            first = self.table.entry(part, 0)
            missing = flags.find(0, first, first + self.table.counts[part]) if flags else first
            if not layout.is_tiled and missing >= 0:
                line = layout.y + (missing - first) * layout.chunk_height
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
