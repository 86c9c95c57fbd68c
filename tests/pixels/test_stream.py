"""Whatever the libraries write, decoding it in groups gives the pixels that decoding it whole gives."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR
import OpenImageIO as oiio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exr_inspector.exr.limits import Limits
from exr_inspector.pixels import stream
from exr_inspector.pixels.pixel_file import PixelFile
from exr_inspector.pixels.plan import plan_full
from exr_inspector.pixels.stream import PartStream
from tests.exr import files
from tests.pixels.images import CODECS, Bytes, Planes, decoded_parts, picture

examples = settings(
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
names = st.lists(st.sampled_from(sorted(picture(1, 1))), min_size=1, max_size=5, unique=True)


def _planes(found: PartStream, level: int = 0) -> Planes:
    """The decoded channels of a level, put together from groups."""
    blocks: dict[str, list[Any]] = {each.name: [] for each in found.channels}
    for group in found.groups(plan_full(found.layout, level)):
        assert group.has_lines, found.failures
        for index, channel in enumerate(found.channels):
            blocks[channel.name].append(group.block(index).samples)
    return {name: np.concatenate(each) for name, each in blocks.items()}


def _equal(found: Planes, expected: Planes) -> bool:
    return found.keys() == expected.keys() and all(
        found[name].shape == expected[name].shape and found[name].tobytes() == expected[name].tobytes()
        for name in found
    )


def _part(data: st.DataObject, number: int) -> Any:
    """A part that the OpenEXR library can write."""
    width, height = data.draw(st.integers(1, 70)), data.draw(st.integers(1, 300))
    x, y = data.draw(st.integers(-50, 50)), data.draw(st.integers(-50, 50))
    planes = picture(height, width, number)
    window = np.array([x, y], np.int32), np.array([x + width - 1, y + height - 1], np.int32)
    header: dict[str, Any] = {
        "compression": CODECS[data.draw(st.sampled_from(sorted(CODECS)))],
        "type": OpenEXR.scanlineimage,
        "dataWindow": window,
        "displayWindow": (np.zeros(2, np.int32), np.full(2, 99, np.int32)),
    }
    if data.draw(st.booleans()):
        tiles = OpenEXR.TileDescription()
        tiles.xSize, tiles.ySize = data.draw(st.integers(8, 80)), data.draw(st.integers(8, 80))
        header |= {"type": OpenEXR.tiledimage, "tiles": tiles}
    return OpenEXR.Part(header, {name: planes[name] for name in data.draw(names)}, f"part{number}")


@settings(examples, max_examples=30)
@given(data=st.data(), group=st.sampled_from((3_000, 100_000, 8 << 20)))
def test_files_of_the_openexr_library(
    data: st.DataObject, group: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = [_part(data, number) for number in range(data.draw(st.integers(1, 3)))]
    with OpenEXR.File(parts) as written:
        written.write(str(tmp_path / "x.exr"))
    content = (tmp_path / "x.exr").read_bytes()
    monkeypatch.setattr(stream, "GROUP_BYTES", group)
    with closing(PixelFile(Bytes(content), Limits())) as file:
        for number, expected in enumerate(decoded_parts(content)):
            assert _equal(_planes(file.stream(number)), expected)
            one = next(iter(expected))
            assert _equal(_planes(file.stream(number, [one])), {one: expected[one]})


OIIO_CODECS = ("none", "rle", "zips", "zip", "piz", "pxr24", "b44", "b44a", "dwaa", "dwab", "htj2k")


@settings(examples, max_examples=25)
@given(
    width=st.integers(1, 200),
    height=st.integers(1, 200),
    tile=st.sampled_from((16, 32, 64)),
    compression=st.sampled_from(OIIO_CODECS),
    type_=st.sampled_from(("half", "float")),
)
def test_mip_levels_that_openimageio_writes(
    width: int, height: int, tile: int, compression: str, type_: str, tmp_path: Path
) -> None:
    path = str(tmp_path / "x.exr")
    image = oiio.ImageBuf(oiio.ImageSpec(width, height, 3, type_))
    image.set_pixels(oiio.ROI(), np.random.default_rng(1).random((height, width, 3), np.float32))
    hints = oiio.ImageSpec(width, height, 3, type_)
    hints.tile_width = hints.tile_height = tile
    hints.attribute("compression", compression)
    assert oiio.ImageBufAlgo.make_texture(oiio.MakeTxTexture, image, path, hints), oiio.geterror()
    content = Path(path).read_bytes()
    opened: Any = oiio.ImageInput.open(path)
    with closing(PixelFile(Bytes(content), Limits())) as file:
        found = file.stream(0, ["R", "G", "B"])
        for level in range(len(found.layout.levels)):
            assert opened.seek_subimage(0, level)
            expected = opened.read_image(type_)
            planes = _planes(found, level)
            for index, name in enumerate("RGB"):
                assert np.array_equal(planes[name], expected[:, :, index])
    opened.close()


@pytest.mark.parametrize("limit", [0, 1 << 30])
def test_a_row_of_tiles_that_is_too_large_is_decoded_in_pieces(
    limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exr_inspector.pixels.plan.MAX_ROW_BYTES", limit)
    monkeypatch.setattr(stream, "GROUP_BYTES", 1)
    data = files.file("one tiles, down").data
    with closing(PixelFile(Bytes(data), Limits())) as file:
        found = list(file.stream(0).groups(plan_full(file.table.layouts[0])))
    assert {each.has_lines for each in found} == {bool(limit)}
    assert sum(len(piece.units) for each in found for piece in each.pieces) == file.table.total


def test_a_stream_that_is_left_early_can_be_used_again() -> None:
    data = files.file("scan lines backwards").data
    with closing(PixelFile(Bytes(data), Limits())) as file:
        found = file.stream(0)
        groups = found.groups(plan_full(found.layout))
        next(groups)
        groups.close()  # type: ignore[attr-defined]
        assert _equal(_planes(found), decoded_parts(data)[0])
