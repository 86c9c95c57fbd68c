from __future__ import annotations

import io
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.apps.cli.command import COMMAND, environment, run
from tests.exrfiles.demo import layered_beauty
from tests.exrfiles.parts import deep_scanline, scanline
from tests.exrfiles.writer import write


@pytest.fixture
def image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "beauty.1001.exr").write_bytes(layered_beauty())
    monkeypatch.chdir(tmp_path)
    return tmp_path / "beauty.1001.exr"


def brightness(path: Path) -> float:
    return float(np.asarray(Image.open(io.BytesIO(path.read_bytes()))).mean())


def test_the_picture_is_written_and_described(image: Path, tmp_path: Path) -> None:
    done = run("thumbnail", image, "-o", "out.webp")
    assert done.exit_code == 0
    assert done.stderr.startswith("out.webp: R/G/B, lin_ap1_scene, ")
    assert Image.open(io.BytesIO((tmp_path / "out.webp").read_bytes())).size == (160, 90)


def test_exposure_layer_and_size_are_chosen(image: Path, tmp_path: Path) -> None:
    run("thumbnail", image, "-o", "plain.webp")
    run("thumbnail", image, "-o", "bright.webp", "--exposure", "1.5")
    run("thumbnail", image, "-o", "albedo.webp", "--layer", "albedo", "--size", "32")
    assert brightness(tmp_path / "bright.webp") > brightness(tmp_path / "plain.webp") + 10
    assert Image.open(io.BytesIO((tmp_path / "albedo.webp").read_bytes())).size == (32, 18)


@pytest.mark.parametrize("exposure", ["nan", "1e6", "-inf", "bright"])
def test_an_exposure_must_be_a_number_of_stops(image: Path, exposure: str) -> None:
    assert run("thumbnail", image, "-o", "out.webp", "--exposure", exposure).exit_code == 2


def test_a_layer_that_is_not_there_is_refused(image: Path) -> None:
    done = run("thumbnail", image, "-o", "out.webp", "--layer", "nothing")
    assert (done.exit_code, "BAD_CONFIG" in done.stderr) == (2, True)
    assert not Path("out.webp").exists()


def test_a_file_without_a_picture_is_refused(image: Path) -> None:
    samples = {"Z": np.ones(4, np.float32)}
    image.write_bytes(write(deep_scanline(np.ones((2, 2), np.int32), samples)))
    done = run("thumbnail", image, "-o", "out.webp")
    assert (
        done.exit_code,
        "Error: beauty.1001.exr: the file has no channels of a flat part" in done.stderr,
    ) == (
        2,
        True,
    )
    assert "statement" not in done.stderr


def test_an_exr_file_is_not_written_over(image: Path) -> None:
    before = image.read_bytes()
    done = run("thumbnail", image, "-o", image)
    assert (done.exit_code, image.read_bytes()) == (2, before)


def test_a_picture_that_cannot_be_written_whole_keeps_the_old_one(image: Path) -> None:
    Path("out.png").write_bytes(b"before")
    limited = ["sh", "-c", 'ulimit -f 4; exec "$@"', "sh", *COMMAND, "thumbnail", str(image), "-o", "out.png"]
    done = subprocess.run(limited, env=environment(), capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (
        2,
        "Error: cannot write out.png: File too large",
    )
    assert Path("out.png").read_bytes() == b"before"
    assert sorted(each.name for each in Path().iterdir()) == ["beauty.1001.exr", "out.png"]


@pytest.mark.parametrize(("name", "kind"), [("a.webp", "WEBP"), ("a.JPG", "JPEG"), ("a.png", "PNG")])
def test_the_name_of_the_picture_chooses_its_format(image: Path, name: str, kind: str) -> None:
    assert run("thumbnail", image, "-o", name).exit_code == 0
    assert Image.open(io.BytesIO(Path(name).read_bytes())).format == kind


# --- a sequence -------------------------------------------------------------------------------------------


@pytest.fixture
def sequence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Seven gray frames; the third is four times as bright."""
    for frame in range(1001, 1008):
        plane = np.full((4, 8), 1.0 if frame == 1003 else 0.25, np.float16)
        (tmp_path / f"beauty.{frame}.exr").write_bytes(write(scanline(dict.fromkeys("BGR", plane))))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_frames_of_a_sequence_have_one_exposure_at_which_a_flashed_frame_shows(sequence: Path) -> None:
    done = run("thumbnail", "beauty.#.exr", "-o", "small", "--auto-exposure", "--exposure", "-1")
    assert (done.exit_code, "small: 7 pictures, +1 stops, " in done.stderr) == (0, True)
    levels = [brightness(sequence / f"small/beauty.{frame}.webp") for frame in (1001, 1002, 1003)]
    assert levels == pytest.approx([188, 188, 255], abs=2)


def test_a_frame_without_a_picture_does_not_stop_the_others(sequence: Path) -> None:
    (sequence / "beauty.1001.exr").write_text("text")
    done = run("thumbnail", "beauty.#.exr", "-o", "small")
    assert (done.exit_code, "beauty.1001.exr" in done.stderr) == (1, True)
    assert "small: 6 pictures" in done.stderr
    assert len(list(Path("small").iterdir())) == 6


def test_a_fault_names_the_file_and_the_place_in_it(sequence: Path) -> None:
    frame = sequence / "beauty.1001.exr"
    data = frame.read_bytes()
    size = data.index(b"compression\0compression\0") + 24
    frame.write_bytes(data[:size] + b"\xff\xff\xff\xff" + data[size + 4 :])
    done = run("thumbnail", "beauty.#.exr", "-o", "small")
    assert f"({frame}, byte {size - 24})" in done.stderr


def test_several_files_are_not_written_to_one(sequence: Path) -> None:
    assert run("thumbnail", ".", "-o", "all.webp").exit_code == 2
    (sequence / "more").mkdir()
    (sequence / "beauty.1001.exr").rename("more/beauty.1002.exr")
    done = run("thumbnail", ".", "-r", "-o", "small")
    assert (done.exit_code, "name one folder at a time" in done.stderr) == (2, True)
    assert not Path("small").exists()
    assert run("thumbnail", "beauty.1002.exr", "-o", "no/small").exit_code == 2
