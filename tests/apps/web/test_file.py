"""The page of a file."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote

import pytest

from exr_inspector.apps.web.app import make_site
from exr_inspector.apps.web.commands import file_commands, sequence_commands
from exr_inspector.apps.web.security import Access
from exr_inspector.apps.web.server import running
from exr_inspector.catalog.duckdb.snapshot import Scope
from exr_inspector.settings import Settings
from tests.apps.cli.command import run
from tests.apps.web.conftest import Catalog
from tests.apps.web.show import NAN, SCRIPT, TRUNCATED, frame_name, render

LAYERS = "dune/sq010/sh020/layers.1001.exr"
STEREO = "dune/sq010/sh020/stereo.1001.exr"
HOSTILE = f"tide/{SCRIPT}.1001.exr"


def text_of(page: str) -> str:
    """Return what a browser shows of a page, as one line. Raise if it has a script or style in it."""

    class Reader(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.found: list[str] = []

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            names = dict(attrs)
            assert tag != "style"
            assert tag != "script" or "src" in names
            assert not [name for name in names if name.startswith("on") or name == "style"]
            assert not (names.get("href") or "").lower().startswith("javascript:")

        def handle_data(self, data: str) -> None:
            self.found.append(data)

    reader = Reader()
    reader.feed(page)
    return re.sub(r"\s+", " ", " ".join(reader.found))


def test_the_page_shows_what_is_stored_of_a_file(catalog: Catalog) -> None:
    answer = catalog.get(catalog.file(LAYERS))
    assert answer.status == 200
    text = text_of(answer.text)
    for expected in (
        "layers.1001.exr",
        "lin_ap1_scene from colorInteropID",
        "Part 0 scanlineimage · 112\N{MULTIPLICATION SIGN}70 · zip",
        "albedo",
        "crypto_object00",
        "ids and coverage of a cryptomatte",
        "/char/robot/body",
        "worldToCamera",
        "opens, and agrees about every part and channel",
        "passed",
    ):
        assert expected in text
    assert answer.text.count('class="histogram') == 5 + 3 * 4
    assert 'class="display-window"' in answer.text


def test_windows_are_drawn_to_scale(catalog: Catalog) -> None:
    page = catalog.get(catalog.file(LAYERS)).text
    boxes = {
        kind: [float(number) for number in re.findall(r'="([-\d.]+)"', rest)]
        for kind, rest in re.findall(r'<rect class="(\w+)-window"([^>]*)>', page)
    }
    scale = boxes["data"][2] / 112
    assert boxes["data"] == pytest.approx([0, 0, 112 * scale, 70 * scale], abs=0.02)
    assert boxes["display"] == pytest.approx([8 * scale, 8 * scale, 96 * scale, 54 * scale], abs=0.02)


def test_parts_and_shared_attributes_are_shown_once(catalog: Catalog) -> None:
    text = text_of(catalog.get(catalog.file(STEREO)).text)
    for part in ("rgba.left", "depth.left", "rgba.right", "depth.right"):
        assert part in text
    assert text.count("Example Pictures") == 1
    assert "view string left 0, 1" in text


def test_attributes_are_searched_by_name_and_value_in_any_case(catalog: Catalog) -> None:
    page = catalog.file(LAYERS)
    for wanted, count in (("CAMERA", 2), ("shotcam", 1), ("no such text", 0), ("%", 0)):
        table = catalog.get(f"{page}&attribute={quote(wanted)}").text
        table = table[table.index('id="attribute-table"') :]
        assert table.count('class="name-cell"') == count


def test_findings_and_faults_say_what_is_wrong_and_what_to_do(catalog: Catalog) -> None:
    text = text_of(catalog.get(catalog.file(frame_name(TRUNCATED))).text)
    assert "◐ incomplete" in text
    assert "CHUNKS_MISSING the file holds 3 of 4 chunks; the first missing scan line is 44" in text
    assert "FILE-01" in text
    assert "Copy or render the frame again." in text
    assert "undecided PIX-03 cannot be judged" in text
    assert "Clamp the value" not in text
    nan = catalog.get(catalog.file(frame_name(NAN))).text
    assert nan.count("first at 16, 6") == 3


def test_files_without_header_have_a_page(catalog: Catalog) -> None:
    for name, code in (("garbage", "NOT_AN_EXR"), ("empty", "EMPTY_FILE")):
        text = text_of(catalog.get(catalog.file(f"dune/sq010/sh030/{name}.1001.exr")).text)
        assert code in text
        assert "The header was not read." in text
        for piece in ("chunks", "openimageio", "similar"):
            path = catalog.file(f"dune/sq010/sh030/{name}.1001.exr").replace("/file?", f"/file/{piece}?")
            assert catalog.get(path).status == 200


def test_neighbors_are_the_frames_that_exist(catalog: Catalog) -> None:
    page = catalog.get(catalog.file(frame_name(1007))).text
    assert re.findall(r'rel="(\w+)">([^<]+)<', page) == [("prev", "← 1005"), ("next", "1008 →")]


def test_the_chunk_map_shows_what_is_missing(catalog: Catalog) -> None:
    whole = catalog.get(catalog.file(LAYERS).replace("/file?", "/file/chunks?")).text
    assert whole.count('class="chunk"') == 5
    broken = catalog.get(catalog.file(frame_name(TRUNCATED)).replace("/file?", "/file/chunks?")).text
    assert (broken.count('class="chunk"'), broken.count('class="chunk is-missing"')) == (3, 1)
    assert "3 of 4 chunks of 104\N{MULTIPLICATION SIGN}16" in text_of(broken)
    levels = catalog.get(catalog.file("dune/assets/hill_albedo.exr").replace("/file?", "/file/chunks?")).text
    assert "26 of 26 chunks of 32\N{MULTIPLICATION SIGN}32" in text_of(levels)
    assert levels.count('class="chunk"') == 16


def test_openimageio_is_shown_beside_the_file(catalog: Catalog) -> None:
    text = text_of(catalog.get(catalog.file(LAYERS).replace("/file?", "/file/openimageio?")).text)
    assert "owner Example Pictures \N{EN DASH}" in text
    assert "Copyright \N{EN DASH} Example Pictures" in text


def test_similar_renders_have_reasons_and_leave_out_the_own_sequence(catalog: Catalog) -> None:
    text = text_of(catalog.get(catalog.file(frame_name(1002)).replace("/file?", "/file/similar?")).text)
    for kind in ("metadata", "channels", "look"):
        assert f"By {kind}" in text
    assert "v001/beauty" not in text.replace(frame_name(1002), "")
    assert "v002/beauty.1001.exr" in text
    assert "alike in" in text
    layers = text_of(catalog.get(catalog.file(LAYERS).replace("/file?", "/file/similar?")).text)
    assert "only here albedo" in layers
    albedo = catalog.get(catalog.file("dune/assets/hill_albedo.exr").replace("/file?", "/file/similar?")).text
    assert "By metadata Nothing similar." in text_of(albedo)
    assert "1001 has no picture" in text_of(albedo)


def test_a_limited_token_sees_nothing_of_another_show(catalog: Catalog, limited: Catalog) -> None:
    other = catalog.file_id("tide/sq900/sh900/beauty.1001.exr")
    own = catalog.file_id(frame_name(1002))
    for path in ("/file", "/file.json", "/file/chunks", "/file/openimageio", "/file/similar", "/thumbnail"):
        hidden, absent = (limited.get(f"{path}?id={each}") for each in (other, "0" * 32))
        assert (hidden.status, hidden.body) == (absent.status, absent.body)
        assert hidden.status == 404
        assert "tide" not in limited.get(f"{path}?id={own}").body.decode("utf-8", "replace")
    assert "tide" in catalog.get(f"/file/similar?id={own}").text


def test_hostile_text_stays_text(catalog: Catalog) -> None:
    for piece in ("", "/chunks", "/openimageio", "/similar"):
        page = catalog.get(catalog.file(HOSTILE).replace("/file?", f"/file{piece}?")).text
        assert SCRIPT not in page
        assert "owned" in text_of(page)
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e]", page)
    page = text_of(catalog.get(catalog.file(HOSTILE)).text)
    assert "\\u202e" in page
    assert "\\x1b[31m" in page
    assert page.count(SCRIPT) > 12


def test_the_document_is_inspected_again_if_the_file_is_there(catalog: Catalog) -> None:
    answer = catalog.get(catalog.file(LAYERS).replace("/file?", "/file.json?"))
    assert answer.headers["x-read-from"] == "file"
    document = json.loads(answer.text)
    assert document["file"]["status"] == "ok"
    assert document["attributes"]["Copyright"] == "Example Pictures"


def test_without_the_file_what_is_stored_is_shown(tmp_path: Path) -> None:
    show = tmp_path / "show"
    show.mkdir()
    (show / "a.1001.exr").write_bytes(render(1001))
    run("index", show, "--db", tmp_path / "a.duckdb", "--publish", tmp_path / "view.duckdb")
    shutil.move(show / "a.1001.exr", tmp_path / "elsewhere.exr")
    access = Access()
    with running(make_site(str(tmp_path / "view.duckdb"), Settings()), access) as url:
        catalog = Catalog(url, next(iter(access.tokens)), show)
        page = text_of(catalog.get(catalog.file("a.1001.exr")).text)
        assert "No policy was applied to this file." in page
        assert "The pixels were not measured" in page
        answer = catalog.get(catalog.file("a.1001.exr").replace("/file?", "/file.json?"))
        assert answer.headers["x-read-from"] == "catalog"
        assert json.loads(answer.text)["parts"][0]["compression"] == "zip"
        chunks = text_of(catalog.get(catalog.file("a.1001.exr").replace("/file?", "/file/chunks?")).text)
        assert "4 of 4 chunks, when it was inspected. No map: FILE_NOT_FOUND" in chunks
        assert (
            "FILE_NOT_FOUND"
            in catalog.get(catalog.file("a.1001.exr").replace("/file?", "/file/openimageio?")).text
        )
        picture = catalog.get(catalog.file("a.1001.exr").replace("/file?", "/thumbnail?"))
        assert picture.headers["content-type"] == "image/svg+xml"


def test_a_link_out_of_the_indexed_folder_is_not_followed(tmp_path: Path) -> None:
    show, secret = tmp_path / "show", tmp_path / "secret"
    for folder in (show / "a", show / "b", secret):
        folder.mkdir(parents=True)
        (folder / "x.1001.exr").write_bytes(render(1001))
    run("index", show, "--db", tmp_path / "a.duckdb", "--publish", tmp_path / "view.duckdb")
    shutil.rmtree(show / "a")
    (show / "a").symlink_to(secret)
    shutil.rmtree(show / "b")
    (show / "b").symlink_to(show / "a")
    access = Access({"all": Scope(), "one": Scope((str(show / "b"),))})
    with running(make_site(str(tmp_path / "view.duckdb"), Settings()), access) as url:
        for token, name in (("all", "a/x.1001.exr"), ("one", "b/x.1001.exr")):
            catalog = Catalog(url, token, show)
            path = catalog.file(name)
            assert catalog.get(path.replace("/file?", "/file.json?")).headers["x-read-from"] == "catalog"
            assert "PATH_NOT_ALLOWED" in catalog.get(path.replace("/file?", "/file/chunks?")).text


@pytest.mark.parametrize("name", ["it's $HOME; rm -rf ~", "`id`", "a b", '"', "-x", "\\", "ünï"])
def test_commands_are_quoted(name: str) -> None:
    path = f"/shows/{name}/beauty.1001.exr"
    commands = file_commands(path)
    assert shlex.split(commands["Play"]) == ["rv", path]
    assert shlex.split(commands["Header"]) == ["oiiotool", "--info", "-v", path]


@pytest.mark.parametrize("character", ["\n", "\r", "\x1b", "\x7f", "\u202e", "\u2028", "\udce9"])
def test_a_name_with_control_characters_has_no_command(character: str) -> None:
    assert file_commands(f"/shows/a{character}b.1001.exr") == {}
    assert sequence_commands(f"/shows/a{character}b.#.exr", 1001, 1002) == {}


def test_commands_of_a_sequence_name_its_frames() -> None:
    assert sequence_commands("/a b/beauty.#.exr", 1001, 1009)["Play"] == "rv '/a b/beauty.1001-1009#.exr'"
    assert sequence_commands("/a/x.@@@.exr", 7, 9)["Play"] == "rv /a/x.7-9@@@.exr"
    assert "Play" not in sequence_commands("s3://a/x.#.exr", 7, 9)


def test_the_path_is_shown_as_this_machine_and_others_name_it(show: Path, snapshot: Path) -> None:
    settings = Settings(path_map=f"/mnt/renders={show};\\\\server\\renders={show};P:={show}")
    access = Access()
    with running(make_site(str(snapshot), settings), access) as url:
        catalog = Catalog(url, next(iter(access.tokens)), show)
        text = text_of(catalog.get(catalog.file(LAYERS)).text)
    assert f"rv /mnt/renders/{LAYERS}" in text
    windows = LAYERS.replace("/", "\\")
    assert f"\\\\server\\renders\\{windows}" in text
    assert f"P:\\{windows}" in text
