"""One run of `inspect`: the documents of many files, counted, until the last file or Ctrl-C."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import takewhile
from types import FrameType

from exr_inspector import library, pipeline
from exr_inspector.apps.cli import summary, terminal
from exr_inspector.apps.cli.exits import FOUND, INTERRUPTED, OK
from exr_inspector.document.model import Document
from exr_inspector.errors import InspectorError
from exr_inspector.location import Location
from exr_inspector.pipeline import Runtime

# Files whose rows are stored in one transaction.
BATCH = 100


class Run:
    """Inspects files and counts them by status. With `lists_faults`, it keeps lines about faulty files."""

    def __init__(self, files: Sequence[Location], runtime: Runtime, *, lists_faults: bool) -> None:
        self.files = files
        self.runtime = runtime
        self.lists_faults = lists_faults
        self.statuses: Counter[str] = Counter()
        self.stored = 0
        self.faults: list[str] = []
        self.failure: InspectorError | None = None
        """The fault of the database that ended the run."""
        self.is_interrupted = False
        self._is_stopping = False

    @property
    def is_partial(self) -> bool:
        return self.is_interrupted or self.failure is not None

    @property
    def exit_code(self) -> int:
        if self.is_interrupted:
            return INTERRUPTED
        return OK if self.statuses["ok"] == self.statuses.total() else FOUND

    @contextmanager
    def session(self) -> Iterator[None]:
        """Close the store at the end. Until then, Ctrl-C ends `documents` after the current transaction.

        A second Ctrl-C rolls the transaction back and ends the block, a third one ends the process.
        """
        previous = signal.signal(signal.SIGINT, self._interrupt)
        try:
            yield
        except KeyboardInterrupt:
            self.is_interrupted = True
        finally:
            signal.signal(signal.SIGINT, previous)
            if self.runtime.store:
                self.runtime.store.close()

    def _interrupt(self, number: int, _frame: FrameType | None) -> None:
        if self._is_stopping:
            signal.signal(number, signal.SIG_DFL)
            raise KeyboardInterrupt
        self._is_stopping = True

    def documents(self) -> Iterator[Document]:
        """Yield the document of each file. A fault of the store ends the run and is kept in `failure`."""
        files = takewhile(lambda _: not self._is_stopping, self.files)
        settings = self.runtime.settings
        if self.runtime.store:
            requests = (pipeline.request_for(location, settings) for location in files)
            documents = pipeline.inspect_many(requests, self.runtime, batch=BATCH, keep_faults=True)
        else:
            documents = library.inspect_many(files, settings)
        try:
            for document in documents:
                self._count(document)
                yield document
        except InspectorError as error:
            self.failure = error
        self.is_interrupted = self._is_stopping and self.statuses.total() < len(self.files)

    def _count(self, document: Document) -> None:
        self.statuses[document["file"]["status"] or "not read"] += 1
        self.stored += document.get("persistence", {}).get("status") == "stored"
        if self.lists_faults:
            self.faults += summary.faults(document, self.runtime.settings.paths)

    def line(self) -> str:
        """Return a line such as `8,000 files: 7,941 ok, 59 incomplete; 8,000 stored in rows.duckdb`."""
        done, total = self.statuses.total(), len(self.files)
        text = terminal.plural(done, "file")
        if done:
            counts = sorted(self.statuses.items(), key=lambda pair: (pair[0] != "ok", -pair[1], pair[0]))
            text += ": " + ", ".join(f"{number:,} {status}" for status, number in counts)
        if self.runtime.store:
            of = f" of {total:,}" if self.is_partial else ""
            text += f"; {self.stored:,}{of} stored in {terminal.harmless(self.runtime.store.name, keep='')}"
        elif self.is_partial:
            text += f"; {total - done:,} of {total:,} not inspected"
        return f"Interrupted: {text}" if self.is_interrupted else text
