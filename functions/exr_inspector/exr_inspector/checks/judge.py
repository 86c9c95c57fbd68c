"""Judge the files of a sequence, and the sequence, by policies.

Of a file only the facts are kept that rules for sequences look at, so a sequence may be long.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import cached_property
from typing import Any, NamedTuple, cast

from exr_inspector.checks.report import CheckFinding, SequenceReport, Unjudged
from exr_inspector.document.model import Document
from exr_inspector.errors import EMPTY_FILE, InspectorError
from exr_inspector.location import Location
from exr_inspector.policy.collections.sequence import FrameSequence, frame_facts
from exr_inspector.policy.evaluate import evaluate, evaluate_sequence
from exr_inspector.policy.model import AppliedPolicy, Finding, Policy, Validation
from exr_inspector.sequences import Group


class Evidence(NamedTuple):
    """The facts of one file: its document, and its pixel statistics if requested.

    `extra` is the evidence that `extra_evidence.ExtraReader` reads.
    """

    document: Document
    stats: Mapping[str, Any] | None = None
    fault: InspectorError | None = None
    """Why the pixels could not be read although they were asked for."""
    extra: Mapping[str, Any] | None = None

    @property
    def facts(self) -> Mapping[str, Any] | None:
        """The statistics as policies see them: those that could not be read are unknown, not skipped."""
        if self.fault is None:
            return self.stats
        return {"status": "unread", "reason": self.fault.message}


Look = Callable[[Sequence[Location]], Iterable[Evidence]]
"""Return the evidence of some files, in order."""


Keep = Callable[[Location, Validation], None]
"""Receives the findings of a file."""


def drop(_location: Location, _validation: Validation) -> None:
    """Keep nothing."""


@dataclass(frozen=True)
class Judge:
    """Judges by policies, with the evidence that `look` finds."""

    policies: Sequence[Policy]
    look: Look
    settle_seconds: float = 0
    """An incomplete file that was changed less than this ago is being written, and is not judged."""
    accepted: frozenset[str] = frozenset()
    """Fingerprints of known findings, which do not count."""
    keep: Keep = drop
    now: Callable[[], datetime] = lambda: datetime.now(timezone.utc)

    def sequence(self, group: Group[Location], expected: Sequence[int] | None = None) -> SequenceReport:
        """Return the findings of a sequence, or of a file whose name has no frame."""
        report = SequenceReport(group.key, group.frames, len(group.items))
        report.expected = None if expected is None else tuple(expected)
        facts: dict[int, Mapping[str, Any]] = {}
        frames: Iterable[int | None] = group.frames or [None] * len(group.items)
        for frame, location, evidence in zip(frames, group.items, self.look(group.items), strict=True):
            found = self._file(report, frame, evidence)
            is_judged = found is not None
            if found is not None:
                self.keep(location, found)
            if frame is not None and evidence.document["file"]["status"] != "missing":
                facts[frame] = (
                    frame_facts(evidence.document, evidence.facts, self._attributes)
                    if is_judged
                    else {"frames": frame}
                )
        report.frames = tuple(sorted(facts))
        if group.frames or expected is not None:
            self._sequence(report, FrameSequence(group.key, facts, report.expected))
        return report

    def _file(self, report: SequenceReport, frame: int | None, evidence: Evidence) -> Validation | None:
        """Judge a file and return its findings; None if it could not be judged."""
        document, path = evidence.document, evidence.document["file"]["path"]
        if document["file"]["status"] in (None, "missing"):
            fault = document["errors"][0]
            report.unread.append(
                Unjudged(file_path=path, frame=frame, code=fault["code"], message=fault["message"])
            )
            return None
        if self._is_being_written(document):
            message = f"it was changed less than {self.settle_seconds:g} s ago"
            report.writing.append(Unjudged(file_path=path, frame=frame, code="WRITING", message=message))
            return None
        if evidence.fault:
            unread = evidence.fault
            report.unread.append(
                Unjudged(file_path=path, frame=frame, code=unread.code, message=unread.message)
            )
        found = evaluate(self.policies, document, evidence.facts, evidence.extra)
        report.passed += found["status"] == "pass"
        report.unknown += found["status"] == "unknown"
        frames = [] if frame is None else [frame]
        self._add(report, found["findings"], found["policies"], path, frames)
        return found

    def _sequence(self, report: SequenceReport, sequence: FrameSequence) -> None:
        found = evaluate_sequence(self.policies, sequence)
        unjudged = {each["frame"] for each in (*report.writing, *report.unread)}
        for each in found["findings"]:
            if each["verdict"] == "fail" or not unjudged.issuperset(each["frames"]):
                self._add(report, [each], (), None, each["frames"])
        self._add(report, (), found["policies"], None, [])

    def _is_being_written(self, document: Document) -> bool:
        file = document["file"]
        codes = {each["code"] for each in document["errors"]}
        is_started = file["status"] == "incomplete" or EMPTY_FILE.code in codes
        if not is_started or not file["mtime"]:
            return False
        changed = datetime.fromisoformat(file["mtime"].replace("Z", "+00:00"))
        return self.now() - changed < timedelta(seconds=self.settle_seconds)

    def _add(
        self,
        report: SequenceReport,
        findings: Iterable[Finding],
        applied: Iterable[AppliedPolicy],
        path: str | None,
        frames: list[int],
    ) -> None:
        for each in findings:
            found: dict[str, Any] = {
                **each,
                "label": self._labels[each["policy_id"], each["rule_id"]],
                "sequence_key": report.key,
                "file_path": path,
                "frames": frames,
                "is_accepted": each["fingerprint"] in self.accepted,
            }
            report.findings.append(cast("CheckFinding", found))
        for policy in applied:
            report.skipped.update(policy["skipped"])
            report.suppressed += len(policy["suppressed"])

    @cached_property
    def _labels(self) -> Mapping[tuple[str, str], str]:
        return {(policy.id, rule.id): rule.label for policy in self.policies for rule in policy.rules}

    @cached_property
    def _attributes(self) -> tuple[str, ...]:
        """The attributes that rules for sequences compare."""
        fields = (check.field for policy in self.policies for rule in policy.rules for check in rule.series)
        return tuple(
            dict.fromkeys(
                each.removeprefix("attributes.") for each in fields if each.startswith("attributes.")
            )
        )
