"""Who may read the pages, and what keeps the text of files from doing harm."""

from __future__ import annotations

import hashlib
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from starlette.responses import Response

from exr_inspector.apps.web import app, view
from exr_inspector.apps.web.security import HEADERS, Access, host_names
from exr_inspector.apps.web.server import running
from exr_inspector.apps.web.templating import STATIC
from exr_inspector.apps.web.view import View
from exr_inspector.catalog.duckdb.snapshot import ALL, Scope
from exr_inspector.settings import Settings
from tests.apps.web.conftest import Catalog


def test_nothing_is_shown_without_a_valid_token(catalog: Catalog) -> None:
    for path in ("/", "/file?id=1", "/static/browse.css", "/nowhere"):
        for token in ("", "wrong", catalog.token[:-1], "\xe9"):
            answer = catalog.get(path, token=token)
            assert answer.status == 401
            assert "Open the address" in answer.text
    assert catalog.get("/?token=wrong").status == 401


def test_the_token_of_the_url_becomes_a_cookie_and_leaves_the_url(catalog: Catalog) -> None:
    answer = catalog.get(f"/file?id=a%26b&token={catalog.token}", token="")
    assert answer.status == 303
    assert answer.headers["location"] == "/file?id=a%26b"
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"{catalog.cookie}={catalog.token};")
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie


def test_a_redirect_never_leads_to_another_host(catalog: Catalog) -> None:
    for path in ("//evil.example/", "///evil.example", "/\\evil.example"):
        location = catalog.get(f"{path}?token={catalog.token}", token="").headers["location"]
        assert location.startswith("/")
        assert not location.startswith(("//", "/\\"))
        link = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
        assert "url=/evil.example" in catalog.get(f"{path}?token={catalog.token}", token="", **link).text


def test_a_link_of_another_site_is_followed_once(catalog: Catalog) -> None:
    link = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    page = catalog.get('/file?id="><script>', token="", **link)
    assert page.status == 200
    assert 'url=/file?id=%22%3E%3Cscript%3E"' in page.text
    assert "set-cookie" not in page.headers
    assert catalog.get("/file?id=1", token="", **{**link, "sec-fetch-site": "same-origin"}).status == 401
    assert catalog.get("/thumbnail?id=1", token="", **{**link, "sec-fetch-mode": "no-cors"}).status == 401
    assert catalog.get("/?token=wrong", token="", **link).status == 401


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "", "localhost.evil.example", "[::1"])
def test_a_host_header_of_another_name_is_refused(catalog: Catalog, host: str) -> None:
    answer = catalog.get("/", host=host)
    assert answer.status == 400
    assert "show" not in answer.text


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1:80", "[::1]:80", "10.1.2.3"])
def test_addresses_and_names_of_this_machine_are_accepted(host: str) -> None:
    assert Access({}, host_names("127.0.0.1")).accepts(host)


def test_pages_are_only_read(catalog: Catalog) -> None:
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"):
        assert catalog.get("/", method=method).status == 405
    answer = catalog.get("/", method="HEAD")
    assert (answer.status, answer.body) == (200, b"")


def test_every_answer_has_the_headers_that_protect_it(catalog: Catalog) -> None:
    for path in ("/", "/nowhere", "/static/browse.css", "/file?id=1"):
        for token in (None, ""):
            headers = catalog.get(path, token=token).headers
            assert HEADERS.items() <= headers.items()
            assert "access-control-allow-origin" not in headers
    assert catalog.get("/").headers["cache-control"] == "no-store"


def test_a_fault_of_a_page_shows_nothing_of_itself_and_has_the_headers(
    show: Path, snapshot: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def broken(_: View) -> Response:
        raise RuntimeError("secret")

    monkeypatch.setitem(app.PAGES, "/broken", broken)
    access = Access()
    with running(app.make_site(str(snapshot), Settings()), access) as url:
        answer = Catalog(url, next(iter(access.tokens)), show).get("/broken")
    assert answer.status == 500
    assert "Internal error" in answer.text
    assert "secret" not in answer.text
    assert HEADERS.items() <= answer.headers.items()
    assert "RuntimeError: secret" in capfd.readouterr().err


def test_a_token_that_asks_for_much_waits_and_is_refused_and_others_are_not(
    show: Path, snapshot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, ended = threading.Event(), threading.Event()

    def slow(_: View) -> Response:
        begun.set()
        ended.wait(60)
        return Response("done")

    monkeypatch.setitem(app.PAGES, "/slow", slow)
    monkeypatch.setattr(view, "AT_ONCE", 1)
    monkeypatch.setattr(view, "MAX_WAIT", 0.1)
    access = Access({"busy": ALL, "other": Scope((str(show),))})
    with running(app.make_site(str(snapshot), Settings()), access) as url, ThreadPoolExecutor() as pool:
        busy, other = (Catalog(url, token, show) for token in access.tokens)
        first = pool.submit(busy.get, "/slow")
        assert begun.wait(60)
        refused = busy.get("/")
        assert (refused.status, refused.headers["retry-after"]) == (429, "10")
        assert "Too many pages are being made with your token" in refused.text
        assert other.get("/").status == 200
        ended.set()
        assert first.result().text == "done"
        assert busy.get("/").status == 200


def test_static_files_stay_below_their_folder(catalog: Catalog) -> None:
    for path in ("/static/../app.py", "/static/..%2fapp.py", "/static/%2e%2e/app.py", "/static//etc/passwd"):
        assert catalog.get(path).status == 404


def test_vendored_files_are_those_that_were_reviewed() -> None:
    folder = STATIC / "vendor"
    stated = json.loads((folder / "vendor.json").read_text())
    for name, facts in stated.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == facts["sha256"]
        assert facts["version"] in name
        assert (folder / facts["license_file"]).is_file()
    known = {*stated, *(facts["license_file"] for facts in stated.values()), "vendor.json", "README.md"}
    assert {each.name for each in folder.iterdir()} == known
