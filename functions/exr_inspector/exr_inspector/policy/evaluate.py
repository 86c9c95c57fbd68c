"""Evaluate policies for a file or a sequence. Equal facts give equal results."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, cast

from exr_inspector.policy.collections.sequence import FrameSequence
from exr_inspector.policy.compile import in_words
from exr_inspector.policy.evidence import Bounds, Missing
from exr_inspector.policy.facts import Facts
from exr_inspector.policy.model import (
    AppliedPolicy,
    Condition,
    Finding,
    Item,
    Policy,
    Rule,
    SequenceFinding,
    SequenceValidation,
    Status,
    Summary,
    Validation,
    Verdict,
)
from exr_inspector.policy.sequence_rules import find_odd
from exr_inspector.sequences import format_frames

DEFAULT = "default"
"""The pack that applies if no policy is named."""
MAX_FINDINGS = 100
"""Maximum findings of a rule in a file; the message of the last one counts the others."""
MAX_CHECKS = 1_000_000
"""Maximum number of rules times items in a file. Later rules are unknown."""


Judge = Callable[[Rule, Policy], "Sequence[Finding] | None"]
"""Return what a rule finds; None if its evidence was not requested."""


def evaluate(
    policies: Sequence[Policy],
    document: Mapping[str, Any],
    stats: Mapping[str, Any] | None = None,
    extra: Mapping[str, Any] | None = None,
) -> Validation:
    """Evaluate policies for a file, from its document and its statistics (default: those of the document).

    Rules for sequences are left out. A rule that several policies have is judged once, for the first. The
    pack `default` is left out if another policy extends it.
    """
    facts = Facts(document, document["stats"] if stats is None else stats, extra or {})
    path = document["file"]["path"]
    checks = 0

    def judge(rule: Rule, policy: Policy) -> Sequence[Finding] | None:
        nonlocal checks
        groups = facts.groups(rule.selection)
        if isinstance(groups, Missing):
            return [_unknown(rule, policy, path, [], groups)] if groups.is_requested else None
        checks += len(groups)
        if checks > MAX_CHECKS:
            limit = Missing(f"the policies need more than {MAX_CHECKS} checks of this file")
            return [_unknown(rule, policy, path, [], limit)]
        return _judge(rule, policy, path, groups)

    applied, findings, judged = _apply(policies, judge, path, is_sequence=False)
    summary = _summary(applied, findings)
    if summary["error"]:
        status: Status = "fail"
    elif any(each["verdict"] == "unknown" and each["severity"] != "info" for each in findings):
        status = "unknown"
    else:
        status = "pass" if judged else "skipped"
    return {"status": status, "policies": applied, "summary": summary, "findings": findings}


def evaluate_sequence(policies: Sequence[Policy], sequence: FrameSequence) -> SequenceValidation:
    """Evaluate the rules given for `sequence`. Frames with unknown facts are unknown."""

    def judge(rule: Rule, policy: Policy) -> Sequence[Finding] | None:
        return _judge_sequence(rule, policy, sequence)

    applied, findings, _ = _apply(policies, judge, sequence.key, is_sequence=True)
    found = cast("list[SequenceFinding]", findings)
    return {"policies": applied, "summary": _summary(applied, findings), "findings": found}


def effective(policies: Sequence[Policy]) -> list[Policy]:
    """Leave out the pack `default` if another policy extends it, which has its rules as it changed them."""
    is_extended = any(DEFAULT in each.bases for each in policies)
    return [each for each in policies if each.id != DEFAULT or not is_extended]


def _apply(
    policies: Sequence[Policy], judge: Judge, path: str, *, is_sequence: bool
) -> tuple[list[AppliedPolicy], list[Finding], int]:
    """Return the results of the policies, the findings, and the number of evaluated rules."""
    applied: list[AppliedPolicy] = []
    findings: list[Finding] = []
    seen: set[str] = set()
    judged = 0
    for policy in effective(policies):
        own = [each for each in policy.rules if (each.given == "sequence") is is_sequence]
        rules = [each for each in own if each.key not in seen] if seen else own
        skipped: list[str] = []
        suppressed: list[str] = []
        for rule in rules:
            found = judge(rule, policy)
            if found is None:
                skipped.append(rule.id)
            elif found and any(each.matches(rule.id, path) for each in policy.suppressions):
                suppressed.append(rule.id)
            elif found:
                findings += found
        seen.update(each.key for each in rules)
        judged += len(rules) - len(skipped)
        applied.append(
            {
                "id": policy.id,
                "hash": policy.hash,
                "rules": len(rules),
                "skipped": skipped,
                "suppressed": suppressed,
            }
        )
    return applied, findings, judged


def _summary(applied: Sequence[AppliedPolicy], findings: Sequence[Finding]) -> Summary:
    skipped = sum(len(each["skipped"]) for each in applied)
    summary: Summary = {"error": 0, "warning": 0, "info": 0, "unknown": 0, "skipped": skipped}
    for each in findings:
        summary["unknown" if each["verdict"] == "unknown" else each["severity"]] += 1
    return summary


def _judge(
    rule: Rule, policy: Policy, path: str, groups: Sequence[Sequence[Item]]
) -> Sequence[Finding] | None:
    """Return what a rule finds in groups of items whose facts that decide are equal."""
    assert rule.asserts is not None
    when, holds = rule.when.check if rule.when else None, rule.asserts.check
    failed: list[Item] = []
    undecided: list[Item] = []
    for group in groups:
        item = group[0]
        applies = True if when is None else when(item)
        if applies is False:
            continue
        answer = holds(item)
        if answer is True:
            continue
        if answer is False and applies:
            failed += group
        else:
            undecided += group
    if not failed and not undecided:
        return ()
    findings = [_failure(rule, policy, path, item) for item in failed[:MAX_FINDINGS]]
    if len(failed) > MAX_FINDINGS:
        findings[-1]["message"] += f" (and in {len(failed) - MAX_FINDINGS} more places)"
    if undecided:
        gaps = list(_gaps(rule, undecided[0]))
        if not findings and gaps and not any(each.is_requested for each in gaps):
            return None
        reason = gaps[0] if gaps else Missing("a text is too long for a pattern")
        findings.append(_unknown(rule, policy, path, undecided, reason))
    return findings


def _judge_sequence(rule: Rule, policy: Policy, sequence: FrameSequence) -> list[Finding] | None:
    item = sequence.item()
    if rule.when and rule.when.check(item) is not True:
        return []
    findings: list[SequenceFinding] = []
    unknown: dict[int, Missing] = {}
    if rule.asserts and rule.asserts.check(item) is False:
        plain = _failure(rule, policy, sequence.key, item)
        findings.append({**plain, "sequence_key": sequence.key, "frames": sorted(sequence.frames)})
    for check in rule.series:
        odds, gaps = find_odd(check, sequence)
        unknown.update(gaps)
        for odd in odds:
            values = {**item, "observed": odd.observed, "expected": odd.expected, "difference": odd.message}
            found = finding(
                rule,
                policy,
                "fail",
                sequence.key,
                _frames(odd.frames),
                None,
                odd.observed,
                odd.expected,
                rule.message(values),
            )
            findings.append({**found, "sequence_key": sequence.key, "frames": odd.frames})
    if unknown:
        reasons = list(unknown.values())
        if not findings and not any(each.is_requested for each in reasons):
            return None
        frames = sorted(unknown)
        message = f"cannot be judged: {reasons[0].reason}"
        found = finding(rule, policy, "unknown", sequence.key, _frames(frames), None, None, None, message)
        findings.append({**found, "sequence_key": sequence.key, "frames": frames})
    return cast("list[Finding]", findings)


def _frames(frames: Sequence[int]) -> str:
    return f"frames[{format_frames(frames)}]"


def _gaps(rule: Rule, item: Item) -> Iterator[Missing]:
    """Yield the evidence that a rule lacks."""
    for condition in (rule.when, rule.asserts):
        for leaf in condition.leaves if condition else ():
            if leaf.check(item) is None:
                for get in leaf.gets:
                    value = get(item)
                    if isinstance(value, Missing):
                        yield value
                    elif isinstance(value, Bounds):
                        yield Missing(value.reason)


def explain(condition: Condition, item: Item) -> tuple[Any, Any]:
    """Return the observed and the expected value: of one field, or by field if several fail."""
    failing = [leaf for leaf in condition.leaves if leaf.check(item) is False]
    observed: dict[str, Any] = {}
    expected: dict[str, Any] = {}
    for leaf in failing:
        for name, get in zip(leaf.fields, leaf.gets, strict=True):
            observed[name] = as_json(get(item))
        expected.setdefault(leaf.fields[0], leaf.expected)
    if len(observed) == 1:
        (name,) = observed
        return observed[name], expected[name]
    return observed, expected


def list_difference(observed: Any, expected: Any) -> str:
    """Return in words how a list differs from the operand of an operator on lists; else an empty text."""
    if not isinstance(observed, list) or not isinstance(expected, dict):
        return ""
    lacks = [
        each
        for name in ("contains_all", "set_equals")
        for each in expected.get(name, ())
        if each not in observed
    ]
    allowed = next((expected[name] for name in ("only", "set_equals") if name in expected), observed)
    refused = expected.get("contains_none", ())
    adds = [each for each in observed if each not in allowed or each in refused]
    words = [("lacks", lacks), ("has also" if lacks else "has", adds)]
    return " and ".join(f"{verb} {in_words(names)}" for verb, names in words if names)


def as_json(value: Any) -> Any:
    """Return a value, certain or not, as JSON."""
    if isinstance(value, Missing):
        return None
    if isinstance(value, Bounds):
        return {"low": _finite(value.low), "high": _finite(value.high)}
    return value


def _finite(number: float) -> float | None:
    return number if abs(number) != float("inf") else None


def _failure(rule: Rule, policy: Policy, path: str, item: Item) -> Finding:
    assert rule.asserts is not None
    observed, expected = explain(rule.asserts, item)
    difference = list_difference(observed, expected)
    message = rule.message({**item, "observed": observed, "expected": expected, "difference": difference})
    return finding(rule, policy, "fail", path, item["place"], item["part_index"], observed, expected, message)


def _unknown(rule: Rule, policy: Policy, path: str, undecided: Sequence[Item], reason: Missing) -> Finding:
    """Return one finding for all places where the evidence does not decide."""
    place, part_index = "file", None
    if len(undecided) == 1:
        place, part_index = undecided[0]["place"], undecided[0]["part_index"]
    where = f" in {len(undecided)} places" if len(undecided) > 1 else ""
    message = f"cannot be judged{where}: {reason.reason}"
    return finding(rule, policy, "unknown", path, place, part_index, None, None, message)


def finding(  # noqa: PLR0913, PLR0917 - the parts of a finding
    rule: Rule,
    policy: Policy,
    verdict: Verdict,
    path: str,
    place: str,
    part_index: int | None,
    observed: Any,
    expected: Any,
    message: str,
) -> Finding:
    """Return a finding of a rule in a file or sequence."""
    return {
        "rule_id": rule.id,
        "severity": rule.severity,
        "verdict": verdict,
        "part_index": part_index,
        "place": place,
        "observed": observed,
        "expected": expected,
        "message": message,
        "fix": rule.fix,
        "fingerprint": fingerprint(path, rule.id, place),
        "policy_id": policy.id,
        "policy_hash": policy.hash,
    }


def fingerprint(path: str, rule_id: str, place: str) -> str:
    """Return what identifies a finding: a hash of the file or sequence, the rule and the place."""
    text = f"{path}\0{rule_id}\0{place}"
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
