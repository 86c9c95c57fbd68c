"""The document: which facts stand where, in which order, and what a file's status is."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from datetime import datetime, timezone
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from exr_inspector import to_json
from exr_inspector.document.build import Reading, iso_time, make_document
from exr_inspector.errors import FILE_NOT_FOUND, STORAGE_UNAVAILABLE, InspectorError
from exr_inspector.events.request import Config, Request
from exr_inspector.location import Location, path_location
from exr_inspector.pipeline import Runtime, inspect_request
from exr_inspector.settings import Settings
from exr_inspector.sources.protocol import Stat
from tests.document.documents import Document, document_of, inspected, valid, written
from tests.exr.files import KINDS, file
from tests.exr.headers import NAMED, multipart, plain
from tests.exrfiles.attributes import Attribute, Channel, attribute
from tests.exrfiles.demo import deep, layered_beauty, mipmapped, simple, stereo_pair, truncated
from tests.exrfiles.writer import TILED

KEYS = ("schema_version", "file", "parts", "channels", "attributes", "stats", "validation", "errors")
FILE_KEYS = (
    *("path", "size_bytes", "mtime", "etag", "sequencer", "exr_version", "version_field", "multipart_count"),
    *("is_deep", "is_tiled", "is_multiview", "header_bytes", "header_hash", "frame_number", "status"),
    *("complete", "chunks_present", "chunks_promised", "openimageio"),
)
PART_KEYS = (
    *("index", "name", "view", "type", "width", "height", "data_window", "display_window", "display_width"),
    *("display_height", "data_x_offset", "data_y_offset", "pixel_aspect_ratio", "line_order", "compression"),
    *("is_tiled", "tile_width", "tile_height", "level_mode", "rounding_mode", "is_deep", "chunk_count"),
    *("channel_count", "color_space", "color_space_source", "render_software", "render_software_source"),
    "attributes",
)
CHANNEL_KEYS = (
    *(
        "part_index",
        "name",
        "layer_name",
        "layer_source",
        "component_name",
        "type",
        "x_sampling",
        "y_sampling",
    ),
    "p_linear",
)


def state(document: Document) -> tuple[str | None, bool | None, list[str]]:
    """Status, completeness, and the codes of what is wrong."""
    file_ = document["file"]
    return file_["status"], file_["complete"], [each["code"] for each in document["errors"]]


# --- order and form -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data", [plain().data, b"", b"no EXR"], ids=["a header", "no bytes", "another format"]
)
def test_keys_stand_in_their_fixed_order_whatever_the_file_is(data: bytes, tmp_path: Path) -> None:
    document = inspected(written(data, tmp_path))
    assert tuple(document) == KEYS
    assert tuple(document["file"]) == FILE_KEYS
    assert all(tuple(part) == PART_KEYS for part in document["parts"])
    assert all(tuple(channel) == CHANNEL_KEYS for channel in document["channels"])
    assert all(tuple(error) == ("code", "message", "where") for error in document["errors"])
    assert tuple(document["file"]["openimageio"]) == ("opens", "message", "differences")


def test_facts_of_a_real_file_stand_in_their_places(tmp_path: Path) -> None:
    path = written(stereo_pair(), tmp_path, "stereo.1001.exr")
    os.utime(path, ns=(0, 1_790_846_130_123_456_789))
    document = inspected(path)
    raw = path.read_bytes()[: document["file"]["header_bytes"]]
    assert document["file"] == {
        "path": str(path),
        "size_bytes": path.stat().st_size,
        "mtime": "2026-10-01T09:15:30.123456Z",
        "etag": None,
        "sequencer": None,
        "exr_version": 2,
        "version_field": 0x1002,
        "multipart_count": 4,
        "is_deep": False,
        "is_tiled": False,
        "is_multiview": True,
        "header_bytes": len(raw),
        "header_hash": sha256(raw).hexdigest(),
        "frame_number": 1001,
        "status": "ok",
        "complete": True,
        "chunks_present": document["file"]["chunks_promised"],
        "chunks_promised": sum(part["chunk_count"] for part in document["parts"]),
        "openimageio": {"opens": True, "message": "", "differences": []},
    }
    assert [(part["name"], part["view"]) for part in document["parts"]] == [
        ("rgba.left", "left"),
        ("depth.left", "left"),
        ("rgba.right", "right"),
        ("depth.right", "right"),
    ]
    assert [(each["part_index"], each["name"]) for each in document["channels"]] == [
        *((0, name) for name in "ABGR"),
        (1, "Z"),
        *((2, name) for name in "ABGR"),
        (3, "Z"),
    ]
    assert [(each["layer_name"], each["layer_source"]) for each in document["channels"]] == 2 * [
        *[("rgba", "part")] * 4,
        ("depth", "part"),
    ]
    assert document["attributes"]["view"] == {"parts": {"0": "left", "1": "left", "2": "right", "3": "right"}}
    assert document["attributes"]["Copyright"] == "Example Pictures"


def test_channels_have_layers_types_and_sampling() -> None:
    channels = [Channel("Z", "float"), Channel("diffuse.R", "half", 1), Channel("id", "uint", 0, 2, 4)]
    found = document_of(plain(attribute("channels", "chlist", channels)).data)["channels"]
    assert [tuple(each.values()) for each in found] == [
        (0, "Z", None, None, "Z", "float", 1, 1, False),
        (0, "diffuse.R", "diffuse", "channel", "R", "half", 1, 1, True),
        (0, "id", None, None, "id", "uint", 2, 4, False),
    ]


def test_attributes_stand_as_stored_duplicates_and_all() -> None:
    twice = (attribute("a", "int", 1), attribute("A", "int", 2), Attribute(b"a", b"float", b"\0\0\0\x7f"))
    stored = document_of(plain(*twice).data)["parts"][0]["attributes"][-3:]
    assert stored == [
        {"name": "a", "type": "int", "value": 1},
        {"name": "A", "type": "int", "value": 2},
        {"name": "a", "type": "float", "value": 1.7014118e38},
    ]


@pytest.mark.parametrize(
    ("bits", "form"),
    [(0x7FC00000, "NaN"), (0x7F800000, "Infinity"), (0xFF800000, "-Infinity"), (0x3DCCCCCD, 0.1)],
)
def test_floats_have_a_form_in_json(bits: int, form: Any) -> None:
    """The plain NaN needs no bytes beside it, for its name gives them back."""
    raw = struct.pack("<I", bits)
    stored = document_of(plain(Attribute(b"f", b"float", raw)).data, view=True)
    assert stored["parts"][0]["attributes"][-1] == {"name": "f", "type": "float", "value": form}
    assert stored["attributes"]["f"] == form


def test_bytes_that_the_value_would_not_give_back_are_kept_beside_it() -> None:
    odd = (
        Attribute(b"nan", b"float", b"\1\0\xc0\x7f"),
        Attribute(b"text", b"string", b"abc\xe9"),
        Attribute(b"abc\xe9", b"\xfftype", b""),
        Attribute(b"short", b"int", b"1"),
    )
    assert document_of(plain(*odd).data)["parts"][0]["attributes"][-4:] == [
        {"name": "nan", "type": "float", "value": "NaN", "raw": "AQDAfw=="},
        {"name": "text", "type": "string", "value": "abc\\xe9", "raw": "YWJj6Q=="},
        {
            "name": "abc\\xe9",
            "type": "\\xfftype",
            "value": {"base64": ""},
            "name_base64": "YWJj6Q==",
            "type_base64": "/3R5cGU=",
        },
        {
            "name": "short",
            "type": "int",
            "value": None,
            "raw": "MQ==",
            "error": "1 bytes are not the size of type int",
        },
    ]


def test_json_text_has_no_nan_and_no_surrogates() -> None:
    with pytest.raises(ValueError, match="JSON"):
        to_json({"a": float("nan")})
    document = document_of(plain(Attribute(b"name", b"string", b"\xed\xa0\x80")).data, view=True)
    to_json(document).encode()


def test_json_text_can_be_indented() -> None:
    document = document_of(plain().data)
    assert json.loads(to_json(document, indent=2)) == json.loads(to_json(document))
    assert to_json({"a": [1]}, indent=2) == '{\n  "a": [\n    1\n  ]\n}'


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 10, 1, 9, 15, 30, 123456, tzinfo=timezone.utc), "2026-10-01T09:15:30.123456Z"),
        (datetime(2026, 10, 1, tzinfo=timezone.utc), "2026-10-01T00:00:00.000000Z"),
        (datetime.min.replace(tzinfo=timezone.utc), "0001-01-01T00:00:00.000000Z"),
        (datetime.max.replace(tzinfo=timezone.utc), "9999-12-31T23:59:59.999999Z"),
    ],
)
def test_times_are_iso_8601_in_utc(moment: datetime, text: str) -> None:
    assert iso_time(moment) == text


# --- facts of the file ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "facts"),
    [
        (layered_beauty, (1, False, False, False)),
        (stereo_pair, (4, False, False, True)),
        (deep, (1, True, False, False)),
        (mipmapped, (1, False, True, False)),
    ],
)
def test_a_file_tells_what_its_parts_are(make: Any, facts: tuple[int, bool, bool, bool]) -> None:
    found = document_of(make())["file"]
    assert (found["multipart_count"], found["is_deep"], found["is_tiled"], found["is_multiview"]) == facts


def test_a_multi_view_attribute_makes_a_file_multi_view() -> None:
    views = attribute("multiView", "stringvector", ["left", "right"])
    assert document_of(plain(views).data)["file"]["is_multiview"] is True
    one = [attribute("view", "string", "left")]
    assert document_of(multipart(one, one).data)["file"]["is_multiview"] is False


def test_etag_and_sequencer_come_from_the_store_and_the_event() -> None:
    stat = Stat(7, datetime(2026, 10, 1, tzinfo=timezone.utc), "abc")
    found = valid(
        make_document(Reading(path_location("s3://bucket/a.exr"), stat=stat), sequencer="0055AED6")
    )["file"]
    assert (found["path"], found["etag"], found["sequencer"]) == ("s3://bucket/a.exr", "abc", "0055AED6")


def test_a_path_of_odd_bytes_is_valid_json(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"abc\xe9.0007.exr")
    path.write_bytes(plain().data)
    found = inspected(path)["file"]
    assert found["path"] == f"{tmp_path}/abc\\xe9.0007.exr"
    assert found["frame_number"] == 7


# --- status ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_whole_file_is_ok(kind: str, tmp_path: Path) -> None:
    assert state(inspected(written(file(kind).data, tmp_path))) == ("ok", True, [])


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_cut_behind_its_header_is_incomplete(kind: str, tmp_path: Path) -> None:
    """Every library opens it."""
    whole = file(kind)
    for cut in (whole.head, whole.tables, len(whole.data) - 1):
        path = written(whole.data[:cut], tmp_path)
        assert state(inspected(path)) == ("incomplete", False, ["CHUNKS_MISSING"])


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"", "incomplete", "EMPTY_FILE"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "unsupported", "NOT_AN_EXR"),
        (plain().data[:-1], "incomplete", "HEADER_TRUNCATED"),
        (plain().data[:6], "incomplete", "HEADER_TRUNCATED"),
        (plain().data[:4] + b"\3" + plain().data[5:], "unsupported", "UNSUPPORTED_VERSION"),
        (plain().data[:-1] + b"name\0\0", "corrupt", "HEADER_CORRUPT"),
        (plain(Attribute(b"n", b"string", bytes(2000))).data, "unsupported", "LIMIT_EXCEEDED"),
    ],
)
def test_a_file_without_header_has_a_status_and_no_facts(
    data: bytes, status: str, code: str, tmp_path: Path
) -> None:
    document = inspected(written(data, tmp_path), Settings(max_value_bytes=1024))
    assert state(document) == (status, None, [code])
    assert (document["parts"], document["channels"], document["attributes"]) == ([], [], {})
    of_header = FILE_KEYS[FILE_KEYS.index("exr_version") : FILE_KEYS.index("frame_number")]
    assert {document["file"][key] for key in of_header} == {None}
    assert document["file"]["size_bytes"] == len(data)
    assert document["file"]["openimageio"]["opens"] is None


def counted(document: Document) -> tuple[int | None, int | None]:
    return document["file"]["chunks_present"], document["file"]["chunks_promised"]


def test_a_preallocated_copy_that_stopped_is_incomplete_and_counted(tmp_path: Path) -> None:
    """The table is intact and the last 40 % are zeros."""
    whole = file("scan lines").data
    start = len(whole) * 6 // 10
    document = inspected(written(whole[:start] + bytes(len(whole) - start), tmp_path))
    assert state(document) == ("incomplete", False, ["CHUNKS_MISSING"])
    present, promised = counted(document)
    assert promised == document["parts"][0]["chunk_count"] == 37
    assert present is not None
    assert 0 < present < promised


def test_a_file_that_lacks_only_its_offset_table_is_ok_with_a_warning(tmp_path: Path) -> None:
    whole = file("blocks of scan lines")
    data = whole.data[: whole.head] + bytes(whole.tables - whole.head) + whole.data[whole.tables :]
    document = inspected(written(data, tmp_path))
    assert (state(document), counted(document)) == (("ok", True, ["OFFSET_TABLE_REBUILT"]), (3, 3))
    cut = inspected(written(data[:-1], tmp_path))
    assert (state(cut), counted(cut)) == (("incomplete", False, ["OFFSET_TABLE_MISSING"]), (2, 3))


def test_a_missing_file_has_a_status_and_a_folder_none(tmp_path: Path) -> None:
    assert state(inspected(tmp_path / "none.exr")) == ("missing", None, ["FILE_NOT_FOUND"])
    assert state(inspected(tmp_path)) == (None, None, ["NOT_A_FILE"])
    assert inspected(tmp_path)["file"]["size_bytes"] is None


WRONG: dict[str, tuple[Attribute, str | None, str]] = {
    "an unknown compression": (attribute("compression", "compression", 99), "unsupported", "UNKNOWN_CODE"),
    "an unknown line order": (attribute("lineOrder", "lineOrder", 9), "unsupported", "UNKNOWN_CODE"),
    "an empty window": (attribute("dataWindow", "box2i", (0, 0, -1, 0)), "corrupt", "REQUIRED_ATTRIBUTE"),
    "a broken window": (Attribute(b"dataWindow", b"box2i", b""), "corrupt", "REQUIRED_ATTRIBUTE"),
    "one bad value": (Attribute(b"bad", b"int", b""), "ok", "BAD_ATTRIBUTE"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_with_a_part_decides_the_status(what: str) -> None:
    given, status, code = WRONG[what]
    assert state(document_of(plain(given).data)) == (status, None, [code])


def test_the_first_fault_that_speaks_of_the_file_decides_and_all_are_listed(tmp_path: Path) -> None:
    bad = (Attribute(b"bad", b"int", b""), attribute("lineOrder", "lineOrder", 9))
    document = inspected(written(plain(*bad).data, tmp_path))
    assert state(document) == ("unsupported", False, ["UNKNOWN_CODE", "BAD_ATTRIBUTE", "CHUNKS_MISSING"])


def test_an_event_without_file_has_no_status() -> None:
    assert valid(make_document(Reading(None)))["file"]["status"] is None


def test_a_fault_that_may_pass_is_raised_and_not_recorded(tmp_path: Path) -> None:
    def busy(location: Location) -> Any:
        raise InspectorError(STORAGE_UNAVAILABLE, "busy", location.path)

    with pytest.raises(InspectorError) as raised:
        inspect_request(created(tmp_path), Runtime(Settings(), open_source=busy))
    assert raised.value.fault is STORAGE_UNAVAILABLE


# --- what is asked for ----------------------------------------------------------------------------------


def created(path: Path, config: Config | None = None) -> Request:
    return Request("created", (path_location(path),), config or Config())


def asked(path: Path, config: Config, settings: Settings | None = None) -> Document:
    return valid(inspect_request(created(path, config), Runtime(settings or Settings())))


def test_what_is_not_asked_for_is_empty(tmp_path: Path) -> None:
    path = written(plain().data, tmp_path)
    assert asked(path, Config())["stats"] == asked(path, Config())["validation"] == {}


@pytest.mark.parametrize(
    ("config", "settings"),
    [(Config(meta=False), Settings()), (Config(), Settings(openimageio=False))],
)
def test_openimageio_is_not_asked_where_it_is_not_wanted(
    config: Config, settings: Settings, tmp_path: Path
) -> None:
    document = asked(written(plain().data, tmp_path), config, settings)
    assert document["file"]["openimageio"] == {"opens": None, "message": "not asked for", "differences": []}
    assert document["attributes"] == {}
    assert document["parts"][0]["attributes"]


def test_completeness_is_null_where_it_is_never_looked_at(tmp_path: Path) -> None:
    path = written(truncated(simple(64, 64)), tmp_path)
    document = inspected(path, Settings(completeness="never"))
    assert (state(document), document["file"]["chunks_present"]) == (("ok", None, []), None)
    assert document["file"]["chunks_promised"] == document["parts"][0]["chunk_count"]
    assert state(inspected(path, Settings(completeness="always")))[0] == "incomplete"


def test_a_fault_of_the_reading_stands_first() -> None:
    error = InspectorError(FILE_NOT_FOUND, "gone \udce9", "where \udce9")
    document = valid(make_document(Reading(path_location("/a.exr"), errors=(error,))))
    assert document["errors"] == [{"code": "FILE_NOT_FOUND", "message": "gone \\xe9", "where": "where \\xe9"}]


# --- the same bytes, the same document ------------------------------------------------------------------

SCRIPT = """
import sys
from exr_inspector import inspect, to_json
for path in sys.argv[1:]:
    print(to_json(inspect(path)))
"""


def printed(paths: list[Path], seed: str) -> str:
    environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", SCRIPT, *map(str, paths)]
    done = subprocess.run(command, env=environment, capture_output=True, check=True)
    return done.stdout.decode()


def test_documents_are_equal_in_every_process(tmp_path: Path) -> None:
    """Also where OpenImageIO refuses a header, with a message of its own."""
    more = {
        "refused": plain(attribute("channels", "chlist", [Channel("Y", "half", 0, 2, 2)])).data,
        "quoted": plain(Attribute(b"\xff\xfe", b"string", b"x"), Attribute(b"lineOrder", b"int", b"12")).data,
        "tiled": plain(flags=TILED).data,
        "parts": multipart(NAMED, [*NAMED, attribute("take", "int", 1)]).data,
    }
    contents = {kind: file(kind).data for kind in KINDS} | more
    paths = [written(data, tmp_path, f"{kind}.exr") for kind, data in contents.items()]
    first = printed(paths, "1")
    assert printed(paths, "2") == first
    assert [to_json(inspected(path)) for path in paths] == first.splitlines()


def test_a_reading_can_be_told_in_pieces() -> None:
    """What could not be found out is null."""
    stat = Stat(0, datetime(2026, 10, 1, tzinfo=timezone.utc))
    reading = Reading(path_location("/a.exr"), stat=stat)
    assert valid(make_document(reading))["file"]["size_bytes"] == 0
    assert valid(make_document(reading._replace(stat=None)))["file"]["size_bytes"] is None
