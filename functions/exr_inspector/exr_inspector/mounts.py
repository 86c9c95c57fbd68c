"""Which file system a path is on, as far as the operating system tells."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

# File systems of other machines, on which locks and memory maps are not reliable.
_NETWORK = ("nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ncpfs", "fuse.sshfs")

_file_systems: dict[int, str] = {}


def file_system(device: int, path: str) -> str:
    """Return the file system of a path, such as `nfs4 vast:/renders`; `device` is its number (`st_dev`).

    Unlike the number it stays the same when the machine starts again, and on other machines. It is the number
    where `/proc` does not tell more.
    """
    if device not in _file_systems:
        _file_systems[device] = _mounted(os.path.realpath(path)) or str(device)
    return _file_systems[device]


def _mounted(path: str) -> str | None:
    """Return type, source and root of the innermost mount that contains a path (proc_pid_mountinfo(5))."""
    found: dict[str, str] = {}
    with suppress(OSError):
        for line in Path("/proc/self/mountinfo").read_text("utf-8", "backslashreplace").splitlines():
            *_, root, point, _ = line.split(" ", 5)
            kind, source, *_ = line.partition(" - ")[2].split(" ")
            found[_unescaped(point)] = f"{kind} {_unescaped(source)}" + (root if root != "/" else "")
    return found[max((each for each in found if is_below(path, [each])), key=len)] if found else None


def _unescaped(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), text)


def is_on_network(path: str) -> str | None:
    """Return the file system of a path if it is another machine's, else None. The path must exist."""
    found = file_system(os.stat(path).st_dev, path)  # noqa: PTH116
    return found if found.startswith(tuple(f"{each} " for each in _NETWORK)) else None


def is_below(path: str, folders: Sequence[str]) -> bool:
    """Return whether a path is one of some folders or below one; all are absolute and without links."""
    return any(path == folder or path.startswith(folder.rstrip(os.sep) + os.sep) for folder in folders)
