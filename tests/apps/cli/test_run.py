"""How a run of `inspect` ends: its summary, a full disk, Ctrl-C."""

from __future__ import annotations

import json
import resource
import signal
import subprocess
from pathlib import Path

import pytest

from tests.apps.cli.command import COMMAND, ending, environment, on_terminal, process, run, wait_for_cpu
from tests.apps.cli.test_inspect import GOOD, rows_of
from tests.sources.server import KEYS, S3Server

FRAMES = 250
# The size of the batches of apps/cli/run.py.
BATCH = 100


@pytest.fixture
def frames(show: Path) -> Path:
    """A folder with many frames, one of them broken."""
    good = Path("sh010/deep/left.exr").read_bytes()
    Path("frames").mkdir()
    for frame in range(1, FRAMES + 1):
        Path(f"frames/beauty.{frame:04}.exr").write_bytes(good if frame != 7 else good[:-100])
    return show


# --- the summary ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["--jsonl", "--compact", "--pretty"])
def test_a_summary_on_standard_error_counts_files_by_status(show: Path, form: str) -> None:
    done = run("inspect", form, "-r", ".", "absent.exr")
    assert done.stderr == "6 files: 3 ok, 1 incomplete, 1 missing, 1 unsupported\n"
    assert run("inspect", form, "-r", ".", "absent.exr", "--quiet").stderr == ""


def test_the_summary_says_how_many_files_are_stored(show: Path) -> None:
    done = run("inspect", "-r", ".", "--db", "rows.duckdb")
    assert done.stderr == "5 files: 3 ok, 1 incomplete, 1 unsupported; 5 stored in rows.duckdb\n"


def test_an_index_run_prints_no_document_and_lists_the_faults(show: Path) -> None:
    done = run("inspect", "-r", ".", "--db", "rows.duckdb", "--no-output")
    assert (done.stdout, done.exit_code) == ("", 1)
    *faults, last = done.stderr.splitlines()
    assert [line.split(": ")[1] for line in faults] == ["CHUNKS_MISSING", "NOT_AN_EXR"]
    assert last == "5 files: 3 ok, 1 incomplete, 1 unsupported; 5 stored in rows.duckdb"
    assert len(rows_of("rows.duckdb")) == 5
    quiet = run("inspect", "-r", ".", "--db", "rows.duckdb", "-n", "-q")
    assert (quiet.output, quiet.exit_code) == ("", 1)


def test_an_index_run_writes_no_output_file(show: Path) -> None:
    done = run("inspect", GOOD, "-n", "--output", "out.json")
    assert (done.exit_code, Path("out.json").exists()) == (2, False)


def test_quiet_leaves_only_the_table_on_a_terminal(show: Path) -> None:
    screen = on_terminal("inspect", "-q", "sh020", kind="xterm")
    assert "Inspecting" not in screen.text
    assert "CHUNKS_MISSING" not in screen.text
    assert "files:" not in screen.text
    assert "incomplete" in screen.text


# --- a full disk ----------------------------------------------------------------------------------------


def _limit_file_size() -> None:
    """Let writes beyond 1 MiB fail, as they do on a full disk."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))


@pytest.mark.parametrize("form", ["--jsonl", "--compact", "--table", "--no-output"])
def test_a_full_disk_loses_no_document_that_was_inspected(frames: Path, form: str) -> None:
    done = subprocess.run(
        [*COMMAND, "inspect", "frames", "--db", "rows.duckdb", form],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        preexec_fn=_limit_file_size,
    )
    assert done.returncode == 2
    assert "exr-inspector: DATABASE_FULL: " in done.stderr
    assert "concurrency" not in done.stderr
    assert f"{BATCH} files: 99 ok, 1 incomplete; 0 of {FRAMES} stored in rows.duckdb" in done.stderr
    if form == "--jsonl":
        assert len(done.stdout.splitlines()) == BATCH
    elif form == "--compact":
        documents = json.loads(done.stdout)
        assert len(documents) == BATCH
        assert {each["persistence"]["status"] for each in documents} == {"skipped"}
        assert "DATABASE_FULL" in documents[0]["persistence"]["message"]
    elif form == "--table":
        assert sum("beauty." in line for line in done.stdout.splitlines()) == BATCH


# --- the path of the database ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("database", "code"),
    [("no/such/folder/rows.duckdb", "DATABASE_NOT_FOUND"), ("sh010/notes.txt", "NOT_A_DATABASE")],
)
def test_a_wrong_database_is_named_and_not_said_to_pass(show: Path, database: str, code: str) -> None:
    done = run("inspect", GOOD, "--db", database)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith(f"exr-inspector: {code}: ")
    assert database in done.stderr
    assert "Retry" not in done.stderr
    assert Path("sh010/notes.txt").read_bytes() == b"not an image"


# --- names that are no files ----------------------------------------------------------------------------


def test_recursive_is_not_advised_if_it_was_given(show: Path) -> None:
    done = run("inspect", "-r", "empty")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-1] == "Error: no .exr file in empty"


def test_a_bucket_that_cannot_be_listed_is_a_fault(show: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exr_inspector.sources.s3.PAUSES", ())
    with S3Server() as s3:
        for name, value in {
            "S3_ENDPOINT": s3.url,
            **{key.upper(): each for key, each in KEYS.items()},
        }.items():
            monkeypatch.setenv(name, value)
        done = run("inspect", "s3://absent/")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "STORAGE_UNAVAILABLE: NoSuchBucket" in done.stderr


# --- Ctrl-C ---------------------------------------------------------------------------------------------


def _interrupted(*arguments: str) -> tuple[subprocess.CompletedProcess[str], int]:
    """Interrupt a command while it waits for the reader of its output, and then read all of it.

    Its documents are larger than a pipe holds, so it cannot get further than the first batch.
    """
    with ending(
        subprocess.Popen(
            [*COMMAND, "inspect", "frames", "--jsonl", *arguments],
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
    ) as running:
        assert running.stdout is not None
        first = running.stdout.readline()
        running.send_signal(signal.SIGINT)
        rest = running.stdout.read()
        assert running.stderr is not None
        errors = running.stderr.read()
    done = subprocess.CompletedProcess(running.args, running.returncode, first + rest, errors)
    return done, len(done.stdout.splitlines())


def test_ctrl_c_finishes_the_transaction_and_says_what_is_stored(frames: Path) -> None:
    done, lines = _interrupted("--db", "rows.duckdb")
    assert done.returncode == 130
    assert done.stderr == (
        f"Interrupted: {BATCH} files: 99 ok, 1 incomplete; {BATCH} of {FRAMES} stored in rows.duckdb\n"
    )
    assert len(rows_of("rows.duckdb")) == lines == BATCH
    assert all(json.loads(line)["persistence"]["status"] == "stored" for line in done.stdout.splitlines())


def test_ctrl_c_without_a_database_says_what_was_not_inspected(frames: Path) -> None:
    done, lines = _interrupted()
    assert done.returncode == 130
    assert done.stderr.startswith(f"Interrupted: {lines} file")
    assert done.stderr.endswith(f"; {FRAMES - lines} of {FRAMES} not inspected\n")


def test_ctrl_c_keeps_the_previous_output_file(frames: Path) -> None:
    Path("out.json").write_text("the old one")
    script = "import os, signal; os.kill(os.getpid(), signal.SIGINT)"
    done = _process_that_interrupts_itself(script, "--output", "out.json")
    assert done.returncode == 130
    assert Path("out.json").read_text() == "the old one"
    assert not list(Path().glob("*.part"))


def test_the_signal_of_a_farm_manager_leaves_no_half_file_and_no_half_transaction(frames: Path) -> None:
    run("inspect", "-n", min(Path("frames").iterdir()), "--db", "rows.duckdb")
    Path("out.json").write_text("the old one")
    script = "import os, signal; os.kill(os.getpid(), signal.SIGTERM)"
    done = _process_that_interrupts_itself(script, "--output", "out.json", "--db", "rows.duckdb")
    assert (done.returncode, done.stderr) == (143, "")
    assert Path("out.json").read_text() == "the old one"
    assert not list(Path().glob("*.part"))
    assert len(rows_of("rows.duckdb")) == 1


def test_a_second_ctrl_c_rolls_the_transaction_back(frames: Path) -> None:
    script = "import os, signal; [os.kill(os.getpid(), signal.SIGINT) for _ in range(2)]"
    done = _process_that_interrupts_itself(script, "--db", "rows.duckdb", "-n")
    assert done.returncode == 130
    assert f"0 of {FRAMES} stored in rows.duckdb" in done.stderr
    assert b"Traceback" not in done.stderr.encode()
    assert run("sql", "SELECT 1 FROM information_schema.tables", "--db", "rows.duckdb", "--json").stdout == ""


def _process_that_interrupts_itself(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command with a hook before the rows of the first batch are written."""
    program = f"""
import sys
from exr_inspector import pipeline
write = pipeline.write
def interrupted(*arguments):
    {script}
    return write(*arguments)
pipeline.write = interrupted
sys.argv = ["exr-inspector", "inspect", "frames", *sys.argv[1:]]
from exr_inspector.__main__ import main
main()
"""
    command = [COMMAND[0], "-c", program, *arguments]
    return subprocess.run(command, env=environment(), capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_query_at_once(show: Path, sent: signal.Signals) -> None:
    """The process ends by the signal, which shells report as exit code 130 or 143."""
    run("inspect", "-n", "sh010", "--db", "rows.duckdb")
    endless = "SELECT list_sum(list_transform(range(100000000), lambda x: x * 2)) FROM range(1000)"
    with ending(
        subprocess.Popen(
            [*COMMAND, "sql", endless, "--db", "rows.duckdb"],
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    ) as running:
        wait_for_cpu(running, 2.0)
        running.send_signal(sent)
        _, errors = running.communicate(timeout=60)
    assert (running.returncode, errors) == (-sent, b"")


def test_a_command_that_is_not_interrupted_ends_as_always(show: Path) -> None:
    assert process("inspect", "sh010").returncode == 0
