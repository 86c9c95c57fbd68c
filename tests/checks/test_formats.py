"""SARIF, JUnit XML and annotations of GitHub, read by those who consume them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import junitparser
import pytest

from exr_inspector.checks import github, junit, sarif
from exr_inspector.checks.inputs import load_policies, look_at_files
from exr_inspector.checks.judge import Judge
from exr_inspector.checks.report import Report, Unjudged
from exr_inspector.location import path_location
from exr_inspector.sequences import group
from exr_inspector.settings import Settings
from tests.checks.shows import LAYERS, with_nan
from tests.exrfiles.demo import simple

# From the package @microsoft/jest-sarif 1.0.0-beta.0 (MIT), which took it from the OASIS standard.
SCHEMA = Path(__file__).with_name("sarif-2.1.0-rtm.5.json")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """Make a report with failures, outliers, unknown and skipped rules, and files that were not read."""
    folder = tmp_path_factory.mktemp("a show & more")
    good = simple(16, 9, LAYERS)
    for frame in range(1001, 1012):
        (folder / f"beauty.{frame}.exr").write_bytes(good)
    (folder / "beauty.1003.exr").write_bytes(good[:-20])
    (folder / "beauty.1004.exr").write_bytes(with_nan())
    (folder / "beauty.1007.exr").unlink()
    (folder / "beauty.1008.exr").write_bytes(simple(64, 64, LAYERS, "none"))
    (folder / "100%,#1.exr").write_bytes(b"junk\x1b")
    files = [*map(path_location, sorted(map(str, folder.iterdir()))), path_location(str(folder / "none.exr"))]
    chosen = load_policies(["default", "sequence"], Settings())
    judge = Judge(chosen, look_at_files(Settings(), "full"), settle_seconds=0)
    made = Report(chosen, "full")
    made.sequences = [judge.sequence(each) for each in group(files, lambda each: each.path)]
    made.errors = [
        Unjudged(file_path="s3://bucket/a b/", frame=None, code="STORAGE_DENIED", message="denied")
    ]
    return made


@pytest.fixture(scope="module")
def log(report: Report) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(sarif.render(report))
    return parsed


def test_sarif_is_valid(log: dict[str, Any]) -> None:
    schema = json.loads(SCHEMA.read_text())
    jsonschema.Draft4Validator(schema).validate(log)
    broken = json.loads(json.dumps(log))
    broken["runs"][0]["results"][0]["kind"] = "bad"
    assert not jsonschema.Draft4Validator(schema).is_valid(broken)


def test_sarif_has_kinds_levels_places_and_fingerprints(log: dict[str, Any], report: Report) -> None:
    (run,) = log["runs"]
    results = run["results"]
    assert len(results) == len(report.findings)
    assert all(run["tool"]["driver"]["rules"][each["ruleIndex"]]["id"] == each["ruleId"] for each in results)
    by_rule = {each["ruleId"]: each for each in results if each["kind"] != "open"}
    nan = by_rule["PIX-02"]
    assert (nan["kind"], nan["level"]) == ("fail", "error")
    (place,) = nan["locations"]
    assert place["physicalLocation"]["artifactLocation"]["uri"].endswith(
        "a%20show%20%26%20more0/beauty.1004.exr"
    )
    assert place["logicalLocations"] == [
        {"name": "G", "fullyQualifiedName": "parts[0].channels[G]", "kind": "channel"}
    ]
    missing = by_rule["SEQ-01"]
    assert missing["properties"]["frames"] == "1007"
    assert missing["locations"][0]["logicalLocations"][0]["kind"] == "sequence"
    outlier = by_rule["SEQ-30"]
    assert (outlier["kind"], outlier["level"]) == ("review", "none")
    unknown = [each for each in results if each["kind"] == "open"]
    assert {each["level"] for each in unknown} == {"none"}
    prints = [each["partialFingerprints"]["exrInspector/v1"] for each in results]
    assert len(set(prints)) == len(prints)
    (invocation,) = run["invocations"]
    assert invocation["executionSuccessful"] is False
    assert [each["associatedRule"]["id"] for each in invocation["toolConfigurationNotifications"]] == sorted(
        report.skipped
    )
    assert len(invocation["toolExecutionNotifications"]) == 2


def test_sarif_says_what_a_baseline_accepts(report: Report) -> None:
    accepted = Report(report.policies)
    accepted.sequences = report.sequences
    (found,) = [each for each in report.findings if each["rule_id"] == "SEQ-01"]
    found["is_accepted"] = True
    results = json.loads(sarif.render(accepted))["runs"][0]["results"]
    found["is_accepted"] = False
    assert [each["ruleId"] for each in results if each.get("baselineState") == "unchanged"] == ["SEQ-01"]


def test_junit_has_a_suite_for_each_sequence_and_a_case_for_each_rule(report: Report) -> None:
    parsed = junitparser.JUnitXml.fromstring(junit.render(report).encode())
    suites = {suite.name.rpartition("/")[2]: suite for suite in parsed}
    assert list(suites) == ["100%,#1.exr", "beauty.#.exr", "none.exr"]
    beauty = suites["beauty.#.exr"]
    rules = {rule.id for policy in report.policies for rule in policy.rules}
    assert {case.name.partition(" ")[0] for case in beauty} == rules
    results = {case.name.partition(" ")[0]: case.result for case in beauty}
    (failure,) = results["PIX-02"]
    assert isinstance(failure, junitparser.Failure)
    assert "beauty.1004.exr parts[0].channels[G]: samples that are NaN: 1" in failure.text
    assert [type(each) for each in results["SEQ-02"]] == [junitparser.Skipped]
    assert not results["SEQ-05"]  # a warning does not count
    assert beauty.tests == len(rules)
    assert beauty.failures == sum(
        isinstance(each, junitparser.Failure) for found in results.values() for each in found
    )
    assert suites["none.exr"].errors == 1
    assert (parsed.tests, parsed.failures) == tuple(
        sum(getattr(suite, name) for suite in suites.values()) for name in ("tests", "failures")
    )


def test_a_warning_is_a_failure_in_junit_if_it_counts(report: Report) -> None:
    counted = Report(report.policies, fail_on=("warning",), sequences=report.sequences)
    parsed = junitparser.JUnitXml.fromstring(junit.render(counted).encode())
    failed = {case.name.partition(" ")[0] for suite in parsed for case in suite if case.result}
    assert "SEQ-05" in failed


def test_github_gets_one_annotation_for_each_rule_in_each_sequence(report: Report) -> None:
    lines = github.render(report).splitlines()
    assert all(line.startswith(("::error file=", "::warning file=", "::notice file=")) for line in lines)
    (corrupt,) = [line for line in lines if "title=EXR-01:" in line]
    assert "/100%25%2C#1.exr," in corrupt
    (missing,) = [line for line in lines if "title=SEQ-01:" in line]
    assert missing.endswith("::1007: missing 1007")
    assert lines[-1].endswith("none.exr,title=not read::No such file or directory")
    ranks = ["::error", "::warning", "::notice"]
    found = [ranks.index(line.partition(" ")[0]) for line in lines[:-2]]
    assert found == sorted(found)
