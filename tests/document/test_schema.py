"""docs/document.schema.json says what a document is, strictly, and in the words of the code."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, get_args

import jsonschema
import pytest

from exr_inspector.errors import FAULTS, Status
from exr_inspector.exr import codes, values
from tests.document.documents import SCHEMA, VALIDATOR, Document, document_of, read_back, valid
from tests.exr.headers import multipart
from tests.exrfiles.attributes import Attribute, attribute
from tests.exrfiles.geometry import Tiling

DEFS = SCHEMA["$defs"]


def words(schema: dict[str, Any]) -> list[Any]:
    """The words of an enumeration that may also be another thing: a number, a name, null."""
    return next(each["enum"] for each in schema["anyOf"] if "enum" in each)


def nodes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
    for each in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from nodes(each)


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_every_definition_is_there_and_used() -> None:
    used = {node["$ref"].removeprefix("#/$defs/") for node in nodes(SCHEMA) if "$ref" in node}
    assert used == set(DEFS)


# --- its words are those of the code --------------------------------------------------------------------

PART = DEFS["part"]["properties"]
ENUMERATIONS = {
    "statuses": (DEFS["file"]["properties"]["status"]["enum"], [*get_args(Status), None]),
    "codes of faults": (DEFS["error"]["properties"]["code"]["enum"], list(FAULTS)),
    "compressions": (words(PART["compression"]), list(codes.COMPRESSION_NAMES.values())),
    "line orders": (words(PART["line_order"]), list(codes.LINE_ORDERS.values())),
    "types of parts": (words(PART["type"]), ["scanlineimage", "tiledimage", "deepscanline", "deeptile"]),
    "level modes": (words(DEFS["level_mode"]), list(codes.LEVEL_MODES.values())),
    "rounding modes": (words(DEFS["rounding_mode"]), list(codes.ROUNDING_MODES.values())),
    "pixel types": (DEFS["pixel_type"]["anyOf"][0]["enum"], list(codes.PIXEL_TYPES.values())),
    "compression values": (words(DEFS["value_compression"]), list(codes.COMPRESSION_NAMES.values())),
    "line order values": (words(DEFS["value_lineOrder"]), list(codes.LINE_ORDERS.values())),
    "environment maps": (words(DEFS["value_envmap"]), list(codes.ENVMAPS.values())),
    "states of deep images": (
        words(DEFS["value_deepImageState"]),
        list(codes.DEEP_IMAGE_STATES.values()),
    ),
}


@pytest.mark.parametrize("what", ENUMERATIONS)
def test_an_enumeration_is_that_of_the_code(what: str) -> None:
    stated, found = ENUMERATIONS[what]
    assert stated == found


@pytest.mark.parametrize("type_", ["compression", "lineOrder", "envmap", "deepImageState"])
def test_unknown_codes_are_numbers_behind_the_known_ones(type_: str) -> None:
    number = next(each for each in DEFS[f"value_{type_}"]["anyOf"] if "minimum" in each)
    assert number["minimum"] == len(words(DEFS[f"value_{type_}"]))


def test_every_type_of_attribute_has_a_form() -> None:
    forms = [each["if"]["properties"]["type"] for each in DEFS["decoded"]["allOf"]]
    assert {each["const"] for each in forms if "const" in each} == set(values.CODECS)
    assert set(forms[-1]["not"]["enum"]) == set(values.CODECS)


# --- its order is that of the document ------------------------------------------------------------------


@cache
def whole() -> Document:
    """A document in which every kind of thing is found."""
    first = [
        attribute("view", "string", "left"),
        attribute("tiles", "tiledesc", Tiling(8, 8)),
        attribute("time", "timecode", (1, 2)),
        attribute("speed", "float", 24.0),
        attribute("take", "int", 1),
        Attribute(b"abc\xe9", b"\xfftype", b"\xff"),
        Attribute(b"bad", b"int", b""),
        Attribute(b"latin", b"string", b"abc\xe9"),
        attribute("manifest", "string", "long" * 1000),
    ]
    second = [attribute("name", "string", "second"), attribute("take", "int", 2)]
    document = document_of(multipart(first, second).data, view=True)
    document["persistence"] = {
        "status": "stored",
        "file_id": "0" * 32,
        "inserted": True,
        "message": "inserted 1 file",
    }
    return read_back(valid(document))


def test_keys_stand_in_the_order_of_the_schema() -> None:
    document = whole()
    for schema, found in (
        (SCHEMA, document),
        (DEFS["file"], document["file"]),
        (DEFS["openimageio"], document["file"]["openimageio"]),
        (DEFS["part"], document["parts"][0]),
        (DEFS["channel"], document["channels"][0]),
        (DEFS["error"], document["errors"][0]),
    ):
        assert [key for key in schema["properties"] if key != "path_base64"] == list(found)
        assert set(schema["required"]) | {"persistence"} >= set(found)


@pytest.mark.parametrize("name", ["file", "openimageio", "part", "channel", "attribute"])
def test_every_property_is_described_in_few_words(name: str) -> None:
    for key, schema in DEFS[name]["properties"].items():
        described = schema if "$ref" not in schema or "description" in schema else _target(schema)
        text = described.get("description", "")
        assert text or "enum" in described or "anyOf" in described, key
        assert len(text) < 250, key


def _target(schema: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = DEFS[schema["$ref"].removeprefix("#/$defs/")]
    return found


# --- it is strict ---------------------------------------------------------------------------------------


def attribute_of(document: Document, name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in document["parts"][0]["attributes"] if each["name"] == name)
    return found


Change = Callable[[Document], Any]

WRONG: dict[str, Change] = {
    "another version": lambda it: it.update(schema_version=2),
    "a key too many": lambda it: it.update(extra=1),
    "a key too few": lambda it: it.pop("stats"),
    "a key of the file too many": lambda it: it["file"].update(extra=1),
    "a key of the file too few": lambda it: it["file"].pop("etag"),
    "a key of a part too many": lambda it: it["parts"][1].update(extra=1),
    "a key of a part too few": lambda it: it["parts"][1].pop("view"),
    "a key of a channel too many": lambda it: it["channels"][1].update(extra=1),
    "a key of a channel too few": lambda it: it["channels"][1].pop("layer_name"),
    "a key of an attribute too many": lambda it: attribute_of(it, "take").update(extra=1),
    "a key of an error too many": lambda it: it["errors"][0].update(extra=1),
    "an unknown status": lambda it: it["file"].update(status="fine"),
    "an unknown code": lambda it: it["errors"][0].update(code="BAD_LUCK"),
    "a time with another zone": lambda it: it["file"].update(mtime="2026-10-01T09:15:30.123456+01:00"),
    "a hash of another length": lambda it: it["file"].update(header_hash="0" * 63),
    "a compression in capitals": lambda it: it["parts"][0].update(compression="ZIP"),
    "an unknown line order without number": lambda it: it["parts"][0].update(line_order="unknown"),
    "a window without corner": lambda it: it["parts"][0]["data_window"].pop("max"),
    "a window of fractions": lambda it: it["parts"][0]["data_window"]["min"].update(x=0.5),
    "a ratio that is another word": lambda it: it["parts"][0].update(pixel_aspect_ratio="nan"),
    "an unknown pixel type": lambda it: it["channels"][0].update(type="double"),
    "a negative part": lambda it: it["channels"][0].update(part_index=-1),
    "an int of another form": lambda it: attribute_of(it, "take").update(value="1"),
    "an int of 64 bits": lambda it: attribute_of(it, "take").update(value=2**31),
    "a float that is another word": lambda it: attribute_of(it, "speed").update(value="inf"),
    "a time code without words": lambda it: attribute_of(it, "time").update(value=[1, 2]),
    "an unknown type without bytes": lambda it: attribute_of(it, "abc\\xe9").update(value="text"),
    "a null without reason": lambda it: attribute_of(it, "bad").pop("error"),
    "a null without bytes": lambda it: attribute_of(it, "bad").pop("raw"),
    "a reason with a value": lambda it: attribute_of(it, "take").update(error="why"),
    "bytes that are no base64": lambda it: attribute_of(it, "latin").update(raw="abc\\xe9"),
    "an elided value without hash": lambda it: attribute_of(it, "latin").update(
        value={"elided": {"size_bytes": 1}}
    ),
    "a view's value in an unknown form": lambda it: it["attributes"].update(take={"value": 1}),
    "parts of a view without index": lambda it: it["attributes"].update(take={"parts": {"first": 1}}),
    "no part of a view": lambda it: it["attributes"].update(take={"parts": {}}),
    "an unknown difference": lambda it: it["file"]["openimageio"].update(
        differences=[{"part_index": 0, "field": "index", "openimageio": 1}]
    ),
    "statistics in an unknown form": lambda it: it.update(stats={"mean": 1}),
    "statistics without coverage": lambda it: it.update(stats={"status": "ok", "mode": "full"}),
    "an unknown persistence": lambda it: it["persistence"].update(status="lost"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_document_with_anything_wrong_is_refused(what: str) -> None:
    document = copy.deepcopy(whole())
    assert VALIDATOR.is_valid(document)
    WRONG[what](document)
    assert not VALIDATOR.is_valid(document)


RIGHT: dict[str, Change] = {
    "a document that was not stored": lambda it: it.pop("persistence"),
    "statistics that were skipped": lambda it: it.update(stats={"status": "skipped", "reason": "why"}),
    "statistics that were elided": lambda it: it.update(
        stats={"elided": {"size_bytes": 1, "sha256": "0" * 64}}
    ),
    "numbers that are not finite": lambda it: attribute_of(it, "speed").update(value="-Infinity"),
    "an unknown compression": lambda it: it["parts"][0].update(compression="unknown(99)"),
    "a value of each part": lambda it: it["attributes"].update(take={"parts": {"0": 1, "10": [1, "NaN"]}}),
}


@pytest.mark.parametrize("what", RIGHT)
def test_a_document_may_have(what: str) -> None:
    document = copy.deepcopy(whole())
    RIGHT[what](document)
    VALIDATOR.validate(document)


def test_the_schema_is_plain_json() -> None:
    json.dumps(SCHEMA, allow_nan=False)
