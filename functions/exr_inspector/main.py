"""The function that VAST DataEngine runs: `init` once per instance, `handler` once per event.

Only this module uses `ctx`. docs/SERVERLESS_INTEGRATION.md describes how to build and deploy the function.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from exr_inspector.errors import SECRET_UNAVAILABLE, InspectorError
from exr_inspector.pipeline import Runtime
from exr_inspector.response import answer, answers, make_runtime, measure_pixels
from exr_inspector.settings import SETTINGS, Settings
from exr_inspector.telemetry import Telemetry

if TYPE_CHECKING:
    from exr_inspector.catalog.store import Sink

# What an absent secret or key raises. The runtime's class is undocumented; on DataEngine 5.4 its message is
# "Path not found".
_ABSENCE = (LookupError, AttributeError, TypeError, FileNotFoundError)
_ABSENCE_TEXT = re.compile(r"not ?found|no such|does not exist", re.IGNORECASE)

_made: dict[str, Runtime] = {}
_lock = threading.Lock()


def init(ctx: Any) -> None:
    """Read the settings, make the clients, and create missing tables.

    Raises InspectorError: BAD_SETTING, or SECRET_UNAVAILABLE if a secret exists but cannot be read. An
    unavailable database is not an error here: events are redelivered until it is available.
    """
    with _lock:
        _made["runtime"] = _started(ctx)


def handler(ctx: Any, event: Any) -> dict[str, Any]:
    """Inspect the file that an event names, store its rows, and return its document.

    Raises InspectorError for errors that a retry may cure, and for invalid settings: DataEngine then delivers
    the event again.
    """
    runtime = _runtime(ctx)
    with runtime.telemetry.handling():
        return answer(event, runtime)


def batch_handler(ctx: Any, events: Any) -> list[dict[str, Any]]:
    """Handle a batch of events (DataEngine 5.5) in one transaction; return one answer per event."""
    runtime = _runtime(ctx)
    with runtime.telemetry.handling():
        return answers(list(events), runtime)


def pixels_handler(ctx: Any, event: Any) -> dict[str, Any]:
    """Handle an event of the second function, `pixels_main`: a schedule's, or one that names a file.

    Raises the errors of `handler`, and BAD_SETTING without a store.
    """
    runtime = _runtime(ctx)
    with runtime.telemetry.handling():
        return measure_pixels(event, runtime)


def _runtime(ctx: Any) -> Runtime:
    """Return the runtime of this instance, with the logger and the tracer of this event's ctx."""
    with _lock:
        if "runtime" not in _made:
            _made["runtime"] = _started(ctx)
        runtime = _made["runtime"]
    return replace(runtime, telemetry=runtime.telemetry.of(ctx))


def _started(ctx: Any) -> Runtime:
    telemetry = Telemetry(ctx)
    with telemetry.step("init"):
        try:
            settings = Settings.from_mapping(_configuration(ctx))
        except InspectorError as error:
            telemetry.logger.error("The function cannot start: %s", error)  # noqa: TRY400 - it is raised, too
            raise
        runtime = make_runtime(settings, telemetry, serves_events=True)
        if runtime.store is not None:
            _ensure_tables(runtime.store, telemetry)
        return runtime


def _ensure_tables(store: Sink, telemetry: Telemetry) -> None:
    try:
        store.ensure_tables()
    except InspectorError as error:
        if not error.retry:
            raise
        telemetry.logger.warning("The tables are not ready yet: %s", error)


def _configuration(ctx: Any) -> Mapping[str, str]:
    """Return the environment, with the values of the secret over it."""
    name = os.environ.get(SETTINGS["secret_name"].env[0]) or Settings.secret_name
    names = [env for setting in SETTINGS.values() for env in setting.env]
    secret = {env: _secret(ctx, name, env) for env in names}
    return {**os.environ, **{env: text for env, text in secret.items() if text}}


def _secret(ctx: Any, name: str, key: str) -> str:
    """Return the text under a key of a secret, or an empty string if the secret or the key is absent.

    Raises InspectorError(SECRET_UNAVAILABLE) for any other failure: without its keys the function would read
    objects with the wrong credentials, or store nothing.
    """
    try:
        value = ctx.secrets[name][key]
    except Exception as error:
        kind = type(error).__name__
        if isinstance(error, _ABSENCE) or _ABSENCE_TEXT.search(f"{kind} {error}"):
            return ""
        message = f"the secret {name!r} cannot be read: {kind}"
        raise InspectorError(SECRET_UNAVAILABLE, message, key) from error
    return str(value) if isinstance(value, (str, int, float)) else ""
