from __future__ import annotations

import json
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from exr_inspector import pixel_stats
from tests.exrfiles.attributes import attribute
from tests.exrfiles.parts import scanline
from tests.exrfiles.writer import write
from tests.pixels.images import opened

ROOT = Path(__file__).parents[2]
linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


def _soak(*arguments: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.pixels.soak", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@linux
@pytest.mark.slow
def test_files_in_a_row_leave_no_memory_no_descriptors_and_no_processes() -> None:
    found = _soak("files", "200")
    assert set(found["status"]) == {"ok", "partial", "failed"}
    assert max(found["growth"]) <= 16
    assert (found["descriptors"], found["children"]) == ([0, 0], 0)


@linux
@pytest.mark.slow
def test_events_at_once_stay_within_the_memory_of_the_instance() -> None:
    found = _soak("events", "20", "1024")
    assert found["status"] == {"ok": 20}
    assert found["memory"] < 0.8 * 1024


def _bomb(width: int) -> bytes:
    """A file of one chunk that claims 16 lines, packed as zlib packs zeros."""
    pixels = {"R": np.zeros((1, 1), np.float32)}
    window = attribute("dataWindow", "box2i", (0, 0, width - 1, 15))
    data = write(scanline(pixels, [window]))
    _, table = opened(data)
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(bytes(1 << 20)) for _ in range(64 * width >> 20)) + packer.flush()
    start = int(table.entries[0])
    return data[:start] + struct.pack("<ii", 0, len(packed)) + packed


@pytest.mark.parametrize(
    ("width", "status", "code"),
    [(1 << 21, "ok", None), (9 << 20, "failed", "PIXELS_LIMIT")],
)
def test_bombs_take_little_memory(width: int, status: str, code: str | None, tmp_path: Path) -> None:
    (tmp_path / "x.exr").write_bytes(_bomb(width))
    # Not ru_maxrss, which begins with the memory of the process that started this one.
    script = (
        "import json, sys, exr_inspector as e; found = e.pixel_stats(sys.argv[1]);"
        "peak = open('/proc/self/status').read().split('VmHWM:')[1].split()[0];"
        "print(json.dumps([found, int(peak) // 1024]))"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "x.exr")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found, memory = json.loads(done.stdout)
    assert (found["status"], [each["code"] for each in found["failures"]]) == (status, [code] if code else [])
    assert memory < 400


@pytest.mark.parametrize("size", [0, 1, 100, 1 << 16])
def test_a_chunk_that_unpacks_to_another_size_than_it_claims_is_refused(size: int, tmp_path: Path) -> None:
    data = write(scanline({"R": np.zeros((16, 4096), np.float32)}))
    _, table = opened(data)
    packed = zlib.compress(bytes(size), 0)[: 16 * 4096 * 4 - 1]
    start = int(table.entries[0])
    (tmp_path / "x.exr").write_bytes(data[:start] + struct.pack("<ii", 0, len(packed)) + packed)
    found = pixel_stats(tmp_path / "x.exr")
    assert (found["status"], found["failures"][0]["code"]) == ("failed", "CHUNK_CORRUPT")
