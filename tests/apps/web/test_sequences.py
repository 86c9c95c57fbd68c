"""The list of sequences: what a row says, filters, orders, pages, CSV, and the scope of a token."""

from __future__ import annotations

import csv
import io
import re
from html import unescape
from pathlib import Path

import duckdb
import pytest
from playwright.sync_api import Page, expect

from exr_inspector.apps.web.queries import sequences
from exr_inspector.apps.web.queries.sequences import SORTS, FilterError, parse_since, parse_size
from exr_inspector.apps.web.templating import url
from tests.apps.web.conftest import Catalog
from tests.apps.web.show import BEAUTY, SCRIPT

ALL = {
    "dune/assets/hill_albedo.exr",
    BEAUTY,
    "dune/sq010/sh010/beauty/v002/beauty.#.exr",
    *(f"dune/sq010/sh020/{name}.#.exr" for name in ("deep", "layers", "plate", "stereo")),
    *(f"dune/sq010/sh030/{name}.#.exr" for name in ("empty", "garbage")),
    "tide/sq900/sh900/beauty.#.exr",
    f"tide/{SCRIPT}.#.exr",
}
BEAUTIES = {key for key in ALL if "beauty" in key}


def rows(catalog: Catalog, path: str = "/sequences.csv", **asked: str) -> list[dict[str, str]]:
    answer = catalog.get(url(path, **asked))
    assert answer.status == 200, answer.text
    assert answer.headers["content-type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(answer.text)))


def keys(catalog: Catalog, **asked: str) -> set[str]:
    return {row["key"].removeprefix(f"{catalog.show}/") for row in rows(catalog, **asked)}


def text_of(html: str) -> str:
    """The text that a page shows, with single spaces."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())


def test_a_row_says_what_people_ask_of_a_sequence(catalog: Catalog) -> None:
    answer = catalog.get(url("/sequences", under=str(catalog.show / BEAUTY.rpartition("/")[0])))
    shown = text_of(answer.text)
    assert "1 sequence 8 files" in shown
    assert "beauty.####.exr 1001-1009 missing 1006 incomplete 1004" in shown
    assert "broken" in shown
    assert "96\N{MULTIPLICATION SIGN}54 data 104\N{MULTIPLICATION SIGN}62 zip" in shown
    assert "2 of 8 channels (none), diffuse" in shown
    assert "lin_rec709_scene" in shown
    assert answer.text.count("/thumbnail?") == 3


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, ALL),
        ({"q": "BEAUTY v002"}, {"dune/sq010/sh010/beauty/v002/beauty.#.exr"}),
        ({"q": "% _"}, set()),
        ({"q": "<script>"}, {f"tide/{SCRIPT}.#.exr"}),
        ({"layer": "albedo"}, {"dune/sq010/sh020/layers.#.exr"}),
        ({"layer": SCRIPT}, {f"tide/{SCRIPT}.#.exr"}),
        ({"attribute": "arnold/AA_samples=8"}, {"dune/sq010/sh010/beauty/v002/beauty.#.exr"}),
        ({"attribute": "arnold/AA_samples"}, {*BEAUTIES, "dune/sq010/sh020/layers.#.exr"}),
        ({"attribute": "x' OR 1=1 --"}, set()),
        ({"state": "broken"}, {BEAUTY, *(key for key in ALL if "sh030" in key)}),
        ({"state": "broken,failing,warning,ok,unjudged"}, ALL),
        ({"state": "no such state"}, set()),
        ({"program": "arnold"}, {*BEAUTIES, "dune/sq010/sh020/layers.#.exr"}),
        (
            {"color_space": "rec709", "q": "dune", "resolution": "96x54"},
            BEAUTIES - {"tide/sq900/sh900/beauty.#.exr"},
        ),
        ({"compression": "zips"}, {"dune/sq010/sh020/deep.#.exr"}),
        ({"larger": "120 KB"}, {BEAUTY, "dune/sq010/sh010/beauty/v002/beauty.#.exr"}),
        ({"since": "9999d"}, ALL),
        ({"rule": "no such rule"}, set()),
    ],
    ids=lambda each: str(each) if isinstance(each, dict) else str(len(each)),  # sets have no order
)
def test_a_filter_finds_the_sequences_that_it_names(
    catalog: Catalog, asked: dict[str, str], found: set[str]
) -> None:
    assert keys(catalog, **asked) == found
    page = catalog.get(url("/sequences", **asked))
    assert f"<h1>{len(found)} sequence" in page.text


def test_a_filter_by_folder_takes_whole_names(catalog: Catalog) -> None:
    assert keys(catalog, under=str(catalog.show / "dune/sq010/sh01")) == set()
    assert keys(catalog, under=f"{catalog.show}/dune/sq010/sh010/") == BEAUTIES - {
        "tide/sq900/sh900/beauty.#.exr"
    }


def test_a_rule_on_the_first_page_leads_to_the_sequences_it_found(catalog: Catalog) -> None:
    links = re.findall(r'href="(/sequences\?rule=[^"]*)"', catalog.get("/").text)
    assert links
    for link in links:
        answer = catalog.get(unescape(link))
        assert answer.status == 200
        assert "<h1>0 " not in answer.text


@pytest.mark.parametrize("size", ["1x", "-1", "ten", "1" * 400])
def test_a_half_typed_size_is_explained(catalog: Catalog, size: str) -> None:
    page = catalog.get(url("/sequences", larger=size))
    assert page.status == 200
    assert "is not a size; write one like 500M or 1.5G" in page.text
    assert catalog.get(url("/sequences.csv", larger=size)).status == 400


def test_too_many_words_are_refused(catalog: Catalog) -> None:
    assert "more than 20 words" in catalog.get(url("/sequences", q="a " * 21)).text
    assert catalog.get(url("/sequences.csv", q="a " * 21)).status == 400


@pytest.mark.parametrize(
    ("text", "size"),
    [("0", 0), ("12", 12), ("1.5k", 1536), ("2 MB", 2 << 20), ("3GiB", 3 << 30), ("1t", 1 << 40)],
)
def test_a_size_is_read_in_powers_of_1024(text: str, size: int) -> None:
    assert parse_size(text) == size


def test_a_time_span_has_a_unit() -> None:
    assert parse_since("24h") == parse_since("1d")
    for text in ("24", "h", "1w", "99999d"):
        with pytest.raises(FilterError):
            parse_since(text)


@pytest.mark.parametrize("sort", SORTS)
def test_the_pages_of_a_list_are_the_whole_list_in_order(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch, sort: str
) -> None:
    monkeypatch.setattr(sequences, "PAGE", 3)
    seen: list[str] = []
    link = url("/sequences", sort=sort, q=str(catalog.show))
    while link:
        page = catalog.get(link)
        assert page.status == 200
        seen += [unescape(key) for key in re.findall(r'class="name" href="([^"]*)"', page.text)]
        following = re.search(r'rel="next" href="([^"]*)"', page.text)
        link = unescape(following[1]) if following else ""
    assert seen == [url("/sequence", key=row["key"]) for row in rows(catalog, sort=sort)]
    assert len(set(seen)) == len(ALL)


def test_a_place_that_is_no_place_is_an_empty_page(catalog: Catalog) -> None:
    answer = catalog.get(url("/sequences", sort="size", after="a lot", behind="x"))
    assert answer.status == 200
    assert "No sequence matches" in answer.text


def test_no_cell_of_csv_is_a_formula(catalog: Catalog) -> None:
    answer = catalog.get("/sequences.csv")
    assert 'filename="sequences.csv"' in answer.headers["content-disposition"]
    for row in csv.reader(io.StringIO(answer.text)):
        assert not [cell for cell in row if cell.startswith(("=", "+", "@", "\t"))]


def test_the_sql_of_a_page_gives_its_rows(catalog: Catalog, snapshot: Path) -> None:
    asked = url("/sequences", layer="albedo", attribute="owner=it's", q="dune")
    link = re.search(r'href="([^"]*format=sql[^"]*)"', catalog.get(asked).text)
    assert link
    answer = catalog.get(unescape(link[1]))
    assert answer.headers["content-type"].startswith("text/plain")
    assert "it''s" in answer.text
    with duckdb.connect(str(snapshot), read_only=True) as connection:
        for statement in connection.extract_statements(answer.text):
            connection.execute(statement)


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/totals.csv", "/sequences", "/sequences.csv", "/sequences?sort=size", "/?since=9999d"),
        *("/sequences?state=broken,failing,warning,ok,unjudged", "/sequences?attribute=owner"),
    ],
)
def test_a_limited_token_sees_nothing_of_another_show(catalog: Catalog, limited: Catalog, path: str) -> None:
    everything, own = catalog.get(path).text, limited.get(path).text
    assert "tide" in everything
    assert "dune" in own
    for secret in ("tide", "sq900", "sh900", "document.title"):
        assert secret not in own


def test_a_limited_token_counts_its_own_files_only(catalog: Catalog, limited: Catalog) -> None:
    dune = f"{catalog.show}/dune/"
    listed = [row for row in rows(catalog) if row["key"].startswith(dune)]
    assert rows(limited) == listed
    files = sum(int(row["file_count"]) for row in listed)
    assert f"{files} files" in text_of(limited.get("/sequences").text)
    assert f"Files {files} " in text_of(limited.get("/").text)
    assert keys(limited, under=str(catalog.show / "tide")) == set()
    assert keys(limited, q="sq900") == set()


def test_text_of_files_stays_text(catalog: Catalog) -> None:
    for path in (
        "/",
        "/sequences",
        url("/sequences", q=SCRIPT),
        url("/", under=f"{catalog.show}/tide/{SCRIPT}"),
    ):
        assert SCRIPT not in catalog.get(path).text
    assert "\x1b" not in catalog.get("/sequences").text


def test_a_list_is_filtered_as_one_types(page: Page, catalog: Catalog) -> None:
    page.goto(f"{catalog.url}/sequences")
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_have_text(f"{len(ALL)} sequences")
    page.keyboard.press("/")
    page.keyboard.type("beauty")
    expect(heading).to_have_text("3 sequences")
    page.get_by_label("Layer").fill("diffuse")
    page.get_by_label("State").select_option("broken")
    expect(heading).to_have_text("1 sequence")
    expect(page.get_by_text("missing 1006")).to_be_visible()
    assert "q=beauty" in page.url
    assert "state=broken" in page.url
    page.reload()
    expect(heading).to_have_text("1 sequence")
    expect(page.get_by_label("Layer")).to_have_value("diffuse")


def test_a_list_works_without_javascript(catalog: Catalog, browser: object) -> None:
    with browser.new_context(java_script_enabled=False) as context:  # type: ignore[attr-defined]
        page = context.new_page()
        page.goto(catalog.entrance)
        page.get_by_role("link", name="Sequences").click()
        page.get_by_label("Name").fill("garbage")
        page.get_by_role("button", name="Filter").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("1 sequence")
        page.get_by_role("link", name="Size", exact=True).click()
        expect(page.get_by_role("columnheader", name="Size")).to_have_attribute("aria-sort", "descending")


def test_arrows_move_between_the_cells_of_a_list(page: Page, catalog: Catalog) -> None:
    page.goto(f"{catalog.url}/sequences")
    names = page.locator("a.name")
    names.nth(0).focus()
    page.keyboard.press("ArrowDown")
    expect(names.nth(1)).to_be_focused()
