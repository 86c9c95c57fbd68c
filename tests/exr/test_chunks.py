"""The chunk offset table: how long it is, and whether what it promises is there."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from exr_inspector.exr.chunks import LARGEST_TABLE, Read, chunk_count, is_complete, part_type
from exr_inspector.exr.header import Header
from tests.corpus import each_image
from tests.exr.files import KINDS, file
from tests.exr.headers import multipart, parsed, plain, without
from tests.exrfiles.attributes import COMPRESSIONS, Channel, attribute
from tests.exrfiles.geometry import LINES_PER_CHUNK, Tiling, scanline_chunk_count, tile_chunk_count
from tests.exrfiles.strategies import NO_EXTRAS, valid_headers
from tests.exrfiles.writer import DEEP, TILED
from tests.exrfiles.writer import Header as Written

TILES = attribute("tiles", "tiledesc", Tiling(16, 8, "mipmap", "down"))


def counts(header: Header) -> list[int | None]:
    return [chunk_count(header, part) for part in header.parts]


def count_of(*more: Any, flags: int | None = None) -> int | None:
    header = parsed(plain(*more, flags=flags))
    return chunk_count(header, header.parts[0])


def window(width: int, height: int, x: int = 0, y: int = 0) -> Any:
    return attribute("dataWindow", "box2i", (x, y, x + width - 1, y + height - 1))


def reader(data: bytes) -> Read:
    return lambda start, length: data[start : start + length]


def complete(data: bytes) -> bool | None:
    return is_complete(parsed(data), reader(data), len(data))


def patched(data: bytes, place: int, raw: bytes) -> bytes:
    return data[:place] + raw + data[place + len(raw) :]


# --- how many -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_chunks_are_counted_as_they_were_written(kind: str) -> None:
    assert counts(parsed(file(kind).data)) == file(kind).counts


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_the_table_is_as_long_as_openexr_writes_it(compression: str, tmp_path: Path) -> None:
    """The lowest offset points behind the table: its length, whatever our or the suite's tables say."""
    lines = LINES_PER_CHUNK[compression]
    for height in (1, lines, lines + 1, 3 * lines + 1):
        data = written_by_openexr(height, compression, tmp_path / "file.exr")
        header = parsed(data)
        (count,) = counts(header)
        assert count is not None
        assert min(struct.unpack_from(f"<{count}Q", data, header.size)) == header.size + 8 * count


def written_by_openexr(height: int, compression: str, path: Path) -> bytes:
    method = OpenEXR.Compression(COMPRESSIONS.index(compression))
    channels = {"Y": OpenEXR.Channel(np.zeros((height, 2), np.float16))}
    OpenEXR.File({"compression": method, "type": OpenEXR.scanlineimage}, channels).write(str(path))
    return path.read_bytes()


@each_image
def test_the_tables_of_real_files_are_as_long_as_counted(image: Path) -> None:
    """Real files have their first chunk right behind the tables."""
    data = image.read_bytes()
    header = parsed(data)
    total = sum(count for count in counts(header) if count)
    offsets = struct.unpack_from(f"<{total}Q", data, header.size)
    assert None not in counts(header)
    assert min(offsets) == header.size + 8 * total


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(valid_headers(NO_EXTRAS))
def test_what_is_counted_is_what_a_valid_header_states(written: Written) -> None:
    """Single parts state it too, where they have a name; in them it is counted, not believed."""
    header = parsed(written)
    for part in header.parts:
        stated = part.value("chunkCount", "int")
        assert stated in (None, chunk_count(header, part))


@settings(max_examples=200)
@given(
    st.integers(1, 99999), st.integers(1, 99999), st.integers(-(2**30), 2**30), st.sampled_from(COMPRESSIONS)
)
def test_blocks_of_scan_lines_are_rounded_up(width: int, height: int, corner: int, compression: str) -> None:
    found = count_of(
        window(width, height, corner, -corner), attribute("compression", "compression", compression)
    )
    assert found == scanline_chunk_count(height, compression)


@settings(max_examples=200)
@given(
    st.integers(1, 99999),
    st.integers(1, 99999),
    st.builds(
        Tiling,
        st.integers(1, 9999),
        st.integers(1, 9999),
        st.sampled_from(("one", "mipmap", "ripmap")),
        st.sampled_from(("down", "up")),
    ),
)
@example(1, 1, Tiling(1, 1, "ripmap", "up"))
@example(1, 99999, Tiling(1, 1, "mipmap", "up"))
@example(99999, 1, Tiling(1, 1, "mipmap", "down"))
def test_tiles_of_all_levels_are_counted(width: int, height: int, tiling: Tiling) -> None:
    found = count_of(window(width, height), attribute("tiles", "tiledesc", tiling), flags=TILED)
    assert found == tile_chunk_count(width, height, tiling)


def test_a_multipart_file_states_its_number_of_chunks() -> None:
    """The stated number is the table's length, even where the windows say otherwise."""
    stated = [attribute("chunkCount", "int", 5)]
    assert counts(parsed(multipart(stated, []))) == [5, 2]


@pytest.mark.parametrize("count", [0, -1, -(2**31)])
def test_no_table_has_such_a_length(count: int) -> None:
    assert counts(parsed(multipart([attribute("chunkCount", "int", count)]))) == [None]


UNKNOWN = {
    "no data window": plain().parts[0][:2],
    "an empty window": (*without(b"dataWindow"), window(0, 5)),
    "a window of negative height": (*without(b"dataWindow"), window(5, -5)),
    "an unknown compression": (*without(b"compression"), attribute("compression", "compression", 99)),
    "no compression": without(b"compression"),
}


@pytest.mark.parametrize("what", UNKNOWN)
def test_what_cannot_be_counted_is_none(what: str) -> None:
    header = parsed(Written((UNKNOWN[what],), 0))
    assert counts(header) == [None]
    assert is_complete(header, reader(b""), 1 << 40) is None


@pytest.mark.parametrize(
    "raw", [struct.pack("<2IB", 0, 8, 0), struct.pack("<2IB", 8, 0, 0), struct.pack("<2IB", 8, 8, 3)]
)
def test_tiles_of_no_size_or_mode_are_not_counted(raw: bytes) -> None:
    assert count_of(TILES._replace(value=raw), flags=TILED) is None
    assert count_of(flags=TILED) is None


def test_the_version_field_tells_the_type_of_a_single_flat_part() -> None:
    lie = attribute("type", "string", "tiledimage")
    for flags, type_ in ((0, "scanlineimage"), (TILED, "tiledimage"), (DEEP, "tiledimage")):
        header = parsed(plain(lie, flags=flags))
        assert part_type(header, header.parts[0]) == type_
    header = parsed(plain(flags=DEEP))
    assert part_type(header, header.parts[0]) is None


# --- is it all there ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_whole_file_is_complete(kind: str) -> None:
    assert complete(file(kind).data) is True


@pytest.mark.parametrize("kind", KINDS)
def test_bytes_behind_the_last_chunk_do_no_harm(kind: str) -> None:
    assert complete(file(kind).data + b"trailer") is True


@settings(max_examples=400)
@given(st.sampled_from(sorted(KINDS)), st.data())
def test_a_file_cut_anywhere_behind_its_header_is_not(kind: str, data: st.DataObject) -> None:
    whole = file(kind)
    cut = data.draw(st.integers(whole.head, len(whole.data) - 1))
    assert complete(whole.data[:cut]) is False


@pytest.mark.parametrize("kind", KINDS)
def test_the_edges_of_a_file_are_cuts_too(kind: str) -> None:
    whole = file(kind)
    for cut in (whole.head, whole.tables - 1, whole.tables, whole.tables + 1, len(whole.data) - 1):
        assert complete(whole.data[:cut]) is False


@settings(max_examples=100)
@given(st.sampled_from(sorted(KINDS)), st.data())
def test_a_table_with_an_entry_never_filled_in_is_not(kind: str, data: st.DataObject) -> None:
    whole = file(kind)
    entry = data.draw(st.integers(0, sum(whole.counts) - 1))
    assert complete(patched(whole.data, whole.head + 8 * entry, bytes(8))) is False


@pytest.mark.parametrize("kind", KINDS)
def test_a_table_of_zeros_is_not(kind: str) -> None:
    whole = file(kind)
    assert complete(patched(whole.data, whole.head, bytes(whole.tables - whole.head))) is False


@pytest.mark.parametrize("offset", [1, 8, 2**63, 2**64 - 1])
def test_an_offset_that_points_to_no_chunk_is_not(offset: int) -> None:
    for whole in map(file, KINDS):
        assert complete(patched(whole.data, whole.head, struct.pack("<Q", offset))) is False


def test_an_offset_into_the_table_or_to_the_end_of_the_file_is_not() -> None:
    whole = file("scan lines")
    for offset in (whole.tables - 1, len(whole.data)):
        assert complete(patched(whole.data, whole.head, struct.pack("<Q", offset))) is False


@pytest.mark.parametrize("size", [-1, -(2**31), 2**31 - 1])
def test_a_last_chunk_of_an_impossible_size_is_not(size: int) -> None:
    whole = file("scan lines")
    last = struct.unpack_from("<Q", whole.data, whole.tables - 8)[0]
    assert complete(patched(whole.data, last + 4, struct.pack("<i", size))) is False


@pytest.mark.parametrize("size", [-1, -(2**63), 2**63 - 1])
def test_a_last_deep_chunk_of_an_impossible_size_is_not(size: int) -> None:
    whole = file("deep scan lines")
    last = struct.unpack_from("<Q", whole.data, whole.tables - 8)[0]
    for place in (last + 4, last + 12):
        assert complete(patched(whole.data, place, struct.pack("<q", size))) is False


@pytest.mark.parametrize("kind", KINDS)
def test_what_may_not_be_looked_at_is_not_known(kind: str) -> None:
    """Neither the table nor, behind it, the last chunk."""
    whole = file(kind)
    header = parsed(whole.data)
    for reach in (header.size, whole.tables):
        assert is_complete(header, held(whole.data, reach), len(whole.data)) is None


def held(data: bytes, reach: int) -> Read:
    return lambda start, length: data[start : start + length] if start + length <= reach else None


def test_a_table_past_the_end_of_the_file_is_not_read() -> None:
    header = parsed(plain(window(8, 2**30), attribute("compression", "compression", "none")))
    assert is_complete(header, never(), header.size + 2**32) is False


def test_a_table_too_large_to_look_at_is_not_known() -> None:
    lines = LARGEST_TABLE // 8
    none = attribute("compression", "compression", "none")
    assert is_complete(parsed(plain(window(8, lines + 1), none)), never(), 1 << 40) is None
    header = parsed(plain(window(8, lines), none))
    assert is_complete(header, lambda _, length: bytes(length), 1 << 40) is False


def never() -> Read:
    return lambda start, length: pytest.fail(f"{length} bytes at {start} are read")


@each_image
def test_real_files_are_complete_and_cut_ones_are_not(image: Path) -> None:
    data = image.read_bytes()
    assert complete(data) is True
    assert complete(data[: len(data) * 2 // 3]) is False


def test_at_most_the_table_and_one_chunks_head_are_read() -> None:
    for whole in map(file, KINDS):
        reads: list[int] = []
        header = parsed(whole.data)
        is_complete(header, counting(reader(whole.data), reads), len(whole.data))
        assert reads[0] == whole.tables - whole.head
        assert len(reads) == 2
        assert reads[1] <= 44


def counting(read: Callable[[int, int], bytes | None], reads: list[int]) -> Read:
    def count(start: int, length: int) -> bytes | None:
        reads.append(length)
        return read(start, length)

    return count


def test_channels_do_not_change_the_count() -> None:
    """Nor does subsampling: a chunk holds scan lines of the data window."""
    sub = attribute("channels", "chlist", [Channel("Y"), Channel("RY", "half", 0, 2, 2)])
    assert count_of(sub) == count_of()
