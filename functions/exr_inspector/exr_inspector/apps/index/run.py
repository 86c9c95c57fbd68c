"""One run of `index`: list, compare, inspect changed files, delete rows of deleted files, and count."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice, takewhile
from typing import Any, NamedTuple

from exr_inspector.apps.index.pool import Executor, Shard
from exr_inspector.apps.index.worker import Inspected, collecting_rarely
from exr_inspector.catalog.duckdb.inventory import HEADER, Counts, Gone, Inventory, OfRoot, Wanted
from exr_inspector.catalog.store import Store
from exr_inspector.errors import FILE_NOT_FOUND, InspectorError
from exr_inspector.location import is_object, path_location
from exr_inspector.mounts import file_system
from exr_inspector.settings import Settings
from exr_inspector.sources.listing import Listing, listing
from exr_inspector.sources.opener import Opener
from exr_inspector.sources.protocol import Listed

# Listed files that are compared at once, and files whose rows are deleted in one transaction.
BATCH, REMOVALS = 10_000, 1_000


class Root(NamedTuple):
    """A root to list: a folder, a prefix of a bucket, or single files.

    `name` begins the canonical names of its files, as they are stored. Rows are deleted only below a root
    that `is_whole`: single files say nothing of the others.
    """

    paths: tuple[str, ...]
    name: str
    is_whole: bool = True

    @property
    def path(self) -> str:
        return self.paths[0]


class Kept(NamedTuple):
    """Rows of missing files that were kept, and the reason."""

    root: str
    files: int
    reason: str


@dataclass(frozen=True)
class Options:
    """`max_delete` is the share of a root's rows that may be deleted; `assents` deletes more, and rows of
    another file system than the listed one; `empties` deletes those of a root that lists no files.

    `wanted` are the facets that every file shall have, and `list_root` lists a root. `keep` gets the ids of
    files whose rows are about to be deleted.
    """

    deletes: bool = True
    max_delete: float = 0.05
    assents: bool = False
    empties: bool = False
    wanted: Sequence[Wanted] = (HEADER,)
    list_root: Callable[[str, Opener], Listing] = listing
    keep: Callable[[Sequence[str]], object] | None = None


@dataclass
class Summary:
    """What a run did. `seen` files were listed: `new`, `changed`, `unchanged` or `failed`.

    `failed`: no row could be made. `unlisted`: folders and prefixes that could not be listed. `gone`: stored
    and not there any more; `deleted` of them were deleted. `requests` and `size_bytes` are what inspecting
    takes, at least and at most.
    """

    seen: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    gone: int = 0
    deleted: int = 0
    failed: int = 0
    unlisted: int = 0
    kept: list[Kept] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    """A line for each file that failed and each part of a root that was not listed, up to MAX_FAULTS."""
    requests: int = 0
    size_bytes: int = 0
    seconds: float = 0.0

    def line(self) -> str:
        """Return a line such as `8,000 seen, 12 new, 3 changed, 7,984 unchanged, 1 gone, 0 failed`."""
        names = ("seen", "new", "changed", "unchanged", "gone", "failed")
        return ", ".join(f"{getattr(self, name):,} {name}" for name in names)

    def as_json(self) -> dict[str, Any]:
        """Return the summary as an object of JSON."""
        return {**vars(self), "kept": [each._asdict() for each in self.kept]}


MAX_FAULTS = 100
Progress = Callable[[str, int, int], object]


class Run:
    """Brings a store up to date with roots. No root may lie below another.

    `is_stopping` makes the run end soon: files that are under way are stored, others are left to the next
    run, and nothing is deleted. `progress` gets a step (`Listing`, `Inspecting` or `Deleting`), how much of
    it is done, and of how much, 0 if that is unknown.
    """

    def __init__(
        self, roots: Sequence[Root], store: Store, settings: Settings, options: Options, progress: Progress
    ) -> None:
        self.summary = Summary()
        self.is_stopping = False
        self._roots = roots
        self._store = store
        self._opener = Opener(settings)
        self._paths = settings.paths
        self._options = options
        self._progress = progress
        self._started = time.monotonic()

    def run(self, execute: Callable[[int], Executor], *, dry: bool = False) -> Summary:
        """Do it; `dry` only compares. `execute` makes an executor for a number of files.

        Raises InspectorError if the store fails; the summary counts the work done until then.
        """
        try:
            with collecting_rarely(), Inventory(self._options.wanted) as inventory:
                inventory.copy_stored(self._store, [each.name for each in self._roots])
                listings = [self._list(index, inventory) for index in range(len(self._roots))]
                counts = inventory.compare()
                self._count(counts)
                number = counts.new + counts.changed
                if dry:
                    self.summary.new, self.summary.changed = counts.new, counts.changed
                elif number:
                    self._inspect(inventory, number, execute(number))
                for index, found in enumerate(listings):
                    if not self.is_stopping:
                        self._reconcile(index, found, inventory, dry=dry)
        finally:
            self.summary.seconds = round(time.monotonic() - self._started, 3)
        return self.summary

    def _fail(self, fault: str) -> None:
        if len(self.summary.faults) < MAX_FAULTS:
            self.summary.faults.append(fault)

    # --- listing --------------------------------------------------------------------------------------------

    def _list(self, index: int, inventory: Inventory) -> Listing:
        """List a root; return its listing, or that of the last of single files."""
        for path in self._roots[index].paths:
            found = self._options.list_root(path, self._opener)
            rows = (row for entry in found if (row := self._row(index, entry)))
            while batch := list(islice(rows, BATCH)):
                inventory.add_listed(batch)
                self.summary.seen += len(batch)
                self._progress("Listing", self.summary.seen, 0)
            self.summary.unlisted += len(found.errors)
            for error in found.errors:
                self._fail(str(error))
        return found

    def _row(self, index: int, entry: Listed) -> tuple[Any, ...] | None:
        try:
            location = path_location(entry.path, self._paths)
        except InspectorError as error:  # the object store accepts a key that no location can have
            self.summary.failed += 1
            self._fail(str(error))
            return None
        path = entry.path.encode("utf-8", "surrogateescape")
        return (index, location.file_id, path, *entry[1:])

    def _count(self, counts: Counts) -> None:
        self.summary.seen = counts.seen + self.summary.failed
        self.summary.unchanged = counts.unchanged
        # One request reads most headers, and one looks at the object again after the commit.
        self.summary.requests = 2 * counts.objects
        self.summary.size_bytes = counts.size_bytes

    # --- inspecting -----------------------------------------------------------------------------------------

    def _inspect(self, inventory: Inventory, number: int, execute: Executor) -> None:
        done = 0
        files = takewhile(lambda _: not self.is_stopping, inventory.differences())
        for shard, inspected in execute(files):
            if inspected.files or inspected.removals:
                self._store.upsert(inspected.files, inspected.removals)
            self._tally(shard, inspected)
            done += len(shard)
            self._progress("Inspecting", done, number)

    def _tally(self, shard: Shard, inspected: Inspected) -> None:
        summary = self.summary
        for file, result in zip(shard, inspected.results, strict=True):
            if result.status is None:
                summary.failed += 1
                self._fail(f"{file.path}: {result.fault}")
            elif result.status == "gone":
                summary.seen -= 1  # if it was stored, the next run finds it missing
            elif file.change == "new":
                summary.new += 1
            else:
                summary.changed += 1

    # --- deleting -------------------------------------------------------------------------------------------

    def _reconcile(self, index: int, found: Listing, inventory: Inventory, *, dry: bool) -> None:
        """Delete the rows of files that are missing from a root, unless a protection rule forbids it."""
        root = self._roots[index]
        if not root.is_whole:
            return
        numbers = inventory.of_root(index, found.devices, found.as_of)
        self.summary.gone += numbers.gone
        if numbers.gone:
            reason = self._objection(numbers, found)
            if reason:
                self.summary.kept.append(Kept(root.path, numbers.gone, reason))
            elif not dry:
                self._delete(root, inventory.gone(index, found.as_of), found)

    def _objection(self, numbers: OfRoot, found: Listing) -> str | None:
        """Return why no row of a root is deleted, or None."""
        options = self._options
        if found.errors:
            return f"not all of it could be listed: {found.errors[0]}"
        if not options.deletes:
            return "--no-delete"
        if not (numbers.listed or options.empties):
            return "it lists no files; perhaps it is not mounted; --allow-empty deletes them"
        if numbers.lost_device and not options.assents:
            return f"files were on {numbers.lost_device}, which was not found below it; --yes deletes them"
        is_much = numbers.listed and numbers.gone > options.max_delete * numbers.stored
        if is_much and not options.assents:
            share = f"{100 * options.max_delete:.3g} %"
            return f"they are more than {share} of its {numbers.stored:,} files; --yes deletes them"
        return None

    def _delete(self, root: Root, files: Iterator[Gone], found: Listing) -> None:
        while batch := list(islice(files, REMOVALS)):
            # A file that came back was perhaps stored by an event: then the removal does nothing.
            gone = [each.removal for each in batch if not self._exists(root, each.name, found)]
            if self.is_stopping or not _is_there(root, found):
                self.summary.kept.append(
                    Kept(root.path, self.summary.gone - self.summary.deleted, "it was unmounted")
                )
                return
            if self._options.keep:
                self._options.keep([each.file_id for each in gone])
            outcomes = self._store.upsert([], gone)
            self.summary.deleted += sum(each.action == "deleted" for each in outcomes)
            self._progress("Deleting", self.summary.deleted, self.summary.gone)

    def _exists(self, root: Root, name: str, found: Listing) -> bool:
        """Return whether a file exists after all. Objects are checked only if the listing is old."""
        path = os.path.join(root.path, name[len(root.name) :])  # noqa: PTH118
        if not is_object(path):
            return os.path.lexists(path)
        if found.as_of is None:
            return False
        try:
            self._opener(path_location(path)).stat()
        except InspectorError as error:
            return error.fault is not FILE_NOT_FOUND
        return True


def _is_there(root: Root, found: Listing) -> bool:
    """Return whether a folder is still the one that was listed."""
    if is_object(root.path):
        return True
    try:
        return file_system(os.stat(root.path).st_dev, root.path) in found.devices  # noqa: PTH116
    except OSError:
        return False
