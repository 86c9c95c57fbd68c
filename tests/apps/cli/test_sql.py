"""`exr-inspector sql`: the answers to statements, and what a statement may do."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from exr_inspector.apps.cli import commands
from tests.apps.cli.command import on_terminal, process, run

DATABASE = "rows.duckdb"


@pytest.fixture
def stored(show: Path) -> Path:
    run("inspect", "-r", ".", "--db", DATABASE)
    return show


def test_an_answer_is_a_table(stored: Path) -> None:
    done = run("sql", "SELECT status, count(*) AS n FROM files GROUP BY ALL ORDER BY ALL", "--db", DATABASE)
    words = [line.split() for line in done.stdout.splitlines() if line.strip()]
    assert words[0] == ["status", "n"]
    assert words[2:] == [["incomplete", "1"], ["ok", "3"], ["unsupported", "1"]]
    assert (done.exit_code, done.stderr) == (0, "")


def test_an_answer_can_be_json_lines(stored: Path) -> None:
    done = run(
        "sql",
        "SELECT sum(size_bytes) AS size, bool_or(is_tiled) AS tiled FROM files",
        "--db",
        DATABASE,
        "--json",
    )
    total = sum(path.stat().st_size for path in stored.rglob("*") if path.suffix.lower() == ".exr")
    assert [json.loads(line) for line in done.stdout.splitlines()] == [{"size": total, "tiled": False}]


@pytest.mark.parametrize("source", ["-", "--file", "-f"])
def test_a_statement_may_come_from_a_file_or_standard_input(stored: Path, source: str) -> None:
    text = "-- Frames by status.\nSELECT '日本' AS city, 42 AS answer;\n".encode()
    Path("query.sql").write_bytes(text)
    arguments = ["-"] if source == "-" else [source, "query.sql"]
    done = CliRunner().invoke(commands, ["sql", *arguments, "--csv", "--db", DATABASE], input=text)
    assert (done.exit_code, done.stdout) == (0, "city,answer\n日本,42\n")


def test_one_statement_is_needed_and_in_utf8(stored: Path) -> None:
    Path("query.sql").write_bytes(b"SELECT '\xe9'")
    typed = os.fsdecode(b"SELECT '\xe9'")
    for arguments in (
        [],
        ["SELECT 1", "-f", "query.sql"],
        ["-f", "query.sql"],
        ["-f", "absent.sql"],
        [typed],
    ):
        done = run("sql", *arguments, "--db", DATABASE)
        assert (done.exit_code, done.stdout) == (2, "")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("'=cmd()'", "'=cmd()"),
        ("'+1'", "'+1"),
        ("'@SUM(A1)'", "'@SUM(A1)"),
        ("'a, \"b\"'", '"a, ""b"""'),
        ("-1.5", "-1.5"),
        ("[1, 2]", '"[1,2]"'),
        ("NULL", '""'),
        ("TIMESTAMP '2026-01-02 03:04:05'", "2026-01-02 03:04:05"),
    ],
)
def test_no_text_of_csv_is_a_formula_of_a_spreadsheet(stored: Path, value: str, shown: str) -> None:
    done = run("sql", f"SELECT {value} AS value", "--db", DATABASE, "--csv")
    assert done.stdout == f"value\n{shown}\n"


def test_an_answer_can_be_a_parquet_file(stored: Path) -> None:
    statement = "SELECT file_path AS a, status AS a, metadata_embedding FROM files"
    done = run("sql", statement, "--db", DATABASE, "--parquet", "answer.parquet")
    assert (done.stdout, done.stderr) == ("", "5 rows in answer.parquet\n")
    answer = pq.read_table("answer.parquet")
    assert answer.column_names == ["a", "a_1", "metadata_embedding"]
    assert answer["a_1"].to_pylist().count("ok") == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["SELECT 1", "--parquet", "nowhere/answer.parquet"], "cannot write nowhere/answer.parquet"),
        (["SELECT INTERVAL 1 MONTH AS a", "--parquet", "answer.parquet"], "Parquet has no type"),
        (["SELECT 1", "--parquet", "answer.parquet", "--csv"], "drop --csv"),
    ],
)
def test_a_parquet_file_that_cannot_be_written_is_wrong_usage(
    stored: Path, arguments: list[str], message: str
) -> None:
    done = run("sql", *arguments, "--db", DATABASE)
    assert done.exit_code == 2
    assert message in done.stderr
    assert not list(stored.glob("answer.parquet*"))


def test_no_column_of_an_answer_is_lost(stored: Path) -> None:
    statement = "SELECT 1 AS a, 2 AS a, 3 AS a_1, 4 AS a"
    assert run("sql", statement, "--db", DATABASE, "--json").stdout == '{"a":1,"a_2":2,"a_1":3,"a_3":4}\n'
    assert run("sql", statement, "--db", DATABASE).stdout.split()[:4] == ["a", "a_2", "a_1", "a_3"]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("1.5", "1.5"),
        ("-0.10", "-0.1"),
        ("2.0", "2"),
        ("[0.25, 4.0]", "[0.25,4]"),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
        ("12345678901234567.89", '"12345678901234567.89"'),
    ],
)
def test_a_decimal_is_a_number_where_a_double_shows_its_digits(stored: Path, value: str, shown: str) -> None:
    done = run("sql", f"SELECT {value} AS value", "--db", DATABASE, "--json")
    assert done.stdout == f'{{"value":{shown}}}\n'


def test_the_database_may_be_a_setting(stored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXR_INSPECTOR_DB", DATABASE)
    assert run("sql", "SELECT 42 AS answer").exit_code == 0


@pytest.mark.parametrize(
    "value",
    [
        "[mtime]",
        "{'when': mtime}",
        "[1.0 / 0]",
        "'nan'::DOUBLE",
        "metadata_embedding",
        "uuid()",
        "'\\xAA'::BLOB",
    ],
)
@pytest.mark.parametrize("form", [[], ["--json"]])
def test_values_that_json_has_no_form_for_are_shown_as_text(
    stored: Path, value: str, form: list[str]
) -> None:
    done = run("sql", f"SELECT {value} AS value FROM files", "--db", DATABASE, *form)
    assert done.exit_code == 0
    assert len(done.stdout.splitlines()) >= 5


def test_an_answer_without_rows_is_none(stored: Path) -> None:
    assert run("sql", "SELECT * FROM files WHERE false", "--db", DATABASE, "--json").stdout == ""
    assert "file_path" in run("sql", "SELECT file_path FROM files WHERE false", "--db", DATABASE).stdout


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT",
        "SELECT * FROM nowhere",
        "SELECT nothing FROM files",
        "SELECT file_path::INTEGER FROM files",
        "\0",
        "",
        " ; -- nothing",
    ],
)
def test_a_wrong_statement_ends_in_2_and_says_why(stored: Path, statement: str) -> None:
    done = run("sql", statement, "--db", DATABASE)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("exr-inspector: BAD_QUERY: ")
    assert "docs/DATABASE_SCHEMA.md" in done.stderr


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM files",
        "INSERT INTO files (file_id) VALUES ('x')",
        "DROP TABLE files",
        "CREATE TABLE mine AS SELECT 1",
        "ALTER TABLE files ADD COLUMN mine INTEGER",
    ],
)
def test_a_statement_cannot_change_the_database(stored: Path, statement: str) -> None:
    before = Path(DATABASE).read_bytes()
    done = run("sql", statement, "--db", DATABASE)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "read-only" in done.stderr
    assert Path(DATABASE).read_bytes() == before


def test_a_missing_database_is_wrong_usage(show: Path) -> None:
    done = run("sql", "SELECT 1", "--db", DATABASE)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "does not exist" in done.stderr
    assert not Path(DATABASE).exists()
    assert run("sql", "SELECT 1").exit_code == 2


def test_a_file_that_is_no_database_ends_in_2(show: Path) -> None:
    done = run("sql", "SELECT 1", "--db", "sh010/notes.txt")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("exr-inspector: NOT_A_DATABASE: this file has other content")
    assert "Retry" not in done.stderr


def test_in_a_pipe_every_row_is_a_line_that_grep_finds_whole(stored: Path) -> None:
    long = "x" * 3000
    done = run("sql", f"SELECT '{long}' AS first, file_path FROM files", "--db", DATABASE)
    assert all(long in line for line in done.stdout.splitlines() if ".exr" in line)
    assert any(".exr" in line for line in done.stdout.splitlines())


# --- a statement that is not trusted --------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM read_text('sh010/notes.txt')",
        "SELECT * FROM 'sh010/notes.csv'",
        "COPY (SELECT 1) TO 'written.csv'",
        "ATTACH 'other.duckdb'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "SET memory_limit = '100GB'",
        "PRAGMA temp_directory = '.'",
        "DELETE FROM files",
    ],
)
def test_a_safe_statement_reaches_no_file_and_changes_no_setting(stored: Path, statement: str) -> None:
    Path("sh010/notes.csv").write_text("a\n1\n")
    before = sorted(stored.rglob("*"))
    done = run("sql", "--safe", statement, "--db", DATABASE)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("exr-inspector: BAD_QUERY: ")
    assert sorted(stored.rglob("*")) == before


def test_a_statement_of_the_users_own_reads_what_the_user_can(stored: Path) -> None:
    done = run("sql", "SELECT content FROM read_text('sh010/notes.txt')", "--db", DATABASE, "--json")
    assert done.stdout == '{"content":"not an image"}\n'


def test_a_safe_statement_has_limits_of_memory_and_answer(stored: Path) -> None:
    hungry = run("sql", "--safe", "SELECT len(list(range)) FROM range(1000000000)", "--db", DATABASE)
    large = run("sql", "--safe", "SELECT range FROM range(1000000000)", "--db", DATABASE)
    for done in (hungry, large):
        assert (done.exit_code, done.stdout) == (2, "")
        assert done.stderr.startswith("exr-inspector: QUERY_LIMIT: ")
    assert run("sql", "--safe", "SELECT count(*) AS n FROM files", "--db", DATABASE).exit_code == 0


@pytest.mark.parametrize("options", [["--timeout", "1"], ["--safe", "--timeout", "1"]])
def test_a_statement_ends_after_the_timeout(stored: Path, options: list[str]) -> None:
    runaway = "SELECT list_sum(list_transform(range(100000000), lambda x: x * 2)) FROM range(100)"
    done = process("sql", *options, runaway, "--db", DATABASE)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.startswith(b"exr-inspector: QUERY_LIMIT: ")
    assert b"Traceback" not in done.stderr


# --- on a terminal --------------------------------------------------------------------------------------


def test_a_wide_answer_is_a_list_of_names_and_values_on_a_terminal(stored: Path) -> None:
    screen = on_terminal("sql", "SELECT * FROM files", "--db", DATABASE, columns=80)
    assert screen.text.count("metadata_embedding       [") == 5
    assert "384 numbers]" in screen.text
    assert max(map(len, screen.lines)) <= 80


def test_all_channels_of_a_show_read_well_at_80_columns(demo: Path) -> None:
    """The query that `make demo` suggests: a line for each channel, and its file once above them."""
    database = str(demo.parent / "channels.duckdb")
    run("inspect", "-q", "-n", "-r", demo, "--db", database)
    count = json.loads(run("sql", "SELECT count(*) AS n FROM channels", "--json", "--db", database).stdout)[
        "n"
    ]
    screen = on_terminal("sql", "SELECT * FROM channels", "--db", database, columns=80)
    assert max(map(len, screen.lines)) <= 80
    assert len(screen.lines) < 1.5 * count
    rows = [line.split() for line in screen.lines]
    assert ["8", "crypto_object00.A", "crypto_object00", "channel", "A", "float"] in rows
    files = [line.split()[1] for line in screen.lines if line.startswith("file_id ")]
    assert len(files) == len(set(files)) == 11


def test_values_that_rarely_change_are_printed_where_they_do(stored: Path) -> None:
    some = "CASE WHEN range < 4 THEN 'aaaaaaaaaaaa' END"
    statement = f"SELECT range // 4 AS slow, 'bbbbbbbbbbbb' AS b, {some} AS some, range FROM range(8)"
    screen = on_terminal("sql", statement, "--db", DATABASE, columns=18)
    rows = [" ".join(line.split()) for line in screen.lines]
    assert rows[:4] == ["slow 0", "b bbbbbbbbbbbb", "some aaaaaaaaaaaa", ""]
    assert rows[6:13] == ["0", "1", "2", "3", "", "slow 1", "some (empty)"]


def test_long_names_of_columns_take_several_lines(stored: Path) -> None:
    statement = "SELECT 1 AS a_long_name_of_a_column, file_path FROM files"
    lines = on_terminal("sql", statement, "--db", DATABASE, columns=32).lines
    assert " ".join("".join(line[:6].strip() for line in lines[:5]).split()) == "a_long_name_of_a_column"
    assert max(map(len, lines)) <= 32


def test_a_long_answer_is_shown_in_the_pager_of_a_terminal_only(
    stored: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAGER", "sed s/^/paged:/")
    long, short = "SELECT * FROM range(60)", "SELECT * FROM range(5)"
    assert on_terminal("sql", long, "--db", DATABASE, kind="xterm").text.count("paged:") == 62
    assert "paged:" not in on_terminal("sql", short, "--db", DATABASE, kind="xterm").text
    assert b"paged:" not in process("sql", long, "--db", DATABASE).stdout


def test_a_wide_answer_without_rows_names_its_columns(stored: Path) -> None:
    screen = on_terminal("sql", "SELECT * FROM files WHERE false", "--db", DATABASE, columns=80)
    assert screen.lines[0].startswith("file_id, file_path, ")
    assert max(map(len, screen.lines)) <= 80


def test_a_path_is_truncated_on_the_left_and_a_hash_not_at_all(stored: Path) -> None:
    screen = on_terminal("sql", "SELECT file_path, file_id, status FROM files", "--db", DATABASE, columns=80)
    rows = [line.split() for line in screen.lines[2:]]
    assert all(path.startswith("…") and path[-4:].lower() == ".exr" for path, _, _ in rows)
    assert {len(file_id) for _, file_id, _ in rows} == {32}


def test_the_query_of_the_demo_reads_well_at_80_columns(stored: Path) -> None:
    query = (Path(__file__).parents[2] / "exrfiles" / "demo.sql").read_text()
    screen = on_terminal("sql", query, "--db", DATABASE, columns=80)
    assert screen.lines[0].split() == [
        "sequence",
        "frames",
        "bad",
        "data_window",
        "parts",
        "channels",
        "comp",
        "mb",
    ]
    assert max(map(len, screen.lines)) <= 80
    assert any(line.startswith("sh020/beauty.#.exr") for line in screen.lines)


def test_what_points_at_a_fault_of_a_statement_has_lines_of_its_own(stored: Path) -> None:
    lines = run("sql", "SELECT 1 FRM files WHERE", "--db", DATABASE).stderr.splitlines()
    assert lines[0].startswith("exr-inspector: BAD_QUERY: Parser Error: ")
    assert lines[1].startswith("  LINE 1: SELECT 1 FRM files")
    assert set(lines[2]) == {" ", "^"}
    assert lines[3].startswith("What to do: ")


def test_an_answer_without_rows_says_so(stored: Path) -> None:
    assert run("sql", "SELECT 1 WHERE false", "--db", DATABASE).stderr == "nothing found\n"
