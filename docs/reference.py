"""The reference of the rule language and of the packs, and the JSON Schema of policy files."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from exr_inspector.policy import collections as _registered  # noqa: F401
from exr_inspector.policy.facts import COLLECTIONS, Collection, Field
from exr_inspector.policy.load import load_pack, pack_names
from exr_inspector.policy.model import Rule
from exr_inspector.policy.operators import NESTED, OPERATORS
from exr_inspector.policy.schema import PolicySource
from exr_inspector.policy.sequence_rules import SEQUENCE_OPERATORS
from exr_inspector.show import ShowSource

NOTE = "<!-- Generated from the code by `make docs`; edit the code or the packs. -->"

# --- the reference --------------------------------------------------------------------------------------


def rules() -> Iterator[str]:
    yield from ("# Rules and facts", "", NOTE, "")
    yield "[POLICIES.md](POLICIES.md) explains how to write a policy. This page lists the packs, the"
    yield "operators, and the facts that rules can look at. `exr-inspector explain RULE` prints one rule."
    for name in pack_names():
        yield from _pack(name)
    yield from _operators()
    yield from ("", "## Collections", "")
    yield "`given` names one of these. Each item also has a place, which a finding names."
    for collection in sorted(COLLECTIONS.values(), key=lambda each: each.name):
        yield from _collection(collection)


def _pack(name: str) -> Iterator[str]:
    policy = load_pack(name)
    yield from ("", f"## Pack `{name}`", "", f"{policy.title}. {policy.description}".strip(), "")
    own = [rule for rule in policy.rules if rule.origin == name]
    others: dict[str, int] = {}
    for rule in policy.rules:
        if rule.origin != name:
            others[rule.origin] = others.get(rule.origin, 0) + 1
    for origin, count in others.items():
        yield from (f"It inherits {count} rules from `{origin}`.", "")
    yield from (
        "| rule | severity | given | demand | why | what to do | sources |",
        "|---|---|---|---|---|---|---|",
    )
    yield from map(_rule, own)


def _rule(rule: Rule) -> str:
    cells = (
        f"`{rule.id}`",
        rule.severity,
        f"`{rule.given}`",
        rule.title,
        rule.why,
        rule.fix,
        "; ".join(rule.docs),
    )
    return "| " + " | ".join(each.replace("|", "\\|").replace("\n", " ") for each in cells) + " |"


def _operators() -> Iterator[str]:
    yield from ("", "## Operators", "", "| operator | operand | meaning |", "|---|---|---|")
    for name, operator in OPERATORS.items():
        yield f"| `{name}` | {operator.operand} | {operator.meaning} |"
    for name, (_, operand, meaning) in NESTED.items():
        yield f"| `{name}` | {operand} | {meaning} |"
    yield from (
        "",
        "Series of a sequence have these:",
        "",
        "| operator | operand | meaning |",
        "|---|---|---|",
    )
    for name, series in SEQUENCE_OPERATORS.items():
        yield f"| `{name}` | {series.operand} | {series.meaning} |"


def _collection(collection: Collection) -> Iterator[str]:
    yield from (
        "",
        f"### `{collection.name}`",
        "",
        collection.meaning,
        "",
        "| fact | type | meaning |",
        "|---|---|---|",
    )
    for name, field in collection.fields.items():
        yield f"| `{name}` | {field.kind} | {field.meaning} |"
    for prefix, field in collection.open_fields.items():
        yield f"| `{prefix}NAME` | {field.kind} | {field.meaning} |"


# --- the JSON Schema ------------------------------------------------------------------------------------

_SCALAR = {"type": ["string", "number", "boolean", "null"]}
_OPERANDS: dict[str, dict[str, Any]] = {
    "true or false": {"type": "boolean"},
    "true": {"const": True},
    "a value": _SCALAR,
    "a list": {"type": "array", "items": _SCALAR},
    "a regular expression": {"type": "string", "maxLength": 1000},
    "a glob, or a list of globs": {
        "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]
    },
    "a number": {"type": "number"},
    "two numbers": {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2},
    "a whole number": {"type": "integer", "minimum": 1},
    "`value` and `within`": {
        "type": "object",
        "required": ["value", "within"],
        "properties": {
            "value": {"anyOf": [{"type": "number"}, {"type": "array", "items": {"type": "number"}}]},
            "within": {"type": "number"},
        },
        "additionalProperties": False,
    },
    "a number, or a condition": {"anyOf": [{"type": "integer"}, {"$ref": "#/$defs/integer"}]},
    "a condition": {"$ref": "#/$defs/any"},
    "a field": {"type": "string"},
    "`field` and a condition": {"type": "object", "required": ["field"], "minProperties": 2},
    "true, or a number": {"anyOf": [{"const": True}, {"type": "number"}]},
}


def policy_schema() -> Iterator[str]:
    """Yield the lines of the JSON Schema of policy files, for editors."""
    schema = PolicySource.model_json_schema(by_alias=True)
    definitions = schema["$defs"]
    for kind in ("text", "integer", "number", "flag", "list", "any", "series"):
        definitions[kind] = _kind(kind)
        definitions[f"{kind}-fact"] = {"anyOf": [_SCALAR, {"$ref": f"#/$defs/{kind}"}]}
    for collection in COLLECTIONS.values():
        definitions[f"given-{collection.name}"] = _conditions(collection)
    rule = definitions["RuleSource"]
    rule["properties"]["given"]["enum"] = sorted(COLLECTIONS)
    rule["allOf"] = [_given(name) for name in sorted(COLLECTIONS)]
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:exr-inspector:policy:1",
        **schema,
        "title": "exr-inspector policy",
    }
    yield from json.dumps(schema, indent=1, ensure_ascii=False).splitlines()


def show_schema() -> Iterator[str]:
    """Yield the lines of the JSON Schema of the configuration of a show, for editors."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:exr-inspector:show:1",
        **ShowSource.model_json_schema(by_alias=True),
        "title": "exr-inspector.yaml",
    }
    yield from json.dumps(schema, indent=1, ensure_ascii=False).splitlines()


def _given(name: str) -> dict[str, Any]:
    condition = {"$ref": f"#/$defs/given-{name}"}
    return {
        "if": {"properties": {"given": {"const": name}}},
        "then": {"properties": {"assert": condition, "when": {"anyOf": [condition, {"type": "null"}]}}},
    }


def _kind(kind: str) -> dict[str, Any]:
    """Return the schema of the operators for one type of fields."""
    if kind == "series":
        operators = {name: (each.operand, each.meaning) for name, each in SEQUENCE_OPERATORS.items()}
    else:
        operators = {
            name: (operand, meaning)
            for name, (kinds, operand, meaning) in _all_operators().items()
            if kind in kinds
        }
    properties = {
        name: {"description": meaning, **_OPERANDS[operand]} for name, (operand, meaning) in operators.items()
    }
    return {"type": "object", "properties": properties, "additionalProperties": False, "minProperties": 1}


def _all_operators() -> Mapping[str, tuple[tuple[str, ...], str, str]]:
    plain = {name: (each.kinds, each.operand, each.meaning) for name, each in OPERATORS.items()}
    return {**plain, **NESTED}


def _conditions(collection: Collection) -> dict[str, Any]:
    own = {"$ref": f"#/$defs/given-{collection.name}"}
    listed = {"type": "array", "items": own, "minItems": 1}
    return {
        "description": collection.meaning,
        "type": "object",
        "properties": {
            "all": {"description": "All of these hold.", **listed},
            "any": {"description": "One of these holds.", **listed},
            "not": {"description": "This does not hold.", **own},
            **{name: _field(field) for name, field in collection.fields.items()},
        },
        "patternProperties": {
            f"^{re.escape(prefix)}.": _field(field) for prefix, field in collection.open_fields.items()
        },
        "additionalProperties": False,
        "minProperties": 1,
    }


def _field(field: Field) -> dict[str, Any]:
    name = field.kind if field.kind == "series" else f"{field.kind}-fact"
    return {"description": field.meaning, "$ref": f"#/$defs/{name}"}
