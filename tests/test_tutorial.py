"""docs/TUTORIAL.md: every command runs in a clone, and prints what the page shows."""

from __future__ import annotations

from pathlib import Path

from tests.test_docs import FENCE, ROOT, _run, clone, unprinted

__all__ = ["clone"]

TUTORIAL = (ROOT / "docs" / "TUTORIAL.md").read_text("utf-8")
# The incomplete frame of the demo makes the exit code 1, as the page says.
BAD = ("exr-inspector inspect build/demo/shots/sq010/sh020", "exr-inspector check")


def test_the_tutorial_runs_from_top_to_bottom(clone: Path) -> None:
    printed = ""
    shown = 0
    for kind, text in FENCE.findall(TUTORIAL):
        if kind == "sh":
            printed = ""
            for command in text.splitlines():
                done = _run(command, clone)
                assert done.returncode == int(command.startswith(BAD)), done.stdout + done.stderr
                printed += done.stdout + done.stderr
        else:
            shown += 1
            assert unprinted(text, printed) == [], printed
    assert shown >= 8
