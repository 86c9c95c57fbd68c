"""Lossless, proved: the header's bytes come back from the document's JSON text, exactly."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from exr_inspector import header_bytes
from exr_inspector.errors import NOT_LOSSLESS, InspectorError
from tests.document.documents import Document, document_of, inspected, read_back, written
from tests.exr.files import KINDS, file
from tests.exr.headers import NAMED, REQUIRED, multipart, plain
from tests.exrfiles.attributes import ENCODERS, Attribute, Channel, attribute
from tests.exrfiles.demo import demo_files
from tests.exrfiles.strategies import valid_headers, wild_headers
from tests.exrfiles.values import DOUBLE_BITS, FLOAT_BITS
from tests.exrfiles.writer import Header as Written

moderate = settings(max_examples=60, suppress_health_check=list(HealthCheck))


def given_back(data: bytes) -> bytes:
    """The header's bytes, by way of the JSON text."""
    return header_bytes(read_back(document_of(data)))


# --- every header -----------------------------------------------------------------------------------------


@moderate
@given(valid_headers())
def test_any_valid_header_comes_back(header: Written) -> None:
    assert given_back(header.data) == header.data


@moderate
@given(wild_headers())
def test_any_header_that_can_be_read_comes_back(header: Written) -> None:
    """Whatever stands in it, names of no encoding, broken values, contradicting flags: but for no part."""
    if header.parts:
        assert given_back(header.data) == header.data
    else:
        with pytest.raises(InspectorError, match="HEADER_CORRUPT"):
            given_back(header.data)


@pytest.mark.parametrize("kind", KINDS)
def test_the_header_of_every_kind_of_file_comes_back(kind: str) -> None:
    assert given_back(file(kind).data) == file(kind).data[: file(kind).head]


def test_the_headers_of_the_demo_come_back() -> None:
    for name, data in demo_files():
        found = given_back(data)
        assert found == data[: len(found)], name
        assert len(found) > 300


def test_a_header_comes_back_from_a_document_with_openimageios_view(tmp_path: Path) -> None:
    manifest = attribute("manifest", "string", "long" * 10_000)
    document = inspected(written(plain(manifest).data, tmp_path))
    assert "elided" in document["attributes"]["manifest"]
    assert header_bytes(read_back(document)) == plain(manifest).data


# --- every odd value --------------------------------------------------------------------------------------

ODD: dict[str, tuple[str, bytes]] = {
    **{f"float {bits:08x}": ("float", struct.pack("<I", bits)) for bits in FLOAT_BITS},
    **{f"double {bits:016x}": ("double", struct.pack("<Q", bits)) for bits in DOUBLE_BITS},
    "a vector of payloads": ("v3f", struct.pack("<3I", 0x7FC00001, 0x7F800001, 0xFFABCDEF)),
    "text that is not UTF-8": ("string", b"abc\xe9"),
    "text that looks escaped": ("string", b"abc\\xe9"),
    "text with NULs": ("string", b"a\0b\0"),
    "surrogates in UTF-8": ("string", b"\xed\xa0\x80"),
    "line separators": ("string", "\u2028\u2029\r\n\t\x7f".encode()),
    "a byte order mark": ("string", b"\xef\xbb\xbftext"),
    "text outside of the basic plane": ("string", "🎬".encode()),
    "a list with text that is not UTF-8": ("stringvector", struct.pack("<i", 1) + b"\xe9" + bytes(4)),
    "a hint that is not UTF-8": ("bytes", struct.pack("<i", 1) + b"\xe9data"),
    "an unknown compression": ("compression", b"\x63"),
    "an unknown tile mode": ("tiledesc", struct.pack("<2IB", 8, 8, 0x55)),
    "a time code of no clock": ("timecode", struct.pack("<2I", 0xFFFFFFFF, 0xFFFFFFFF)),
    "a rational over zero": ("rational", struct.pack("<iI", -1, 0)),
    "reserved bytes of a channel": ("chlist", b"R\0" + struct.pack("<iB3sii", 1, 0, b"abc", 1, 1) + b"\0"),
    "a pLinear of two": ("chlist", b"R\0" + struct.pack("<iB3xii", 1, 2, 1, 1) + b"\0"),
    "a channel that is not UTF-8": ("chlist", ENCODERS["chlist"]([Channel(b"abc\xe9")])),
    "a pixel type of no library": ("chlist", ENCODERS["chlist"]([Channel("R", 9)])),
    "an empty value": ("int", b""),
    "a type of the studio": ("studioType", b"\0\xff" * 50),
    "a type that is almost known": ("Float", b"\0\0\0\0"),
    "a manifest of many parts": ("idmanifest", struct.pack("<Q", 2**64 - 1) + bytes(5)),
}


@pytest.mark.parametrize("what", ODD)
def test_an_odd_value_comes_back(what: str) -> None:
    type_, raw = ODD[what]
    data = plain(Attribute(b"odd", type_.encode(), raw)).data
    assert given_back(data) == data


@pytest.mark.parametrize(
    "names",
    [
        (b"abc\xe9", b"int"),
        (b"abc\\xe9", b"int"),
        (b"a", b"\xff"),
        (b"a", b"\\xff"),
        ("ü".encode(), "ü".encode()),
    ],
)
def test_odd_names_come_back(names: tuple[bytes, bytes]) -> None:
    """A name that looks escaped is another than the one that is."""
    data = plain(Attribute(*names, b"\1\0\0\0")).data
    assert given_back(data) == data


def test_order_and_duplicates_come_back() -> None:
    twice = (
        *reversed(REQUIRED),
        attribute("a", "int", 1),
        attribute("a", "int", 2),
        attribute("a", "int", 1),
    )
    data = Written((twice,), 0).data
    assert given_back(data) == data


# --- what cannot be given back ----------------------------------------------------------------------------


def refusal(document: Document) -> InspectorError:
    with pytest.raises(InspectorError) as raised:
        header_bytes(document)
    assert raised.value.fault is NOT_LOSSLESS
    return raised.value


@pytest.mark.parametrize("data", [b"", b"no EXR at all", plain().data[:-1]])
def test_a_document_without_header_gives_none_back(data: bytes, tmp_path: Path) -> None:
    path = written(data, tmp_path)
    assert refusal(inspected(path)).where == str(path)


def elided(size: int = 5) -> dict[str, Any]:
    return {"elided": {"size_bytes": size, "sha256": "0" * 64}}


def first(document: Document, type_: str) -> dict[str, Any]:
    """The first attribute of a type."""
    found: dict[str, Any] = next(each for each in document["parts"][0]["attributes"] if each["type"] == type_)
    return found


def without_value(document: Document, type_: str) -> None:
    first(document, type_)["value"] = elided()


WHOLE = plain(
    attribute("s", "string", "text"),
    attribute("sv", "stringvector", ["a", "b"]),
    attribute("fv", "floatvector", [1.0]),
    attribute("m", "m44f", range(16)),
    attribute("by", "bytes", ("h", b"data")),
    attribute("pr", "preview", (1, 1, bytes(4))),
    attribute("id", "idmanifest", bytes(16)),
    attribute("tc", "timecode", (1, 2)),
    attribute("td", "tiledesc", (8, 8, "one", "down")),
    attribute("i", "int", 1),
    Attribute(b"odd", b"studioType", b"x"),
    Attribute(b"bad", b"v3d", b"x"),
)
TYPES = sorted({each.type.decode() for each in WHOLE.parts[0]} - {"v3d"})


@pytest.mark.parametrize("type_", TYPES)
def test_an_elided_value_cannot_be_given_back(type_: str) -> None:
    """Not even where its form can be walked like the value's: a list of texts, say."""
    document = read_back(document_of(WHOLE.data))
    without_value(document, type_)
    refusal(document)


def test_a_value_elided_beside_its_bytes_is_no_loss() -> None:
    document = document_of(plain(Attribute(b"s", b"string", b"abc\xe9")).data)
    without_value(document, "string")
    assert header_bytes(document) == plain(Attribute(b"s", b"string", b"abc\xe9")).data


CHANGES: dict[str, Callable[[Document], Any]] = {
    "bytes elided": lambda document: first(document, "v3d").update(raw=elided()),
    "attributes elided": lambda document: document["parts"][0].update(attributes=elided()),
    "parts elided": lambda document: document.update(parts=elided()),
    "an attribute gone": lambda document: document["parts"][0]["attributes"].pop(),
    "an attribute twice": lambda document: document["parts"][0]["attributes"].append(first(document, "int")),
    "a part gone": lambda document: document["parts"].pop(),
    "a value changed": lambda document: first(document, "int").update(value=2),
    "a value of another form": lambda document: first(document, "int").update(value="one"),
    "a number too large": lambda document: first(document, "int").update(value=2**40),
    "a float too large": lambda document: first(document, "float").update(value=1e300),
    "a text of another kind": lambda document: first(document, "stringvector").update(value=[1, 2]),
    "a name that is a number": lambda document: first(document, "int").update(name=7),
    "a key gone": lambda document: first(document, "int").pop("type"),
    "bytes of no base64": lambda document: first(document, "v3d").update(raw="é"),
    "the version changed": lambda document: document["file"].update(version_field=2**40),
    "the hash gone": lambda document: document["file"].update(header_hash=None),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_document_that_is_not_whole_gives_nothing_back(what: str) -> None:
    document = read_back(document_of(WHOLE.data))
    CHANGES[what](document)
    refusal(document)


def test_a_path_that_was_elided_is_no_reason_to_fail_otherwise() -> None:
    document = read_back(document_of(WHOLE.data))
    document["file"]["path"] = elided()
    assert header_bytes(document) == WHOLE.data
    without_value(document, "int")
    refusal(document)


def test_parts_without_attributes_come_back() -> None:
    """In the only place where a part may have none: a file of one part."""
    data = Written(((),), 0).data
    assert given_back(data) == data
    more = multipart(NAMED, [*NAMED, attribute("take", "int", 1)])
    assert given_back(more.data) == more.data
