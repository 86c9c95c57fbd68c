"""Two versions side by side."""

from __future__ import annotations

import re
from urllib.parse import urlencode

from playwright.sync_api import Page, expect

from exr_inspector.apps.web.queries.compare import evenly, in_order, other_versions, value_text
from exr_inspector.catalog.duckdb.snapshot import Snapshot
from tests.apps.web.conftest import Catalog
from tests.apps.web.show import BEAUTY, SCRIPT, frame_name

V002 = BEAUTY.replace("v001", "v002")


def url(catalog: Catalog, a: str, b: str = "", page: str = "/compare") -> str:
    names = {"a": a, "b": b} if b else {"a": a}
    return f"{page}?{urlencode({name: catalog.show / key for name, key in names.items()})}"


def test_other_versions_are_proposed_and_lead_to_the_comparison(page: Page, catalog: Catalog) -> None:
    page.goto(catalog.url + url(catalog, V002))
    page.locator("tbody").get_by_role("link", name="beauty.####.exr").click()
    heads = page.locator("table.sides thead th")
    expect(heads.nth(1)).to_contain_text("v001")
    expect(heads.nth(2)).to_contain_text("v002")


def test_a_file_is_compared_with_the_same_frame_of_another_version(page: Page, catalog: Catalog) -> None:
    page.goto(catalog.url + catalog.file(frame_name(1003)))
    page.get_by_role("link", name="Compare", exact=True).click()
    page.locator("tbody").get_by_role("link", name="beauty.####.exr").click()
    heads = page.locator("table.sides thead th")
    expect(heads.nth(1)).to_contain_text("v001/beauty.1003.exr")
    expect(heads.nth(2)).to_contain_text("v002/beauty.1003.exr")
    expect(page.get_by_role("heading", name="Pictures")).to_contain_text("pixels differ")


def test_a_name_without_a_version_has_no_others_and_another_can_be_named(catalog: Catalog) -> None:
    text = catalog.get(url(catalog, "dune/assets/hill_albedo.exr")).text
    assert "No other version" in text
    assert 'name="b"' in text


def test_versions_of_a_show_are_found_by_their_fields(catalog: Catalog, snapshot: object) -> None:
    with Snapshot(str(snapshot)).reading() as reader:
        found = other_versions(reader, str(catalog.show / BEAUTY))
        assert [each.key for each in found] == [str(catalog.show / V002)]
        assert other_versions(reader, "/nowhere/v001/a.#.exr") == []


def test_versions_are_ordered_as_numbers() -> None:
    assert sorted(["b_v10", "b_v9", "b_v100"], key=in_order) == ["b_v9", "b_v10", "b_v100"]


def test_a_long_value_is_cut() -> None:
    value = {"type": "string", "value": "x" * 100_000}
    assert value_text("attribute", value) == f"{'x' * 500}… (100,000 characters)"


def test_chosen_frames_have_the_first_and_the_last() -> None:
    assert evenly([1, 2], 6) == [1, 2]
    assert evenly(range(100), 4) == [0, 33, 66, 99]


def test_frames_headers_pixels_and_statistics_are_compared(page: Page, catalog: Catalog) -> None:
    page.goto(catalog.url + url(catalog, BEAUTY, V002))
    frames = page.get_by_role("row", name="Frames on one side only").get_by_role("cell")
    expect(frames.nth(1)).to_have_text("+ 1006")
    header = page.locator("table.changes tbody tr").filter(has_text="arnold/AA_samples")
    expect(header).to_contain_text("6")
    expect(header).to_contain_text("8")
    expect(page.locator("table.changes tbody tr").filter(has_text="1004")).to_have_count(
        2
    )  # status, complete
    expect(page.get_by_role("heading", name="Pictures")).to_contain_text("pixels differ at 1003, 1007")
    expect(page.locator(".pairs figure")).to_have_count(2)
    red = page.get_by_role("region", name="Statistics").locator("tbody tr").filter(has_text="R").first
    expect(red).to_contain_text("differ 1003, 1007")


def test_all_pictures_of_both_sides_are_shown_at_one_exposure(page: Page, catalog: Catalog) -> None:
    page.goto(f"{catalog.url}{url(catalog, BEAUTY, V002)}&exposure=-2")
    pictures = page.locator(".pairs img")
    expect(pictures).to_have_count(4)
    for index in range(4):
        expect(pictures.nth(index)).to_have_attribute("src", re.compile("exposure=-2"))
    page.get_by_label("Exposure").press("ArrowRight")
    for index in range(4):
        expect(pictures.nth(index)).to_have_attribute("src", re.compile("exposure=-1.5"))


def test_channels_that_one_side_lacks_are_named(catalog: Catalog) -> None:
    text = catalog.get(
        url(catalog, "dune/sq010/sh010/beauty/v001/beauty.1001.exr", "dune/sq010/sh020/layers.1001.exr")
    ).text
    assert "+albedo" in text
    assert "only in B" in text
    assert "pixels differ</span>" in text


def test_a_sequence_is_equal_to_itself(catalog: Catalog) -> None:
    text = catalog.get(url(catalog, V002, V002)).text
    assert "equal pixels" in text
    assert "✓ equal, except for attributes that change with every render" in text


def test_files_that_are_no_images_are_compared_by_what_is_known(catalog: Catalog) -> None:
    answer = catalog.get(url(catalog, "dune/sq010/sh030/garbage.1001.exr", "dune/sq010/sh030/empty.1001.exr"))
    assert answer.status == 200
    assert "No header could be compared" in answer.text
    assert "equal" not in answer.text


def test_sequences_without_a_common_frame_are_not_called_equal(catalog: Catalog) -> None:
    text = catalog.get(url(catalog, "dune/sq010/sh020/layers.1001.exr", V002)).text
    assert "The two sides have no frame in common" not in text
    text = catalog.get(url(catalog, "dune/assets/hill_albedo.exr", V002)).text
    assert "The two sides have no frame in common" in text


def test_the_statistics_are_a_table_for_spreadsheets(catalog: Catalog) -> None:
    lines = catalog.get(url(catalog, BEAUTY, V002, "/compare.csv")).text.splitlines()
    assert lines[0].startswith("part_index,name,frames,min_a,max_a")
    assert any(line.startswith("0,R,8,") and line.endswith('"[1003,1007]"') for line in lines)


def test_what_is_not_there_or_not_in_the_scope_is_not_found(catalog: Catalog, limited: Catalog) -> None:
    tide = "tide/sq900/sh900/beauty.#.exr"
    assert catalog.get(url(catalog, BEAUTY, tide)).status == 200
    for query in ("a=&b=", "", urlencode({"a": catalog.show / BEAUTY, "b": "/no/where.exr"})):
        assert catalog.get(f"/compare?{query}").status == 404
    for names in ((BEAUTY, tide), (tide, BEAUTY), (tide,)):
        for page in ("/compare", "/compare.csv"):
            answer = limited.get(url(catalog, *names, page=page) if len(names) == 2 else url(catalog, tide))
            assert answer.status == 404


def test_hostile_text_stays_text(catalog: Catalog) -> None:
    hostile = f"tide/{SCRIPT}.1001.exr"
    text = catalog.get(url(catalog, hostile, "tide/sq900/sh900/beauty.1001.exr")).text
    assert SCRIPT not in text
    assert "&lt;script&gt;" in text
