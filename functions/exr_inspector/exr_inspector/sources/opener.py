"""Open the source of a location: a local file or an S3 object."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from exr_inspector.errors import requires_extra
from exr_inspector.location import Location
from exr_inspector.settings import Settings
from exr_inspector.sources.local import LocalFile
from exr_inspector.sources.protocol import Listed, Source


class Opener:
    """Opens locations. All threads share one S3 client, which is made when the first object is asked for.

    `local_roots` limits local files, as LocalFile says.
    """

    def __init__(self, settings: Settings, local_roots: Sequence[str] | None = None) -> None:
        self._settings = settings
        self._local_roots = local_roots
        self._lock = threading.Lock()
        self._client: Any = None

    def __call__(self, location: Location) -> Source:
        """Return the location's source. Raises InspectorError: BAD_SETTING, NOT_INSTALLED."""
        if location.scheme == "file":
            return LocalFile(location.path, self._local_roots)
        with requires_extra("s3"):
            from exr_inspector.sources.s3 import S3Object  # noqa: PLC0415 - botocore, only if objects are read

        return S3Object(self.client(), location.path)

    def client(self) -> Any:
        """Return the S3 client. Raises InspectorError: BAD_SETTING, NOT_INSTALLED."""
        with self._lock:
            if self._client is None:
                with requires_extra("s3"):
                    from exr_inspector.sources.s3 import make_client  # noqa: PLC0415

                self._client = make_client(self._settings)
            return self._client

    def fast_listing(self, bucket: str) -> Callable[[str], Iterator[list[Listed]]] | None:
        """Return `s3_listing.list_pages` for a bucket; None if it cannot be used here."""
        try:
            from exr_inspector.sources.s3_listing import list_pages, make_store  # noqa: PLC0415 - an extra
        except ModuleNotFoundError:
            return None
        store = make_store(self._settings, bucket)
        return partial(list_pages, store, bucket) if store else None
