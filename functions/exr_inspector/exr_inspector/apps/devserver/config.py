"""Read the file of `vastde functions localrun -c`: environment variables and secrets."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from exr_inspector.errors import BAD_SETTING, InspectorError


@dataclass(frozen=True)
class RunConfig:
    """`envs` by name, and `secrets` by secret and key. Every value is text, as on the cluster."""

    envs: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def read_config(file: str | os.PathLike[str]) -> RunConfig:
    """Read the YAML file. Raises InspectorError(BAD_SETTING), which never quotes a value."""
    try:
        loaded = yaml.safe_load(Path(file).read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InspectorError(BAD_SETTING, "the configuration file cannot be read", str(file)) from error
    except yaml.YAMLError:
        raise InspectorError(BAD_SETTING, "the configuration file is not YAML", str(file)) from None
    sections = _mapping(loaded, "the file")
    secrets = _mapping(sections.get("secrets"), "secrets")
    return RunConfig(
        _texts(sections.get("envs"), "envs"),
        {str(name): _texts(keys, str(name)) for name, keys in secrets.items()},
    )


@contextmanager
def environment(values: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables, and restore their previous values at the end."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _texts(value: Any, where: str) -> dict[str, str]:
    """Return a YAML mapping with its values as text: `true` for True, and empty text for null."""
    texts = {}
    for key, each in _mapping(value, where).items():
        if isinstance(each, (dict, list)):
            raise InspectorError(BAD_SETTING, "must be a single value", f"{where}.{key}")
        texts[str(key)] = "" if each is None else str(each).lower() if isinstance(each, bool) else str(each)
    return texts


def _mapping(value: Any, where: str) -> Mapping[Any, Any]:
    if value is not None and not isinstance(value, dict):
        raise InspectorError(BAD_SETTING, "must be a mapping", where)
    return value or {}
