"""Work for a farm manager: a plan of shards, which tasks inspect in any order, as often as they like.

A plan is a folder: `plan.json`, and a Parquet file of paths for each shard. What has been done is what the
store holds; the markers that tasks leave are for people.
"""

from __future__ import annotations

import json
import platform
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from exr_inspector.apps.index import pool, worker
from exr_inspector.apps.index.pool import Shard
from exr_inspector.apps.index.run import Run
from exr_inspector.apps.index.worker import Collector, Inspected, Result
from exr_inspector.catalog.duckdb.inventory import Difference
from exr_inspector.catalog.store import Store
from exr_inspector.errors import BAD_SETTING, DATABASE_IN_USE, InspectorError
from exr_inspector.pipeline import Runtime
from exr_inspector.settings import Settings
from exr_inspector.sources.opener import Opener
from exr_inspector.version import VERSION

# Files of one shard. A task reads about 500 files a second, so it takes half a minute.
FILES_OF_A_SHARD = 10_000
# Seconds that tasks wait for each other to store rows in one DuckDB file.
MAX_TURN, PAUSE = 600.0, 0.5

_COLUMNS = {"path": pa.binary(), "change": pa.string(), "is_link": pa.bool_()}
_PATHS = pa.schema([pa.field(name, each, nullable=False) for name, each in _COLUMNS.items()])


@dataclass(frozen=True)
class Plan:
    """A folder with a plan."""

    folder: Path
    shards: int
    files: int

    @classmethod
    def load(cls, folder: Path) -> Plan:
        """Read a plan. Raises InspectorError(BAD_SETTING) if there is none, or if another release made it."""
        with _written_here(folder / "plan.json"):
            plan = json.loads((folder / "plan.json").read_text())
            versions, shards, files = dict(plan["versions"]), int(plan["shards"]), int(plan["files"])
        if versions != _versions():
            message = f"the plan was made by {_text(versions)}, and this is {_text(_versions())}"
            raise InspectorError(BAD_SETTING, message, str(folder))
        return cls(folder, shards, files)

    def shard(self, number: int) -> list[Difference]:
        """Return the files of a shard, numbered from 0. Raises InspectorError(BAD_SETTING)."""
        if not 0 <= number < self.shards:
            held = {0: "no shards", 1: "1 shard: 0"}.get(
                self.shards, f"{self.shards} shards: 0 to {self.shards - 1}"
            )
            message = f"there is no shard {number}; the plan has {held}"
            raise InspectorError(BAD_SETTING, message, str(self.folder))
        path = self.folder / f"shard-{number:06}.parquet"
        with _written_here(path):
            rows = pq.read_table(path).cast(_PATHS).to_pylist()
        return [
            Difference(row["path"].decode("utf-8", "surrogateescape"), row["change"], row["is_link"])
            for row in rows
        ]

    def done(self) -> dict[int, dict[str, int]]:
        """Return what tasks counted, by the shards that are done. Raises InspectorError(BAD_SETTING)."""
        found = {}
        for each in sorted(self.folder.glob("done-*.json")):
            with _written_here(each):
                counts = json.loads(each.read_text())
                found[int(each.stem.removeprefix("done-"))] = {name: int(counts[name]) for name in counts}
        return found


@contextmanager
def _written_here(path: Path) -> Iterator[None]:
    """Raise BAD_SETTING if a file of a plan cannot be read, or has other content than this module writes."""
    try:
        yield
    except FileNotFoundError:
        raise InspectorError(BAD_SETTING, f"the folder has no {path.name}", str(path.parent)) from None
    except (OSError, ValueError, LookupError, TypeError, OverflowError, pa.ArrowException) as error:
        raise InspectorError(BAD_SETTING, f"this is not a file of a plan: {error}", str(path)) from error


def _versions() -> dict[str, str]:
    # Rows of two releases may differ; a Python of another minor version may lack a library.
    return {"exr-inspector": VERSION, "python": ".".join(platform.python_version_tuple()[:2])}


def _text(versions: dict[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions.items())


def write_plan(run: Run, folder: Path) -> Plan:
    """Compare roots with the store, and write what differs as a plan. Nothing is inspected or deleted.

    Raises InspectorError(BAD_SETTING) if the folder has files in it, and as `Run.run` does.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise InspectorError(BAD_SETTING, "a plan needs an empty folder", str(folder))
    count = 0

    def write(files: Iterable[Difference]) -> Iterator[tuple[Shard, Inspected]]:
        nonlocal count
        for shard in pool.shards(files, FILES_OF_A_SHARD):
            rows = [
                {**each._asdict(), "path": each.path.encode("utf-8", "surrogateescape")} for each in shard
            ]
            pq.write_table(pa.Table.from_pylist(rows, _PATHS), folder / f"shard-{count:06}.parquet")
            count += 1
            yield shard, Inspected([Result("planned")] * len(shard))

    summary = run.run(lambda _: write)
    plan = Plan(folder, count, summary.new + summary.changed)
    _write(folder / "plan.json", {"versions": _versions(), "shards": plan.shards, "files": plan.files})
    return plan


def work(
    files: Sequence[Difference], settings: Settings, open_store: Callable[[], Store], pause: float = PAUSE
) -> Counter[str]:
    """Inspect the files of a shard and store their rows; return their number by status, None as `failed`.

    VAST DataBase takes rows of many tasks at once. In front of a DuckDB file, tasks take turns after they
    have inspected. Raises InspectorError.
    """
    counts: Counter[str] = Counter()
    runtime = Runtime(settings, None, Opener(settings))
    for shard in pool.shards(files):
        collector = Collector()
        results = worker.inspect_files(shard, replace(runtime, store=collector))
        store = _in_turn(open_store, pause)
        try:
            store.upsert(collector.files, collector.removals)
        finally:
            store.close()
        counts.update(each.status or "failed" for each in results)
    return counts


def _in_turn(open_store: Callable[[], Store], pause: float) -> Store:
    deadline = time.monotonic() + MAX_TURN
    while True:
        try:
            return open_store()
        except InspectorError as error:
            if error.fault is not DATABASE_IN_USE or time.monotonic() > deadline:
                raise
        time.sleep(pause)


def mark_done(plan: Plan, shard: int, counts: Counter[str]) -> None:
    """Leave a marker that a shard is done, for `Plan.done`."""
    _write(plan.folder / f"done-{shard:06}.json", dict(counts))


def _write(path: Path, content: Any) -> None:
    part = path.with_name(f".{path.name}.part")
    part.write_text(json.dumps(content) + "\n")
    part.replace(path)
