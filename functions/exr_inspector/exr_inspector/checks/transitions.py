"""Which sequences have become complete, or have broken, since they were last judged."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, Literal, NamedTuple

from exr_inspector.checks.report import Report, SequenceReport
from exr_inspector.sequences import format_frames

State = Literal["open", "complete", "broken"]
# Findings that a payload contains.
MAX_FINDINGS = 20


class Transition(NamedTuple):
    """A sequence that has changed its state."""

    sequence: SequenceReport
    state: State
    before: State


class Transitions:
    """Remembers the state of each sequence whose frames are stated.

    The first state of a sequence is not a transition, so a restart sends nothing again.
    """

    def __init__(self) -> None:
        self._states: dict[str, State] = {}

    def of(self, report: Report) -> Iterator[Transition]:
        """Yield the sequences that have become complete or broken.

        A transition that the caller does not come back from, since it raised, is yielded again next time.
        """
        for sequence in report.sequences:
            if sequence.expected is None:
                continue
            state = state_of(sequence, report.counted)
            before = self._states.get(sequence.key, state)
            if state not in (before, "open"):
                yield Transition(sequence, state, before)
            self._states[sequence.key] = state


def state_of(sequence: SequenceReport, counted: Collection[str]) -> State:
    """Return `broken` if a finding that counts is about frames that are there; `complete` if all are there.

    While frames are missing, being written or not readable, a sequence is `open`.
    """
    present = set(sequence.frames)
    for found in sequence.findings:
        word = "unknown" if found["verdict"] == "unknown" else found["severity"]
        if word in counted and not found["is_accepted"] and present.intersection(found["frames"]):
            return "broken"
    return "open" if sequence.missing or sequence.writing or sequence.unread else "complete"


def payload(transition: Transition) -> dict[str, Any]:
    """Return what a webhook sends, as JSON values."""
    sequence = transition.sequence
    failed = [each for each in sequence.findings if each["verdict"] == "fail" and not each["is_accepted"]]
    return {
        "event": transition.state,
        "before": transition.before,
        "sequence_key": sequence.key,
        "fields": sequence.fields,
        "frames": format_frames(sequence.frames),
        "expected": format_frames(sequence.expected or ()),
        "missing": format_frames(sequence.missing),
        "findings": [
            {
                **{name: each[name] for name in ("rule_id", "severity", "message")},
                "frames": format_frames(each["frames"]),
            }
            for each in failed[:MAX_FINDINGS]
        ],
        "finding_count": len(failed),
    }
