"""The documentation as a site: every page has a place in it, and every link leads somewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from playwright.sync_api import Browser

from docs import site
from docs.site import REPOSITORY, ROOT, assets, pages, stage

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

CONFIGURATION = tomllib.loads((ROOT / "zensical.toml").read_text("utf-8"))["project"]
# Pages that GitHub shows in places of its own, and that the home page links to.
ELSEWHERE = {"CODE_OF_CONDUCT.md"}
# Names of the original design that only say where their contents are now.
POINTERS = {
    "DEPLOYMENT_AUTOMATION.md",
    *("docs/architecture-diagram.md", "docs/change-log.md", "docs/deployment-checklist.md"),
    *("docs/iterations-matrix.md", "docs/session-notes.md"),
}


def _listed(nav: object) -> list[str]:
    if isinstance(nav, str):
        return [nav]
    values = nav.values() if isinstance(nav, dict) else nav
    assert not isinstance(values, str)
    return [page for each in values for page in _listed(each)]  # type: ignore[attr-defined]


def test_every_page_has_one_place_in_the_site() -> None:
    listed = _listed(CONFIGURATION["nav"])
    wanted = {*map(str, pages())} - ELSEWHERE - POINTERS
    assert wanted - {*listed} == set(), "add these to zensical.toml, and to docs/README.md"
    assert sorted(listed) == sorted(wanted)


def test_the_contents_of_the_documentation_name_every_page() -> None:
    contents = (ROOT / "docs" / "README.md").read_text("utf-8")
    found = {os.path.normpath(Path("docs", name)) for name in re.findall(r"\]\(([^)#]+)\)", contents)}
    assert {*_listed(CONFIGURATION["nav"])} - found == {"README.md", "docs/README.md"}


@pytest.mark.parametrize("name", sorted(POINTERS))
def test_a_pointer_is_one_line(name: str) -> None:
    title, empty, line = (ROOT / name).read_text("utf-8").splitlines()
    assert title.startswith("# ")
    assert empty == ""
    assert "](" in line


def test_a_link_to_the_repository_names_one_of_its_files() -> None:
    text = "\n".join((ROOT / each).read_text("utf-8") for each in (*pages(), Path("pyproject.toml")))
    found = set(re.findall(rf"{re.escape(REPOSITORY)}([^)#?\s\"]+)", text))
    assert len(found) > 5
    assert [name for name in found if not (ROOT / name).exists()] == []


def test_links_of_the_front_page_work_on_a_package_index_too() -> None:
    targets = re.findall(r"\]\(([^)]+)\)", (ROOT / "README.md").read_text("utf-8"))
    assert [each for each in targets if not each.startswith("https://")] == []


def test_links_among_pages_are_relative_in_the_site_and_others_lead_to_the_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(site, "SOURCE", tmp_path)
    stage()
    made = {str(each.relative_to(tmp_path)) for each in tmp_path.rglob("*") if each.is_file()}
    assert made == {*map(str, pages()), *map(str, assets())}
    home = (tmp_path / "README.md").read_text("utf-8")
    assert "](docs/CLI.md)" in home
    assert f"{REPOSITORY}docs/" not in home
    assert f"]({REPOSITORY}.env.example)" in home
    assert "](../CHANGELOG.md)" in (tmp_path / "docs" / "UPGRADE.md").read_text("utf-8")


def test_strict_links_and_anchors_are_on() -> None:
    assert CONFIGURATION["validation"] == {"invalid_links": True, "invalid_link_anchors": True}


@pytest.mark.slow
def test_no_page_requests_anything_from_another_host(browser: Browser) -> None:
    """Open every page of the built site in a browser, which runs its scripts too."""
    subprocess.run([sys.executable, "-m", "docs.site"], cwd=ROOT, capture_output=True, check=True)
    html = ROOT / CONFIGURATION["site_dir"]
    foreign: set[tuple[str, str]] = set()
    with _served(html) as url, browser.new_page() as tab:
        tab.on(
            "request",
            lambda request: (
                None if request.url.startswith((url, "data:")) else foreign.add((tab.url, request.url))
            ),
        )
        built = sorted(html.rglob("*.html"))
        for page in built:
            tab.goto(f"{url}{page.relative_to(html)}")
    assert len(built) > len(POINTERS)
    assert foreign == set()


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=folder)) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()
