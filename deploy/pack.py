"""Pack the function's folder: `python -m deploy.pack [FILE.tar.gz] [--into DIR] [--ca-bundle FILE]`.

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
from collections.abc import Mapping
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "functions" / "exr_inspector"
# The patterns name what an image needs, so that caches, databases and .env files are never packed.
KEPT = (
    "*.py",
    "exr_inspector/**/*.py",
    "exr_inspector/py.typed",
    "exr_inspector/policy/packs/*.yaml",
    "requirements.txt",
    "Aptfile",
    "README.md",
    "customDeps",
    "customDeps/**/*",
)
# The command line, the development server and the deployment tools never run in the function.
DROPPED = frozenset({"exr_inspector/apps"})
# Name of the private CA bundle in the image. EXR_INSPECTOR_CA_BUNDLE of the pipeline has its path.
CA_BUNDLE = "ca-bundle.pem"


def contents(folder: Path = FOLDER, ca_bundle: Path | None = None) -> dict[str, Path]:
    """Return the files to deploy: paths inside the packed folder, sorted, and the source file of each."""
    found = {path.relative_to(folder) for pattern in KEPT for path in folder.glob(pattern) if path.is_file()}
    sources = {path.as_posix(): folder / path for path in found if _is_deployed(path)}
    if ca_bundle:
        sources[CA_BUNDLE] = ca_bundle
    return dict(sorted(sources.items()))


def _is_deployed(path: Path) -> bool:
    hidden = any(part.startswith(".") or part == "__pycache__" for part in path.parts)
    return not hidden and not any(parent.as_posix() in DROPPED for parent in path.parents)


def archive(sources: Mapping[str, Path], name: str = FOLDER.name) -> bytes:
    """Return a tar archive with the top-level folder `name`. Owners, times and modes are left out."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for path, source in sources.items():
            entry = tarfile.TarInfo(f"{name}/{path}")
            body = source.read_bytes()
            entry.size, entry.mode = len(body), 0o644
            tar.addfile(entry, io.BytesIO(body))
    return stream.getvalue()


def compressed(tar: bytes) -> bytes:
    """Return `tar` in gzip format, without a time or a file name in the gzip header."""
    stream = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=stream, mtime=0) as file:
        file.write(tar)
    return stream.getvalue()


def unpack(sources: Mapping[str, Path], target: Path) -> None:
    """Replace the folder `target` with copies of the files, readable by the image's own user."""
    shutil.rmtree(target, ignore_errors=True)
    for path, source in sources.items():
        copy = target / path
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, copy)
        copy.chmod(0o644)
    for each in (target, *(path for path in target.rglob("*") if path.is_dir())):
        each.chmod(0o755)


def main(arguments: list[str] | None = None) -> None:
    """Write the outputs that the arguments name, and print the archive's SHA-256."""
    parser = argparse.ArgumentParser(prog="deploy.pack", description="Pack the function's folder.")
    parser.add_argument("output", type=Path, nargs="?", help="write the archive to this file")
    parser.add_argument("--into", type=Path, metavar="DIR", help="replace this folder with the packed files")
    parser.add_argument("--ca-bundle", type=Path, metavar="FILE", help=f"pack this PEM file as {CA_BUNDLE}")
    given = parser.parse_args(arguments)
    sources = contents(ca_bundle=given.ca_bundle)
    tar = archive(sources)
    if given.output:
        given.output.parent.mkdir(parents=True, exist_ok=True)
        given.output.write_bytes(compressed(tar))
    if given.into:
        unpack(sources, given.into)
    sys.stdout.write(f"{hashlib.sha256(tar).hexdigest()}\n")


if __name__ == "__main__":
    main()
