"""The JSON Schema of policy files agrees with the loader."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from exr_inspector.errors import InspectorError
from exr_inspector.policy.load import load_policy, pack_names
from exr_inspector.policy.yaml_text import parse_yaml

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "policy.schema.json").read_text("utf-8"))
VALIDATOR = Draft202012Validator(SCHEMA)


def rule(**changes: Any) -> dict[str, Any]:
    usual = {"id": "R-1", "title": "One", "given": "parts", "assert": {"compression": "zip"}}
    return {"policy": "studio", "rules": [{**usual, **changes}]}


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("name", pack_names())
def test_every_pack_follows_the_schema(name: str) -> None:
    raw = (resources.files("exr_inspector.policy.packs") / f"{name}.yaml").read_bytes()
    assert [each.message for each in VALIDATOR.iter_errors(parse_yaml(raw).value)] == []


WRONG: dict[str, dict[str, Any]] = {
    "no id": {"title": "One"},
    "an unknown field": {"policy": "studio", "rule": []},
    "an unknown severity": rule(severity="fatal"),
    "an unknown collection": rule(given="partz"),
    "an unknown fact": rule(**{"assert": {"compress": "zip"}}),
    "a fact of another collection": rule(given="file"),
    "an unknown operator": rule(**{"assert": {"compression": {"is": "zip"}}}),
    "an operator for another type": rule(**{"assert": {"compression": {"at_least": 3}}}),
    "an operand of another type": rule(**{"assert": {"width": {"at_least": "3"}}}),
    "an empty condition": rule(**{"assert": {}}),
    "an unknown fact in when": rule(when={"any": [{"compress": "zip"}]}),
    "a value for a series": rule(given="sequence", **{"assert": {"compression": "zip"}}),
    "an operator of files for a series": rule(
        given="sequence", **{"assert": {"compression": {"one_of": ["zip"]}}}
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_the_loader_refuses_the_schema_refuses_too(what: str) -> None:
    with pytest.raises(InspectorError, match="BAD_POLICY"):
        load_policy(json.dumps(WRONG[what]).encode(), "studio.yaml")
    assert list(VALIDATOR.iter_errors(WRONG[what]))


RIGHT: dict[str, dict[str, Any]] = {
    "an attribute": rule(**{"assert": {"attributes.a/b:c.d": {"exists": True}}}),
    "nested conditions": rule(
        when={"not": {"any": [{"width": 1}, {"all": [{"height": {"between": [1, 2]}}]}]}}
    ),
    "a relation": rule(**{"assert": {"width": {"ratio_to": {"field": "height", "at_most": 2}}}}),
    "a list": rule(**{"assert": {"channels": {"each": {"length": {"at_most": 31}}}}}),
    "a series": rule(given="sequence", **{"assert": {"compression": {"all_same": True}, "frame_count": 3}}),
}


@pytest.mark.parametrize("what", RIGHT)
def test_what_the_loader_takes_the_schema_takes_too(what: str) -> None:
    load_policy(json.dumps(RIGHT[what]).encode(), "studio.yaml")
    assert [each.message for each in VALIDATOR.iter_errors(RIGHT[what])] == []
