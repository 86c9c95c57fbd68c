"""What a terminal is told: a table, progress, and never a control character that comes from a file."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

import exr_inspector
from tests.apps.cli.command import Screen, on_terminal, process, run
from tests.exrfiles.attributes import Attribute, attribute
from tests.exrfiles.demo import simple

# What terminals obey: escape sequences in both spellings, bells, carriage returns, text that runs backwards.
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


def _is_harmless(screen: Screen) -> bool:
    return all(each.isprintable() or each in "\r\n" for each in screen.text) and "\r\r" not in screen.text


@pytest.mark.parametrize("form", ["--table", "--pretty", "--compact", "--jsonl"])
def test_nothing_that_a_file_says_reaches_the_terminal_raw(evil: Path, form: str) -> None:
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
    shown = json.loads(on_terminal("inspect", f"{HOSTILE}.exr", "--compact", columns=9999).text)
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
def test_nothing_that_the_database_holds_reaches_the_terminal_raw(evil: Path, query: list[str]) -> None:
    """Not as a value, as a column's name, or in the database's complaint."""
    assert run("inspect", ".", "--db", "rows.duckdb").exit_code == 1
    screen = on_terminal("sql", *query, "--db", "rows.duckdb", columns=800)
    assert _is_harmless(screen)
    assert "red " in screen.text
    assert "[31m title " in screen.text


@pytest.mark.parametrize("arguments", [["inspect", HOSTILE], ["inspect", f"--{HOSTILE}"], [HOSTILE]])
def test_nothing_that_a_shell_makes_of_a_files_name_reaches_the_terminal_raw(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    """A star may stand for a hostile name: of a folder without images, or one that begins with hyphens."""
    monkeypatch.chdir(tmp_path)
    Path(HOSTILE).mkdir()
    screen = on_terminal(*arguments)
    assert _is_harmless(screen)
    assert screen.exit_code == 2


def test_a_terminal_gets_a_table_and_a_pipe_json(show: Path) -> None:
    screen = on_terminal("inspect", "sh010")
    words = [line.split() for line in screen.lines]
    assert ["sh010/beauty.1001.exr", "ok", "4x4", "1", "3", "zip", "opens"] in words
    assert screen.exit_code == 0
    piped = process("inspect", "sh010")
    assert [each["file"]["status"] for each in json.loads(piped.stdout)] == ["ok", "ok"]
    assert piped.stderr == b""


def test_progress_is_shown_on_a_terminal_alone(show: Path, tmp_path: Path) -> None:
    """With standard output in a file and errors on the terminal, the bar is all that the terminal gets."""
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


@pytest.mark.parametrize(("columns", "held"), [(80, "channels"), (110, "compression"), (130, "OpenImageIO")])
def test_a_narrow_terminal_gets_fewer_columns_and_whole_lines(show: Path, columns: int, held: str) -> None:
    lines = on_terminal("inspect", "-r", ".", columns=columns).text.splitlines()
    (heading,) = (line for line in lines if "status" in line)
    assert held in heading
    assert "layers" not in heading
    assert any("sh010/beauty.1001.exr   ok" in line for line in lines)
