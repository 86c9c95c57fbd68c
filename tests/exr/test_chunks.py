"""The chunk table: offsets per part, heads, and packed sizes."""

from __future__ import annotations

import struct
from array import array
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exr_inspector.exr import chunks
from exr_inspector.exr.chunks import ChunkTable, chunk_table
from tests.corpus import each_image
from tests.exr.files import KINDS, file
from tests.exr.headers import parsed, without
from tests.exrfiles.writer import Header as Written


def table_of(data: bytes) -> ChunkTable:
    table = chunk_table(parsed(data), len(data))
    assert table is not None
    return table.with_offsets(data[table.start : table.end])


@pytest.mark.parametrize("kind", KINDS)
def test_the_table_keeps_the_offsets_of_each_part(kind: str) -> None:
    whole = file(kind)
    table = table_of(whole.data)
    assert (table.start, table.end, table.total) == (whole.head, whole.tables, sum(whole.counts))
    assert table.offsets is not None
    assert [len(offsets) for offsets in table.offsets] == whole.counts
    assert table.entries.tobytes() == whole.data[whole.head : whole.tables]


def test_a_table_that_was_not_read_has_no_entries() -> None:
    data = file("scan lines").data
    table = chunk_table(parsed(data), len(data))
    assert table is not None
    assert table.offsets is None
    with pytest.raises(ValueError, match="not read"):
        _ = table.entries


@pytest.mark.parametrize("kind", KINDS)
def test_each_entry_belongs_to_one_chunk_of_one_part(kind: str) -> None:
    table = table_of(file(kind).data)
    places = [(part, index) for part, count in enumerate(table.counts) for index in range(count)]
    assert [table.locate(entry) for entry in range(table.total)] == places
    assert [table.entry(part, index) for part, index in places] == list(range(table.total))


@pytest.mark.parametrize("kind", KINDS)
def test_a_chunks_head_states_its_part_place_and_size(kind: str) -> None:
    """Chunk by chunk, the sizes lead through the whole file."""
    data = file(kind).data
    table, place, seen = table_of(data), file(kind).tables, 0
    while place < len(data):
        head = table.head(data[place : place + table.max_head_size])
        assert head is not None
        layout = table.layouts[head.part]
        index = layout.index(head.coordinates)
        assert index is not None
        assert table.entries[table.entry(head.part, index)] == place
        place += layout.head_size + head.table_size + head.samples_size
        seen += 1
    assert (place, seen) == (len(data), table.total)


@pytest.mark.parametrize("kind", KINDS)
def test_a_head_that_is_cut_off_or_names_no_part_is_none(kind: str) -> None:
    data = file(kind).data
    table = table_of(data)
    size = table.layouts[0].head_size
    first = int(table.entries[0])
    assert table.head(data[first : first + size - 1]) is None
    if len(table.layouts) > 1:
        assert table.head(struct.pack("<i", len(table.layouts)) + bytes(64)) is None
        assert table.head(struct.pack("<i", -1) + bytes(64)) is None


@pytest.mark.parametrize("kind", KINDS)
def test_packed_sizes_reach_to_the_next_chunk(kind: str) -> None:
    """In files without gaps they are the sizes that the heads state."""
    data = file(kind).data
    table = table_of(data)
    for part, layout in enumerate(table.layouts):
        packed = table.packed_sizes(part)
        assert table.offsets is not None
        stated = []
        for offset in table.offsets[part].tolist():
            head = table.head(data[offset : offset + layout.head_size])
            assert head is not None
            stated.append(head.table_size + head.samples_size)
        assert (packed.sizes.tolist(), packed.are_exact) == (stated, False)


def test_packed_sizes_of_entries_that_point_outside_the_file_are_unknown() -> None:
    data = file("scan lines").data
    table = table_of(data)
    entries = table.entries.copy()
    entries[:4] = 0, 1, len(data), 2**64 - 1
    assert table.with_offsets(entries.tobytes()).packed_sizes(0).sizes[:5].tolist()[:4] == [-1] * 4


def test_known_sizes_are_exact() -> None:
    table = table_of(file("parts of every kind").data)
    sizes = array("q", range(table.total))
    known = table.with_offsets(table.entries.tobytes(), sizes)
    found = [known.packed_sizes(part) for part in range(len(table.layouts))]
    assert np.concatenate([each.sizes for each in found]).tolist() == sizes.tolist()
    assert all(each.are_exact for each in found)


@pytest.mark.parametrize("kind", KINDS)
def test_no_file_is_smaller_than_the_least_size_of_its_chunks(kind: str) -> None:
    data = file(kind).data
    assert table_of(data).min_file_size <= len(data)


@each_image
def test_no_real_file_is_smaller_than_the_least_size_of_its_chunks(image: Path) -> None:
    data = image.read_bytes()
    assert table_of(data).min_file_size <= len(data)


def test_a_file_with_a_part_that_cannot_be_derived_has_no_table() -> None:
    assert chunk_table(parsed(Written((without(b"compression"),), 0)), 1000) is None


@settings(max_examples=300)
@given(st.data())
def test_offsets_are_in_order_with_numpy_if_they_are_without_it(data: st.DataObject) -> None:
    whole = file("scan lines")
    table = table_of(whole.data)
    places = st.one_of(st.integers(table.end, len(whole.data)), st.integers(0, 2**64 - 1))
    offsets = list(struct.unpack(f"<{table.total}Q", table.raw or b""))
    for entry in data.draw(st.lists(st.integers(0, table.total - 1), max_size=3)):
        offsets[entry] = data.draw(places)
    changed = table.with_offsets(struct.pack(f"<{table.total}Q", *offsets))
    found = {}
    for limit in (0, table.total):
        with mock.patch.object(chunks, "MIN_WITH_NUMPY", limit):
            found[limit] = changed.is_in_order()
    assert found[0] == found[table.total]
    if offsets == table.entries.tolist():
        assert found[0]
