"""All settings: environment variable, default, parser and meaning of each.

`Settings.from_mapping` reads any mapping, such as the environment overlaid by a secret. Tests compare
docs/CONFIGURATION.md and .env.example with `SETTINGS`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from exr_inspector.errors import BAD_SETTING, InspectorError
from exr_inspector.exr.limits import Limits
from exr_inspector.location import PathMap

KIB = 1024
MIB = 1024 * KIB

TRUE = frozenset({"1", "true", "yes", "y", "on"})
FALSE = frozenset({"0", "false", "no", "n", "off"})


def boolean(text: str) -> bool:
    """Parse one of TRUE or FALSE, in any case. Raises ValueError."""
    word = text.strip().lower()
    if word not in TRUE | FALSE:
        raise ValueError("must be true or false")
    return word in TRUE


def at_least(low: int) -> Callable[[str], int]:
    """Return a parser of whole numbers of at least `low`."""

    def number(text: str) -> int:
        value = int(text)
        if value < low:
            raise ValueError(f"must be at least {low}")
        return value

    return number


def one_of(*words: str) -> Callable[[str], str]:
    """Return a parser of one of these words, in any case."""

    def word(text: str) -> str:
        if text.strip().lower() not in words:
            raise ValueError(f"must be one of {', '.join(words)}")
        return text.strip().lower()

    return word


def seconds(text: str) -> float:
    """Parse a positive number of seconds."""
    value = float(text)
    if not 0 < value < float("inf"):
        raise ValueError("must be a positive number of seconds")
    return value


def url(text: str) -> str:
    """Parse an http or https URL; return it without a trailing slash."""
    if text and not text.startswith(("http://", "https://")):
        raise ValueError("must begin with http:// or https://")
    try:
        parts = urlsplit(text)
        has_host = bool(parts.hostname) and parts.port != 0
    except ValueError:  # brackets that do not close; a port that is not a number
        raise ValueError(_HOST_NEEDED) from None
    if "@" in parts.netloc:
        raise ValueError("must not contain a user name or password; the keys have separate settings")
    if text and not has_host:
        raise ValueError(_HOST_NEEDED)
    return text.rstrip("/")


_HOST_NEEDED = "must name a host, and a port below 65536 if any: https://host:port"


def secret_key(text: str) -> str:
    """Parse a secret; strip the white space that files and forms add around it."""
    stripped = text.strip()
    if not stripped.isprintable():
        raise ValueError("must be printable")
    return stripped


def access_key(text: str) -> str:
    """Parse a key that is sent in HTTP headers, which are ASCII; a library would quote others in errors."""
    if not text.isascii():
        raise ValueError("must be printable ASCII")
    return secret_key(text)


def folders(text: str) -> tuple[str, ...]:
    """Parse folders separated as in PATH, or `none`; return them absolute and with links resolved."""
    if text.strip().lower() == "none":
        return ()
    found = tuple(each for each in text.split(os.pathsep) if each)
    if not found or not all(map(os.path.isabs, found)):
        raise ValueError(f"must be `none`, or absolute folders separated by `{os.pathsep}`")
    return tuple(map(os.path.realpath, found))


def names(text: str) -> tuple[str, ...]:
    """Parse names separated by commas."""
    return tuple(filter(None, (each.strip() for each in text.split(","))))


def path_map(text: str) -> str:
    """Check the text of a PathMap and return it."""
    PathMap.parse(text)
    return text


class Setting(NamedTuple):
    """How one field of `Settings` is read. `env` lists its variables; the first that is set wins."""

    env: tuple[str, ...]
    parse: Callable[[str], Any]
    meaning: str
    secret: bool = False


def declare(
    env: str, default: Any, meaning: str, parse: Callable[[str], Any] = str, *, secret: bool = False
) -> Any:
    """Declare a field of a settings dataclass; `env` has its variables, separated by spaces."""
    setting = Setting(tuple(env.split()), parse, meaning, secret)
    return field(default=default, metadata={"setting": setting}, repr=not secret)


@dataclass(frozen=True)
class Settings:
    """The settings of an instance. They do not change after its start."""

    db_file: str = declare(
        "EXR_INSPECTOR_DB", "", "DuckDB file of the embedded store. Empty: no DuckDB store."
    )
    secret_name: str = declare(
        "EXR_INSPECTOR_SECRET",
        "exr-inspector",
        "Name of the DataEngine secret whose keys override the environment.",
    )
    openimageio: bool = declare(
        "EXR_INSPECTOR_OIIO", True, "Add OpenImageIO's report: what applications built on it see.", boolean
    )
    completeness: str = declare(
        "EXR_INSPECTOR_COMPLETENESS",
        "auto",
        "Check the chunk offset table to find incomplete files: `always`; `never`; or `auto`, which for S3"
        " objects uses only the bytes that were read for the header.",
        one_of("auto", "always", "never"),
    )
    stats: str = declare(
        "EXR_INSPECTOR_STATS",
        "none",
        "Pixel statistics of every file: `none`; `sampled`, some chunks; or `full`, every chunk. An event can"
        " request another mode.",
        one_of("none", "sampled", "full"),
    )
    stats_bytes: int = declare(
        "EXR_INSPECTOR_STATS_BYTES",
        32 * MIB,
        "Maximum bytes that a sample reads of one file. At least 16 chunks are read.",
        at_least(1),
    )
    stats_seconds: float = declare(
        "EXR_INSPECTOR_STATS_SECONDS",
        60.0,
        "Maximum seconds for the pixels of one event or batch. Unfinished files are `partial`.",
        seconds,
    )
    cryptomatte: str = declare(
        "EXR_INSPECTOR_CRYPTOMATTE",
        "none",
        "Cryptomatte objects of every file: `none`; `objects`, the names in the manifest; or `coverage`,"
        " which reads pixels and measures each object. An event can request another mode.",
        one_of("none", "objects", "coverage"),
    )
    stats_bytes_per_day: int = declare(
        "EXR_INSPECTOR_STATS_BYTES_PER_DAY",
        0,
        "Maximum bytes that the second function reads in a UTC day; 0 for no limit.",
        at_least(0),
    )
    settle_seconds: int = declare(
        "EXR_INSPECTOR_SETTLE_SECONDS",
        300,
        "An incomplete file that was modified within this many seconds counts as still being written.",
        at_least(0),
    )
    show_config: str = declare(
        "EXR_INSPECTOR_CONFIG",
        "",
        "The show configuration, a YAML file. Empty: for a local file, the nearest `exr-inspector.yaml` in"
        " its parent folders; for an object, none.",
    )
    policies: tuple[str, ...] = declare(
        "EXR_INSPECTOR_POLICIES",
        (),
        "Policies that apply to every file, separated by commas: packs, `s3://bucket/key`, or files relative"
        " to the function's folder.",
        names,
    )
    webhook_secret: str = declare(
        "EXR_INSPECTOR_WEBHOOK_SECRET",
        "",
        "Key that signs the webhooks of `exr-inspector check --watch`.",
        secret_key,
        secret=True,
    )
    max_header_bytes: int = declare(
        "EXR_INSPECTOR_MAX_HEADER_BYTES",
        Limits.max_header_bytes,
        "Maximum size of a header, in bytes.",
        at_least(KIB),
    )
    max_value_bytes: int = declare(
        "EXR_INSPECTOR_MAX_VALUE_BYTES",
        Limits.max_value_bytes,
        "Maximum size of one attribute value, in bytes.",
        at_least(KIB),
    )
    max_parts: int = declare(
        "EXR_INSPECTOR_MAX_PARTS", Limits.max_parts, "Maximum number of parts in a file.", at_least(1)
    )
    max_channels: int = declare(
        "EXR_INSPECTOR_MAX_CHANNELS",
        Limits.max_channels,
        "Maximum number of channels in a file, over all parts.",
        at_least(1),
    )
    max_attributes: int = declare(
        "EXR_INSPECTOR_MAX_ATTRIBUTES",
        Limits.max_attributes,
        "Maximum number of attributes in a file, over all parts.",
        at_least(8),
    )
    path_map: str = declare(
        "EXR_INSPECTOR_PATH_MAP",
        "",
        "Prefixes that name the same files: pairs such as `/mnt/vast/renders=s3://renders`, separated by"
        " semicolons. Rows are stored under the second name.",
        path_map,
    )
    local_roots: tuple[str, ...] | None = declare(
        "EXR_INSPECTOR_LOCAL_ROOTS",
        None,
        "Folders, separated as in PATH, whose local files events may name; `none` allows no local file. Links"
        " are resolved first. Unset: any regular file is allowed.",
        folders,
    )
    ca_bundle: str = declare(
        "EXR_INSPECTOR_CA_BUNDLE",
        "",
        "PEM file with the certificate authorities to trust for S3 and VAST DataBase. Empty: those in"
        " AWS_CA_BUNDLE (S3) and REQUESTS_CA_BUNDLE (VAST DataBase), or the public ones.",
    )
    s3_endpoint: str = declare(
        "S3_ENDPOINT AWS_ENDPOINT_URL_S3 AWS_ENDPOINT_URL", "", "URL of the S3 service.", url
    )
    s3_access_key: str = declare(
        "S3_ACCESS_KEY AWS_ACCESS_KEY_ID", "", "Access key of the S3 service.", access_key, secret=True
    )
    s3_secret_key: str = declare(
        "S3_SECRET_KEY AWS_SECRET_ACCESS_KEY", "", "Secret key of the S3 service.", secret_key, secret=True
    )
    s3_region: str = declare(
        "S3_REGION AWS_REGION AWS_DEFAULT_REGION", "us-east-1", "Region named in S3 signatures."
    )
    s3_verify_tls: bool = declare("S3_VERIFY_TLS", True, "Verify the certificate of the S3 service.", boolean)
    s3_connect_timeout: float = declare(
        "S3_CONNECT_TIMEOUT", 5.0, "Seconds to wait for a connection to S3.", seconds
    )
    s3_read_timeout: float = declare("S3_READ_TIMEOUT", 20.0, "Seconds to wait for data from S3.", seconds)
    s3_connections: int = declare(
        "S3_CONNECTIONS", 24, "Maximum number of simultaneous connections to S3.", at_least(1)
    )
    vast_endpoint: str = declare(
        "VAST_DB_ENDPOINT",
        "",
        "URL of VAST DataBase. Defaults to S3_ENDPOINT if VAST_DB_BUCKET is set.",
        url,
    )
    vast_access_key: str = declare(
        "VAST_DB_ACCESS_KEY S3_ACCESS_KEY AWS_ACCESS_KEY_ID",
        "",
        "Access key of VAST DataBase.",
        access_key,
        secret=True,
    )
    vast_secret_key: str = declare(
        "VAST_DB_SECRET_KEY S3_SECRET_KEY AWS_SECRET_ACCESS_KEY",
        "",
        "Secret key of VAST DataBase.",
        secret_key,
        secret=True,
    )
    vast_bucket: str = declare("VAST_DB_BUCKET", "", "Database bucket (a Database-enabled view).")
    vast_schema: str = declare("VAST_DB_SCHEMA", "exr_metadata", "Schema of the tables.")
    vast_timeout: float = declare(
        "VAST_DB_TIMEOUT", 30.0, "Seconds to wait for a response from VAST DataBase.", seconds
    )
    vast_verify_tls: bool = declare(
        "VAST_DB_VERIFY_TLS", True, "Verify the certificate of VAST DataBase.", boolean
    )
    vast_attempts: int = declare(
        "VAST_DB_ATTEMPTS", 8, "Maximum transaction attempts before reporting a conflict.", at_least(1)
    )

    vast_journal: str = declare(
        "VAST_DB_JOURNAL",
        "",
        "Folder that records the ids of open transactions, so that those of a killed process can be rolled"
        " back. Empty: a folder in the system's temporary folder. `none`: record nothing.",
    )

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, str]) -> Settings:
        """Read settings from a mapping; empty text counts as not set.

        Raises InspectorError(BAD_SETTING), which names the variable and never its value.
        """
        found = {name: read_setting(setting, mapping) for name, setting in SETTINGS.items()}
        settings = cls(**{name: value for name, value in found.items() if value is not None})
        if settings.vast_bucket and not settings.vast_endpoint:
            settings = replace(settings, vast_endpoint=settings.s3_endpoint)
        _check_vast(settings)
        return settings

    def tls_verification(self, *, is_on: bool) -> bool | str:
        """Return how to verify certificates: the path of `ca_bundle`, True for the default, or False.

        Raises InspectorError(BAD_SETTING) if `ca_bundle` cannot be read or has no certificate.
        """
        if not is_on or not self.ca_bundle:
            return is_on
        import ssl  # noqa: PLC0415 - only if needed

        try:
            ssl.create_default_context(cafile=self.ca_bundle)
        except OSError as error:  # SSLError is one
            message = f"{self.ca_bundle} is not a readable PEM file with certificates: {error.strerror}"
            raise InspectorError(BAD_SETTING, message, "EXR_INSPECTOR_CA_BUNDLE") from error
        return self.ca_bundle

    @property
    def paths(self) -> PathMap:
        """The path map."""
        return PathMap.parse(self.path_map)

    @cached_property
    def limits(self) -> Limits:
        """The limits of the header parser."""
        return Limits(**{each.name: getattr(self, each.name) for each in fields(Limits)})


def _check_vast(settings: Settings) -> None:
    """Raise BAD_SETTING if only some of the settings for VAST DataBase are set."""
    if settings.vast_endpoint or settings.vast_bucket:
        needed = {
            "VAST_DB_ENDPOINT": settings.vast_endpoint,
            "VAST_DB_ACCESS_KEY": settings.vast_access_key,
            "VAST_DB_SECRET_KEY": settings.vast_secret_key,
            "VAST_DB_BUCKET": settings.vast_bucket,
        }
        absent = [name for name, value in needed.items() if not value]
        if absent:
            raise InspectorError(
                BAD_SETTING, f"VAST DataBase is selected, so {', '.join(absent)} must be set", absent[0]
            )


SETTINGS: dict[str, Setting] = {each.name: each.metadata["setting"] for each in fields(Settings)}


def read_setting(setting: Setting, mapping: Mapping[str, str]) -> Any:
    """Return the parsed value, or None if the mapping does not set it. Raises InspectorError(BAD_SETTING)."""
    for env in setting.env:
        text = mapping.get(env, "")
        if text:
            try:
                return setting.parse(text)
            except ValueError as error:
                # int() and float() quote the text, which may be a misplaced secret.
                reason = str(error) if str(error).startswith("must") else "is not a number"
                raise InspectorError(BAD_SETTING, f"{env} {reason}", env) from None
    return None
