"""`python -m docs.site`: build the site into build/site/html. A broken link is an error.

Zensical is the successor of Material for MkDocs, by the same authors. MkDocs is no longer maintained, and
Material for MkDocs receives fixes only. The pages depend on none of them: they are plain Markdown, and their
links work in the repository.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "build" / "site" / "source"
REPOSITORY = "https://github.com/ssotoa70/exr_inspector/blob/main/"
_LINK = re.compile(r"(\]\()([^)\s]+)(\))")
_FENCE = re.compile(r"(^```.*?^```)", re.DOTALL | re.MULTILINE)


def pages() -> list[Path]:
    """Return the Markdown files of the site, relative to the repository."""
    found = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    return sorted(each.relative_to(ROOT) for each in found)


def assets() -> list[Path]:
    """Return the other files of the site: schemas, examples, pictures."""
    folders = [*(ROOT / "docs").glob("*.json"), *(ROOT / "docs" / "examples").iterdir()]
    images = ROOT / "docs" / "images"
    return sorted(each.relative_to(ROOT) for each in [*folders, *images.glob("*")])


def stage() -> None:
    """Copy the pages and assets. Make links between pages relative, and links to other files absolute."""
    shutil.rmtree(SOURCE, ignore_errors=True)
    known = {*pages(), *assets()}
    for path in sorted(known):
        target = SOURCE / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".md":
            target.write_text(_with_links((ROOT / path).read_text("utf-8"), path, known), "utf-8")
        else:
            shutil.copy(ROOT / path, target)


def _with_links(text: str, page: Path, known: set[Path]) -> str:
    def link(match: re.Match[str]) -> str:
        return f"{match[1]}{_target(match[2], page, known)}{match[3]}"

    pieces = _FENCE.split(text)
    return "".join(each if each.startswith("```") else _LINK.sub(link, each) for each in pieces)


def _target(target: str, page: Path, known: set[Path]) -> str:
    inside = target.removeprefix(REPOSITORY)
    if inside.startswith("#") or ("://" in inside and inside == target):
        return target
    name, mark, anchor = inside.removesuffix("?raw=true").partition("#")
    path = Path(os.path.normpath(name if inside != target else page.parent / name))
    if path in known:
        return f"{os.path.relpath(path, page.parent)}{mark}{anchor}"
    return f"{REPOSITORY}{path}{mark}{anchor}"


def main() -> None:
    """Build the site and exit with Zensical's code."""
    stage()
    zensical = Path(sys.executable).with_name("zensical")
    done = subprocess.run([zensical, "build", "--strict", "--clean"], cwd=ROOT, check=False)
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
