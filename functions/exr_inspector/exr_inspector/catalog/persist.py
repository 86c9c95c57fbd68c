"""One document into VAST DataBase, for those who have a document and no store."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from exr_inspector.catalog.rows import rows_of
from exr_inspector.document.build import stored_location
from exr_inspector.errors import BAD_SETTING, InspectorError, requires_extra
from exr_inspector.settings import SETTINGS, Settings, read_setting


def persist_to_vast_database(
    document: Mapping[str, Any], session: Any = None, settings: Settings | None = None
) -> dict[str, Any]:
    """Bring the rows of one document up to date, and say what became of it.

    The answer has `status`, `file_id`, `inserted` and `message`. `status` is `stored`, `skipped` where no
    VAST DataBase is configured, or `error` with the fault's code in the message. `session` is one of the
    SDK's, and is left open; without it one is made and closed, which is dear: for many files use a store.
    `settings` come from the environment unless they are given; beside a session, VAST_DB_BUCKET alone must be
    there. Raises InspectorError only where trying again may help.
    """
    try:
        if settings is None:
            settings = Settings.from_mapping(os.environ) if session is None else _beside_a_session()
        status, inserted, message = _persisted(document, session, settings)
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


def _beside_a_session() -> Settings:
    """What the environment says of the place and the tries: the address and the keys are the session's."""
    names = ("vast_bucket", "vast_schema", "vast_attempts")
    found = {name: read_setting(SETTINGS[name], os.environ) for name in names}
    return Settings(**{name: value for name, value in found.items() if value is not None})


def _persisted(document: Mapping[str, Any], session: Any, settings: Settings) -> tuple[str, bool, str]:
    if session is None and not settings.vast_endpoint:
        return "skipped", False, "VAST_DB_ENDPOINT is not set"
    if not settings.vast_bucket:
        raise InspectorError(BAD_SETTING, "VAST_DB_BUCKET must be set", "VAST_DB_BUCKET")
    with requires_extra("vast"):  # 1.5 s, only if it is configured
        from exr_inspector.catalog.vast.store import VastStore  # noqa: PLC0415

    store = VastStore(settings, session)
    try:
        (outcome,) = store.upsert([rows_of(document)])
    finally:
        if session is None:
            store.close()
    return "stored", outcome.action == "inserted", f"{outcome.action} in {store.name}"
