"""Conditions as closures, compiled once per policy. No text of a policy is ever evaluated as code.

A condition is a mapping, all of whose entries must hold: `all`, `any` or `not` with nested conditions, or a
field with a value or with a mapping of operators.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from operator import itemgetter
from typing import Any

from exr_inspector.policy.evidence import UNCERTAIN, Answer, Missing
from exr_inspector.policy.facts import Collection, Field, Kind
from exr_inspector.policy.model import Check, Condition, Item, Leaf
from exr_inspector.policy.operators import NESTED, OPERATORS, OperandError, Test, bounded, is_number
from exr_inspector.policy.schema import FormError

MAX_DEPTH = 8
"""Nested conditions."""

_SIZED: frozenset[Any] = frozenset({list, str})

Path = tuple[str | int, ...]
Get = Callable[[Item], Any]


def compile_condition(source: Any, collection: Collection, path: Path, depth: int = 0) -> Condition:
    """Return the compiled form of a condition on items of a collection. Raises FormError."""
    if depth > MAX_DEPTH:
        raise FormError(path, f"conditions are nested more than {MAX_DEPTH} deep")
    if not isinstance(source, dict) or not source:
        raise FormError(path, "must be a mapping of fields to values or operators")
    parts = [_entry(key, value, collection, (*path, key), depth) for key, value in source.items()]
    return Condition(
        conjunction([each.check for each in parts]), tuple(leaf for each in parts for leaf in each.leaves)
    )


def _entry(key: str, value: Any, collection: Collection, path: Path, depth: int) -> Condition:
    if key == "not":
        inner = compile_condition(value, collection, path, depth + 1)
        fields = tuple(dict.fromkeys(field for leaf in inner.leaves for field in leaf.fields))
        check = negation(inner.check)
        gets = tuple(getter(field, collection) for field in fields)
        return Condition(check, (Leaf(fields, gets, check, {"not": value}),))
    if key in ("all", "any"):
        if not isinstance(value, list) or not value:
            raise FormError(path, "must be a list of conditions")
        inners = [
            compile_condition(each, collection, (*path, index), depth + 1) for index, each in enumerate(value)
        ]
        join = conjunction if key == "all" else disjunction
        leaves = tuple(leaf for each in inners for leaf in each.leaves)
        return Condition(join([each.check for each in inners]), leaves)
    field = find_field(key, collection, path)
    operators = value if isinstance(value, dict) else {"equals": value}
    if not operators:
        raise FormError(path, "must have an operator")
    leaves = tuple(
        _leaf(key, field, name, operand, collection, (*path, name) if isinstance(value, dict) else path)
        for name, operand in operators.items()
    )
    return Condition(conjunction([leaf.check for leaf in leaves]), leaves)


def find_field(name: str, collection: Collection, path: Path) -> Field:
    """Return a field of a collection, or an open one such as `attributes.owner`. Raises FormError."""
    if name in collection.fields:
        return collection.fields[name]
    for prefix, field in collection.open_fields.items():
        if name.startswith(prefix) and name != prefix:
            return field
    close = get_close_matches(str(name), [*collection.fields, "all", "any", "not"], 1)
    hint = f"; did you mean {close[0]}?" if close else ""
    raise FormError(path, f"{collection.name} has no field {str(name)!r}{hint}")


def getter(name: str, collection: Collection) -> Get:
    """Return the function that takes a field from an item."""
    if name in collection.fields:
        return itemgetter(name)
    prefix = next(each for each in collection.open_fields if name.startswith(each))
    holder, key = prefix.rstrip("."), name[len(prefix) :]

    def get(item: Item) -> Any:
        held = item[holder]
        return held.get(key) if isinstance(held, Mapping) else held

    return get


def _leaf(  # noqa: PLR0913, PLR0917 - what a comparison consists of
    name: str, field: Field, operator: str, operand: Any, collection: Collection, path: Path
) -> Leaf:
    kinds = _kinds(operator, path)
    if field.kind not in kinds:
        raise FormError(path, f"{operator} is for {' and '.join(kinds)}; {name} is {field.kind}")
    get = getter(name, collection)
    if operator in ("same_as", "ratio_to"):
        return _relation(name, operator, operand, collection, path)
    test, uncertain = value_test(operator, operand, path)
    expected = operand if operator == "equals" else {operator: operand}

    def check(item: Item) -> Answer:
        value = get(item)
        if value.__class__ in UNCERTAIN:
            return None if value.__class__ is Missing else uncertain(value)
        return test(value)

    return Leaf((name,), (get,), check, expected)


def _kinds(operator: str, path: Path) -> Sequence[str]:
    if operator in OPERATORS:
        return OPERATORS[operator].kinds
    if operator in NESTED:
        return NESTED[operator][0]
    close = get_close_matches(str(operator), [*OPERATORS, *NESTED], 1)
    hint = f"; did you mean {close[0]}?" if close else ""
    raise FormError(path, f"there is no operator {str(operator)!r}{hint}")


def value_test(operator: str, operand: Any, path: Path) -> tuple[Test, Callable[[Any], Answer]]:
    """Return the tests of a known value and of a value with known bounds only. Raises FormError."""
    if operator == "length":
        size = _tests(operand if isinstance(operand, dict) else {"between": [operand] * 2}, path, "integer")
        return lambda value: value.__class__ in _SIZED and size(len(value)), lambda _: None
    if operator == "each":
        each = _tests(operand, path, "any")
        return lambda value: isinstance(value, list) and conjunction_of(map(each, value)), lambda _: None
    try:
        return OPERATORS[operator].make(operand), bounded(OPERATORS[operator], operand)
    except OperandError as error:
        raise FormError(path, f"{operator} {error}") from None


def _tests(operators: Any, path: Path, kind: Kind) -> Test:
    """Return the test of one value of a kind by a mapping of operators."""
    if not isinstance(operators, dict) or not operators:
        raise FormError(path, "must be a mapping of operators")
    tests = []
    for name, operand in operators.items():
        at = (*path, name)
        if kind not in _kinds(name, at) or (name in NESTED and name != "length"):
            raise FormError(at, f"{name} is not possible here")
        tests.append(value_test(name, operand, at)[0])
    if len(tests) == 1:
        return tests[0]
    return lambda value: conjunction_of(test(value) for test in tests)


def _relation(name: str, operator: str, operand: Any, collection: Collection, path: Path) -> Leaf:
    """Return the comparison of two fields of one item."""
    if operator == "same_as":
        other, test = operand, None
    else:
        if not isinstance(operand, dict) or "field" not in operand:
            raise FormError(path, "must have `field` and an operator")
        other = operand["field"]
        test = _tests({key: value for key, value in operand.items() if key != "field"}, path, "number")
    if not isinstance(other, str):
        raise FormError(path, "must name a field")
    find_field(other, collection, path)
    get, get_other = getter(name, collection), getter(other, collection)

    def check(item: Item) -> Answer:
        value, compared = get(item), get_other(item)
        if value.__class__ in UNCERTAIN or compared.__class__ in UNCERTAIN:
            return None
        if test is None:
            return bool(value == compared)
        return bool(is_number(value) and is_number(compared) and compared) and test(value / compared)

    return Leaf((name, other), (get, get_other), check, {operator: operand})


# --- three-valued logic ---------------------------------------------------------------------------------


def conjunction_of(answers: Iterator[Answer]) -> Answer:
    """Return whether all answers are true: False if one is false, otherwise None if one is unknown."""
    result: Answer = True
    for each in answers:
        if each is False:
            return False
        if each is None:
            result = None
    return result


def conjunction(checks: Sequence[Check]) -> Check:
    """Return the check that all of these hold."""
    if len(checks) == 1:
        return checks[0]

    def check(item: Item) -> Answer:
        result: Answer = True
        for each in checks:
            answer = each(item)
            if answer is False:
                return False
            if answer is None:
                result = None
        return result

    return check


def disjunction(checks: Sequence[Check]) -> Check:
    """Return the check that one of these holds."""
    return negation(conjunction([negation(each) for each in checks]))


def negation(check: Check) -> Check:
    """Return the check that this one does not hold."""

    def negated(item: Item) -> Answer:
        answer = check(item)
        return None if answer is None else not answer

    return negated


# --- messages -------------------------------------------------------------------------------------------

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_FILLED = ("observed", "expected", "difference", "place")


def compile_message(text: str, collection: Collection, path: Path) -> Callable[[Mapping[str, Any]], str]:
    """Return the function that fills in the fields `{name}` of a message. Raises FormError."""
    pieces = _PLACEHOLDER.split(text)
    for name in pieces[1::2]:
        if name not in _FILLED:
            find_field(name, collection, path)
    if len(pieces) == 1:
        return lambda _: text
    gets = [None if name in _FILLED else getter(name, collection) for name in pieces[1::2]]

    def fill(values: Mapping[str, Any]) -> str:
        filled = list(pieces)
        for index, get in enumerate(gets):
            value = get(values) if get else values[pieces[2 * index + 1]]
            filled[2 * index + 1] = in_words(value)
        return "".join(filled)

    return fill


def in_words(value: Any) -> str:
    """Return a value as it stands in a message, at most 200 characters."""
    if value is None:
        return "absent"
    if isinstance(value, Missing):
        return "unknown"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        text = ", ".join(map(in_words, value)) if value else "none"
    elif isinstance(value, dict):
        text = "; ".join(f"{key.replace('_', ' ')} {in_words(each)}" for key, each in value.items())
    elif hasattr(value, "low"):
        text = f"{value.low} to {value.high}"
    else:
        text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return text if len(text) <= 200 else text[:199] + "…"
