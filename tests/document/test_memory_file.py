"""Memory files: their content, their reuse, and what is left of them."""

from __future__ import annotations

import multiprocessing
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from exr_inspector.document import memory_file
from exr_inspector.document.memory_file import borrow
from exr_inspector.document.oiio_report import report_header
from tests.exr.headers import parsed, plain
from tests.exrfiles.attributes import attribute


def test_a_second_content_replaces_the_first() -> None:
    with borrow() as file:
        path = Path(file.path)
        for content in (b"the longer content", b"short", b"", b"the longer content"):
            file.write(content)
            assert path.read_bytes() == content


def test_zeros_without_storage_follow_the_content() -> None:
    with borrow() as file:
        file.write(b"the longer content", 1 << 40)
        file.write(b"short", 1 << 40)
        with Path(file.path).open("rb") as opened:
            assert opened.read(100) == b"short".ljust(100, b"\0")
        found = Path(file.path).stat()
        assert (found.st_size, stat.S_IMODE(found.st_mode)) == (1 << 40, 0o600)
        assert 512 * found.st_blocks <= 1 << 16
        file.write(b"short", 3)
        assert Path(file.path).stat().st_size == 5


def test_files_are_used_again_but_not_by_two_at_once() -> None:
    with borrow() as first, borrow() as second:
        assert first.path != second.path
        paths = {first.path, second.path}
    with borrow() as third:
        assert third.path in paths


def test_a_removed_file_is_replaced() -> None:
    with borrow() as file:
        path = Path(file.path)
    path.unlink()
    with borrow() as file:
        assert file.path != str(path)
        file.write(b"content")
        assert Path(file.path).read_bytes() == b"content"


def test_a_file_system_without_space_is_an_oserror(monkeypatch: pytest.MonkeyPatch) -> None:
    """A short write is how the kernel reports that a part of the content had space."""
    with borrow() as file, monkeypatch.context() as patched:
        patched.setattr(os, "write", lambda descriptor, content: len(content) - 1)
        with pytest.raises(OSError, match="No space left"):
            file.write(b"content")


@pytest.mark.parametrize("shared_memory", ["/dev/shm", "/no such folder"])
def test_a_process_leaves_no_file(shared_memory: str, tmp_path: Path) -> None:
    script = f"""
import os
from exr_inspector.document import memory_file
memory_file._SHARED_MEMORY = {shared_memory!r}
with memory_file.borrow() as file, memory_file.borrow() as other:
    print(file.path, other.path)
    assert os.path.exists(file.path) and os.path.exists(other.path)
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    paths = [Path(each) for each in done.stdout.split()]
    assert [path.exists() for path in paths] == [False, False]
    assert [path.parent == tmp_path for path in paths] == [shared_memory == "/no such folder"] * 2


def test_a_process_whose_file_is_removed_ends_in_silence() -> None:
    script = """
import os
from exr_inspector.document import memory_file
with memory_file.borrow() as file:
    os.unlink(file.path)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stderr == ""


def _report_in_child(pipe: Any) -> None:
    header = parsed(plain(attribute("owner", "string", "the child")))
    pipe.send([report_header(header).attributes[0]["Copyright"], [file.path for file in memory_file._free]])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_process_has_files_of_its_own_and_leaves_none() -> None:
    with borrow() as file:
        inherited = file.path
        file.write(b"the parent's content")
    receiver, sender = multiprocessing.Pipe(duplex=False)
    child = multiprocessing.get_context("fork").Process(target=_report_in_child, args=(sender,))
    child.start()
    reported, paths = receiver.recv()
    child.join()
    assert (reported, child.exitcode) == ("the child", 0)
    assert inherited not in paths
    assert len(paths) == 1
    assert not Path(paths[0]).exists()
    assert Path(inherited).read_bytes() == b"the parent's content"


def _start(then: str) -> tuple[subprocess.Popen[str], Path]:
    """Start a process that has a file; return the process and the file's path."""
    script = f"""
import os
from exr_inspector.document.memory_file import borrow
with borrow() as file:
    print(file.path, flush=True)
    {then}
"""
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


@pytest.mark.skipif(not os.access(memory_file._SHARED_MEMORY, os.W_OK), reason="this system has no /dev/shm")
def test_the_files_of_killed_processes_are_removed_and_those_of_living_ones_are_not() -> None:
    killed, orphan = _start("os.kill(os.getpid(), 9)")
    killed.communicate()
    assert orphan.exists()
    living, used = _start("input()")
    other, _ = _start("")
    other.communicate()
    assert (orphan.exists(), used.exists()) == (False, True)
    living.communicate("\n")
    assert not used.exists()
