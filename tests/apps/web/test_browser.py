"""The pages of a file and of a sequence in a real browser."""

from __future__ import annotations

import re
from urllib.parse import quote

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.apps.web.conftest import Catalog
from tests.apps.web.show import BEAUTY, BRIGHT, NAN, SCRIPT, TRUNCATED, frame_name

LAYERS = "dune/sq010/sh020/layers.1001.exr"


def test_a_slash_focuses_the_search(page: Page, catalog: Catalog) -> None:
    page.goto(f"{catalog.url}{catalog.file(LAYERS)}")
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox", name="Search sequences")).to_be_focused()


def test_the_token_is_not_in_the_address(page: Page, catalog: Catalog) -> None:
    assert page.url == f"{catalog.url}/"


def test_a_broken_frame_is_seen_opened_and_explained(page: Page, catalog: Catalog) -> None:
    page.goto(f"{catalog.url}{catalog.sequence(BEAUTY)}")
    broken = page.locator(".cell.is-incomplete")
    expect(broken).to_have_count(1)
    expect(broken).to_contain_text(str(TRUNCATED))
    broken.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(f"beauty.{TRUNCATED}.exr")
    expect(page.get_by_text("CHUNKS_MISSING")).to_be_visible()
    expect(page.locator("svg.chunks .is-missing")).to_have_count(1)


@pytest.mark.parametrize("width", [1400, 800])
def test_findings_come_before_commands(page: Page, catalog: Catalog, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(f"{catalog.url}{catalog.file(frame_name(NAN))}")
    picture, findings, commands = (
        page.locator(selector).bounding_box()
        for selector in (".windows", "h2:text-is('Findings')", "h2:text-is('Commands')")
    )
    assert picture
    assert findings
    assert commands
    assert findings["y"] < 500
    assert findings["y"] < commands["y"]
    assert (findings["x"] > picture["x"] + picture["width"]) == (width == 1400)


def test_arrows_move_in_the_frame_strip(page: Page, catalog: Catalog) -> None:
    page.goto(f"{catalog.url}{catalog.sequence(BEAUTY)}")
    page.locator(".cell").first.focus()
    for _ in range(2):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text(f"beauty.{BRIGHT}.exr")


def test_a_similar_render_is_followed(page: Page, catalog: Catalog) -> None:
    page.goto(f"{catalog.url}{catalog.file(frame_name(1002))}")
    page.locator("#likenesses .likeness").first.get_by_role("link").last.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("beauty.1001.exr")
    assert catalog.file_id(frame_name(1002)) not in page.url


def test_attributes_are_filtered_while_typing(page: Page, catalog: Catalog) -> None:
    page.goto(f"{catalog.url}{catalog.file(LAYERS)}")
    rows = page.locator("#attribute-table tbody tr")
    expect(rows).not_to_have_count(2)
    page.get_by_role("searchbox", name="Filter attributes").type("camera")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("cameraLabel")


def test_openimageio_is_loaded_beside_the_file(page: Page, catalog: Catalog) -> None:
    page.goto(f"{catalog.url}{catalog.file(LAYERS)}")
    page.get_by_role("link", name="Attributes as OpenImageIO reports them").click()
    expect(page.locator("#report tr", has_text="Copyright")).to_contain_text("Example Pictures")
    expect(page).to_have_title(re.compile("layers.1001.exr"))


def test_plots_have_the_values_of_the_table(page: Page, catalog: Catalog) -> None:
    page.goto(f"{catalog.url}{catalog.sequence(BEAUTY)}")
    plots = page.locator(".plot .u-over")
    expect(plots).to_have_count(3)
    box = plots.nth(1).bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * (NAN - 1001) / (1009 - 1001), box["y"] + 20)
    legend = page.locator(".plot").nth(1).locator(".u-legend")
    expect(legend).to_contain_text(re.compile(f"Frame{NAN}"))
    expect(legend).to_contain_text(re.compile("NaN1"))


def test_a_channel_is_chosen_and_its_plots_are_drawn(page: Page, catalog: Catalog) -> None:
    page.goto(f"{catalog.url}{catalog.sequence(BEAUTY)}")
    page.get_by_label("Channel").select_option("0:diffuse.G")
    expect(page.get_by_role("heading", name="diffuse.G over the frames")).to_be_visible()
    expect(page.locator(".plot .u-over")).to_have_count(3)
    expect(page).to_have_url(re.compile("channel=0%3Adiffuse.G"))
    page.get_by_label("Color frames by").select_option("outlier")
    expect(page.locator(".cell.shade-9")).to_have_text(str(BRIGHT))


def test_a_slider_sets_the_exposure_of_all_pictures(page: Page, catalog: Catalog) -> None:
    page.goto(f"{catalog.url}{catalog.sequence(BEAUTY)}")
    slider = page.get_by_label("Exposure")
    with page.expect_response(re.compile("exposure=-1")):
        slider.focus()
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("ArrowLeft")
    pictures = page.locator(".picture img")
    for index in range(pictures.count()):
        expect(pictures.nth(index)).to_have_attribute("src", re.compile("exposure=-1"))
    expect(page).to_have_url(re.compile("exposure=-1"))


def test_hostile_text_runs_nowhere(page: Page, catalog: Catalog) -> None:
    for path in (catalog.file(f"tide/{SCRIPT}.1001.exr"), catalog.sequence(f"tide/{SCRIPT}.#.exr")):
        page.goto(f"{catalog.url}{path}")
        page.wait_for_load_state("networkidle")
        expect(page).not_to_have_title("owned")
        expect(page.locator("main script")).to_have_count(0)


def test_a_command_is_copied(page: Page, catalog: Catalog) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{catalog.url}{catalog.file(LAYERS)}")
    page.get_by_role("button", name="Copy rv").click()
    expect(page.get_by_role("button", name="Copy rv")).to_have_attribute("data-state", "copied")
    assert page.evaluate("navigator.clipboard.readText()") == f"rv {catalog.show / LAYERS}"


def test_links_of_other_sites_lead_to_pages(page: Page, catalog: Catalog) -> None:
    browser = page.context.browser
    assert browser
    file = catalog.file(LAYERS)
    with browser.new_context() as context:
        elsewhere = context.new_page()
        for path, link in ((file, f"{file}&token={catalog.token}"), (file, file)):
            elsewhere.goto(f"data:text/html,<a href='{quote(catalog.url + link)}'>link</a>")
            elsewhere.get_by_role("link").click()
            expect(elsewhere.get_by_role("heading", level=1)).to_contain_text("layers.1001.exr")
            assert elsewhere.url == f"{catalog.url}{path}"


@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize("what", ["file", "sequence"])
def test_pages_are_accessible_and_fit_narrow_windows(
    page: Page, catalog: Catalog, what: str, scheme: str
) -> None:
    page.add_init_script(f"localStorage.setItem('theme', '{scheme}')")
    paths = {"file": catalog.file(frame_name(TRUNCATED)), "sequence": f"{catalog.sequence(BEAUTY)}&by=size"}
    page.goto(f"{catalog.url}{paths[what]}")
    page.wait_for_load_state("networkidle")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    for width in (1280, 800, 400):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_pages_are_dark_until_the_reader_wants_them_light(page: Page, catalog: Catalog) -> None:
    page.emulate_media(color_scheme="light")
    page.goto(f"{catalog.url}/sequences")
    body = page.locator("body")
    dark = body.evaluate("each => getComputedStyle(each).backgroundColor")
    page.get_by_role("button", name="Light or dark").click()
    light = body.evaluate("each => getComputedStyle(each).backgroundColor")
    page.reload()
    assert (dark, light) == ("rgb(20, 22, 25)", "rgb(246, 247, 249)")
    expect(body).to_have_css("background-color", light)


def test_pages_work_without_script(catalog: Catalog, page: Page) -> None:
    browser = page.context.browser
    assert browser
    with browser.new_context(java_script_enabled=False) as context:
        plain = context.new_page()
        plain.goto(catalog.entrance)
        plain.goto(f"{catalog.url}{catalog.sequence(BEAUTY)}")
        plain.get_by_text("The numbers").click()
        expect(plain.locator("#series tbody tr")).to_have_count(8)
        plain.get_by_role("link", name="Compare each frame").click()
        expect(plain.get_by_role("cell", name=str(NAN))).to_be_visible()
        plain.goto(f"{catalog.url}{catalog.file(LAYERS)}")
        plain.get_by_role("link", name="Find renders like this one").click()
        expect(plain.locator(".likeness").first).to_be_visible()
