"""The public corpus of OpenEXR images: where it lies and what it holds. Without it, tests are skipped.

It lies beside the project, or where OPENEXR_IMAGES says.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_BESIDE = Path(__file__).parents[2] / "shared" / "corpus" / "openexr-images"
CORPUS = Path(os.environ.get("OPENEXR_IMAGES") or _BESIDE)
DAMAGED = CORPUS / "Damaged"

needed = pytest.mark.skipif(not CORPUS.is_dir(), reason=f"the corpus of OpenEXR images is not at {CORPUS}")


def images() -> list[Path]:
    """The healthy images; none where there is no corpus."""
    return sorted(CORPUS.rglob("*.exr"))


def damaged() -> list[Path]:
    """The damaged files, which have no extension; none where there is no corpus."""
    return sorted(DAMAGED.glob("*"))


def name_of(path: Path) -> str:
    """The path below the corpus."""
    return path.relative_to(CORPUS).as_posix()


def for_each(found: list[Path]) -> pytest.MarkDecorator:
    """For a test with the argument `image`: once for each of these, or skipped with the reason."""
    names = [pytest.param(path, id=name_of(path)) for path in found]
    return pytest.mark.parametrize("image", names or [pytest.param(None, marks=needed, id="no corpus")])


each_image = for_each(images())
