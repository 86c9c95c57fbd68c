"""A report as JUnit XML: a suite for each sequence, with a case for each rule."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from xml.etree import ElementTree as ET

from exr_inspector.checks.report import CheckFinding, Report, SequenceReport
from exr_inspector.policy.model import Rule
from exr_inspector.sequences import format_frames

# Findings that a case lists. The JSON report has all.
MAX_LINES = 100


def render(report: Report) -> str:
    """Return the XML. Findings that do not count for the exit code are the output of a passed case."""
    root = ET.Element("testsuites", name="exr-inspector")
    rules = list({rule.id: rule for policy in report.policies for rule in policy.rules}.values())
    for sequence in report.sequences:
        has_frames = sequence.frames or sequence.expected
        applying = [rule for rule in rules if has_frames or rule.given != "sequence"]
        cases = [*_unread(sequence), *(_case(rule, sequence, report) for rule in applying)]
        suite = ET.SubElement(root, "testsuite", name=_text(sequence.key), tests=str(len(cases)))
        for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            suite.set(name, str(sum(case.find(tag) is not None for case in cases)))
        suite.extend(cases)
    for name in ("tests", "failures", "errors", "skipped"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode")


def _case(rule: Rule, sequence: SequenceReport, report: Report) -> ET.Element:
    case = ET.Element("testcase", name=f"{rule.id} {_text(rule.title)}", classname=_text(sequence.key))
    found = [each for each in sequence.findings if each["rule_id"] == rule.id and not each["is_accepted"]]
    failed = [each for each in found if each["verdict"] == "fail"]
    unknown = [each for each in found if each["verdict"] == "unknown"]
    if failed and rule.severity in report.counted:
        entry = ET.SubElement(case, "failure", type=rule.severity, message=_text(failed[0]["message"]))
        entry.text = _lines(failed)
    elif failed:
        ET.SubElement(case, "system-out").text = _lines(failed)
    elif unknown and "unknown" in report.counted:
        entry = ET.SubElement(case, "failure", type="unknown", message=_text(unknown[0]["message"]))
        entry.text = _lines(unknown)
    elif unknown:
        ET.SubElement(case, "skipped", message=_text(f"unknown: {unknown[0]['message']}"))
    elif rule.id in sequence.skipped:
        ET.SubElement(case, "skipped", message="its evidence was not requested")
    elif not sequence.passed + sequence.unknown and len(sequence.unread) + len(sequence.writing):
        ET.SubElement(case, "skipped", message="no file could be checked")
    return case


def _unread(sequence: SequenceReport) -> Iterator[ET.Element]:
    """Yield a case for the files that could not be judged, if there are any."""
    for name, tag, files in (("read", "error", sequence.unread), ("written", "skipped", sequence.writing)):
        if files:
            case = ET.Element("testcase", name=f"every file is {name}", classname=_text(sequence.key))
            message = _text(f"{len(files)} files, such as {files[0]['file_path']}: {files[0]['message']}")
            ET.SubElement(case, tag, message=message)
            yield case


def _lines(findings: Sequence[CheckFinding]) -> str:
    lines = [
        f"{each['file_path'] or format_frames(each['frames'])} {each['place']}: {each['message']}"
        for each in findings[:MAX_LINES]
    ]
    more = len(findings) - MAX_LINES
    return _text("\n".join([*lines, f"and {more:,} more"] if more > 0 else lines))


def _text(text: str) -> str:
    """Return text that XML may contain: characters that it may not are written as escapes."""
    return "".join(each if each.isprintable() or each == "\n" else repr(each)[1:-1] for each in text)
