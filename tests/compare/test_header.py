"""What differs between two headers."""

from __future__ import annotations

from typing import Any, cast

import pytest
from hypothesis import given, settings

from exr_inspector.compare.header import Change, diff_headers, is_occasional
from exr_inspector.document.model import Document
from exr_inspector.errors import InspectorError
from tests.document.documents import document_of
from tests.exr.headers import compressed, multipart, plain, window
from tests.exrfiles.attributes import Attribute, Channel, attribute
from tests.exrfiles.strategies import wild_headers
from tests.exrfiles.writer import Header


def diff(a: Header, b: Header) -> list[Change]:
    return diff_headers(*(cast("Document", document_of(each.data)) for each in (a, b)))


def one(a: Header, b: Header) -> Change:
    """The only change."""
    (change,) = diff(a, b)
    return change


def text(name: str, value: str) -> Attribute:
    return attribute(name, "string", value)


def channels(*named: str, kind: str = "half") -> Attribute:
    return attribute("channels", "chlist", [Channel(name, kind) for name in named])


def test_a_changed_attribute_has_both_values() -> None:
    change = one(plain(window(64, 32)), plain(window(64, 32, x=8)))
    assert (change["what"], change["kind"], change["name"]) == ("attribute", "changed", "dataWindow")
    assert change["before"] == {
        "type": "box2i",
        "value": {"min": {"x": 0, "y": 0}, "max": {"x": 63, "y": 31}},
    }
    assert change["after"]["value"]["min"] == {"x": 8, "y": 0}


def test_an_attribute_of_another_type_has_changed() -> None:
    change = one(plain(attribute("take", "int", 3)), plain(attribute("take", "float", 3.0)))
    assert (change["before"], change["after"]) == (
        {"type": "int", "value": 3},
        {"type": "float", "value": 3.0},
    )


@pytest.mark.parametrize(("a", "b"), [(0.0, -0.0), (1.0, 1.0000001)])
def test_floats_that_differ_in_one_bit_differ(a: float, b: float) -> None:
    assert one(plain(attribute("gain", "float", a)), plain(attribute("gain", "float", b)))


def test_bytes_that_decode_to_the_same_text_differ() -> None:
    a, b = plain(Attribute(b"s", b"string", b"\xff")), plain(Attribute(b"s", b"string", b"\\xff"))
    assert one(a, b)["name"] == "s"


def test_an_attribute_of_one_file_is_added_or_removed() -> None:
    with_it, without_it = plain(text("artistNote", "x"), text("a", "")), plain(text("a", ""))
    assert [each["kind"] for each in diff(without_it, with_it)] == ["added"]
    assert [each["kind"] for each in diff(with_it, without_it)] == ["removed"]


def test_the_order_of_attributes_does_not_count() -> None:
    assert diff(plain(text("a", "1"), text("b", "2")), plain(text("b", "2"), text("a", "1"))) == []


def test_an_attribute_that_a_header_has_twice_is_compared_twice() -> None:
    twice = plain(text("a", "1"), text("a", "2"))
    assert one(twice, plain(text("a", "1")))["name"] == "a (2)"


def test_channels_are_matched_by_name() -> None:
    changes = diff(plain(channels("R", "Z")), plain(channels("A", "R")))
    assert [(each["kind"], each["name"]) for each in changes] == [("removed", "Z"), ("added", "A")]
    change = one(plain(channels("Z")), plain(channels("Z", kind="float")))
    assert (change["before"]["type"], change["after"]["type"]) == ("half", "float")


def test_the_order_of_channels_does_not_count() -> None:
    assert diff(plain(channels("R", "G")), plain(channels("G", "R"))) == []


def named(name: str, *more: Attribute) -> list[Attribute]:
    return [text("name", name), *more]


def test_parts_are_matched_by_name_in_whatever_order() -> None:
    a = multipart(named("beauty", compressed("zip")), named("depth", compressed("zips")))
    b = multipart(named("depth", compressed("piz")), named("beauty", compressed("zip")))
    order, change = diff(a, b)
    assert (order["name"], order["before"], order["after"]) == ("order of parts", [0, 1], [1, 0])
    assert (change["part"], change["name"]) == ("depth", "compression")
    assert (change["before"]["value"], change["after"]["value"]) == ("zips", "piz")


def test_parts_of_one_name_are_matched_by_view() -> None:
    left, right = text("view", "left"), text("view", "right")
    a = multipart(named("rgba", left), named("rgba", right, text("note", "a")))
    b = multipart(named("rgba", left), named("rgba", right, text("note", "b")))
    assert one(a, b)["name"] == "note"


def test_a_part_of_one_file_is_added_with_its_channels() -> None:
    a, b = multipart(named("rgba")), multipart(named("rgba"), named("depth", channels("Z")))
    count, part = diff(a, b)
    assert (count["name"], count["before"], count["after"]) == ("multipart_count", 1, 2)
    assert (part["what"], part["kind"], part["name"]) == ("part", "added", "depth")
    assert (part["before"], part["after"]) == (None, ["Z"])


def test_the_parts_of_two_single_part_files_are_matched_whatever_their_names() -> None:
    assert one(multipart(named("old")), multipart(named("new")))["name"] == "name"


@pytest.mark.parametrize(
    "name",
    ["capDate", "utcOffset", "timeCode", "keyCode", "imageCounter", "host", "HostComputer", "frame",
     "renderTime", "DateTime", "nuke/input/mtime", "arnold/host/name", "renderjob", "artist"],
)  # fmt: skip
def test_times_frames_hosts_and_people_are_occasional(name: str) -> None:
    assert is_occasional(name)


@pytest.mark.parametrize(
    "name",
    ["compression", "framesPerSecond", "expTime", "cameraSerialNumber", "chunkCount", "Software", "comments",
     "chromaticities", "colorInteropID", "nuke/input/filename", "samples", "version"],
)  # fmt: skip
def test_facts_of_the_image_and_its_making_are_not_occasional(name: str) -> None:
    assert not is_occasional(name)


@settings(max_examples=40)
@given(wild_headers())
def test_a_header_does_not_differ_from_itself(header: Header) -> None:
    try:
        assert diff(header, header) == []
    except InspectorError:
        return


MIRRORED = {"added": "removed", "removed": "added", "changed": "changed"}


@settings(max_examples=40)
@given(wild_headers(), wild_headers())
def test_a_difference_is_the_same_from_both_sides(a: Header, b: Header) -> None:
    try:
        there, back = diff(a, b), diff(b, a)
    except InspectorError:
        return

    def key(change: Any) -> tuple[str, ...]:
        return (change["what"], change["name"], change["kind"], repr(change["before"]), repr(change["after"]))

    mirrored = [
        {**each, "kind": MIRRORED[each["kind"]], "before": each["after"], "after": each["before"]}
        for each in back
        if each["name"] != "order of parts"
    ]
    assert sorted(map(key, mirrored)) == sorted(
        key(each) for each in there if each["name"] != "order of parts"
    )
