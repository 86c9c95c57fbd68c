from __future__ import annotations

from typing import Any

import pytest

from exr_inspector.errors import InspectorError
from exr_inspector.events.request import Config, parse_config

FLAGS = ("meta", "stats", "deep_stats", "validate")
YES = [True, 1, 1.0, "1", "true", "TRUE", "yes", "Yes", "y", "on", "ON", " on "]
NO = [False, 0, 0.0, "0", "false", "no", "N", "off"]
NEITHER = [2, -1, 0.5, float("nan"), "", "maybe", "truth", [], [True], {}, {"a": 1}, "1.0"]


def test_nothing_said_is_every_default() -> None:
    assert parse_config({}) == Config()


@pytest.mark.parametrize("flag", FLAGS)
@pytest.mark.parametrize(("values", "meaning"), [(YES, True), (NO, False)])
def test_a_flag_has_many_spellings(flag: str, values: list[Any], meaning: bool) -> None:
    assert [getattr(parse_config({flag: value}), flag) for value in values] == [meaning] * len(values)


@pytest.mark.parametrize("flag", FLAGS)
@pytest.mark.parametrize("value", NEITHER)
def test_another_value_of_a_flag_is_refused_by_name(flag: str, value: Any) -> None:
    with pytest.raises(InspectorError) as refusal:
        parse_config({flag: value})
    assert (refusal.value.code, refusal.value.where) == ("BAD_CONFIG", flag)


@pytest.mark.parametrize("name", [*FLAGS, "policy_path", "schema_version"])
def test_null_is_the_default(name: str) -> None:
    assert parse_config({name: None}) == Config()


@pytest.mark.parametrize("value", [True, 0, 2, "2", "v1", [1]])
def test_schema_version_one_is_the_only_one(value: Any) -> None:
    assert parse_config({"schema_version": 1}) == parse_config({"schema_version": "1"}) == Config()
    with pytest.raises(InspectorError, match="BAD_CONFIG"):
        parse_config({"schema_version": value})


def test_an_empty_policy_path_is_none() -> None:
    assert parse_config({"policy_path": ""}).policy_path is None


@pytest.mark.parametrize("value", [7, True, ["p.json"], "p\0.json"])
def test_a_policy_path_must_be_a_path(value: Any) -> None:
    with pytest.raises(InspectorError, match="BAD_CONFIG"):
        parse_config({"policy_path": value})


def test_a_deeply_nested_value_is_refused_like_any_other() -> None:
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(InspectorError, match="BAD_CONFIG"):
        parse_config({"stats": value})


def test_keys_that_are_no_configuration_are_left_alone() -> None:
    assert parse_config({"path": "a.exr", "colour": "blue"}) == Config()
