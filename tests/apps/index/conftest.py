from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.catalog.backends import Vast, vast
from tests.exrfiles.demo import simple, truncated

OLD = 1_790_000_000


def write(path: Path, content: bytes, time: int = OLD) -> None:
    """Write a file that was modified long ago."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (time, time))


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make the working folder and in it `tree`: 40 good files, a truncated one, and one that is no image."""
    good = simple(4, 4)
    for index in range(40):
        write(tmp_path / f"tree/sh{index // 10:03}/beauty.{1001 + index % 10}.exr", good)
    write(tmp_path / "tree/sh000/cut.exr", truncated(simple(64, 64)))
    write(tmp_path / "tree/sh000/fake.exr", b"not an image")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "tree"


@pytest.fixture
def database(tree: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Vast]:
    """The VAST DataBase that the settings select."""
    with vast(tables=True) as found:
        settings = found.settings()
        for name in ("endpoint", "access_key", "secret_key", "bucket", "journal"):
            monkeypatch.setenv(f"VAST_DB_{name.upper()}", getattr(settings, f"vast_{name}"))
        yield found
