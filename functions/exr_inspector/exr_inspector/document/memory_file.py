"""Files for libraries that read from paths only, in memory if the system allows it.

OpenImageIO chooses a reader by the file name's extension: without one it tries every reader. It also keeps
every distinct name in memory. So each file is named `*.exr` and is written again for the next header.
"""

from __future__ import annotations

import errno
import os
import tempfile
from contextlib import suppress
from functools import cache
from multiprocessing.util import Finalize
from pathlib import Path

# On Linux a file here has no disk behind it. Elsewhere the folder for temporary files serves.
_SHARED_MEMORY = "/dev/shm"  # noqa: S108 - mkstemp chooses the name and the permissions
_PREFIX = "exr-inspector-"


class MemoryFile:
    """A file that is written many times, by one thread at a time, and removed when the process ends.

    As a context manager, it is free for other threads at the end of the block.
    """

    def __init__(self) -> None:
        folder = _SHARED_MEMORY if os.access(_SHARED_MEMORY, os.W_OK | os.X_OK) else None
        if folder:
            _remove_orphans(folder)
        self._descriptor, self.path = tempfile.mkstemp(".exr", _PREFIX, folder)
        self._written = self._size = 0
        if folder:
            _lock(self._descriptor, wait=True)
        # Unlike atexit, this also runs in the children of multiprocessing, and only for their own files.
        Finalize(None, Path(self.path).unlink, (True,), exitpriority=0)

    def __enter__(self) -> MemoryFile:  # noqa: PYI034 - Self needs Python 3.11
        return self

    def __exit__(self, *_: object) -> None:
        _free.append(self)

    def write(self, content: bytes, size: int = 0) -> None:
        """Replace the content. Zeros follow it up to `size` bytes; they take no memory. Raises OSError."""
        length = len(content)
        before, self._written = self._written, max(self._written, length)
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        if os.write(self._descriptor, content) < length:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), self.path)
        if before > length:  # the rest of the content before becomes zeros
            os.ftruncate(self._descriptor, length)
            self._size = length
        if max(size, length) != self._size:
            os.ftruncate(self._descriptor, max(size, length))
        self._written, self._size = length, max(size, length)

    def is_linked(self) -> bool:
        """Whether the path still names the file; a cleaner of temporary files may have removed it."""
        return os.fstat(self._descriptor).st_nlink > 0

    def close(self) -> None:
        """Release the descriptor."""
        os.close(self._descriptor)


@cache
def _remove_orphans(folder: str) -> None:
    """Remove, once per process, the files of processes that were killed: they would occupy memory forever.

    A living process holds a lock on each of its files. Unlike process ids, locks work across containers.
    """
    for path in Path(folder).glob(f"{_PREFIX}*.exr"):
        with suppress(OSError):  # the file is in use, another user's, or gone
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
            try:
                _lock(descriptor, wait=False)
                path.unlink()
            finally:
                os.close(descriptor)


def _lock(descriptor: int, *, wait: bool) -> None:
    import fcntl  # noqa: PLC0415 - not on Windows, which has no /dev/shm

    fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))


# Files that no thread uses at the moment.
_free: list[MemoryFile] = []


def borrow() -> MemoryFile:
    """Return a file for this thread. Raises OSError if the process has no descriptor or memory left."""
    try:
        file = _free.pop()
    except IndexError:
        file = MemoryFile()
    while not file.is_linked():
        file.close()
        file = MemoryFile()
    return file


def _forget() -> None:
    """Release the files of the parent process, which still writes to them."""
    while _free:
        _free.pop().close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
