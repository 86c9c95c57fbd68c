"""The chunk offset table: where each chunk of a file begins, and what its head states.

Behind the header, each part has one 64-bit file offset per chunk. Writers fill the table in last, so a file
that was cut short still opens everywhere; only the table and the chunks' heads reveal it.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from exr_inspector.exr.header import Header, Part
from exr_inspector.exr.layout import Layout, part_layout

Offsets = npt.NDArray[np.uint64]
Sizes = npt.NDArray[np.int64]

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
    stated: int | None = part.value("chunkCount", "int") if header.is_multipart else None
    return stated if stated and stated > 0 else None


@dataclass(frozen=True)
class ChunkTable:
    """The offset tables of all parts of a file of `file_size` bytes. They begin at byte `start`.

    `offsets` has one array per part, or is None until `with_offsets`. `data_sizes` has, likewise per part,
    the data size of each chunk if every chunk's head was read.
    """

    layouts: tuple[Layout, ...]
    counts: tuple[int, ...]
    """The number of chunks of each part."""
    start: int
    file_size: int
    offsets: tuple[Offsets, ...] | None = None
    data_sizes: tuple[Sizes, ...] | None = None

    @property
    def total(self) -> int:
        """The number of chunks of all parts."""
        return sum(self.counts)

    @property
    def end(self) -> int:
        """The byte behind the tables, where the first chunk can begin."""
        return self.start + 8 * self.total

    @property
    def min_file_size(self) -> int:
        """The least size of a file that holds all chunks."""
        sizes = (layout.head_size + layout.min_data_size for layout in self.layouts)
        return self.end + sum(count * size for count, size in zip(self.counts, sizes, strict=True))

    def with_offsets(self, raw: bytes) -> ChunkTable:
        """Return the table with its offsets, from the `end - start` bytes behind the header."""
        return self.with_entries(np.frombuffer(raw, "<u8"))

    def with_entries(self, offsets: Offsets, data_sizes: Sizes | None = None) -> ChunkTable:
        """Return the table with the offsets, and data sizes if known, of the entries of all parts."""
        cuts = [slice(self.entry(part, 0), self.entry(part, count)) for part, count in enumerate(self.counts)]
        sizes = None if data_sizes is None else tuple(data_sizes[cut] for cut in cuts)
        parts = tuple(offsets[cut] for cut in cuts)
        return ChunkTable(self.layouts, self.counts, self.start, self.file_size, parts, sizes)

    @property
    def entries(self) -> Offsets:
        """The offsets of all parts in one array. Raises ValueError if they were not read."""
        if self.offsets is None:
            raise ValueError("the offset table was not read")
        return self.offsets[0] if len(self.offsets) == 1 else np.concatenate(self.offsets)

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

    def per_entry(self, values: list[int]) -> Sizes:
        """Return one value for each of `entries`, from one value for each part."""
        return np.repeat(np.array(values, np.int64), self.counts)

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
        if self.data_sizes is not None:
            return PackedSizes(self.data_sizes[part], are_exact=True)
        entries = np.unique(np.concatenate((self.entries, np.array([self.file_size], np.uint64))))
        offsets = self.entries[self.entry(part, 0) : self.entry(part, self.counts[part])]
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
