"""Answers stay small for any file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exr_inspector import header_bytes, to_json
from exr_inspector.document.truncate import MAX_ANSWER, truncate
from exr_inspector.errors import NOT_LOSSLESS, InspectorError
from tests.document.documents import document_of, inspected, read_back, valid, written
from tests.exr.headers import multipart, plain
from tests.exrfiles.attributes import Attribute, Channel, attribute
from tests.exrfiles.demo import layered_beauty
from tests.exrfiles.strategies import wild_headers
from tests.exrfiles.writer import Header as Written

HOSTILE: dict[str, Written] = {
    "one long string": plain(attribute("s", "string", "x" * 10**6)),
    "one long string of no encoding": plain(attribute("s", "string", b"\xff" * 10**5)),
    "quotes that double in JSON": plain(attribute("s", "string", '"' * 10**5)),
    "control characters that grow sixfold": plain(attribute("s", "string", b"\1" * 10**5)),
    "a large preview": plain(attribute("p", "preview", (200, 200, bytes(160_000)))),
    "many long names": plain(*(attribute(f"{n:05}".ljust(255, "n"), "int", n) for n in range(400))),
    "many small attributes": plain(*(attribute(f"a{n}", "int", n) for n in range(1800))),
    "many broken attributes": plain(*(Attribute(b"a%d" % n, b"int", b"") for n in range(1000))),
    "many channels": plain(attribute("channels", "chlist", [Channel(f"c{n}") for n in range(1500)])),
    "many parts": multipart(*([attribute("name", "string", f"p{n}")] for n in range(66))),
    "a channel with a long name": plain(attribute("channels", "chlist", [Channel("c" * 10**5)]), flags=0),
    "many differences": multipart(
        *(
            [attribute("name", "string", f"p{n}"), attribute("openexr:lineOrder", "string", "y" * 900)]
            for n in range(70)
        )
    ),
}


def size(answer: dict[str, Any]) -> int:
    """Return the size of the longest text that a runtime may write."""
    return max(len(json.dumps(answer)), len(to_json(answer).encode()))


def is_elided(value: Any) -> bool:
    return isinstance(value, dict) and set(value) == {"elided"}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_document_becomes_small_and_stays_valid(what: str) -> None:
    document = document_of(HOSTILE[what].data, view=True)
    assert size(document) > MAX_ANSWER
    small = valid(truncate(document))
    assert size(small) <= MAX_ANSWER


@settings(max_examples=30, suppress_health_check=list(HealthCheck))
@given(wild_headers(), st.integers(5_000, 20_000))
def test_any_document_becomes_as_small_as_the_limit(header: Written, limit: int) -> None:
    try:
        document = document_of(header.data, view=True)
    except InspectorError:
        return
    assert size(valid(truncate(document, limit))) <= limit


def test_an_ordinary_document_is_returned_as_it_is() -> None:
    document = document_of(layered_beauty(), view=True)
    assert size(document) <= MAX_ANSWER
    assert truncate(document) is document


def test_the_largest_answer_leaves_room_in_the_brokers_message() -> None:
    """The runtime wraps the answer in an event of its own, in a message of at most 126 KB."""
    assert 64_000 <= MAX_ANSWER <= 126_000 - 16_000


def test_the_limit_is_exact() -> None:
    document = document_of(plain().data)
    assert truncate(document, size(document)) is document
    assert truncate(document, size(document) - 1) is not document


def test_nothing_is_replaced_beyond_what_the_limit_asks_for() -> None:
    long = (attribute(f"s{number}", "string", "x" * 9_000) for number in range(3))
    document = document_of(plain(*long).data)
    small = truncate(document, size(document) - 1)
    assert truncate(document, size(small)) == small


def test_elided_values_state_their_size_and_the_original_is_unchanged() -> None:
    document = document_of(plain(attribute("s", "string", "x" * 200_000), attribute("i", "int", 1)).data)
    before = to_json(document)
    small = truncate(document)
    assert to_json(document) == before
    *_, text, number = small["parts"][0]["attributes"]
    assert is_elided(text["value"])
    # The size of the value's JSON text, with its quotes.
    assert text["value"]["elided"]["size_bytes"] == 200_002
    assert number["value"] == 1
    assert small["file"] == document["file"]


def test_the_largest_values_go_first() -> None:
    sizes = (90_000, 300, 60_000, 400)
    given_ = plain(*(attribute(f"s{size}", "string", "x" * size) for size in sizes))
    stored = truncate(document_of(given_.data))["parts"][0]["attributes"][-4:]
    assert [is_elided(each["value"]) for each in stored] == [True, False, False, False]


def test_header_bytes_refuses_a_document_whose_attributes_were_elided() -> None:
    for what in ("one long string", "many long names", "a large preview", "many channels"):
        with pytest.raises(InspectorError) as raised:
            header_bytes(truncate(document_of(HOSTILE[what].data)))
        assert raised.value.fault is NOT_LOSSLESS


def test_header_bytes_accepts_a_document_that_lost_only_openimageios_report() -> None:
    many = plain(*(attribute(f"a{n}", "string", "y" * 100) for n in range(300)))
    document = document_of(many.data, view=True)
    small = truncate(document, size(document) - 1000)
    assert is_elided(small["attributes"]) or any(map(is_elided, small["attributes"].values()))
    assert header_bytes(read_back(small)) == many.data


@pytest.mark.parametrize("count", [2, 30, 300, 3000])
def test_several_documents_share_the_limit(count: int) -> None:
    one = document_of(plain(attribute("s", "string", "x" * 50_000)).data)
    answer = {"documents": [one] * count}
    small = truncate(answer)
    assert size(small) <= MAX_ANSWER
    assert is_elided(small["documents"]) == (count == 3000)
    if count == 300:
        file = {"path": one["file"]["path"], "status": one["file"]["status"]}
        assert small["documents"] == [{"file": file, "errors": one["errors"]}] * count
        assert truncate(answer, size(small)) == small
    if count == 2:
        first, second = small["documents"]
        assert is_elided(first["parts"][0]["attributes"][-1]["value"])
        assert valid(second) == one


def test_several_small_documents_are_returned_as_they_are() -> None:
    answer = {"documents": [document_of(plain().data)] * 3}
    assert truncate(answer) is answer


def test_even_a_path_can_be_too_long(tmp_path: Path) -> None:
    document = inspected(written(b"", tmp_path))
    document["file"]["path"] = "/" + "long/" * 30_000
    document["errors"] = [{"code": "EMPTY_FILE", "message": "m", "where": document["file"]["path"]}] * 3
    small = valid(truncate(document))
    assert size(small) <= MAX_ANSWER
