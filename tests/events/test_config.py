from __future__ import annotations

from typing import Any

import pytest

from exr_inspector.events.request import Config, parse_config

FLAGS = ("meta", "stats", "deep_stats", "validate")
YES = [True, 1, 1.0, "1", "true", "TRUE", "yes", "Yes", "y", "on", "ON", " on "]
NO = [False, 0, 0.0, "0", "false", "no", "N", "off"]
NEITHER = [2, -1, 0.5, float("nan"), "", "maybe", "truth", [], [True], {}, {"a": 1}, "1.0"]


def test_nothing_said_is_every_default() -> None:
    assert parse_config({}) == (Config(), ())


def test_by_default_only_the_header_is_inspected() -> None:
    config = Config()
    assert (config.meta, config.deep_stats, config.validate) == (True, False, False)
    assert (config.stats, config.cryptomatte, config.policy_path) == (None, None, None)
    assert (config.schema_version, config.stats_mode("none")) == (1, "none")


@pytest.mark.parametrize(
    ("config", "setting", "mode"),
    [
        (Config(), "full", "full"),
        (Config(stats=False), "full", "none"),
        (Config(stats=True), "none", "sampled"),
        (Config(deep_stats=True), "none", "sampled"),
        (Config(stats=False, deep_stats=True), "full", "full"),
        (Config(stats=True), "full", "full"),
        (Config(stats="full"), "none", "full"),
        (Config(stats="none", deep_stats=True), "full", "none"),
    ],
)
def test_a_request_for_statistics_takes_the_mode_of_the_settings_or_a_sample(
    config: Config, setting: str, mode: str
) -> None:
    assert config.stats_mode(setting) == mode


@pytest.mark.parametrize("flag", FLAGS)
@pytest.mark.parametrize(("values", "meaning"), [(YES, True), (NO, False)])
def test_a_flag_has_many_spellings(flag: str, values: list[Any], meaning: bool) -> None:
    parsed = [parse_config({flag: value}) for value in values]
    assert [getattr(config, flag) for config, _ in parsed] == [meaning] * len(values)
    assert not any(errors for _, errors in parsed)


@pytest.mark.parametrize("flag", FLAGS)
@pytest.mark.parametrize("value", NEITHER)
def test_another_value_of_a_flag_is_coded_by_name_and_has_its_default(flag: str, value: Any) -> None:
    config, (error,) = parse_config({flag: value})
    assert (config, error.code, error.where) == (Config(), "BAD_CONFIG", flag)


def test_every_wrong_value_is_coded_and_the_right_ones_count() -> None:
    config, errors = parse_config({"stats": "maybe", "validate": "yes", "schema_version": 2})
    assert config == Config(validate=True)
    assert [error.where for error in errors] == ["stats", "schema_version"]


@pytest.mark.parametrize("name", [*FLAGS, "cryptomatte", "policy_path", "schema_version"])
def test_null_is_the_default(name: str) -> None:
    assert parse_config({name: None}) == (Config(), ())


@pytest.mark.parametrize("value", ["none", "objects", "Coverage "])
def test_the_mode_of_cryptomattes_is_a_word(value: str) -> None:
    assert parse_config({"cryptomatte": value}) == (Config(cryptomatte=value.strip().lower()), ())  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [True, 1, "", "all", ["objects"], {}])
def test_any_other_mode_of_cryptomattes_is_a_fault(value: Any) -> None:
    assert _codes({"cryptomatte": value}) == ["BAD_CONFIG"]


@pytest.mark.parametrize("value", [True, 0, 2, "2", "v1", [1]])
def test_schema_version_one_is_the_only_one(value: Any) -> None:
    for one in (1, "1"):
        assert parse_config({"schema_version": one}) == (Config(), ())
    assert _codes({"schema_version": value}) == ["BAD_CONFIG"]


def test_an_empty_policy_path_is_none() -> None:
    assert parse_config({"policy_path": ""}) == (Config(), ())


@pytest.mark.parametrize("value", [7, True, ["p.json"], "p\0.json"])
def test_a_policy_path_must_be_a_path(value: Any) -> None:
    assert _codes({"policy_path": value}) == ["BAD_CONFIG"]


def test_a_deeply_nested_value_is_coded_like_any_other() -> None:
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    assert _codes({"stats": value}) == ["BAD_CONFIG"]


@pytest.mark.parametrize("flag", FLAGS)
def test_the_original_names_of_the_flags_are_accepted(flag: str) -> None:
    default: bool = getattr(Config(), flag)
    changed = parse_config({flag: not default})
    assert parse_config({f"enable_{flag}": not default}) == changed
    assert parse_config({f"enable_{flag}": default, flag: not default}) == changed
    assert parse_config({flag: not default, f"enable_{flag}": default}) == changed
    assert _codes({f"enable_{flag}": "maybe"}) == ["BAD_CONFIG"]


@pytest.mark.parametrize("key", ["enable_stat", "deepstats", "enable-stats", "schema_versoin", "validates"])
def test_an_unknown_key_that_resembles_a_known_one_is_reported(key: str) -> None:
    config, (error,) = parse_config({key: True})
    assert (config, error.code) == (Config(), "BAD_CONFIG")
    assert f"unknown key '{key}'; did you mean " in error.message


def test_keys_that_are_no_configuration_are_left_alone() -> None:
    payload = {"path": "a.exr", "colour": "blue", "status": "new", "metadata": {}, "version": 3}
    assert parse_config(payload) == (Config(), ())


def _codes(payload: dict[str, Any]) -> list[str]:
    _, errors = parse_config(payload)
    return [error.code for error in errors]
