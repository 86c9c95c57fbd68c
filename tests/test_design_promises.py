"""docs/design-promises.md: the places and the tests that it names exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FUNCTION = ROOT / "functions" / "exr_inspector"
TEXT = (ROOT / "docs" / "design-promises.md").read_text("utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in re.findall(r"^\|.*\|$", TEXT, re.MULTILINE)
    if "---" not in line and not line.startswith(("| promise", "| name"))
]
# Names of the design's README that are kept, in the order of its sections.
FILES = [
    *("README.md", "PRD.md", "deploy.sh", ".env.example", "DEPLOYMENT_AUTOMATION.md", "docs/overview.md"),
    *("docs/architecture-diagram.md", "docs/vast-integration.md", "docs/deployment-checklist.md"),
    *("docs/DEV_RUNBOOK.md", "docs/PROD_RUNBOOK.md", "docs/QUICK_START_VAST.md", "docs/TROUBLESHOOTING.md"),
    *("docs/VECTOR_STRATEGY.md", "docs/VAST_ANALYTICS_QUERIES.md", "docs/SERVERLESS_INTEGRATION.md"),
    *("docs/session-notes.md", "docs/change-log.md", "docs/iterations-matrix.md"),
    *(f"functions/exr_inspector/{name}" for name in ("main.py", "requirements.txt", "Aptfile", "README.md")),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_promise_has_a_place_and_a_test(row: list[str]) -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", row[-1])
    assert named
    for file, name in named:
        assert re.search(rf"^ *def {name}\(", (ROOT / file).read_text("utf-8"), re.MULTILINE), (
            f"{file}::{name}"
        )
    for place in re.findall(r"`((?:\.\./\.\./)?[\w./-]+)`", row[1]):
        assert (FUNCTION / place).exists() or place == "make test", place


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_the_design_is_there_and_is_named(name: str) -> None:
    assert (ROOT / name).is_file()
    assert f"{Path(name).name}`" in TEXT


def test_the_promised_targets_of_make_exist() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for target in ("install", "dev", "build", "lint"):
        assert re.search(rf"^{target}:.*## ", makefile, re.MULTILINE)


def test_there_are_more_tests_than_were_promised() -> None:
    sources = [path.read_text("utf-8") for path in (ROOT / "tests").rglob("*.py")]
    assert sum(len(re.findall(r"^ *def test_", text, re.MULTILINE)) for text in sources) > 45
