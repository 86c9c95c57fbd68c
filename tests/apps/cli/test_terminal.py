"""What a terminal shows: a table that fits, progress, and never a control character from a file."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

import exr_inspector
from exr_inspector.apps.cli.terminal import SHADES, width_of
from tests.apps.cli.command import Screen, on_terminal, process, run
from tests.exrfiles.attributes import Attribute, attribute
from tests.exrfiles.demo import layered_beauty, simple, truncated

# What terminals act on: escape sequences in both spellings, bells, carriage returns, right-to-left marks.
HOSTILE = "red \x1b[31m title \x1b]0;owned\x07 csi \x9b31m back\rward \u202egpj. del \x7f new\nline"


@pytest.fixture
def evil(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with a file that is hostile in its name, its channels and its attributes."""
    content = simple(
        4,
        4,
        channels=(f"{HOSTILE}.R", "G"),
        attributes=[
            attribute("owner", "string", HOSTILE),
            attribute(HOSTILE, "stringvector", [HOSTILE]),
            attribute("comments", "string", "[red]markup[/red] \\[red]"),
            Attribute(b"strange", HOSTILE.encode(), b"\x1b[31m"),
            Attribute(b"latin", b"string", b"caf\xe9 \x9b31m"),
            attribute("name", "string", HOSTILE),
            attribute("view", "string", HOSTILE),
            Attribute(b"broken \x1b[31m", b"int", b""),
        ],
    )
    folder = tmp_path / "evil"
    folder.mkdir()
    Path(folder, f"{HOSTILE}.exr").write_bytes(content)
    Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9 \x9b31m.exr")).write_bytes(b"not an image")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture(scope="module")
def wide_show(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sequence with wide characters in long names, of which a frame was cut short; and its rows."""
    folder = tmp_path_factory.mktemp("wide")
    for frame in range(1001, 1007):
        path = folder / f"{LONG}.{frame}.exr"
        path.parent.mkdir(parents=True, exist_ok=True)
        content = layered_beauty(frame, 48, 27)
        path.write_bytes(truncated(content) if frame == 1004 else content)
    run("inspect", "-rqn", folder, "--db", folder / "rows.duckdb")
    return folder


@pytest.fixture
def wide(wide_show: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(wide_show)
    return wide_show


def _is_harmless(screen: Screen) -> bool:
    return all(each.isprintable() or each in "\r\n" for each in screen.text) and "\r\r" not in screen.text


@pytest.mark.parametrize("form", ["--table", "--pretty", "--compact", "--jsonl"])
def test_no_control_character_of_a_file_reaches_the_terminal(evil: Path, form: str) -> None:
    screen = on_terminal("inspect", ".", form, columns=800)
    assert _is_harmless(screen)
    assert "red " in screen.text
    assert "[31m title " in screen.text
    assert screen.exit_code == 1


def test_a_file_alone_is_shown_in_full_and_harmless(evil: Path) -> None:
    screen = on_terminal("inspect", f"{HOSTILE}.exr", columns=800)
    assert _is_harmless(screen)
    assert screen.text.count(r"\x1b[31m") > 5
    assert "[red]markup[/red] \\[red]" in screen.text


def test_json_on_a_terminal_is_the_same_document(evil: Path) -> None:
    shown = json.loads(on_terminal("inspect", f"{HOSTILE}.exr", "--compact", "-q", columns=9999).text)
    assert shown == exr_inspector.inspect(f"{HOSTILE}.exr")


def test_json_in_a_pipe_is_the_documents_own_text(evil: Path) -> None:
    expected = exr_inspector.to_json(exr_inspector.inspect(f"{HOSTILE}.exr")) + "\n"
    assert process("inspect", f"{HOSTILE}.exr").stdout == expected.encode()


@pytest.mark.parametrize(
    "query",
    [
        ["SELECT file_path, [file_path], errors_json FROM files"],
        ["SELECT attr_name, value_text, [value_json] FROM attributes"],
        ["SELECT attr_name, value_text, [value_json] FROM attributes", "--json"],
        ["PIVOT (SELECT attr_name FROM attributes WHERE attr_name LIKE 'red%') ON attr_name USING count(*)"],
        ["SELECT attr_name::INTEGER FROM attributes WHERE attr_name LIKE 'red%'"],
    ],
)
def test_no_control_character_of_a_database_reaches_the_terminal(evil: Path, query: list[str]) -> None:
    """Neither in a value, nor in a column's name, nor in the database's error message."""
    assert run("inspect", ".", "--db", "rows.duckdb").exit_code == 1
    screen = on_terminal("sql", *query, "--db", "rows.duckdb", columns=800)
    assert _is_harmless(screen)
    assert "red " in screen.text
    assert "[31m title " in screen.text


@pytest.mark.parametrize("arguments", [["inspect", HOSTILE], ["inspect", f"--{HOSTILE}"], [HOSTILE]])
def test_no_control_character_of_an_argument_reaches_the_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    """The shell can expand a pattern to a hostile name."""
    monkeypatch.chdir(tmp_path)
    Path(HOSTILE).mkdir()
    screen = on_terminal(*arguments)
    assert _is_harmless(screen)
    assert screen.exit_code == 2


def test_a_terminal_gets_a_table_and_a_pipe_json(show: Path) -> None:
    screen = on_terminal("inspect", "sh010")
    words = [line.split() for line in screen.lines]
    assert ["sh010/beauty.1001.exr", "ok", "4x4", "1", "3", "zip", "opens"] in words
    assert screen.lines[-1] == "2 files: 2 ok"
    assert screen.exit_code == 0
    piped = process("inspect", "sh010")
    assert [each["file"]["status"] for each in json.loads(piped.stdout)] == ["ok"] * 2
    assert piped.stderr == b"2 files: 2 ok\n"


def test_progress_is_shown_only_on_a_terminal(show: Path, tmp_path: Path) -> None:
    """Standard output is a file here, and standard error the terminal."""
    screen = on_terminal(
        "inspect", "-r", ".", "--jsonl", "--output", str(tmp_path / "out.jsonl"), kind="xterm"
    )
    assert "Inspecting" in screen.text
    assert "100%" in screen.text
    assert len((tmp_path / "out.jsonl").read_text("utf-8").splitlines()) == 5


def test_a_terminal_of_another_encoding_gets_escapes(show: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "latin-1")
    Path("東京.exr").write_bytes(simple(4, 4))
    table = process("inspect", "東京.exr", "absent-東京.exr", "--table")
    assert b"\\u6771\\u4eac.exr" in table.stdout
    assert b"absent-\\u6771\\u4eac.exr: FILE_NOT_FOUND" in table.stderr
    assert b"Traceback" not in table.stderr
    assert json.loads(process("inspect", "東京.exr").stdout)["file"]["path"].endswith("東京.exr")


@pytest.mark.parametrize("columns", [76, 80, 120, 200])
def test_no_verdict_is_dropped_on_a_narrow_terminal(show: Path, columns: int) -> None:
    """The end of each path stays on the line of its status, and the lines fit."""
    (show / "sh010" / ("long" * 20)).mkdir()
    (show / "sh010" / ("long" * 20) / "beauty.1003.exr").write_bytes(simple(4, 4, ["albedo.R", "Y"]))
    table = on_terminal("inspect", "-q", "-r", ".", columns=columns)
    rule = next(number for number, line in enumerate(table.lines) if line.startswith("──"))
    heading = " ".join(table.lines[:rule])
    assert {"file", "status", "data", "window", "parts", "chan", "comp", "OIIO"} <= set(heading.split())
    rows = [line.split() for line in table.lines[rule + 1 :] if not line.startswith("Not shown")]
    found = {row[0][-8:]: row[1] for row in rows}
    assert found == {
        "1001.exr": "incomplete",
        "1002.EXR": "ok",
        "1003.exr": "ok",
        "left.exr": "ok",
        "fake.exr": "unsupported",
    }
    assert max(map(len, table.lines)) <= columns
    assert ("layers" in heading) == ("Not shown on this narrow terminal: layers" not in table.text)
    assert ("albedo" in table.text) == ("layers" in heading)


def test_rows_are_lists_on_a_terminal_that_is_too_narrow_for_a_table(show: Path) -> None:
    table = on_terminal("inspect", "-q", "sh010", "sh020", columns=40)
    assert "status       incomplete" in table.lines
    assert "Not shown" not in table.text
    assert max(map(len, table.lines)) <= 40


@pytest.mark.parametrize(
    ("kind", "green", "red"), [("xterm", "32", "31"), ("xterm-256color", "38;5;28", "38;5;160")]
)
def test_a_status_is_colored_unless_no_color_is_set(
    show: Path, monkeypatch: pytest.MonkeyPatch, kind: str, green: str, red: str
) -> None:
    colored = on_terminal("inspect", "-q", "sh010", "sh020", kind=kind).text
    assert f"\x1b[{green}mok\x1b[0m" in colored
    assert f"\x1b[{red}mincomplete\x1b[0m" in colored
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[3" not in on_terminal("inspect", "-q", "sh010", "sh020", kind=kind).text
    monkeypatch.delenv("NO_COLOR")
    assert b"\x1b" not in process("inspect", "--table", "sh010", "sh020").stdout


def _luminance(index: int) -> float:
    """Return the relative luminance of a color of the 6x6x6 cube of xterm's palette, by WCAG 2."""
    levels = [0, 95, 135, 175, 215, 255]
    values = [levels[(index - 16) // step % 6] / 255 for step in (36, 6, 1)]
    linear = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in values]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_colors_can_be_read_on_black_and_on_white() -> None:
    for index in SHADES.values():
        assert (_luminance(index) + 0.05) / 0.05 >= 3
        assert 1.05 / (_luminance(index) + 0.05) >= 3


LONG = "東京/カット０１０/背景とても長いパス名の美しさのレイヤー"


@pytest.mark.parametrize(
    "command",
    [
        ["inspect", "."],
        ["inspect", f"{LONG}.1001.exr"],
        ["inspect", "--all", f"{LONG}.1001.exr"],
        ["check", "."],
        ["outliers", "."],
        ["stats", "."],
        ["cryptomatte", "--coverage", "."],
        ["diff", f"{LONG}.1001.exr", f"{LONG}.1004.exr"],
        ["diff", ".", "."],
        ["similar", f"{LONG}.1001.exr", "--explain", "--db", "rows.duckdb"],
        ["sql", "SELECT * FROM channels", "--db", "rows.duckdb"],
        ["ask", "sequences", "--db", "rows.duckdb"],
        ["explain", "EXR-14"],
        ["thumbnail", "absent.exr", "-o", "a.webp"],
        ["index", "--dry-run", ".", "--db", "absent.duckdb"],
    ],
    ids=" ".join,
)
def test_every_line_fits_80_columns(wide: Path, command: list[str]) -> None:
    screen = on_terminal(*command, columns=80)
    assert screen.lines
    assert [line for line in screen.lines if width_of(line) > 80] == []


def test_wide_characters_do_not_shift_the_columns(show: Path) -> None:
    Path("sh010/東京.1001.exr").write_bytes(simple(4, 4))
    lines = on_terminal("inspect", "-q", "sh010", columns=80).lines
    heading, wide = lines[0], next(line for line in lines if "東京" in line)
    assert wide.index(" ok ") + 2 == heading.index(" status")


@pytest.mark.parametrize("command", ["inspect", "stats", "cryptomatte", "check"])
def test_progress_is_removed_before_a_line_is_printed(show: Path, command: str) -> None:
    screen = on_terminal(command, "sh010/beauty.1001.exr", kind="xterm")
    assert "Inspecting: 1 of 1 file, 100%" in screen.text
    assert re.findall(r"\d%[^\r]", screen.text) == []


def test_progress_is_one_line_of_a_narrow_terminal(show: Path) -> None:
    screen = on_terminal("inspect", "-n", "sh010/beauty.1001.exr", columns=24, kind="xterm")
    assert "\x1b[KInspecting: 1 of 1 file…" in screen.text
    assert "100%" not in screen.text


def test_check_counts_the_files_of_all_sequences(show: Path) -> None:
    screen = on_terminal("check", ".", "--settle", "0", kind="xterm")
    assert set(re.findall(r"of (\d+ files?)", screen.text)) == {"5 files"}
