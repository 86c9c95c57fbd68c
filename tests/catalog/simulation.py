"""Objects that change while their events are handled, in an order that a scheduler decides step by step.

Each handler runs the real pipeline in a thread of its own, but only one thread runs at any time: before each
request to the object store and each transaction, the thread waits for its turn. So an interleaving of the
steps of several handlers is a list of choices, which Hypothesis draws, repeats and shrinks.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from hashlib import md5
from typing import TYPE_CHECKING, Any

from exr_inspector.catalog.rows import header_rows
from exr_inspector.errors import FILE_NOT_FOUND, OBJECT_CHANGED, InspectorError
from exr_inspector.events.request import Request
from exr_inspector.location import Location, object_location, path_location
from exr_inspector.pipeline import Runtime, inspect_many
from exr_inspector.reader import Reader
from exr_inspector.settings import Settings
from exr_inspector.sources.protocol import Stat
from exr_inspector.telemetry import SILENT
from exr_inspector.vectors.embedding import embed
from tests.exrfiles.demo import simple

if TYPE_CHECKING:
    from exr_inspector.catalog.facets import FileRows
    from exr_inspector.catalog.store import Store

Choose = Callable[[int], int]
"""Return one of the numbers from 0 up to, but not including, the argument."""

# Each key is a reading of the other: percent-encoded, `a+b` may mean `a b`.
NAMES = ("a+b.exr", "a b.exr")
CONTENTS = (simple(4, 4), b"not an EXR", b"something else")
MAX_CHANGES = 8
MAX_ACTS = 5000
START = datetime(2026, 10, 1, tzinfo=timezone.utc)


class _AbandonedError(BaseException):
    """The simulation has failed, so that its handlers end."""


class Handler(threading.Thread):
    """One invocation of the function, which stops before each step until it may go on."""

    def __init__(self, requests: Sequence[Request], act: Callable[[], object]) -> None:
        super().__init__(daemon=True)
        self.requests = requests
        self.error: BaseException | None = None
        self.is_done = self.is_abandoned = False
        self._act = act
        self._turn = threading.Semaphore(0)
        self._stopped = threading.Semaphore(0)
        self.start()

    def run(self) -> None:
        self._turn.acquire()
        try:
            if not self.is_abandoned:
                self._act()
        except BaseException as error:
            self.error = error
        finally:
            self.is_done = True
            self._stopped.release()

    def go_on(self) -> None:
        """Let the handler run to its next step or its end."""
        self._turn.release()
        self._stopped.acquire()

    def wait(self) -> None:
        """Stop this thread, which is the handler's, until it may go on."""
        self._stopped.release()
        self._turn.acquire()
        if self.is_abandoned:
            raise _AbandonedError

    def abandon(self) -> None:
        """End the handler at the step where it waits."""
        self.is_abandoned = True
        self.go_on()
        self.join()


def step() -> None:
    """Mark the next request or transaction of the handler that runs in this thread."""
    handler = threading.current_thread()
    if isinstance(handler, Handler):
        handler.wait()


@dataclass
class Objects:
    """An object store. Its clock shows seconds, so that versions may share one."""

    held: dict[str, tuple[bytes, Stat]] = field(default_factory=dict)
    seconds: int = 0

    def put(self, path: str, content: bytes) -> str:
        etag = md5(content).hexdigest()
        self.held[path] = content, Stat(len(content), START + timedelta(seconds=self.seconds), etag)
        return etag

    def open(self, location: Location) -> ObjectSource:
        return ObjectSource(self, location.path)


class ObjectSource:
    """One version of an object, pinned by the first request, as sources.s3.S3Object pins it."""

    def __init__(self, objects: Objects, location: str) -> None:
        self.location = location
        self._objects = objects
        self._pinned: Stat | None = None

    def read(self, start: int, length: int) -> bytes:
        return self._request()[start : start + length]

    def stat(self) -> Stat:
        if self._pinned is None:
            self._request()
        assert self._pinned is not None
        return self._pinned

    def _request(self) -> bytes:
        step()
        if self.location not in self._objects.held:
            raise InspectorError(FILE_NOT_FOUND, "no such key", self.location)
        content, stat = self._objects.held[self.location]
        if self._pinned not in (None, stat):
            raise InspectorError(OBJECT_CHANGED, "the object was replaced", self.location)
        self._pinned = stat
        return content


class SteppingStore:
    """A store whose transactions are steps."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def upsert(self, *arguments: Any) -> Any:
        step()
        return self._store.upsert(*arguments)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


@dataclass
class Simulation:
    """Two objects whose keys may be readings of each other, their events, and the handlers of these."""

    store: Store
    choose: Choose
    folder: str
    """A beginning of the keys, so that simulations can share a store."""
    objects: Objects = field(default_factory=Objects)
    handlers: list[Handler] = field(default_factory=list)
    undelivered: list[Request] = field(default_factory=list)
    changes: int = 0

    def run(self) -> None:
        """Change objects and handle events until nothing is left to do."""
        try:
            for _ in range(MAX_ACTS):
                if not (acts := self._possible_acts()):
                    return
                acts[self.choose(len(acts))]()
            raise AssertionError("the handlers come to no end")
        finally:
            for handler in self.handlers:
                handler.abandon()

    def _possible_acts(self) -> list[Callable[[], object]]:
        """Return what may happen next. Handlers take several steps for each change of an object."""
        acts: list[Callable[[], object]] = []
        acts += [self.advance] * 6 if self.handlers else []
        acts += [self.deliver] * 2 if self.undelivered else []
        acts += [self.change, self.tick] if self.changes < MAX_CHANGES else []
        return acts

    def advance(self) -> None:
        """Let a handler take one step. If it fails with a transient fault, deliver its events again."""
        handler = self.handlers[self.choose(len(self.handlers))]
        handler.go_on()
        if not handler.is_done:
            return
        self.handlers.remove(handler)
        if handler.error is not None:
            if not (isinstance(handler.error, InspectorError) and handler.error.retry):
                raise handler.error
            self.undelivered += handler.requests

    def deliver(self) -> None:
        """Start a handler for one or two events. One of them may come again later."""
        requests = [self.undelivered.pop(self.choose(len(self.undelivered)))]
        if self.choose(3) == 2:
            self.undelivered.append(requests[0])
        if self.undelivered and self.choose(2):
            requests.append(self.undelivered.pop(self.choose(len(self.undelivered))))
        stepping: Any = SteppingStore(self.store)
        runtime = Runtime(Settings(openimageio=False), stepping, self.objects.open)
        self.handlers.append(Handler(requests, lambda: list(inspect_many(requests, runtime))))

    def change(self) -> None:
        """Create, overwrite or delete an object. Its event may state a right, a wrong or no sequencer."""
        self.changes += 1
        index = self.choose(4) // 3
        path = f"s3://bucket/{self.folder}/{NAMES[index]}"
        version = self.choose(len(CONTENTS) + 1)
        true, false = f"{self.changes:04X}", f"{self.choose(MAX_CHANGES):04X}"
        facts: dict[str, Any] = {"sequencer": (true, None, false)[self.choose(3)]}
        kind: Any = "removed"
        if version < len(CONTENTS):
            kind = "created"
            # A reader tells the readings of a key apart by eTag, so no two of these objects are equal.
            facts["etag"] = self.objects.put(path, CONTENTS[version] + bytes([index]))
        elif self.objects.held.pop(path, None) is None:
            return
        readings = NAMES if self.choose(2) else (NAMES[index],)
        locations = tuple(object_location("bucket", f"{self.folder}/{name}") for name in readings)
        self.undelivered.append(Request(kind, locations, **facts))

    def tick(self) -> None:
        self.objects.seconds += 1

    def files_there(self) -> list[FileRows]:
        """The rows of the objects as they are now."""
        reader = Reader(Settings(openimageio=False), self.objects.open, SILENT)
        found = []
        for path in self.objects.held:
            location = path_location(path)
            inspection = reader.inspect(Request("created", (location,)))
            assert inspection.stat
            vectors = embed(inspection.document)
            found.append(header_rows(inspection.document, location, inspection.stat.mtime, vectors))
        return found
