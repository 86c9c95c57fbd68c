"""Every setting: its name in the environment, its default, its check and its meaning, once.

`Settings.from_mapping` takes any mapping (the environment, a secret laid over it) and reads nothing
else. docs/CONFIGURATION.md and .env.example are compared with `SETTINGS` by a test.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
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
    """`true` and its equals, or `false` and its equals, in any case; ValueError otherwise."""
    word = text.strip().lower()
    if word not in TRUE | FALSE:
        raise ValueError("must be true or false")
    return word in TRUE


def at_least(low: int) -> Callable[[str], int]:
    """A whole number of at least `low`."""

    def number(text: str) -> int:
        value = int(text)
        if value < low:
            raise ValueError(f"must be at least {low}")
        return value

    return number


def one_of(*words: str) -> Callable[[str], str]:
    """One of these words, in any case."""

    def word(text: str) -> str:
        if text.strip().lower() not in words:
            raise ValueError(f"must be one of {', '.join(words)}")
        return text.strip().lower()

    return word


def seconds(text: str) -> float:
    """A positive number of seconds."""
    value = float(text)
    if not 0 < value < float("inf"):
        raise ValueError("must be a positive number of seconds")
    return value


def url(text: str) -> str:
    """An http or https address, without a closing slash."""
    if text and not text.startswith(("http://", "https://")):
        raise ValueError("must begin with http:// or https://")
    if text and not _has_host(text):
        raise ValueError("must name a host, and a port below 65536 if any: https://host:port")
    return text.rstrip("/")


def _has_host(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:  # brackets that do not close; a port that is none
        return False


def secret_key(text: str) -> str:
    """A secret without the blanks and line ends that files and forms put around it."""
    stripped = text.strip()
    if not stripped.isprintable():
        raise ValueError("must be printable")
    return stripped


def access_key(text: str) -> str:
    """A secret that every request's header holds: what cannot stand there breaks it, and is quoted."""
    if not text.isascii():
        raise ValueError("must be printable ASCII")
    return secret_key(text)


def path_map(text: str) -> str:
    """The text of a PathMap."""
    PathMap.parse(text)
    return text


class Setting(NamedTuple):
    """How one field of `Settings` is read. `env` lists its names, the first that is set wins."""

    env: tuple[str, ...]
    parse: Callable[[str], Any]
    meaning: str
    secret: bool = False


def declare(
    env: str, default: Any, meaning: str, parse: Callable[[str], Any] = str, *, secret: bool = False
) -> Any:
    """A field of a dataclass of settings; `env` has its names, separated by spaces."""
    setting = Setting(tuple(env.split()), parse, meaning, secret)
    return field(default=default, metadata={"setting": setting}, repr=not secret)


@dataclass(frozen=True)
class Settings:
    """What an instance of exr-inspector runs with. Immutable; made once, at start."""

    db_file: str = declare("EXR_INSPECTOR_DB", "", "DuckDB file of the embedded store; empty for none.")
    secret_name: str = declare(
        "EXR_INSPECTOR_SECRET", "exr-inspector", "Name of the DataEngine secret whose keys overlay the rest."
    )
    openimageio: bool = declare(
        "EXR_INSPECTOR_OIIO", True, "Add the view that OpenImageIO-based applications get.", boolean
    )
    completeness: str = declare(
        "EXR_INSPECTOR_COMPLETENESS",
        "auto",
        "Look at the chunk offset table to tell whether files are whole: `always`; `never`; or `auto`, for S3"
        " objects only as far as the first read reaches.",
        one_of("auto", "always", "never"),
    )
    max_header_bytes: int = declare(
        "EXR_INSPECTOR_MAX_HEADER_BYTES",
        Limits.max_header_bytes,
        "Largest header that is read, in bytes.",
        at_least(KIB),
    )
    max_value_bytes: int = declare(
        "EXR_INSPECTOR_MAX_VALUE_BYTES",
        Limits.max_value_bytes,
        "Largest single attribute value, in bytes.",
        at_least(KIB),
    )
    max_parts: int = declare(
        "EXR_INSPECTOR_MAX_PARTS", Limits.max_parts, "Most parts in a file.", at_least(1)
    )
    max_channels: int = declare(
        "EXR_INSPECTOR_MAX_CHANNELS",
        Limits.max_channels,
        "Most channels in a file, over all parts.",
        at_least(1),
    )
    max_attributes: int = declare(
        "EXR_INSPECTOR_MAX_ATTRIBUTES",
        Limits.max_attributes,
        "Most attributes in a file, over all parts.",
        at_least(8),
    )
    path_map: str = declare(
        "EXR_INSPECTOR_PATH_MAP",
        "",
        "Names of one file: pairs such as `/mnt/vast/renders=s3://renders`, separated by semicolons. Rows are"
        " stored under the second name, whichever path was read.",
        path_map,
    )
    local_roots: str = declare(
        "EXR_INSPECTOR_LOCAL_ROOTS",
        "",
        "Folders that contain the local files an event may name, separated by `os.pathsep` (`:`; `;` on"
        " Windows), or `none` to refuse every local path; empty for any regular file.",
    )
    ca_bundle: str = declare(
        "EXR_INSPECTOR_CA_BUNDLE",
        "",
        "PEM file of the certificate authorities to trust for S3 and VAST DataBase; empty for the system's.",
    )
    s3_endpoint: str = declare(
        "S3_ENDPOINT AWS_ENDPOINT_URL_S3 AWS_ENDPOINT_URL", "", "Address of the S3 service.", url
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
    s3_verify_tls: bool = declare("S3_VERIFY_TLS", True, "Check the S3 service's certificate.", boolean)
    s3_connect_timeout: float = declare(
        "S3_CONNECT_TIMEOUT", 5.0, "Seconds to wait for a connection to S3.", seconds
    )
    s3_read_timeout: float = declare("S3_READ_TIMEOUT", 20.0, "Seconds to wait for bytes from S3.", seconds)
    s3_connections: int = declare("S3_CONNECTIONS", 24, "Most connections to S3 at once.", at_least(1))
    vast_endpoint: str = declare(
        "VAST_DB_ENDPOINT",
        "",
        "Address of VAST DataBase. With VAST_DB_BUCKET alone, S3_ENDPOINT is taken.",
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
    vast_schema: str = declare("VAST_DB_SCHEMA", "exr_metadata", "Schema that holds the tables.")
    vast_timeout: float = declare(
        "VAST_DB_TIMEOUT", 30.0, "Seconds to wait for an answer of VAST DataBase.", seconds
    )
    vast_verify_tls: bool = declare("VAST_DB_VERIFY_TLS", True, "Check VAST DataBase's certificate.", boolean)
    vast_attempts: int = declare(
        "VAST_DB_ATTEMPTS", 8, "Tries of one transaction before a conflict is raised.", at_least(1)
    )

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, str]) -> Settings:
        """Read the settings that `mapping` names; empty text counts as not set.

        Raises InspectorError(BAD_SETTING) that names the variable, never its value.
        """
        found = {name: read_setting(setting, mapping) for name, setting in SETTINGS.items()}
        settings = cls(**{name: value for name, value in found.items() if value is not None})
        if settings.vast_bucket and not settings.vast_endpoint:
            settings = replace(settings, vast_endpoint=settings.s3_endpoint)
        _check_vast(settings)
        return settings

    @property
    def paths(self) -> PathMap:
        """The path map."""
        return PathMap.parse(self.path_map)

    @property
    def limits(self) -> Limits:
        """The limits of the header parser."""
        return Limits(**{each.name: getattr(self, each.name) for each in fields(Limits)})


def _check_vast(settings: Settings) -> None:
    """Raise BAD_SETTING where only some of VAST DataBase's settings are there."""
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
    """The parsed value, or None where the mapping does not set it."""
    for env in setting.env:
        text = mapping.get(env, "")
        if text:
            return _parsed(setting, env, text)
    return None


def _parsed(setting: Setting, env: str, text: str) -> Any:
    try:
        return setting.parse(text)
    except ValueError as error:
        # int() and float() quote the text, which may be a secret put in the wrong place.
        reason = str(error) if str(error).startswith("must") else "is not a number"
        raise InspectorError(BAD_SETTING, f"{env} {reason}", env) from None
