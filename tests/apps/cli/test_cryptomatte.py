from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest

from tests.apps.cli.command import run
from tests.exrfiles.attributes import attribute
from tests.exrfiles.cryptomatte import channels, metadata, object_id
from tests.exrfiles.demo import layered_beauty
from tests.exrfiles.parts import scanline
from tests.exrfiles.writer import write
from tests.policy import studio_files

NAMES = ("/char/dragon", "/set/hill")


@pytest.fixture
def frames(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make two frames; the dragon is in the second."""
    hill = np.ones((8, 6), np.float32)
    dragon = np.zeros((8, 6), np.float32)
    for frame in (1, 2):
        planes = channels("id", {"/set/hill": hill - dragon, "/char/dragon": dragon})
        (tmp_path / f"x.{frame}.exr").write_bytes(write(scanline(planes, metadata("id", NAMES))))
        dragon[2:4, 1:5] = 0.5
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_objects_are_listed_with_their_ids(frames: Path) -> None:
    done = run("cryptomatte", "x.1.exr")
    assert done.exit_code == 0
    title, header, _, *rows = done.stdout.splitlines()
    assert title == "x.1.exr: id, 6 ranks, 2 objects in the header"
    assert header.split() == ["object", "id"]
    assert [row.split() for row in rows] == [[name, f"{object_id(name):08x}"] for name in NAMES]


def test_coverage_adds_area_pixels_and_box(frames: Path) -> None:
    rows = [line.split() for line in run("cryptomatte", "--coverage", "x.2.exr").stdout.splitlines()[3:]]
    assert rows[0] == ["/set/hill", f"{object_id('/set/hill'):08x}", "44.0", "48", "0,0", "-", "5,7"]
    assert rows[1] == ["/char/dragon", f"{object_id('/char/dragon'):08x}", "4.0", "8", "1,2", "-", "4,3"]


def test_the_frames_that_show_an_object_are_found_by_its_name(frames: Path) -> None:
    lines = run("cryptomatte", "--coverage", "--object", "*dragon*", "--json", frames).stdout.splitlines()
    areas = {
        Path(line["file_path"]).name: [each["area"] for each in line["cryptomattes"][0]["objects"]]
        for line in map(json.loads, lines)
    }
    assert areas == {"x.1.exr": [0], "x.2.exr": [4]}


def test_wrong_ids_are_named_and_give_exit_code_1(frames: Path) -> None:
    (name,) = (each for each in metadata("id", ()) if each.name.endswith(b"/name"))
    key = name.name.decode().rpartition("/")[0]
    manifest = {"/char/dragon": f"{object_id('/set/hill'):08x}", "/a": "1"}
    texts = (name, attribute(f"{key}/manifest", "string", json.dumps(manifest)))
    (frames / "y.exr").write_bytes(
        write(scanline(channels("id", {"/a": np.ones((4, 4), np.float32)}), texts))
    )
    done = run("cryptomatte", "y.exr")
    assert done.exit_code == 1
    assert "1 id is not the hash of the name: /char/dragon" in done.stdout
    assert "1 id is not eight hexadecimal digits: /a" in done.stdout


def test_what_is_missing_is_said(frames: Path) -> None:
    plane = np.ones((4, 4), np.float32)
    (frames / "plain.exr").write_bytes(write(scanline({"R": plane})))
    (frames / "lost.exr").write_bytes(write(scanline(channels("cryptoA", {"/a": plane}))))
    assert run("cryptomatte", "plain.exr").stdout == "plain.exr: no cryptomatte\n"
    assert (
        "lost.exr: the layers cryptoA00 and up have no cryptomatte attributes"
        in run("cryptomatte", "lost.exr").stdout
    )


def test_a_damaged_file_gives_exit_code_1_and_the_failure(frames: Path) -> None:
    image = frames / "x.1.exr"
    image.write_bytes(image.read_bytes()[:-10])
    assert run("cryptomatte", image).exit_code == 0
    done = run("cryptomatte", "--coverage", image)
    assert done.exit_code == 1
    assert "CHUNKS_MISSING: 1 chunk: " in done.stdout


# --- docs/CRYPTOMATTE.md ----------------------------------------------------------------------------------

TEXT = (Path(__file__).parents[3] / "docs" / "CRYPTOMATTE.md").read_text()
BLOCKS = re.findall(r"^```(sh|python)\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)


def test_every_command_of_the_document_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shots").mkdir()
    for number in (1001, 1002):
        (tmp_path / "shots" / f"beauty.{number}.exr").write_bytes(layered_beauty(number, 96, 54))
    monkeypatch.chdir(tmp_path)
    printed = ""
    for line in (line for kind, text in BLOCKS if kind == "sh" for line in text.splitlines()):
        program, *arguments = shlex.split(line)
        done = run(*arguments)
        assert (program, done.exit_code) == ("exr-inspector", 0), done.output
        printed += done.stdout
    assert "/char/robot/head 2 /props/lantern 2" in " ".join(printed.split())


def test_the_python_of_the_document_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "shots").mkdir()
    (tmp_path / "shots" / "beauty.1001.exr").write_bytes(layered_beauty())
    monkeypatch.chdir(tmp_path)
    (script,) = (text for kind, text in BLOCKS if kind == "python")
    exec(script, {})
    assert capsys.readouterr().out.startswith("crypto_object 6 ['/set/hill', ")


# --- exr-inspector check ----------------------------------------------------------------------------------


def test_a_check_reads_side_cars_and_checksums_if_policies_look_at_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.exr").write_bytes(studio_files.crypto(texts={"manif_file": "id.json"}))
    (tmp_path / "aces.exr").write_bytes(studio_files.checksummed(is_image_right=False))
    policies = ("--no-default", "--policy", "cryptomatte", "--policy", "aces-container")
    assert "CRY-05-FILE" in run("check", *policies, "x.exr").stdout
    (tmp_path / "id.json").write_text("{}")
    assert "CRY-05-FILE" not in run("check", *policies, "x.exr").stdout
    assert run("check", *policies, "aces.exr").exit_code == 0
    done = run("check", *policies, "--pixels", "full", "aces.exr")
    assert (done.exit_code, "ACES-16-IMAGE" in done.stdout) == (1, True)
