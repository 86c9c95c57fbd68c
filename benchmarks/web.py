"""`make bench-web`: time and memory of the pages over a store of 1,000,000 files, compared with targets.

The store is generated. Requests go to `exr-inspector browse` in a process of its own. Wall time is that of
the client, so a busy machine shows; CPU time is that of the server. The last rows are 50 requests at once,
again and again, while `exr-inspector index` adds files to the store and replaces the snapshot.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from benchmarks.web_store import make_store
from tests.exrfiles.demo import simple
from tests.pixels.soak import pss

FILES, AT_ONCE, INDEXED = 1_000_000, 50, 1_000
FUNCTION = Path(__file__).parents[1] / "functions" / "exr_inspector"
COMMAND = (sys.executable, "-m", "exr_inspector")
SHARED = "/shows/aurora/sq020"

HOME, LIST, FILTER = 1000, 300, 500
# Path and parameters, and the milliseconds that are wanted.
PAGES = {
    "/": HOME,
    "/?since=30d": HOME,
    "/?show=aurora": HOME,
    "/?under=/shows/aurora/sq010": HOME,
    "/sequences": LIST,
    "/sequences?sort=size": LIST,
    "/sequences?sort=state": LIST,
    "/sequences?sort=changed&after=1790000000000000&behind=x": LIST,
    "/sequences?sort=name&after=/shows/cinder&behind=/shows/cinder": LIST,
    "/sequences?q=beauty+v002": FILTER,
    "/sequences?layer=albedo": FILTER,
    "/sequences?attribute=owner%3Dartist3": FILTER,
    "/sequences?attribute=farm12": FILTER,
    "/sequences?state=broken&program=nuke&larger=1G": FILTER,
    "/sequences?rule=compression": FILTER,
}
REPEATED = 5


class Timed(NamedTuple):
    """Milliseconds of requests: the first, the median, the largest, and of the server's CPU for each."""

    first: float
    median: float
    largest: float
    cpu: float


class Server(NamedTuple):
    """A running `browse`: its process and its two URLs, with all files and with those below SHARED."""

    pid: int
    urls: Sequence[str]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=FILES)
    files = parser.parse_args().files
    with tempfile.TemporaryDirectory() as name:
        for count, frames in ((files, 100), (files // 10, 1)):
            folder = Path(name, str(frames))
            folder.mkdir()
            _measure(folder, count, frames)


def _measure(folder: Path, files: int, frames: int) -> None:
    store, snapshot = folder / "store.duckdb", folder / "view.duckdb"
    make_store(store, files, frames)
    publish = (
        "import sys; from exr_inspector.catalog.duckdb.publish import publish_file;"
        " publish_file(sys.argv[1], sys.argv[2])"
    )
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", publish, store, snapshot], check=True, env=_environment())
    seconds = time.perf_counter() - began
    print(f"\n{files:,} files in {files // frames:,} sequences; published in {seconds:.0f} s")
    print(f"{'milliseconds':62}{'first':>8}{'median':>8}{'max':>8}{'CPU':>8}   wanted", flush=True)
    with _served(snapshot) as server:
        for url, scope in zip(server.urls, ("", "limited: "), strict=True):
            for page, wanted in PAGES.items():
                _row(scope + page, _time(server, url, [page] * REPEATED), wanted)
        if frames > 1:
            _beside_an_indexer(folder, server, store, snapshot)
        print(f"{'memory of the server, MiB (PSS)':62}{pss(server.pid) / 1024:8.0f}{'':24}   500", flush=True)


def _row(what: str, timed: Timed, wanted: float) -> None:
    values = f"{timed.first:8.0f}{timed.median:8.0f}{timed.largest:8.0f}{timed.cpu:8.0f}"
    print(f"{what:62}{values}   {wanted}", flush=True)


def _time(server: Server, url: str, pages: Sequence[str], at_once: int = 1) -> Timed:
    """Request pages; raise AssertionError unless each answers with 200."""
    before = _cpu(server.pid)
    with ThreadPoolExecutor(at_once) as pool:
        seconds = list(pool.map(lambda page: _get(url, page), pages))
    cpu = (_cpu(server.pid) - before) / len(pages)
    ordered = sorted(seconds)
    return Timed(*(1000 * each for each in (seconds[0], ordered[len(ordered) // 2], ordered[-1], cpu)))


def _get(url: str, page: str) -> float:
    at = urlsplit(url)
    cookie = f"exr-inspector-{at.port}={at.query.partition('=')[2]}"
    began = time.perf_counter()
    connection = HTTPConnection(at.netloc, timeout=120)
    # As htmx asks while one types.
    connection.request(
        "GET", page, headers={"cookie": cookie, **({"hx-request": "true"} if "=" in page else {})}
    )
    response = connection.getresponse()
    response.read()
    connection.close()
    assert response.status == 200, (page, response.status)
    return time.perf_counter() - began


def _beside_an_indexer(folder: Path, server: Server, store: Path, snapshot: Path) -> None:
    """Request 50 pages at once while files are added to the store and the snapshot is replaced."""
    tree = folder / "tree"
    tree.mkdir()
    for frame in range(INDEXED):
        (tree / f"new.{frame:04}.exr").write_bytes(simple(16, 9))
    pages = (list(PAGES) * AT_ONCE)[:AT_ONCE]
    _row("50 requests at once, alone", _time(server, server.urls[0], pages, AT_ONCE), 0)
    index = (*COMMAND, "index", tree, "--db", store, "--publish", snapshot, "-q")
    rounds, largest = [], 0
    published = snapshot.stat().st_mtime_ns
    with subprocess.Popen(index, env=_environment()) as indexer:
        while indexer.poll() is None:
            rounds.append(_time(server, server.urls[0], pages, AT_ONCE))
            largest = max(largest, pss(server.pid))
    assert indexer.returncode == 0
    assert snapshot.stat().st_mtime_ns != published  # a new file may have the inode of an older one
    _time(server, server.urls[0], ["/"])
    worst = Timed(*(max(values) for values in zip(*rounds, strict=True)))
    _row(f"50 requests at once beside an indexer, worst of {len(rounds)} rounds", worst, 0)
    print(f"{'the largest memory meanwhile, MiB (PSS)':62}{largest / 1024:8.0f}{'':24}   500", flush=True)


@contextmanager
def _served(snapshot: Path) -> Iterator[Server]:
    command = (*COMMAND, "browse", "--db", snapshot, "--share", SHARED)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=_environment()) as process:
        assert process.stdout
        urls = [found[0] for _ in range(2) if (found := re.search(r"http://\S+", process.stdout.readline()))]
        try:
            yield Server(process.pid, urls)
        finally:
            process.terminate()


def _cpu(pid: int) -> float:
    """Return the seconds of CPU of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(FUNCTION), "PYTHONUNBUFFERED": "1"}


if __name__ == "__main__":
    main()
