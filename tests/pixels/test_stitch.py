from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exr_inspector.exr.layout import Level
from exr_inspector.pixels.stitch import RawChunk, decodable_channels, stitch, unit_chunks
from tests.exr import files
from tests.exrfiles.attributes import Channel, attribute
from tests.exrfiles.geometry import Tiling, level_sizes
from tests.exrfiles.parts import scanline, tiled
from tests.exrfiles.writer import write
from tests.pixels.images import CODECS, chunks_of, decoded, library_file, opened, picture


def _stitched(data: bytes, part: int, chunks: list[RawChunk]) -> dict[str, Any]:
    header, table = opened(data)
    return decoded(stitch(header.parts[part], table.layouts[part], chunks))


def _equal(found: Any, expected: Any) -> bool:
    return bool(found.dtype == expected.dtype and found.tobytes() == expected.tobytes())


@pytest.mark.parametrize("compression", CODECS)
@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(height=st.integers(1, 600), width=st.integers(1, 40), data=st.data())
def test_chosen_chunks_decode_as_in_the_whole_file(
    compression: str, tmp_path: Path, height: int, width: int, data: st.DataObject
) -> None:
    file = library_file(picture(height, width), compression, tmp_path / "x.exr")
    _, table = opened(file)
    numbers = st.lists(st.integers(0, table.counts[0] - 1), min_size=1, max_size=9, unique=True)
    chunks = chunks_of(file, 0, sorted(data.draw(numbers)))
    rows = np.concatenate([np.arange(c.pixels.y, c.pixels.y + c.pixels.height) for c in chunks])
    found, expected = _stitched(file, 0, chunks), decoded(file)
    assert found.keys() == expected.keys()
    assert all(_equal(found[name], expected[name][rows]) for name in expected)


def _same_size(file: bytes, level: Level, first: int) -> list[list[int]]:
    """The tiles of a level, by their size."""
    _, table = opened(file)
    groups: dict[tuple[int, int], list[int]] = {}
    for index in range(first, first + level.columns * level.rows):
        chunk = table.layouts[0].chunk(index)
        groups.setdefault((chunk.width, chunk.height), []).append(index)
    return list(groups.values())


@pytest.mark.parametrize("rounding", ["down", "up"])
@pytest.mark.parametrize("levels", ["one", "mipmap", "ripmap"])
def test_tiles_of_every_level_decode_to_the_pixels_that_were_written(levels: str, rounding: str) -> None:
    tiling = Tiling(16, 8, levels, rounding)
    sizes = level_sizes(45, 37, tiling)
    pixels = {level: picture(height, width, seed=9) for level, (width, height) in sizes.items()}
    file = write(tiled(pixels, tiling))
    _, table = opened(file)
    first = 0
    for level in table.layouts[0].levels:
        for indexes in _same_size(file, level, first):
            chunks = chunks_of(file, 0, indexes)
            found = _stitched(file, 0, chunks)
            for name, plane in pixels[level.x, level.y].items():
                cut = [
                    plane[c.pixels.y : c.pixels.y + c.pixels.height, c.pixels.x : c.pixels.x + c.pixels.width]
                    for c in chunks
                ]
                assert _equal(found[name], np.hstack(cut)), (level, name)
        first += level.columns * level.rows


@pytest.mark.parametrize("part", [0, 3])
def test_a_part_of_a_multipart_file_decodes_alone(part: int) -> None:
    file = files.file("parts of every kind").data
    _, table = opened(file)
    found = _stitched(file, part, chunks_of(file, part, list(range(table.counts[part]))))
    assert all(_equal(found[name], plane) for name, plane in decoded(file, part).items())


def test_deep_chunks_decode_alone() -> None:
    file = files.file("deep scan lines").data
    found = _stitched(file, 0, chunks_of(file, 0, [3, 20, 36]))["Z"]
    expected = decoded(file)["Z"][[3, 20, 36]]
    assert [each is None for each in found.ravel()] == [each is None for each in expected.ravel()]
    assert [len(each) for each in found.ravel() if each is not None] == [
        len(each) for each in expected.ravel() if each is not None
    ]


@pytest.mark.parametrize("origin", [(0, 0), (-4, -6), (1000000, 2)])
def test_subsampled_lines_decode_in_groups(origin: tuple[int, int]) -> None:
    pixels = {"BY": np.arange(12, dtype=np.float16).reshape(4, 3), "Y": np.ones((8, 6), np.float16)}
    file = write(scanline(pixels, compression="none", sampling={"BY": (2, 2)}, origin=origin))
    _, table = opened(file)
    assert unit_chunks(table.layouts[0]) == 2
    found = _stitched(file, 0, chunks_of(file, 0, [2, 3, 6, 7]))
    assert _equal(found["BY"], pixels["BY"][[1, 3]])


def test_attributes_that_the_library_refuses_are_left_out() -> None:
    bad = [attribute("deepImageState", "deepImageState", 0), attribute("note", "string", b"\xff\xfe")]
    file = write(scanline(files.pixels(), bad))
    with pytest.raises(RuntimeError):
        decoded(file)
    found = _stitched(file, 0, chunks_of(file, 0, [0, 1, 2]))
    assert _equal(found["R"], files.pixels()["R"])


def test_names_that_are_not_utf8_keep_their_order_and_suffix() -> None:
    names = [b"a\xff.R", b"b", b"\xe9.R"]
    pixels = {str(index): np.full((4, 4), index, np.float16) for index in range(3)}
    chlist = attribute("channels", "chlist", [Channel(name) for name in names])
    file = write(scanline(pixels, [chlist], compression="none"))
    found = _stitched(file, 0, chunks_of(file, 0, [0, 1, 2, 3]))
    assert [(name, found[name][0, 0]) for name in sorted(found)] == [("a\xff.R", 0), ("b", 1), ("\xe9.R", 2)]


def test_names_that_are_utf8_are_not_changed() -> None:
    chlist = attribute("channels", "chlist", [Channel("\xe9.R"), Channel("Z")]).value
    assert decodable_channels(chlist) == chlist


def test_chunks_that_do_not_fit_together_are_refused() -> None:
    file = files.file("blocks of scan lines").data
    header, table = opened(file)
    with pytest.raises(ValueError, match="only the last chunk"):
        stitch(header.parts[0], table.layouts[0], chunks_of(file, 0, [2, 0]))
    file = files.file("one tiles, down").data
    header, table = opened(file)
    with pytest.raises(ValueError, match="different sizes"):
        stitch(header.parts[0], table.layouts[0], chunks_of(file, 0, [0, 2]))
