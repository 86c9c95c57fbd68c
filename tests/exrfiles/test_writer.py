"""Files of the suite's writer are real: OpenEXR and OpenImageIO open them and see what was written."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import OpenEXR
import pytest

from tests.exrfiles.attributes import COMPRESSIONS, ENCODERS, Attribute, Channel, attribute
from tests.exrfiles.demo import simple
from tests.exrfiles.geometry import LINES_PER_CHUNK, Tiling, level_sizes, tile_chunk_count, tiles
from tests.exrfiles.parts import deep_scanline, deep_tiled, scanline, tiled
from tests.exrfiles.readers import (
    oiio_deep_samples,
    oiio_pixels,
    open_oiio,
    openexr_accepts,
    openexr_header,
    openexr_pixels,
    pending_error,
)
from tests.exrfiles.writer import MULTIPART, Part, flags_of, header, write

if TYPE_CHECKING:
    from tests.exrfiles.chunks import Pixels

WIDTH, HEIGHT = 45, 37
ORIGIN = (-6, 14)
WRITTEN = ("none", "zips", "zip")
CORPUS = Path(__file__).parents[3] / "shared" / "corpus" / "openexr-images"


def noise(height: int = HEIGHT, width: int = WIDTH) -> dict[str, Pixels]:
    """A channel of each pixel type, none of which zlib makes smaller, and a smooth one."""
    random = np.random.default_rng(2)
    return {
        "R": random.random((height, width)).astype(np.float16),
        "Z": random.random((height, width)).astype(np.float32),
        "id": random.integers(0, 1 << 32, (height, width), dtype=np.uint32),
        "smooth": np.linspace(0, 1, height * width, dtype=np.float16).reshape(height, width),
    }


def levels_of(tiling: Tiling) -> dict[tuple[int, int], dict[str, Pixels]]:
    """Levels of which each pixel tells its level and column."""
    return {
        (x, y): {"V": (x + 10 * y + np.indices((height, width))[1] / 64).astype(np.float32)}
        for (x, y), (width, height) in level_sizes(WIDTH, HEIGHT, tiling).items()
    }


def deep_samples() -> tuple[Any, dict[str, Pixels]]:
    random = np.random.default_rng(3)
    counts = random.integers(0, 4, (HEIGHT, WIDTH)).astype(np.int32)
    total = int(counts.sum())
    return counts, {
        "A": np.full(total, 0.5, np.float16),
        "Z": random.random(total).astype(np.float32),
        "id": np.arange(total, dtype=np.uint32),
    }


def saved(data: bytes, folder: Path) -> Path:
    path = folder / "file.exr"
    path.write_bytes(data)
    return path


def assert_same(found: dict[str, Pixels], expected: dict[str, Pixels]) -> None:
    assert found.keys() == expected.keys()
    for name, pixels in expected.items():
        assert found[name].dtype == pixels.dtype, name
        np.testing.assert_array_equal(found[name], pixels, name)


@pytest.mark.parametrize("line_order", ["increasingY", "decreasingY"])
@pytest.mark.parametrize("compression", WRITTEN)
def test_scan_lines_read_as_written(compression: str, line_order: str, tmp_path: Path) -> None:
    data = write(scanline(noise(), compression=compression, line_order=line_order, origin=ORIGIN))
    assert_same(openexr_pixels(data), noise())
    assert_same(oiio_pixels(saved(data, tmp_path)), noise())


@pytest.mark.parametrize("compression", WRITTEN)
def test_only_chunks_that_shrink_are_compressed(compression: str) -> None:
    sizes = {len(write(scanline({"V": noise()[name]}, compression=compression))) for name in ("R", "smooth")}
    assert (len(sizes) == 1) == (compression == "none")


@pytest.mark.parametrize("rounding", ["down", "up"])
@pytest.mark.parametrize("mode", ["one", "mipmap", "ripmap"])
def test_the_full_image_of_a_tiled_file_reads_as_written(mode: str, rounding: str, tmp_path: Path) -> None:
    tiling = Tiling(16, 8, mode, rounding)
    data = write(tiled(levels_of(tiling), tiling, origin=ORIGIN))
    assert_same(openexr_pixels(data), levels_of(tiling)[0, 0])
    assert_same(oiio_pixels(saved(data, tmp_path)), levels_of(tiling)[0, 0])


@pytest.mark.parametrize("compression", WRITTEN)
@pytest.mark.parametrize("rounding", ["down", "up"])
def test_every_mip_level_reads_as_written(rounding: str, compression: str, tmp_path: Path) -> None:
    tiling = Tiling(16, 8, "mipmap", rounding)
    levels = levels_of(tiling)
    path = saved(write(tiled(levels, tiling, compression=compression)), tmp_path)
    for level, pixels in levels.items():
        assert_same(oiio_pixels(path, level=level[0]), pixels)


@pytest.mark.parametrize("rounding", ["down", "up"])
def test_rip_levels_lie_where_readers_look_for_them(rounding: str, tmp_path: Path) -> None:
    """OpenImageIO can address a rip level only where both its numbers are equal, and there tile by tile."""
    tiling = Tiling(4, 4, "ripmap", rounding)
    levels = levels_of(tiling)
    image = open_oiio(saved(write(tiled(levels, tiling)), tmp_path))
    for level in range(4):
        assert image.seek_subimage(0, level)
        tile = np.asarray(image.read_tile(0, 0, 0, "float")).reshape(4, 4)
        expected = levels[level, level]["V"][:4, :4]
        np.testing.assert_array_equal(tile[: expected.shape[0], : expected.shape[1]], expected)


@pytest.mark.parametrize("compression", WRITTEN)
def test_subsampled_channels_read_as_written(compression: str) -> None:
    """OpenEXR alone: OpenImageIO does not open such files."""
    planes = {"Y": noise(36, 46)["R"], "RY": noise(18, 23)["smooth"], "BY": noise(18, 23)["R"]}
    sampling = {"RY": (2, 2), "BY": (2, 2)}
    data = write(scanline(planes, sampling=sampling, compression=compression, origin=ORIGIN))
    assert_same(openexr_pixels(data), planes)
    stated = {each.name: (each.xSampling, each.ySampling) for each in openexr_header(data)["channels"]}
    assert stated == {**sampling, "Y": (1, 1)}


@pytest.mark.parametrize("compression", ["none", "zips"])
@pytest.mark.parametrize("tiling", [None, Tiling(16, 8)])
def test_deep_parts_read_as_written(compression: str, tiling: Tiling | None, tmp_path: Path) -> None:
    counts, samples = deep_samples()
    tiles = deep_tiled(counts, samples, tiling or Tiling(9, 9), compression=compression, origin=ORIGIN)
    lines = deep_scanline(counts, samples, compression=compression, origin=ORIGIN)
    data = write(tiles if tiling else lines)
    for name, pixels in openexr_pixels(data).items():
        found = [np.empty(0) if pixel is None else pixel for pixel in pixels.ravel()]
        assert [len(pixel) for pixel in found] == counts.ravel().tolist()
        np.testing.assert_array_equal(np.concatenate(found), samples[name])
    found_counts, found_samples = oiio_deep_samples(saved(data, tmp_path))
    assert found_counts == counts.ravel().tolist()
    assert found_samples == {name: values.tolist() for name, values in samples.items()}


def test_parts_of_every_kind_share_a_file(tmp_path: Path) -> None:
    counts, samples = deep_samples()
    tiling = Tiling(16, 8, "mipmap")
    window = attribute("displayWindow", "box2i", (0, 0, 99, 99))
    first, second, third = (
        (attribute("name", "string", name), window) for name in ("flat", "texture", "deep")
    )
    data = write(
        scanline(noise(), first, line_order="decreasingY"),
        tiled(levels_of(tiling), tiling, second),
        deep_scanline(counts, samples, third),
    )
    path = saved(data, tmp_path)
    assert_same(openexr_pixels(data, 0), noise())
    assert_same(oiio_pixels(path, 0), noise())
    assert_same(openexr_pixels(data, 1), levels_of(tiling)[0, 0])
    assert_same(oiio_pixels(path, 1, 2), levels_of(tiling)[2, 2])
    assert oiio_deep_samples(path, 2)[0] == counts.ravel().tolist()
    assert [openexr_header(data, part)["name"] for part in range(3)] == ["flat", "texture", "deep"]


# Type, what is given to the encoder, and what OpenEXR makes of it (None: the same).
READ_BACK: list[tuple[str, Any, Any]] = [
    ("int", -7, None),
    ("float", 0.5, None),
    ("double", 0.1, [0.1]),
    ("string", "grün", None),
    ("string", "", None),
    ("stringvector", ["left", "", "right"], None),
    ("floatvector", [1.5, -2.25], None),
    ("v2i", [1, -2], None),
    ("v2f", [0.5, -0.25], None),
    ("v2d", [0.1, 0.2], None),
    ("v3i", [1, 2, -3], None),
    ("v3f", [0.5, 0.25, -8.0], None),
    ("v3d", [0.1, 0.2, 0.3], None),
    ("m33f", range(9), [[0, 1, 2], [3, 4, 5], [6, 7, 8]]),
    ("m33d", range(9), [[0, 1, 2], [3, 4, 5], [6, 7, 8]]),
    ("m44f", range(16), np.arange(16).reshape(4, 4).tolist()),
    ("m44d", range(16), np.arange(16).reshape(4, 4).tolist()),
    ("box2i", (-1, -2, 3, 4), [[-1, -2], [3, 4]]),
    ("box2f", (-1.5, -2, 3, 4), [[-1.5, -2], [3, 4]]),
    ("chromaticities", [0.5, 0.25, 0.25, 0.5, 0.125, 0.0625, 0.375, 0.3125], None),
    ("compression", "dwab", OpenEXR.DWAB_COMPRESSION),
    ("lineOrder", "randomY", OpenEXR.RANDOM_Y),
    ("envmap", "cube", OpenEXR.ENVMAP_CUBE),
    ("rational", (-24000, 1001), Fraction(-24000, 1001)),
]


def plain(value: Any) -> Any:
    """OpenEXR's arrays and tuples of arrays as lists."""
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    return value.tolist() if isinstance(value, np.ndarray) else value


def read_back(type_: str, value: Any) -> Any:
    return openexr_header(simple(4, 4, attributes=[attribute("given", type_, value)]))["given"]


@pytest.mark.parametrize(("type_", "value", "expected"), READ_BACK)
def test_values_read_back_as_given(type_: str, value: Any, expected: Any) -> None:
    assert plain(read_back(type_, value)) == (value if expected is None else expected)


def test_a_time_code_reads_back_as_given(tmp_path: Path) -> None:
    code = read_back("timecode", (0x11223314, 0xFEDCBA98))
    assert (code.hours, code.minutes, code.seconds, code.frame) == (11, 22, 33, 14)
    data = simple(4, 4, attributes=[attribute("timeCode", "timecode", (0x11223314, 0xFEDCBA98))])
    numbers = open_oiio(saved(data, tmp_path)).spec().getattribute("smpte:TimeCode")
    assert tuple(numbers) == (0x11223314, 0xFEDCBA98)


def test_a_key_code_reads_back_as_given() -> None:
    code = read_back("keycode", (1, 2, 3, 4, 5, 6, 20))
    assert (code.filmMfcCode, code.filmType, code.prefix, code.count) == (1, 2, 3, 4)
    assert (code.perfOffset, code.perfsPerFrame, code.perfsPerCount) == (5, 6, 20)


def test_a_tile_description_reads_back_as_given() -> None:
    found = read_back("tiledesc", (64, 32, "ripmap", "up"))
    assert (found.xSize, found.ySize) == (64, 32)
    assert (found.mode, found.roundingMode) == (OpenEXR.RIPMAP_LEVELS, OpenEXR.ROUND_UP)


def test_a_channel_list_reads_back_as_given() -> None:
    given = [Channel("R", "half", 1, 2, 4), Channel("Z", "float")]
    found = openexr_header(simple(8, 8, attributes=[attribute("channels", "chlist", given)]))["channels"]
    numbers = [(each.name, int(each.pLinear), each.xSampling, each.ySampling) for each in found]
    assert numbers == [("R", 1, 2, 4), ("Z", 0, 1, 1)]


def test_a_preview_reads_back_as_given() -> None:
    found = read_back("preview", (2, 1, bytes(range(8)))).pixels
    assert found.tolist() == [[(0, 1, 2, 3), (4, 5, 6, 7)]]


def test_bytes_read_back_with_their_hint() -> None:
    found = read_back("bytes", ("a hint", b"\0\xffx"))
    assert (found.type_hint, bytes(found.data)) == ("a hint", b"\0\xffx")


def test_an_id_manifest_reads_back() -> None:
    """Four zeros are its version, and no strings, no mapping, no channel groups."""
    assert read_back("idmanifest", bytes(16)).size() == 0


def test_a_deep_image_state_reads_back(tmp_path: Path) -> None:
    """OpenImageIO alone: OpenEXR's Python reader does not know the type."""
    data = simple(4, 4, attributes=[attribute("deepImageState", "deepImageState", "non_overlapping")])
    state = open_oiio(saved(data, tmp_path)).spec().getattribute("openexr:deepImageState")
    assert state == "non_overlapping"


def test_every_encoder_is_read_back_by_some_test() -> None:
    alone = {"timecode", "keycode", "tiledesc", "chlist", "preview", "bytes", "idmanifest", "deepImageState"}
    assert {type_ for type_, _, _ in READ_BACK} | alone == ENCODERS.keys()


def test_an_unknown_type_keeps_its_name_and_bytes() -> None:
    odd = openexr_header(simple(4, 4, attributes=[Attribute(b"odd", b"studioType", b"\1\0\2")]))["odd"]
    assert (odd.typeName, bytes(odd.data)) == ("studioType", b"\1\0\2")


@pytest.mark.parametrize("length", [31, 32, 255])
def test_long_names_are_flagged(length: int) -> None:
    data = simple(4, 4, channels=["c" * length], attributes=[attribute("a" * length, "int", 1)])
    assert openexr_header(data)["a" * length] == 1
    assert openexr_pixels(data).keys() == {"c" * length}


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_compressions_have_the_codes_and_lines_that_openexr_gives_them(
    compression: str, tmp_path: Path
) -> None:
    """A file that OpenEXR writes with one chunk more than a multiple tells the lines of a chunk."""
    method = OpenEXR.Compression(COMPRESSIONS.index(compression))
    assert method.name.lower().removesuffix("_compression") == compression.replace("none", "no")
    lines = LINES_PER_CHUNK[compression]
    channels = {"Y": OpenEXR.Channel(np.zeros((2 * lines + 1, 2), np.float16))}
    OpenEXR.File({"compression": method, "type": OpenEXR.scanlineimage}, channels).write(
        str(tmp_path / "a.exr")
    )
    assert offset_table((tmp_path / "a.exr").read_bytes(), 3)


@pytest.mark.parametrize("multipart", [False, True])
def test_the_header_ends_where_readers_say_it_ends(multipart: bool) -> None:
    """OpenEXR needs every byte of a header and none after it."""
    named = scanline(noise(), [attribute("name", "string", "flat")])
    parts = [named] if not multipart else [named, scanline(noise(), [attribute("name", "string", "other")])]
    head = header(part.attributes for part in parts)
    data = write(*parts)
    assert data[: head.size] == head.data
    assert openexr_accepts(head.data)
    assert not openexr_accepts(head.data[:-1])


def test_one_part_may_stand_in_a_multipart_file() -> None:
    part = scanline(noise(), [attribute("name", "string", "only")])
    data = write(part, flags=flags_of([part.attributes]) | MULTIPART)
    assert_same(openexr_pixels(data), noise())


def test_any_bytes_are_written_as_given() -> None:
    """Twice the same name, names that differ in case, no UTF-8, a wrong size, a type of no library."""
    odd = (
        *(Attribute(b"twice", b"int", b"\1\0\0\0"), Attribute(b"twice", b"int", b"\2\0\0\0")),
        *(Attribute(b"Twice", b"int", b"12345"), Attribute(b"\xff", b"\xfe", b"")),
    )
    expected = (
        b"\x76\x2f\x31\x01\x02\0\0\0"
        b"twice\0int\0\4\0\0\0\1\0\0\0" + b"twice\0int\0\4\0\0\0\2\0\0\0"
        b"Twice\0int\0\5\0\0\00012345" + b"\xff\0\xfe\0\0\0\0\0\0"
    )
    assert header([odd]).data == expected
    assert header([odd]).parts == (odd,)


def test_chunks_may_lie_in_any_order() -> None:
    whole = scanline(noise(), compression="zips")
    order = tuple(int(index) for index in np.random.default_rng(4).permutation(len(whole.chunks)))
    shuffled = write(Part(whole.attributes, whole.chunks, order))
    assert shuffled != write(whole)
    assert_same(openexr_pixels(shuffled), noise())


@pytest.mark.parametrize(
    "name", ["MultiResolution/StageEnvLatLong.exr", "MultiResolution/Bonita.exr", "Tiles/GoldenGate.exr"]
)
def test_tiles_are_counted_and_ordered_as_in_real_files(name: str) -> None:
    """One file with levels rounded up, one rounded down, one of a single level."""
    if not (CORPUS / name).exists():
        pytest.skip(f"no corpus: {name} is not there")
    data = (CORPUS / name).read_bytes()
    found = openexr_header(data)
    tiling = tiling_of(found["tiles"])
    low, high = found["dataWindow"]
    width, height = (int(each) for each in high - low + 1)
    sizes = level_sizes(width, height, tiling)
    expected = [(t.x, t.y, *t.level) for level, size in sizes.items() for t in tiles(level, *size, tiling)]
    offsets = offset_table(data, tile_chunk_count(width, height, tiling))
    assert [struct.unpack_from("<4i", data, offset) for offset in offsets] == expected


def tiling_of(tiles_: Any) -> Tiling:
    modes = {OpenEXR.ONE_LEVEL: "one", OpenEXR.MIPMAP_LEVELS: "mipmap", OpenEXR.RIPMAP_LEVELS: "ripmap"}
    rounding = "up" if tiles_.roundingMode == OpenEXR.ROUND_UP else "down"
    return Tiling(tiles_.xSize, tiles_.ySize, modes[tiles_.mode], rounding)


def offset_table(data: bytes, count: int) -> tuple[int, ...]:
    """The table of `count` offsets, found without a parser: the lowest points to the byte after it."""
    for place in range(8, len(data) - 8 * count):
        if place + 8 * count <= int.from_bytes(data[place : place + 8], "little") < len(data):
            offsets = struct.unpack_from(f"<{count}Q", data, place)
            if min(offsets) == place + 8 * count:
                return offsets
    pytest.fail(f"no table of {count} offsets")


def test_a_reader_that_refuses_leaves_a_message(tmp_path: Path) -> None:
    """The oracles can say no: pixels that are cut off are an error in OpenImageIO."""
    data = write(scanline(noise()))
    image = open_oiio(saved(data[: len(data) // 2], tmp_path))
    assert image.read_image("float") is None
    assert pending_error(image)
