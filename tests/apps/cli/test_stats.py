from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.apps.cli.command import run
from tests.exrfiles.parts import scanline
from tests.exrfiles.writer import write


@pytest.fixture
def image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    plane = np.full((40, 8), 2, np.float16)
    plane[20, 3] = np.nan
    (tmp_path / "x.exr").write_bytes(write(scanline({"R": plane, "Z": np.ones((40, 8), np.float32)})))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "x.exr"


def test_the_table_shows_each_channel_and_the_first_bad_pixel(image: Path) -> None:
    done = run("stats", image)
    assert done.exit_code == 0
    title, _, _, red, depth, hole = done.stdout.splitlines()
    assert title.startswith("x.exr: ok, 3 of 3 chunks, ")
    assert red.split() == ["0", "R", "half", "2.0", "2.0", "2.0", "0.0", "2.0", "1", "0", "3,20"]
    assert depth.split() == ["0", "Z", "float", "1.0", "1.0", "1.0", "0.0", "1.0", "0", "0"]
    assert hole == "R: 1 hole, the first at 3,20"


def test_the_table_draws_the_values_as_a_histogram(tmp_path: Path) -> None:
    ramp = np.linspace(0, 1, 320, dtype=np.float32).reshape(40, 8)
    ramp[:, 0] = 0
    (tmp_path / "x.exr").write_bytes(write(scanline({"Z": ramp})))
    assert " \u2588" + 15 * "\u2583" + " " in run("stats", tmp_path / "x.exr").stdout


def test_json_has_one_object_per_file(image: Path) -> None:
    (image.parent / "y.exr").write_bytes(image.read_bytes())
    lines = [json.loads(line) for line in run("stats", image.parent, "--json").stdout.splitlines()]
    assert [Path(line["file_path"]).name for line in lines] == ["x.exr", "y.exr"]
    assert lines[0]["stats"] == lines[1]["stats"]


def test_a_dry_run_reads_no_pixels(image: Path) -> None:
    line = json.loads(run("stats", image, "--dry-run", "--json").stdout)["stats"]
    assert (line["status"], line["channels"]) == ("planned", [])
    assert (line["coverage"]["chunks_planned"], line["coverage"]["chunks_read"]) == (3, 0)
    assert 0 < line["coverage"]["bytes_planned"] < image.stat().st_size
    assert "would read 3 of 3 chunks" in run("stats", image, "--dry-run").stdout


def test_channels_are_chosen_by_name(image: Path) -> None:
    found = json.loads(run("stats", image, "--channel", "Z", "--json").stdout)["stats"]
    assert [each["name"] for each in found["channels"]] == ["Z"]


def test_a_damaged_file_gives_exit_code_1_and_the_failure(image: Path) -> None:
    image.write_bytes(image.read_bytes()[:-10])
    done = run("stats", image)
    assert done.exit_code == 1
    assert "CHUNKS_MISSING: 1 chunk: " in done.stdout
