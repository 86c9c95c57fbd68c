"""The files of the repository that other tools read: CI, the image, and the set-up of editors."""

from __future__ import annotations

import re
import shutil
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

from exr_inspector.version import VERSION
from tests.release.installed import NEWEST, OLDEST, ROOT, run


def test_the_workflow_runs_what_ci_runs_on_the_oldest_and_the_newest_python() -> None:
    (job,) = yaml.safe_load((ROOT / ".github/workflows/check.yaml").read_text())["jobs"].values()
    assert job["steps"][-1] == {"run": ".ci/run"}
    assert job["strategy"]["matrix"]["python"] == [f"3.{OLDEST}", f"3.{NEWEST}"]
    assert (ROOT / ".ci/run").stat().st_mode & 0o100
    assert "\nmake check\n" in (ROOT / ".ci/run").read_text()


def test_ci_installs_a_browser_if_there_is_none() -> None:
    packages = [line.partition("#")[0].strip() for line in (ROOT / "Aptfile").read_text().splitlines()]
    assert "chromium" in packages
    assert "apt-get install" in (ROOT / ".ci/run").read_text()


def test_every_local_hook_of_pre_commit_is_a_command_of_make_lint_or_docs_check() -> None:
    makefile = (ROOT / "Makefile").read_text()
    (repository,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    for hook in repository["hooks"]:
        command = hook["entry"].replace(".venv/bin/", "$(BIN)/")
        assert command in makefile, hook["id"]


def test_pythons_are_the_same_everywhere() -> None:
    project = (ROOT / "pyproject.toml").read_text()
    minors = [int(minor) for minor in re.findall(r'"Programming Language :: Python :: 3\.(\d+)"', project)]
    assert minors == list(range(OLDEST, NEWEST + 1))
    assert f'requires-python = ">=3.{OLDEST}"' in project


def test_the_version_is_stated_in_one_place_and_the_changelog_begins_with_it() -> None:
    assert 'version = { attr = "exr_inspector.version.VERSION" }' in (ROOT / "pyproject.toml").read_text()
    found = re.search(r"^## (\d+\.\d+\.\d+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert found
    assert found[1] == VERSION
    assert f"version: {VERSION}\n" in (ROOT / "CITATION.cff").read_text()


@pytest.mark.slow
def test_the_image_gets_all_that_the_wheel_is_built_from(
    distributions: tuple[Path, Path], tmp_path: Path
) -> None:
    """Docker sends the files that .dockerignore does not exclude; no daemon is needed to build from them."""
    source = tmp_path / "source"
    source.mkdir()
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        if line.startswith("!"):
            path = ROOT / line[1:]
            copy = shutil.copytree if path.is_dir() else shutil.copy
            copy(path, source / line[1:])
    for folder in [*source.rglob("__pycache__"), *source.rglob("*.egg-info")]:
        shutil.rmtree(folder)
    run(sys.executable, "-m", "build", "--wheel", "--outdir", tmp_path, source)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as ours, zipfile.ZipFile(distributions[1]) as released:
        assert set(ours.namelist()) == set(released.namelist())
    copied = re.findall(r"^COPY (?:--from=build )?(\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert [name for name in copied if not name.startswith("/") and not (source / name).exists()] == []
