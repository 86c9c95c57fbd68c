"""The text of a check: a line for each sequence, then the findings by rule. Files are never listed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from exr_inspector.apps.cli.terminal import can_print, nearby, plural, say
from exr_inspector.checks.report import CheckFinding, Report, SequenceReport, Unjudged
from exr_inspector.policy.model import SEVERITIES
from exr_inspector.sequences import format_frames

# Limits before `and N more`: frame ranges in a line, messages of a rule in a sequence, sequences of a rule,
# and channel names.
MAX_RANGES = 12
MAX_MESSAGES = 3
MAX_SEQUENCES = 8
MAX_NAMES = 8

_COLORS = {"error": "red", "warning": "yellow", "info": "cyan", "unknown": "magenta"}
# The reason for rules without a verdict in files that others fail: it is clear from those.
_REST = "cannot be judged in these faulty files"

Key = TypeVar("Key")
Item = TypeVar("Item")


def print_sequence(report: SequenceReport) -> None:
    """Print the line of a sequence: `sh020/beauty.#.exr 1001-1240 · 233 ok · missing 1050-1051, 1240`."""
    failed = [found for found in report.findings if found["verdict"] == "fail" and not found["is_accepted"]]
    noted = [found for found in failed if found["label"] or found["severity"] == "error"]
    noted.sort(key=lambda found: 1 if found["file_path"] else 2 * _is_odd(found))
    labels = _grouped(noted, [found["label"] or found["rule_id"] for found in noted])
    counts = {"ok": report.passed, "unknown": report.unknown}
    pieces = [
        f"{nearby(report.key)} {_frames({*report.frames, *report.missing})}".rstrip(),
        *(f"{number:,} {word}" if report.frames else word for word, number in counts.items() if number),
        *(_labelled(label, found) for label, found in labels.items()),
        *(_unjudged("writing", report.writing) if report.writing else ()),
        *(_unjudged("not read", report.unread) if report.unread else ()),
    ]
    say((" · " if can_print("·") else " | ").join(pieces), "green" if report.is_clean else "")


def _is_odd(found: CheckFinding) -> bool:
    """Return whether a finding names frames that differ from the others of their sequence."""
    return found["file_path"] is None and found["observed"] is not None


def _labelled(label: str, findings: Sequence[CheckFinding]) -> str:
    """Return the frames of a label; for odd frames, also the differences."""
    odd = sorted(filter(_is_odd, findings), key=lambda each: each["frames"])
    if odd:
        return f"{label}: " + ", ".join(f"{_frames(each['frames'])} {each['message']}" for each in odd)
    return f"{label} {_frames(frame for each in findings for frame in each['frames'])}".rstrip()


def _unjudged(word: str, files: Sequence[Unjudged]) -> list[str]:
    return [f"{word} {_frames(each['frame'] for each in files if each['frame'] is not None)}".rstrip()]


def print_report(report: Report) -> None:
    """Print the findings by rule, most severe first, then the rules without a verdict, and the totals."""
    counted, is_single = report.findings, len(report.sequences) == 1
    failed = [each for each in counted if each["verdict"] == "fail"]
    for severity in SEVERITIES:
        found = [each for each in failed if each["severity"] == severity]
        for rule, findings in _grouped(found, [each["rule_id"] for each in found]).items():
            _print_rule(severity, rule, findings, is_single=is_single)
    unknown = [each for each in counted if each["verdict"] == "unknown"]
    faulty = {place for each in failed if each["severity"] == "error" for place in _places(each)}
    reasons = [_REST if faulty.issuperset(_places(each)) else each["message"] for each in unknown]
    for reason, findings in _grouped(unknown, reasons).items():
        rules = list(dict.fromkeys(each["rule_id"] for each in findings))
        subject = rules[0] if len(rules) == 1 else f"{len(rules)} rules"
        _print_rule("unknown", subject, findings, reason, is_single=is_single)
    for each in _notes(report):
        say(each)


def _places(found: CheckFinding) -> list[tuple[str, int | None]]:
    key = found["sequence_key"]
    return [(key, frame) for frame in found["frames"]] or [(key, None)]


def _print_rule(
    word: str, rule: str, findings: Sequence[CheckFinding], message: str = "", *, is_single: bool
) -> None:
    by_sequence = _grouped(findings, [each["sequence_key"] for each in findings])
    entries: list[tuple[str, str]] = []
    for key, found in list(by_sequence.items())[:MAX_SEQUENCES]:
        has_frames = any(each["frames"] for each in found)
        place = "" if is_single and has_frames else nearby(key)
        by_message = _grouped(found, [message or each["message"] for each in found])
        for text, same in list(by_message.items())[:MAX_MESSAGES]:
            where = f"{place} {_frames(frame for each in same for frame in each['frames'])}".strip()
            entries.append((where, text if message else _subject(same) + text))
        if len(by_message) > MAX_MESSAGES:
            where = f"{place} {_frames(frame for each in found for frame in each['frames'])}".strip()
            entries.append((where, f"and {len(by_message) - MAX_MESSAGES:,} more messages"))
    more = len(by_sequence) - MAX_SEQUENCES
    rest = [f"  and {more:,} more sequences or files"] if more > 0 else []
    head, texts = f"{word} {rule}", {text for _, text in entries}
    if len(entries) == 1:
        lines = [f"{head} {': '.join(entries[0])}"]
    elif len(texts) == 1:
        lines = [f"{head}: {entries[0][1]}", *(f"  {where}" for where, _ in entries)]
    else:
        lines = [head, *(f"  {where}: {text}" for where, text in entries)]
    for index, line in enumerate([*lines, *rest]):
        say(line, "" if index else _COLORS[word])


def _subject(findings: Sequence[CheckFinding]) -> str:
    """Return the channels, parts or attributes that findings are about: `channels B, G, R: `."""
    kinds: dict[str, list[str]] = {}
    for place in dict.fromkeys(each["place"] for each in findings if each["file_path"]):
        if place != "file":
            words = place.removeprefix("parts[0].").replace("s[", " ").replace("].", " ").removesuffix("]")
            kind, _, name = words.rpartition(" ")
            kinds.setdefault(kind, []).append(name)
    named = []
    for kind, names in kinds.items():
        more = f" and {len(names) - MAX_NAMES:,} more" if len(names) > MAX_NAMES else ""
        head = f"{kind}{'s' if len(names) > 1 else ''} " if kind else ""
        named.append(f"{head}{', '.join(names[:MAX_NAMES])}{more}")
    return "; ".join(named) + ": " if named else ""


def _notes(report: Report) -> Iterator[str]:
    """Yield the rules without a verdict, and the last line."""
    summary = report.summary
    if report.skipped:
        advice = "; --pixels full reads the pixels" if report.pixels == "none" else ""
        yield f"Skipped for lack of evidence: {', '.join(sorted(report.skipped))}{advice}"
    if any(each.frames and each.expected is None for each in report.sequences):
        yield "No frames are stated, so only gaps inside a sequence are missing; --frames states them"
    files = [*report.errors, *(each for found in report.sequences for each in found.unread)]
    for code, same in _grouped(files, [f"{each['code']}: {each['message']}" for each in files]).items():
        more = f" and {len(same) - 1:,} more" if len(same) > 1 else ""
        yield f"Not read: {nearby(same[0]['file_path'])}{more}: {code}"
    counts = [
        *([plural(summary["sequences"], "sequence")] if summary["sequences"] else []),
        plural(summary["files"], "file"),
        *(plural(summary[each], each) for each in ("error", "warning") if summary[each]),
        *(
            f"{summary[each]:,} {each}"
            for each in ("info", "unknown", "writing", "accepted", "suppressed")
            if summary[each]
        ),
        *([f"{len(files):,} not read"] if files else ()),
        *(["nothing found"] if not report.findings and not files else ()),
    ]
    yield f"{', '.join(each.id for each in report.policies)}: {', '.join(counts)}"


def _frames(frames: Iterable[int]) -> str:
    """Return frames as ranges, at most MAX_RANGES of them."""
    ranges = format_frames(frames).split(", ")
    more = len(ranges) - MAX_RANGES
    return ", ".join(ranges[:MAX_RANGES]) + (f" and {more:,} more ranges" if more > 0 else "")


def _grouped(items: Iterable[Item], keys: Iterable[Key]) -> Mapping[Key, list[Item]]:
    found: dict[Key, list[Item]] = {}
    for item, key in zip(items, keys, strict=True):
        found.setdefault(key, []).append(item)
    return found
