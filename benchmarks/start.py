"""Time what a user or the runtime waits for at the start: `python -m benchmarks.start`.

Prints seconds of CPU, user and system, the best of several runs: importing `main`, `init` with VAST DataBase,
the first event of a cold instance, and `exr-inspector inspect FILE` in all. Everything runs in processes of
its own; the S3 server and the server for VAST DataBase are the tests', in others.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.processes import cpu_of_children
from benchmarks.soak import _event, s3_server, vast_database
from tests.exrfiles.demo import layered_beauty
from tests.sources.server import KEYS

RUNS = 5
WANTED = {
    "inspect FILE": 0.25,
    "inspect FILE, without OpenImageIO's report": 0.25,
    "importing main": 0.2,
    "init with VAST DataBase": None,
    "first event": None,
    "a cold instance until its first answer": 1.5,
}
FOLDER = Path(__file__).parents[1] / "functions" / "exr_inspector"
KEY = "sq010/sh010/beauty.1001.exr"
# Libraries of the tests that the function is deployed without. Its libraries import them if they are there.
_ABSENT = ("pandas", "polars")
_FUNCTION = f"""
import json, sys, time
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {_ABSENT}:
            raise ModuleNotFoundError(name, name=name)
sys.meta_path.insert(0, Absent())
def lap(last=[0]):
    before, last[0] = last[0], time.process_time()
    return last[0] - before
lap()
import main
laps = [lap()]
main.init(None)
laps.append(lap())
answer = main.handler(None, json.loads(sys.argv[1]))
laps.append(lap())
assert answer["persistence"]["status"] == "stored", answer["persistence"]
print(json.dumps([*laps, sum(laps)]))
"""


def main() -> None:
    found: dict[str, list[float]] = {title: [] for title in WANTED}
    with tempfile.TemporaryDirectory() as folder, s3_server() as s3, vast_database() as (database, _):
        path = Path(folder, "beauty.1001.exr")
        path.write_bytes(layered_beauty())
        s3.announce(KEY, path.read_bytes(), path.stat().st_size)
        settings = {
            **os.environ,
            **database,
            "S3_ENDPOINT": s3.url,
            "S3_ACCESS_KEY": KEYS["s3_access_key"],
            "S3_SECRET_KEY": KEYS["s3_secret_key"],
        }
        event = json.dumps(_event(1, KEY, path.stat().st_size))
        for _ in range(RUNS):
            for title, options in zip(list(WANTED)[:2], ([], ["--no-oiio"]), strict=True):
                found[title].append(_cpu(["-m", "exr_inspector", "inspect", *options, str(path)]))
            done = _run(["-c", _FUNCTION, event], settings)
            for title, seconds in zip(list(WANTED)[2:], json.loads(done), strict=True):
                found[title].append(seconds)
    print(f"seconds of CPU, the best of {RUNS} runs")
    for title, seconds in found.items():
        limit = WANTED[title]
        print(f"{title:45}{min(seconds):7.3f}" + (f"  wanted {limit}" if limit else ""))


def _cpu(arguments: list[str]) -> float:
    before = cpu_of_children()
    _run(arguments, dict(os.environ))
    return cpu_of_children() - before


def _run(arguments: list[str], environment: dict[str, str]) -> str:
    command = [sys.executable, *arguments]
    done = subprocess.run(
        command, cwd=FOLDER, env=environment, capture_output=True, text=True, check=True, timeout=120
    )
    return done.stdout


if __name__ == "__main__":
    main()
