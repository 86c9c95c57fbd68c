"""What an event asks for: the values that every form of event is translated into."""

from __future__ import annotations

import re
import reprlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from difflib import get_close_matches
from typing import Any, Literal, cast, get_args

from exr_inspector.errors import BAD_CONFIG, InspectorError
from exr_inspector.location import Location
from exr_inspector.settings import boolean

_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(\.\d{1,9})?(Z|[+-]\d\d:\d\d)?")

Kind = Literal["created", "removed", "ignored", "refused"]
StatsMode = Literal["none", "sampled", "full"]
CryptomatteMode = Literal["none", "objects", "coverage"]


@dataclass(frozen=True)
class Config:
    """What to inspect, as the payload of an event may say."""

    meta: bool = True
    """Add what OpenImageIO-based applications see. The header is read in any case."""
    stats: bool | StatsMode | None = None
    """Read the pixels for statistics. None: as the settings say. True: the same, but at least a sample."""
    deep_stats: bool = False
    """The same as `stats`, which includes deep parts."""
    cryptomatte: CryptomatteMode | None = None
    """List the objects of cryptomattes, and what each covers. None: as the settings say."""
    validate: bool = False
    """Check the file against a policy."""
    policy_path: str | None = None
    """Location of that policy; None for the built-in one."""
    schema_version: int = 1
    """Version of the document that is wanted; 1 is the only one."""

    def stats_mode(self, default: str) -> StatsMode:
        """Return how the pixels are read; `default` is the mode of the settings."""
        if isinstance(self.stats, str):
            return self.stats
        if self.stats or self.deep_stats:
            default = "sampled" if default == "none" else default
        elif self.stats is False:
            return "none"
        return cast("StatsMode", default)


@dataclass(frozen=True)
class Request:
    """One file, and what happened to it."""

    kind: Kind
    """`created`: inspect it. `removed`: delete its rows. `ignored`: acknowledge the event and do nothing.
    `refused`: the same, because the event is not understood."""
    locations: tuple[Location, ...]
    """Where it may be, in the order to try. Empty only if there is nothing to do."""
    config: Config = Config()
    errors: tuple[InspectorError, ...] = ()
    """Faults of the event itself: BAD_EVENT if it is refused, else BAD_CONFIG or nothing."""
    size: int | None = None
    """Bytes, as the event states: tells candidate locations apart."""
    etag: str | None = None
    """The object's eTag without quotes: tells them apart better."""
    sequencer: str | None = None
    """Orders the events of one key; compared as text of equal length."""
    time: str | None = None
    """When it happened, as the event states (ISO 8601)."""

    def happened(self) -> datetime | None:
        """Return `time`, which is UTC unless it says otherwise; None if it is not valid."""
        found = _TIME.fullmatch(self.time or "")
        if not found:
            return None
        try:
            moment = datetime.fromisoformat(
                f"{found[1]}T{found[2]}{(found[4] or 'Z').replace('Z', '+00:00')}"
            )
        except ValueError:
            return None
        return moment + timedelta(seconds=float(found[3] or 0))


def parse_config(payload: Mapping[str, Any]) -> tuple[Config, tuple[InspectorError, ...]]:
    """Return the configuration in `payload`, and a BAD_CONFIG for each value that is not valid.

    Flags may be true or false, the numbers 1 or 0, or text (`1 true yes y on` and their opposites, in any
    case). The original design's names (`enable_stats`) are accepted too. Absent, null and wrong values have
    their defaults, since a file is worth its rows whatever else was asked for. A key that resembles one of
    these names is reported, any other is ignored.
    """
    values: dict[str, Any] = {}
    errors = []
    for key, value in payload.items():
        name = ALIASES.get(key, key)
        if name in _PARSERS:
            # The present name counts if a payload has both.
            if value is not None and not (key in ALIASES and payload.get(name) is not None):
                try:
                    values[name] = _PARSERS[name](key, value)
                except InspectorError as error:
                    errors.append(error)
        elif isinstance(key, str) and key not in _ORDINARY:
            for similar in get_close_matches(key, _NAMES, 1, 0.8):
                message = f"unknown key {reprlib.repr(key)}; did you mean {similar}?"
                errors.append(InspectorError(BAD_CONFIG, message, similar))
    return Config(**values), tuple(errors)


def _flag(name: str, value: Any) -> bool:
    if isinstance(value, (int, float)) and value in (0, 1):
        return bool(value)
    try:
        return boolean(value)
    except (AttributeError, ValueError):
        raise _refusal(name, value, "true or false") from None


def _stats(name: str, value: Any) -> bool | StatsMode:
    word = value.strip().lower() if isinstance(value, str) else value
    for mode in get_args(StatsMode):
        if word == mode:
            return cast("StatsMode", mode)
    try:
        return _flag(name, value)
    except InspectorError:
        raise _refusal(name, value, "true, false, none, sampled or full") from None


def _cryptomatte(name: str, value: Any) -> CryptomatteMode:
    word = value.strip().lower() if isinstance(value, str) else value
    if word not in get_args(CryptomatteMode):
        raise _refusal(name, value, "none, objects or coverage")
    return cast("CryptomatteMode", word)


def _version(name: str, value: Any) -> int:
    if isinstance(value, bool) or value not in (1, "1"):
        raise _refusal(name, value, "1")
    return 1


def _path(name: str, value: Any) -> str | None:
    if not isinstance(value, str) or "\0" in value:
        raise _refusal(name, value, "a path")
    return value or None


def _refusal(name: str, value: Any, wanted: str) -> InspectorError:
    return InspectorError(BAD_CONFIG, f"{name} must be {wanted}, not {reprlib.repr(value)}", name)


_PARSERS: dict[str, Callable[[str, Any], Any]] = {
    "meta": _flag,
    "stats": _stats,
    "deep_stats": _flag,
    "cryptomatte": _cryptomatte,
    "validate": _flag,
    "policy_path": _path,
    "schema_version": _version,
}
# Names that the original design gave them.
ALIASES = {f"enable_{name}": name for name in ("meta", "stats", "deep_stats", "validate")}
_NAMES = (*_PARSERS, *ALIASES)
# Words of other people's payloads that resemble one of these names.
_ORDINARY = {"state", "states", "status"}
