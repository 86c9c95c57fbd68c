"""`make bench`: what each step costs, side by side in one run.

Over the corpus of the Academy Software Foundation's test images where it lies beside the project, and
over the demo's files. Every figure is the best of several rounds per file; median and mean are over files.
"""

from __future__ import annotations

import gc
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import OpenEXR
import OpenImageIO as oiio

from benchmarks.similarity import both_vectors, report_speed
from exr_inspector import inspect
from exr_inspector.document.oiio_report import report_header
from exr_inspector.exr.header import parse_header
from exr_inspector.exr.limits import Limits
from exr_inspector.settings import Settings
from exr_inspector.sources.local import LocalFile
from exr_inspector.sources.read_ahead import ReadAhead
from exr_inspector.version_reader import read_header
from tests.corpus import images
from tests.exr.headers import parsed, plain
from tests.exrfiles.attributes import attribute
from tests.exrfiles.demo import write_demo

ROUNDS = 15
REPORTS = 20_000
LIMITS = Limits()
WITHOUT_VIEW = Settings(openimageio=False)


def ours_parse(path: str) -> None:
    read_header(ReadAhead(LocalFile(path)), LIMITS)


def openexr_header_only(path: str) -> None:
    OpenEXR.File(path, header_only=True).header()


def openimageio_walk(path: str) -> None:
    image = oiio.ImageInput.open(path)
    index = 0
    while image is not None and image.seek_subimage(index, 0):
        _ = [(each.name, each.value) for each in image.spec().extra_attribs]
        index += 1
    oiio.geterror()


STEPS: dict[str, Callable[[str], object]] = {
    "our header parse, all values decoded": ours_parse,
    "OpenEXR File(header_only=True)": openexr_header_only,
    "OpenImageIO walk, all attributes": openimageio_walk,
    "our document without OpenImageIO's view": partial(inspect, settings=WITHOUT_VIEW),
    "our document": inspect,
}


def best(step: Callable[[], object], rounds: int = ROUNDS) -> float:
    """Microseconds of the quickest round."""
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        step()
        times.append(time.perf_counter() - started)
    return 1e6 * min(times)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        files = [str(path) for path in images()] or [str(path) for path in write_demo(Path(folder))]
        print(f"{len(files)} files; microseconds per file, best of {ROUNDS} rounds")
        print(f"{'':45}{'median':>9}{'mean':>9}{'worst':>9}")
        for name, step in STEPS.items():
            _line(name, [best(partial(step, path)) for path in files])
        prefixes = [Path(path).read_bytes()[:65536] for path in files]
        _line(
            "  of it parsing, the bytes at hand",
            [best(partial(parse_header, data)) for data in prefixes],
        )
        headers = [
            (parsed(data), Path(path).stat().st_size) for data, path in zip(prefixes, files, strict=True)
        ]
        _line("  of it OpenImageIO's report", [best(partial(report_header, *each)) for each in headers])
        _embeddings(files)
    print(f"{REPORTS} reports of headers whose strings all differ: {_report_memory()} KiB more memory")
    _start()


def _report_memory() -> int:
    """Return by how many KiB the process grows: OpenImageIO keeps each string that it gets."""

    def report(number: int) -> None:
        note = f"a date, a host and a statistic of frame {number:010}"
        report_header(parsed(plain(*(attribute(name, "string", f"{name} {note}") for name in "abcdefghij"))))

    report(0)
    before = _resident()
    for number in range(1, REPORTS + 1):
        report(number)
    return _resident() - before


def _resident() -> int:
    gc.collect()
    fields = (line.split() for line in Path("/proc/self/status").read_text().splitlines())
    return next(int(words[1]) for words in fields if words[0] == "VmRSS:")


def _line(name: str, times: list[float]) -> None:
    figures = (statistics.median(times), statistics.mean(times), max(times))
    print(f"{name:45}" + "".join(f"{figure:9.1f}" for figure in figures), flush=True)


def _embeddings(files: list[str]) -> None:
    documents = [inspect(path, WITHOUT_VIEW) for path in files]
    _line("both vectors", [best(partial(both_vectors, each)) for each in documents])
    print(report_speed())


def _start() -> None:
    folder = Path(__file__).parents[1] / "functions" / "exr_inspector"
    bare, full = (
        best(partial(subprocess.run, [sys.executable, "-c", code], cwd=folder, check=True), 5)
        for code in ("pass", "import main")
    )
    print(f"importing main: {(full - bare) / 1000:.0f} ms more than an empty Python process")


if __name__ == "__main__":
    main()
