"""`python -m benchmarks.install [SET...]`: what `make` installs from nothing: time, size and packages.

Each set of the Makefile (demo, test, lint, docs, release; ready for all) is installed into a new copy of the
repository, with uv and with pip, and without their caches. The time is that of this machine and its network.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SETS = ("demo", "test")


def main(sets: tuple[str, ...]) -> None:
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    print("| set | with | seconds | MB | packages |\n|---|---|---|---|---|")
    for name in sets:
        for tool in ["uv", "pip"] if uv else ["pip"]:
            with tempfile.TemporaryDirectory() as folder:
                seconds, size, packages = measure(
                    Path(folder), name, Path(uv) if uv and tool == "uv" else None
                )
            print(f"| {name} | {tool} | {seconds:.0f} | {size / 1e6:.0f} | {packages} |", flush=True)


def measure(folder: Path, name: str, uv: Path | None) -> tuple[float, int, int]:
    """Return seconds, bytes and packages of one installation."""
    subprocess.run(["git", "clone", "--quiet", ROOT, folder / "clone"], check=True)
    tools = folder / "bin"
    tools.mkdir()
    path = [each for each in os.environ["PATH"].split(os.pathsep) if not Path(each, "uv").exists()]
    if uv:
        (tools / "uv").symlink_to(uv)
    environment = {**os.environ, "PATH": os.pathsep.join([str(tools), *path])}
    environment |= {"UV_NO_CACHE": "1", "PIP_NO_CACHE_DIR": "1"}
    began = time.perf_counter()
    subprocess.run(["make", "--silent", f".venv/.{name}"], cwd=folder / "clone", env=environment, check=True)
    seconds = time.perf_counter() - began
    made = [each for each in (folder / "clone" / ".venv").rglob("*") if not each.is_symlink()]
    size = sum(each.stat().st_size for each in made if each.is_file())
    return seconds, size, sum(each.name.endswith(".dist-info") for each in made)


if __name__ == "__main__":
    main(tuple(sys.argv[1:]) or SETS)
