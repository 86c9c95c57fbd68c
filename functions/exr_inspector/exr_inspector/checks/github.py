"""A report as annotations of GitHub Actions: one for each rule in each sequence, since a step shows ten.

The format is that of workflow commands: `::error file=F,title=T::message`.
"""

from __future__ import annotations

import os

from exr_inspector.checks.report import CheckFinding, Report
from exr_inspector.location import is_object
from exr_inspector.sequences import format_frames

_COMMANDS = {"error": "error", "warning": "warning", "info": "notice", "unknown": "warning"}


def render(report: Report) -> str:
    """Return the commands, one a line, the gravest first."""
    groups: dict[tuple[str, str, str, str], list[CheckFinding]] = {}
    for each in report.findings:
        word = "unknown" if each["verdict"] == "unknown" else each["severity"]
        groups.setdefault((word, each["rule_id"], each["sequence_key"], each["message"]), []).append(each)
    ordered = sorted(groups.items(), key=lambda pair: list(_COMMANDS).index(pair[0][0]))
    unread = [*report.errors, *(file for each in report.sequences for file in each.unread)]
    return "\n".join(
        [
            *(_annotation(word, rule, message, found) for (word, rule, _, message), found in ordered),
            *(_command("error", each["file_path"], "not read", each["message"]) for each in unread),
        ]
    )


def _annotation(word: str, rule: str, message: str, findings: list[CheckFinding]) -> str:
    frames = format_frames(frame for each in findings for frame in each["frames"])
    title = f"{rule} unknown" if word == "unknown" else rule
    path = findings[0]["file_path"] or findings[0]["sequence_key"]
    return _command(_COMMANDS[word], path, title, f"{frames}: {message}" if frames else message)


def _command(command: str, path: str, title: str, message: str) -> str:
    path = path if is_object(path) else os.path.relpath(path)
    return f"::{command} file={_property(path)},title={_property(title)}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
