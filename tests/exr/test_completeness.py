"""Whether all chunks are there, how many are, and what that costs to find out."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exr_inspector.exr.completeness import MAX_TABLE_BYTES, Completeness, Read, assess, unexamined
from tests.corpus import each_image
from tests.exr.files import KINDS, File, file, named, pixels
from tests.exr.headers import compressed, multipart, parsed, plain, window, without
from tests.exrfiles.attributes import attribute
from tests.exrfiles.parts import scanline
from tests.exrfiles.writer import Header as Written
from tests.exrfiles.writer import header, write

MANY = 1 << 20
UNCOMPRESSED = "scan lines"


def reader(data: bytes) -> Read:
    return lambda start, length: data[start : start + length]


def judged(data: bytes, heads: int = MANY) -> Completeness:
    return assess(parsed(data), reader(data), len(data), heads)


def complete(data: bytes) -> bool | None:
    return judged(data).complete


def code(found: Completeness) -> str | None:
    return found.error.code if found.error else None


def counted(found: Completeness) -> tuple[int | None, int | None]:
    return found.present, found.promised


def message(found: Completeness) -> str:
    assert found.error is not None
    return found.error.message


def patched(data: bytes, place: int, raw: bytes) -> bytes:
    return data[:place] + raw + data[place + len(raw) :]


def offsets(whole: File) -> list[int]:
    return list(struct.unpack_from(f"<{sum(whole.counts)}Q", whole.data, whole.head))


def with_offsets(whole: File, table: list[int]) -> bytes:
    return patched(whole.data, whole.head, struct.pack(f"<{len(table)}Q", *table))


def without_table(whole: File) -> bytes:
    return patched(whole.data, whole.head, bytes(whole.tables - whole.head))


# --- whole files ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_whole_file_is_complete_and_holds_what_it_promises(kind: str) -> None:
    found = judged(file(kind).data)
    assert (found.complete, found.error) == (True, None)
    assert counted(found) == (sum(file(kind).counts),) * 2


@pytest.mark.parametrize("kind", KINDS)
def test_bytes_behind_the_last_chunk_do_no_harm(kind: str) -> None:
    assert complete(file(kind).data + b"trailer") is True


@each_image
def test_real_files_are_complete_and_cut_ones_are_not(image: Path) -> None:
    data = image.read_bytes()
    assert complete(data) is True
    assert complete(data[: len(data) * 2 // 3]) is False


def test_the_empty_chunks_of_subsampled_channels_are_whole() -> None:
    """OpenEXR writes chunks of no byte for lines that hold no sample."""
    part = scanline({"RY": np.ones((3, 4), np.float16)}, compression="zips", sampling={"RY": (2, 2)})
    data = write(part)
    assert data.endswith(struct.pack("<2i", 5, 0))
    assert complete(data) is True
    assert complete(data[:-1]) is False


# --- files that were cut off ----------------------------------------------------------------------------


@settings(max_examples=400)
@given(st.sampled_from(sorted(KINDS)), st.data())
def test_a_file_cut_anywhere_behind_its_header_is_incomplete(kind: str, data: st.DataObject) -> None:
    whole = file(kind)
    cut = data.draw(st.integers(whole.head, len(whole.data) - 1))
    assert complete(whole.data[:cut]) is False


@pytest.mark.parametrize("kind", KINDS)
def test_the_edges_of_a_file_are_cuts_too(kind: str) -> None:
    whole = file(kind)
    for cut in (whole.head, whole.tables - 1, whole.tables, whole.tables + 1, len(whole.data) - 1):
        assert complete(whole.data[:cut]) is False


@settings(max_examples=200)
@given(st.sampled_from(sorted(KINDS)), st.data())
def test_a_cut_file_holds_the_chunks_that_end_before_the_cut(kind: str, data: st.DataObject) -> None:
    whole = file(kind)
    cut = data.draw(st.integers(whole.tables, len(whole.data) - 1))
    ends = [*sorted(offsets(whole))[1:], len(whole.data)]
    assert counted(judged(whole.data[:cut])) == (sum(end <= cut for end in ends), sum(whole.counts))


@settings(max_examples=100)
@given(st.sampled_from(["scan lines", "scan lines backwards", "scan lines in any order"]), st.data())
def test_the_first_missing_scan_line_is_named(kind: str, data: st.DataObject) -> None:
    whole = file(kind)
    cut = data.draw(st.integers(whole.tables, len(whole.data) - 1))
    starts = offsets(whole)
    ends = dict(zip(sorted(starts), [*sorted(starts)[1:], len(whole.data)], strict=True))
    line = next(line for line, start in enumerate(starts) if ends[start] > cut)
    assert message(judged(whole.data[:cut])).endswith(f"; the first missing scan line is {line}")


def test_a_cut_is_described() -> None:
    part = scanline(pixels(), compression="zip", origin=(0, -5))
    data = write(part)
    found = judged(data[:-1])
    assert message(found) == "the file holds 2 of 3 chunks; the first missing scan line is 27"


def test_of_several_parts_the_first_with_a_missing_line_is_named() -> None:
    whole = file("parts of every kind")
    assert message(judged(whole.data[:-1])).endswith("; the first missing scan line of part 3 is 0")


def test_a_file_that_ends_within_its_table_holds_no_chunk() -> None:
    whole = file("blocks of scan lines")
    found = judged(whole.data[: whole.tables - 1])
    assert counted(found) == (0, 3)
    assert message(found) == "the file holds 0 of 3 chunks; the first missing scan line is 0"


# --- a tail that was never written ----------------------------------------------------------------------


@settings(max_examples=200)
@given(st.sampled_from(sorted(KINDS)), st.data())
def test_a_zero_filled_tail_is_incomplete(kind: str, data: st.DataObject) -> None:
    """An interrupted copy into a preallocated file leaves an intact table and zeros at the end."""
    whole = file(kind)
    start = data.draw(st.integers(whole.tables, max(offsets(whole))))
    found = judged(whole.data[:start] + bytes(len(whole.data) - start))
    assert (found.complete, code(found)) == (False, "CHUNKS_MISSING")


@pytest.mark.parametrize("kind", KINDS)
def test_the_chunks_in_front_of_a_zero_filled_tail_are_counted(kind: str) -> None:
    whole = file(kind)
    for present, start in enumerate(sorted(offsets(whole))):
        found = judged(whole.data[:start] + bytes(len(whole.data) - start))
        assert counted(found) == (present, sum(whole.counts))


@pytest.mark.parametrize("kind", KINDS)
def test_a_last_chunk_of_no_byte_is_not_whole(kind: str) -> None:
    whole = file(kind)
    last = max(offsets(whole))
    place, size = last + 4 * ("parts" in kind), 16 if "deep" in kind else 4
    place += 16 if "tiles" in kind else 4
    assert complete(patched(whole.data, place, bytes(size))) is False


def test_an_uncompressed_chunk_that_is_too_short_is_not_whole() -> None:
    whole = file(UNCOMPRESSED)
    last = max(offsets(whole))
    (size,) = struct.unpack_from("<i", whole.data, last + 4)
    assert complete(patched(whole.data, last + 4, struct.pack("<i", size - 1))) is False


def test_a_last_chunk_of_another_part_is_not_whole() -> None:
    whole = file("parts of every kind")
    for part in (2, 4, -1):
        assert complete(patched(whole.data, max(offsets(whole)), struct.pack("<i", part))) is False


@pytest.mark.parametrize("kind", KINDS)
def test_a_last_chunk_with_the_place_of_another_is_not_whole(kind: str) -> None:
    whole = file(kind)
    place = max(offsets(whole)) + 4 * ("parts" in kind)
    (line,) = struct.unpack_from("<i", whole.data, place)
    for other in (line - 1, line + 1, -1):
        assert complete(patched(whole.data, place, struct.pack("<i", other))) is False


@pytest.mark.parametrize("size", [-1, -(2**31), 2**31 - 1])
def test_a_last_chunk_of_an_impossible_size_is_not_whole(size: int) -> None:
    whole = file(UNCOMPRESSED)
    assert complete(patched(whole.data, max(offsets(whole)) + 4, struct.pack("<i", size))) is False


@pytest.mark.parametrize("size", [-1, -(2**63), 2**63 - 1])
def test_a_last_deep_chunk_of_an_impossible_size_is_not_whole(size: int) -> None:
    whole = file("deep scan lines")
    for place in (4, 12):
        data = patched(whole.data, max(offsets(whole)) + place, struct.pack("<q", size))
        assert complete(data) is False


# --- offsets that contradict ----------------------------------------------------------------------------


@settings(max_examples=100)
@given(st.sampled_from(sorted(KINDS)), st.data())
def test_an_entry_that_was_never_filled_in_is_a_missing_chunk(kind: str, data: st.DataObject) -> None:
    whole = file(kind)
    table = offsets(whole)
    entry = data.draw(st.integers(0, len(table) - 1))
    table[entry] = 0
    found = judged(with_offsets(whole, table))
    if len(table) > 1:
        assert counted(found) == (len(table) - 1, len(table))
    assert found.complete is (len(table) == 1)  # one zero is all of the table, and its chunk is found


@pytest.mark.parametrize("offset", [1, 8, 2**63, 2**64 - 1])
def test_an_offset_that_points_to_no_chunk_is_a_missing_chunk(offset: int) -> None:
    for kind in KINDS:
        whole = file(kind)
        table = [offset, *offsets(whole)[1:]]
        found = judged(with_offsets(whole, table))
        assert (found.complete, found.present) == (False, len(table) - 1)


def test_an_offset_into_the_table_or_to_the_end_of_the_file_is_a_missing_chunk() -> None:
    whole = file(UNCOMPRESSED)
    for offset in (whole.tables - 1, len(whole.data)):
        assert complete(with_offsets(whole, [offset, *offsets(whole)[1:]])) is False


@settings(max_examples=100)
@given(st.sampled_from([kind for kind in KINDS if sum(file(kind).counts) > 1]), st.data())
def test_of_two_entries_with_one_offset_one_is_a_missing_chunk(kind: str, data: st.DataObject) -> None:
    whole = file(kind)
    table = offsets(whole)
    first, second = data.draw(st.lists(st.integers(0, len(table) - 1), min_size=2, max_size=2, unique=True))
    table[first] = table[second]
    found = judged(with_offsets(whole, table))
    assert found.complete is False
    assert found.present in (len(table) - 1, len(table) - 2)  # the second may be the last, and not its own


@settings(max_examples=100)
@given(st.integers(0, 35), st.integers(1, 200))
def test_a_chunk_that_another_one_begins_in_is_missing(entry: int, shift: int) -> None:
    """A scan line here has 278 bytes with its head."""
    whole = file(UNCOMPRESSED)
    table = offsets(whole)
    table[entry + 1] -= shift
    found = judged(with_offsets(whole, table))
    assert (found.complete, code(found)) == (False, "CHUNKS_MISSING")
    assert f"the first missing scan line is {entry}" in message(found)


# --- no table -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_all_chunks_are_found_if_only_the_table_is_missing(kind: str) -> None:
    """Readers rebuild the table; the chunks lie in any order."""
    whole = file(kind)
    found = judged(without_table(whole))
    total = sum(whole.counts)
    assert (found.complete, code(found)) == (True, "OFFSET_TABLE_REBUILT")
    assert counted(found) == (total, total)
    assert message(found) == f"the offset table is missing; {total} of {total} chunks are there"
    assert found.table is not None
    assert found.table.entries.tolist() == offsets(whole)
    assert found.table.packed_sizes(0).are_exact


@settings(max_examples=100)
@given(st.sampled_from([kind for kind in KINDS if sum(file(kind).counts) > 1]), st.data())
def test_without_a_table_the_chunks_of_a_cut_file_are_counted(kind: str, data: st.DataObject) -> None:
    whole = file(kind)
    cut = data.draw(st.integers(whole.tables, len(whole.data) - 1))
    ends = [*sorted(offsets(whole))[1:], len(whole.data)]
    found = judged(without_table(whole)[:cut])
    assert (found.complete, code(found)) == (False, "OFFSET_TABLE_MISSING")
    assert counted(found) == (sum(end <= cut for end in ends), sum(whole.counts))


def test_without_a_table_the_first_missing_line_is_named() -> None:
    whole = file("blocks of scan lines")
    data = without_table(whole)
    assert message(judged(data[:-1])) == (
        "the offset table is missing; 2 of 3 chunks are there; the first missing scan line is 32"
    )


def test_a_scan_ends_at_bytes_that_are_no_chunk() -> None:
    """A zero-filled tail is one; a chunk that comes twice is another."""
    whole = file("blocks of scan lines")
    second = offsets(whole)[1]
    zeroed = without_table(whole)[:second] + bytes(len(whole.data) - second)
    twice = without_table(whole)[:second] + without_table(whole)[whole.tables :]
    for data in (zeroed, twice):
        assert counted(judged(data)) == (1, 3)


def test_a_file_with_too_many_chunks_to_scan_may_be_intact() -> None:
    whole = file("blocks of scan lines")
    for heads in (0, 1, 2):
        found = judged(without_table(whole), heads)
        assert (found.complete, code(found), counted(found)) == (None, "OFFSET_TABLE_MISSING", (None, 3))
        assert message(found) == "the offset table is missing; the chunks may be intact"
    assert judged(without_table(whole), 3).complete is True


def test_a_file_too_small_for_its_chunks_is_incomplete_without_a_scan() -> None:
    whole = file("scan lines")
    found = judged(without_table(whole)[:-1], 0)
    assert (found.complete, code(found)) == (False, "OFFSET_TABLE_MISSING")


# --- what is looked at ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_what_may_not_be_looked_at_is_not_known(kind: str) -> None:
    """Neither the table nor, behind it, the last chunk."""
    whole = file(kind)
    header = parsed(whole.data)
    for reach in (header.size, whole.tables):
        found = assess(header, held(whole.data, reach), len(whole.data), MANY)
        assert (found.complete, found.error, counted(found)) == (None, None, (None, sum(whole.counts)))


def held(data: bytes, reach: int) -> Read:
    return lambda start, length: data[start : start + length] if start + length <= reach else None


def test_chunks_that_the_table_shows_to_be_missing_need_no_other_look() -> None:
    whole = file(UNCOMPRESSED)
    data = with_offsets(whole, [0, *offsets(whole)[1:]])
    found = assess(parsed(data), held(data, whole.tables), len(data), MANY)
    assert (found.complete, counted(found)) == (False, (36, 37))


def test_without_a_table_nothing_is_known_unless_chunks_may_be_looked_at() -> None:
    whole = file("blocks of scan lines")
    data = without_table(whole)
    found = assess(parsed(data), held(data, whole.tables), len(data), MANY)
    assert (found.complete, code(found)) == (None, "OFFSET_TABLE_MISSING")


def test_a_table_past_the_end_of_the_file_is_not_read() -> None:
    found = parsed(plain(window(8, 2**30), compressed("none")))
    assert assess(found, never(), found.size + 2**32, MANY).complete is False


def test_a_cut_is_proved_by_the_size_alone() -> None:
    """No table is read: not one that is too large, and not one that may not be looked at."""
    lines = MAX_TABLE_BYTES // 8 + 1
    large = parsed(plain(window(8, lines), compressed("none")))
    least = large.size + lines * (8 + 8 + 16)
    found = assess(large, never(), least - 1, MANY)
    assert (found.complete, code(found), counted(found)) == (False, "CHUNKS_MISSING", (None, lines))
    assert message(found) == f"the file has {least - 1} bytes, too few for its {lines} chunks"
    whole = file(UNCOMPRESSED)
    cut = assess(parsed(whole.data), held(whole.data, whole.head), len(whole.data) - 1, MANY)
    assert (cut.complete, code(cut)) == (False, "CHUNKS_MISSING")


def test_a_table_too_large_to_read_is_unknown_and_reported() -> None:
    lines = MAX_TABLE_BYTES // 8
    large = parsed(plain(window(8, lines + 1), compressed("none")))
    found = assess(large, lambda _, length: bytes(length), 1 << 40, MANY)
    assert (found.complete, code(found)) == (None, "COMPLETENESS_UNKNOWN")
    assert assess(large, lambda _, __: None, 1 << 40, MANY).error is None
    readable = parsed(plain(window(8, lines), compressed("none")))
    assert code(assess(readable, lambda _, length: bytes(length), 1 << 40, MANY)) == "OFFSET_TABLE_MISSING"


def never() -> Read:
    return lambda start, length: pytest.fail(f"{length} bytes at {start} are read")


def test_at_most_the_table_and_one_chunks_head_are_read_of_a_whole_file() -> None:
    for whole in map(file, KINDS):
        reads: list[int] = []
        assess(parsed(whole.data), counting(reader(whole.data), reads), len(whole.data), MANY)
        assert reads[0] == whole.tables - whole.head
        assert len(reads) == 2
        assert reads[1] <= 44


def test_a_zero_filled_tail_is_found_by_bisection() -> None:
    whole = file(UNCOMPRESSED)
    start = offsets(whole)[20]
    data = whole.data[:start] + bytes(len(whole.data) - start)
    reads: list[int] = []
    assess(parsed(data), counting(reader(data), reads), len(data), MANY)
    assert len(reads) <= 2 + 6


def counting(read: Callable[[int, int], bytes | None], reads: list[int]) -> Read:
    def count(start: int, length: int) -> bytes | None:
        reads.append(length)
        return read(start, length)

    return count


def test_a_file_whose_chunks_cannot_be_derived_is_unknown() -> None:
    found = parsed(Written((without(b"compression"),), 0))
    assert assess(found, never(), 1 << 40, MANY) == Completeness()


def test_the_geometry_decides_where_the_tables_end() -> None:
    """A chunkCount that disagrees does not move the tables, as for other readers."""
    parts = [scanline(pixels(), (*named(name), attribute("chunkCount", "int", 99))) for name in ("a", "b")]
    data = write(*parts)
    assert header(part.attributes for part in parts).parts[0] == parts[0].attributes
    assert counted(judged(data)) == (6, 6)


def test_an_unexamined_file_promises_chunks() -> None:
    found = unexamined(parsed(multipart([], [])), 1000)
    assert (found.complete, found.error, counted(found)) == (None, None, (None, 4))
