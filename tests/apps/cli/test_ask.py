"""`exr-inspector ask`: questions by name, with parameters as options."""

from __future__ import annotations

import csv
import json
import subprocess
from pathlib import Path

import duckdb
import pytest

from exr_inspector.apps.questions.load import names, questions
from tests.apps.cli.command import COMMAND, environment, run

DATABASE = "rows.duckdb"


@pytest.fixture
def stored(show: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (show / "sh010/beauty.1004.exr").write_bytes((show / "sh010/beauty.1001.exr").read_bytes())
    run("inspect", "-r", ".", "--db", DATABASE)
    monkeypatch.setenv("EXR_INSPECTOR_DB", DATABASE)
    return show


def test_a_question_is_answered_as_a_table(stored: Path) -> None:
    done = run("ask", "missing-frames", "--path", "sh010/%")
    words = [line.split() for line in done.stdout.splitlines()]
    assert words[0] == ["sequence_key", "first_missing", "last_missing", "frames"]
    assert words[2][1:] == ["1002", "1003", "2"]
    assert (done.exit_code, done.stderr) == (0, "")


@pytest.mark.parametrize("path", [".", "sh010", "sh010/", "./sh010", "sh010/beauty.#.exr", "sh0%"])
def test_a_path_is_a_folder_a_sequence_or_a_pattern(stored: Path, path: str) -> None:
    assert '"first_missing":1002' in run("ask", "missing-frames", "--path", path, "--json").stdout
    (stored / "elsewhere").mkdir()
    assert run("ask", "missing-frames", "--path", "elsewhere", "--json").stdout == ""


def test_a_file_is_named_as_for_other_commands(stored: Path) -> None:
    found = run("ask", "same-channels", "--file", "sh010/beauty.1001.exr", "--json").stdout
    assert f"{stored}/sh010/beauty.#.exr" in found


def test_an_answer_can_be_json_lines_csv_or_parquet(stored: Path) -> None:
    row = {"sequence_key": f"{stored}/sh010/beauty.#.exr", "first_missing": 1002}
    lines = run("ask", "missing-frames", "--json").stdout.splitlines()
    assert [json.loads(line).items() >= row.items() for line in lines] == [True]
    table = list(csv.DictReader(run("ask", "missing-frames", "--csv").stdout.splitlines()))
    assert [each["first_missing"] for each in table] == ["1002"]
    done = run("ask", "missing-frames", "--parquet", "answer.parquet")
    assert done.stderr == "1 row in answer.parquet\n"
    assert Path("answer.parquet").read_bytes()[:4] == b"PAR1"


def test_every_question_can_be_asked_of_a_database(stored: Path) -> None:
    for each in questions():
        options = [f"--{it.name}=beauty.1001.exr" for it in each.parameters if it.default is None]
        assert run("ask", each.name, *options).exit_code == 0


def test_the_list_names_every_question() -> None:
    lines = [json.loads(line) for line in run("ask", "--list", "--json").stdout.splitlines()]
    assert [each["name"] for each in lines] == names()
    assert [each["name"] for each in lines[2]["parameters"]] == ["millimeters", "path"]
    table = run("ask", "--list").stdout
    assert all(name in table for name in names())


def test_the_help_of_a_question_explains_its_options() -> None:
    text = run("ask", "odd-sizes", "--help").stdout
    assert "Which frames have an unusual size?" in text
    assert "[default: 2]" in text


def test_an_unknown_question_suggests_the_nearest(stored: Path) -> None:
    done = run("ask", "missing-frame")
    assert done.exit_code == 2
    assert "there is no question 'missing-frame'; is it missing-frames" in done.stderr


def test_the_names_of_questions_are_completed() -> None:
    words = {"COMP_WORDS": "exr-inspector ask miss", "COMP_CWORD": "2"}
    variables = environment(_EXR_INSPECTOR_COMPLETE="bash_complete", **words)
    done = subprocess.run(COMMAND, env=variables, capture_output=True, text=True, check=True)
    found = [line.split(",")[1] for line in done.stdout.splitlines()]
    assert found == [name for name in names() if name.startswith("miss")]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["nan-frames"], "no pixels were measured; `exr-inspector stats --db` does it\n"),
        (["missing-frames", "--path", "sh099"], "no file of that path is stored\n"),
        (["missing-frames", "--path", "sh020"], "nothing found\n"),
    ],
)
def test_an_empty_answer_says_why(stored: Path, arguments: list[str], reason: str) -> None:
    done = run("ask", *arguments)
    assert (done.exit_code, done.stderr) == (0, reason)


def test_the_sql_of_a_question_can_be_shown_and_run(stored: Path) -> None:
    sql = run("ask", "missing-frames", "--path", "it's%", "--sql", "duckdb").stdout
    assert "LIKE '%/it''s%'" in sql
    assert run("sql", sql, "--json").stdout == ""
    assert "NOT MATERIALIZED" not in run("ask", "missing-frames", "--path", "a", "--sql", "trino").stdout


def test_a_question_needs_a_database() -> None:
    done = run("ask", "missing-frames")
    assert done.exit_code == 2
    assert "--db or EXR_INSPECTOR_DB" in done.stderr


def test_a_bad_file_whose_name_has_no_frame_is_among_those_to_render_again(stored: Path) -> None:
    rows = [json.loads(line) for line in run("ask", "bad-frames", "--json").stdout.splitlines()]
    assert [(each["sequence_or_file"], each["frames"]) for each in rows] == [
        (f"{stored}/sh020/beauty.#.exr", [1001]),
        (f"{stored}/sh020/fake.exr", None),
    ]


def test_a_database_of_an_older_release_is_asked_until_something_is_missing(stored: Path) -> None:
    with duckdb.connect(DATABASE) as older:
        older.execute("DROP TABLE channel_stats")
        older.execute("ALTER TABLE files DROP COLUMN show_name")
    assert run("ask", "bad-frames", "--db", DATABASE).exit_code == 0
    for command in (["ask", "nan-frames"], ["export", "--format", "csv", "-o", "out"]):
        done = run(*command, "--db", DATABASE)
        assert done.exit_code == 2
        assert "TABLE_MISMATCH" in done.stderr
        assert "Run `exr-inspector index`" in done.stderr
    assert run("index", stored, "--db", DATABASE).exit_code == 0
    for command in (["ask", "nan-frames"], ["export", "--format", "csv", "-o", "out"]):
        assert run(*command, "--db", DATABASE).exit_code == 0
