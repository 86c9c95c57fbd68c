"""Pack the function's folder: `python -m deploy.pack [FILE.tar.gz] [--into DIR]`.

The archive is reproducible: the same source files give the same bytes. Print the SHA-256 of the uncompressed
archive, which does not depend on the zlib version. Needs only the standard library.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import shutil
import sys
import tarfile
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "functions" / "exr_inspector"
# The patterns name what an image needs, so that caches, databases and .env files are never packed.
KEPT = (
    "*.py",
    "exr_inspector/**/*.py",
    "exr_inspector/py.typed",
    "requirements.txt",
    "Aptfile",
    "README.md",
    "customDeps",
    "customDeps/**/*",
)
# The command line, the development server and the deployment tools never run in the function.
DROPPED = frozenset({"exr_inspector/apps"})


def files(folder: Path = FOLDER) -> list[Path]:
    """Return the files to deploy, sorted by their paths inside `folder`."""
    found = {path for pattern in KEPT for path in folder.glob(pattern) if path.is_file()}
    return sorted((path for path in found if _is_deployed(path.relative_to(folder))), key=Path.as_posix)


def _is_deployed(path: Path) -> bool:
    hidden = any(part.startswith(".") or part == "__pycache__" for part in path.parts)
    return not hidden and not any(parent.as_posix() in DROPPED for parent in path.parents)


def archive(folder: Path = FOLDER) -> bytes:
    """Return a tar archive with one top-level folder. Owners, times and modes of the files are left out."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for path in files(folder):
            entry = tarfile.TarInfo(f"{folder.name}/{path.relative_to(folder).as_posix()}")
            body = path.read_bytes()
            entry.size, entry.mode = len(body), 0o644
            tar.addfile(entry, io.BytesIO(body))
    return stream.getvalue()


def compressed(tar: bytes) -> bytes:
    """Return `tar` in gzip format, without a time or a file name in the gzip header."""
    stream = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=stream, mtime=0) as file:
        file.write(tar)
    return stream.getvalue()


def unpack(target: Path, folder: Path = FOLDER) -> None:
    """Replace `target` with a copy of the files to deploy. All users may read it, as the image needs."""
    shutil.rmtree(target, ignore_errors=True)
    for path in files(folder):
        copy = target / path.relative_to(folder)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
        copy.chmod(0o644)
    for path in (target, *(each for each in target.rglob("*") if each.is_dir())):
        path.chmod(0o755)


def main(arguments: list[str] | None = None) -> None:
    """Write the outputs that the arguments name, and print the archive's SHA-256."""
    parser = argparse.ArgumentParser(prog="deploy.pack", description="Pack the function's folder.")
    parser.add_argument("output", type=Path, nargs="?", help="write the archive to this file")
    parser.add_argument("--into", type=Path, metavar="DIR", help="replace this folder with the packed files")
    given = parser.parse_args(arguments)
    tar = archive()
    if given.output:
        given.output.parent.mkdir(parents=True, exist_ok=True)
        given.output.write_bytes(compressed(tar))
    if given.into:
        unpack(given.into)
    sys.stdout.write(f"{hashlib.sha256(tar).hexdigest()}\n")


if __name__ == "__main__":
    main()
