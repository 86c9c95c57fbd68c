"""The pages in a real browser."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.apps.web.conftest import Catalog


def test_a_slash_focuses_the_search(page: Page, catalog: Catalog) -> None:
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox", name="Search sequences")).to_be_focused()


def test_the_token_is_not_in_the_address(page: Page, catalog: Catalog) -> None:
    assert page.url == f"{catalog.url}/"
