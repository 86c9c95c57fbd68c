"""A show that is indexed and published once, and the pages on a real server."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from exr_inspector.apps.web.app import make_site
from exr_inspector.apps.web.security import Access, new_token
from exr_inspector.apps.web.server import entrance, running
from exr_inspector.catalog.duckdb.snapshot import ALL, Scope
from exr_inspector.location import path_location
from exr_inspector.settings import Settings
from tests.apps.cli.command import run
from tests.apps.web.show import write_show

FACETS = {
    "EXR_INSPECTOR_STATS": "full",
    "EXR_INSPECTOR_CRYPTOMATTE": "coverage",
    "EXR_INSPECTOR_POLICIES": "default",
    "EXR_INSPECTOR_SETTLE_SECONDS": "0",
}


class Answer(NamedTuple):
    """A response of the server."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8")


class Catalog(NamedTuple):
    """Pages on a server. `url` has no token; `cookie` is that of an unlimited token, or of a limited one."""

    url: str
    token: str
    show: Path

    @property
    def cookie(self) -> str:
        return f"exr-inspector-{urlsplit(self.url).port}"

    @property
    def entrance(self) -> str:
        return entrance(self.url, self.token)

    def get(self, path: str, *, method: str = "GET", token: str | None = None, **headers: str) -> Answer:
        """Send one request with the cookie of a token; without one if it is empty. Follow no redirect."""
        value = self.token if token is None else token
        cookies = {"cookie": f"{self.cookie}={value}"} if value else {}
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=60)
        try:
            connection.request(method, path, headers={**cookies, **headers})
            response = connection.getresponse()
            return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            connection.close()

    def file_id(self, name: str) -> str:
        """Return the id of a file of the show, by its path below the show's folder."""
        return path_location(str(self.show / name)).file_id

    def file(self, name: str) -> str:
        """Return the path of the page of a file of the show."""
        return f"/file?id={self.file_id(name)}"

    def sequence(self, key: str) -> str:
        """Return the path of the page of a sequence of the show, by its key below the show's folder."""
        return f"/sequence?key={quote(str(self.show / key))}"


@pytest.fixture(scope="session")
def show(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small show, with broken and hostile files; not to be written to."""
    folder = tmp_path_factory.mktemp("web") / "shows"
    write_show(folder)
    return folder


@pytest.fixture(scope="session")
def snapshot(show: Path) -> Path:
    """The published snapshot of the show, with statistics, cryptomattes and findings."""
    path = show.parent / "show.view.duckdb"
    with pytest.MonkeyPatch.context() as patch:
        for name, value in FACETS.items():
            patch.setenv(name, value)
        done = run("index", show, "--db", show.parent / "show.duckdb", "--publish", path)
    assert done.exit_code == 0, done.output
    return path


@pytest.fixture(scope="session")
def tokens(show: Path) -> dict[str, Scope]:
    """An unlimited token, and one that is limited to the show `dune`."""
    return {new_token(): ALL, new_token(): Scope((str(show / "dune"),))}


@pytest.fixture(scope="session")
def catalog(show: Path, snapshot: Path, tokens: dict[str, Scope]) -> Iterator[Catalog]:
    """The pages of the show, with an unlimited token."""
    with running(make_site(str(snapshot), Settings()), Access(tokens)) as url:
        yield Catalog(url, next(iter(tokens)), show)


@pytest.fixture
def limited(catalog: Catalog, tokens: dict[str, Scope]) -> Catalog:
    """The same pages with the token that sees only the show `dune`."""
    return catalog._replace(token=list(tokens)[1])


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser without history, in the size of a laptop's window."""
    with browser.new_context(viewport={"width": 1280, "height": 800}) as context:
        yield context


@pytest.fixture
def page(context: BrowserContext, catalog: Catalog) -> Iterator[Page]:
    """A page of a browser that the token has let in.

    At the end: no request went to another origin, and nothing was printed to the console.
    """
    page = context.new_page()
    seen: list[str] = []
    page.on("request", lambda request: seen.append(request.url))
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(catalog.entrance)
    yield page
    assert [url for url in seen if not url.startswith(f"{catalog.url}/")] == []
    assert complaints == []
