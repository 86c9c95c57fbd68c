"""Open the store that the settings select."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from exr_inspector.errors import requires_extra
from exr_inspector.settings import Settings

if TYPE_CHECKING:
    from exr_inspector.catalog.store import Store


def open_store(
    settings: Settings, *, read_only: bool = False, on_retry: Callable[[str], object] | None = None
) -> Store | None:
    """Return the store that the settings select: VAST DataBase, the DuckDB file, or None if neither is set.

    With `read_only`, a DuckDB file must exist, and other processes can read it at the same time. `on_retry`
    is called with the fault code each time a transaction is retried.
    """
    if settings.vast_endpoint:
        with requires_extra("vast"):  # 1.5 s, only if it is selected
            from exr_inspector.catalog.vast.store import VastStore  # noqa: PLC0415

        return VastStore(settings, on_retry=on_retry)
    if settings.db_file:
        from exr_inspector.catalog.duckdb.store import DuckDBStore  # noqa: PLC0415 - an extra

        return DuckDBStore(settings.db_file, read_only=read_only)
    return None
