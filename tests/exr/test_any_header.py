"""Any header, split anywhere, truncated, or with bytes flipped, has one of three ends.

A Header, a NeedMore or a coded InspectorError: any other exception fails these tests.
"""

from __future__ import annotations

import re
from typing import TypeAlias

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exr_inspector.errors import HEADER_CORRUPT, HEADER_TRUNCATED, LIMIT_EXCEEDED, InspectorError
from exr_inspector.exr.header import Header, NeedMore, parse_header, write_header
from exr_inspector.exr.limits import Limits
from tests.exr.test_header import stored
from tests.exrfiles.strategies import valid_headers, wild_headers
from tests.exrfiles.writer import Header as Written

Answer: TypeAlias = "Header | NeedMore | InspectorError"

any_headers = st.one_of(valid_headers(), wild_headers())
# Small enough to be met, in any combination.
caps = st.builds(
    Limits,
    max_header_bytes=st.integers(8, 4000),
    max_value_bytes=st.integers(0, 400),
    max_parts=st.integers(1, 4),
    max_channels=st.integers(1, 10),
    max_attributes=st.integers(1, 40),
)
moderate = settings(max_examples=50, suppress_health_check=list(HealthCheck))


def answer(data: bytes, file_size: int, limits: Limits | None = None) -> Answer:
    try:
        return parse_header(data, limits or Limits(), file_size)
    except InspectorError as error:
        return error


def final(data: bytes, first: int, limits: Limits | None = None) -> Header | InspectorError:
    """What a reader comes to that holds `first` bytes of this file, and then as many as are asked for."""
    most = (limits or Limits()).max_header_bytes
    held = first
    while isinstance(found := answer(data[:held], len(data), limits), NeedMore):
        assert held < found.size <= min(len(data), most)
        held = found.size
    return found


def same(one: Answer, other: Answer) -> bool:
    """Equal, or refused for the same fault at the same place; the message may quote what was at hand."""
    if isinstance(one, InspectorError) and isinstance(other, InspectorError):
        return (one.code, one.where) == (other.code, other.where)
    return one == other


@st.composite
def flipped(draw: st.DrawFn) -> bytes:
    """A header with up to eight bytes changed."""
    data = bytearray(draw(any_headers).data)
    for place in draw(st.lists(st.integers(0, len(data) - 1), min_size=1, max_size=8)):
        data[place] = draw(st.integers(0, 255))
    return bytes(data)


@moderate
@given(valid_headers())
def test_a_valid_header_is_found_as_it_was_written(written: Written) -> None:
    found = parse_header(written.data)
    assert isinstance(found, Header)
    assert found.size == written.size
    assert [[stored(each) for each in part.attributes] for part in found.parts] == [*map(list, written.parts)]


@moderate
@given(any_headers, st.data())
def test_a_header_split_anywhere_is_the_same_header(written: Written, data: st.DataObject) -> None:
    first = data.draw(st.integers(0, written.size))
    assert same(final(written.data, first), answer(written.data, written.size))


@moderate
@given(valid_headers(), st.data())
def test_a_truncated_file_is_called_truncated(written: Written, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, written.size - 1))
    found = final(written.data[:cut], data.draw(st.integers(0, cut)))
    assert isinstance(found, InspectorError)
    # A size that is impossible for the type and reaches beyond the file is a wrong size.
    is_impossible = found.fault is HEADER_CORRUPT and re.search(
        "has the size .*, but a .* has", found.message
    )
    assert found.fault is HEADER_TRUNCATED or is_impossible


@moderate
@given(flipped(), st.data())
def test_flipped_bytes_are_a_header_or_a_coded_refusal(changed: bytes, data: st.DataObject) -> None:
    """Wherever the reader starts, it comes to the same end; and what it finds is what is there."""
    found = final(changed, data.draw(st.integers(0, len(changed))))
    assert same(found, final(changed, len(changed)))
    if isinstance(found, Header):
        parts = [[tuple(stored(each)) for each in part.attributes] for part in found.parts]
        assert write_header(found.version_field, parts) == changed[: found.size]  # type: ignore[arg-type]


@moderate
@given(any_headers, caps, st.data())
def test_no_cap_is_passed(written: Written, limits: Limits, data: st.DataObject) -> None:
    found = final(written.data, data.draw(st.integers(0, written.size)), limits)
    if isinstance(found, InspectorError):
        assert found.fault in (LIMIT_EXCEEDED, HEADER_CORRUPT)
        return
    attributes = [each for part in found.parts for each in part.attributes]
    assert found.size <= limits.max_header_bytes
    assert len(found.parts) <= (limits.max_parts if found.is_multipart else 1)
    assert len(attributes) <= limits.max_attributes
    assert all(len(each.raw) <= limits.max_value_bytes for each in attributes)
    channels = sum(len(each.value) for each in attributes if each.type_name == "chlist" and each.value)
    assert channels <= limits.max_channels


@settings(max_examples=300)
@given(st.binary(max_size=200))
def test_bytes_that_are_no_header_end_too(data: bytes) -> None:
    final(data, 0)
    final(b"\x76\x2f\x31\x01\x02\0\0\0" + data, 0)
    final(b"\x76\x2f\x31\x01\x02\x10\0\0" + data, 0)
