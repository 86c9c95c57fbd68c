"""The operators of conditions: each makes a test of a known value from its operand."""

from __future__ import annotations

import re
from collections.abc import Callable
from math import inf
from typing import Any, NamedTuple

import re2

from exr_inspector.policy.evidence import Answer, Bounds

MAX_PATTERN = 1000
"""Characters of a pattern."""
MAX_TEXT = 65_536
"""Characters of a text that a pattern is matched against; of a longer text the answer is unknown."""
MAX_PROGRAM = 1 << 20
"""Bytes that a compiled pattern may take."""


class OperandError(ValueError):
    """An operand that an operator cannot use; the text begins with `must`."""


Test = Callable[[Any], Answer]
"""A test of a known value. None, for an absent fact, is one."""


class Operator(NamedTuple):
    """`kinds` are the fields that it applies to, `operand` describes its operand for people.

    `interval` gives the bounds that the number must lie in, and whether they are excluded, for numbers of
    which only bounds are known.
    """

    kinds: tuple[str, ...]
    operand: str
    meaning: str
    make: Callable[[Any], Test]
    interval: Callable[[Any], tuple[float, float, bool]] | None = None


_NUMBER: frozenset[Any] = frozenset({int, float})


def is_number(value: Any) -> bool:
    """Return whether a value is a number; true and false are none."""
    return value.__class__ in _NUMBER


def _number(operand: Any) -> float:
    if not is_number(operand):
        raise OperandError("must be a number")
    return operand  # type: ignore[no-any-return]


def _pair(operand: Any) -> tuple[float, float]:
    if not (isinstance(operand, list) and len(operand) == 2 and all(map(is_number, operand))):
        raise OperandError("must be a list of two numbers")
    return operand[0], operand[1]


def _list(operand: Any) -> list[Any]:
    if not isinstance(operand, list) or any(isinstance(each, (dict, list)) for each in operand):
        raise OperandError("must be a list of texts, numbers or flags")
    return operand


def must_be_true(operand: Any) -> None:
    """Raise OperandError for an operand other than true."""
    if operand is not True:
        raise OperandError("must be true")


def plain_equal(value: Any, operand: Any) -> bool:
    """Compare as JSON does: true is not 1."""
    return bool(value == operand) and (value.__class__ is bool) == (operand.__class__ is bool)


# --- any value ------------------------------------------------------------------------------------------


def _equals(operand: Any) -> Test:
    if isinstance(operand, str):
        return lambda value: value == operand
    return lambda value: plain_equal(value, operand)


def _not_equals(operand: Any) -> Test:
    return lambda value: not plain_equal(value, operand)


def _exists(operand: Any) -> Test:
    if not isinstance(operand, bool):
        raise OperandError("must be true or false")
    return lambda value: (value is not None) is operand


def _one_of(operand: Any) -> Test:
    wanted = _list(operand)
    texts = frozenset(each for each in wanted if isinstance(each, str))
    others = [each for each in wanted if not isinstance(each, str)]
    return lambda value: (
        value in texts if isinstance(value, str) else any(plain_equal(value, each) for each in others)
    )


def _none_of(operand: Any) -> Test:
    test = _one_of(operand)
    return lambda value: not test(value)


# --- text -----------------------------------------------------------------------------------------------


# Matches no character.
_NOTHING = r"[^\x00-\x{10FFFF}]"


def compile_pattern(pattern: str) -> Callable[[str], bool]:
    """Return a test of whole texts by a regular expression of RE2. Raises OperandError."""
    if not isinstance(pattern, str) or len(pattern) > MAX_PATTERN:
        raise OperandError(f"must be a regular expression of at most {MAX_PATTERN} characters")
    options = re2.Options()
    options.max_mem = MAX_PROGRAM
    options.log_errors = False
    try:
        matches = re2.compile(pattern, options).fullmatch
    except re2.error as error:
        detail = error.args[0] if error.args else ""
        text = detail.decode("utf-8", "replace") if isinstance(detail, bytes) else str(detail)
        raise OperandError(f"must be a regular expression of RE2: {text}") from None
    return lambda text: matches(text) is not None


def compile_glob(patterns: Any) -> Callable[[str], bool]:
    """Return a test of whole texts by a glob, or by any of several. Raises OperandError.

    `*` stands for any characters, `?` for one, `[abc]` for one of those, `[!abc]` for one that is none.
    """
    listed = patterns if isinstance(patterns, list) else [patterns]
    if not listed or not all(isinstance(each, str) for each in listed):
        raise OperandError("must be a glob, or a list of globs")
    if len(listed) == 1 and not set("*?[") & set(listed[0]):
        literal = listed[0]
        return lambda text: text == literal
    return compile_pattern("|".join(f"(?:{glob_to_re2(each)})" for each in listed))


def glob_to_re2(glob: str) -> str:
    """Return a glob, as fnmatch has it, as a regular expression."""
    pieces = re.findall(r"\[(?:!.|[^!])[^\]]*\]|.", glob, re.DOTALL)
    return "(?s:" + "".join(map(_translate, pieces)) + ")"


def _translate(piece: str) -> str:
    if piece in ("*", "?"):
        return {"*": ".*", "?": "."}[piece]
    if len(piece) > 1:
        is_negated = piece[1] == "!"
        found = re.findall(r"(.)-(.)|(.)", piece[1 + is_negated : -1], re.DOTALL)
        # A range that falls has no member.
        members = [(first or one, last or one) for first, last, one in found if first <= last]
        ranges = "".join(f"{re.escape(first)}-{re.escape(last)}" for first, last in members)
        return f"[{'^' * is_negated}{ranges}]" if ranges else "." if is_negated else _NOTHING
    return re.escape(piece)


def _unlike(matches: Callable[[str], bool]) -> Callable[[str], bool]:
    return lambda text: not matches(text)


def _on_text(matches: Callable[[str], bool]) -> Test:
    def test(value: Any) -> Answer:
        if not isinstance(value, str):
            return False
        return matches(value) if len(value) <= MAX_TEXT else None

    return test


# --- numbers --------------------------------------------------------------------------------------------


def _at_least(operand: Any) -> Test:
    limit = _number(operand)
    return lambda value: value.__class__ in _NUMBER and value >= limit


def _at_most(operand: Any) -> Test:
    limit = _number(operand)
    return lambda value: value.__class__ in _NUMBER and value <= limit


def _more_than(operand: Any) -> Test:
    limit = _number(operand)
    return lambda value: value.__class__ in _NUMBER and value > limit


def _less_than(operand: Any) -> Test:
    limit = _number(operand)
    return lambda value: value.__class__ in _NUMBER and value < limit


def _between(operand: Any) -> Test:
    low, high = _pair(operand)
    return lambda value: value.__class__ in _NUMBER and low <= value <= high


def _multiple_of(operand: Any) -> Test:
    if not isinstance(operand, int) or isinstance(operand, bool) or operand < 1:
        raise OperandError("must be a whole number of at least 1")
    return lambda value: isinstance(value, int) and value % operand == 0


def _near(operand: Any) -> Test:
    if not isinstance(operand, dict) or set(operand) != {"value", "within"}:
        raise OperandError("must have `value` and `within`")
    within, wanted = _number(operand["within"]), operand["value"]
    numbers: list[Any] = wanted if isinstance(wanted, list) else [wanted]
    if not all(map(is_number, numbers)):
        raise OperandError("must have a number, or a list of numbers, as `value`")

    def test(value: Any) -> bool:
        if isinstance(value, list) is not isinstance(wanted, list):
            return False
        found = value if isinstance(value, list) else [value]
        return len(found) == len(numbers) and all(
            is_number(each) and abs(each - number) <= within
            for each, number in zip(found, numbers, strict=True)
        )

    return test


# --- lists ----------------------------------------------------------------------------------------------


def _contains(operand: Any) -> Test:
    if not isinstance(operand, (str, int, float)):
        raise OperandError("must be a text, number or flag")
    return lambda value: isinstance(value, (list, str)) and operand in value


def _contains_all(operand: Any) -> Test:
    wanted = _list(operand)
    return lambda value: isinstance(value, list) and all(each in value for each in wanted)


def _contains_none(operand: Any) -> Test:
    refused = _list(operand)
    return lambda value: not isinstance(value, list) or not any(each in value for each in refused)


def _only(operand: Any) -> Test:
    allowed = _list(operand)
    return lambda value: isinstance(value, list) and all(each in allowed for each in value)


def _set_equals(operand: Any) -> Test:
    contains_all, only = _contains_all(operand), _only(operand)
    return lambda value: bool(contains_all(value) and only(value))


def _unique(operand: Any) -> Test:
    must_be_true(operand)
    return lambda value: not isinstance(value, list) or len(set(map(repr, value))) == len(value)


def _at(low: float, high: float, *, is_open: bool = False) -> tuple[float, float, bool]:
    return low, high, is_open


_ANY = ("text", "integer", "number", "flag", "list", "any")
_TEXT = ("text", "any")
_NUMBERS = ("integer", "number", "any")
_LIST = ("list", "any")

OPERATORS: dict[str, Operator] = {
    "exists": Operator(_ANY, "true or false", "The file has the fact (true) or lacks it (false).", _exists),
    "equals": Operator(
        _ANY,
        "a value",
        "The value is this one. `field: value` is short for it.",
        _equals,
        lambda value: _at(value, value),
    ),
    "not_equals": Operator(_ANY, "a value", "The value is not this one.", _not_equals),
    "one_of": Operator(_ANY, "a list", "The value is one of these.", _one_of),
    "none_of": Operator(_ANY, "a list", "The value is none of these.", _none_of),
    "matches": Operator(
        _TEXT,
        "a regular expression",
        "The whole text matches the regular expression (RE2).",
        lambda operand: _on_text(compile_pattern(operand)),
    ),
    "glob": Operator(
        _TEXT,
        "a glob, or a list of globs",
        "The whole text matches the glob, or one of them.",
        lambda operand: _on_text(compile_glob(operand)),
    ),
    "not_glob": Operator(
        _TEXT,
        "a glob, or a list of globs",
        "The whole text matches no glob.",
        lambda operand: _on_text(_unlike(compile_glob(operand))),
    ),
    "at_least": Operator(
        _NUMBERS, "a number", "The number is not smaller.", _at_least, lambda value: _at(value, inf)
    ),
    "at_most": Operator(
        _NUMBERS, "a number", "The number is not larger.", _at_most, lambda value: _at(-inf, value)
    ),
    "more_than": Operator(
        _NUMBERS,
        "a number",
        "The number is larger.",
        _more_than,
        lambda value: _at(value, inf, is_open=True),
    ),
    "less_than": Operator(
        _NUMBERS,
        "a number",
        "The number is smaller.",
        _less_than,
        lambda value: _at(-inf, value, is_open=True),
    ),
    "between": Operator(
        _NUMBERS,
        "two numbers",
        "The number is not smaller than the first and not larger than the second.",
        _between,
        lambda pair: _at(*pair),
    ),
    "near": Operator(
        ("integer", "number", "list", "any"),
        "`value` and `within`",
        "The number differs from `value` by at most `within`; in a list, each number does.",
        _near,
    ),
    "multiple_of": Operator(("integer", "any"), "a whole number", "The number is a multiple.", _multiple_of),
    "contains": Operator(
        ("text", "list", "any"), "a value", "The list has this value, or the text this part.", _contains
    ),
    "contains_all": Operator(_LIST, "a list", "The list has all of these values.", _contains_all),
    "contains_none": Operator(_LIST, "a list", "The list has none of these values.", _contains_none),
    "only": Operator(_LIST, "a list", "The list has no other values than these.", _only),
    "set_equals": Operator(_LIST, "a list", "The list has exactly these values, in any order.", _set_equals),
    "unique": Operator(_LIST, "true", "The list has no duplicates.", _unique),
}
"""Operators with a constant operand. `compile` adds those with a nested condition or with another field."""


def bounded(operator: Operator, operand: Any) -> Callable[[Bounds], Answer]:
    """Return the test of a number with known bounds only."""
    if operator.interval is None or not isinstance(operand, (int, float, list)):
        return lambda _: None
    low, high, is_open = operator.interval(operand)
    return lambda bounds: bounds.within(low, high, is_open=is_open)


NESTED = {
    "length": (("text", "list", "any"), "a number, or a condition", "The number of characters or items."),
    "each": (_LIST, "a condition", "Every item of the list meets the condition."),
    "same_as": (_ANY, "a field", "The value is that of another field."),
    "ratio_to": (
        _NUMBERS,
        "`field` and a condition",
        "The number divided by that of another field meets the condition.",
    ),
}
"""Operators with a nested condition or another field: their kinds, operands and meanings."""
