"""`python .ci/lock.py [--upgrade | --check]`: write the lock files, or check that they match pyproject.toml.

The first lines of a lock contain a digest of its inputs, so `--check` works offline.
Without `--upgrade`, versions that still fit are kept.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[1]
FUNCTION = "functions/exr_inspector/requirements.txt"
OPTIONS = ("--universal", "--python-version", "3.10", "--no-header", "--no-emit-index-url")
# Each lock: the extras of pyproject.toml that it holds, and its own options for `uv pip compile`.
LOCKS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    FUNCTION: (("s3", "vast", "pixels", "policy"), ("--generate-hashes",)),
    "requirements.txt": (("all", "test", "lint", "docs", "release"), ("--constraints", FUNCTION)),
}
NOTE = "# Written by `make lock` from pyproject.toml, for Python 3.10 and later. Do not edit."


def digest(name: str) -> str:
    """Return the SHA-256 of the requirements, the options and the other lock that a lock is resolved from."""
    extras, options = LOCKS[name]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    declared = project["optional-dependencies"]
    inputs = [
        project["requires-python"],
        project["dependencies"],
        declared if "all" in extras else [declared[extra] for extra in extras],
        [*OPTIONS, *options],
        (ROOT / FUNCTION).read_text("utf-8") if FUNCTION in options else "",
    ]
    return hashlib.sha256(json.dumps(inputs).encode()).hexdigest()


def header(name: str) -> str:
    """Return the first two lines of a lock."""
    return f"{NOTE}\n# inputs: sha256:{digest(name)}\n"


def stale() -> list[str]:
    """Return the locks whose recorded digest is not the digest of their inputs."""
    return [name for name in LOCKS if not (ROOT / name).read_text("utf-8").startswith(header(name))]


def write(name: str, *, upgrade: bool) -> None:
    """Resolve one lock with uv. Raises CalledProcessError if it cannot be resolved."""
    extras, options = LOCKS[name]
    uv = shutil.which("uv", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    if uv is None:
        sys.exit("uv is not installed; run `make install`")
    chosen = [word for extra in extras for word in ("--extra", extra)]
    command = [uv, "pip", "compile", "pyproject.toml", "--quiet", *chosen, *OPTIONS, *options, "-o", name]
    subprocess.run([*command, *(["--upgrade"] if upgrade else [])], cwd=ROOT, check=True)
    (ROOT / name).write_text(header(name) + (ROOT / name).read_text("utf-8"), "utf-8")


def main() -> None:
    """Write or check all locks; exit with 1 if a check fails."""
    parser = argparse.ArgumentParser(description="Write the lock files.")
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions that fit")
    parser.add_argument("--check", action="store_true", help="only compare the locks with pyproject.toml")
    arguments = parser.parse_args()
    if arguments.check:
        if found := stale():
            sys.exit(f"{', '.join(found)}: pyproject.toml has changed since; run `make lock`")
        return
    for name in LOCKS:
        write(name, upgrade=arguments.upgrade)


if __name__ == "__main__":
    main()
