"""Find what to index again, from the operating system's reports of changed files."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress

from watchfiles import Change, watch
from watchfiles._rust_notify import WatchfilesRustInternalError

from exr_inspector.errors import BAD_SETTING, InspectorError
from exr_inspector.location import is_exr
from exr_inspector.mounts import is_on_network

# Milliseconds for which changes are gathered, without which they are acted on, and until the user is asked.
GATHER, QUIET, TICK = 1_000, 100, 500
# Seconds until everything is tried again after a failure.
PAUSE = 30.0


class Watch:
    """Yields lists of paths to index: at first the folders, then what has changed, often nothing.

    A file that is gone, or a folder that `holds` says has stored files, is found by indexing all folders. A
    file that changed is looked at again `settle` seconds later, when it is not being written any more.
    """

    def __init__(self, folders: Sequence[str], settle: float, holds: Callable[[str], bool]) -> None:
        """Raises InspectorError(BAD_SETTING) for a folder whose changes this machine does not hear of."""
        for each in folders:
            if found := is_on_network(each):
                message = f"{found} does not report changes by other machines; run index on a schedule"
                raise InspectorError(BAD_SETTING, message, each)
        self._folders = list(folders)
        self._settle = settle
        self._holds = holds
        self._later: dict[str, float] = {}

    def __iter__(self) -> Iterator[list[str]]:
        while True:
            # A name that is not UTF-8 cannot be reported: index everything, and start over.
            with suppress(WatchfilesRustInternalError):
                yield from self._changes()

    def _changes(self) -> Iterator[list[str]]:
        """Yield from the iterator until a missing folder reappears, which is not reported."""
        began, is_lost = _identities(self._folders), False
        # The first answer comes when no later change can be missed.
        told = watch(
            *self._folders,
            watch_filter=None,
            debounce=GATHER,
            step=QUIET,
            rust_timeout=TICK,
            yield_on_timeout=True,
            raise_interrupt=False,
        )
        next(told)
        self._look_later(self._folders, self._settle)
        yield self._folders
        for changes in told:
            paths = {each for change, path in changes for each in self._concerned(change, path)}
            self._look_later(paths, self._settle)
            now = time.monotonic()
            paths.update(path for path, due in self._later.items() if due <= now)
            self._later = {path: due for path, due in self._later.items() if due > now}
            yield self._folders if paths.intersection(self._folders) else sorted(paths)
            found = _identities(self._folders)
            is_lost |= found != began or any((Change.deleted, each) in changes for each in self._folders)
            if is_lost and found:
                return

    def fail(self) -> None:
        """Report that the last paths could not be indexed: everything is tried again later."""
        self._look_later(self._folders, PAUSE)

    def _look_later(self, paths: Iterable[str], seconds: float) -> None:
        # One more, since a file's age counts from its last change, and times of files are not exact.
        self._later.update(dict.fromkeys(paths, time.monotonic() + seconds + 1))

    def _concerned(self, change: Change, path: str) -> Sequence[str]:
        """Return what to index after a change."""
        if os.path.isdir(path):  # noqa: PTH112 - text, as reported
            return [path] if change == Change.added else ()
        if is_exr(path):
            return [path] if os.path.lexists(path) else self._folders
        is_gone = change == Change.deleted
        return self._folders if is_gone and self._holds(path) else ()


def _identities(folders: Sequence[str]) -> list[tuple[int, int]] | None:
    """Return device and inode of each folder; None if one is not there."""
    try:
        found = [os.stat(each) for each in folders]  # noqa: PTH116 - text, as reported
    except OSError:
        return None
    return [(each.st_dev, each.st_ino) for each in found]
