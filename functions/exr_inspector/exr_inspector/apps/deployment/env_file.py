"""Read and check the .env file of a deployment. Error messages never quote a value.

A line is `NAME=VALUE`, a comment, or empty. Nothing in a value is expanded or run. One pair of quotes around
the whole value is removed.
"""

from __future__ import annotations

import re
import ssl
import stat
from collections.abc import Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from shlex import quote
from urllib.parse import urlsplit

from exr_inspector.apps.deployment.settings import (
    DEPLOYMENT,
    MIN_MEMORY,
    REQUIRED,
    Deployment,
    amount,
    label,
)
from exr_inspector.errors import BAD_SETTING, InspectorError
from exr_inspector.settings import SETTINGS, Setting, Settings, read_setting

ALL: tuple[Setting, ...] = (*SETTINGS.values(), *DEPLOYMENT.values())
NAMES = frozenset(env for setting in ALL for env in setting.env)
SECRETS = frozenset(env for setting in ALL if setting.secret for env in setting.env)
FUNCTION_SECRETS = frozenset(env for each in SETTINGS.values() if each.secret for env in each.env)
# Settings that the function needs on a cluster, although it starts without them on a laptop.
NEEDED = ("s3_endpoint", "s3_access_key", "s3_secret_key", "vast_bucket")
LOCAL_ROOTS = "EXR_INSPECTOR_LOCAL_ROOTS"
CA_BUNDLE = "EXR_INSPECTOR_CA_BUNDLE"
# The builder puts the function's folder at /workspace, and `deploy.pack` puts the bundle into that folder.
PACKED_CA_BUNDLE = "/workspace/ca-bundle.pem"
RECOMMENDED_MEMORY = "512Mi"

_LINE = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(.*)")
_QUOTES = ("'", '"')
_LOOPBACK = ("localhost", "::1", "0.0.0.0")  # noqa: S104 - compared, not listened on


@dataclass(frozen=True)
class Plan:
    """The checked contents of a .env file. `values` has its variables by name."""

    settings: Settings
    deployment: Deployment
    values: Mapping[str, str]
    measures_pixels: bool = False
    """Whether this is the second function."""

    def for_pixels(self) -> Plan:
        """Return the plan of the second function: its own names, secret and limits, and one instance at most.

        Its S3 keys may be keys that only read; the keys of VAST DataBase stay those of the first.
        """
        to, values = self.deployment, dict(self.values)
        own = self.settings
        values |= {
            "EXR_INSPECTOR_SECRET": f"{own.secret_name}-pixels",
            "EXR_INSPECTOR_STATS_SECONDS": str(to.pixels_timeout * 4 // 5),
        }
        if to.pixels_s3_access_key:
            values |= {"VAST_DB_ACCESS_KEY": own.vast_access_key, "VAST_DB_SECRET_KEY": own.vast_secret_key}
            values |= {"S3_ACCESS_KEY": to.pixels_s3_access_key, "S3_SECRET_KEY": to.pixels_s3_secret_key}
        deployment = replace(
            to,
            name=f"{to.name}-pixels",
            image=f"{to.image}-pixels",
            max_memory=to.pixels_max_memory,
            timeout=to.pixels_timeout,
            min_concurrency=0,
            max_concurrency=1,
            retries=0,
        )
        return Plan(Settings.from_mapping(values), deployment, values, measures_pixels=True)

    @property
    def local_environment(self) -> dict[str, str]:
        """The function's settings that are not secrets and differ from their defaults, by variable name.

        Local paths are refused unless the file names folders: an event must not open a container's own
        files. The embedded store is left out: its file would be lost with the instance.
        """
        given = {
            env: self.values[env]
            for name, setting in SETTINGS.items()
            for env in setting.env
            if self.values.get(env)
            and env not in SECRETS
            and name != "db_file"
            and setting.parse(self.values[env]) != getattr(Settings, name)
        }
        return {**given, LOCAL_ROOTS: given.get(LOCAL_ROOTS, "none")}

    @property
    def environment(self) -> dict[str, str]:
        """The variables of the pipeline: `local_environment` with the path of the CA bundle in the image."""
        bundle = {CA_BUNDLE: PACKED_CA_BUNDLE} if self.ca_bundle else {}
        return {**self.local_environment, **bundle}

    @property
    def ca_bundle(self) -> str:
        """Path of the CA bundle on this machine; empty for none."""
        return self.values.get(CA_BUNDLE, "")

    @property
    def secrets(self) -> dict[str, str]:
        """The secrets of the function, by variable name."""
        return {env: value for env, value in self.values.items() if env in FUNCTION_SECRETS and value}

    def faults(self) -> list[str]:
        """Return a line for each combination of settings that cannot work on a cluster."""
        to, own = self.deployment, self.settings
        found = []
        if to.source_bucket == own.vast_bucket:
            found.append(
                "DEPLOY_SOURCE_BUCKET and VAST_DB_BUCKET must differ: writing rows into the watched bucket"
                " could cause new events"
            )
        if amount(to.pixels_max_memory) < amount(to.min_memory):
            found.append("DEPLOY_PIXELS_MAX_MEMORY must not be less than DEPLOY_MIN_MEMORY")
        if bool(to.pixels_s3_access_key) != bool(to.pixels_s3_secret_key):
            found.append("DEPLOY_PIXELS_S3_ACCESS_KEY and DEPLOY_PIXELS_S3_SECRET_KEY must be set together")
        if amount(to.max_memory) < amount(MIN_MEMORY):
            found.append(f"DEPLOY_MAX_MEMORY must be at least {MIN_MEMORY}, or instances are killed")
        s3_seconds = own.s3_connect_timeout + own.s3_read_timeout
        if to.timeout < s3_seconds:
            found.append(
                f"DEPLOY_TIMEOUT must be at least S3_CONNECT_TIMEOUT plus S3_READ_TIMEOUT ({s3_seconds:g} s),"
                " or DataEngine ends an event before its S3 request times out"
            )
        if self.ca_bundle:
            found += _bundle_faults(Path(self.ca_bundle))
        return found

    def warnings(self) -> list[str]:
        """Return a line for each setting that is valid but probably wrong."""
        to, own = self.deployment, self.settings
        found = [
            f"{env} is an address of this machine; an instance on the cluster cannot reach it"
            for env, url in (("S3_ENDPOINT", own.s3_endpoint), ("VAST_DB_ENDPOINT", own.vast_endpoint))
            if self.values.get(env) and _is_loopback(url)
        ]
        if amount(to.max_memory) < amount(RECOMMENDED_MEMORY):
            found.append(f"DEPLOY_MAX_MEMORY is below {RECOMMENDED_MEMORY}, the size for 20 events at once")
        seconds = own.s3_connect_timeout + own.s3_read_timeout + own.vast_timeout
        if to.timeout < seconds:
            found.append(
                f"DEPLOY_TIMEOUT is less than the S3 timeouts plus VAST_DB_TIMEOUT ({seconds:g} s);"
                " DataEngine may end an event while the database is still answering"
            )
        return found


def read_plan(file: Path) -> tuple[Plan | None, list[str]]:
    """Return the plan of a .env file and no faults, or None and a line for each fault.

    Raises InspectorError(BAD_SETTING) if the file cannot be read.
    """
    values, faults = read_values(file)
    faults += _value_faults(file, values)
    if faults:
        return None, faults
    try:
        plan = Plan(Settings.from_mapping(values), Deployment.from_mapping(values), values)
        label(plan.settings.secret_name)
    except InspectorError as error:
        return None, [error.message]
    except ValueError as error:
        return None, [f"{SETTINGS['secret_name'].env[0]} {error}"]
    faults = plan.faults()
    return (None if faults else plan), faults


def read_values(file: Path) -> tuple[dict[str, str], list[str]]:
    """Return the values of the valid lines by name, and a fault for each invalid line.

    Raises InspectorError(BAD_SETTING) if the file cannot be read.
    """
    try:
        text = file.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InspectorError(BAD_SETTING, "the file cannot be read as UTF-8 text", str(file)) from error
    values: dict[str, str] = {}
    faults = []
    for number, line in enumerate(text.split("\n"), 1):
        try:
            values |= _read_line(line.strip(), values)
        except ValueError as error:
            faults.append(f"line {number} {error}")
    return values, faults


def _read_line(line: str, before: Mapping[str, str]) -> dict[str, str]:
    """Return the variable that `line` sets; nothing for a comment. Raises ValueError("has a fault")."""
    if not line or line.startswith("#"):
        return {}
    found = _LINE.fullmatch(line)
    if not found:
        raise ValueError("is not NAME=VALUE, without spaces around the equals sign")
    name, value = found[1], found[2]
    if name in before:
        raise ValueError(f"sets {name} a second time")
    if not value.isprintable():
        raise ValueError(f"has a nonprintable character in the value of {name}")
    if value.startswith(_QUOTES):
        if len(value) < 2 or value[-1] != value[0]:
            raise ValueError(f"begins the value of {name} with a quote but does not end it with that quote")
        return {name: value[1:-1]}
    if " #" in value:
        raise ValueError(
            f"has a # in the value of {name}: quote the value, or move the comment to its own line"
        )
    return {name: value}


def _value_faults(file: Path, values: Mapping[str, str]) -> list[str]:
    """Return the faults of single settings: unknown names, open permissions, invalid and missing values."""
    faults = []
    for name in values:
        if name not in NAMES:
            near = get_close_matches(name, NAMES, 1)
            faults.append(f"{name} is not a setting" + (f"; did you mean {near[0]}?" if near else ""))
    shared = stat.S_IMODE(file.stat().st_mode) & 0o077
    if shared and any(values.get(name) for name in SECRETS):
        faults.append(f"the file contains secrets and other users can open it: chmod 600 {quote(str(file))}")
    for setting in ALL:
        try:
            read_setting(setting, values)
        except InspectorError as error:
            if error.message not in faults:  # two settings may share a variable
                faults.append(error.message)
    needed = [*(SETTINGS[name] for name in NEEDED), *(DEPLOYMENT[name] for name in REQUIRED)]
    faults += [
        f"{setting.env[0]} must be set: {setting.meaning}"
        for setting in needed
        if not any(values.get(env) for env in setting.env)
    ]
    return faults


def _bundle_faults(file: Path) -> list[str]:
    """Return the faults of a CA bundle. It becomes part of the image, so it must not hold a private key."""
    if not file.is_absolute():
        return [f"{CA_BUNDLE} must be an absolute path"]
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(file)
        if b"PRIVATE KEY" in file.read_bytes():
            return [f"{CA_BUNDLE} must not contain a private key: the file becomes part of the image"]
    except OSError:
        return [f"{CA_BUNDLE} must name a readable file of certificates in PEM format"]
    return []


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return host in _LOOPBACK or host.startswith("127.") or host.endswith(".localhost")
