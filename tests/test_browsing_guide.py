"""docs/BROWSING.md: its commands run, and print what it shows."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.apps.cli.command import COMMAND, environment, run
from tests.exrfiles.versions import write_versions
from tests.test_docs import _blocks, _commands

GUIDE = "docs/BROWSING.md"


def test_the_commands_of_the_guide_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write, index, browse, *reports, sql = map(shlex.split, _commands(GUIDE))
    assert write == ["python", "-m", "tests.exrfiles.versions", "build/versions"]
    write_versions(tmp_path / "build" / "versions")
    assert run(*index[1:]).exit_code == 0
    (shown,) = _blocks(GUIDE, "text")
    expected = re.escape(shown.strip()).replace("PORT", "[0-9]+").replace("TOKEN", "[-_A-Za-z0-9]{43}")
    command = [*COMMAND, *browse[1:]]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment()) as browsing:
        assert browsing.stdout
        assert re.fullmatch(expected, browsing.stdout.readline().strip())
        browsing.kill()
    for report in reports:
        assert run(*report[1:]).exit_code == 0
        assert "beauty_v01" in Path(report[-1]).read_text()
    assert len(reports) == 2
    assert "beauty_v012.####.exr" in run(*sql[1:]).stdout
