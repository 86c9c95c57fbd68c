"""Time the whole way of a file, bytes -> document with OpenImageIO's report -> vectors -> Arrow tables.

`python -m benchmarks.whole_way [--rounds N]` prints microseconds per file, the best of the rounds, beside
OpenEXR's header-only read of the same files in the same run: for single files, for batches of 100, and for
the parts of the way, so that the parts can be compared with the sum. Corpus files (or the demo's without a
corpus) and generated frames of a sequence are measured apart, since caches help only the latter.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import OpenEXR

from exr_inspector.catalog.arrow import arrow_table
from exr_inspector.catalog.columns import TABLES
from exr_inspector.catalog.facets import FileRows
from exr_inspector.catalog.rows import header_rows
from exr_inspector.events.request import Request
from exr_inspector.location import path_location
from exr_inspector.pipeline import Runtime
from exr_inspector.reader import Inspection, Reader
from exr_inspector.vectors.embedding import Vectors, embed
from tests.corpus import images
from tests.exrfiles.demo import layered_beauty, write_demo

BATCH = 100
SINGLE_TARGET, BATCH_TARGET = 25, 18


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        corpus = images() or write_demo(Path(folder, "demo"))
        sequence = [Path(folder, f"beauty.{1001 + number}.exr") for number in range(70)]
        for path in sequence:
            path.write_bytes(layered_beauty())
        for name, paths in (("corpus files", corpus), ("frames of a sequence", sequence)):
            _report(name, [str(path) for path in paths], rounds)


def _report(name: str, paths: Sequence[str], rounds: int) -> None:
    runtime = Runtime()
    reader = Reader(runtime.settings, runtime.open_source, runtime.telemetry)
    requests = {path: Request("created", (path_location(path),)) for path in paths}
    inspections = {path: reader.inspect(request) for path, request in requests.items()}
    vectors = {path: embed(each.document) for path, each in inspections.items()}
    rows = {path: _rows(inspections[path], vectors[path]) for path in paths}

    def whole(path: str) -> None:
        inspection = reader.inspect(requests[path])
        _tables([_rows(inspection, embed(inspection.document))])

    def batch(_: str) -> None:
        found = [reader.inspect(requests[paths[number % len(paths)]]) for number in range(BATCH)]
        _tables([_rows(each, embed(each.document)) for each in found])

    steps: dict[str, Callable[[str], object]] = {
        "OpenEXR File(header_only=True)": lambda path: OpenEXR.File(path, header_only=True).header(),
        "the whole way, one file": whole,
        "  document with OpenImageIO's report": lambda path: reader.inspect(requests[path]),
        "  vectors": lambda path: embed(inspections[path].document),
        "  rows": lambda path: _rows(inspections[path], vectors[path]),
        "  Arrow tables": lambda path: _tables([rows[path]]),
    }
    times = {step: statistics.mean(_best(act, path, rounds) for path in paths) for step, act in steps.items()}
    reference = times["OpenEXR File(header_only=True)"]
    per_file = _best(batch, "", max(3, rounds // 3)) / BATCH
    print(f"{name}: {len(paths)} files, microseconds per file, mean of each file's best of {rounds} rounds")
    for step, microseconds in times.items():
        print(f"{step:45}{microseconds:9.1f}{microseconds / reference:8.1f} x OpenEXR")
    print(f"{f'the whole way, batches of {BATCH}':45}{per_file:9.1f}{per_file / reference:8.1f} x OpenEXR")
    print(f"wanted: single {SINGLE_TARGET} x, batch {BATCH_TARGET} x\n", flush=True)


def _rows(inspection: Inspection, vectors: Vectors) -> FileRows:
    assert inspection.location is not None
    mtime = inspection.stat.mtime if inspection.stat else None
    return header_rows(inspection.document, inspection.location, mtime, vectors)


def _tables(files: Sequence[FileRows]) -> None:
    for table in TABLES:
        arrow_table(table, [row for each in files for row in each.rows.get(table, ())])


def _best(act: Callable[[str], object], path: str, rounds: int) -> float:
    """Return microseconds of the quickest round. Collections of garbage are kept out."""
    times = []
    gc.disable()
    try:
        for _ in range(rounds):
            started = time.perf_counter()
            act(path)
            times.append(time.perf_counter() - started)
    finally:
        gc.enable()
    return 1e6 * min(times)


if __name__ == "__main__":
    main()
