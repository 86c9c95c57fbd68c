"""Compiled policies and rules, and findings in the form of a document."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypedDict

from exr_inspector.policy.evidence import Answer, Missing

Verdict = Literal["pass", "fail", "unknown", "skipped"]
"""`unknown`: the evidence does not decide. `skipped`: it was not requested. Only `pass` is a pass."""

Status = Literal["pass", "fail", "unknown", "skipped", "error"]
"""What policies make of a file."""

Severity = Literal["error", "warning", "info"]

SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")
"""Severities, most severe first."""

Item = Mapping[str, Any]
"""An item that rules check: its facts by name, and its position as `place` and `part_index`."""

Selection = tuple[str, tuple[str, ...]]
"""A collection and the fields that decide; no field if one of them is an open field."""

Check = Callable[[Item], Answer]


class Finding(TypedDict):
    """What a rule found at one place. `verdict` is `fail` or `unknown`."""

    rule_id: str
    severity: Severity
    verdict: Verdict
    part_index: int | None
    place: str
    """`file`, `parts[0]`, `parts[0].channels[diffuse.R]`, `parts[0].attributes[owner]` or `sequence`."""
    observed: Any
    expected: Any
    message: str
    fix: str
    fingerprint: str
    """Identifies file, rule and place: 32 hexadecimal digits."""
    policy_id: str
    policy_hash: str


class SequenceFinding(Finding):
    """The finding of a rule in a sequence, with its frames."""

    sequence_key: str
    frames: list[int]


class SequenceValidation(TypedDict):
    """What policies found in a sequence."""

    policies: list[AppliedPolicy]
    summary: Summary
    findings: list[SequenceFinding]


class AppliedPolicy(TypedDict):
    """A policy, and what became of its rules. `skipped` and `suppressed` have rule ids."""

    id: str
    hash: str
    rules: int
    skipped: list[str]
    suppressed: list[str]


class Summary(TypedDict):
    """The number of findings that failed, by severity; of findings that are unknown; and of skipped rules."""

    error: int
    warning: int
    info: int
    unknown: int
    skipped: int


class _Errors(TypedDict, total=False):
    errors: list[dict[str, str]]
    """Why a policy could not be read."""


class Validation(_Errors):
    """The document's `validation`.

    `status` is `error` if a policy could not be read; `fail` if a rule of severity `error` failed; `unknown`
    if a rule of severity `error` or `warning` is unknown; `skipped` if no rule was judged; else `pass`.
    """

    status: Status
    policies: list[AppliedPolicy]
    summary: Summary
    findings: list[Finding]


@dataclass(frozen=True)
class Leaf:
    """One comparison of a rule: the fields that it reads, its check, and what it expects, as JSON."""

    fields: tuple[str, ...]
    gets: tuple[Callable[[Item], Any], ...]
    """Take the value of each of the fields from an item."""
    check: Check
    expected: Any


@dataclass(frozen=True)
class Condition:
    """A compiled condition. The leaves explain a failure."""

    check: Check
    leaves: tuple[Leaf, ...]


Series = Mapping[int, Any]
"""The values of a field by frame."""


class Odd(NamedTuple):
    """Frames that do not fit for one reason."""

    frames: list[int]
    observed: Any
    expected: Any
    message: str


Find = Callable[[Any, Series], "list[Odd] | Missing"]
"""Return the frames of a `FrameSequence` that do not fit, from the known values of a series."""


class SeriesCheck(NamedTuple):
    """One comparison of the values of a field over all frames."""

    field: str
    find: Find


@dataclass(frozen=True)
class Rule:
    """One rule, compiled. `source` is its text as JSON values, after `extends` and `overrides`."""

    id: str
    severity: Severity
    given: str
    title: str
    label: str
    why: str
    fix: str
    docs: tuple[str, ...]
    message: Callable[[Mapping[str, Any]], str]
    when: Condition | None
    asserts: Condition | None
    """None if the rule asserts only facts of series."""
    series: tuple[SeriesCheck, ...]
    selection: Selection
    source: Mapping[str, Any]
    origin: str
    """The id of the policy that states the rule."""
    key: str
    """Hash of `source`: rules of two policies with the same id and key are the same rule."""


@dataclass(frozen=True)
class Suppression:
    """Findings of `rule` in files that `path` matches are not reported."""

    matches: Callable[[str, str], bool]
    """Whether a finding is suppressed, by rule id and path."""
    reason: str


@dataclass(frozen=True)
class Policy:
    """A policy with all rules that it has after `extends` and `overrides`."""

    id: str
    hash: str
    title: str
    description: str
    rules: tuple[Rule, ...]
    suppressions: tuple[Suppression, ...] = ()
    bases: frozenset[str] = frozenset()
    """The ids of all policies that it extends."""
