"""The examples in docstrings run, in a folder with the frames that they name."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

from tests.exrfiles.demo import simple

PACKAGE = Path(__file__).parents[1] / "functions" / "exr_inspector" / "exr_inspector"
MODULES = [
    ".".join(("exr_inspector", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__")
    for path in sorted(PACKAGE.rglob("*.py"))
    if ">>>" in path.read_text()
]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_run(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for frame in (1001, 1002):
        (tmp_path / f"beauty.{frame}.exr").write_bytes(simple(64, 36))
    monkeypatch.chdir(tmp_path)
    results = doctest.testmod(importlib.import_module(name))
    assert results.attempted
    assert results.failed == 0, capsys.readouterr().out


def test_the_front_door_has_examples() -> None:
    assert {"exr_inspector", "exr_inspector.library", "exr_inspector.pipeline"} <= set(MODULES)
