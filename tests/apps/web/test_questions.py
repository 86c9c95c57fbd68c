"""The studio's questions as pages."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlencode

from playwright.sync_api import Page, expect

from exr_inspector.apps.questions.load import questions
from exr_inspector.apps.web.app import make_site
from exr_inspector.apps.web.queries.questions import NEEDS_ALL_VECTORS
from exr_inspector.apps.web.security import Access
from exr_inspector.apps.web.server import running
from exr_inspector.apps.web.snapshot import CurrentSnapshot
from exr_inspector.catalog.limits import QueryLimits
from exr_inspector.settings import Settings
from tests.apps.web.conftest import Catalog
from tests.apps.web.show import BEAUTY, SCRIPT


def url(name: str, /, **values: str) -> str:
    return f"/questions/{name}?{urlencode(values)}"


def test_every_question_is_listed_and_answered(catalog: Catalog) -> None:
    listed = catalog.get("/questions").text
    for each in questions():
        assert f'href="/questions/{each.name}"' in listed
        examples = {it.name: it.example for it in each.parameters if it.default is None}
        answer = catalog.get(url(each.name, **examples))
        assert answer.status == 200, (each.name, answer.text)


def test_a_question_about_vectors_that_a_snapshot_lacks_says_so() -> None:
    for each in questions():
        reads_vectors = any(name in each.sql for name in ("_embedding", "_fingerprint", "look_vector"))
        names_a_file = any(it.name == "file" for it in each.parameters)
        assert (reads_vectors and not names_a_file) == (each.name in NEEDS_ALL_VECTORS), each.name


def test_an_answer_links_to_what_it_names_and_says_frames_as_people_do(catalog: Catalog) -> None:
    text = catalog.get(url("missing-frames", path="beauty.#.exr")).text
    assert f"/sequence?{urlencode({'key': catalog.show / BEAUTY})}" in text
    assert ">1006<" in text
    assert ">1,006<" not in text
    assert "1004" in catalog.get(url("bad-frames", path="sh010")).text


def test_a_question_without_the_value_it_needs_only_asks_for_it(catalog: Catalog) -> None:
    answer = catalog.get("/questions/header-text")
    assert answer.status == 200
    assert "required" in answer.text
    assert "<tbody>" not in answer.text


def test_a_wrong_value_is_explained_beside_the_form(catalog: Catalog) -> None:
    for name, parameters in (("lens", {"millimeters": "wide"}), ("compression", {"show": "("})):
        answer = catalog.get(url(name, **parameters))
        assert 'role="alert"' in answer.text
        assert str(catalog.show.parent) not in answer.text
        assert catalog.get(url(f"{name}.csv", **parameters)).status == 400


def test_an_answer_that_takes_too_much_is_explained_and_others_go_on(snapshot: Path) -> None:
    site = replace(
        make_site(str(snapshot), Settings()),
        snapshots=CurrentSnapshot(str(snapshot), QueryLimits(seconds=20, memory_mib=4)),
    )
    access = Access()
    with running(site, access) as address:
        catalog = Catalog(address, next(iter(access.tokens)), snapshot.parent)
        answers = [catalog.get(url(each.name)) for each in questions()]
        assert catalog.get("/questions").status == 200
    assert any("exceeds the time or memory limit of a page" in answer.text for answer in answers)
    assert {answer.status for answer in answers} == {200}


def test_a_value_never_becomes_sql_or_markup(catalog: Catalog) -> None:
    for text in ("x' OR 1=1; --", SCRIPT):
        answer = catalog.get(url("header-text", text=text))
        assert answer.status == 200
        assert SCRIPT not in answer.text


def test_an_empty_answer_says_why(catalog: Catalog) -> None:
    assert "no file of that path is stored" in catalog.get(url("nan-frames", path="nowhere")).text
    assert "nothing found" in catalog.get(url("lens", millimeters="999")).text


def test_an_answer_is_a_table_for_spreadsheets_and_sql(catalog: Catalog) -> None:
    answer = catalog.get(url("compression.csv"))
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    names, *rows = csv.reader(io.StringIO(answer.text))
    assert names == ["show_name", "compression", "is_deep", "files", "bytes"]
    assert {row[0] for row in rows} == {"dune", "tide"}
    sql = catalog.get(url("compression", show="/shows/(d[^/]+)/", format="sql")).text
    assert "regexp_extract(f.file_path, '/shows/(d[^/]+)/', 1)" in sql


def test_a_limited_token_gets_answers_about_its_show_only(catalog: Catalog, limited: Catalog) -> None:
    for each in questions():
        examples = {it.name: it.example for it in each.parameters if it.default is None}
        for name, form in ((each.name, ""), (f"{each.name}.csv", ""), (each.name, "sql")):
            assert "tide" not in limited.get(url(name, **examples, format=form)).text, each.name
    assert "tide" in catalog.get("/questions/compression").text


def test_an_unknown_question_is_not_found(catalog: Catalog) -> None:
    assert catalog.get("/questions/missing").status == 404
    assert catalog.get("/questions/..%2fcompression").status == 404


def test_a_question_is_asked_in_a_browser(page: Page, catalog: Catalog) -> None:
    page.goto(f"{catalog.url}/questions")
    page.get_by_role("link", name="Which frames are missing?").click()
    page.get_by_label("path", exact=True).fill("sh010")
    page.get_by_role("button", name="Ask").click()
    rows = page.get_by_role("region", name="Answer").locator("tbody tr")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("1006")
