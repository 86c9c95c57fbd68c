"""The message of each broken value, word by word: it is stored in the document and printed to the user."""

from __future__ import annotations

import struct

import pytest

from exr_inspector.exr.values import decode
from tests.document.documents import document_of
from tests.exr.headers import plain
from tests.exrfiles.attributes import ENCODERS, Attribute, Channel

UNENDED = "the channel list does not end where its value ends"
MESSAGES: list[tuple[str, bytes, str]] = [
    ("int", b"abc", "3 bytes are not the size of type int"),
    ("m44f", bytes(63), "63 bytes are not the size of type m44f"),
    ("lineOrder", b"", "0 bytes are not the size of type lineOrder"),
    ("floatvector", b"12345", "value has 5 bytes, not a multiple of 4"),
    ("floatvector", bytes(4 * 65_537), "lists of more than 65536 items are kept as bytes"),
    ("string", b"\xff" * 65_537, "text that is not UTF-8 and longer than 65536 bytes is kept as bytes"),
    ("stringvector", b"\1\0\0", "a string's length is cut off"),
    ("stringvector", b"\2\0\0\0x", "a string is longer than the value that contains it"),
    ("stringvector", b"\xff\xff\xff\xff", "a string is longer than the value that contains it"),
    ("bytes", b"\1", "a string's length is cut off"),
    ("bytes", b"\5\0\0\0hint", "a string is longer than the value that contains it"),
    ("preview", b"\1\0\0\0", "the preview's size is cut off"),
    ("preview", struct.pack("<2I", 2, 3) + bytes(23), "a preview of 2x3 pixels cannot have 31 bytes"),
    ("idmanifest", bytes(7), "the manifest's size is cut off"),
    ("chlist", b"", UNENDED),
    ("chlist", ENCODERS["chlist"]([Channel("R")])[:-1], UNENDED),
    ("chlist", b"\0\0", UNENDED),
]


@pytest.mark.parametrize(("type_name", "raw", "message"), MESSAGES)
def test_the_message_states_what_is_wrong_with_the_value(type_name: str, raw: bytes, message: str) -> None:
    assert decode(type_name, raw) == (None, message)


def test_the_document_has_the_message_beside_the_value_and_among_its_errors() -> None:
    document = document_of(plain(Attribute(b"frame", b"int", b"abc")).data)
    entry = document["parts"][0]["attributes"][-1]
    assert (entry["value"], entry["error"]) == (None, "3 bytes are not the size of type int")
    (error,) = document["errors"]
    assert error["code"] == "BAD_ATTRIBUTE"
    assert "3 bytes are not the size of type int" in error["message"]
