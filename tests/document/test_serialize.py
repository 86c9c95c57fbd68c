"""The JSON text of documents, pinned: stored hashes are made of it.

A change of the text makes each stored file look changed. If it is intended, raise HEADER_VERSION and update
the golden values here in the same commit.
"""

from __future__ import annotations

import hashlib
import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exr_inspector import to_json
from exr_inspector.catalog import rows
from exr_inspector.catalog.rows import facts_text
from exr_inspector.document.serialize import elided, quoted
from tests.document.documents import document_of
from tests.exr.headers import plain
from tests.exrfiles.attributes import Attribute, attribute

MIXED: dict[str, Any] = {
    "é": "grün 東京 🎬",
    "control": "\x01\x7f\u2028",
    "escaped": '"\\/\n',
    "numbers": [1, -0.0, 0.1, 1e-7, 1e22, 2**64, True, None],
    "empty": [{}, [], ""],
}
MIXED_TEXT = (
    '{"é":"grün 東京 🎬","control":"\\u0001\x7f\u2028","escaped":"\\"\\\\/\\n",'
    '"numbers":[1,-0.0,0.1,1e-07,1e+22,18446744073709551616,true,null],"empty":[{},[],""]}'
)


def test_text_is_compact_and_keeps_characters_beyond_ascii() -> None:
    assert to_json(MIXED) == MIXED_TEXT
    assert json.loads(to_json(MIXED)) == MIXED


def test_indented_text_keeps_characters_beyond_ascii() -> None:
    assert to_json({"é": ["東京", 1]}, indent=2) == '{\n  "é": [\n    "東京",\n    1\n  ]\n}'


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_float_that_json_lacks_is_an_error(value: float, indent: int | None) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        to_json([value], indent=indent)


JSON_VALUES = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text()
    ),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(JSON_VALUES)
def test_the_text_is_that_of_the_json_module(value: Any) -> None:
    assert to_json(value) == json.dumps(value, ensure_ascii=False, separators=(",", ":"))


@given(st.text())
def test_a_quoted_string_is_its_text(text: str) -> None:
    assert quoted(text) == to_json(text)


def test_elided_content_is_its_size_and_hash() -> None:
    content = "grün".encode()
    assert elided(content) == {
        "elided": {"size_bytes": 5, "sha256": hashlib.sha256(content).hexdigest()},
    }


HEADER = plain(
    attribute("comments", "string", "grün 東京 🎬"),
    attribute("größe", "float", 0.1),
    Attribute(b"abc\xe9", b"string", b"caf\xe9"),
    attribute("views", "stringvector", ["links", "rechts é"]),
)
ATTRIBUTE_TEXTS = (
    '{"name":"comments","type":"string","value":"grün 東京 🎬"}',
    '{"name":"größe","type":"float","value":0.1}',
    '{"name":"abc\\\\xe9","type":"string","value":"caf\\\\xe9","name_base64":"YWJj6Q==","raw":"Y2Fm6Q=="}',
    '{"name":"views","type":"stringvector","value":["links","rechts é"]}',
)


def test_attributes_beyond_ascii_have_their_golden_text() -> None:
    attributes = document_of(HEADER.data)["parts"][0]["attributes"]
    assert tuple(map(to_json, attributes[-4:])) == ATTRIBUTE_TEXTS


def test_the_golden_hash_of_facts_beyond_ascii(monkeypatch: pytest.MonkeyPatch) -> None:
    """Equal versions are assumed, so that only the text of the facts counts."""
    for version in ("VERSION", "HEADER_VERSION", "EMBEDDING_VERSION"):
        monkeypatch.setattr(rows, version, 1, raising=False)
    facts = {
        "schema_version": 1,
        "parts": [{"index": 0, "attributes": list(map(json.loads, ATTRIBUTE_TEXTS))}],
        "channels": [],
        "errors": [MIXED],
        "file": {"path": "/größe/東京.exr"},
    }
    texts = [[to_json(json.loads(text)["value"]) for text in ATTRIBUTE_TEXTS]]
    found = hashlib.sha256(facts_text(facts, texts).encode()).hexdigest()
    assert found == "1e0a410cffdb5a3ecd354f35f2d0d3ddb502d5e29a9930f2532dbd2473f595e9"
