"""A .env file read strictly, and everything that is wrong with it, never a value.

A line is `NAME=VALUE`, a comment or empty. The value is the text as it stands: nothing is expanded and
nothing is run. One pair of quotes around the whole value is taken off.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from shlex import quote

from exr_inspector.apps.deployment.settings import DEPLOYMENT, REQUIRED, Deployment, label
from exr_inspector.errors import BAD_SETTING, InspectorError
from exr_inspector.settings import SETTINGS, Setting, Settings, read_setting

ALL: tuple[Setting, ...] = (*SETTINGS.values(), *DEPLOYMENT.values())
NAMES = frozenset(env for setting in ALL for env in setting.env)
SECRETS = frozenset(env for setting in ALL if setting.secret for env in setting.env)
# What the function can start without on a laptop, but does nothing useful without on a cluster.
NEEDED = ("s3_endpoint", "s3_access_key", "s3_secret_key", "vast_bucket")

_LINE = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(.*)")
_QUOTES = ("'", '"')


@dataclass(frozen=True)
class Plan:
    """What a .env file asks for. `values` are its own, by name."""

    settings: Settings
    deployment: Deployment
    values: Mapping[str, str]

    @property
    def environment(self) -> dict[str, str]:
        """The function's settings that differ from their defaults and are no secrets.

        Without the embedded store: what an instance writes on its own disk goes with the instance.
        """
        return {
            env: self.values[env]
            for name, setting in SETTINGS.items()
            for env in setting.env
            if self.values.get(env)
            and env not in SECRETS
            and name != "db_file"
            and setting.parse(self.values[env]) != getattr(Settings, name)
        }

    @property
    def secrets(self) -> dict[str, str]:
        return {env: value for env, value in self.values.items() if env in SECRETS and value}


def read_plan(file: Path) -> tuple[Plan | None, list[str]]:
    """What the file asks for, or None and a line for each fault. Raises InspectorError(BAD_SETTING)."""
    values, faults = read_values(file)
    faults += [*_unknown(values), *_open(file, values), *_unfit(values), *_absent(values)]
    if faults:
        return None, faults
    try:
        settings, deployment = Settings.from_mapping(values), Deployment.from_mapping(values)
        label(settings.secret_name)
    except InspectorError as error:
        return None, [error.message]
    except ValueError as error:
        return None, [f"{SETTINGS['secret_name'].env[0]} {error}"]
    return Plan(settings, deployment, values), []


def read_values(file: Path) -> tuple[dict[str, str], list[str]]:
    """The values of the lines that can be understood, and a fault for each other line.

    Raises InspectorError(BAD_SETTING) for a file that cannot be read.
    """
    try:
        text = file.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InspectorError(BAD_SETTING, "the file cannot be read as UTF-8 text", str(file)) from error
    values: dict[str, str] = {}
    faults = []
    for number, line in enumerate(text.split("\n"), 1):
        try:
            values |= _value(line.strip(), values)
        except ValueError as error:
            faults.append(f"line {number} {error}")
    return values, faults


def _value(line: str, before: Mapping[str, str]) -> dict[str, str]:
    if not line or line.startswith("#"):
        return {}
    found = _LINE.fullmatch(line)
    if not found:
        raise ValueError("is not NAME=VALUE, without spaces around the equals sign")
    name, value = found[1], found[2]
    if name in before:
        raise ValueError(f"sets {name} a second time")
    if not value.isprintable():
        raise ValueError(f"gives {name} a character that cannot be printed")
    return {name: _unquoted(name, value)}


def _unquoted(name: str, value: str) -> str:
    if value.startswith(_QUOTES):
        if len(value) < 2 or value[-1] != value[0]:
            raise ValueError(f"begins the value of {name} with a quote and does not end it so")
        return value[1:-1]
    if " #" in value:
        raise ValueError(f"has a # in the value of {name}: quote the value, or give the comment its own line")
    return value


def _unknown(values: Mapping[str, str]) -> Iterator[str]:
    for name in values:
        if name not in NAMES:
            near = get_close_matches(name, NAMES, 1)
            yield f"{name} is no setting" + (f"; {near[0]} is" if near else "")


def _open(file: Path, values: Mapping[str, str]) -> Iterator[str]:
    others = stat.S_IMODE(file.stat().st_mode) & 0o077
    if others and any(values.get(name) for name in SECRETS):
        yield f"the file holds secrets and others may open it: chmod 600 {quote(str(file))}"


def _unfit(values: Mapping[str, str]) -> Iterator[str]:
    found = dict.fromkeys(fault for setting in ALL for fault in _fault_of(setting, values))
    yield from found


def _fault_of(setting: Setting, values: Mapping[str, str]) -> Iterator[str]:
    try:
        read_setting(setting, values)
    except InspectorError as error:
        yield error.message


def _absent(values: Mapping[str, str]) -> Iterator[str]:
    needed = [*(SETTINGS[name] for name in NEEDED), *(DEPLOYMENT[name] for name in REQUIRED)]
    for setting in needed:
        if not any(values.get(env) for env in setting.env):
            yield f"{setting.env[0]} must be set: {setting.meaning}"
