"""What people do with the pages, from one to the next, in a real browser; and what holds for every page."""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Iterator
from html import unescape
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.apps.web.conftest import Answer, Catalog
from tests.apps.web.show import BEAUTY, SCRIPT, TRUNCATED, frame_name

V002 = BEAUTY.replace("v001", "v002")
HOSTILE = f"tide/{SCRIPT}.1001.exr"
MAX_OF_A_KIND = 2
"""Addresses of one page, with the same parameters, that a crawl visits."""

_LINK = re.compile(r'\b(?:href|src|data-picture)="([^"#][^"]*)"')


def crawl(catalog: Catalog) -> Iterator[tuple[str, Answer]]:
    """Follow all links from the first page; yield the addresses and their answers."""
    waiting, seen, visited = deque(["/"]), {"/"}, Counter[tuple[str, ...]]()
    while waiting:
        address = waiting.popleft()
        parts = urlsplit(address)
        kind = (parts.path, *(name for name, _ in parse_qsl(parts.query)))
        visited[kind] += 1
        if visited[kind] > MAX_OF_A_KIND:
            continue
        answer = catalog.get(address)
        yield address, answer
        if answer.headers.get("content-type", "").startswith("text/html") or answer.status == 303:
            found = [unescape(each).partition("#")[0] for each in _LINK.findall(answer.text)]
            found += [answer.headers["location"]] if "location" in answer.headers else []
            new = dict.fromkeys(each for each in found if each not in seen)
            seen.update(new)
            waiting.extend(new)


@pytest.fixture(scope="module")
def crawled(catalog: Catalog) -> dict[str, Answer]:
    """What an unlimited token reaches."""
    return dict(crawl(catalog))


def compare(catalog: Catalog, a: str, b: str = "") -> str:
    names = {"a": a, "b": b} if b else {"a": a}
    return f"/compare?{urlencode({key: catalog.show / name for key, name in names.items()})}"


def test_a_broken_frame_is_found_from_the_first_page_and_compared_with_another_version(
    page: Page, catalog: Catalog
) -> None:
    broken = page.get_by_role("region", name="Broken").get_by_role("listitem").filter(has_text="missing 1006")
    broken.get_by_role("link", name="beauty.####.exr").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("v001/beauty.####.exr")
    frame = page.locator(".cell", has_text=str(TRUNCATED))
    expect(frame).to_contain_text("incomplete")
    frame.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(f"beauty.{TRUNCATED}.exr")
    page.get_by_role("link", name="Sequence", exact=True).click()
    page.get_by_role("link", name="Compare", exact=True).click()
    page.locator("tbody").get_by_role("link", name="beauty.####.exr").click()
    expect(page.locator("table.sides")).to_contain_text("+ 1006")
    expect(page.locator(".pairs figure").first).to_contain_text("1003")


def test_a_sequence_is_searched_by_layer_and_a_similar_render_is_followed(
    page: Page, catalog: Catalog
) -> None:
    page.keyboard.press("/")
    page.keyboard.type("sh020")
    page.keyboard.press("Enter")
    rows = page.locator("#list tbody tr")
    expect(rows).to_have_count(4)
    page.get_by_label("Layer", exact=True).fill("albedo")
    expect(rows).to_have_count(1)
    rows.get_by_role("link", name="layers.####.exr").click()
    page.locator(".cell").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("layers.1001.exr")
    similar = page.locator("#likenesses .likeness").first.get_by_role("link").last
    name = similar.inner_text().rpartition("/")[2]
    similar.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(name)
    expect(page.get_by_role("heading", level=1)).not_to_contain_text("layers.1001.exr")


def test_arrows_move_between_the_pictures_of_a_comparison(page: Page, catalog: Catalog) -> None:
    page.goto(catalog.url + compare(catalog, BEAUTY, V002))
    page.locator(".pairs a").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("v002/beauty.1007.exr")


def test_every_link_leads_somewhere(crawled: dict[str, Answer]) -> None:
    found = crawled
    assert {path: each.status for path, each in found.items() if each.status not in (200, 303)} == {}
    pages = {urlsplit(path).path for path in found}
    assert {"/", "/sequences", "/sequence", "/file", "/compare", "/questions", "/thumbnail"} <= pages
    assert {"/sequences.csv", "/sequence.csv", "/compare.csv", "/questions/compression.csv"} <= pages
    for path, answer in found.items():
        if answer.headers.get("content-type", "").startswith("text/html"):
            assert SCRIPT not in answer.text, path


def test_a_limited_token_reaches_nothing_of_another_show(
    crawled: dict[str, Answer], limited: Catalog
) -> None:
    for path, answer in crawl(limited):
        assert answer.status in (200, 303), path
        assert b"tide" not in answer.body, path
    others = [path for path in crawled if "/tide/" in unquote(path) or "sql" in path]
    others += [
        f"{page}?{urlencode({'id': limited.file_id('tide/sq900/sh900/beauty.1001.exr')})}"
        for page in (
            "/file",
            "/file.json",
            "/file/chunks",
            "/file/openimageio",
            "/file/similar",
            "/thumbnail",
        )
    ]
    for path in others:
        answer = limited.get(path)
        if answer.status == 200:  # a filter that finds nothing repeats what was asked
            assert b"sq900" not in answer.body.replace(unquote(path).encode(), b""), path


def test_a_limited_token_shows_only_its_show_in_a_browser(browser: Browser, limited: Catalog) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(limited.entrance)
        expect(page.get_by_role("region", name="Broken")).to_contain_text("missing 1006")
        expect(page.locator("main")).not_to_contain_text("tide")
        page.goto(f"{limited.url}/sequences?q=tide")
        expect(page.locator("#list")).to_contain_text("No sequence matches")
        page.goto(f"{limited.url}{limited.file('tide/sq900/sh900/beauty.1001.exr')}")
        expect(page.get_by_role("heading", level=1)).to_have_text("Not found")


def test_hostile_text_is_shown_and_never_run(page: Page, catalog: Catalog) -> None:
    page.on("dialog", lambda dialog: pytest.fail(dialog.message))
    for path in (
        "/",
        "/sequences",
        "/questions/header-text?text=script",
        "/questions/layer-bytes",
        compare(catalog, HOSTILE, "tide/sq900/sh900/beauty.1001.exr"),
        compare(catalog, HOSTILE),
        f"/sequences?{urlencode({'q': SCRIPT})}",
        f"/questions/lens?{urlencode({'millimeters': SCRIPT})}",
    ):
        page.goto(f"{catalog.url}{path}")
        page.wait_for_load_state("networkidle")
        expect(page).not_to_have_title("owned")
        expect(page.locator("main script")).to_have_count(0)
        assert "script" in page.content()


@pytest.mark.parametrize(
    "path",
    ["/questions", "/questions/compression", "/questions/lens?millimeters=wide", "versions", "compare"],
)
def test_pages_are_accessible_and_fit(page: Page, catalog: Catalog, path: str) -> None:
    named = {"versions": compare(catalog, BEAUTY), "compare": compare(catalog, BEAUTY, V002)}
    for scheme in ("dark", "light"):
        page.add_init_script(f"localStorage.setItem('theme', '{scheme}')")
        page.goto(f"{catalog.url}{named.get(path, path)}")
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
    for width in (1280, 800):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_page_that_is_not_there_says_so_and_is_accessible(browser: Browser, catalog: Catalog) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(catalog.entrance)
        page.goto(f"{catalog.url}/nowhere")
        expect(page.get_by_role("heading", level=1)).to_have_text("Not found")
        assert Axe().run(page).violations_count == 0


def test_a_frame_of_a_sequence_is_compared_with_that_of_another(page: Page, catalog: Catalog) -> None:
    page.goto(catalog.url + compare(catalog, frame_name(1003)))
    page.get_by_label("Any other sequence or file").fill(
        str(catalog.show / frame_name(1003).replace("v001", "v002"))
    )
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_role("heading", name="Pictures")).to_contain_text("pixels differ")
    red = page.get_by_role("region", name="Statistics").get_by_role("row", name="diffuse.R")
    expect(red).to_contain_text("equal")
