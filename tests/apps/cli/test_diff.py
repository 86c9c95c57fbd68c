from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from tests.apps.cli.command import on_terminal, run, unprivileged
from tests.exrfiles.attributes import Attribute, attribute
from tests.exrfiles.parts import scanline
from tests.exrfiles.writer import write


def image(path: Path, *more: Attribute, value: float = 2.0, size: int = 20) -> Path:
    plane = np.full((size, 8), 2, np.float16)
    plane[5, 3] = value
    part = scanline({"R": plane, "Z": np.ones((size, 8), np.float32)})
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(write(replace(part, attributes=(*part.attributes, *more))))
    return path


def text(name: str, value: str) -> Attribute:
    return attribute(name, "string", value)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_equal_files_exit_with_0_and_say_that_pixels_were_not_compared(folder: Path) -> None:
    done = run("diff", image(folder / "a.exr"), image(folder / "b.exr"))
    assert done.exit_code == 0
    assert done.stdout.splitlines() == [
        "--- a.exr",
        "+++ b.exr",
        "header: equal",
        "pixels: not compared (--pixels full)",
    ]


def test_a_changed_attribute_is_shown_with_both_values_and_exits_with_1(folder: Path) -> None:
    done = run("diff", image(folder / "a.exr", text("note", "x")), image(folder / "b.exr", text("note", "y")))
    assert done.exit_code == 1
    assert "~ note: x → y" in done.stdout


def test_what_depends_on_the_occasion_is_folded_into_one_line(folder: Path) -> None:
    a = image(folder / "a.exr", text("capDate", "1"), text("host", "n1"))
    b = image(folder / "b.exr", text("capDate", "2"), text("host", "n2"))
    done = run("diff", a, b)
    assert done.exit_code == 0
    assert "  capDate, host: differ, as expected (--all shows them)" in done.stdout
    assert "~ host: n1 → n2" in run("diff", a, b, "--all").stdout


def test_a_changed_pixel_is_shown_with_its_place_and_values(folder: Path) -> None:
    done = run("diff", image(folder / "a.exr"), image(folder / "b.exr", value=5), "--pixels", "full")
    assert done.exit_code == 1
    (row,) = (line for line in done.stdout.splitlines() if line.startswith("R "))
    assert row.split()[:3] == ["R", "1", "3.0"]
    assert row.split()[-3:] == ["3,5", "2.0", "5.0"]
    assert done.stdout.splitlines()[-1] == "pixels: different, 1 of 2 channels are equal"


@pytest.mark.parametrize(
    ("tolerance", "code"), [("2.9", 1), ("3", 0), ("0,0.6", 0), ("1,0.3", 1), ("1,.5", 0)]
)
def test_a_tolerance_decides(folder: Path, tolerance: str, code: int) -> None:
    a, b = image(folder / "a.exr"), image(folder / "b.exr", value=5)
    assert run("diff", a, b, "--pixels", "full", "--tolerance", tolerance).exit_code == code


@pytest.mark.parametrize("tolerance", ["", "x", "-1", "1,2,3", "inf", "nan", "1,"])
def test_a_tolerance_that_is_none_is_refused(folder: Path, tolerance: str) -> None:
    a = image(folder / "a.exr")
    done = run("diff", a, a, "--tolerance", tolerance)
    assert done.exit_code == 2
    assert "is not a tolerance; write one like 0.001" in done.stderr


def test_hashes_tell_whether_pixels_differ(folder: Path) -> None:
    done = run(
        "diff", image(folder / "a.exr"), image(folder / "b.exr", value=5), "--pixels", "hash", "--json"
    )
    found = json.loads(done.stdout)
    assert [each["status"] for each in found["pixels"]["channels"]] == ["different", "equal"]


def test_a_file_that_cannot_be_read_exits_with_3(folder: Path) -> None:
    (folder / "b.exr").write_bytes(b"no image")
    done = run("diff", image(folder / "a.exr"), "b.exr")
    assert done.exit_code == 3
    assert done.stdout.splitlines()[-1].startswith("b.exr: NOT_AN_EXR: ")


def test_a_frame_that_may_not_be_read_does_not_stop_the_others(folder: Path) -> None:
    versions(folder)
    (folder / "v1" / "beauty_v1.0003.exr").chmod(0)
    done = unprivileged("diff", "v1", "v2", "--pixels", "full", "--json")
    assert done.returncode == 1
    beauty = json.loads(done.stdout.splitlines()[0])
    assert (beauty["equal"], beauty["different"], beauty["unknown"]) == ("2, 6", "4-5", "3")
    assert beauty["reasons"] == {"STORAGE_DENIED: Permission denied": "3"}
    done = unprivileged("diff", "v1/beauty_v1.0003.exr", "v2/beauty_v2.0003.exr")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (
        3,
        b"v1/beauty_v1.0003.exr: STORAGE_DENIED: Permission denied",
    )


SCHEMA = json.loads((Path(__file__).parents[3] / "docs" / "diff.schema.json").read_text())


@pytest.mark.parametrize("mode", ["none", "hash", "full"])
def test_json_follows_its_schema(folder: Path, mode: str) -> None:
    a = image(folder / "a.exr", text("note", "x"), text("host", "n1"))
    b = image(folder / "b.exr", text("other", "y"), text("host", "n2"), value=float("nan"), size=30)
    (folder / "c.exr").write_bytes(b.read_bytes()[:-100])
    (folder / "d.exr").write_bytes(b"")
    versions(folder)
    for pair in (("a.exr", "b.exr"), (a, "c.exr"), (a, "d.exr"), ("v1", "v2")):
        lines = run("diff", *pair, "--pixels", mode, "--json").stdout.splitlines()
        assert lines
        for line in lines:
            jsonschema.validate(json.loads(line), SCHEMA)


def versions(folder: Path) -> None:
    for frame in range(1, 7):
        image(folder / "v1" / f"beauty_v1.{frame:04}.exr")
    for frame in range(2, 8):
        image(folder / "v2" / f"beauty_v2.{frame:04}.exr", value=5 if frame in (4, 5) else 2)
    image(folder / "v2" / "matte.exr")


def test_versions_are_compared_with_one_line_for_each_sequence(folder: Path) -> None:
    versions(folder)
    done = run("diff", "v1", "v2", "--pixels", "full")
    assert done.exit_code == 1
    assert done.stdout.splitlines() == [
        "v1/beauty_v1.#.exr different 4-5  added 7  removed 1",
        "  ~ pixels of R at 4-5",
        "v2/matte.exr added",
    ]


def test_a_pattern_names_the_frames_of_each_side(folder: Path) -> None:
    versions(folder)
    done = run("diff", "v1/beauty_v1.[0002-0003].exr", "v2/beauty_v2.[0002-0003].exr", "--json")
    found: dict[str, Any] = json.loads(done.stdout)
    assert (found["status"], found["equal"], found["files"]) == ("equal", "2-3", 2)


def test_names_from_files_cannot_control_the_terminal(folder: Path) -> None:
    a = image(folder / "a.exr", text("evil", "x\x1b[31m"))
    b = image(folder / "b.exr", text("evil", "\x1b]0;y\x07"))
    screen = on_terminal("diff", str(a), str(b))
    assert "\x1b" not in screen.text
    assert "\\x1b[31m" in screen.text


def test_a_line_fits_the_terminal(folder: Path) -> None:
    a, b = image(folder / "a.exr", text("note", "x" * 500)), image(folder / "b.exr", text("note", "y" * 500))
    screen = on_terminal("diff", str(a), str(b), columns=80)
    assert max(map(len, screen.lines)) <= 80


def test_stored_versions_are_compared_without_reading_a_file(folder: Path) -> None:
    versions(folder)
    assert run("stats", "v1", "v2", "--db", "x.duckdb").exit_code == 0
    for path in (*folder.glob("v1/*"), *folder.glob("v2/*")):
        path.unlink()
    done = run("diff", "v1", "v2", "--db", "x.duckdb", "--pixels", "hash")
    assert done.stdout.splitlines() == [
        "v1/beauty_v1.#.exr different 4-5  added 7  removed 1",
        "  ~ pixels of R at 4-5",
        "v2/matte.exr added",
    ]
    pattern = run("diff", "v1/beauty_v1.#.exr", "v2/beauty_v2.#.exr", "--db", "x.duckdb", "--json")
    assert json.loads(pattern.stdout)["equal"] == "2-6"


def test_a_database_has_no_samples_to_compare(folder: Path) -> None:
    done = run("diff", "a", "b", "--db", "x.duckdb", "--pixels", "full")
    assert (done.exit_code, "--db has hashes of pixels" in done.stderr) == (2, True)


def test_a_heat_map_shows_the_place_of_the_difference(folder: Path) -> None:
    from PIL import Image

    a, b = image(folder / "a.exr"), image(folder / "b.exr", value=5)
    assert run("diff", a, b, "--pixels", "full", "--heatmap", "heat.png").exit_code == 1
    picture = np.asarray(Image.open("heat.png"))
    assert picture.shape == (20, 8, 3)
    assert np.argwhere(picture.any(axis=2)).tolist() == [[5, 3]]
    assert picture[5, 3].tolist() == [255, 255, 255]


@pytest.mark.parametrize("arguments", [("--heatmap", "x.png"), ("--pixels", "hash", "--heatmap", "x.png")])
def test_a_heat_map_needs_all_pixels(folder: Path, arguments: tuple[str, ...]) -> None:
    assert run("diff", "a", "b", *arguments).exit_code == 2
