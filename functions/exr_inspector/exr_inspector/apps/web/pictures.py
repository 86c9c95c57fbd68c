"""Small pictures of files at any exposure, from a bounded cache of decoded linear images."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import Future

from exr_inspector.apps.web.originals import Originals
from exr_inspector.errors import InspectorError
from exr_inspector.pixels.tone import Linear, decode, encode

MAX_BYTES = 96 << 20
"""Maximum bytes of cached images: about 450 of 256 x 144 pixels."""

MAX_KEPT = 4096
"""Maximum number of cached files, including files without a picture."""

Version = tuple[object, ...]


class Pictures:
    """Makes pictures of files. Concurrent requests for a file share one decode."""

    def __init__(self, originals: Originals, max_bytes: int = MAX_BYTES) -> None:
        self._originals = originals
        self._max_bytes = max_bytes
        self._kept: OrderedDict[Version, Future[Linear | None]] = OrderedDict()
        self._lock = threading.Lock()

    def picture(
        self,
        path: str,
        version: Version,
        roots: Sequence[str],
        stored: bytes | None,
        exposure: float,
    ) -> bytes | None:
        """Return the picture of a version of a file as WebP; None if it has no picture.

        `stored` is its thumbnail in the catalog. It is used at exposure 0, and at other exposures if the file
        cannot be read; its clipped highlights then stay white.
        """
        if stored and not exposure:
            return stored
        image = self.image(path, version, roots)
        if image is None and stored:
            image = decode(stored)
        return None if image is None else encode(image, exposure)

    def image(self, path: str, version: Version, roots: Sequence[str]) -> Linear | None:
        """Return the linear image of a version of a file; None if it cannot be read or has no picture."""
        key = (path, *version, *roots)
        with self._lock:
            is_first = key not in self._kept
            future = self._kept.setdefault(key, Future())
            self._kept.move_to_end(key)
        if is_first:
            try:
                picture = self._originals.picture(path, roots)
                future.set_result(picture.linear() if picture else None)
            except BaseException as error:  # noqa: BLE001 - all waiting requests raise it
                future.set_exception(error)
                with self._lock:
                    self._kept.pop(key, None)  # another attempt may succeed
            self._drop_oldest()
        try:
            return future.result()
        except InspectorError:
            return None  # missing, not allowed, or broken: the file's page shows the reason

    def _drop_oldest(self) -> None:
        with self._lock:
            while len(self._kept) > MAX_KEPT or sum(map(_size, self._kept.values())) > self._max_bytes:
                self._kept.popitem(last=False)


def _size(future: Future[Linear | None]) -> int:
    image = future.result() if future.done() and not future.exception() else None
    return 0 if image is None else image.nbytes
