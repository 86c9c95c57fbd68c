"""The pictures in docs/images, taken by `make screenshots`."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from docs.screenshots import IMAGES, NAMES
from docs.terminal import CAPTURE, capture
from tests.test_docs import ROOT

PICTURES = sorted(IMAGES.glob("*.webp"))


def test_there_is_a_picture_of_each_page() -> None:
    assert {each.stem for each in PICTURES} == set(NAMES)
    assert {*IMAGES.iterdir()} == {*PICTURES, CAPTURE}


def test_the_terminal_of_the_readme_shows_what_the_commands_print(tmp_path: Path) -> None:
    assert capture(tmp_path) == CAPTURE.read_text("utf-8"), "run `make screenshots`"
    assert f"images/{CAPTURE.name}" in (ROOT / "README.md").read_text("utf-8")


@pytest.mark.parametrize("path", PICTURES, ids=lambda path: path.stem)
def test_a_picture_is_small_and_shown(path: Path) -> None:
    assert path.stat().st_size < 150_000
    with Image.open(path) as picture:
        assert (picture.format, picture.size) == ("WEBP", (1280, 800))
    pages = [ROOT / "README.md", ROOT / "docs" / "BROWSING.md"]
    assert any(f"images/{path.name}" in page.read_text() for page in pages)
