"""One map of attributes for all parts: what they share stands once, what differs by part."""

from __future__ import annotations

from typing import Any

import pytest

from exr_inspector.document.oiio_report import report_header
from exr_inspector.document.report import merged_attributes
from tests.exr.headers import multipart, parsed
from tests.exrfiles.attributes import Attribute, attribute


def test_what_all_parts_share_stands_once() -> None:
    assert merged_attributes([{"a": 1, "b": [1]}, {"b": [1], "a": 1}]) == {"a": 1, "b": [1]}


@pytest.mark.parametrize(
    ("first", "second"),
    [(1, 2), (1, 1.0), (1, True), ("1", 1), ([1], [2]), ({"base64": ""}, {"base64": "AA=="})],
)
def test_what_differs_stands_per_part(first: Any, second: Any) -> None:
    """1 and 1.0 are equal in Python and not in JSON text."""
    assert merged_attributes([{"a": first}, {"a": second}]) == {"a": {"parts": {"0": first, "1": second}}}


def test_what_some_parts_lack_stands_per_part() -> None:
    merged = merged_attributes([{}, {"a": 1}, {"a": 1}])
    assert merged == {"a": {"parts": {"1": 1, "2": 1}}}


def test_names_stand_in_the_order_in_which_they_first_appear() -> None:
    assert list(merged_attributes([{"b": 1}, {"a": 1, "b": 1}])) == ["b", "a"]


def test_no_part_has_no_attributes() -> None:
    assert merged_attributes([]) == {}


def test_real_parts_share_and_differ() -> None:
    common = attribute("owner", "string", "someone")
    header = parsed(
        multipart(
            [common, attribute("take", "int", 1)], [common, attribute("take", "int", 2), *_named("second")]
        )
    )
    merged = merged_attributes(report_header(header).attributes)
    assert merged["Copyright"] == "someone"
    assert merged["take"] == {"parts": {"0": 1, "1": 2}}


def _named(name: str) -> list[Attribute]:
    return [attribute("name", "string", name)]
