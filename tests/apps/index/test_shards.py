"""`exr-inspector shards`: plans for farm managers, and tasks in any order, often and at once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from exr_inspector.apps.index import shards
from tests.apps.cli.command import COMMAND, environment, run
from tests.apps.index.conftest import write
from tests.apps.index.test_index import DB, counts, index, query
from tests.apps.index.test_pool import rows
from tests.exrfiles.demo import simple


@pytest.fixture
def plan(tree: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(shards, "FILES_OF_A_SHARD", 10)
    done = run("shards", "plan", tree, "--out", "plan", "--db", DB)
    assert (done.exit_code, done.stdout) == (0, "42 files in 5 shards, numbered from 0\n")
    return Path("plan")


def _work(plan: Path, shard: int, code: int = 0) -> str:
    done = run("shards", "work", "--plan", plan, "--shard", shard, "--db", DB)
    assert done.exit_code == code, done.output
    return done.stdout if code == 0 else done.stderr


def test_the_tasks_of_a_plan_make_the_tables_of_an_index(tree: Path, plan: Path) -> None:
    for shard in (3, 0, 4, 1, 2):
        assert _work(plan, shard).startswith(f"shard {shard}: ")
    index(tree, db="clean.duckdb")
    assert rows(DB) == rows("clean.duckdb")
    assert counts(index(tree)) == [42, 0, 0, 42, 0, 0]


def test_a_task_that_runs_twice_changes_nothing(tree: Path, plan: Path) -> None:
    _work(plan, 0)
    before = rows(DB)
    _work(plan, 0)
    assert rows(DB) == before
    assert query("SELECT count(*), max(inspection_count) FROM files") == [(10, 2)]


def test_bad_files_do_not_make_a_task_fail(tree: Path, plan: Path) -> None:
    """A manager would try the task for ever."""
    (tree / "sh000/cut.exr").unlink()
    os.mkfifo(tree / "sh000/cut.exr")
    assert [_work(plan, shard) for shard in range(2)] == [
        "shard 0: 10 ok\n",
        "shard 1: 1 failed, 8 ok, 1 unsupported\n",
    ]


def test_the_status_says_what_is_left(plan: Path) -> None:
    for shard in (0, 2):
        _work(plan, shard)
    assert run("shards", "status", "--plan", plan).stdout == "2 of 5 shards done: 20 ok; left: 1, 3-4\n"
    found = json.loads(run("shards", "status", "--plan", plan, "--json").stdout)
    assert found == {"shards": 5, "done": 2, "left": [1, 3, 4], "files": {"ok": 20}}


def test_a_new_plan_has_only_what_is_left(tree: Path, plan: Path) -> None:
    for shard in range(3):
        _work(plan, shard)
    write(tree / "sh000/new.exr", simple(4, 4))
    assert run("shards", "plan", tree, "--out", "again", "--db", DB).stdout.startswith("13 files in 2 shards")


def test_a_plan_deletes_nothing(tree: Path) -> None:
    index(tree)
    (tree / "sh001/beauty.1001.exr").unlink()
    assert run("shards", "plan", tree, "--out", "plan", "--db", DB).stdout.startswith("0 files in 0 shards")
    assert len(query("SELECT * FROM files")) == 42


@pytest.mark.slow
def test_tasks_at_once_take_turns_at_a_duckdb_file(tree: Path, plan: Path) -> None:
    command = [*COMMAND, "shards", "work", "--plan", str(plan), "--db", DB, "--shard"]
    tasks = [subprocess.Popen([*command, str(shard)], env=environment()) for shard in range(5)]
    assert [each.wait() for each in tasks] == [0] * 5
    index(tree, db="clean.duckdb")
    assert rows(DB) == rows("clean.duckdb")


def test_a_shard_or_plan_that_is_not_there_is_refused(plan: Path, tmp_path: Path) -> None:
    assert "there is no shard 5; the plan has 5 shards: 0 to 4" in _work(plan, 5, code=2)
    assert "there is no shard -1" in _work(plan, -1, code=2)
    assert "the folder has no plan" in _work(tmp_path, 0, code=2)
    done = run("shards", "plan", tmp_path, "--out", plan, "--db", DB)
    assert (done.exit_code, "a plan needs an empty folder" in done.stderr) == (2, True)


def test_a_plan_of_another_release_is_refused(plan: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "VERSION", "0.9")
    assert "the plan was made by exr-inspector" in _work(plan, 0, code=2)


# --- the template for farm managers ------------------------------------------------------------------------

TEMPLATE = Path(__file__).parents[3] / "deploy" / "farm" / "openjd.yaml"


def test_the_command_of_the_template_does_a_shard(plan: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXR_INSPECTOR_DB", DB)
    (step,) = yaml.safe_load(TEMPLATE.read_text())["steps"]
    action = step["script"]["actions"]["onRun"]
    values = {"{{Param.Plan}}": str(plan), "{{Task.Param.Shard}}": "4"}
    done = run(*(values.get(each, each) for each in action["args"]))
    assert (action["command"], done.exit_code, done.stdout) == ("exr-inspector", 0, "shard 4: 2 ok\n")


def test_open_job_description_accepts_the_template() -> None:
    command = [sys.executable, "-m", "openjd", "check", str(TEMPLATE)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, "passes validation" in done.stdout) == (0, True), done.stdout + done.stderr


@pytest.mark.parametrize(
    ("name", "content"),
    [
        *(
            ("plan.json", text)
            for text in ("[]", "null", '{"versions": 1, "shards": 1, "files": 1}', "{", "\xff")
        ),
        *(
            ("plan.json", json.dumps({"versions": shards._versions(), "shards": each, "files": 1}))
            for each in (None, "two", 1e999)
        ),
        *(("shard-000000.parquet", text) for text in ("", "no parquet")),
        *(("done-000000.json", text) for text in ("", "[1]", '{"ok": "many"}')),
        ("done-last.json", "{}"),
    ],
)
def test_what_is_no_plan_is_refused_with_the_name_of_the_file(
    tree: Path, plan: Path, name: str, content: str
) -> None:
    (plan / name).write_text(content, "latin-1")
    command = "status" if name.startswith("done") else "work"
    more = () if command == "status" else ("--shard", 0, "--db", DB)
    done = run("shards", command, "--plan", plan, *more)
    assert done.exit_code == 2, done.output
    assert "BAD_SETTING" in done.stderr
    assert name in done.stderr


def test_a_shard_with_other_columns_is_refused(tree: Path, plan: Path) -> None:
    for each in ([{"x": 1}], [{"path": None, "change": "new", "is_link": False}]):
        pq.write_table(pa.Table.from_pylist(each), plan / "shard-000000.parquet")
        assert "this is not a file of a plan" in _work(plan, 0, code=2)
