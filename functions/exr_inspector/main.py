"""The function that VAST DataEngine runs: `init` once per instance, `handler` once per event.

The only code that knows `ctx`. docs/SERVERLESS_INTEGRATION.md says how to build and deploy it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from exr_inspector.catalog.store import Store
from exr_inspector.errors import InspectorError
from exr_inspector.pipeline import Runtime
from exr_inspector.response import answer, answers, make_runtime
from exr_inspector.settings import SETTINGS, Settings
from exr_inspector.telemetry import Telemetry

_made: dict[str, Runtime] = {}
_lock = threading.Lock()


def init(ctx: Any) -> None:
    """Read the settings, make the clients, and create the tables where they are missing.

    Raises InspectorError(BAD_SETTING), so that a wrong configuration is seen at once. A database that is
    down is left to the events, which are delivered again until it is up.
    """
    with _lock:
        _made["runtime"] = _started(ctx)


def handler(ctx: Any, event: Any) -> dict[str, Any]:
    """Inspect the file that an event names, store its rows, and return its document.

    Raises InspectorError for faults that a retry can cure, and for settings with which nothing starts:
    DataEngine then delivers the event again.
    """
    runtime = _runtime(ctx)
    with runtime.telemetry.step("handler"):
        return answer(event, runtime)


def batch_handler(ctx: Any, events: Any) -> list[dict[str, Any]]:
    """`handler` for the event batching of DataEngine 5.5: one answer per event, one transaction for all."""
    runtime = _runtime(ctx)
    with runtime.telemetry.step("handler"):
        return answers(list(events), runtime)


def _runtime(ctx: Any) -> Runtime:
    """What `init` made, or makes now, once for all threads. Logs and spans go where this event's ctx says."""
    with _lock:
        if "runtime" not in _made:
            _made["runtime"] = _started(ctx)
        runtime = _made["runtime"]
    return replace(runtime, telemetry=runtime.telemetry.of(ctx))


def _started(ctx: Any) -> Runtime:
    telemetry = Telemetry(ctx)
    with telemetry.step("init"):
        settings = Settings.from_mapping(_configuration(ctx))
        runtime = make_runtime(settings, telemetry, serves_events=True)
        if runtime.store is not None:
            _ensure_tables(runtime.store, telemetry)
        return runtime


def _ensure_tables(store: Store, telemetry: Telemetry) -> None:
    try:
        store.ensure_tables()
    except InspectorError as error:
        if not error.retry:
            raise
        telemetry.logger.warning("The tables are not ready yet: %s", error)


def _configuration(ctx: Any) -> Mapping[str, str]:
    """The environment, overlaid by the keys of the secret where there is one."""
    name = os.environ.get(SETTINGS["secret_name"].env[0]) or Settings.secret_name
    names = [env for setting in SETTINGS.values() for env in setting.env]
    secret = {env: _secret(ctx, name, env) for env in names}
    return {**os.environ, **{env: text for env, text in secret.items() if text}}


def _secret(ctx: Any, name: str, key: str) -> str:
    """What stands under a key of a secret, as text; none where the secret or the key is absent."""
    try:
        value = ctx.secrets[name][key]
    except Exception:  # noqa: BLE001 - runtimes differ in the class they raise for an absent secret
        return ""
    return str(value) if isinstance(value, (str, int, float)) else ""
