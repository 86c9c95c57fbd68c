"""The function alone: its folder, an environment made from its own requirements, and nothing else."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import venv
from pathlib import Path
from typing import Any

import pytest

from deploy.pack import contents, unpack
from tests.deploy.conftest import ROOT

ON_THE_CLUSTER = ("exr_inspector.sources.s3", "exr_inspector.catalog.vast.store")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_folder_works_in_an_environment_made_from_its_own_requirements(
    demo: Path, tmp_path: Path
) -> None:
    """As the image is built. The figures are printed, not judged: they are those of this machine."""
    folder, environment = tmp_path / "workspace", tmp_path / "environment"
    unpack(contents(), folder)
    smoke = Path(shutil.copy(ROOT / "deploy" / "smoke.py", tmp_path))
    venv.create(environment, with_pip=True)
    python = environment / "bin" / "python"
    empty = _size(environment)
    _pip(python, "install", "--requirement", folder / "requirements.txt")

    plain = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    sample = demo / "shots/sq010/sh010/beauty.1001.exr"
    starts = [_started(python, smoke, folder, sample, plain) for _ in range(2)]
    # On the cluster the objects come from S3 and the rows go to VAST DataBase.
    script = f"import sys; sys.path.insert(0, {str(folder)!r}); import main, {', '.join(ON_THE_CLUSTER)}"
    began = time.perf_counter()
    subprocess.run([python, "-I", "-c", script], env=plain, check=True)
    seconds_on_the_cluster = time.perf_counter() - began
    installed = _pip(python, "freeze").split()

    for figures, seconds in starts:
        assert figures["status"] == "ok"
        assert figures["opens_in_openimageio"] is True
        assert figures["persistence"] == "skipped"
        sys.stdout.write(f"\n{seconds:.2f} s from start to end: {figures}")
    sys.stdout.write(f"\n{seconds_on_the_cluster:.2f} s to import all that the cluster needs")
    sys.stdout.write(
        f"\n{len(installed)} packages, {(_size(environment) - empty) / 2**20:.0f} MiB installed\n"
    )
    assert not [name for name in installed if name.startswith(("duckdb", "pytest"))]


def _pip(python: Path, *words: str | Path) -> str:
    command = [python, "-m", "pip", "--quiet", "--disable-pip-version-check", *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _started(
    python: Path, smoke: Path, folder: Path, sample: Path, environment: dict[str, str]
) -> tuple[dict[str, Any], float]:
    started = time.perf_counter()
    done = subprocess.run(
        [python, "-I", smoke, folder, sample],
        cwd=folder.parent,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.perf_counter() - started
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), seconds


def _size(folder: Path) -> int:
    return sum(each.stat().st_size for each in folder.rglob("*") if each.is_file() and not each.is_symlink())
