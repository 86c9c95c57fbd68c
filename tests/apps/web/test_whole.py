"""What is found in a sequence as a whole: the page and the report say what `check --db` says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from exr_inspector.apps.web.app import make_site
from exr_inspector.apps.web.queries import whole
from exr_inspector.apps.web.security import Access
from exr_inspector.apps.web.server import running
from exr_inspector.settings import Settings
from tests.apps.cli.command import run
from tests.apps.web.conftest import Catalog
from tests.apps.web.show import BEAUTY, render
from tests.apps.web.test_file import text_of

CONFIG = """
show: odd
patterns: ["{pass}.{frame}.exr"]
frames: [{frames: 1001-1008}]
"""


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    """A folder with a sequence that lacks two frames, one by its configuration, and has an odd one."""
    for frame in (1001, 1002, 1003, 1005, 1006, 1007):
        width = 80 if frame == 1003 else 96
        (tmp_path / f"a.{frame}.exr").write_bytes(render(frame, width=width))
    (tmp_path / "exr-inspector.yaml").write_text(CONFIG)
    run("index", tmp_path, "--db", tmp_path / "a.duckdb", "--publish", tmp_path / "view.duckdb")
    return tmp_path


def checked(database: Path, key: Path) -> list[tuple[str, str]]:
    """Return the rules and messages of the findings that `check --db` has in a sequence as a whole."""
    done = run("check", "--db", database, key, "--format", "json", "--quiet")
    (found,) = json.loads(done.stdout)["sequences"]
    return [(each["rule_id"], each["message"]) for each in found["findings"] if each["file_path"] is None]


def test_the_page_says_what_check_says(odd: Path) -> None:
    found = checked(odd / "a.duckdb", odd / "a.#.exr")
    assert {rule for rule, _ in found} >= {"SEQ-02", "SEQ-03"}
    access = Access()
    with running(make_site(str(odd / "view.duckdb"), Settings()), access) as url:
        catalog = Catalog(url, next(iter(access.tokens)), odd)
        text = text_of(catalog.get(catalog.sequence("a.#.exr").replace("?", "/whole?")).text)
    for rule, message in found:
        assert f"{rule} {message}" in text


def test_the_report_says_what_check_says_and_which_frames_it_is_about(odd: Path) -> None:
    path = odd / "report.html"
    assert run("report", "--db", odd / "view.duckdb", "-o", path).exit_code == 0
    page = path.read_text().partition("<main>")[2]
    summary, _, section = page.partition('<section class="panel"')
    for rule, message in checked(odd / "a.duckdb", odd / "a.#.exr"):
        assert f"{rule} {message}" in text_of(section)
        assert f"{rule} {message} 1 sequence" in text_of(summary)
    assert "<title>1003 ok SEQ-03</title>" in section


def test_a_sequence_that_is_complete_is_failing_in_the_report_if_an_error_is_found_in_it(
    odd: Path, tmp_path: Path
) -> None:
    (odd / "exr-inspector.yaml").unlink()
    (odd / "a.1004.exr").write_bytes(render(1004))
    run("index", odd, "--db", odd / "a.duckdb", "--publish", odd / "view.duckdb")
    path = tmp_path / "report.html"
    run("report", "--db", odd / "view.duckdb", "-o", path)
    section = text_of(path.read_text().partition('<section class="panel"')[2])
    assert "✕ failing" in section
    assert "not judged" not in section


def test_a_sequence_that_is_too_long_says_so(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole, "MAX_COMPARED", 3)
    text = text_of(catalog.get(catalog.sequence(BEAUTY).replace("?", "/whole?")).text)
    assert "too long to check as a whole" in text


def test_a_configuration_that_is_not_valid_is_said_in_the_report(odd: Path) -> None:
    (odd / "exr-inspector.yaml").write_text("frames: 7\n")
    path = odd / "report.html"
    assert run("report", "--db", odd / "view.duckdb", "-o", path).exit_code == 0
    assert "The sequence was not checked as a whole: " in path.read_text()
