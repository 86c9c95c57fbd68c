"""OpenImageIO's report of a header, in the document's terms."""

from __future__ import annotations

import base64
import contextlib
import json
import math
import os
import resource
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exr_inspector.document import memory_file, oiio_report
from exr_inspector.document.memory_file import MemoryFile
from exr_inspector.document.model import Difference
from exr_inspector.document.oiio_report import (
    MAX_STRING,
    attributes_from_spec,
    report_header,
    serialize_value,
    spec_to_channels,
    spec_to_part,
)
from exr_inspector.document.report import OiioReport, verdict
from exr_inspector.errors import STORAGE_UNAVAILABLE, InspectorError
from exr_inspector.exr.header import Header
from exr_inspector.exr.part_summary import part_facts
from tests.corpus import each_image
from tests.exr.files import KINDS, file
from tests.exr.headers import NAMED, multipart, parsed, plain, replaced, without
from tests.exrfiles.attributes import Attribute, Channel, attribute
from tests.exrfiles.geometry import Tiling
from tests.exrfiles.readers import open_oiio
from tests.exrfiles.strategies import valid_headers, wild_headers
from tests.exrfiles.writer import TILED
from tests.exrfiles.writer import Header as Written

REFUSED = parsed(Written((without(b"channels"),), 0))


def report_of(*more: Attribute, flags: int | None = None) -> OiioReport:
    return report_header(parsed(plain(*more, flags=flags)))


def reported(*more: Attribute) -> dict[str, Any]:
    """Return the attributes that OpenImageIO reports for one part."""
    report = report_of(*more)
    assert report.opens, report.message
    return report.attributes[0]


def differences(header: Header) -> list[Difference]:
    parts = [part_facts(header, index) for index in range(len(header.parts))]
    channels = [
        {"part_index": index, **channel}
        for index, part in enumerate(header.parts)
        for channel in part.value("channels", "chlist")
    ]
    return verdict(report_header(header), parts, channels)["differences"]


# --- values ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (7, 7),
        (2**80, 2**80),
        (0.1, 0.1),
        (math.nan, "NaN"),
        (-math.inf, "-Infinity"),
        ("grün", "grün"),
        ("abc\udce9", "abc\\xe9"),
        ("\ud800", "\\ud800"),
        (b"\0\xff", {"base64": "AP8="}),
        (bytearray(b"\0\xff"), {"base64": "AP8="}),
        (memoryview(b"\0\xff"), {"base64": "AP8="}),
        ((1, 2.5, "x"), [1, 2.5, "x"]),
        ([[1, (2, b"\0")], []], [[1, [2, {"base64": "AA=="}]], []]),
        (
            {"a": (1, math.inf), 2: "abc\udce9", "\udce9": 0},
            {"a": [1, "Infinity"], "2": "abc\\xe9", "\\xe9": 0},
        ),
        (np.int32(-7), -7),
        (np.uint8(7), 7),
        (np.uint64(2**64 - 1), 2**64 - 1),
        (np.bool_(True), True),
        (np.float64(0.1), 0.1),
        (np.float32(0.1), 0.1),
        (np.float16(0.1), 0.099975586),
        (np.float32(math.nan), "NaN"),
        (np.str_("text"), "text"),
        (np.array([0.1, math.inf], np.float32), [0.1, "Infinity"]),
        (np.array([0.1, math.nan], np.float64), [0.1, "NaN"]),
        (np.array([[1, 2], [3, 4]], np.int16), [[1, 2], [3, 4]]),
        (np.arange(3, dtype=np.uint8), {"base64": "AAEC"}),
        (np.zeros((0, 2), np.float32), []),
        (np.array(["a", "b"]), ["a", "b"]),
        (np.identity(3, np.float32), [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
    ],
)
def test_any_value_becomes_json(value: Any, expected: Any) -> None:
    found = serialize_value(value)
    assert found == expected
    json.dumps(found, allow_nan=False, ensure_ascii=False).encode()


@pytest.mark.parametrize(
    ("value", "expected"), [(0.1, 0.1), (math.nan, "NaN"), (math.inf, "Infinity"), (7, 7)]
)
def test_floats_of_32_bits_are_shortest(value: float, expected: Any) -> None:
    """OpenImageIO's Python module returns them as doubles."""
    as_double = float(np.float32(value)) if isinstance(value, float) else value
    assert serialize_value(as_double, single=True) == expected
    assert serialize_value((as_double, [as_double]), single=True) == [expected, [expected]]


def test_anything_else_becomes_its_text() -> None:
    assert serialize_value(oiio.TypeDesc("float[3]")) == "float[3]"


nested = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()) | st.binary(),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(nested)
def test_nested_values_are_always_json(value: Any) -> None:
    json.dumps(serialize_value(value), allow_nan=False, ensure_ascii=False).encode()


# What is written; the name and the value that OpenImageIO reports.
SHOWN: list[tuple[Attribute, str, Any]] = [
    (attribute("i", "int", -7), "i", -7),
    (attribute("f", "float", 0.1), "f", 0.1),
    (attribute("d", "double", 0.1), "d", 0.1),
    (attribute("s", "string", "grün"), "s", "grün"),
    (attribute("s", "string", b"abc\xe9"), "s", "abc\\xe9"),
    (attribute("sv", "stringvector", ["left", "right"]), "sv", ["left", "right"]),
    (attribute("fv", "floatvector", [0.1, math.nan, math.inf]), "fv", [0.1, "NaN", "Infinity"]),
    (attribute("colour", "v3f", (0.1, 0.2, 0.3)), "colour", [0.1, 0.2, 0.3]),
    (attribute("v", "v2i", (1, -2)), "v", [1, -2]),
    (attribute("v", "v3d", (0.1, 0.2, 0.3)), "v", [0.1, 0.2, 0.3]),
    (attribute("m", "m33f", range(9)), "m", [float(n) for n in range(9)]),
    (attribute("m", "m44d", range(16)), "m", [float(n) for n in range(16)]),
    (attribute("b", "box2i", (0, 1, 2, 3)), "b", [0, 1, 2, 3]),
    (attribute("b", "box2f", (0.5, 1, 2, 3)), "b", [0.5, 1.0, 2.0, 3.0]),
    (attribute("r", "rational", (24000, 1001)), "r", [24000, 1001]),
    (attribute("bytes", "bytes", ("hint", b"\0\xff")), "bytes", {"base64": "AP8="}),
    (Attribute(b"odd", b"studioType", b"\1\0\2"), "odd", {"base64": "AQAC"}),
    (attribute("comments", "string", "a comment"), "ImageDescription", "a comment"),
    (attribute("owner", "string", "someone"), "Copyright", "someone"),
    (attribute("capDate", "string", "2026:10:01 09:15:30"), "DateTime", "2026:10:01 09:15:30"),
    (attribute("timeCode", "timecode", (1, 2)), "smpte:TimeCode", [1, 2]),
    (attribute("keyCode", "keycode", range(7)), "smpte:KeyCode", [*range(7)]),
    (attribute("worldToCamera", "m44f", range(16)), "worldToCamera", [float(n) for n in range(16)]),
]


@pytest.mark.parametrize(("given_", "name", "value"), SHOWN)
def test_attributes_have_openimageios_names(given_: Attribute, name: str, value: Any) -> None:
    assert reported(given_)[name] == value


def test_a_name_that_is_not_utf8_is_escaped() -> None:
    assert reported(Attribute(b"abc\xe9", b"int", b"\7\0\0\0"))["abc\\xe9"] == 7


def test_uint8_arrays_are_bytes() -> None:
    found = reported(Attribute(b"odd", b"studioType", bytes(range(256))))["odd"]
    assert base64.b64decode(found["base64"]) == bytes(range(256))


# --- specs ----------------------------------------------------------------------------------------------


def specs(path: Path) -> list[Any]:
    image = open_oiio(path)
    found: list[Any] = []
    while image.seek_subimage(len(found), 0):
        found.append(image.spec())
    oiio.geterror()
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_specs_of_real_files_agree_with_the_header(kind: str, tmp_path: Path) -> None:
    """Compare parts, channels and types."""
    path = tmp_path / "file.exr"
    path.write_bytes(file(kind).data)
    header = parsed(file(kind).data)
    for index, (spec, part) in enumerate(zip(specs(path), header.parts, strict=True)):
        ours: Mapping[str, Any] = part_facts(header, index)
        assert spec_to_part(spec, index) == {key: ours[key] for key in spec_to_part(spec, index)}
        stated = {each["name"]: each["type"] for each in part.value("channels", "chlist")}
        assert {each["name"]: each["type"] for each in spec_to_channels(spec, index)} == stated
        assert {each["part_index"] for each in spec_to_channels(spec, index)} == {index}
        assert attributes_from_spec(spec)["compression"] == ours["compression"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_header_alone_gives_the_report_of_the_whole_file(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "file.exr"
    path.write_bytes(file(kind).data)
    found = specs(path)
    report = report_header(parsed(file(kind).data))
    assert report.parts == [spec_to_part(spec, index) for index, spec in enumerate(found)]
    assert report.attributes == [attributes_from_spec(spec) for spec in found]


def test_a_spec_without_formats_of_channels_has_one_for_all() -> None:
    spec = oiio.ImageSpec(4, 4, 2, "half")
    spec.channelnames = ("R", "grün")
    assert spec_to_channels(spec, 3) == [
        {"part_index": 3, "name": "R", "type": "half"},
        {"part_index": 3, "name": "grün", "type": "half"},
    ]


# --- verdicts -------------------------------------------------------------------------------------------


def test_an_ordinary_header_opens_without_a_message() -> None:
    report = report_of()
    assert (report.opens, report.message) == (True, "")
    assert differences(parsed(plain())) == []


def test_a_refusal_keeps_the_librarys_message() -> None:
    sub = attribute("channels", "chlist", [Channel("RY", "half", 0, 2, 2), Channel("Y")])
    report = report_header(parsed(plain(sub)))
    assert report == OiioReport(False, report.message)
    assert report.message.startswith("Subsampled channels are not supported")
    assert '"RY" has sampling 2,2' in report.message


@pytest.mark.parametrize(
    "broken",
    [
        (attribute("compression", "compression", 99),),
        (Attribute(b"lineOrder", b"int", b"1234"),),
        (Attribute(b"dataWindow", b"box2i", b""),),
        (Attribute(b"channels", b"chlist", b"\0"),),
    ],
)
def test_a_broken_header_never_raises(broken: tuple[Attribute, ...]) -> None:
    report = report_of(*broken)
    assert report.opens or report.message
    assert report.message.isprintable()


def test_a_message_does_not_name_the_memory_file() -> None:
    """The name differs between processes."""
    report = report_header(REFUSED)
    assert report.opens is False
    assert report.message == "EXR Error (the header): EXR_ERR_MISSING_REQ_ATTR 'channels' attribute not found"


def test_a_message_belongs_to_its_own_header() -> None:
    """An error of an earlier call may still be in the library."""
    oiio.ImageInput.open("no such file.exr")
    assert report_of().message == ""
    oiio.ImageInput.open("no such file.exr")
    report = report_header(parsed(plain(attribute("channels", "chlist", [Channel("Y", "half", 0, 2, 2)]))))
    assert "no such file" not in report.message


def _open_files() -> set[str]:
    return {path.name for path in Path("/proc/self/fd").iterdir()}


def test_no_error_and_no_descriptor_is_left_behind() -> None:
    """The library prints unread errors when the process ends."""
    report_of()
    descriptors = _open_files()
    for header in (parsed(plain()), REFUSED):
        report_header(header)
        assert oiio.geterror() == ""
    assert _open_files() == descriptors


def test_different_facts_are_listed() -> None:
    """OpenImageIO takes any attribute of the type lineOrder as the line order."""
    header = parsed(plain(attribute("other", "lineOrder", "randomY")))
    assert differences(header) == [{"part_index": 0, "field": "line_order", "openimageio": "randomY"}]


def test_the_display_window_of_a_cube_map_differs() -> None:
    """OpenImageIO reports one face of the six."""
    window = attribute("displayWindow", "box2i", (0, 0, 63, 383))
    cube = (attribute("envmap", "envmap", "cube"), window, window._replace(name=b"dataWindow"))
    tiles = attribute("tiles", "tiledesc", Tiling(64, 64, "mipmap"))
    (found,) = differences(parsed(plain(*cube, tiles, flags=TILED)))
    assert (found["field"], found["openimageio"]["max"]) == ("display_window", {"x": 63, "y": 63})


@pytest.mark.parametrize("name", [b"abc\xe9", b"\xff\xfe"])
def test_text_that_is_not_utf8_is_no_difference(name: bytes) -> None:
    """Both escape it in the same way."""
    header = parsed(plain(attribute("name", "string", name)))
    assert report_header(header).parts[0]["name"] == part_facts(header, 0)["name"]
    assert differences(header) == []


def test_an_unknown_compression_is_a_difference_or_a_refusal() -> None:
    header = parsed(plain(attribute("compression", "compression", 99)))
    found = [each["field"] for each in differences(header)]
    assert found == ["compression"] or report_header(header).opens is False


# --- what reaches the library ---------------------------------------------------------------------------


def text(size: int, name: str = "text") -> Attribute:
    return attribute(name, "string", "x" * size)


@pytest.fixture
def content(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Return what the library gets."""
    found: list[bytes] = []
    write = MemoryFile.write

    def watched(file: MemoryFile, data: bytes, size: int = 0) -> None:
        found.append(data)
        write(file, data, size)

    monkeypatch.setattr(MemoryFile, "write", watched)
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_the_report_of_a_header_is_that_of_its_file(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "file.exr"
    path.write_bytes(file(kind).data)
    expected = [list(attributes_from_spec(spec).items()) for spec in specs(path)]
    assert [list(each.items()) for each in report_header(parsed(file(kind).data)).attributes] == expected


@each_image
def test_the_report_of_a_public_header_is_that_of_its_file(image: Path) -> None:
    """Compare attributes in OpenImageIO's order, or the messages of two refusals."""
    report = report_header(parsed(image.read_bytes()), image.stat().st_size)
    found = oiio.ImageInput.open(str(image))
    if found is None:
        assert oiio.geterror().replace(str(image), "the header").split() == report.message.split()
        return
    expected = [list(attributes_from_spec(spec).items()) for spec in specs(image)]
    assert [list(each.items()) for each in report.attributes] == expected


DECISIVE = ["name", "type", "view", "colorInteropID", "oiio:ColorSpace", "openexr:note", "textureformat"]


def test_only_decisive_strings_reach_the_library(content: list[bytes]) -> None:
    decisive = [attribute(name, "string", f"decisive {name}") for name in DECISIVE]
    found = reported(
        attribute("note", "string", "a note"), attribute("capDate", "string", "a date"), *decisive
    )
    assert (found["note"], found["DateTime"]) == ("a note", "a date")
    assert b"a note" not in content[0]
    assert b"a date" not in content[0]
    assert [name for name in DECISIVE if f"decisive {name}".encode() not in content[0]] == []


@pytest.mark.parametrize(
    "value",
    [b"", b"\0", b"\0tail", b"head\0tail", b"\xe9", b"\xff\xfe\0", b"\x010", b"\x019", b"\x01" + b"9" * 900],
)
def test_a_string_is_reported_as_if_it_had_reached_the_library(value: bytes, tmp_path: Path) -> None:
    data = plain(attribute("note", "string", value), attribute("oiio:note", "string", value)).data
    (tmp_path / "file.exr").write_bytes(data)
    (spec,) = specs(tmp_path / "file.exr")
    assert report_header(parsed(data)).attributes == [attributes_from_spec(spec)]


@pytest.mark.parametrize("type_", ["string", "stringvector"])
def test_a_long_string_does_not_reach_the_library(type_: str, content: list[bytes]) -> None:
    long = Attribute(b"manifest", type_.encode(), b"\xfc\x0f\0\0" + b"long" * (MAX_STRING - 1))
    if type_ == "string":
        long = long._replace(value=b"long" * MAX_STRING)
    report = report_header(parsed(plain(long, text(MAX_STRING, "short"))))
    assert report.attributes[0]["short"] == "x" * MAX_STRING
    assert report.attributes[0]["manifest"]["elided"]["size_bytes"] == 4 * MAX_STRING
    assert len(report.attributes[0]["manifest"]["elided"]["sha256"]) == 64
    assert b"longlong" not in content[0]


@pytest.mark.parametrize(("name", "reported_as"), [("comments", "ImageDescription"), ("text", "text")])
def test_an_elided_string_has_openimageios_name(name: str, reported_as: str) -> None:
    assert "elided" in reported(text(MAX_STRING + 1, name))[reported_as]
    assert reported(text(MAX_STRING, name))[reported_as] == "x" * MAX_STRING


def test_an_elided_string_belongs_to_its_part() -> None:
    """The part before it has none."""
    report = report_header(parsed(multipart([], [attribute("name", "string", "b"), text(5000)])))
    assert "text" not in report.attributes[0]
    assert report.attributes[1]["text"]["elided"]["size_bytes"] == 5000


@pytest.mark.parametrize("name", ["name", "type", "oiio:note"])
def test_a_header_with_a_long_decisive_string_is_not_shown(name: str, content: list[bytes]) -> None:
    """Without the string the library could refuse the header, or report another image."""
    report = report_header(parsed(multipart([], [text(MAX_STRING + 1, name)])))
    assert report == OiioReport(None, f"not shown to OpenImageIO: {name} has {MAX_STRING + 1} bytes")
    assert content == []


@pytest.mark.parametrize(("pooled", "free"), [(True, 0), (False, 0), (False, 1)])
def test_a_process_without_descriptors_reports_nothing_about_the_file(
    pooled: bool, free: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OpenImageIO needs one descriptor, and the memory file another one unless it is used again."""
    report_header(parsed(plain()))
    if not pooled:
        monkeypatch.setattr(memory_file, "_free", [])
    most = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = max(int(each.name) for each in Path("/proc/self/fd").iterdir())
    opened: list[int] = []
    try:
        with contextlib.suppress(OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 4, most[1]))
            while True:
                opened.append(os.dup(0))
        for _ in range(free):
            os.close(opened.pop())
        with pytest.raises(InspectorError) as raised:
            report_header(parsed(plain()))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, most)
        for each in opened:
            os.close(each)
        if not pooled:
            for file_ in memory_file._free:
                file_.close()
    assert raised.value.fault is STORAGE_UNAVAILABLE


# --- the same as the real file --------------------------------------------------------------------------


def assert_same_as_file(data: bytes, path: Path) -> None:
    """Compare the report of a header with a walk of the file, or the messages of two refusals."""
    path.write_bytes(data)
    report = report_header(parsed(data), len(data))
    image = oiio.ImageInput.open(str(path))
    if image is None:
        message = oiio_report._library_error().replace(str(path), "the header")
        assert report == OiioReport(False, message)
    else:
        assert report.opens, report.message
        expected = [list(attributes_from_spec(spec).items()) for spec in specs(path)]
        assert [list(each.items()) for each in report.attributes] == expected


@pytest.mark.parametrize("name", ["oiio:note", "name", "view", "openexr:note"])
@pytest.mark.parametrize(
    "value", [b"%b%d" % (mark, at) for mark in (b"\1", b"\2", b"maketx\1") for at in (8, 9)]
)
def test_a_string_that_looks_like_a_placeholder_is_reported_as_it_is(
    name: str, value: bytes, tmp_path: Path
) -> None:
    """It must not show the value of the attribute with that index."""
    owner, note = attribute("owner", "string", "the owner"), attribute(name, "string", value)
    assert_same_as_file(plain(owner, note).data, tmp_path / "file.exr")
    assert_same_as_file(plain(note, owner).data, tmp_path / "file.exr")


def test_strings_with_every_marker_are_not_shown_to_the_library(content: list[bytes]) -> None:
    *most, last = oiio_report._MARKERS
    assert report_of(attribute("oiio:note", "string", b"".join(most))).opens
    report = report_of(attribute("oiio:note", "string", b"".join((*most, last))))
    assert report == OiioReport(
        None, "not shown to OpenImageIO: its strings contain every character that marks a placeholder"
    )
    assert len(content) == 1


@pytest.mark.parametrize("software", ["OpenImageIO 3.1", "maketx -o a.tx", "MAKETX", "Nuke", ""])
def test_the_hash_of_a_texture_depends_on_the_program_that_wrote_it(software: str, tmp_path: Path) -> None:
    texture = (
        attribute("tiles", "tiledesc", Tiling(64, 64, "mipmap")),
        attribute("textureformat", "string", "Plain Texture"),
        attribute("oiio:SHA-1", "string", "abc"),
        attribute("Software", "string", software),
    )
    assert_same_as_file(plain(*texture, flags=TILED).data, tmp_path / "file.exr")


@pytest.mark.parametrize("name", ["xDensity", "XResolution", "acesImageContainerFlag", "PixelAspectRatio"])
def test_strings_that_the_library_parses_as_numbers_reach_it(name: str, tmp_path: Path) -> None:
    data = plain(attribute(name, "string", "1"), attribute("xDensity", "string", "72")).data
    assert_same_as_file(data, tmp_path / "file.exr")


LARGE = plain(
    attribute("channels", "chlist", [Channel(f"layer{number:02}.R") for number in range(64)]),
    attribute("dataWindow", "box2i", (0, 0, 4095, 2159)),
)


def test_a_large_image_opens_if_its_file_has_pixels() -> None:
    """OpenImageIO refuses a gigabyte of pixels in a file of less than a ten-thousandth of that size."""
    assert report_header(parsed(LARGE), 200_000_000).opens
    assert report_header(parsed(LARGE), 1 << 50).opens


def test_a_large_image_in_a_tiny_file_is_refused_as_the_file_is(tmp_path: Path) -> None:
    assert_same_as_file(LARGE.data, tmp_path / "file.exr")
    assert report_header(parsed(LARGE), len(LARGE.data)).opens is False


# Names that OpenImageIO treats in a way of its own, in any case.
TREATED = (
    *("Software", "software", "textureformat", "wrapmodes", "oiio:SHA-1", "oiio:ColorSpace", "oiio:Gamma"),
    *("colorInteropID", "acesImageContainerFlag", "xDensity", "XResolution", "YResolution", "ResolutionUnit"),
    *("PixelAspectRatio", "pixelAspectRatio", "owner", "Copyright", "comments", "capDate", "DateTime"),
    *("compression", "openexr:lineOrder", "Exif:ColorSpace", "CICP", "multiView", "view", "name", "envmap"),
    *("cameraTransform", "worldtocamera", "expTime", "aperture", "preview", "tiledesc", "idManifest"),
)
VALUES = ("1", "72", "0.5", "sRGB", "lin_ap0_scene", "srgb_rec709_scene", "maketx", "OpenImageIO", "\x011")
strings = st.tuples(st.sampled_from(TREATED), st.sampled_from(VALUES) | st.text(max_size=8)).map(
    lambda drawn: attribute(drawn[0], "string", drawn[1])
)
tiled = st.sampled_from((Tiling(64, 64, "one", "down"), Tiling(64, 64, "mipmap", "down")))


@settings(max_examples=200, suppress_health_check=list(HealthCheck))
@given(st.lists(strings, max_size=8), st.none() | tiled)
def test_any_strings_are_reported_as_of_the_file(
    tmp_path: Path, drawn: list[Attribute], tiling: Tiling | None
) -> None:
    tiles = [attribute("tiles", "tiledesc", tiling)] if tiling else []
    data = plain(*tiles, *drawn, flags=TILED if tiling else None).data
    assert_same_as_file(data, tmp_path / "file.exr")


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(valid_headers() | wild_headers())
def test_any_header_is_reported_as_of_its_file(tmp_path: Path, written: Written) -> None:
    """The report elides long strings, and has no verdict on strings that contain every marker."""
    attributes = [each for part in written.parts for each in part]
    text = b"".join(each.value for each in attributes if each.type in (b"string", b"stringvector"))
    is_shown = all(len(each.value) <= MAX_STRING for each in attributes)
    if is_shown and not all(marker in text for marker in oiio_report._MARKERS):
        with contextlib.suppress(InspectorError):
            parsed(written)
            assert_same_as_file(written.data, tmp_path / "file.exr")


# --- limits ---------------------------------------------------------------------------------------------

MANY = {
    "chunks": plain(attribute("compression", "compression", "zips")),
    "parts": multipart(*([attribute("name", "string", f"p{n}")] for n in range(4))),
    "channels": plain(attribute("channels", "chlist", [Channel(f"c{n}") for n in range(9)])),
    "attributes": plain(*(attribute(f"a{n}", "int", n) for n in range(9))),
    "bytes of names and strings": plain(*(text(100, f"oiio:s{n}") for n in range(9))),
    "bytes of values": plain(Attribute(b"opaque", b"studio", bytes(1000)), text(5000)),
}
LIMITS = {
    "chunks": ("MAX_CHUNKS", 32),
    "parts": ("MAX_PARTS", 4),
    "channels": ("MAX_CHANNELS", 9),
    "attributes": ("MAX_ATTRIBUTES", 17),
    "bytes of names and strings": ("MAX_TEXT_BYTES", 1065),
    "bytes of values": ("MAX_BYTES", 1071),
}


@pytest.mark.parametrize("what", MANY)
def test_a_header_over_a_limit_is_not_shown_to_the_library(
    what: str, monkeypatch: pytest.MonkeyPatch, content: list[bytes]
) -> None:
    limit, count = LIMITS[what]
    monkeypatch.setattr(oiio_report, limit, count)
    assert report_header(parsed(MANY[what]), 4096).opens
    monkeypatch.setattr(oiio_report, limit, count - 1)
    message = f"not shown to OpenImageIO: {count} {what}, more than {count - 1}"
    assert report_header(parsed(MANY[what]), 4096) == OiioReport(None, message)
    assert len(content) == 1


def test_chunks_whose_offsets_have_no_room_in_the_file_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oiio_report, "MAX_CHUNKS", 31)
    assert report_header(parsed(MANY["chunks"]), 8 * 32 - 1).opens is not None


def test_the_limits_allow_real_headers() -> None:
    """Allow a thousand channels, and tens of parts."""
    assert oiio_report.MAX_CHANNELS >= 1000
    channels = attribute(
        "channels", "chlist", [Channel(f"layer{n:04}.R") for n in range(oiio_report.MAX_CHANNELS)]
    )
    assert report_of(channels).opens
    parts = [[*replaced(NAMED, [attribute("name", "string", f"part{n}")])] for n in range(64)]
    assert report_header(parsed(multipart(*parts))).opens


def test_a_library_that_returns_only_utf8_text_gives_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenImageIO 3.0 raises UnicodeDecodeError for other text; it runs with NumPy 1."""

    def old_library(*_: object) -> OiioReport:
        raise UnicodeDecodeError("utf-8", b"\xe9", 0, 1, "invalid continuation byte")

    monkeypatch.setattr(oiio_report, "_open", old_library)
    report = report_of()
    assert report.opens is None
    assert "not UTF-8" in report.message
