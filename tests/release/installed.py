"""The distributions of this project, the interpreters of this machine, and environments made from both."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parents[2]
LOCK = ROOT / "requirements.txt"
OLDEST, NEWEST = 10, 14
# Neither the settings nor the PYTHONPATH of the process that runs the tests reach what is installed.
_SETTINGS = ("EXR_INSPECTOR_", "S3_", "VAST_DB_", "AWS_", "PYTHON", "VIRTUAL_ENV")
PLAIN = {name: text for name, text in os.environ.items() if not name.startswith(_SETTINGS)}


def run(*command: str | Path, folder: Path | None = None) -> str:
    """Run a command and return its output. Raises AssertionError with its errors if it fails."""
    done = subprocess.run(
        command, cwd=folder, env=PLAIN, capture_output=True, text=True, check=False, timeout=800
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def tracked(folder: Path = ROOT) -> list[str]:
    """Return the files below a folder that git has, or would have after `git add`."""
    listed = run("git", "ls-files", "--cached", "--others", "--exclude-standard", ".", folder=folder)
    return [name for name in listed.splitlines() if (folder / name).is_file()]


def build(output: Path) -> tuple[Path, Path]:
    """Build the source distribution from the files that git has, and the wheel from it. Return both."""
    source = output / "source"
    for name in tracked():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, source / name)
    run(sys.executable, "-m", "build", "--outdir", output, source)
    (sdist,), (wheel,) = output.glob("*.tar.gz"), output.glob("*.whl")
    return sdist, wheel


def interpreters() -> dict[str, Path]:
    """Return the supported interpreters of this machine by version: on the path, of pyenv, and of uv."""
    minors = range(OLDEST, NEWEST + 1)
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    managed = Path(os.environ.get("UV_PYTHON_INSTALL_DIR", Path.home() / ".local/share/uv/python"))
    candidates: list[str | Path | None] = [
        sys.executable,
        *(shutil.which(f"python3.{minor}") for minor in minors),
        *sorted(pyenv.glob("3.*/bin/python3")),
        *sorted(managed.glob("cpython-3.*/bin/python3")),
    ]
    return dict(_versions(Path(each) for each in candidates if each))


def _versions(candidates: Iterable[Path]) -> Iterable[tuple[str, Path]]:
    script = "import ensurepip, sys; print('%d.%d' % sys.version_info[:2])"
    supported = {f"3.{minor}" for minor in range(OLDEST, NEWEST + 1)}
    for python in candidates:
        done = subprocess.run([python, "-c", script], capture_output=True, text=True, check=False)
        if done.stdout.strip() in supported:
            yield done.stdout.strip(), python


def environment(folder: Path, python: Path, *requirements: str) -> Path:
    """Make an environment with these requirements, in the versions of the lock, and return its `bin`.

    Like `make`, install with uv if it is there.
    """
    binaries = folder / "bin"
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{PLAIN['PATH']}")
    if python == Path(sys.executable) and uv is None:
        venv.create(folder, with_pip=True)
    else:
        run(python, "-m", "venv", *(["--without-pip"] if uv else []), folder)
    pip = (
        (uv, "pip", "install", "--quiet", "--python", binaries / "python")
        if uv
        else (binaries / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    )
    run(*pip, "--constraint", LOCK, *requirements)
    return binaries
