"""The structure of a policy file. Conditions are checked when they are compiled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

MAX_OWN_RULES = 500

Severity = Literal["error", "warning", "info"]
RuleId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,63}$")]
PolicyId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
Line = Annotated[str, StringConstraints(max_length=500)]
Text = Annotated[str, StringConstraints(max_length=4000)]
ConditionSource = dict[str, Any]
Form = TypeVar("Form", bound="StrictModel")


class StrictModel(BaseModel):
    """A mapping in a file that people write: without other keys, and with values of the stated types."""

    model_config = ConfigDict(extra="forbid", strict=True)


class RuleSource(StrictModel):
    """A rule: a condition for items of a collection."""

    id: RuleId = Field(description="Identifies the rule, such as `FILE-01`. Never reuse it.")
    title: Line = Field(description="What the rule demands, in one line.")
    severity: Severity = Field("error", description="How grave a failure is.")
    given: str = Field(description="The collection whose items are checked, such as `parts`.")
    when: ConditionSource | None = Field(None, description="Which items are checked; all without it.")
    assert_: ConditionSource = Field(alias="assert", description="The condition for each item.")
    message: Line = Field(
        "", description="The message of a failure; `{field}`, `{observed}` and `{expected}` are filled in."
    )
    label: Line = Field(
        "", description="A word for the frames that fail, in the line of their sequence: `NaN`."
    )
    why: Text = Field("", description="Why it matters.")
    fix: Line = Field("", description="What to do about it.")
    docs: list[Line] = Field(default_factory=list, description="The sources of the rule.")


class OverrideSource(StrictModel):
    """Changes to an inherited rule. `severity: off` removes it."""

    title: Line | None = None
    severity: Literal["error", "warning", "info", "off"] | None = None
    when: ConditionSource | None = None
    assert_: ConditionSource | None = Field(None, alias="assert")
    message: Line | None = None
    label: Line | None = None
    why: Text | None = None
    fix: Line | None = None
    docs: list[Line] | None = None


class SuppressionSource(StrictModel):
    """Accepted findings: those of these rules in these files."""

    rule: Line = Field(description="Rule id, or a glob of them.")
    path: Line = Field("*", description="Path of the files, or a glob of them.")
    reason: Line = Field(description="Why the findings are accepted.")


class PolicySource(StrictModel):
    """A policy file."""

    policy: PolicyId = Field(description="Identifies the policy.")
    title: Line = Field("", description="What the policy is for, in one line.")
    description: Text = Field("", description="More about it.")
    extends: list[Line] = Field(
        default_factory=list,
        max_length=20,
        description="Policies to inherit rules from: names of packs, or files relative to this one.",
    )
    rules: list[RuleSource] = Field(
        default_factory=list, max_length=MAX_OWN_RULES, description="Its own rules."
    )
    overrides: dict[str, OverrideSource] = Field(
        default_factory=dict, description="Changes to inherited rules, by rule id or a glob of them."
    )
    suppressions: list[SuppressionSource] = Field(
        default_factory=list, max_length=500, description="Findings that are accepted."
    )


class FormError(ValueError):
    """An error in a policy file, and the keys that lead to it."""

    def __init__(self, path: tuple[str | int, ...], message: str) -> None:
        super().__init__(message)
        self.path = path
        self.message = message


def validate(value: Any, form: type[Form]) -> Form:
    """Return what a value states in a form. Raises FormError for the first field that is wrong."""
    try:
        return form.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise FormError(first["loc"], _reason(first)) from None


def _reason(error: Mapping[str, Any]) -> str:
    if error["type"] == "extra_forbidden":
        return "there is no such field"
    if error["type"] == "missing":
        return "the field is required"
    if error["type"] == "model_type":
        return "a mapping of fields is required"
    message: str = error["msg"]
    return message[0].lower() + message[1:]
