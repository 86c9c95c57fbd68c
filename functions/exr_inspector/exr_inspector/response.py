"""A runtime made from settings, and an event answered: what `main` does for DataEngine, without its ctx."""

from __future__ import annotations

import threading
from typing import Any

from exr_inspector.catalog.connect import open_store
from exr_inspector.document.model import Document
from exr_inspector.document.truncate import truncate
from exr_inspector.errors import requires_extra
from exr_inspector.events.parse import requests_of
from exr_inspector.location import Location
from exr_inspector.pipeline import Runtime, inspect_many
from exr_inspector.settings import Settings
from exr_inspector.sources.local import LocalFile
from exr_inspector.sources.protocol import Source
from exr_inspector.telemetry import SILENT, Telemetry


class Sources:
    """Opens locations. The S3 client is made once, when the first object is asked for."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._client: Any = None

    def __call__(self, location: Location) -> Source:
        if location.scheme == "file":
            return LocalFile(location.path)
        with requires_extra("s3"):  # boto3 is loaded only if objects are read
            from exr_inspector.sources.s3 import S3Object  # noqa: PLC0415

        return S3Object(self.client(), location.path)

    def client(self) -> Any:
        """The S3 client, shared by all threads."""
        with self._lock:
            if self._client is None:
                with requires_extra("s3"):
                    from exr_inspector.sources.s3 import make_client  # noqa: PLC0415

                self._client = make_client(self._settings)
            return self._client


def make_runtime(
    settings: Settings, telemetry: Telemetry = SILENT, *, reads_objects: bool = False
) -> Runtime:
    """Everything that is made once: the store and the sources that the settings select.

    With `reads_objects` the S3 client is made in any case, so that a setting that makes none is seen now, not
    by the first object. Raises InspectorError: BAD_SETTING, NOT_INSTALLED, DATABASE_UNAVAILABLE where the
    embedded store's file cannot be had.
    """
    sources = Sources(settings)
    if reads_objects or settings.s3_endpoint:
        sources.client()
    return Runtime(settings, open_store(settings), sources, telemetry)


def answer(event: Any, runtime: Runtime) -> dict[str, Any]:
    """What the handler returns for one event: its document, or {"documents": [...]} where it names several.

    An event that is not understood is answered by a document with a code in `errors`. Raises InspectorError
    only where a retry can cure the fault.
    """
    return answers([event], runtime)[0]


def answers(events: list[Any], runtime: Runtime) -> list[dict[str, Any]]:
    """What `answer` gives for each event of a batch; all files are stored in one transaction."""
    asked = [requests_of(event, runtime.settings.paths) for event in events]
    documents = inspect_many((request for requests in asked for request in requests), runtime)
    return [_returned([next(documents) for _ in requests]) for requests in asked]


def _returned(documents: list[Document]) -> dict[str, Any]:
    return truncate({**documents[0]} if len(documents) == 1 else {"documents": documents})
