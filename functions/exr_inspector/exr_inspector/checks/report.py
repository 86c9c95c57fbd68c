"""What a check found: one report for each sequence, and their summary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypedDict

from exr_inspector.policy.model import SEVERITIES, Finding, Policy
from exr_inspector.sequences import format_frames, gaps
from exr_inspector.version import VERSION


class CheckFinding(Finding):
    """A finding, with the file or the frames that it is about."""

    label: str
    """A word for the frames in the line of their sequence, such as `NaN`; empty if the rule has none."""
    sequence_key: str
    file_path: str | None
    """None for a finding about a sequence."""
    frames: list[int]
    is_accepted: bool
    """Whether a baseline contains it: it is listed, but does not count."""


class Unjudged(TypedDict):
    """A file that was not judged, and why: the code of a fault, or `writing`."""

    file_path: str
    frame: int | None
    code: str
    message: str


@dataclass
class SequenceReport:
    """What a check found in one sequence, or in one file whose name has no frame."""

    key: str
    frames: tuple[int, ...]
    """The frames that are there; empty for a file without frame."""
    files: int
    expected: tuple[int, ...] | None = None
    """The expected frames; None if they are not stated."""
    fields: dict[str, str] = field(default_factory=dict)
    """Show, sequence, shot, pass and version, as far as the show's configuration finds them in the path."""
    passed: int = 0
    """Files whose every rule that was judged passes."""
    unknown: int = 0
    """Files without a failed rule but with an unknown one."""
    writing: list[Unjudged] = field(default_factory=list)
    unread: list[Unjudged] = field(default_factory=list)
    findings: list[CheckFinding] = field(default_factory=list)
    skipped: set[str] = field(default_factory=set)
    suppressed: int = 0

    @property
    def is_clean(self) -> bool:
        """Whether every file was judged and passes, and nothing that counts was found."""
        return self.passed == self.files and all(each["is_accepted"] for each in self.findings)

    @property
    def missing(self) -> list[int]:
        """The frames that are not there: of the expected ones, or else between the first and the last."""
        if self.expected is None:
            return list(gaps(self.frames) or ())
        return sorted(set(self.expected).difference(self.frames))

    def as_json(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        return {
            "sequence_key": self.key,
            **{f"{name}_name" if name == "pass" else name: value for name, value in self.fields.items()},
            "frames": format_frames(self.frames),
            "expected": None if self.expected is None else format_frames(self.expected),
            "missing": format_frames(self.missing),
            "files": self.files,
            "passed": self.passed,
            "unknown": self.unknown,
            "writing": self.writing,
            "unread": self.unread,
            "skipped": sorted(self.skipped),
            "suppressed": self.suppressed,
            "findings": [{**each, "frames": format_frames(each["frames"])} for each in self.findings],
        }


@dataclass
class Report:
    """What a check found in all sequences, and by which policies."""

    policies: Sequence[Policy]
    pixels: str = "none"
    """The pixels that were read: `none`, `sampled` or `full`; or `stored` if stored rows were judged."""
    fail_on: Sequence[str] = ("error",)
    """The lowest severity that counts for the exit code, and `unknown` if rules without a verdict count."""
    sequences: list[SequenceReport] = field(default_factory=list)
    errors: list[Unjudged] = field(default_factory=list)
    """Folders that could not be listed."""

    @property
    def findings(self) -> list[CheckFinding]:
        """All findings that count."""
        return [found for each in self.sequences for found in each.findings if not found["is_accepted"]]

    @property
    def skipped(self) -> set[str]:
        """The rules whose evidence was not asked for."""
        return {rule for each in self.sequences for rule in each.skipped}

    @property
    def summary(self) -> dict[str, int]:
        """Numbers of sequences, of files by what became of them, and of findings by severity."""
        failed = Counter(each["severity"] for each in self.findings if each["verdict"] == "fail")
        return {
            "sequences": sum(bool(each.frames or each.expected) for each in self.sequences),
            "files": sum(each.files for each in self.sequences),
            "passed": sum(each.passed for each in self.sequences),
            **{severity: failed[severity] for severity in SEVERITIES},
            "unknown": sum(each["verdict"] == "unknown" for each in self.findings),
            "skipped_rules": len(self.skipped),
            "writing": sum(len(each.writing) for each in self.sequences),
            "unread": len(self.errors) + sum(len(each.unread) for each in self.sequences),
            "accepted": sum(found["is_accepted"] for each in self.sequences for found in each.findings),
            "suppressed": sum(each.suppressed for each in self.sequences),
        }

    @property
    def counted(self) -> set[str]:
        """The severities that count for the exit code, and `unknown` if it does."""
        lowest = max((SEVERITIES.index(each) for each in SEVERITIES if each in self.fail_on), default=0)
        return {*SEVERITIES[: lowest + 1], *({"unknown"}.intersection(self.fail_on))}

    @property
    def exit_code(self) -> int:
        """Return 1 for a finding that counts, else 3 if something could not be read, else 0."""
        summary = self.summary
        if any(summary[each] for each in self.counted):
            return 1
        return 3 if summary["unread"] else 0

    def as_json(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        return {
            "exr_inspector_version": VERSION,
            "pixels": self.pixels,
            "policies": [
                {"id": each.id, "hash": each.hash, "title": each.title, "rules": len(each.rules)}
                for each in self.policies
            ],
            "summary": self.summary,
            "errors": self.errors,
            "sequences": [each.as_json() for each in self.sequences],
        }
