"""The page of a sequence, and pictures at an exposure."""

from __future__ import annotations

import io
import re
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest
from PIL import Image

from exr_inspector.apps.web.app import make_site
from exr_inspector.apps.web.originals import Originals
from exr_inspector.apps.web.pictures import Pictures
from exr_inspector.apps.web.security import Access
from exr_inspector.apps.web.server import running
from exr_inspector.pixels.thumbnail import Picture
from exr_inspector.settings import Settings
from tests.apps.cli.command import run
from tests.apps.web.conftest import Catalog
from tests.apps.web.show import BEAUTY, BRIGHT, MISSING, NAN, SCRIPT, TRUNCATED, frame_name, render
from tests.apps.web.test_file import text_of
from tests.exrfiles.demo import deep, simple

CELL = re.compile(r'class="cell ([^"]*)"[^>]*title="(\d+): ([^"]*)"')


def cells(page: str) -> dict[int, tuple[str, str]]:
    """Return classes and text of the cells of the frame strip by frame."""
    return {int(frame): (classes, text) for classes, frame, text in CELL.findall(page)}


def brightness(picture: bytes) -> float:
    return float(np.asarray(Image.open(io.BytesIO(picture)).convert("RGB"), float).mean())


def test_each_frame_is_a_cell_with_its_status(catalog: Catalog) -> None:
    found = cells(catalog.get(catalog.sequence(BEAUTY)).text)
    assert list(found) == list(range(1001, 1010))
    assert found[1001] == ("is-ok", "ok")
    assert found[TRUNCATED][0] == "is-incomplete not-ok"
    assert found[MISSING] == ("is-gap", "missing")
    assert found[NAN] == ("is-failing", "ok, 3 errors")


def test_cells_are_colored_by_size_statistic_and_outlier_score(catalog: Catalog) -> None:
    page = catalog.sequence(BEAUTY)
    by_size = cells(catalog.get(f"{page}&by=size").text)
    assert by_size[TRUNCATED][0].startswith("shade-0")
    assert by_size[BRIGHT] == ("shade-9", "ok, 26.7 KiB")
    by_mean = cells(catalog.get(f"{page}&by=mean&channel={quote('0:diffuse.R')}").text)
    assert by_mean[TRUNCATED][0].startswith("shade-0")
    assert by_mean[1001][0] == "shade-9"
    outliers = cells(catalog.get(f"{page}&by=outlier").text)
    assert outliers[BRIGHT][0] == "shade-9"
    assert outliers[1001] == ("shade-0", "ok, does not stand out")
    assert "3 of 8 frames stand out" in text_of(catalog.get(f"{page}&by=outlier").text)
    assert catalog.get(f"{page}&by=nothing").status == 400


def test_outliers_have_reasons(catalog: Catalog) -> None:
    text = text_of(catalog.get(catalog.sequence(BEAUTY).replace("?", "/outliers?")).text)
    assert "NaN and infinite samples is 3, beside 0 and 0" in text
    assert "99th percentile of B" in text


def test_the_numbers_of_the_plots_are_a_table(catalog: Catalog) -> None:
    page = catalog.get(f"{catalog.sequence(BEAUTY)}&channel={quote('0:R')}").text
    table = page[page.index('<table id="series">') :].partition("</table>")[0]
    rows = [
        re.sub("<[^>]*>", " ", row).split() for row in re.findall("<tr><td.*?</tr>", table, flags=re.DOTALL)
    ]
    assert [row[0] for row in rows] == [str(frame) for frame in range(1001, 1010) if frame != MISSING]
    names = re.findall('data-column="([^"]*)"', table)
    nan = names.index("nan_count")
    assert {row[0]: row[nan] for row in rows if row[nan] != "0"} == {str(NAN): "1"}
    maximum = {row[0]: float(row[names.index("max")]) for row in rows}
    assert maximum[str(BRIGHT)] == pytest.approx(3 * maximum["1001"], rel=0.05)


def test_what_differs_between_frames_is_shown_with_values(tmp_path: Path) -> None:
    show = tmp_path / "show"
    show.mkdir()
    for frame in range(1001, 1006):
        samples = 12 if frame in (1002, 1003) else 6
        (show / f"a.{frame}.exr").write_bytes(render(frame, samples=samples))
    run("index", show, "--db", tmp_path / "a.duckdb", "--publish", tmp_path / "view.duckdb")
    access = Access()
    with running(make_site(str(tmp_path / "view.duckdb"), Settings()), access) as url:
        text = text_of(
            Catalog(url, next(iter(access.tokens)), show).get(f"/sequence?key={show}/a.%23.exr").text
        )
    assert "arnold/AA_samples 6 1001, 1004-1005 12 1002-1003" in text
    assert "timeCode 01:00:00:00 1001 01:00:00:01 1002" in text
    assert "worldToCamera 1 0 0 0, 0 1 0 0, 0 0 1 0, -0 -1.5 4.5 1 1001" in text
    assert "owner" not in text
    assert "No pixels of these frames were measured" in text
    assert "No policy was applied to these frames." in text


def test_findings_name_their_frames(catalog: Catalog) -> None:
    text = text_of(catalog.get(catalog.sequence(BEAUTY)).text)
    assert "Copy or render the frame again. 1004" in text
    assert "samples that are NaN: 1; the first at x 16; y 6" in text


def test_a_sequence_of_another_show_is_not_there(catalog: Catalog, limited: Catalog) -> None:
    key = "tide/sq900/sh900/beauty.#.exr"
    assert catalog.get(catalog.sequence(key)).status == 200
    for path in ("/sequence", "/sequence.csv", "/sequence/outliers", "/sequence/whole"):
        asked = catalog.sequence(key).replace("/sequence", path)
        answer, absent = limited.get(asked), limited.get(f"{path}?key=nothing")
        assert (answer.status, answer.body) == (absent.status, absent.body) == (404, absent.body)
    assert limited.get(catalog.sequence(BEAUTY)).status == 200


def test_a_file_without_frame_leads_to_its_page(catalog: Catalog) -> None:
    answer = catalog.get(catalog.sequence("dune/assets/hill_albedo.exr"))
    assert answer.status == 303
    assert answer.headers["location"] == catalog.file("dune/assets/hill_albedo.exr")


def test_hostile_text_of_a_sequence_stays_text(catalog: Catalog) -> None:
    for path in ("/sequence", "/sequence/outliers", "/sequence/whole"):
        page = catalog.get(catalog.sequence(f"tide/{SCRIPT}.#.exr").replace("/sequence", path)).text
        assert SCRIPT not in page
        assert "owned" in text_of(page)


def test_frames_are_exported_as_csv(catalog: Catalog) -> None:
    answer = catalog.get(catalog.sequence(BEAUTY).replace("?", ".csv?"))
    head, first, *_ = answer.text.splitlines()
    assert head.startswith("file_id,file_path,frame,status,size_bytes")
    assert first.split(",")[:4] == [
        catalog.file_id(frame_name(1001)),
        str(catalog.show / frame_name(1001)),
        "1001",
        "ok",
    ]


def test_pictures_are_shown_at_any_exposure(catalog: Catalog) -> None:
    path = f"/thumbnail?id={catalog.file_id(frame_name(1001))}"
    dark, plain, bright = (catalog.get(f"{path}&exposure={stops}").body for stops in (-3, 0, 3))
    assert brightness(dark) < brightness(plain) < brightness(bright)
    # The picture of a frame that is three times as bright shows as much, three times as dark.
    other = f"/thumbnail?id={catalog.file_id(frame_name(BRIGHT))}&exposure={-np.log2(3):.4f}"
    assert brightness(catalog.get(other).body) == pytest.approx(brightness(plain), abs=1)
    for wrong in ("nan", "inf", "x", "1e999"):
        assert catalog.get(f"{path}&exposure={wrong}").status == 400
    assert catalog.get(f"{path}&exposure=1e6").headers["content-type"] == "image/webp"


def test_the_shared_exposure_suits_the_sequence(catalog: Catalog) -> None:
    page = catalog.get(f"{catalog.sequence(BEAUTY)}&exposure=auto").text
    stops = {float(each) for each in re.findall(r"exposure=(-?[\d.]+)&?\"", page)}
    assert len(stops) == 1
    assert 0 < stops.pop() < 2


def test_without_the_files_stored_pictures_are_toned(show: Path, snapshot: Path, tmp_path: Path) -> None:
    settings = Settings(local_roots=(str(tmp_path),))  # none of the show
    access = Access()
    with running(make_site(str(snapshot), settings), access) as url:
        catalog = Catalog(url, next(iter(access.tokens)), show)
        path = f"/thumbnail?id={catalog.file_id(frame_name(1001))}"
        pictures = [brightness(catalog.get(f"{path}&exposure={stops}").body) for stops in (-2, 0, 2)]
    assert pictures == sorted(pictures)
    assert pictures[0] < pictures[1] < pictures[2]


def test_a_picture_that_is_not_stored_is_made_of_the_file(tmp_path: Path) -> None:
    show = tmp_path / "show"
    show.mkdir()
    for name in ("a", "b"):
        (show / f"{name}.1001.exr").write_bytes(render(1001))
    run("index", show, "--db", tmp_path / "a.duckdb", "--publish", tmp_path / "view.duckdb")
    shutil.move(show / "b.1001.exr", tmp_path / "b.exr")
    access = Access()
    with running(make_site(str(tmp_path / "view.duckdb"), Settings()), access) as url:
        catalog = Catalog(url, next(iter(access.tokens)), show)

        def kind(name: str) -> str:
            return catalog.get(f"/thumbnail?id={catalog.file_id(name)}").headers["content-type"]

        assert [kind("a.1001.exr"), kind("b.1001.exr")] == ["image/webp", "image/svg+xml"]
        shutil.move(tmp_path / "b.exr", show / "b.1001.exr")
        assert kind("b.1001.exr") == "image/webp"
        (show / "a.1001.exr").unlink()
        assert kind("a.1001.exr") == "image/webp"  # kept


def test_a_file_without_picture_has_a_placeholder_with_the_reason(tmp_path: Path) -> None:
    show = tmp_path / "show"
    show.mkdir()
    (show / "deep.1001.exr").write_bytes(deep())
    (show / "ids.1001.exr").write_bytes(simple(8, 8, ["crypto_object00.R"]))
    (show / "gone.1001.exr").write_bytes(render(1001))
    (show / "bad.1001.exr").write_bytes(b"no image")
    run("index", show, "--db", tmp_path / "a.duckdb", "--publish", tmp_path / "view.duckdb")
    (show / "gone.1001.exr").unlink()
    access = Access()
    with running(make_site(str(tmp_path / "view.duckdb"), Settings()), access) as url:
        catalog = Catalog(url, next(iter(access.tokens)), show)
        found = {
            name: catalog.get(f"/thumbnail?id={catalog.file_id(f'{name}.1001.exr')}").text
            for name in ("deep", "ids", "gone", "bad")
        }
    assert {name: re.findall("<text[^>]*>([^<]*)", text) for name, text in found.items()} == {
        "deep": ["no picture", "deep pixels"],
        "ids": ["no picture", "nothing to show"],
        "gone": ["no picture", "file not found"],
        "bad": ["no picture", "not an exr"],
    }


def test_a_single_frame_has_numbers_and_no_plots(catalog: Catalog) -> None:
    several = catalog.get(catalog.sequence(BEAUTY)).text
    assert "data-plot=" in several
    assert "<details open>" not in several
    single = catalog.get(catalog.sequence("dune/sq010/sh020/layers.#.exr")).text
    assert "data-plot=" not in single
    assert "<details open>\n  <summary>The numbers</summary>" in single


def test_pictures_are_kept_while_there_is_room_and_decoded_once(tmp_path: Path) -> None:
    for frame in range(3):
        (tmp_path / f"{frame}.exr").write_bytes(render(1001 + frame))
    made: list[str] = []

    class Counting(Originals):
        def picture(self, path: str, roots: Sequence[str]) -> Picture | None:
            made.append(path)
            return super().picture(path, roots)

    roots = [str(tmp_path)]
    paths = [str(tmp_path / f"{frame}.exr") for frame in range(3)]
    size = 96 * 54 * 3 * 2
    pictures = Pictures(Counting(Settings()), 2 * size)
    with ThreadPoolExecutor(8) as pool:
        images = list(pool.map(lambda _: pictures.image(paths[0], (1,), roots), range(8)))
    assert {not isinstance(image, str) and image.nbytes for image in images} == {size}
    assert made == paths[:1]
    for path in (paths[1], paths[0], paths[2], paths[0]):
        pictures.image(path, (1,), roots)
    assert made == paths
    pictures.image(paths[1], (1,), roots)
    pictures.image(paths[1], (2,), roots)
    assert made == [*paths, paths[1], paths[1]]
