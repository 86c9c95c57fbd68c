"""The library's front door for many files; `pipeline.inspect` is that for one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import cast

from exr_inspector.document.model import Document
from exr_inspector.pipeline import Runtime, Target, request_for
from exr_inspector.pipeline import inspect_many as inspect_requests
from exr_inspector.settings import Settings
from exr_inspector.sources.opener import Opener


def inspect_many(paths: Iterable[Target], settings: Settings | None = None) -> Iterator[Document]:
    """Yield one document for each file, in order.

    A transient fault, which `inspect` raises, is listed in the document's `errors`, and its status is None.
    Raises InspectorError(BAD_EVENT) for an invalid path.

    >>> frames = ["beauty.1001.exr", "beauty.1002.exr"]
    >>> [document["file"]["frame_number"] for document in inspect_many(frames)]
    [1001, 1002]
    """
    settings = settings or Settings()
    runtime = Runtime(settings, None, Opener(settings))
    requests = (request_for(path, settings) for path in paths)
    for document in inspect_requests(requests, runtime, batch=1, keep_faults=True):
        # Without a store, there are no rows to report.
        yield cast("Document", {key: value for key, value in document.items() if key != "persistence"})
