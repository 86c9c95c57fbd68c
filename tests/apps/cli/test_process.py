"""The command as a process: exit codes, missing libraries, closed pipes, full disks, Ctrl-C."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from exr_inspector.version import VERSION
from tests.apps.cli.command import COMMAND, ending, environment, process, run

SAMPLE = "sh010/beauty.1001.exr"

# Runs the command where these modules are not installed.
_WITHOUT = """
import sys
class Absent:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name.split(".")[0] in {modules}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Absent)
sys.argv = ["exr-inspector", *sys.argv[1:]]
from exr_inspector.__main__ import main
main()
"""


def _without(modules: set[str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", _WITHOUT.format(modules=modules), *arguments]
    return subprocess.run(command, env=environment(), capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["inspect", "sh010"], 0),
        (["inspect", "sh010", "sh020"], 1),
        (["inspect", "absent.exr"], 1),
        (["inspect"], 2),
        (["inspect", "empty"], 2),
        (["sql", "SELECT 1", "--db", "absent.duckdb"], 2),
        (["no-such-command"], 2),
    ],
)
def test_the_exit_code_says_how_it_went(show: Path, arguments: list[str], code: int) -> None:
    done = process(*arguments)
    assert done.returncode == code
    assert b"Traceback" not in done.stderr


def test_the_module_is_the_command() -> None:
    assert process("--version").stdout.decode().split() == ["exr-inspector,", "version", VERSION]
    assert process("--help").stdout.startswith(b"Usage: exr-inspector ")
    assert process("-h").returncode == 0


def test_a_missing_library_of_the_command_line_is_named_with_its_extra() -> None:
    done = _without({"click"}, "--help")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "exr-inspector: click is not installed: pip install 'exr-inspector[cli]'\n"


def test_a_missing_duckdb_is_named_with_its_extra_where_it_is_needed(show: Path) -> None:
    done = _without({"duckdb"}, "inspect", "sh010", "--db", "rows.duckdb")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("exr-inspector: NOT_INSTALLED: ")
    assert "pip install 'exr-inspector[cli]'" in done.stderr
    assert _without({"duckdb"}, "inspect", "sh010").returncode == 0


@pytest.mark.parametrize("command", [["serve"], ["invoke", "--event", "event.json"]])
def test_a_missing_library_of_the_stand_in_is_named_with_its_extra(show: Path, command: list[str]) -> None:
    Path("event.json").write_text("{}")
    done = _without({"cloudevents", "uvicorn", "starlette", "yaml"}, *command)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("exr-inspector: NOT_INSTALLED: ")
    assert "pip install 'exr-inspector[cli,serve]'" in done.stderr


@pytest.mark.parametrize("form", ["--jsonl", "--pretty", "--table"])
@pytest.mark.parametrize("paths", [["sh010/beauty.1001.exr"], ["copies"]], ids=["little", "much"])
def test_a_reader_that_goes_away_is_no_fault(show: Path, form: str, paths: list[str]) -> None:
    """As in `exr-inspector ... | head -1`: no traceback, whether the pipe is filled or not."""
    copies = show / "copies"
    copies.mkdir()
    for number in range(30):
        (copies / f"{number}.exr").write_bytes((show / "sh010/deep/left.exr").read_bytes())
    command = [*COMMAND, "inspect", "--no-oiio", form, *paths]
    with ending(
        subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.close()
        assert running.stderr.read() == b""
    assert running.returncode == 1


@pytest.mark.parametrize(
    "arguments",
    [("inspect", SAMPLE, "--jsonl"), ("inspect", SAMPLE, "--table"), ("--help",), ("--version",)],
    ids=lambda arguments: arguments[-1],
)
def test_a_full_disk_ends_in_2(show: Path, arguments: tuple[str, ...]) -> None:
    with Path("/dev/full").open("wb") as full:
        command = [*COMMAND, *arguments]
        done = subprocess.run(
            command, env=environment(), stdout=full, stderr=subprocess.PIPE, check=False, timeout=60
        )
    assert (done.returncode, b"Traceback" in done.stderr) == (2, False)
    assert b"No space left on device" in done.stderr


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_streams_may_be_closed(show: Path, closed: str) -> None:
    """As a service or a farm manager may start it. No file gets the number of a stream."""
    Path("rows.duckdb").unlink(missing_ok=True)
    command = ["sh", "-c", f'"$@" {closed}', "sh", *COMMAND, "inspect", SAMPLE, "absent.exr", "--table"]
    done = subprocess.run(
        [*command, "--db", "rows.duckdb"], env=environment(), capture_output=True, check=False, timeout=60
    )
    assert (done.returncode, b"Traceback" in done.stderr) == (1, False)
    assert b"1" in process("sql", "SELECT count(*) FROM files WHERE complete", "--db", "rows.duckdb").stdout


@pytest.mark.parametrize("group", [(), ("shards",), ("deploy",), ("ask",)])
def test_no_summary_of_a_command_is_cut_at_80_columns(group: tuple[str, ...]) -> None:
    lines = run(*group, "--help").stdout.splitlines()
    assert [line for line in lines if line.startswith("  ") and line.endswith("...")] == []


@pytest.mark.parametrize("group", ["shards", "deploy"])
def test_a_group_without_a_command_prints_its_help_once(group: str) -> None:
    done = run(group)
    assert (done.exit_code, done.output.count("Usage:")) == (2, 1)
