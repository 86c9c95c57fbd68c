from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from exr_inspector import InspectorError, pixel_stats
from exr_inspector.errors import OBJECT_CHANGED
from exr_inspector.pixels import fetch
from exr_inspector.pixels.fetch import IN_FLIGHT, ChunkReader
from exr_inspector.pixels.plan import Unit
from exr_inspector.sources.read_ahead import ReadAhead
from tests.exrfiles.parts import scanline
from tests.exrfiles.writer import write
from tests.pixels.images import Bytes, opened

DATA = write(scanline({"R": np.random.default_rng(1).random((600, 50)).astype(np.float32)}))
"""38 chunks of about 3 KiB."""


class Slow(Bytes):
    """A source that notes its requests, and how many there are at once."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.requests: list[tuple[int, int]] = []
        self.now = self.most = 0
        self._lock = threading.Lock()

    def read(self, start: int, length: int) -> bytes:
        with self._lock:
            self.requests.append((start, length))
            self.now += 1
            self.most = max(self.most, self.now)
        time.sleep(0.005)
        with self._lock:
            self.now -= 1
        return super().read(start, length)


def _reader(source: Bytes) -> tuple[ChunkReader, list[list[Unit]]]:
    _, table = opened(source.data)
    return ChunkReader(ReadAhead(source), table, 0, 1 << 27), [[(index,)] for index in range(table.total)]


def test_requests_are_large_few_and_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "MAX_REQUEST", 10_000)
    source = Slow(DATA)
    reader, groups = _reader(source)
    found = list(reader.read(groups))
    assert [group for group, _ in found] == groups
    assert max(length for _, length in source.requests) <= 10_000
    assert len(source.requests) == reader.requests <= len(DATA) // 5_000
    assert reader.bytes_read <= len(DATA)
    assert 1 < source.most <= IN_FLIGHT


def test_what_is_read_ahead_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "MAX_REQUEST", 4_000)
    source = Slow(DATA)
    reader, groups = _reader(source)
    for taken, _ in enumerate(reader.read(groups)):
        time.sleep(0.02 if taken < 3 else 0)
        assert len(source.requests) <= taken + 2 + IN_FLIGHT


def test_a_reader_that_is_closed_early_ends_its_threads() -> None:
    before = threading.active_count()
    reader, groups = _reader(Slow(DATA))
    stream = reader.read(groups)
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    assert threading.active_count() <= before


class Replaced(Slow):
    """A source whose file is replaced at the third request."""

    def read(self, start: int, length: int) -> bytes:
        data = super().read(start, length)
        if len(self.requests) >= 3:
            raise InspectorError(OBJECT_CHANGED, "the object was replaced while it was read")
        return data


def _opener(source: Callable[[], Bytes]) -> Any:
    return lambda _settings: lambda _location: source()


def test_a_file_that_is_replaced_meanwhile_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = write(scanline({"R": np.ones((600, 50), np.float32)}))
    sources = [Replaced(DATA), Slow(other)]
    monkeypatch.setattr(fetch, "MAX_REQUEST", 10_000)
    monkeypatch.setattr("exr_inspector.pixels.stats.Opener", _opener(lambda: sources.pop(0)))
    found = pixel_stats(tmp_path / "x.exr")
    assert (found["status"], found["channels"][0]["max"], found["channels"][0]["count"]) == ("ok", 1, 30_000)


def test_a_file_that_is_replaced_again_and_again_is_a_transient_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "MAX_REQUEST", 10_000)
    monkeypatch.setattr("exr_inspector.pixels.stats.Opener", _opener(lambda: Replaced(DATA)))
    with pytest.raises(InspectorError, match="OBJECT_CHANGED"):
        pixel_stats(tmp_path / "x.exr")
