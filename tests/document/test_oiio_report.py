"""The second view: what OpenImageIO shows of a header, in the document's terms."""

from __future__ import annotations

import base64
import contextlib
import json
import math
import os
import resource
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exr_inspector.document import oiio_report
from exr_inspector.document.memory_file import memory_file
from exr_inspector.document.oiio_report import (
    LONGEST_STRING,
    attributes_from_spec,
    serialize_value,
    spec_to_channels,
    spec_to_part,
    report_header,
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
from tests.exrfiles.writer import TILED
from tests.exrfiles.writer import Header as Written

REFUSED = parsed(Written((without(b"channels"),), 0))


def view_of(*more: Attribute, flags: int | None = None) -> OiioReport:
    return report_header(parsed(plain(*more, flags=flags)))


def shown(*more: Attribute) -> dict[str, Any]:
    """The attributes that OpenImageIO shows of a part."""
    view = view_of(*more)
    assert view.opens, view.message
    return view.attributes[0]


def differences(header: Header) -> list[dict[str, Any]]:
    parts = [part_facts(header, index) for index in range(len(header.parts))]
    channels = [
        {"part_index": index, **channel}
        for index, part in enumerate(header.parts)
        for channel in part.value("channels", "chlist")
    ]
    found: list[dict[str, Any]] = verdict(report_header(header), parts, channels)["differences"]
    return found


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
    """OpenImageIO's Python hands them over as doubles."""
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


# What is written, and what OpenImageIO shows: under which name, with which value.
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
def test_attributes_stand_under_openimageios_names(given_: Attribute, name: str, value: Any) -> None:
    assert shown(given_)[name] == value


def test_a_name_that_is_not_utf8_is_escaped() -> None:
    assert shown(Attribute(b"abc\xe9", b"int", b"\7\0\0\0"))["abc\\xe9"] == 7


def test_uint8_arrays_are_bytes() -> None:
    found = shown(Attribute(b"odd", b"studioType", bytes(range(256))))["odd"]
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
def test_specs_of_real_files_say_what_the_header_says(kind: str, tmp_path: Path) -> None:
    """Parts, channels and types, wherever OpenImageIO is right."""
    path = tmp_path / "file.exr"
    path.write_bytes(file(kind).data)
    header = parsed(file(kind).data)
    for index, (spec, part) in enumerate(zip(specs(path), header.parts, strict=True)):
        ours = part_facts(header, index)
        assert spec_to_part(spec, index) == {key: ours[key] for key in spec_to_part(spec, index)}
        stated = {each["name"]: each["type"] for each in part.value("channels", "chlist")}
        assert {each["name"]: each["type"] for each in spec_to_channels(spec, index)} == stated
        assert {each["part_index"] for each in spec_to_channels(spec, index)} == {index}
        assert attributes_from_spec(spec)["compression"] == ours["compression"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_header_alone_shows_what_the_whole_file_shows(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "file.exr"
    path.write_bytes(file(kind).data)
    found = specs(path)
    view = report_header(parsed(file(kind).data))
    assert view.parts == [spec_to_part(spec, index) for index, spec in enumerate(found)]
    assert view.attributes == [attributes_from_spec(spec) for spec in found]


def test_a_spec_without_formats_of_channels_has_one_for_all() -> None:
    spec = oiio.ImageSpec(4, 4, 2, "half")
    spec.channelnames = ("R", "grün")
    assert spec_to_channels(spec, 3) == [
        {"part_index": 3, "name": "R", "type": "half"},
        {"part_index": 3, "name": "grün", "type": "half"},
    ]


# --- verdicts -------------------------------------------------------------------------------------------


def test_an_ordinary_header_opens_without_a_word() -> None:
    view = view_of()
    assert (view.opens, view.message) == (True, "")
    assert differences(parsed(plain())) == []


def test_a_refusal_keeps_the_librarys_message() -> None:
    sub = attribute("channels", "chlist", [Channel("RY", "half", 0, 2, 2), Channel("Y")])
    view = report_header(parsed(plain(sub)))
    assert view == OiioReport(False, view.message)
    assert view.message.startswith("Subsampled channels are not supported")
    assert '"RY" has sampling 2,2' in view.message


@pytest.mark.parametrize(
    "broken",
    [
        (attribute("compression", "compression", 99),),
        (Attribute(b"lineOrder", b"int", b"1234"),),
        (Attribute(b"dataWindow", b"box2i", b""),),
        (Attribute(b"channels", b"chlist", b"\0"),),
    ],
)
def test_what_openimageio_makes_of_broken_headers_never_raises(broken: tuple[Attribute, ...]) -> None:
    view = view_of(*broken)
    assert view.opens or view.message
    assert view.message.isprintable()


def test_no_message_names_the_file_that_was_made_for_the_library() -> None:
    """Its name changes from process to process."""
    view = report_header(REFUSED)
    assert view.opens is False
    assert view.message == "EXR Error (the header): EXR_ERR_MISSING_REQ_ATTR 'channels' attribute not found"


def test_a_message_is_of_its_own_header() -> None:
    """Not what an earlier call left behind in the library."""
    oiio.ImageInput.open("no such file.exr")
    assert view_of().message == ""
    oiio.ImageInput.open("no such file.exr")
    view = report_header(parsed(plain(attribute("channels", "chlist", [Channel("Y", "half", 0, 2, 2)]))))
    assert "no such file" not in view.message


def _open_files() -> set[str]:
    return {path.name for path in Path("/proc/self/fd").iterdir()}


def test_nothing_is_left_in_the_library_or_the_process() -> None:
    """An error that nobody fetched is printed when the process ends."""
    view_of()
    descriptors = _open_files()
    for header in (parsed(plain()), REFUSED):
        report_header(header)
        assert oiio.geterror() == ""
    assert _open_files() == descriptors


def test_facts_that_show_differently_are_listed() -> None:
    """An attribute of the type lineOrder, whatever its name, becomes the line order there."""
    header = parsed(plain(attribute("other", "lineOrder", "randomY")))
    assert differences(header) == [{"part_index": 0, "field": "line_order", "openimageio": "randomY"}]


def test_the_display_window_of_a_cube_map_shows_differently() -> None:
    """OpenImageIO shows one face of the six."""
    window = attribute("displayWindow", "box2i", (0, 0, 63, 383))
    cube = (attribute("envmap", "envmap", "cube"), window, window._replace(name=b"dataWindow"))
    tiles = attribute("tiles", "tiledesc", Tiling(64, 64, "mipmap"))
    (found,) = differences(parsed(plain(*cube, tiles, flags=TILED)))
    assert (found["field"], found["openimageio"]["max"]) == ("display_window", {"x": 63, "y": 63})


@pytest.mark.parametrize("name", [b"abc\xe9", b"\xff\xfe"])
def test_text_that_is_not_utf8_shows_the_same_in_both(name: bytes) -> None:
    """Both escape it: that is no difference, and it is valid JSON."""
    header = parsed(plain(attribute("name", "string", name)))
    assert report_header(header).parts[0]["name"] == part_facts(header, 0)["name"]
    assert differences(header) == []


def test_a_compression_that_is_not_known_shows_as_a_difference_or_a_refusal() -> None:
    header = parsed(plain(attribute("compression", "compression", 99)))
    found = [each["field"] for each in differences(header)]
    assert found == ["compression"] or report_header(header).opens is False


# --- what reaches the library ---------------------------------------------------------------------------


def text(size: int, name: str = "text") -> Attribute:
    return attribute(name, "string", "x" * size)


@pytest.fixture
def content(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What is put before the library."""
    found: list[bytes] = []

    def watched(data: bytes) -> AbstractContextManager[str]:
        found.append(data)
        return memory_file(data)

    monkeypatch.setattr(oiio_report, "memory_file", watched)
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_the_view_of_a_header_is_that_of_its_file(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "file.exr"
    path.write_bytes(file(kind).data)
    shown_ = [list(attributes_from_spec(spec).items()) for spec in specs(path)]
    assert [list(each.items()) for each in report_header(parsed(file(kind).data)).attributes] == shown_


@each_image
def test_the_view_of_a_public_header_is_that_of_its_file(image: Path) -> None:
    """Attribute by attribute, in OpenImageIO's order; or both refuse."""
    view = report_header(parsed(image.read_bytes()))
    found = oiio.ImageInput.open(str(image))
    if found is None:
        assert oiio.geterror().replace(str(image), "the header").split() == view.message.split()
        return
    shown_ = [list(attributes_from_spec(spec).items()) for spec in specs(image)]
    assert [list(each.items()) for each in view.attributes] == shown_


SPEAKING = ["name", "type", "view", "colorInteropID", "oiio:ColorSpace", "openexr:note", "textureformat"]


def test_strings_do_not_reach_the_library_but_those_that_it_acts_upon(content: list[bytes]) -> None:
    spoken = [attribute(name, "string", f"spoken {name}") for name in SPEAKING]
    found = shown(attribute("note", "string", "a note"), attribute("capDate", "string", "a date"), *spoken)
    assert (found["note"], found["DateTime"]) == ("a note", "a date")
    assert b"a note" not in content[0]
    assert b"a date" not in content[0]
    assert [name for name in SPEAKING if f"spoken {name}".encode() not in content[0]] == []


@pytest.mark.parametrize(
    "value",
    [b"", b"\0", b"\0tail", b"head\0tail", b"\xe9", b"\xff\xfe\0", b"\x010", b"\x019", b"\x01" + b"9" * 900],
)
def test_a_string_shows_as_if_it_had_reached_the_library(value: bytes, tmp_path: Path) -> None:
    data = plain(attribute("note", "string", value), attribute("oiio:note", "string", value)).data
    (tmp_path / "file.exr").write_bytes(data)
    (spec,) = specs(tmp_path / "file.exr")
    assert report_header(parsed(data)).attributes == [attributes_from_spec(spec)]


@pytest.mark.parametrize("type_", ["string", "stringvector"])
def test_a_long_string_does_not_reach_the_library(type_: str, content: list[bytes]) -> None:
    long = Attribute(b"manifest", type_.encode(), b"\xfc\x0f\0\0" + b"long" * (LONGEST_STRING - 1))
    if type_ == "string":
        long = long._replace(value=b"long" * LONGEST_STRING)
    view = report_header(parsed(plain(long, text(LONGEST_STRING, "short"))))
    assert view.attributes[0]["short"] == "x" * LONGEST_STRING
    assert view.attributes[0]["manifest"]["elided"]["size_bytes"] == 4 * LONGEST_STRING
    assert len(view.attributes[0]["manifest"]["elided"]["sha256"]) == 64
    assert b"longlong" not in content[0]


@pytest.mark.parametrize(("name", "shown_as"), [("comments", "ImageDescription"), ("text", "text")])
def test_an_elided_string_stands_under_openimageios_name(name: str, shown_as: str) -> None:
    assert "elided" in shown(text(LONGEST_STRING + 1, name))[shown_as]
    assert shown(text(LONGEST_STRING, name))[shown_as] == "x" * LONGEST_STRING


def test_an_elided_string_belongs_to_its_part() -> None:
    """Also where the part before it has none."""
    view = report_header(parsed(multipart([], [attribute("name", "string", "b"), text(5000)])))
    assert "text" not in view.attributes[0]
    assert view.attributes[1]["text"]["elided"]["size_bytes"] == 5000


@pytest.mark.parametrize("name", ["name", "type", "oiio:note"])
def test_a_header_with_a_long_string_that_the_library_acts_upon_is_not_shown(
    name: str, content: list[bytes]
) -> None:
    """Without it the library would refuse what it opens, or show another picture."""
    view = report_header(parsed(multipart([], [text(LONGEST_STRING + 1, name)])))
    assert view == OiioReport(None, f"not shown to OpenImageIO: {name} has {LONGEST_STRING + 1} bytes")
    assert content == []


@pytest.mark.parametrize("free", [0, 1])
def test_a_process_without_descriptors_says_nothing_about_the_file(free: int) -> None:
    report_header(parsed(plain()))
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
    assert raised.value.fault is STORAGE_UNAVAILABLE


# --- caps -----------------------------------------------------------------------------------------------

MANY = {
    "parts": multipart(*([attribute("name", "string", f"p{n}")] for n in range(4))),
    "channels": plain(attribute("channels", "chlist", [Channel(f"c{n}") for n in range(9)])),
    "attributes": plain(*(attribute(f"a{n}", "int", n) for n in range(9))),
    "bytes of names and strings": plain(*(text(100, f"oiio:s{n}") for n in range(9))),
    "bytes of values": plain(Attribute(b"opaque", b"studio", bytes(1000)), text(5000)),
}
CAPS = {
    "parts": ("MOST_PARTS", 4),
    "channels": ("MOST_CHANNELS", 9),
    "attributes": ("MOST_ATTRIBUTES", 17),
    "bytes of names and strings": ("MOST_STRING_BYTES", 1065),
    "bytes of values": ("MOST_BYTES", 1071),
}


@pytest.mark.parametrize("what", MANY)
def test_a_header_over_a_cap_is_not_shown_to_the_library(
    what: str, monkeypatch: pytest.MonkeyPatch, content: list[bytes]
) -> None:
    cap, count = CAPS[what]
    monkeypatch.setattr(oiio_report, cap, count)
    assert report_header(parsed(MANY[what])).opens
    monkeypatch.setattr(oiio_report, cap, count - 1)
    message = f"not shown to OpenImageIO: {count} {what}, more than {count - 1}"
    assert report_header(parsed(MANY[what])) == OiioReport(None, message)
    assert len(content) == 1


def test_the_caps_let_through_what_is_real() -> None:
    """A thousand channels in tens of parts, and every string that people write by hand."""
    assert oiio_report.MOST_CHANNELS >= 1000
    channels = attribute(
        "channels", "chlist", [Channel(f"layer{n:04}.R") for n in range(oiio_report.MOST_CHANNELS)]
    )
    assert view_of(channels).opens
    parts = [[*replaced(NAMED, [attribute("name", "string", f"part{n}")])] for n in range(64)]
    assert report_header(parsed(multipart(*parts))).opens
