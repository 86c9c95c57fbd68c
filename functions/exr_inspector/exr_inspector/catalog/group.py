"""Group commit: threads that have rows ready at the same time share one transaction.

DataEngine runs up to 20 events at once in the threads of one instance, and a transaction costs a dozen
requests however many files it writes. A thread that finds no transaction under way commits for all that are
waiting; no delivery waits for others. Each thread returns after its own rows are committed, or with its own
failure (docs/decisions/003-one-set-of-rows-per-file.md).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from exr_inspector.catalog.facets import FileRows
from exr_inspector.catalog.store import Outcome, Removal
from exr_inspector.errors import DATABASE_DENIED, DATABASE_UNAVAILABLE, InspectorError

Write = Callable[[Sequence[FileRows], Sequence[Removal]], list[Outcome]]

# Files of one transaction: as many as a batch of events has at most.
MAX_FILES = 100
# Failures that concern the database, not the rows: to try each member alone would only take longer.
_COMMON_FAULTS = (DATABASE_UNAVAILABLE, DATABASE_DENIED)


@dataclass(eq=False)
class _Member:
    """One thread's call of `upsert`."""

    files: Sequence[FileRows]
    removals: Sequence[Removal]
    outcomes: list[Outcome] = field(default_factory=list)
    error: BaseException | None = None
    is_done: bool = False

    @property
    def file_ids(self) -> dict[str, None]:
        """The files in order, each once."""
        files: list[FileRows | Removal] = [*self.files, *self.removals]
        return dict.fromkeys(each.file_id for each in files)


class GroupCommit:
    """Combines simultaneous calls of `upsert` into calls of `write`, one at a time.

    `write` stores files and removals in one transaction, as `Store.upsert` does.
    """

    def __init__(self, write: Write, max_files: int = MAX_FILES) -> None:
        self._write = write
        self._max_files = max_files
        self._changed = threading.Condition()
        self._waiting: list[_Member] = []
        self._is_committing = False

    def upsert(self, files: Sequence[FileRows], removals: Sequence[Removal] = ()) -> list[Outcome]:
        """Return what `write` returns for these files, or raise what it raises for them."""
        member = _Member(files, removals)
        with self._changed:
            self._waiting.append(member)
        while True:
            with self._changed:
                while self._is_committing and not member.is_done:
                    self._changed.wait()
                if member.is_done:
                    break
                self._is_committing = True
                group = self._take_group()
            try:
                self._commit(group)
            finally:
                with self._changed:
                    self._is_committing = False
                    for each in group:
                        each.is_done = True
                    self._changed.notify_all()
        if member.error is not None:
            raise member.error
        return member.outcomes

    def _take_group(self) -> list[_Member]:
        """Take those who wait in the order of their arrival, up to a number of files.

        No file is in a group twice, so that each delivery is one inspection, as it is without a group.
        """
        group: list[_Member] = []
        file_ids: set[str] = set()
        for each in self._waiting:
            fits = not group or len(file_ids) + len(each.file_ids) <= self._max_files
            if fits and file_ids.isdisjoint(each.file_ids):
                group.append(each)
                file_ids.update(each.file_ids)
        self._waiting = [each for each in self._waiting if each not in group]
        return group

    def _commit(self, group: Sequence[_Member]) -> None:
        """Write a group in one transaction. If that fails, write its halves: a bad file then fails alone."""
        files = [file for each in group for file in each.files]
        removals = [removal for each in group for removal in each.removals]
        try:
            outcomes = {each.file_id: each for each in self._write(files, removals)}
        except InspectorError as error:
            if len(group) > 1 and error.fault not in _COMMON_FAULTS:
                middle = len(group) // 2
                self._commit(group[:middle])
                self._commit(group[middle:])
                return
            for each in group:  # an exception of its own for each thread that raises it
                each.error = InspectorError(error.fault, error.message, error.where)
                each.error.__cause__ = error
        except BaseException as error:
            for each in group:
                each.error = error
            raise
        else:
            for each in group:
                each.outcomes = [outcomes[key] for key in each.file_ids if key in outcomes]
