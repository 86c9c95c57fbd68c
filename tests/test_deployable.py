"""The deployable folder alone: copied elsewhere, with nothing of this repository beside it, it runs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parents[1]
FOLDER = REPOSITORY / "functions" / "exr_inspector"

# As the runtime does: `main` from the working folder, `init` once, then events. `-I` and the filter keep
# everything out of the path but the folder and what is installed.
_RUNTIME = """
import json, os, sys
installed = [each for each in sys.path if "site-packages" in each or each.startswith(sys.base_prefix)]
sys.path[:] = [os.getcwd(), *installed]
sys.meta_path[:] = [each for each in sys.meta_path if "editable" not in repr(each).lower()]
import main
main.init(None)
found = [main.handler(None, {"data": {"path": path}}) for path in sys.argv[1:]]
found += main.batch_handler(None, [{"data": {"path": path}} for path in sys.argv[1:]])
ours = [module for name, module in sys.modules.items() if name.split(".")[0] in ("main", "exr_inspector")]
print(json.dumps([found, [module.__file__ for module in ours]]))
"""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """What `make build` packs, elsewhere."""
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    return Path(shutil.copytree(FOLDER, tmp_path / "workspace", ignore=ignored))


def _run(folder: Path, *paths: Path, **environment: str) -> tuple[list[dict[str, Any]], list[str]]:
    done = subprocess.run(
        [sys.executable, "-I", "-B", "-c", _RUNTIME, *map(str, paths)],
        cwd=folder,
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    documents, files = json.loads(done.stdout)
    return documents, files


def test_the_folder_runs_alone(copy: Path, demo: Path, tmp_path: Path) -> None:
    paths = [demo / "shots/sq010/sh010/beauty.1001.exr", demo / "shots/sq010/sh020/beauty.1004.exr"]
    documents, files = _run(copy, *paths, EXR_INSPECTOR_DB=str(tmp_path / "rows.duckdb"))
    assert [each["file"]["status"] for each in documents] == ["ok", "incomplete"] * 2
    assert [each["file"]["openimageio"]["opens"] for each in documents] == [True] * 4
    assert [each["persistence"]["inserted"] for each in documents] == [True, True, False, False]
    assert len(files) > 10
    assert [file for file in files if copy not in Path(file).parents] == []


def test_the_folder_carries_what_a_build_asks_for(copy: Path) -> None:
    assert {"main.py", "requirements.txt", "Aptfile", "exr_inspector"} <= {
        each.name for each in copy.iterdir()
    }
    assert not list(copy.rglob("test*"))


def test_the_repositorys_aptfile_contains_the_folders() -> None:
    assert set(_lines(FOLDER / "Aptfile")) <= set(_lines(REPOSITORY / "Aptfile"))


def _lines(path: Path) -> list[str]:
    """Without comments."""
    stated = (line.split("#")[0].strip() for line in path.read_text("utf-8").splitlines())
    return [line for line in stated if line]
