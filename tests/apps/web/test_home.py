"""The first page: what happened lately, what there is, and what takes the space."""

from __future__ import annotations

import re
from html import unescape

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from exr_inspector.apps.web.templating import url
from tests.apps.web.conftest import Catalog
from tests.apps.web.show import BEAUTY
from tests.apps.web.test_sequences import rows, text_of


def test_the_first_page_says_what_is_broken_complete_and_being_written(catalog: Catalog) -> None:
    shown = text_of(catalog.get("/").text)
    broken, complete = shown.index("Broken"), shown.index("Newly complete")
    writing = shown.index("Still writing")
    assert "missing 1006" in shown[broken:complete]
    assert "v002" in shown[complete:writing]
    assert f"{catalog.show}/dune/sq010/sh010/beauty/v001" in shown[broken:complete]


def test_sums_by_folder_are_those_of_the_files(catalog: Catalog) -> None:
    everything = rows(catalog)
    dune, tide = rows(catalog, "/totals.csv")
    assert dune["name"] == f"{catalog.show}/dune"
    for total, name in ((dune, "dune"), (tide, "tide")):
        own = [row for row in everything if row["key"].startswith(f"{catalog.show}/{name}/")]
        assert int(total["sequences"]) == len(own)
        for column in ("size_bytes", "missing_frame_count", "error_findings", "corrupt_count"):
            summed = "missing_frames" if column == "missing_frame_count" else column
            assert int(total[summed]) == sum(int(row[column] or 0) for row in own)
        assert int(total["broken"]) == sum(row["state"] == "broken" for row in own)


def test_a_folder_leads_to_its_own_first_page(catalog: Catalog) -> None:
    page = catalog.get("/").text
    link = re.search(rf'href="([^"]*)">{catalog.show.name}|href="(/\?under=[^"]*dune)"', page)
    assert link
    inside = catalog.get(unescape(link[1] or link[2])).text
    assert "tide" not in inside
    assert f"{catalog.show}/dune" in inside
    below = catalog.get(url("/", under=str(catalog.show / "dune/sq010"))).text
    crumbs = [unescape(each) for each in re.findall(r'<a href="([^"]*)">(?:Everything|dune)</a>', below)]
    assert crumbs == ["/", url("/", under=str(catalog.show / "dune"))]


def test_layers_and_compressions_share_the_bytes(catalog: Catalog) -> None:
    shown = text_of(catalog.get("/").text)
    space = shown[shown.index("Space by compression") :]
    assert "zips" in space
    assert "diffuse" in space[space.index("Space by layer") :]


def test_a_time_span_that_is_none_is_refused(catalog: Catalog) -> None:
    assert catalog.get("/?since=yesterday").status == 400
    assert catalog.get("/?since=7d").status == 200


def test_an_empty_folder_has_a_first_page(catalog: Catalog) -> None:
    answer = catalog.get(url("/", under="/no/such/folder"))
    assert answer.status == 200
    assert "Sequences 0" in text_of(answer.text)


def test_a_broken_sequence_leads_to_its_frame(page: Page, catalog: Catalog) -> None:
    broken = page.get_by_role("region", name="Broken").get_by_role("listitem")
    row = broken.filter(has_text="missing 1006")
    expect(row).to_be_visible()
    row.get_by_role("link").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(BEAUTY.replace("#", "1001"))


@pytest.mark.parametrize("width", [400, 700, 1280])
@pytest.mark.parametrize("path", ["/", "/sequences"])
def test_pages_are_accessible_and_fit(page: Page, catalog: Catalog, path: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(f"{catalog.url}{path}")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
