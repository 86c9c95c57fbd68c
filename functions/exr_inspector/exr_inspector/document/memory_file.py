"""A file in memory, under a name that ends in .exr.

OpenImageIO takes a format's reader by the name's ending; for a name without one it tries them all, at five
times the cost, and answers for none. Names are used again, because the library keeps every distinct one.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_lock = threading.Lock()
_folders: list[Path] = []


@contextmanager
def memory_file(content: bytes) -> Iterator[str]:
    """The path of a file with this content, for as long as the context lasts.

    On Linux it lies in anonymous memory (memfd_create), elsewhere in a temporary folder.
    """
    if not hasattr(os, "memfd_create"):
        with tempfile.TemporaryDirectory(prefix="exr-inspector-") as folder:
            path = Path(folder, "header.exr")
            path.write_bytes(content)
            yield str(path)
        return
    descriptor = os.memfd_create("header")
    try:
        with open(descriptor, "wb", closefd=False) as file:
            file.write(content)
        yield _link(descriptor)
    finally:
        os.close(descriptor)


def _link(descriptor: int) -> str:
    """A link that names this process's open file; one per descriptor, made once."""
    with _lock:
        if not (_folders and _folders[-1].is_dir()):
            _folders.append(_new_folder())
        path = str(_folders[-1] / f"{descriptor}.exr")
        with suppress(FileExistsError):
            os.symlink(f"/proc/self/fd/{descriptor}", path)  # noqa: PTH211 - the hot path
    return path


def _new_folder() -> Path:
    """A folder of this process, removed when it ends. A cleaner may take it away; then another is made."""
    folder = tempfile.mkdtemp(prefix="exr-inspector-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)
