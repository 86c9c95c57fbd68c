"""From rules to a validation: its status, its counts, its limits, and the identity of findings."""

from __future__ import annotations

from typing import Any

import pytest

from exr_inspector.policy import evaluate as module
from exr_inspector.policy.evaluate import evaluate
from exr_inspector.policy.load import load_policy
from exr_inspector.policy.model import Policy


def policy(*rules: str) -> Policy:
    lines = [f"  - {{id: R-{index}, title: One, {rule}}}\n" for index, rule in enumerate(rules)]
    stated = f"rules:\n{''.join(lines)}" if rules else ""
    return load_policy(f"policy: studio\n{stated}".encode(), "studio.yaml")


def document(
    *names: str, status: str = "ok", version: int | None = 2, path: str = "/a.exr"
) -> dict[str, Any]:
    """A document of one part with these attributes, or of a file whose header cannot be read."""
    attributes = [{"name": name, "type": "int", "value": 1} for name in names]
    facts = dict.fromkeys(
        ("name", "view", "type", "data_window", "display_window", "compression", "color_space", "level_mode")
    )
    about = dict.fromkeys(
        ("size_bytes", "complete", "chunks_present", "chunks_promised", "header_bytes", "is_deep", "is_tiled")
    )
    return {
        "file": {
            **about,
            "path": path,
            "status": status,
            "version_field": version,
            "is_multiview": False,
            "openimageio": {"opens": None, "message": "not asked"},
        },
        "parts": [{**facts, "index": 0, "attributes": attributes}] if version else [],
        "channels": [],
        "errors": [],
        "stats": {},
    }


PASSES = "given: attributes, assert: {type: int}"
FAILS = "given: attributes, assert: {type: float}"
SKIPPED = "given: statistics, assert: {nan_count: 0}"
UNKNOWN = "given: file, assert: {complete: true}"
WARNING, INFO = "severity: warning", "severity: info"


@pytest.mark.parametrize(
    ("rules", "status"),
    [
        ([], "skipped"),
        ([PASSES], "pass"),
        ([PASSES, SKIPPED], "pass"),
        ([SKIPPED], "skipped"),
        ([FAILS], "fail"),
        ([FAILS, UNKNOWN], "fail"),
        ([f"{FAILS}, {WARNING}"], "pass"),
        ([UNKNOWN], "unknown"),
        ([f"{UNKNOWN}, {WARNING}"], "unknown"),
        ([f"{UNKNOWN}, {INFO}", PASSES], "pass"),
    ],
)
def test_the_status_is_that_of_the_gravest_verdict(rules: list[str], status: str) -> None:
    assert evaluate([policy(*rules)], document("a"))["status"] == status


def test_the_summary_counts_findings_by_severity_and_skipped_rules_once() -> None:
    rules = [FAILS, f"{FAILS}, {WARNING}", f"{FAILS}, {INFO}", UNKNOWN, SKIPPED, PASSES]
    found = evaluate([policy(*rules)], document("a", "b"))
    assert found["summary"] == {"error": 2, "warning": 2, "info": 2, "unknown": 1, "skipped": 1}
    (applied,) = found["policies"]
    assert (applied["rules"], applied["skipped"]) == (6, ["R-4"])


def test_a_finding_says_where_and_what() -> None:
    (finding,) = evaluate([policy(FAILS)], document("a"))["findings"]
    assert (finding["place"], finding["part_index"]) == ("parts[0].attributes[a]", 0)
    assert (finding["observed"], finding["expected"]) == ("int", "float")
    assert finding["message"] == "type is int; expected float"


def test_what_is_unknown_in_many_places_is_one_finding() -> None:
    broken = document("a", "b")
    for each in broken["parts"][0]["attributes"]:
        each.update(value=None, error="4 bytes", raw="AAAAAA==")
    (finding,) = evaluate([policy("given: attributes, assert: {value: {at_least: 0}}")], broken)["findings"]
    assert (finding["verdict"], finding["place"]) == ("unknown", "file")
    assert finding["message"] == "cannot be judged in 2 places: its bytes cannot be decoded: 4 bytes"


def test_a_rule_whose_condition_is_unknown_passes_only_if_it_holds_anyway() -> None:
    when = "given: file, when: {complete: true}"
    assert evaluate([policy(f"{when}, assert: {{part_count: 1}}")], document())["status"] == "pass"
    assert evaluate([policy(f"{when}, assert: {{part_count: 2}}")], document())["status"] == "unknown"


def test_fingerprints_depend_on_file_rule_and_place_alone() -> None:
    def prints(*rules: str, path: str = "/a.exr") -> list[str]:
        return [
            each["fingerprint"] for each in evaluate([policy(*rules)], document("a", path=path))["findings"]
        ]

    (first,) = prints(FAILS)
    assert prints(f"{FAILS}, {WARNING}, message: another") == [first]
    assert prints(PASSES, FAILS) != [first]
    assert prints(FAILS, path="/b.exr") != [first]


def test_a_rule_that_fails_everywhere_has_a_limited_number_of_findings() -> None:
    names = [f"a{index}" for index in range(module.MAX_FINDINGS + 7)]
    findings = evaluate([policy(FAILS)], document(*names))["findings"]
    assert len(findings) == module.MAX_FINDINGS
    assert findings[-1]["message"].endswith("(and in 7 more places)")


def test_rules_behind_the_limit_of_checks_are_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_CHECKS", 5)
    by_name = "given: attributes, assert: {name: {not_equals: z}}"
    found = evaluate([policy(by_name, by_name.replace("z", "y"))], document(*"abcde"))
    assert [(each["rule_id"], each["verdict"]) for each in found["findings"]] == [("R-1", "unknown")]
    assert found["findings"][0]["message"].endswith("need more than 5 checks of this file")
    assert found["status"] == "unknown"


def test_without_a_header_every_rule_about_it_is_unknown() -> None:
    found = evaluate([policy(PASSES, FAILS)], document(version=None, status="corrupt"))
    assert [each["message"] for each in found["findings"]] == [
        "cannot be judged: the header could not be read"
    ] * 2
