"""Run the command line in this process, as a process, and on a terminal."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import AnyStr, NamedTuple

from click.testing import CliRunner, Result

from exr_inspector.apps.cli import commands

FOLDER = Path(__file__).parents[3] / "functions" / "exr_inspector"
COMMAND = [sys.executable, "-m", "exr_inspector"]


class Screen(NamedTuple):
    """What a terminal received, and the exit code."""

    text: str
    exit_code: int

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()


def run(*arguments: object) -> Result:
    """Run in this process, with a pipe as standard output. Raise the exception that the command raises."""
    done = CliRunner().invoke(commands, [str(each) for each in arguments])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


def process(*arguments: str | bytes) -> subprocess.CompletedProcess[bytes]:
    """Run `python -m exr_inspector`."""
    command: list[str | bytes] = [*COMMAND, *arguments]
    return subprocess.run(command, env=environment(), capture_output=True, check=False, timeout=60)


def unprivileged(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Run as a user whom permissions stop. They do not stop root, unless it gives these capabilities up."""
    bound = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    command = [*bound, *COMMAND, *arguments]
    return subprocess.run(command, env=environment(), capture_output=True, check=False, timeout=60)


def environment(**changes: str) -> dict[str, str]:
    """Return this process's environment, without PYTHONUNBUFFERED, which would hide missing flushes."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    return {**kept, "PYTHONPATH": str(FOLDER), **changes}


@contextmanager
def ending(process: subprocess.Popen[AnyStr]) -> Iterator[subprocess.Popen[AnyStr]]:
    """Wait for the process at the end of the block; kill it if the block fails, as by a test's timeout."""
    with process:
        try:
            yield process
        except BaseException:
            process.kill()
            raise


def wait_for_cpu(process: subprocess.Popen[AnyStr], seconds: float) -> None:
    """Wait until a process has used this much time of processors, so that it is past its start."""
    ticks = os.sysconf("SC_CLK_TCK")
    used = 0.0
    while used < seconds:
        assert process.poll() is None
        time.sleep(0.02)
        fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
        used = (int(fields[11]) + int(fields[12])) / ticks


def on_terminal(*arguments: str | bytes, columns: int = 160, kind: str = "dumb") -> Screen:
    """Run with output and errors on a terminal. A dumb one has no colors, so that it receives only text."""
    leader, follower = pty.openpty()
    variables = environment(TERM=kind, COLUMNS=str(columns), LINES="50")
    command: list[str | bytes] = [*COMMAND, *arguments]
    with ending(
        subprocess.Popen(command, stdin=follower, stdout=follower, stderr=follower, env=variables)
    ) as running:
        os.close(follower)
        received = b"".join(_pieces(leader))
        os.close(leader)
    return Screen(received.decode("utf-8"), running.returncode)


def _pieces(leader: int) -> Iterator[bytes]:
    while True:
        try:
            piece = os.read(leader, 65536)
        except OSError:  # the process at the other end of the terminal has exited
            return
        if not piece:
            return
        yield piece
