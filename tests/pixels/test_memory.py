from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from exr_inspector import pixel_stats
from exr_inspector.pixels import memory
from exr_inspector.pixels.memory import MAX_CHUNK, Memory, decoder_memory, file_memory, instance_limit
from exr_inspector.pixels.stream import PartStream
from exr_inspector.settings import MIB
from tests.exrfiles.parts import scanline
from tests.exrfiles.writer import write
from tests.pixels.images import library_file, picture


def _system(root: Path, groups: str, limits: dict[str, str]) -> Path:
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text(groups)
    for name, limit in limits.items():
        path = root / "sys/fs/cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(limit)
    return root


@pytest.mark.parametrize(
    ("groups", "limits"),
    [
        ("0::/\n", {"memory.max": "536870912\n"}),
        ("0::/kube/pod\n", {"memory.max": "max\n", "kube/memory.max": "536870912\n"}),
        ("0::/kube/pod\n", {"kube/memory.max": "max\n", "kube/pod/memory.max": "536870912\n"}),
        ("5:memory:/docker/a\n0::/\n", {"memory/docker/a/memory.limit_in_bytes": "536870912\n"}),
        ("5:cpu,memory:/docker/a\n", {"memory/memory.limit_in_bytes": "536870912\n"}),
        (
            "3:memory:/a\n",
            {"memory/memory.limit_in_bytes": "536870912", "memory/a/memory.limit_in_bytes": "x"},
        ),
    ],
)
def test_the_limit_is_that_of_the_control_group(groups: str, limits: dict[str, str], tmp_path: Path) -> None:
    assert instance_limit(_system(tmp_path, groups, limits)) == 512 * MIB


@pytest.mark.parametrize("limits", [{}, {"memory.max": "max"}, {"memory.max": str(1 << 62)}])
def test_without_a_limit_it_is_the_physical_memory(limits: dict[str, str], tmp_path: Path) -> None:
    limit = instance_limit(_system(tmp_path, "0::/\n", limits))
    assert limit == instance_limit(tmp_path / "nothing") > 64 * MIB


def _usable(limit: int) -> Memory:
    return Memory(int(memory.USABLE * limit) - memory.MIN_RESIDENT - memory.HELPER)


def test_the_largest_chunk_follows_from_the_memory() -> None:
    assert 30 * MIB <= _usable(512 * MIB).max_chunk <= 34 * MIB
    assert _usable(2048 * MIB).max_chunk == MAX_CHUNK
    assert 0 < Memory(0).max_chunk <= MIB
    for limit in (256, 512, 1024):
        held = _usable(limit * MIB)
        assert decoder_memory(held.max_chunk) + file_memory(held.max_chunk) <= held.total


def test_memory_is_waited_for_until_the_deadline() -> None:
    held = Memory(100)
    assert held.reserve(70, None)
    assert not held.reserve(40, time.monotonic())
    threading.Timer(0.05, held.release, (70,)).start()
    assert held.reserve(40, None)
    assert held.free == 60


def test_what_needs_more_than_everything_is_granted_alone() -> None:
    held = Memory(100)
    assert held.reserve(1000, None)
    assert not held.reserve(1, time.monotonic())
    held.release(1000)
    assert held.free == 100


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Iterator[Memory]:
    """An instance with 1 GiB."""
    held = _usable(1024 * MIB)
    monkeypatch.setattr("exr_inspector.pixels.stream.shared_memory", lambda: held)
    monkeypatch.setattr("exr_inspector.pixels.pixel_file.shared_memory", lambda: held)
    yield held
    assert held.free == held.total


def test_events_at_once_share_the_memory(
    small: Memory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library_file(picture(300, 200), "zip", tmp_path / "x.exr")
    used: list[int] = []
    reserve = Memory.reserve

    def noted(self: Memory, size: int, deadline: float | None) -> bool:
        is_granted = reserve(self, size, deadline)
        used.append(self.total - self.free)
        return is_granted

    monkeypatch.setattr(Memory, "reserve", noted)
    with ThreadPoolExecutor(20) as pool:
        found = list(pool.map(pixel_stats, [tmp_path / "x.exr"] * 20))
    assert [each["status"] for each in found] == ["ok"] * 20
    assert len({each["hash"] for each in found}) == 1
    assert max(used) <= small.total < 0.8 * 1024 * MIB


def test_waiting_for_memory_counts_against_the_time(small: Memory, tmp_path: Path) -> None:
    library_file(picture(30, 20), "zip", tmp_path / "x.exr")
    small.reserve(small.total, None)
    found = pixel_stats(tmp_path / "x.exr", seconds=0.05)
    small.release(small.total)
    assert (found["status"], found["failures"][0]["code"]) == ("failed", "PIXELS_TIMEOUT")
    assert found["failures"][0]["chunks"] == 2


def test_a_chunk_that_is_too_large_for_the_instance_is_not_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Memory(memory.DECODER_BASE + memory.FILE_BASE + 7 * 2 * MIB)
    monkeypatch.setattr("exr_inspector.pixels.stream.shared_memory", lambda: held)
    monkeypatch.setattr("exr_inspector.pixels.pixel_file.shared_memory", lambda: held)
    wide: dict[str, Any] = {"R": np.zeros((17, 1 << 16), np.float32)}
    (tmp_path / "x.exr").write_bytes(write(scanline(wide)))
    found = pixel_stats(tmp_path / "x.exr")
    assert (found["status"], found["coverage"]["chunks_read"]) == ("partial", 1)
    assert (found["failures"][0]["code"], found["failures"][0]["chunks"]) == ("PIXELS_LIMIT", 1)


@pytest.mark.parametrize("mode", ["full", "sampled"])
def test_what_is_not_read_in_time_is_given_up(
    mode: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library_file(picture(1600, 16), "zip", tmp_path / "x.exr")
    monkeypatch.setattr("exr_inspector.pixels.stream.GROUP_BYTES", 1)
    looks = itertools.count()
    monkeypatch.setattr(PartStream, "_is_late", lambda _: next(looks) > 6)
    found = pixel_stats(tmp_path / "x.exr", mode, 0)
    assert found["status"] == "partial"
    assert {each["code"] for each in found["failures"]} == {"PIXELS_TIMEOUT"}
    assert 0 < found["coverage"]["chunks_read"] < 16
    assert not found["coverage"]["exact"]
    assert {each["mean_standard_error"] for each in found["channels"]} == {None}


def test_an_answer_that_does_not_come_in_time_is_given_up(tmp_path: Path) -> None:
    library_file(picture(30, 20), "zip", tmp_path / "x.exr")
    found = pixel_stats(tmp_path / "x.exr", seconds=0)
    assert (found["status"], found["failures"][0]["code"]) == ("failed", "PIXELS_TIMEOUT")
