"""The packed function runs alone: in another folder, without this repository or the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from deploy.pack import contents, unpack

REPOSITORY = Path(__file__).parents[1]
FOLDER = REPOSITORY / "functions" / "exr_inspector"

# Import the package from the working folder only: drop the editable install from the path.
_ISOLATE = """
import json, os, sys
installed = [each for each in sys.path if "site-packages" in each or each.startswith(sys.base_prefix)]
sys.path[:] = [os.getcwd(), *installed]
sys.meta_path[:] = [each for each in sys.meta_path if "editable" not in repr(each).lower()]
"""
# Like the runtime: import `main` from the working folder, call `init` once, then handle events.
_RUNTIME = """
import main
main.init(None)
found = [main.handler(None, {"data": {"path": path}}) for path in sys.argv[1:]]
found += main.batch_handler(None, [{"data": {"path": path}} for path in sys.argv[1:]])
ours = [module for name, module in sys.modules.items() if name.split(".")[0] in ("main", "exr_inspector")]
print(json.dumps([found, [module.__file__ for module in ours]]))
"""
# The same as `python -m exr_inspector`.
_COMMAND_LINE = """
import runpy
runpy.run_module("exr_inspector", run_name="__main__", alter_sys=True)
"""


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    """The files that `make build` packs, in another folder."""
    unpack(contents(), tmp_path / "workspace")
    return tmp_path / "workspace"


def _run(folder: Path, script: str, *paths: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-I", "-B", "-c", _ISOLATE + script, *map(str, paths)],
        cwd=folder,
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_the_packed_function_imports_and_answers_alone(packed: Path, demo: Path, tmp_path: Path) -> None:
    paths = [demo / "shots/sq010/sh010/beauty.1001.exr", demo / "shots/sq010/sh020/beauty.1004.exr"]
    done = _run(packed, _RUNTIME, *paths, EXR_INSPECTOR_DB=str(tmp_path / "rows.duckdb"))
    assert done.returncode == 0, done.stderr
    documents: list[dict[str, Any]]
    documents, files = json.loads(done.stdout)
    assert [each["file"]["status"] for each in documents] == ["ok", "incomplete"] * 2
    assert [each["file"]["openimageio"]["opens"] for each in documents] == [True] * 4
    assert [each["persistence"]["inserted"] for each in documents] == [True, True, False, False]
    assert len(files) > 10
    assert [file for file in files if packed not in Path(file).parents] == []


def test_the_packed_function_has_no_apps_and_its_command_line_says_so(packed: Path) -> None:
    assert not (packed / "exr_inspector" / "apps").exists()
    done = _run(packed, _COMMAND_LINE)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "exr-inspector: exr_inspector.apps is left out of the deployed function. The command line is not"
        " installed: pip install 'exr-inspector[cli]'\n"
    )


def test_the_packed_function_contains_what_the_builder_reads(packed: Path) -> None:
    assert {"main.py", "batch_main.py", "requirements.txt", "Aptfile", "exr_inspector"} <= {
        each.name for each in packed.iterdir()
    }
    assert not list(packed.rglob("test*"))


def test_the_repositorys_aptfile_contains_the_folders() -> None:
    assert set(_lines(FOLDER / "Aptfile")) <= set(_lines(REPOSITORY / "Aptfile"))


def _lines(path: Path) -> list[str]:
    """Return the lines without comments and empty lines."""
    stripped = (line.split("#")[0].strip() for line in path.read_text("utf-8").splitlines())
    return [line for line in stripped if line]
