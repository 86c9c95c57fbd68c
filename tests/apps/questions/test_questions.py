"""Questions: what their files state, and what becomes of the values of parameters."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

from exr_inspector.apps.questions.load import names, nearest, question, questions
from exr_inspector.apps.questions.question import path_pattern
from exr_inspector.errors import InspectorError

INJECTION = "x' OR 1 = 1; DROP TABLE files --"


def test_every_file_with_sql_is_a_question_and_has_a_place() -> None:
    stems = {each.name.split(".")[0] for each in (files("exr_inspector.apps.questions") / "sql").iterdir()}
    assert stems == set(names())
    assert len(names()) == len(set(names()))


def test_every_question_has_a_title_prose_and_a_path() -> None:
    for each in questions():
        assert each.title.endswith("?")
        assert each.description
        assert "path" in {parameter.name for parameter in each.parameters}


def test_every_placeholder_is_a_parameter_and_every_parameter_is_used() -> None:
    for each in questions():
        stated = {parameter.name for parameter in each.parameters} - {"path"}
        for sql in (each.sql, each.trino):
            assert set(re.findall(r"\$([a-z]\w*)", sql)) - {"path"} == stated, each.name


def test_no_value_becomes_part_of_the_sql() -> None:
    for each in questions():
        texts = [it.name for it in each.parameters if it.kind in ("text", "path")]
        sql, values = each.bind(dict.fromkeys(texts, INJECTION))
        assert INJECTION not in sql
        assert any(INJECTION in str(value) for value in values.values())


def test_a_value_that_is_shown_in_sql_is_one_literal() -> None:
    sql = question("header-text").text({"text": INJECTION})
    assert "lower('x'' OR 1 = 1; DROP TABLE files --')" in sql


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("lens", {"millimeters": "wide"}, "'wide' is not a number"),
        ("lens", {"millimeters": "nan"}, "'nan' is not a number"),
        ("fireflies", {"limit": "0"}, "'0' is not a whole number from 1"),
        ("fireflies", {"limit": "2.5"}, "'2.5' is not a whole number from 1"),
        ("lens", {"length": "35"}, "there is no parameter length"),
        ("header-text", {}, "text needs a value"),
    ],
)
def test_a_wrong_value_is_a_coded_fault(name: str, values: dict[str, object], message: str) -> None:
    with pytest.raises(InspectorError, match="BAD_QUERY") as raised:
        question(name).bind(values)
    assert raised.value.message == message


@pytest.mark.parametrize(
    ("typed", "pattern"),
    [
        ("sh020/%", "%/sh020/%"),
        ("sh020", "%/sh020/%"),
        ("./sh020/", "%/sh020/%"),
        ("/mnt/shows/hill", "/mnt/shows/hill/%"),
        ("s3://studio/shows", "s3://studio/shows/%"),
        ("%dragon%", "%dragon%"),
        ("beauty.1001.exr", "%/beauty.1001.exr"),
        ("beauty.#.exr", "%/beauty.%.exr"),
        ("beauty.%04d.exr", "%/beauty.%.exr"),
        ("sh*/beauty.@@@@.exr", "%/sh%/beauty.%.exr"),
    ],
)
def test_a_path_is_a_folder_a_file_a_sequence_or_a_pattern(typed: str, pattern: str) -> None:
    assert path_pattern(typed) == pattern


def test_a_path_with_frames_is_refused() -> None:
    with pytest.raises(InspectorError, match=r"name the sequence without frames: beauty\.#\.exr"):
        path_pattern("beauty.1001-1010#.exr")


def test_an_unknown_name_suggests_others() -> None:
    assert nearest("missing_frame")[0] == "missing-frames"
    assert nearest("nan") == ["nan-frames"]
    with pytest.raises(InspectorError, match="there is no question 'mising-frames'; is it missing-frames"):
        question("mising-frames")
