"""A file with the ids of a process's writing transactions, so that others can roll them back if it is killed.

Until the database ends the transaction of a dead process, its locks block all other writers of the same
files. The id cannot be stored in the database: other transactions do not see uncommitted rows, and a separate
transaction for each write would take three more requests.

A journal is locked (flock) as long as its process lives, so the next process can tell that it is abandoned.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import socket
import stat
import tempfile
import threading
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

SUFFIX = ".journal"
MAX_BYTES = 1 << 20  # of a journal; a process has at most some dozens of open transactions

logger = logging.getLogger("exr_inspector")


@dataclass(frozen=True)
class Entry:
    """A writing transaction: its id, the id of its write, when it took its locks (UTC), and their shards."""

    transaction: int
    write_id: str
    since: str
    shards: tuple[int, ...]

    @classmethod
    def of(cls, transaction: int, write_id: str, shards: tuple[int, ...]) -> Entry:
        now = datetime.now(timezone.utc)
        return cls(transaction, write_id, now.isoformat(timespec="seconds"), shards)

    @classmethod
    def parse(cls, value: dict[str, Any]) -> Entry:
        return cls(value["transaction"], value["write_id"], value["since"], tuple(value["shards"]))

    @property
    def age(self) -> float:
        """Return the seconds since the transaction took its locks."""
        return (datetime.now(timezone.utc) - datetime.fromisoformat(self.since)).total_seconds()


def folder_of(setting: str) -> Path | None:
    """Return the folder that VAST_DB_JOURNAL names; None for `none`, or if the system cannot lock files."""
    if setting == "none" or fcntl is None:
        return None
    return Path(setting) if setting else default_folder()


def default_folder() -> Path | None:
    """Return a folder for this user in the system's temporary folder."""
    return Path(tempfile.gettempdir(), f"exr-inspector-{os.getuid()}")


class Journal:
    """The open writing transactions of this process on one database. Safe for threads.

    Without a folder, and from the first failure on, nothing is recorded: the store works without it.
    """

    def __init__(self, folder: Path | None, database: str) -> None:
        self._folder = folder
        self._database = database
        self._lock = threading.Lock()
        self._entries: dict[int, Entry] = {}
        self._file: int | None = None
        self._path = Path()
        self._pid = 0

    def add(self, entry: Entry) -> None:
        """Record a transaction that is about to take its locks."""
        with self._lock:
            if self._pid != os.getpid():  # first use, or first use after a fork
                self._entries, self._pid = {}, os.getpid()
                self._open()
            self._entries[entry.transaction] = entry
            self._save()

    def remove(self, transaction: int) -> None:
        """Forget a transaction that has ended, if it was recorded."""
        with self._lock:
            if self._entries.pop(transaction, None):
                self._save()

    def close(self) -> None:
        """Delete the file, unless a transaction is still open."""
        with self._lock:
            if self._file is not None and self._pid == os.getpid():
                if not self._entries:
                    with contextlib.suppress(OSError):
                        self._path.unlink()
                os.close(self._file)
            self._file, self._pid = None, 0

    def _open(self) -> None:
        """Create and lock the file, and only then give it the name that others look for."""
        self._file = None
        if self._folder is None:
            return
        name = uuid.uuid4().hex
        try:
            _make_folder(self._folder)
            hidden, self._path = self._folder / f".{name}", self._folder / f"{name}{SUFFIX}"
            self._file = os.open(hidden, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            hidden.rename(self._path)
        except OSError as error:
            self._give_up(error)

    def _save(self) -> None:
        if self._file is None:
            return
        process = {"database": self._database, "pid": self._pid, "host": socket.gethostname()}
        content = json.dumps({**process, "entries": [asdict(each) for each in self._entries.values()]})
        try:
            # Write the new content first: the rest of the old content is not valid JSON and is ignored.
            os.pwrite(self._file, f"{content}\n".encode(), 0)
            os.ftruncate(self._file, len(content) + 1)
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        logger.warning("Open transactions are not recorded in %s: %s", self._folder, error)
        if self._file is not None:
            os.close(self._file)
        self._file = None


def _make_folder(folder: Path) -> None:
    """Create the folder, for this user alone. Raises OSError if it exists and others can write to it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or (found.st_mode & stat.S_IWOTH):
        raise PermissionError(f"{folder} is not a folder that only its owner or group can write to")


@dataclass(frozen=True)
class Record:
    """What a journal says: the process that wrote it, whether it still runs, and its open transactions."""

    path: Path
    host: str
    pid: int
    is_running: bool
    entries: tuple[Entry, ...]

    def delete(self) -> None:
        """Delete the journal, after all of its transactions have ended."""
        with contextlib.suppress(OSError):
            self.path.unlink()


def records(folder: Path | None, database: str) -> Iterator[Record]:
    """Yield the journals of a database, one by one. What cannot be read is passed over.

    While an abandoned journal is looked at it is locked, so no other process does the same.
    """
    for path in sorted(folder.glob(f"*{SUFFIX}")) if folder and folder.is_dir() else ():
        try:
            file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:  # another process has deleted it
            continue
        try:
            is_running = _is_locked(file)
            found = _read(file)
            if found and found["database"] == database:
                entries = tuple(map(Entry.parse, found["entries"]))
                yield Record(path, found["host"], found["pid"], is_running, entries)
        finally:
            os.close(file)


def _is_locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    return False


def _read(file: int) -> Any:
    """Return the content of a journal, or None if it is not one."""
    text = os.pread(file, MAX_BYTES, 0).decode(errors="replace").partition("\n")[0]
    with contextlib.suppress(ValueError):
        found = json.loads(text)
        if isinstance(found, dict) and found.keys() == {"database", "pid", "host", "entries"}:
            return found
    return None
