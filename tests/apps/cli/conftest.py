from __future__ import annotations

from pathlib import Path

import pytest

from tests.exrfiles.demo import simple, stereo_pair, truncated


@pytest.fixture
def show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make the working folder: two shots with a truncated frame and a file that is not an image."""
    files = {
        "sh010/beauty.1001.exr": simple(4, 4),
        "sh010/beauty.1002.EXR": simple(4, 4),
        "sh010/deep/left.exr": stereo_pair(),
        "sh010/notes.txt": b"not an image",
        "sh020/beauty.1001.exr": truncated(simple(64, 64)),
        "sh020/fake.exr": b"not an image",
        "empty/readme.txt": b"",
    }
    folder = tmp_path / "show"
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    monkeypatch.chdir(folder)
    return folder
