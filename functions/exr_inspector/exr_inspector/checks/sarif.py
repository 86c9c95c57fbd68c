"""A report as SARIF 2.1.0 (OASIS Standard, Static Analysis Results Interchange Format).

A failure is of kind `fail`, with the level of its severity. An outlier is of kind `review`, and a rule
without a verdict of kind `open`; both have the level `none`, as the standard demands.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from exr_inspector.checks.report import CheckFinding, Report, Unjudged
from exr_inspector.document.serialize import to_json
from exr_inspector.location import is_object
from exr_inspector.policy.model import Rule
from exr_inspector.sequences import format_frames
from exr_inspector.version import VERSION

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {"error": "error", "warning": "warning", "info": "note"}


def render(report: Report) -> str:
    """Return the text of a SARIF log with one run."""
    rules = list({rule.id: rule for policy in report.policies for rule in policy.rules}.values())
    indexes = {rule.id: index for index, rule in enumerate(rules)}
    reviewed = {rule.id for rule in rules if _is_review(rule)}
    unread = [*report.errors, *(each for sequence in report.sequences for each in sequence.unread)]
    run: dict[str, Any] = {
        "tool": {
            "driver": {
                "name": "exr-inspector",
                "version": VERSION,
                "semanticVersion": VERSION,
                "rules": [_rule(each) for each in rules],
            }
        },
        "originalUriBaseIds": {"SRCROOT": {"uri": PurePath(os.getcwd()).as_uri() + "/"}},  # noqa: PTH109
        "invocations": [
            {
                "executionSuccessful": not report.summary["unread"],
                "toolConfigurationNotifications": [
                    {
                        "level": "note",
                        "message": {"text": "skipped: its evidence was not requested"},
                        "associatedRule": {"id": rule, "index": indexes[rule]},
                    }
                    for rule in sorted(report.skipped)
                ],
                "toolExecutionNotifications": [_notification(each) for each in unread],
            }
        ],
        "results": [
            _result(found, indexes[found["rule_id"]], is_review=found["rule_id"] in reviewed)
            for sequence in report.sequences
            for found in sequence.findings
        ],
        "columnKind": "unicodeCodePoints",
        "properties": {"summary": report.summary, "pixels": report.pixels},
    }
    return to_json({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)


def _is_review(rule: Rule) -> bool:
    """Return whether a failure of a rule is for a person to look at, since statistics alone found it."""
    return any(isinstance(each, dict) and "outlier" in each for each in rule.source["assert"].values())


def _rule(rule: Rule) -> dict[str, Any]:
    help_text = "\n\n".join(filter(None, [rule.why, rule.fix, *(f"Source: {each}" for each in rule.docs)]))
    found: dict[str, Any] = {
        "id": rule.id,
        "shortDescription": {"text": rule.title},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
        "properties": {"policy": rule.origin},
    }
    return {**found, "help": {"text": help_text}} if help_text else found


def _result(found: CheckFinding, index: int, *, is_review: bool) -> dict[str, Any]:
    is_open = found["verdict"] == "unknown"
    result: dict[str, Any] = {
        "ruleId": found["rule_id"],
        "ruleIndex": index,
        "kind": "open" if is_open else "review" if is_review else "fail",
        "level": "none" if is_open or is_review else _LEVELS[found["severity"]],
        "message": {"text": found["message"]},
        "locations": [
            {
                "physicalLocation": _physical(found["file_path"] or found["sequence_key"]),
                "logicalLocations": list(_logical(found)),
            }
        ],
        "partialFingerprints": {"exrInspector/v1": found["fingerprint"]},
        "properties": {
            "policy": found["policy_id"],
            "policyHash": found["policy_hash"],
            "sequence": found["sequence_key"],
            "frames": format_frames(found["frames"]),
            "observed": found["observed"],
            "expected": found["expected"],
            "fix": found["fix"],
        },
    }
    if found["is_accepted"]:
        result["baselineState"] = "unchanged"
        result["suppressions"] = [{"kind": "external", "justification": "in the baseline"}]
    return result


def _physical(path: str) -> dict[str, Any]:
    """Return where a file is: relative to the working folder if it is below, else absolute."""
    if is_object(path):
        return {"artifactLocation": {"uri": quote(path, safe=":/", errors="surrogateescape")}}
    folder = os.getcwd().rstrip(os.sep) + os.sep  # noqa: PTH109 - as text, since names may not be UTF-8
    if path.startswith(folder):
        uri = quote(path[len(folder) :].replace(os.sep, "/"), errors="surrogateescape")
        return {"artifactLocation": {"uri": uri, "uriBaseId": "SRCROOT"}}
    return {"artifactLocation": {"uri": "file://" + quote(path, errors="surrogateescape")}}


def _logical(found: CheckFinding) -> Iterator[dict[str, Any]]:
    place = found["place"]
    if found["file_path"] is None:
        yield {"name": found["sequence_key"], "fullyQualifiedName": place, "kind": "sequence"}
    elif place != "file":
        # `parts[0].channels[diffuse.R]`: the last element has the kind.
        kind, _, name = place.rpartition("]")[0].removeprefix("parts[").rpartition("].")[2].partition("[")
        is_part = not name
        yield {
            "name": kind if is_part else name,
            "fullyQualifiedName": place,
            "kind": "part" if is_part else kind.removesuffix("s"),
        }


def _notification(unread: Unjudged) -> dict[str, Any]:
    return {
        "level": "error",
        "message": {"text": f"{unread['code']}: {unread['message']}"},
        "locations": [{"physicalLocation": _physical(unread["file_path"])}],
    }
