from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from exr_inspector.apps.cli import commands
from exr_inspector.pixels.verify import verify_pixels
from tests.exr import files
from tests.pixels.images import library_deep_file, library_file, opened, picture


def _verified(path: Path, data: bytes) -> dict[str, Any]:
    (path / "x.exr").write_bytes(data)
    return verify_pixels(path / "x.exr")


@pytest.mark.parametrize("kind", files.KINDS)
def test_every_chunk_of_every_level_is_decoded(kind: str, tmp_path: Path) -> None:
    found = _verified(tmp_path, files.file(kind).data)
    total = sum(files.file(kind).counts)
    assert (found["status"], found["chunks"], found["chunks_decoded"]) == ("ok", total, total)
    assert (found["bad_chunks"], found["failures"]) == ([], [])


@pytest.mark.parametrize("compression", ["zips", "zstd"])
def test_deep_chunks_are_decoded_whatever_their_codec(compression: str, tmp_path: Path) -> None:
    found = _verified(tmp_path, library_deep_file(compression, tmp_path))
    assert (found["status"], found["chunks_decoded"]) == ("ok", 8)


def test_bad_chunks_of_any_level_are_listed(tmp_path: Path) -> None:
    data = bytearray(files.file("mipmap tiles, down").data)
    _, table = opened(bytes(data))
    level = table.layouts[0].levels[0]
    small = level.columns * level.rows + 1
    for index in (3, small):
        data[int(table.entries[index]) + 25] ^= 255
    found = _verified(tmp_path, bytes(data))
    assert found["status"] == "partial"
    assert [each["level"] for each in found["bad_chunks"]] == [[0, 0], [1, 1]]
    chunk = table.layouts[0].chunk(small)
    assert (found["bad_chunks"][1]["x"], found["bad_chunks"][1]["width"]) == (chunk.x, chunk.width)
    assert found["chunks"] - found["chunks_decoded"] == 2


@pytest.mark.parametrize(("compression", "is_checked"), [("zip", True), ("piz", False), ("none", False)])
def test_codecs_without_a_checksum_are_named(compression: str, is_checked: bool, tmp_path: Path) -> None:
    found = _verified(tmp_path, library_file(picture(40, 9), compression, tmp_path / "y.exr"))
    expected = [] if is_checked else [{"part_index": 0, "compression": compression}]
    assert found["unchecked"] == expected


def test_a_file_that_cannot_be_read_fails(tmp_path: Path) -> None:
    found = _verified(tmp_path, b"no EXR file")
    assert (found["status"], found["failures"][0]["code"]) == ("failed", "NOT_AN_EXR")


def _run(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(commands, ["stats", "--verify", *arguments])
    return done.exit_code, done.stdout


def test_the_command_shows_the_bad_chunks(tmp_path: Path) -> None:
    data = bytearray(files.file("blocks of scan lines").data)
    (tmp_path / "good.exr").write_bytes(data)
    _, table = opened(bytes(data))
    struct.pack_into("<i", data, int(table.entries[1]) + 4, -1)
    (tmp_path / "bad.exr").write_bytes(data)
    status, text = _run(str(tmp_path / "good.exr"))
    assert (status, "3 of 3 chunks decode" in text) == (0, True)
    status, text = _run(str(tmp_path / "bad.exr"))
    assert status == 1
    assert "2 of 3 chunks decode" in text
    assert "part 0, 45x16 at 0,16: CHUNK_CORRUPT" in text
    status, text = _run("--json", str(tmp_path / "bad.exr"))
    assert json.loads(text)["verification"]["bad_chunks"][0]["y"] == 16
