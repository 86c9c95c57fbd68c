"""docs/KEEPING.md: its commands run, and what is restored is what was there."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import duckdb
import pytest

from exr_inspector.catalog.columns import TABLES
from tests.exrfiles.demo import write_demo
from tests.test_docs import _commands, _run

if TYPE_CHECKING:
    from pathlib import Path

GUIDE = "docs/KEEPING.md"


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """Run the commands in order; return their folder, and what each printed."""
    folder = tmp_path_factory.mktemp("guide")
    for path in write_demo(folder / "build/demo"):
        os.utime(path, (1_790_000_000, 1_790_000_000))
    outputs = {}
    for command in _commands(GUIDE):
        done = _run(command, folder)
        assert done.returncode == 0, done.stdout + done.stderr
        outputs[command] = done.stdout
    return folder, outputs


def test_the_demo_has_what_the_guide_forgets(printed: tuple[Path, dict[str, str]]) -> None:
    found = [
        (command, int(output.split()[1])) for command, output in printed[1].items() if " forget " in command
    ]
    assert len(found) == 4
    assert [command for command, count in found if not count] == []


def test_what_is_restored_is_what_was_backed_up(printed: tuple[Path, dict[str, str]]) -> None:
    folder, outputs = printed
    *_, last = outputs.values()
    assert "11 seen, 0 new, 0 changed, 11 unchanged" in last
    with duckdb.connect(str(folder / "build/restored.duckdb")) as connection:
        connection.execute(f"ATTACH '{folder}/build/keep.duckdb' AS original (READ_ONLY)")
        for table in TABLES:
            (lost,) = connection.execute(
                f"SELECT count(*) FROM (FROM original.{table} EXCEPT FROM {table})"
            ).fetchone()  # type: ignore[misc]
            assert (table, lost) == (table, 0)
