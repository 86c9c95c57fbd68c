"""The chunk offset table: where each chunk of a file begins, and what its head states.

Behind the header, each part has one 64-bit file offset per chunk. Writers fill the table in last, so a file
that was cut short still opens everywhere; only the table and the chunks' heads reveal it.
"""

from __future__ import annotations

import sys
from array import array
from dataclasses import dataclass
from operator import sub
from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

from exr_inspector.exr.header import Header, Part
from exr_inspector.exr.layout import Layout, part_layout

if TYPE_CHECKING:  # numpy takes 100 ms to import, and the table of one healthy file does without
    import numpy as np
    import numpy.typing as npt

    Offsets = npt.NDArray[np.uint64]
    Sizes = npt.NDArray[np.int64]

MAX_WITHOUT_NUMPY = 2048
"""Offsets that are compared without numpy, whose import takes as long as comparing a million of them."""
MIN_WITH_NUMPY = 128
"""Offsets that numpy compares faster than Python if it is imported already."""

_OFFSET = Struct("<Q")
_LINE, _TILE = Struct("<i"), Struct("<4i")
_FLAT_SIZE, _DEEP_SIZES = Struct("<i"), Struct("<qqq")


class ChunkHead(NamedTuple):
    """What a chunk's head states, unchecked: sizes may be negative.

    `part` is 0 in files of one part. In deep parts `table_size` bytes of sample counts come before the
    `samples_size` bytes of samples; in flat parts `table_size` is 0 and `unpacked_size` None.
    """

    part: int
    coordinates: tuple[int, ...]
    table_size: int
    samples_size: int
    unpacked_size: int | None = None


class PackedSizes(NamedTuple):
    """The bytes of each chunk's data, without its head; upper bounds unless `are_exact`."""

    sizes: Sizes
    are_exact: bool


def chunk_count(header: Header, part: Part) -> int | None:
    """Return how many chunks a part has; None if that cannot be derived.

    The geometry decides. The attribute `chunkCount` counts only if the geometry is unknown, as in the
    OpenEXR library.
    """
    layout = part_layout(header, part)
    if layout is not None:
        return layout.count
    stated: int | None = part.standard.get("chunkCount") if header.is_multipart else None
    return stated if stated and stated > 0 else None


@dataclass
class ChunkTable:
    """The offset tables of all parts of a file of `file_size` bytes. They begin at byte `start`.

    `raw` has the bytes of the tables, or is None until `with_offsets`. `data_sizes` has the data size of each
    chunk of all parts if every chunk's head was read.
    """

    layouts: tuple[Layout, ...]
    counts: tuple[int, ...]
    """The number of chunks of each part."""
    start: int
    file_size: int
    raw: bytes | None = None
    data_sizes: array[int] | None = None

    def __post_init__(self) -> None:
        self.total = sum(self.counts)
        """The number of chunks of all parts."""
        self.end = self.start + 8 * self.total
        """The byte behind the tables, where the first chunk can begin."""

    @property
    def min_file_size(self) -> int:
        """The least size of a file that holds all chunks."""
        least = (layout.min_size * count for layout, count in zip(self.layouts, self.counts, strict=True))
        return self.end + sum(least)

    def with_offsets(self, raw: bytes, data_sizes: array[int] | None = None) -> ChunkTable:
        """Return the table with its offsets, from the `end - start` bytes behind the header."""
        return ChunkTable(self.layouts, self.counts, self.start, self.file_size, raw, data_sizes)

    @property
    def entries(self) -> Offsets:
        """The offsets of all parts in one array. Raises ValueError if they were not read."""
        import numpy as np  # noqa: PLC0415 - see above

        if self.raw is None:
            raise ValueError("the offset table was not read")
        return np.frombuffer(self.raw, "<u8")

    @property
    def offsets(self) -> tuple[Offsets, ...] | None:
        """The offsets of each part; None if they were not read."""
        if self.raw is None:
            return None
        entries = self.entries
        return tuple(
            entries[self.entry(part, 0) : self.entry(part, count)] for part, count in enumerate(self.counts)
        )

    def locate(self, entry: int) -> tuple[int, int]:
        """Return the part and the chunk's index in that part, for an index in `entries`."""
        part = 0
        while entry >= self.counts[part]:
            entry -= self.counts[part]
            part += 1
        return part, entry

    def entry(self, part: int, index: int) -> int:
        """Return the index in `entries` of a part's chunk."""
        return sum(self.counts[:part]) + index

    def offset(self, entry: int) -> int:
        """Return one of `entries`. Raises ValueError if they were not read."""
        if self.raw is None:
            raise ValueError("the offset table was not read")
        return int(_OFFSET.unpack_from(self.raw, _OFFSET.size * entry)[0])

    def is_in_order(self) -> bool:
        """Return whether the chunks lie in the table's order, each with room for the least that it can have.

        Most tables pass this quick check; `plausible` examines the others entry by entry.
        """
        gap = max(layout.min_size for layout in self.layouts)
        if self.offset(0) < self.end or self.offset(self.total - 1) + gap > self.file_size:
            return False
        if self.total > (MIN_WITH_NUMPY if "numpy" in sys.modules else MAX_WITHOUT_NUMPY):
            offsets = self.entries
            following, before = offsets[1:], offsets[:-1]
            return bool((following > before).all() and (following - before >= gap).all())
        numbers = Struct(f"<{self.total}Q").unpack(self.raw or b"")
        return min(map(sub, numbers[1:], numbers), default=gap) >= gap

    def plausible(self) -> list[int]:
        """Return the entries that point to a place of their own that can hold their chunk, by their offsets.

        Of entries with the same offset only the first counts. A chunk that another one begins in is missing.
        """
        import numpy as np  # noqa: PLC0415 - see above

        offsets, end = self.entries, np.uint64(self.file_size)
        least = np.array([layout.min_size for layout in self.layouts], np.uint64)
        needed = np.repeat(least, self.counts)
        fits = (offsets >= np.uint64(self.end)) & (offsets <= end) & (needed <= end - offsets)
        order = np.flatnonzero(fits)
        order = order[np.argsort(offsets[order], kind="stable")]
        gaps = np.diff(offsets[order])
        fits[order[1:][gaps == 0]] = False
        fits[order[:-1][(gaps > 0) & (gaps < needed[order[:-1]])]] = False
        found: list[int] = order[fits[order]].tolist()
        return found

    @property
    def max_head_size(self) -> int:
        """The bytes that hold the head of any chunk."""
        return max(layout.head_size for layout in self.layouts)

    def head(self, raw: bytes) -> ChunkHead | None:
        """Decode the head that `raw` begins with; None if it is cut off or its part does not exist."""
        part = int.from_bytes(raw[:4], "little") if self.layouts[0].is_multipart else 0
        if part >= len(self.layouts) or len(raw) < self.layouts[part].head_size:
            return None
        layout = self.layouts[part]
        start = 4 * layout.is_multipart
        coordinates = (_TILE if layout.is_tiled else _LINE).unpack_from(raw, start)
        sizes_start = start + 4 * len(coordinates)
        if layout.is_deep:
            table_size, samples, unpacked = _DEEP_SIZES.unpack_from(raw, sizes_start)
            return ChunkHead(part, coordinates, table_size, samples, unpacked)
        return ChunkHead(part, coordinates, 0, *_FLAT_SIZE.unpack_from(raw, sizes_start))

    def packed_sizes(self, part: int) -> PackedSizes:
        """Return the data sizes of a part's chunks, in the order of its offset table.

        They are exact if the heads were read. Otherwise they reach to the next chunk, or to the end of the
        file, and are -1 for entries that point outside the file. Raises ValueError if no offsets were read.
        """
        import numpy as np  # noqa: PLC0415 - see above

        own = slice(self.entry(part, 0), self.entry(part, self.counts[part]))
        if self.data_sizes is not None:
            return PackedSizes(np.frombuffer(self.data_sizes, np.int64)[own], are_exact=True)
        offsets = self.entries[own]
        entries = np.unique(np.concatenate((self.entries, np.array([self.file_size], np.uint64))))
        inside = (offsets >= self.end) & (offsets < self.file_size)
        following = entries[np.minimum(np.searchsorted(entries, offsets, "right"), len(entries) - 1)]
        spans = (following - offsets).astype(np.int64) - self.layouts[part].head_size
        return PackedSizes(np.where(inside, np.maximum(spans, -1), -1), are_exact=False)


def chunk_table(header: Header, file_size: int) -> ChunkTable | None:
    """Return the chunk table of a file, without offsets; None if a part's chunks cannot be derived."""
    layouts = [part_layout(header, part) for part in header.parts]
    known = tuple(layout for layout in layouts if layout is not None)
    if len(known) < len(layouts):
        return None
    return ChunkTable(known, tuple(layout.count for layout in known), header.size, file_size)
