"""Read chunks by ranges, and check each before it is used."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import NamedTuple

from exr_inspector.errors import CHUNK_CORRUPT, CHUNKS_MISSING, PIXELS_LIMIT
from exr_inspector.exr.chunks import ChunkTable
from exr_inspector.pixels.plan import GROUP_CHUNKS, Unit
from exr_inspector.pixels.stitch import RawChunk
from exr_inspector.sources.local import LocalFile
from exr_inspector.sources.read_ahead import ReadAhead

MAX_GAP = 1 << 20
"""Bytes that are read for nothing rather than with a request of their own: its latency costs as much."""
MAX_WIDTH = 1 << 22
SAMPLE_GAP = 1 << 16
"""The same for a sample, whose bytes count."""
MAX_REQUEST = 8 << 20
"""Bytes of one request, unless a single chunk is larger."""
IN_FLIGHT = 3
"""Requests at once, besides the one whose chunks are decoded."""


class Span(NamedTuple):
    """Where a chunk lies in the file, its head included."""

    chunk: int
    offset: int
    size: int


class ChunkError(Exception):
    """A chunk cannot be used; the message is its reason."""

    fault = CHUNK_CORRUPT


class MissingChunkError(ChunkError):
    """A chunk is not in the file."""

    fault = CHUNKS_MISSING


class LargeChunkError(ChunkError):
    """A chunk unpacks to more than the memory of the instance suffices for."""

    fault = PIXELS_LIMIT


Found = dict[int, "RawChunk | ChunkError"]
"""Chunks by their index, or why they cannot be used."""


@dataclass
class _Batch:
    """Groups that are read together. `found` has the chunks, once `requests` were answered."""

    groups: list[list[Unit]] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    requests: list[list[Span]] = field(default_factory=list)
    found: Found = field(default_factory=dict)


@dataclass
class ChunkReader:
    """Reads the chunks of one part. `table` holds the offsets. `bytes_read` counts the requested bytes."""

    ahead: ReadAhead
    table: ChunkTable
    part: int
    max_chunk: int
    """Bytes to which a chunk may unpack."""
    counts_only: bool = False
    """Whether only the sample counts of deep chunks are read, and not their samples."""
    bytes_read: int = 0
    requests: int = 0
    max_gap: int = MAX_GAP
    _lock: threading.Lock = field(init=False, default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.layout = self.table.layouts[self.part]
        reach = self.table.packed_sizes(self.part).sizes
        if self.counts_only:  # packed or not, the table has no more bytes than this
            reach = reach.clip(max=4 * self.layout.chunk_width * self.layout.chunk_height)
            self.max_gap = SAMPLE_GAP if isinstance(self.ahead.source, LocalFile) else MAX_GAP
        self._reach: list[int] = reach.tolist()
        sizes = self.layout.unpacked_sizes()
        self._unpacked: list[int] | None = None if sizes is None else sizes.tolist()
        assert self.table.offsets is not None
        self._offsets: list[int] = self.table.offsets[self.part].tolist()

    def unpacked_size(self, index: int) -> int:
        """Return the bytes of a chunk's samples; of deep chunks, which state it themselves, an estimate."""
        return 4 * self.packed_size(index) if self._unpacked is None else self._unpacked[index]

    def packed_size(self, index: int) -> int:
        """Return the upper bound of the bytes of a chunk's data that are read; 0 if it is not in the file."""
        return max(self._reach[index], 0)

    def read(self, groups: Iterable[list[Unit]]) -> Iterator[tuple[list[Unit], Found]]:
        """Yield each group with its chunks, or why they cannot be used, and read ahead meanwhile.

        Groups that fit into one request are read together. At most IN_FLIGHT + 1 requests are held. Raises
        what the source raises.
        """
        if isinstance(self.ahead.source, LocalFile):  # the kernel reads ahead
            for batch in self._batches(groups):
                yield from self._chunks(batch, map(self._fetch, batch.requests))
            return
        pool = ThreadPoolExecutor(IN_FLIGHT)
        waiting = deque[tuple[_Batch, list[Future[memoryview]]]]()
        try:
            for batch in self._batches(groups):
                waiting.append((batch, [pool.submit(self._fetch, each) for each in batch.requests]))
                while sum(len(futures) for _, futures in waiting) > IN_FLIGHT:
                    first, futures = waiting.popleft()
                    yield from self._chunks(first, (future.result() for future in futures))
            for first, futures in waiting:
                yield from self._chunks(first, (future.result() for future in futures))
        finally:
            pool.shutdown(cancel_futures=True)

    def _batches(self, groups: Iterable[list[Unit]]) -> Iterator[_Batch]:
        """Yield consecutive groups of up to MAX_REQUEST bytes and GROUP_CHUNKS, or one that is larger."""
        batch, size = _Batch(), 0
        for group in groups:
            spans, errors = [], {}
            for index in (index for unit in group for index in unit):
                try:
                    spans.append(self._span(index))
                except ChunkError as error:
                    errors[index] = error
            more = sum(span.size for span in spans)
            held = len(batch.spans) + len(batch.found) + len(spans) + len(errors)
            if batch.groups and (size + more > MAX_REQUEST or held > GROUP_CHUNKS):
                yield self._merged(batch)
                batch, size = _Batch(), 0
            batch.groups.append(group)
            batch.spans += spans
            batch.found.update(errors)
            size += more
        if batch.groups:
            yield self._merged(batch)

    def _merged(self, batch: _Batch) -> _Batch:
        batch.requests = list(merge(sorted(batch.spans, key=lambda span: span.offset), self.max_gap))
        return batch

    def _fetch(self, spans: list[Span]) -> memoryview:
        """Return the bytes from the first span to the end of the last one."""
        start = spans[0].offset
        length = max(span.offset + span.size for span in spans) - start
        held = self.ahead.held(start, length)
        if held is None:
            held = self.ahead.source.read(start, length)
            with self._lock:
                self.bytes_read += length
                self.requests += 1
        return memoryview(held)

    def _chunks(self, batch: _Batch, data: Iterable[memoryview]) -> Iterator[tuple[list[Unit], Found]]:
        for spans, held in zip(batch.requests, data, strict=True):
            start = spans[0].offset
            for span in spans:
                raw = held[span.offset - start : span.offset - start + span.size]
                try:
                    batch.found[span.chunk] = self._chunk(span, raw)
                except ChunkError as error:
                    batch.found[span.chunk] = error
        for group in batch.groups:
            yield group, {index: batch.found.pop(index) for unit in group for index in unit}

    def _span(self, index: int) -> Span:
        """Return where a chunk lies; at most as far as it can reach, since the head is not known yet."""
        reach = self._reach[index]
        if reach < 0:
            raise MissingChunkError("the offset table has no valid offset for the chunk")
        if self.layout.widths[0] > MAX_WIDTH:
            raise LargeChunkError(
                f"the image is {self.layout.widths[0]} pixels wide; {MAX_WIDTH} are allowed"
            )
        limit = self.max_chunk if self._unpacked is None else self._unpacked[index]
        if limit > self.max_chunk:
            raise LargeChunkError(
                f"the chunk unpacks to {limit} bytes, more than the {self.max_chunk} allowed"
            )
        return Span(index, self._offsets[index], self.layout.head_size + min(reach, limit))

    def _chunk(self, span: Span, raw: memoryview) -> RawChunk:
        """Return the chunk that begins at a span's offset. Raises ChunkError if its head is not credible."""
        layout = self.layout
        head = self.table.head(bytes(raw[: layout.head_size]))
        pixels = layout.chunk(span.chunk)
        if head is None or (head.part, head.coordinates) != (self.part, pixels.coordinates):
            raise MissingChunkError("another chunk, or none, lies at the chunk's offset")
        table, size = head.table_size, head.samples_size
        if table < 0 or size < 0:
            raise ChunkError(f"the head states the sizes {table} and {size}")
        start, needed = layout.head_size, table if self.counts_only else table + size
        is_cut = span.offset + start + table + size > self.table.file_size
        if is_cut or start + needed > len(raw):
            kind = MissingChunkError if is_cut else ChunkError
            raise kind(f"the head states {table + size} bytes, more than can be there")
        unpacked = head.unpacked_size or 0
        counts_size = 4 * pixels.width * pixels.height if layout.is_deep else 0
        held = counts_size + (0 if self.counts_only else unpacked)
        if unpacked < 0 or held > self.max_chunk:
            message = f"the chunk unpacks to {unpacked} bytes and {counts_size} of sample counts"
            raise LargeChunkError(f"{message}, more than the {self.max_chunk} allowed")
        counts, data = raw[start : start + table], raw[start + table : start + needed]
        return RawChunk(pixels, data, counts, unpacked)


def merge(spans: Iterable[Span], max_gap: int) -> Iterator[list[Span]]:
    """Yield the spans, sorted by offset, in requests: near ones together, up to MAX_REQUEST bytes."""
    merged: list[Span] = []
    end = 0
    for span in spans:
        reach = span.offset + span.size
        if merged and (span.offset > end + max_gap or reach - merged[0].offset > MAX_REQUEST):
            yield merged
            merged = []
        end = max(end, reach)
        merged.append(span)
    if merged:
        yield merged
