"""Policies by name: packs, files beside the function, local files and S3 objects, each read once."""

from __future__ import annotations

import os
import posixpath
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from exr_inspector.errors import BAD_POLICY, InspectorError, requires_extra
from exr_inspector.location import S3, Location, is_object
from exr_inspector.sources.local import LocalFile
from exr_inspector.sources.protocol import Source, Stat

if TYPE_CHECKING:
    from exr_inspector.policy.model import Policy

FOLDER = Path(__file__).parents[1]
"""The function's folder, which relative names start from."""
CHECK_SECONDS = 60.0
"""How long a policy in S3 is used before its eTag is looked at again."""
MAX_HELD = 64
"""Policies that are kept; events may name any number."""

OpenSource = Callable[[Location], Source]


class _Held(NamedTuple):
    """A policy, or why there is none; the files it was read from; and when they were last looked at."""

    result: Policy | InspectorError
    files: tuple[tuple[Location, Stat], ...]
    checked: float


class PolicyFiles:
    """Reads policies, and keeps them until one of their files changes. Safe to use from many threads."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._folder = str(folder)
        self._held: dict[str, _Held] = {}
        self._lock = threading.Lock()

    def load(self, name: str, open_source: OpenSource) -> Policy:
        """Return the policy of a name: a pack, `s3://bucket/key`, or a path relative to the function's
        folder.

        Raises InspectorError: BAD_POLICY, NOT_INSTALLED, and transient faults of the file's store.
        """
        with requires_extra("policy"):
            from exr_inspector.policy.load import is_pack, load_pack  # noqa: PLC0415 - only if policies are used

        if is_pack(name):
            return load_pack(name)
        with self._lock:
            held = self._held.get(name)
            if held is None or not self._is_current(held, open_source):
                held = self._read(name, open_source)
                if len(self._held) >= MAX_HELD:
                    self._held.clear()
            elif time.monotonic() - held.checked >= CHECK_SECONDS:
                held = held._replace(checked=time.monotonic())
            self._held[name] = held
        if isinstance(held.result, InspectorError):
            raise held.result
        return held.result

    def _is_current(self, held: _Held, open_source: OpenSource) -> bool:
        is_fresh = time.monotonic() - held.checked < CHECK_SECONDS
        try:
            return all(
                (is_fresh and location.scheme == "s3") or self._open(location, open_source).stat() == stat
                for location, stat in held.files
            )
        except InspectorError as error:
            if error.retry:
                raise
            return False

    def _read(self, name: str, open_source: OpenSource) -> _Held:
        from exr_inspector.policy.load import load_policy  # noqa: PLC0415
        from exr_inspector.policy.yaml_text import MAX_BYTES  # noqa: PLC0415

        files: list[tuple[Location, Stat]] = []

        def read(named: str, by: str) -> tuple[bytes, str]:
            path = self._resolve(named, by)
            location = Location(path, path)
            try:
                source = self._open(location, open_source)
                raw = source.read(0, MAX_BYTES + 1)
                files.append((location, source.stat()))
            except InspectorError as error:
                if error.retry:
                    raise
                raise InspectorError(BAD_POLICY, f"{named} cannot be read: {error}", by) from None
            return raw, path

        try:
            result: Policy | InspectorError = load_policy(*read(name, ""), read)
        except InspectorError as error:
            if error.retry:
                raise
            result = error
        return _Held(result, tuple(files), time.monotonic())

    def _resolve(self, name: str, by: str) -> str:
        """Return the path of a file that an event, a setting or the policy file `by` names."""
        if is_object(name) or os.path.isabs(name):  # noqa: PTH117
            return name
        if is_object(by):
            bucket, _, key = by[len(S3) :].partition("/")
            return f"{S3}{bucket}/{posixpath.normpath(posixpath.join(posixpath.dirname(key), name))}"
        folder = os.path.dirname(by) if by else self._folder  # noqa: PTH120 - text, as typed
        return os.path.abspath(os.path.join(folder, name))  # noqa: PTH100, PTH118

    def _open(self, location: Location, open_source: OpenSource) -> Source:
        """Return the source of a policy: files in the function's folder may always be read."""
        if location.scheme == "file":
            home = os.path.join(os.path.realpath(self._folder), "")  # noqa: PTH118
            if os.path.realpath(location.path).startswith(home):
                return LocalFile(location.path)
        return open_source(location)
