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

NOTHING = "nothing to show"
"""The reason if a file has no channels for a picture, or they cannot be decoded."""

Version = tuple[object, ...]


class Pictures:
    """Makes pictures of files. Concurrent requests for a file share one decode."""

    def __init__(self, originals: Originals, max_bytes: int = MAX_BYTES) -> None:
        self._originals = originals
        self._max_bytes = max_bytes
        self._kept: OrderedDict[Version, Linear | str] = OrderedDict()
        self._size = 0  # bytes of the kept images
        self._making: dict[Version, Future[Linear | str]] = {}
        self._lock = threading.Lock()

    def picture(
        self,
        path: str,
        version: Version,
        roots: Sequence[str],
        stored: bytes | None,
        exposure: float,
    ) -> bytes | str:
        """Return the picture of a version of a file as WebP, or a few words why there is none.

        `stored` is its thumbnail in the catalog. It is used at exposure 0, and at other exposures if the file
        cannot be read; its clipped highlights then stay white.
        """
        if stored and not exposure:
            return stored
        image = self.image(path, version, roots)
        if isinstance(image, str) and stored:
            image = decode(stored)
        return image if isinstance(image, str) else encode(image, exposure)

    def image(self, path: str, version: Version, roots: Sequence[str]) -> Linear | str:
        """Return the linear image of a version of a file, or a few words why there is none."""
        key = (path, *version, *roots)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
            is_first = key not in self._making
            future = self._making.setdefault(key, Future())
        if is_first:
            try:
                picture = self._originals.picture(path, roots)
                image = picture.linear() if picture else NOTHING
                self._keep(key, image)
                future.set_result(image)
            except BaseException as error:  # noqa: BLE001 - all waiting requests raise it
                future.set_exception(error)  # not kept: another attempt may succeed
            finally:
                with self._lock:
                    del self._making[key]
        try:
            return future.result()
        except InspectorError as error:
            return error.code.replace("_", " ").lower()

    def _keep(self, key: Version, image: Linear | str) -> None:
        """Keep an image, and drop those that were not used for longest until all fit."""
        with self._lock:
            self._kept[key] = image
            self._size += _size(image)
            while len(self._kept) > MAX_KEPT or self._size > self._max_bytes:
                self._size -= _size(self._kept.popitem(last=False)[1])


def _size(image: Linear | str) -> int:
    return 0 if isinstance(image, str) else image.nbytes
