"""`python -m deploy.pack [FILE.tar.gz] [--into DIR]`: the folder that is deployed, the same bytes every time.

Prints the SHA-256 of the archive before compression, so that it does not depend on the version of zlib.
Only the standard library, on any system.
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
# What goes into an image is named, so that no cache, no database and no .env ever does.
KEPT = ("*.py", "py.typed", "requirements.txt", "Aptfile", "customDeps", "README.md")


def files(folder: Path = FOLDER) -> list[Path]:
    """The files that are deployed, in order of their paths inside the folder."""
    found = (path for pattern in KEPT for path in folder.rglob(pattern) if path.is_file())
    return sorted((path for path in found if not _is_hidden(path.relative_to(folder))), key=Path.as_posix)


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def archive(folder: Path = FOLDER) -> bytes:
    """A tar archive with one folder at its top; of a file only its place and its bytes count."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for path in files(folder):
            entry = tarfile.TarInfo(f"{folder.name}/{path.relative_to(folder).as_posix()}")
            body = path.read_bytes()
            entry.size, entry.mode = len(body), 0o644
            tar.addfile(entry, io.BytesIO(body))
    return stream.getvalue()


def compressed(tar: bytes) -> bytes:
    """The same as gzip, without a time or a name in its header."""
    stream = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=stream, mtime=0) as file:
        file.write(tar)
    return stream.getvalue()


def unpack(target: Path, folder: Path = FOLDER) -> None:
    """Make a folder of just these files. All may read them, for the image runs under another user."""
    shutil.rmtree(target, ignore_errors=True)
    for path in files(folder):
        place = target / path.relative_to(folder)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place)
        place.chmod(0o644)
    for place in (target, *(each for each in target.rglob("*") if each.is_dir())):
        place.chmod(0o755)


def main(arguments: list[str] | None = None) -> None:
    """Write what is asked for, and say which bytes it is."""
    parser = argparse.ArgumentParser(prog="deploy.pack", description="Pack the folder that is deployed.")
    parser.add_argument("output", type=Path, nargs="?", help="write the archive to this file")
    parser.add_argument("--into", type=Path, metavar="DIR", help="put the files into this folder too")
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
