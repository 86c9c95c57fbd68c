"""Part of `make bench`: files per second into each store, requests per file, and a search of 100,000 files.

The database server is the tests' stand-in, in a process of its own: its figures say what the store costs,
not what a cluster gives.
"""

from __future__ import annotations

import copy
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from exr_inspector import inspect
from exr_inspector.catalog.duckdb.store import DuckDBStore
from exr_inspector.catalog.facets import FileRows
from exr_inspector.catalog.nearest import nearest
from exr_inspector.catalog.rows import rows_of
from exr_inspector.catalog.search import Search
from exr_inspector.catalog.store import Store
from exr_inspector.catalog.vast.store import VastStore
from exr_inspector.settings import Settings
from exr_inspector.vectors.embedding import EMBEDDING_VERSION
from tests.exrfiles.demo import layered_beauty
from tests.vast_server.server import VastServer

SINGLES, BATCHES, BATCH = 100, 5, 100
SEARCHED = 100_000


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        files = _files(Path(folder), SINGLES + BATCH * BATCHES)
        print(f"{'':38}{'files/s':>9}{'requests/file':>15}")
        store = DuckDBStore(str(Path(folder) / "bench.duckdb"))
        _time("DuckDB", store, files, lambda: 0)
        store.close()
        _vast(files)
    _search()


def _files(folder: Path, count: int) -> list[FileRows]:
    """Rows of so many files of 29 channels, alike but for their places."""
    path = folder / "beauty.exr"
    path.write_bytes(layered_beauty(width=64, height=36))
    document = inspect(path)
    made = []
    for frame in range(count):
        each = copy.deepcopy(document)
        each["file"]["path"] = f"/shows/bench/beauty.{frame:04}.exr"
        made.append(rows_of(each))
    return made


def _time(name: str, store: Store, files: Sequence[FileRows], requests: Callable[[], int]) -> None:
    store.ensure_tables()
    store.upsert(files[:1])
    singles, batches = files[:SINGLES], [files[at : at + BATCH] for at in range(SINGLES, len(files), BATCH)]
    steps: dict[str, list[Sequence[FileRows]]] = {
        "new, one by one": [[each] for each in singles[1:]],
        "unchanged, one by one": [[each] for each in singles[1:]],
        f"new, in batches of {BATCH}": list(batches),
        f"unchanged, in batches of {BATCH}": list(batches),
    }
    for step, deliveries in steps.items():
        before, started = requests(), time.perf_counter()
        for delivery in deliveries:
            store.upsert(delivery)
        seconds, count = time.perf_counter() - started, sum(map(len, deliveries))
        print(
            f"{name + ', ' + step:38}{count / seconds:9.0f}{(requests() - before) / count:15.2f}", flush=True
        )


def _serve(pipe: Connection) -> None:
    with VastServer() as server:
        pipe.send((server.endpoint, server.access_key, server.secret_key, server.bucket))
        while pipe.recv():
            pipe.send(len(server.requests))


@contextmanager
def served_vast() -> Iterator[tuple[Settings, Callable[[], int]]]:
    """Run the stand-in in a process; give its settings, and a function that counts its requests."""
    ours, theirs = get_context("spawn").Pipe()
    process = get_context("spawn").Process(target=_serve, args=(theirs,))
    process.start()
    endpoint, access, secret, bucket = ours.recv()

    def requests() -> int:
        ours.send(True)
        return int(ours.recv())

    yield (
        Settings(vast_endpoint=endpoint, vast_access_key=access, vast_secret_key=secret, vast_bucket=bucket),
        requests,
    )
    ours.send(False)
    process.join()


def _vast(files: Sequence[FileRows]) -> None:
    with served_vast() as (settings, requests):
        store = VastStore(settings)
        _time("VAST stand-in", store, files, requests)
        store.close()


def _search() -> None:
    """Exact distances over all files, after a condition in SQL."""
    vectors = np.random.default_rng(1).standard_normal((SEARCHED, 384), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    columns: dict[str, Any] = {
        "file_id": [f"{number:032x}" for number in range(SEARCHED)],
        "file_path": [f"/shows/bench/beauty.{number:06}.exr" for number in range(SEARCHED)],
        "sequence_key": [f"/shows/bench/{number // 100:04}.#.exr" for number in range(SEARCHED)],
        "status": ["ok"] * SEARCHED,
        "embedding_version": [EMBEDDING_VERSION] * SEARCHED,
        "metadata_embedding": pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), 384),
    }
    connection = duckdb.connect()
    connection.register("incoming", pa.table(columns))
    connection.execute("CREATE TABLE files AS SELECT * FROM incoming")
    times = []
    for number in range(5):
        started = time.perf_counter()
        nearest(connection, Search(vectors[number].tolist(), where="status = 'ok'"))
        times.append(time.perf_counter() - started)
    best, worst = 1000 * min(times), 1000 * max(times)
    print(f"similar, {SEARCHED:,} files in DuckDB: {best:.0f} ms (worst of 5: {worst:.0f})")


if __name__ == "__main__":
    main()
