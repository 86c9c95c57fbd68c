"""How parts are cut into chunks: how many there are, what each covers, and how large its pixels are."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from exr_inspector.exr.chunks import chunk_count
from exr_inspector.exr.header import Header
from exr_inspector.exr.layout import Layout, part_layout, part_type
from tests.corpus import each_image
from tests.exr.files import HEIGHT, KINDS, WIDTH, file
from tests.exr.headers import compressed, multipart, parsed, plain, window, without
from tests.exrfiles.attributes import COMPRESSIONS, Channel, attribute
from tests.exrfiles.geometry import LINES_PER_CHUNK, Tiling, scanline_chunk_count, tile_chunk_count
from tests.exrfiles.strategies import NO_EXTRAS, valid_headers
from tests.exrfiles.writer import DEEP, TILED
from tests.exrfiles.writer import Header as Written

TILES = attribute("tiles", "tiledesc", Tiling(16, 8, "mipmap", "down"))
LEVEL_MODES, ROUNDING = st.sampled_from(("one", "mipmap", "ripmap")), st.sampled_from(("down", "up"))
TILINGS = st.builds(Tiling, st.integers(1, 9999), st.integers(1, 9999), LEVEL_MODES, ROUNDING)


def counts(header: Header) -> list[int | None]:
    return [chunk_count(header, part) for part in header.parts]


def count_of(*more: Any, flags: int | None = None) -> int | None:
    header = parsed(plain(*more, flags=flags))
    return chunk_count(header, header.parts[0])


def layout_of(*more: Any, flags: int | None = None) -> Layout:
    header = parsed(plain(*more, flags=flags))
    layout = part_layout(header, header.parts[0])
    assert layout is not None
    return layout


# --- how many chunks ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_chunks_are_counted_as_they_were_written(kind: str) -> None:
    assert counts(parsed(file(kind).data)) == file(kind).counts


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_the_table_is_as_long_as_openexr_writes_it(compression: str, tmp_path: Path) -> None:
    """The lowest offset points behind the table, whatever our or the suite's lists of lines per chunk say."""
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


@settings(max_examples=100, suppress_health_check=list(HealthCheck))
@given(valid_headers(NO_EXTRAS))
def test_what_is_counted_is_what_a_valid_header_states(written: Written) -> None:
    header = parsed(written)
    for part in header.parts:
        stated = part.value("chunkCount", "int")
        assert stated in (None, chunk_count(header, part))


@settings(max_examples=200)
@given(
    st.integers(1, 99999), st.integers(1, 99999), st.integers(-(2**30), 2**30), st.sampled_from(COMPRESSIONS)
)
def test_blocks_of_scan_lines_are_rounded_up(width: int, height: int, corner: int, compression: str) -> None:
    found = count_of(window(width, height, corner, -corner), compressed(compression))
    assert found == scanline_chunk_count(height, compression)


@settings(max_examples=200)
@given(st.integers(1, 99999), st.integers(1, 99999), TILINGS)
@example(1, 1, Tiling(1, 1, "ripmap", "up"))
@example(1, 99999, Tiling(1, 1, "mipmap", "up"))
@example(99999, 1, Tiling(1, 1, "mipmap", "down"))
def test_tiles_of_all_levels_are_counted(width: int, height: int, tiling: Tiling) -> None:
    found = count_of(window(width, height), attribute("tiles", "tiledesc", tiling), flags=TILED)
    assert found == tile_chunk_count(width, height, tiling)


def test_the_geometry_decides_how_many_chunks_a_part_has() -> None:
    """OpenEXR and OpenImageIO derive the number too, whatever chunkCount states."""
    stated = [attribute("chunkCount", "int", 5)]
    assert counts(parsed(multipart(stated, []))) == [2, 2]


def test_the_stated_count_counts_if_the_geometry_is_unknown() -> None:
    unknown = [attribute("compression", "compression", 99), attribute("chunkCount", "int", 5)]
    assert counts(parsed(multipart(unknown))) == [5]
    assert count_of(*unknown) is None


@pytest.mark.parametrize("count", [0, -1, -(2**31)])
def test_a_count_below_one_is_never_believed(count: int) -> None:
    unknown = [attribute("compression", "compression", 99), attribute("chunkCount", "int", count)]
    assert counts(parsed(multipart(unknown))) == [None]


UNKNOWN = {
    "no data window": plain().parts[0][:2],
    "an empty window": (*without(b"dataWindow"), window(0, 5)),
    "a window of negative height": (*without(b"dataWindow"), window(5, -5)),
    "an unknown compression": (*without(b"compression"), attribute("compression", "compression", 99)),
    "no compression": without(b"compression"),
}


@pytest.mark.parametrize("what", UNKNOWN)
def test_what_cannot_be_counted_is_none(what: str) -> None:
    assert counts(parsed(Written((UNKNOWN[what],), 0))) == [None]


@pytest.mark.parametrize(
    "raw", [struct.pack("<2IB", 0, 8, 0), struct.pack("<2IB", 8, 0, 0), struct.pack("<2IB", 8, 8, 3)]
)
def test_tiles_of_no_size_or_mode_are_not_counted(raw: bytes) -> None:
    assert count_of(TILES._replace(value=raw), flags=TILED) is None
    assert count_of(flags=TILED) is None


def test_the_version_field_gives_the_type_of_a_single_flat_part() -> None:
    lie = attribute("type", "string", "tiledimage")
    for flags, type_ in ((0, "scanlineimage"), (TILED, "tiledimage"), (DEEP, "tiledimage")):
        header = parsed(plain(lie, flags=flags))
        assert part_type(header, header.parts[0]) == type_
    header = parsed(plain(flags=DEEP))
    assert part_type(header, header.parts[0]) is None


def test_channels_do_not_change_the_count() -> None:
    """Nor does subsampling: a chunk holds scan lines of the data window."""
    sub = attribute("channels", "chlist", [Channel("Y"), Channel("RY", "half", 0, 2, 2)])
    assert count_of(sub) == count_of()


# --- what a chunk covers --------------------------------------------------------------------------------


def stored(kind: str) -> Iterator[tuple[Layout, int, tuple[int, ...], int]]:
    """Each chunk of a file that the suite wrote: its layout, index, coordinates and stated size."""
    whole = file(kind)
    header = parsed(whole.data)
    offsets = iter(struct.unpack_from(f"<{sum(whole.counts)}Q", whole.data, whole.head))
    for part in header.parts:
        layout = part_layout(header, part)
        assert layout is not None
        numbers = 4 if layout.is_tiled else 1
        for index in range(layout.count):
            place = next(offsets) + 4 * layout.is_multipart
            coordinates = struct.unpack_from(f"<{numbers}i", whole.data, place)
            (size,) = struct.unpack_from("<i", whole.data, place + 4 * numbers)
            yield layout, index, coordinates, size


@pytest.mark.parametrize("kind", KINDS)
def test_each_chunk_has_the_coordinates_that_were_written(kind: str) -> None:
    for layout, index, coordinates, _ in stored(kind):
        assert layout.chunk(index).coordinates == coordinates
        assert layout.index(coordinates) == index


def test_uncompressed_chunks_have_the_size_that_is_derived() -> None:
    for layout, index, _, size in stored("scan lines"):
        assert layout.unpacked_size(index) == size == layout.min_data_size


@settings(max_examples=60)
@given(
    st.integers(1, 60),
    st.integers(1, 60),
    st.builds(Tiling, st.integers(1, 20), st.integers(1, 20), LEVEL_MODES, ROUNDING),
)
def test_the_chunks_of_a_level_cover_its_pixels_once(width: int, height: int, tiling: Tiling) -> None:
    layout = layout_of(window(width, height, -7, 5), attribute("tiles", "tiledesc", tiling), flags=TILED)
    pixels = {(level.x, level.y): np.zeros((level.height, level.width), int) for level in layout.levels}
    for index in range(layout.count):
        chunk = layout.chunk(index)
        x, y = chunk.x + 7, chunk.y - 5
        level = chunk.coordinates[2], chunk.coordinates[3]
        pixels[level][y : y + chunk.height, x : x + chunk.width] += 1
    assert all((each == 1).all() for each in pixels.values())


@pytest.mark.parametrize("kind", KINDS)
def test_coordinates_of_no_chunk_have_no_index(kind: str) -> None:
    for layout, index, coordinates, _ in stored(kind):
        if index == 0:
            for place in range(len(coordinates)):
                for off in (-1, -(2**31), 2**31 - 1):
                    moved = (*coordinates[:place], off, *coordinates[place + 1 :])
                    assert layout.index(moved) is None


def test_a_line_within_a_block_begins_no_chunk() -> None:
    layout = layout_of(window(8, 64, 0, -5), compressed("zip"))
    assert [layout.index((y,)) for y in (-5, -4, 11, 59, 75)] == [0, None, 1, None, None]


def test_an_index_beyond_the_last_chunk_is_an_error() -> None:
    for index in (-1, 2):
        with pytest.raises(IndexError):
            layout_of().chunk(index)


# --- how large its pixels are ---------------------------------------------------------------------------


@pytest.mark.parametrize("compression", ["none", "zip"])
def test_subsampled_channels_have_samples_on_some_lines_only(compression: str) -> None:
    """A chunk has the samples at coordinates that are multiples of the sampling, as OpenEXR counts them."""
    channels = [Channel("BY", "half", 0, 2, 2), Channel("Y", "float")]
    layout = layout_of(
        attribute("channels", "chlist", channels), window(5, 3, -1, -1), compressed(compression)
    )
    # Of BY the line 0, and of its columns 0 and 2, but not -1, 1 and 3.
    lines = [4 * 5, 4 * 5 + 2 * 2, 4 * 5]
    expected = lines if compression == "none" else [sum(lines)]
    assert [layout.unpacked_size(index) for index in range(layout.count)] == expected


def test_a_line_without_samples_needs_no_byte() -> None:
    channels = attribute("channels", "chlist", [Channel("RY", "half", 0, 2, 2)])
    layout = layout_of(channels, compressed("rle"))
    assert (layout.unpacked_size(0), layout.unpacked_size(1), layout.min_data_size) == (64, 0, 0)
    assert layout_of(channels, compressed("zip")).min_data_size == 1


@settings(max_examples=60)
@given(
    st.integers(1, 40),
    st.integers(1, 40),
    st.integers(-9, 9),
    st.sampled_from(("none", "zip", "piz", None)),
    TILINGS,
)
def test_all_sizes_at_once_are_the_sizes_one_by_one(
    width: int, height: int, corner: int, compression: str | None, tiling: Tiling
) -> None:
    sampling = 1 if compression is None else 2
    channels = [Channel("BY", "half", 0, sampling, sampling), Channel("Y", "float"), Channel("id", "uint")]
    layout = layout_of(
        attribute("channels", "chlist", channels),
        window(width, height, corner, -corner),
        compressed(compression or "zips"),
        attribute("tiles", "tiledesc", tiling),
        flags=TILED if compression is None else 0,
    )
    sizes = layout.unpacked_sizes()
    assert sizes is not None
    assert sizes.tolist() == [layout.unpacked_size(index) for index in range(layout.count)]
    assert sizes.min() >= layout.min_data_size
    if compression is None and tiling.levels == "one":
        assert sizes.sum() == width * height * 10


def test_deep_chunks_state_their_size_themselves() -> None:
    header = parsed(file("deep scan lines").data)
    layout = part_layout(header, header.parts[0])
    assert layout is not None
    assert (layout.unpacked_size(0), layout.unpacked_sizes(), layout.min_data_size) == (None, None, 1)


def test_a_pixel_type_or_sampling_that_is_not_valid_has_no_sizes() -> None:
    for channel in (Channel("Y", 7), Channel("Y", "half", 0, 0, 1)):
        layout = layout_of(attribute("channels", "chlist", [channel]))
        assert (layout.unpacked_size(0), layout.min_data_size) == (None, 0)


def test_ripmaps_have_a_level_for_each_pair_of_sizes() -> None:
    layout = layout_of(
        window(WIDTH, HEIGHT), attribute("tiles", "tiledesc", Tiling(16, 8, "ripmap")), flags=TILED
    )
    levels = list(layout.levels)
    assert levels[0][:4] == (0, 0, WIDTH, HEIGHT)
    assert levels[1][:4] == (1, 0, WIDTH // 2, HEIGHT)
    assert levels[-1][2:] == (1, 1, 1, 1)


@pytest.mark.parametrize(("width", "height"), [(64, 3), (3, 64), (1, 9), (9, 1)])
def test_a_mipmap_has_as_many_widths_as_heights(width: int, height: int) -> None:
    header = parsed(plain(TILES, window(width, height), flags=TILED))
    layout = part_layout(header, header.parts[0])
    assert layout
    assert len(layout.widths) == len(layout.heights) == max(width, height).bit_length()
