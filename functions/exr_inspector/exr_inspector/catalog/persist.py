"""Store one document in VAST DataBase, for callers that have a document and no store."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from exr_inspector.catalog.rows import rows_of
from exr_inspector.document.build import stored_location
from exr_inspector.errors import BAD_SETTING, InspectorError, requires_extra
from exr_inspector.settings import SETTINGS, Settings, read_setting

# A session has its own address and keys, so these settings are all that is read beside one.
_BESIDE_A_SESSION = ("vast_bucket", "vast_schema", "vast_attempts")


def persist_to_vast_database(
    document: Mapping[str, Any], session: Any = None, settings: Settings | None = None
) -> dict[str, Any]:
    """Insert or update the rows of one document.

    The result has `status`, `file_id`, `inserted` and `message`. `status` is `stored`; `skipped` if
    VAST_DB_ENDPOINT is not set; or `error`, with the error's code in the message.

    `session` is a session of the VAST SDK and stays open. Without it a session is made and closed, which is
    slow: use a store for many files. `settings` default to the environment. With a session only
    VAST_DB_BUCKET is required. Raises InspectorError for errors that a retry may cure.
    """
    try:
        status, inserted, message = _persisted(document, session, settings or _settings(session))
    except InspectorError as error:
        if error.retry:
            raise
        status, inserted, message = "error", False, str(error)
    return {
        "status": status,
        "file_id": stored_location(document["file"]).file_id if document["file"]["path"] else None,
        "inserted": inserted,
        "message": message,
    }


def _settings(session: Any) -> Settings:
    if session is None:
        return Settings.from_mapping(os.environ)
    found = {name: read_setting(SETTINGS[name], os.environ) for name in _BESIDE_A_SESSION}
    return Settings(**{name: value for name, value in found.items() if value is not None})


def _persisted(document: Mapping[str, Any], session: Any, settings: Settings) -> tuple[str, bool, str]:
    if session is None and not settings.vast_endpoint:
        return "skipped", False, "VAST_DB_ENDPOINT is not set"
    if not settings.vast_bucket:
        raise InspectorError(BAD_SETTING, "VAST_DB_BUCKET must be set", "VAST_DB_BUCKET")
    with requires_extra("vast"):
        from exr_inspector.catalog.vast.store import VastStore  # noqa: PLC0415 - takes 1.5 s to import

    store = VastStore(settings, session)
    try:
        (outcome,) = store.upsert([rows_of(document)])
    finally:
        if session is None:
            store.close()
    return "stored", outcome.action == "inserted", f"{outcome.action} in {store.name}"
