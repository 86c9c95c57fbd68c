"""Store a small studio: two shows with every property that docs/VAST_ANALYTICS_QUERIES.md asks for.

Their files take the way of the product, as objects of one bucket.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path

from exr_inspector.catalog.duckdb.store import DuckDBStore
from exr_inspector.events.request import Request
from exr_inspector.location import path_location
from exr_inspector.pipeline import Runtime, inspect_many
from exr_inspector.settings import Settings
from exr_inspector.sources.protocol import Source, Stat
from tests import corpus
from tests.queries.dune import dune
from tests.queries.hill import RERENDERED, beauty, hill
from tests.queries.pictures import LONG_AGO, File
from tests.queries.tide import OLDER_RELEASE, tide

ROOT = "s3://studio/shows/"
CORPUS_SHOW = "openexr-images"
DRAGON = (
    (1002, "/set/hill", 1200.0),
    (1003, "/char/dragon/body", 12.25),
    (1004, "/char/dragon/body", 71.5),
    (1005, "/char/dragon/body", 40.0),
    (1005, "/char/dragon/tail", 3.25),
)
"""Frames, objects and areas in pixels."""


@dataclass
class Object:
    """A Source of an object in the bucket. `content(start, length)` returns a range of its bytes."""

    location: str
    content: Callable[[int, int], bytes]
    made: Stat

    def read(self, start: int, length: int) -> bytes:
        return self.content(start, length)

    def stat(self) -> Stat:
        return self.made


@dataclass
class Bucket:
    """The objects by location, and the store that receives their rows."""

    store: DuckDBStore
    objects: dict[str, Source] = field(default_factory=dict)

    def put(self, files: Sequence[File]) -> None:
        for file in files:
            stat = Stat(len(file.content), ago(file.days), hashlib.md5(file.content).hexdigest())
            self._add(Object(ROOT + file.key, _piece_of(file.content), stat))

    def put_corpus(self) -> None:
        for path in corpus.images() + corpus.damaged():
            location = f"{ROOT}{CORPUS_SHOW}/{corpus.name_of(path)}"
            self._add(Object(location, _piece_of_file(path), Stat(path.stat().st_size, ago(LONG_AGO))))

    def inspect(self, stats: str = "none") -> None:
        """Inspect each object for one event. `stats` is the mode of the settings."""
        settings = Settings(completeness="always", stats=stats)
        runtime = Runtime(settings, self.store, lambda location: self.objects[location.path])
        requests = [Request("created", (path_location(location),)) for location in self.objects]
        list(inspect_many(requests, runtime))
        self.objects.clear()

    def _add(self, each: Object) -> None:
        self.objects[each.location] = each


def ago(days: int) -> datetime:
    return datetime.now(timezone.utc) - timedelta(days=days)


def fill(store: DuckDBStore, *, with_corpus: bool) -> None:
    """Inspect the studio's files, and one of them again after it was rendered again."""
    bucket = Bucket(store)
    bucket.put([*hill(), *tide()])
    if with_corpus:
        bucket.put_corpus()
    bucket.inspect()
    # The second render is dated tomorrow, so it is newer than the row just written.
    bucket.put([File(RERENDERED, beauty(1009, 4100), days=-1)])
    bucket.inspect()
    # The pixels are filler, so what their objects cover cannot be measured.
    for frame, name, area in DRAGON:
        store.query(
            "INSERT INTO cryptomatte_objects BY NAME"
            " SELECT file_id, file_path, ? AS name, ? AS area, 100 AS pixel_count"
            " FROM files WHERE file_path = ?",
            [name, area, f"{ROOT}hill/sq010/sh020/render/beauty.{frame}.exr"],
        )
    store.query(
        "UPDATE files SET inspector_version = '0.0.9', embedding_version = 0 WHERE file_path = ?",
        [ROOT + OLDER_RELEASE],
    )


def fill_measured(store: DuckDBStore) -> None:
    """Inspect and measure the files of the show "dune"."""
    bucket = Bucket(store)
    bucket.put([*dune()])
    bucket.inspect(stats="full")


def _piece_of(content: bytes) -> Callable[[int, int], bytes]:
    return lambda start, length: content[start : start + length]


def _piece_of_file(path: Path) -> Callable[[int, int], bytes]:
    def piece(start: int, length: int) -> bytes:
        with path.open("rb") as file:
            file.seek(start)
            return file.read(length)

    return piece
