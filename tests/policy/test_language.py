"""What conditions mean: operators, three-valued logic, messages, and evidence that is missing."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from exr_inspector.policy import collections as _registered  # noqa: F401
from exr_inspector.policy.compile import compile_condition, compile_message
from exr_inspector.policy.evidence import Bounds, Missing
from exr_inspector.policy.facts import COLLECTIONS, Collection, Field, Kind
from exr_inspector.policy.operators import MAX_TEXT, NESTED, OPERATORS, compile_glob
from exr_inspector.policy.schema import FormError

KINDS: dict[str, Kind] = {
    "text": "text",
    "integer": "integer",
    "number": "number",
    "flag": "flag",
    "list": "list",
    "value": "any",
}
THINGS = Collection(
    "things",
    "Things.",
    {name: Field(kind, "A value.") for name, kind in KINDS.items()}
    | {"other": Field("number", "Another number.")},
    lambda _: [],
    {"open.": Field("any", "Any name.")},
)


def holds(condition: dict[str, Any], **values: Any) -> bool | None:
    item = {**dict.fromkeys((*KINDS, "other")), "open": {}, **values}
    return compile_condition(condition, THINGS, ()).check(item)


# Operator, operand, values that meet it, values that do not.
CASES: list[tuple[str, Any, list[Any], list[Any]]] = [
    ("exists", True, ["", 0, False], [None]),
    ("exists", False, [None], ["", 0]),
    ("equals", 1, [1, 1.0], [True, 2, None, "1"]),
    ("equals", True, [True], [1, "true"]),
    ("equals", "zip", ["zip"], ["ZIP", None, 1]),
    ("equals", None, [None], [0, ""]),
    ("not_equals", "zip", ["piz", None], ["zip"]),
    ("one_of", ["zip", 2, True], ["zip", 2, True], ["piz", 1, None, False]),
    ("none_of", ["zip", 2], ["piz", None], ["zip", 2]),
    ("matches", "v[0-9]+", ["v12"], ["av12", "v12a", None, 12]),
    ("glob", "beauty*.exr", ["beauty.exr", "beauty\n1.exr"], ["Beauty.exr", None]),
    ("glob", ["a?", "[!b-c]z"], ["ax", "dz"], ["a", "bz", "cz"]),
    ("not_glob", "*.", ["a.b"], ["a.", 3, None]),
    ("at_least", 3, [3, 4.5], [2.9, None, "4", True]),
    ("at_most", 3, [3, -1.5], [3.1, None, False]),
    ("more_than", 3, [3.1], [3, 2]),
    ("less_than", 3, [2.9], [3, 4]),
    ("between", [1, 2], [1, 1.5, 2], [0.9, 2.1, None]),
    ("near", {"value": 1, "within": 0.5}, [0.5, 1.5], [0.4, 1.6, None, [1]]),
    ("near", {"value": [1, 2], "within": 0.5}, [[1.1, 2.1]], [[1.1], [1.1, 9], [1, "2"], 1]),
    ("multiple_of", 4, [0, 8], [2, 8.0, None]),
    ("contains", "R", [["R", "G"], "aRb"], [["G"], "", None]),
    ("contains_all", ["R", "G"], [["B", "G", "R"]], [["R"], None]),
    ("contains_none", ["R", "G"], [["B"], [], None], [["R"]]),
    ("only", ["R", "G"], [["R"], []], [["B"], None]),
    ("set_equals", ["R", "G"], [["G", "R"]], [["R"], ["R", "G", "B"], None]),
    ("unique", True, [["R", "G"], [1, True], None], [["R", "R"]]),
    ("length", 2, ["ab", [1, 2]], ["a", [], None, 2]),
    ("length", {"at_most": 2, "more_than": 0}, ["a", [1, 2]], ["", "abc"]),
    ("each", {"at_least": 1}, [[1, 2], []], [[0], None]),
    ("each", {"glob": "a*", "length": 2}, [["ab", "ac"]], [["ab", "b"], ["abc"]]),
    ("ratio_to", {"field": "other", "at_most": 2}, [20, 1], [21, None]),
    ("same_as", "other", [10, 10.0], [11, None]),
]


@pytest.mark.parametrize(("operator", "operand", "good", "bad"), CASES, ids=lambda value: str(value)[:30])
def test_an_operator_is_met_by_these_values_and_not_by_those(
    operator: str, operand: Any, good: list[Any], bad: list[Any]
) -> None:
    assert [holds({"value": {operator: operand}}, value=each, other=10) for each in good] == [True] * len(
        good
    )
    assert [holds({"value": {operator: operand}}, value=each, other=10) for each in bad] == [False] * len(bad)


def test_every_operator_has_a_case() -> None:
    assert {operator for operator, *_ in CASES} == {*OPERATORS, *NESTED}


@pytest.mark.parametrize(("operator", "operand"), [each[:2] for each in CASES], ids=str)
def test_no_operator_decides_about_a_value_that_is_missing(operator: str, operand: Any) -> None:
    assert holds({"value": {operator: operand}}, value=Missing("not read"), other=10) is None


NOT_OPERANDS = [
    ("exists", 1), ("one_of", "zip"), ("one_of", [["zip"]]), ("matches", "("), ("matches", r"(a)\1"),
    ("matches", "x" * 1001), ("matches", "(((a{100}){100}){100})"), ("matches", 3), ("glob", []),
    ("glob", [1]), ("at_least", "3"), ("at_least", True), ("between", [1]), ("between", [1, "2"]),
    ("near", 3), ("near", {"value": "a", "within": 1}), ("multiple_of", 0), ("multiple_of", 1.5),
    ("contains", []), ("contains_all", "R"), ("unique", False), ("length", "2"), ("length", {}),
    ("length", {"length": 2}), ("length", {"nothing": 2}), ("length", {"glob": "a"}), ("each", 3),
    ("each", {"each": {"equals": 1}}), ("same_as", 3), ("same_as", "nothing"), ("ratio_to", 3),
    ("ratio_to", {"field": "other"}), ("nothing", 3), (3, 3),
]  # fmt: skip


@pytest.mark.parametrize(("operator", "operand"), NOT_OPERANDS, ids=str)
def test_an_operand_that_does_not_fit_is_refused(operator: Any, operand: Any) -> None:
    with pytest.raises(FormError) as caught:
        holds({"value": {operator: operand}})
    assert caught.value.path[0] == "value"


@pytest.mark.parametrize(
    "condition",
    [
        None,
        [],
        {},
        {"all": []},
        {"any": []},
        {"any": [{}]},
        {"not": 3},
        {"nothing": 1},
        {"open.": 1},
        {"text": {}},
    ],
    ids=str,
)
def test_a_condition_in_another_form_is_refused(condition: Any) -> None:
    with pytest.raises(FormError):
        compile_condition(condition, THINGS, ())


def test_conditions_are_nested_to_a_limit() -> None:
    condition: dict[str, Any] = {"text": "a"}
    for _ in range(8):
        condition = {"not": condition}
    assert holds(condition, text="a") is True
    with pytest.raises(FormError, match="nested more than 8 deep"):
        holds({"not": condition})


def test_an_open_field_takes_any_name() -> None:
    assert holds({"open.a/b.c": 3}, open={"a/b.c": 3}) is True
    assert holds({"open.a/b.c": {"exists": False}}, open={}) is True
    assert holds({"open.a": 3}, open=Missing("not read")) is None


# --- three-valued logic ---------------------------------------------------------------------------------

ANSWERS = st.sampled_from([True, False, None])
VALUES = {True: "yes", False: "no", None: Missing("not read")}


@given(answers=st.lists(ANSWERS, min_size=1, max_size=4))
def test_all_any_and_not_follow_kleene(answers: list[bool | None]) -> None:
    conditions = [{f"open.{index}": "yes"} for index in range(len(answers))]
    values = {str(index): VALUES[answer] for index, answer in enumerate(answers)}
    every = False if False in answers else None if None in answers else True
    some = True if True in answers else None if None in answers else False
    assert holds({"all": conditions}, open=values) is every
    assert holds({key: value for each in conditions for key, value in each.items()}, open=values) is every
    assert holds({"any": conditions}, open=values) is some
    assert holds({"not": {"all": conditions}}, open=values) is (None if every is None else not every)


NUMERIC = ("equals", "at_least", "at_most", "more_than", "less_than")
NUMBERS = st.integers(-5, 5)


@given(operator=st.sampled_from(NUMERIC), operand=NUMBERS, ends=st.tuples(NUMBERS, NUMBERS))
def test_bounds_decide_exactly_if_every_number_between_them_gives_the_same_answer(
    operator: str, operand: int, ends: tuple[int, int]
) -> None:
    low, high = sorted(ends)
    halves = [each / 2 for each in range(2 * low, 2 * high + 1)]
    answers = {holds({"number": {operator: operand}}, number=each) for each in halves}
    expected = answers.pop() if len(answers) == 1 else None
    assert holds({"number": {operator: operand}}, number=Bounds(low, high)) is expected


def test_bounds_of_a_count_fail_if_it_is_already_too_large() -> None:
    assert holds({"number": 0}, number=Bounds(3)) is False
    assert holds({"number": 0}, number=Bounds(0)) is None
    assert holds({"number": {"between": [0, 9]}}, number=Bounds(1, 3)) is True
    assert holds({"number": {"one_of": [0]}}, number=Bounds(3)) is None


def test_a_text_that_is_too_long_for_a_pattern_is_unknown() -> None:
    assert holds({"text": {"matches": "x*"}}, text="x" * MAX_TEXT) is True
    assert holds({"text": {"matches": "x*"}}, text="x" * (MAX_TEXT + 1)) is None


def test_a_pattern_that_takes_other_engines_forever_takes_no_time() -> None:
    assert holds({"text": {"matches": "(a|a)*(a|a)*b"}}, text="a" * 60_000) is False


@given(text=st.text(alphabet="ab*?[]!\\.^-", max_size=8), name=st.text(alphabet="ab*?[]!\\.^-", max_size=8))
@example(text="[!]", name="[!]")
@example(text="[b-a]", name="a")
@example(text="[!b-a]", name="c")
def test_a_glob_is_that_of_fnmatch_whatever_it_holds(text: str, name: str) -> None:
    matches = compile_glob(text)(name)
    # fnmatch takes the `!` behind a range that falls, as in `[b-a!c]`, for a negation.
    assert matches is fnmatchcase(name, text) or {"-", "!"} <= set(text)


# --- messages -------------------------------------------------------------------------------------------


def test_a_message_is_filled_with_fields_and_nothing_else() -> None:
    fill = compile_message("{text} has {observed}, not {expected}: {open.a} {list}", THINGS, ())
    values: dict[str, Any] = {
        "text": "{number}",
        "observed": None,
        "expected": {"at_least": 3},
        "open": {"a": 1.5},
        "list": [],
    }
    assert fill(values) == "{number} has absent, not at least 3: 1.5 none"


@pytest.mark.parametrize("text", ["{nothing}", "{}", "{text.__class__}", "{0}", "{text!r}"])
def test_a_message_with_another_placeholder_is_refused(text: str) -> None:
    with pytest.raises(FormError):
        compile_message(text, THINGS, ())


def test_a_long_value_is_shortened_in_a_message() -> None:
    fill = compile_message("{text}", THINGS, ())
    assert len(fill({"text": "x" * 10_000})) == 200


# --- collections ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("collection", COLLECTIONS.values(), ids=lambda each: each.name)
def test_every_collection_and_field_says_what_it_is(collection: Collection) -> None:
    assert collection.meaning
    assert all(
        each.meaning.endswith(".") for each in (*collection.fields.values(), *collection.open_fields.values())
    )
