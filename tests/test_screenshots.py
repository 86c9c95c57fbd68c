"""The pictures of docs/images, which `make screenshots` takes."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from docs.screenshots import IMAGES, NAMES
from tests.test_docs import ROOT


def test_there_is_a_picture_of_each_page() -> None:
    assert {each.stem for each in IMAGES.iterdir()} == set(NAMES)


@pytest.mark.parametrize("path", sorted(IMAGES.iterdir()), ids=lambda path: path.stem)
def test_a_picture_is_small_and_shown(path: Path) -> None:
    assert path.stat().st_size < 150_000
    with Image.open(path) as picture:
        assert (picture.format, picture.size) == ("WEBP", (1280, 800))
    pages = [ROOT / "README.md", ROOT / "docs" / "BROWSING.md"]
    assert any(f"images/{path.name}" in page.read_text() for page in pages)
