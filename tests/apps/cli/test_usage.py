"""What the commands say about names that stand for nothing, and how their options agree."""

from __future__ import annotations

import os
from pathlib import Path

import click
import pytest

from exr_inspector.apps.cli import commands
from exr_inspector.apps.cli.exits import ANSWERING
from exr_inspector.apps.cli.terminal import harmless
from tests.apps.cli.command import on_terminal, run
from tests.apps.cli.command import process as run_process
from tests.exrfiles.attributes import attribute
from tests.exrfiles.demo import layered_beauty, simple

OF_FILES = ("check", "cryptomatte", "inspect", "outliers", "stats")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def beauties(folder: Path) -> tuple[str, str]:
    names = ("a.1001.exr", "a.1002.exr")
    for frame, name in enumerate(names, 1001):
        (folder / name).write_bytes(layered_beauty(frame))
    return names


@pytest.mark.parametrize("arguments", [*((name, "texts") for name in OF_FILES), ("diff", "texts", "texts")])
def test_a_folder_without_exr_files_is_wrong_usage(folder: Path, arguments: tuple[str, ...]) -> None:
    (folder / "texts").mkdir()
    (folder / "texts" / "notes.txt").touch()
    done = run(*arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "Error: no .exr file in texts" in done.stderr


@pytest.mark.parametrize("name", OF_FILES)
def test_a_file_that_does_not_exist_is_named(folder: Path, name: str) -> None:
    done = run(name, "nosuch.exr")
    assert done.exit_code == (3 if name in ANSWERING else 1)
    text = done.stdout + done.stderr
    assert "nosuch.exr" in text
    assert "FILE_NOT_FOUND" in text


@pytest.mark.parametrize("name", [*OF_FILES, "diff"])
def test_every_command_of_folders_takes_recursive(name: str) -> None:
    options = commands.get_command(click.Context(commands), name)
    assert options
    assert any({"-r", "--recursive"} <= set(each.opts) for each in options.params)


def test_a_name_that_is_not_utf_8_is_shown_as_it_is_stored(folder: Path) -> None:
    assert harmless(os.fsdecode(b"b\xe9auty.exr")) == r"b\xe9auty.exr"
    Path(os.fsdecode(b"b\xe9auty.exr")).write_bytes(simple(4, 4))
    for name in ("check", "stats", "cryptomatte"):
        assert run(name, ".").stdout.startswith(r"b\xe9auty.exr")


def test_the_channels_of_a_render_are_a_table_at_80_columns(folder: Path) -> None:
    screen = on_terminal("stats", beauties(folder)[0], columns=80)
    names = ["part", "channel", "min", "max", "mean", "NaN", "Inf"]
    assert screen.lines[1].split() == names
    assert len(screen.lines) == 3 + 29
    assert all(len(line) <= 80 for line in screen.lines)
    assert "  crypto_object00.A  " in screen.text


def test_the_pixels_that_differ_are_a_table_at_80_columns(folder: Path) -> None:
    screen = on_terminal("diff", *beauties(folder), "--pixels", "full", columns=80)
    (header,) = (line for line in screen.lines if line.startswith("channel"))
    assert header.split() == ["channel", "differ", "max", "mean", "at", "before", "after"]
    assert all(len(line) <= 80 for line in screen.lines)
    assert "\ncrypto_object00.A  " in screen.text.replace("\r", "")


def test_frames_of_a_short_sequence_are_said_not_to_be_compared(folder: Path) -> None:
    beauties(folder)
    done = run("outliers", ".", "--pixels", "none")
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr == "2 files are in no sequence of at least 5 frames, and not compared\n"


def test_check_counts_what_it_could_not_read(folder: Path) -> None:
    assert run("check", "nosuch.exr").stdout.splitlines()[-1] == "default: 1 file, 1 not read"


def test_pictures_are_not_written_under_the_name_of_another_format(folder: Path) -> None:
    a, b = beauties(folder)
    before = Path(b).read_bytes()
    done = run("thumbnail", a, "-o", "a.tif")
    assert (done.exit_code, "end its name in .webp, .jpg, .jpeg, .png, not .tif" in done.stderr) == (2, True)
    done = run("diff", a, b, "--pixels", "full", "--heatmap", b)
    assert (done.exit_code, Path(b).read_bytes()) == (2, before)
    assert not Path("a.tif").exists()


@pytest.mark.parametrize("option", ["--tolerance", "--channel"])
def test_options_of_pixels_are_refused_without_pixels(folder: Path, option: str) -> None:
    done = run("diff", *beauties(folder), option, "0.1")
    assert (done.exit_code, f"Error: {option} needs --pixels" in done.stderr) == (2, True)


def test_a_thumbnail_fault_names_the_file(folder: Path) -> None:
    Path("text.exr").write_text("text")
    done = run("thumbnail", "text.exr", "-o", "a.webp")
    assert done.exit_code == 1
    assert f"({folder / 'text.exr'})" in done.stderr


def test_a_search_without_vectors_says_what_stores_them(folder: Path) -> None:
    a, _ = beauties(folder)
    assert run("inspect", "-n", ".", "--db", "x.duckdb").exit_code == 0
    done = run("similar", a, "--by", "look", "--db", "x.duckdb")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "`exr-inspector stats --db` stores looks" in done.stderr


def test_sql_without_a_database_names_both_ways_to_state_it() -> None:
    done = run("sql", "SELECT 1")
    assert done.exit_code == 2
    assert "--db" in done.stderr
    assert "EXR_INSPECTOR_DB" in done.stderr


def test_a_picture_that_cannot_be_written_is_wrong_usage(folder: Path) -> None:
    a, b = beauties(folder)
    for arguments in (
        ("thumbnail", a, "-o", "no/a.webp"),
        ("diff", a, b, "--pixels", "full", "--heatmap", "no/a.png"),
    ):
        done = run(*arguments)
        assert done.exit_code == 2
        assert f"Error: cannot write {arguments[-1]}: No such file or directory" in done.stderr


def test_a_webhook_without_a_watch_is_refused(folder: Path) -> None:
    done = run("check", *beauties(folder), "--webhook", "http://127.0.0.1:9/")
    assert (done.exit_code, "Error: --webhook needs --watch" in done.stderr) == (2, True)


def test_a_configuration_that_is_text_is_refused_by_what_it_must_be(folder: Path) -> None:
    Path("show.yaml").write_text("text")
    done = run_process("check", *beauties(folder), "--config", "show.yaml")
    assert (done.returncode, b"a mapping of fields is required (show.yaml:1)" in done.stderr) == (2, True)


def test_cryptomatte_says_why_a_stored_file_is_not_ok(folder: Path) -> None:
    content = layered_beauty()
    Path("cut.exr").write_bytes(content[: len(content) // 2])
    done = run("cryptomatte", "cut.exr", "--db", "x.duckdb")
    assert (done.exit_code, "; CHUNKS_MISSING: " in done.stdout) == (1, True)


def test_a_plan_that_is_not_there_is_named_without_an_errno(folder: Path) -> None:
    done = run_process("shards", "status", "--plan", "nosuch")
    assert done.returncode == 2
    assert b"BAD_SETTING: the folder has no plan.json (nosuch)" in done.stderr


def test_a_finding_about_a_field_of_the_file_has_no_empty_subject(folder: Path) -> None:
    count = attribute("chunkCount", "int", 814)
    Path("x.exr").write_bytes(simple(4, 4, attributes=[count]))
    assert "x.exr: chunkCount: chunkCount is 814" in run("check", "x.exr").stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("inspect", "a.1001.exr", "-o"),
        ("report", "a.1001.exr", "--quiet", "-o"),
        ("sql", "SELECT 1 AS one", "--db", "rows.duckdb", "--parquet"),
        ("diff", "a.1001.exr", "a.1002.exr", "--heatmap"),
    ],
)
def test_no_output_replaces_a_render_or_a_database(folder: Path, arguments: tuple[str, ...]) -> None:
    first, second = beauties(folder)
    assert run("inspect", first, "--db", "rows.duckdb").exit_code == 0
    (folder / "render.png").symlink_to(second)
    for name in (second, "rows.duckdb", "render.png"):
        before = (folder / name).read_bytes()
        done = run(*arguments, name)
        assert done.exit_code == 2, done.output
        assert (folder / name).read_bytes() == before
