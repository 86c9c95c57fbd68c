"""What README.md says about oiiotool and idiff, which OpenImageIO's package installs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import exr_inspector

BIN = Path(sys.executable).parent
TRUNCATED = "shots/sq010/sh020/beauty.1004.exr"
LUMINANCE_CHROMA = "shots/sq010/sh010/plate.1001.exr"


def _run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    program, *arguments = command
    return subprocess.run([BIN / program, *arguments], capture_output=True, text=True, check=False)


def test_oiiotool_sees_a_truncated_frame_only_when_it_decodes_it(demo: Path) -> None:
    assert _run("oiiotool", "--info", "-v", demo / TRUNCATED).returncode == 0
    assert "missing or corrupted" in _run("oiiotool", "--stats", demo / TRUNCATED).stderr
    assert exr_inspector.inspect(demo / TRUNCATED)["file"]["status"] == "incomplete"


def test_oiiotool_cannot_open_a_luminance_chroma_file(demo: Path) -> None:
    assert _run("oiiotool", "--info", demo / LUMINANCE_CHROMA).returncode != 0
    document = exr_inspector.inspect(demo / LUMINANCE_CHROMA)
    assert document["file"]["status"] == "ok"
    assert {each["name"] for each in document["channels"]} == {"Y", "RY", "BY"}


def test_idiff_has_a_perceptual_comparison_and_writes_difference_images(demo: Path) -> None:
    assert {"-p", "-od"} <= set(_run("idiff", "--help").stdout.split())
    frames = [demo / f"shots/sq010/sh020/beauty.{number}.exr" for number in (1001, 1002)]
    assert _run("idiff", *frames).stdout.splitlines()[-1] == "FAILURE"
