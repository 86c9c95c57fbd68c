"""What is released: the files and the metadata of the source distribution and the wheel."""

from __future__ import annotations

import tarfile
import zipfile
from email.message import Message
from email.parser import Parser
from pathlib import Path

import pytest

from exr_inspector.version import VERSION
from tests.release.installed import ROOT, tracked

pytestmark = pytest.mark.slow  # builds the distributions

PACKAGE = ROOT / "functions" / "exr_inspector" / "exr_inspector"
# Of setuptools' own making.
MADE = {"PKG-INFO", "setup.cfg"}
MAX_WHEEL_BYTES = 1 << 20
MAX_INSTALLED_BYTES = 4 << 20


def _metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (each for each in archive.namelist() if each.endswith(".dist-info/METADATA"))
        return Parser().parsestr(archive.read(name).decode())


def test_the_source_distribution_has_every_file_of_the_repository(distributions: tuple[Path, Path]) -> None:
    with tarfile.open(distributions[0]) as archive:
        names = {each.name.partition("/")[2] for each in archive if each.isfile()}
    assert {each for each in names if ".egg-info/" not in each} == {*tracked(), *MADE}


def test_the_wheel_has_every_file_of_the_package_and_the_handlers(distributions: tuple[Path, Path]) -> None:
    with zipfile.ZipFile(distributions[1]) as archive:
        names = {each for each in archive.namelist() if ".dist-info/" not in each}
    handlers = {f"exr_inspector/function/{path.name}" for path in PACKAGE.parent.glob("*.py")}
    assert "exr_inspector/function/main.py" in handlers
    assert names == {f"exr_inspector/{name}" for name in tracked(PACKAGE)} | handlers


def test_the_wheel_stays_small(distributions: tuple[Path, Path]) -> None:
    """A budget, not a measurement: raise it if something useful needs the room."""
    with zipfile.ZipFile(distributions[1]) as archive:
        installed = sum(each.file_size for each in archive.infolist())
    assert distributions[1].stat().st_size < MAX_WHEEL_BYTES
    assert installed < MAX_INSTALLED_BYTES


def test_the_metadata_describes_the_project(distributions: tuple[Path, Path]) -> None:
    metadata = _metadata(distributions[1])
    assert metadata["Version"] == VERSION
    assert metadata["License-Expression"] == "MIT"
    # The authors are those of the license.
    assert f"Copyright (c) 2026 {metadata['Author']}\n" in (ROOT / "LICENSE").read_text()
    labels = {each.partition(", ")[0] for each in metadata.get_all("Project-URL", [])}
    assert {"Source", "Documentation", "Changelog", "Issues"} <= labels
    assert "Typing :: Typed" in metadata.get_all("Classifier", [])
    assert "OpenEXR" in metadata["Keywords"]
