"""Find the show configuration of a path: the one that is given, or that of the nearest root."""

from __future__ import annotations

import os
from functools import lru_cache
from typing import TYPE_CHECKING

from exr_inspector.errors import requires_extra
from exr_inspector.location import is_object
from exr_inspector.sequences import PathFields

if TYPE_CHECKING:
    from exr_inspector.show import Show

CONFIG_NAME = "exr-inspector.yaml"


class Shows:
    """Finds configurations, and reads each once. `config` is the path of the one to use for all paths.

    All methods raise InspectorError: BAD_SETTING for a configuration that is not valid, and NOT_INSTALLED if
    there is one and the extra `policy` is not installed.
    """

    def __init__(self, config: str = "") -> None:
        self._config = config
        self._by_folder: dict[str, Show | None] = {}

    def of(self, path: str) -> Show | None:
        """Return the configuration of a file, if there is one. Those of buckets must be given."""
        if self._config:
            return self._of_folder("")
        return None if is_object(path) else self._of_folder(os.path.dirname(path))  # noqa: PTH120

    def describe(self, path: str) -> PathFields:
        """Return the fields of a path."""
        show = self.of(path)
        return show.describe(path) if show else PathFields({})

    def span(self, path: str) -> tuple[int, int] | None:
        """Return where a path's frame is; None if no pattern names it."""
        return self.describe(path).span

    def forget(self) -> None:
        """Discard the configurations, so that they are read again."""
        self._by_folder.clear()

    def _of_folder(self, folder: str) -> Show | None:
        if folder not in self._by_folder:
            path = self._config or os.path.join(folder, CONFIG_NAME)  # noqa: PTH118
            above = os.path.dirname(folder)  # noqa: PTH120
            if self._config or os.path.isfile(path):  # noqa: PTH113
                self._by_folder[folder] = _load(path)
            else:
                self._by_folder[folder] = None if above == folder else self._of_folder(above)
        return self._by_folder[folder]


@lru_cache(8)
def shows_of(config: str) -> Shows:
    """Return the configurations that this process has found so far. They are read once."""
    return Shows(config)


def _load(path: str) -> Show:
    with requires_extra("policy"):
        from exr_inspector.show import load_show  # noqa: PLC0415 - only if there is one

    return load_show(path)
