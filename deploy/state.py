"""The private folder of a deployment: `python -m deploy.state prepare DIR | lock FD PID | save FILE`.

prepare   create DIR, readable only by its owner; remove secrets that a killed run of release 1.0 left there
lock      lock the open file FD until it is closed, and write PID to it; exit 1 and print the holder's PID
save      replace FILE by standard input

Needs only the standard library.
"""

from __future__ import annotations

import fcntl
import os
import stat
import sys
from pathlib import Path

_WITH_SECRETS = ("secret.yaml", "config.yaml")


def prepare(folder: Path) -> None:
    """Create `folder` with mode 700. Exit with a message if it or an entry is not the user's own.

    Only its owner can then add entries, so that a link cannot redirect what deploy.sh writes.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        sys.exit(f"{folder} is a link or belongs to another user; remove it")
    folder.chmod(0o700)
    for name in _WITH_SECRETS:
        (folder / name).unlink(missing_ok=True)
    for entry in folder.iterdir():
        if entry.is_symlink():
            sys.exit(f"{entry} is a link; remove it")


def lock(descriptor: int, process: int) -> None:
    """Lock the open file. The lock lasts as long as a process has the file open, also if it is killed."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.stdout.write(os.pread(descriptor, 20, 0).decode() or "unknown\n")
        sys.exit(1)
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{process}\n".encode(), 0)


def save(file: Path, text: str) -> None:
    """Replace `file`. O_EXCL and O_NOFOLLOW refuse a file or link that another process put under the name."""
    part = file.with_name(f"{file.name}.part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
    part.replace(file)


def main() -> None:
    """Run the command in the arguments."""
    command, *arguments = sys.argv[1:]
    if command == "prepare":
        prepare(Path(arguments[0]))
    elif command == "lock":
        lock(int(arguments[0]), int(arguments[1]))
    else:
        save(Path(arguments[0]), sys.stdin.read())


if __name__ == "__main__":
    main()
