"""`python -m docs.screenshots`: take the pictures of docs/images, of a small show, in Chromium.

Times and paths of the show are replaced, so that the pictures change only if the pages do.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch
from urllib.parse import urlencode

import duckdb
from PIL import Image
from playwright.sync_api import sync_playwright

from exr_inspector.apps.web.app import make_site
from exr_inspector.apps.web.security import Access
from exr_inspector.apps.web.server import entrance, running
from exr_inspector.catalog.duckdb.types import identifier, literal
from exr_inspector.settings import Settings
from tests.apps.cli.command import run
from tests.apps.web.show import render
from tests.conftest import CHROMIUM
from tests.exrfiles.demo import deep, layered_beauty, luminance_chroma, mipmapped, truncated

IMAGES = Path(__file__).parent / "images"
NAMES = ("home", "sequences", "sequence", "file", "compare", "question")
SHOWN = "/shows"
"""The folder that the shows seem to be in."""
NOW = "2026-03-02 09:00:00"
CHANGED = 1772435400  # half an hour before
SHOT = "dune/sq010/sh010/beauty"
FACETS = {
    "EXR_INSPECTOR_STATS": "full",
    "EXR_INSPECTOR_CRYPTOMATTE": "coverage",
    "EXR_INSPECTOR_POLICIES": "default",
    "EXR_INSPECTOR_SETTLE_SECONDS": "3600",
}
CONFIGURATION = """
show: {}
patterns: ["{{sequence}}/{{shot}}/{{pass}}/{{version}}/*.{{frame}}.exr"]
"""


def pages(snapshot: str) -> dict[str, str]:
    """Return the pages by the names of their pictures."""
    before, after = (f"{SHOWN}/{SHOT}/{version}/beauty.#.exr" for version in ("v011", "v012"))
    layers = f"{SHOWN}/dune/sq010/sh020/beauty/v003/beauty.1001.exr"
    with duckdb.connect(snapshot, read_only=True) as connection:
        found = connection.execute("SELECT file_id FROM files WHERE file_path = ?", [layers]).fetchone()
    assert found
    paths = (
        "/",
        "/sequences",
        f"/sequence?{urlencode({'key': after})}",
        f"/file?{urlencode({'id': found[0]})}",
        f"/compare?{urlencode({'a': before, 'b': after})}",
        "/questions/layer-bytes",
    )
    return dict(zip(NAMES, paths, strict=True))


def files() -> Iterator[tuple[str, bytes]]:
    """Yield the path and the contents of each file of the shows; the last one is still being written."""
    for show in ("dune", "tide"):
        yield f"{show}/exr-inspector.yaml", CONFIGURATION.format(show).encode()
    for frame in range(1001, 1025):
        yield f"{SHOT}/v011/beauty.{frame}.exr", render(frame, samples=4, width=256, height=144)
        if frame != 1006:
            gain = 2.5 if frame == 1016 else 1.0
            data = render(frame, gain=gain, nan=frame == 1020, width=256, height=144)
            yield f"{SHOT}/v012/beauty.{frame}.exr", truncated(data) if frame == 1011 else data
    for frame in range(1001, 1013):
        yield f"dune/sq010/sh020/beauty/v003/beauty.{frame}.exr", layered_beauty(frame, 256, 144)
        yield f"dune/sq010/sh030/plate/v001/plate.{frame}.exr", luminance_chroma(frame, 256, 144)
        yield f"tide/sq900/sh900/beauty/v007/beauty.{frame}.exr", render(frame + 30, width=256, height=144)
    for frame in range(1001, 1004):
        yield f"dune/sq020/sh010/mist/v002/mist.{frame}.exr", deep(frame)
    yield "dune/assets/hill/hill_albedo.exr", mipmapped()
    for frame in range(1001, 1005):
        data = render(frame + 60, width=256, height=144)
        yield f"tide/sq900/sh910/beauty/v001/beauty.{frame}.exr", truncated(data) if frame == 1004 else data


def published(folder: Path) -> str:
    """Write the shows below a folder, index them, and return the path of the snapshot."""
    root = folder / "shows"
    for name, data in files():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        if "sh910" not in name:
            os.utime(path, (CHANGED, CHANGED))
    snapshot = str(folder / "view.duckdb")
    with patch.dict(os.environ, FACETS):
        done = run("index", root, "--db", folder / "store.duckdb", "--publish", snapshot)
    assert done.exit_code == 0, done.output
    with duckdb.connect(snapshot) as connection:
        columns = """
            SELECT table_name, column_name, data_type
            FROM duckdb_columns() SEMI JOIN duckdb_tables() USING (table_oid)"""
        for table, column, kind in connection.execute(columns).fetchall():
            name, latest = identifier(column), literal(NOW)
            values = {
                "VARCHAR": f"replace({name}, {literal(str(root))}, {literal(SHOWN)})",
                "TIMESTAMP": f"least({name}, TIMESTAMP {latest})",
            }
            value = literal("nfs4 vast:/shows") if column == "device" else values.get(kind, name)
            connection.execute(f"UPDATE {identifier(table)} SET {name} = {value}")  # noqa: S608 - our own
    return snapshot


def main() -> None:
    """Take all pictures."""
    IMAGES.mkdir(exist_ok=True)
    access = Access()
    with TemporaryDirectory() as folder, sync_playwright() as playwright:
        snapshot = published(Path(folder))
        site = make_site(snapshot, Settings())
        site.environment.filters["age"] = lambda _: "5 minutes ago"
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        with running(site, access) as url:
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            page.goto(entrance(url, next(iter(access.tokens))))
            for name, path in pages(snapshot).items():
                page.goto(f"{url}{path}")
                page.wait_for_load_state("networkidle")
                picture = Image.open(BytesIO(page.screenshot()))
                picture.save(IMAGES / f"{name}.webp", quality=80, method=6)
        browser.close()


if __name__ == "__main__":
    main()
