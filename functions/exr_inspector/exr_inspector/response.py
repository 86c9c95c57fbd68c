"""Make a runtime from settings, and answer events: what `main` does for DataEngine, without its ctx."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from exr_inspector.catalog.connect import open_store
from exr_inspector.document.model import Document
from exr_inspector.document.truncate import truncate
from exr_inspector.errors import BAD_SETTING, InspectorError
from exr_inspector.events.parse import requests_of
from exr_inspector.pipeline import Runtime, inspect_many
from exr_inspector.settings import Settings
from exr_inspector.shows import shows_of
from exr_inspector.sources.opener import Opener
from exr_inspector.telemetry import SILENT, Telemetry
from exr_inspector.writer import NO_STORE

if TYPE_CHECKING:
    from exr_inspector.catalog.store import Store


def make_runtime(
    settings: Settings, telemetry: Telemetry = SILENT, *, serves_events: bool = False
) -> Runtime:
    """Make the runtime of an instance: the store and the sources that the settings select.

    With `serves_events`, local files are limited to EXR_INSPECTOR_LOCAL_ROOTS, and the S3 client is made now,
    so that a wrong setting is reported at the start and not by the first object. So is a configuration of the
    show that is not valid. Raises InspectorError:
    BAD_SETTING, NOT_INSTALLED, DATABASE_UNAVAILABLE if the embedded store's file cannot be opened.
    """
    if settings.show_config:
        shows_of(settings.show_config).of("")
    opener = Opener(settings, settings.local_roots if serves_events else None)
    if serves_events or settings.s3_endpoint:
        opener.client()
    store = open_store(
        settings, on_retry=lambda code: telemetry.record("exr_inspector.retries", 1, code=code)
    )
    return Runtime(settings, store, opener, telemetry)


def answer(event: Any, runtime: Runtime) -> dict[str, Any]:
    """Return the handler's result for one event: its document, or {"documents": [...]} if it names several.

    An event that is not understood gives a document with a code in `errors`. Raises InspectorError only if a
    retry can cure the fault.
    """
    return answers([event], runtime)[0]


def answers(events: list[Any], runtime: Runtime) -> list[dict[str, Any]]:
    """Return the result of `answer` for each event of a batch; all files are stored in one transaction."""
    asked = [requests_of(event, runtime.settings.paths) for event in events]
    documents = inspect_many((request for requests in asked for request in requests), runtime)
    return [_returned([next(documents) for _ in requests]) for requests in asked]


def measure_pixels(event: Any, runtime: Runtime) -> dict[str, Any]:
    """Measure the files that an event names and return its answer; if it names none, measure the backlog.

    Raises InspectorError: BAD_SETTING if there is no store, and transient faults.
    """
    if runtime.store is None:
        raise InspectorError(BAD_SETTING, NO_STORE, "VAST_DB_ENDPOINT")
    settings = runtime.settings
    if any(each.kind in ("created", "removed") for each in requests_of(event, settings.paths)):
        mode = "sampled" if settings.stats == "none" else settings.stats
        return answer(event, replace(runtime, settings=replace(settings, stats=mode)))
    from exr_inspector.backlog import measure_backlog  # noqa: PLC0415 - only if it is the second function

    return measure_backlog(runtime, cast("Store", runtime.store))  # `make_runtime` opens nothing else


def _returned(documents: list[Document]) -> dict[str, Any]:
    return truncate({**documents[0]} if len(documents) == 1 else {"documents": documents})
