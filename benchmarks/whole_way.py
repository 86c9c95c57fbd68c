"""Time the whole way of a file, bytes -> document with OpenImageIO's report -> vectors -> Arrow tables.

`python -m benchmarks.whole_way [--rounds N]` prints microseconds of CPU per file, the best of the rounds,
beside OpenEXR's header-only read of the same files in the same run: for single files, for batches of 100,
and for the parts of the way, so that the parts can be compared with the sum. Corpus files (or the demo's
without a corpus) and generated frames of a sequence are measured apart, since caches help only the latter.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import struct
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import OpenEXR

from exr_inspector.catalog.arrow import arrow_table
from exr_inspector.catalog.facets import FileRows
from exr_inspector.catalog.rows import header_rows
from exr_inspector.document.oiio_report import report_header
from exr_inspector.events.request import Request
from exr_inspector.exr.limits import Limits
from exr_inspector.location import path_location
from exr_inspector.pipeline import Runtime
from exr_inspector.reader import Inspection, Reader
from exr_inspector.settings import Settings
from exr_inspector.sources.local import LocalFile
from exr_inspector.sources.read_ahead import ReadAhead
from exr_inspector.vectors.embedding import Vectors, embed
from exr_inspector.version_reader import read_header
from tests.corpus import images
from tests.exrfiles.demo import layered_beauty, write_demo
from tests.exrfiles.metadata import DATE

BATCH, FRAMES = 100, 70
SINGLE_TARGET, BATCH_TARGET = 25, 18
REFERENCE, SINGLE, IN_BATCHES = (
    "OpenEXR File(header_only=True)",
    "the whole way, one file",
    f"the whole way, batches of {BATCH}",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        corpus = images() or write_demo(Path(folder, "demo"))
        for name, paths in (("corpus files", corpus), ("frames of a sequence", write_frames(Path(folder)))):
            _report(name, [str(path) for path in paths], rounds)


def write_frames(folder: Path) -> list[Path]:
    """Write the frames of a sequence. As in real frames, times and statistics of the render differ."""
    paths = [folder / f"beauty.{1001 + number}.exr" for number in range(FRAMES)]
    for number, path in enumerate(paths):
        content = layered_beauty(1001 + number, 96, 54)
        date = f"{DATE[:11]}{10 + number // 60}:{number % 60:02}:{number * 7 % 60:02}"
        content = content.replace(DATE.encode(), date.encode())
        for figure in (148.25, 2311.5):
            content = content.replace(struct.pack("<f", figure), struct.pack("<f", figure + number / 7))
        path.write_bytes(content)
    return paths


class Way:
    """The way of files through one instance, as a whole and in parts."""

    def __init__(self, settings: Settings | None = None) -> None:
        runtime = Runtime(settings or Settings())
        self.reader = Reader(runtime.settings, runtime.open_source, runtime.telemetry)

    def go(self, requests: Sequence[Request]) -> None:
        """Bring files to Arrow tables, in one batch."""
        inspections = [self.reader.inspect(request) for request in requests]
        self.tables([self.rows(each, embed(each.document)) for each in inspections])

    def rows(self, inspection: Inspection, vectors: Vectors) -> FileRows:
        assert inspection.location is not None
        mtime = inspection.stat.mtime if inspection.stat else None
        return header_rows(inspection.document, inspection.location, mtime, vectors)

    def tables(self, files: Sequence[FileRows]) -> None:
        for table in files[0].rows:
            arrow_table(table, [row for each in files for row in each.rows[table]])

    def steps(self, path: str) -> dict[str, Callable[[], object]]:
        """Return the timed steps of one file by title."""
        request = request_of(path)
        inspection = self.reader.inspect(request)
        vectors = embed(inspection.document)
        rows = self.rows(inspection, vectors)
        header = read_header(ReadAhead(LocalFile(path)), Limits())
        size = Path(path).stat().st_size
        return {
            REFERENCE: lambda: OpenEXR.File(path, header_only=True).header(),
            SINGLE: lambda: self.go([request]),
            "  document": lambda: self.reader.inspect(request),
            "    of it reading and parsing the header": lambda: read_header(
                ReadAhead(LocalFile(path)), Limits()
            ),
            "    of it OpenImageIO's report": lambda: report_header(header, size),
            "  vectors": lambda: embed(inspection.document),
            "  rows": lambda: self.rows(inspection, vectors),
            "  Arrow tables": lambda: self.tables([rows]),
        }


def request_of(path: str) -> Request:
    return Request("created", (path_location(path),))


def _report(name: str, paths: Sequence[str], rounds: int) -> None:
    way = Way()
    found: dict[str, list[float]] = {}
    for path in paths:
        for title, act in way.steps(path).items():
            found.setdefault(title, []).append(best(act, rounds))
    times = {title: statistics.mean(each) for title, each in found.items()}
    batch = [request_of(paths[number % len(paths)]) for number in range(BATCH)]
    times[IN_BATCHES] = best(lambda: way.go(batch), max(5, rounds // 2)) / BATCH
    print(f"{name}: {len(paths)} files, microseconds of CPU per file, mean of each file's best of {rounds}")
    for title, microseconds in times.items():
        print(f"{title:45}{microseconds:9.1f}{microseconds / times[REFERENCE]:8.1f} x OpenEXR")
    parts = sum(
        microseconds for title, microseconds in times.items() if title[:4].strip() and title[0] == " "
    )
    print(f"{'the sum of the parts':45}{parts:9.1f}{parts / times[REFERENCE]:8.1f} x OpenEXR")
    print(f"wanted: single {SINGLE_TARGET} x, batch {BATCH_TARGET} x\n", flush=True)


def best(act: Callable[[], object], rounds: int) -> float:
    """Return microseconds of CPU of the quickest round. Collections of garbage are kept out.

    CPU time rather than the clock's, so that other processes of a shared machine disturb it less.
    """
    times = []
    gc.disable()
    try:
        for _ in range(rounds):
            started = time.process_time()
            act()
            times.append(time.process_time() - started)
    finally:
        gc.enable()
    return 1e6 * min(times)


if __name__ == "__main__":
    main()
