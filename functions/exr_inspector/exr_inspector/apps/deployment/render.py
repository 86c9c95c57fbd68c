"""From a plan to the files that DataEngine is given. The templates are in deploy/templates."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from exr_inspector.apps.deployment.env_file import Plan
from exr_inspector.errors import BAD_SETTING, InspectorError

_PLACE = re.compile(r"\$(\w+)")


def render(
    plan: Plan, templates: Path, output: Path, *, revision: int = 1, tag: str = "latest"
) -> list[Path]:
    """Write all manifests into a folder, each readable by its owner alone, and return their paths.

    `revision`: of the function, which the pipeline names. `tag`: of the image, which the function names.
    Raises InspectorError(BAD_SETTING) where a template or the folder is not to be had.
    """
    made = {
        name: _filled(templates / template, values) for name, template, values in _files(plan, revision, tag)
    }
    made["names"] = _names(plan)
    try:
        output.mkdir(mode=0o700, parents=True, exist_ok=True)
        return [_write_private(output / name, text) for name, text in made.items()]
    except OSError as error:
        raise InspectorError(BAD_SETTING, f"cannot write: {error.strerror}", str(output)) from error


def _files(plan: Plan, revision: int, tag: str) -> Iterable[tuple[str, str, dict[str, Any]]]:
    """File name, template and values of each manifest."""
    values = _values(plan) | {"revision": revision, "image_tag": tag}
    yield from (
        (name, name, values) for name in ("function.yaml", "pipeline.yaml", "secret.yaml", "config.yaml")
    )
    for suffix, trigger in plan.deployment.triggers.items():
        yield f"{trigger_file(suffix)}", "trigger.yaml", values | {"trigger": trigger, "suffix": suffix}


def trigger_file(suffix: str) -> str:
    """`trigger-exr.yaml`, and `trigger-exr-upper.yaml` where the suffix is in capitals."""
    return f"trigger-{suffix[1:].lower()}{'-upper' if suffix.isupper() else ''}.yaml"


def _values(plan: Plan) -> dict[str, Any]:
    to = plan.deployment
    return {
        **vars(to),
        "function_vrn": f"vast:dataengine:functions:{to.name}",
        "topic_vrn": f"vast:dataengine:topics:{to.broker}/{to.topic}",
        "pipeline": to.pipeline,
        "log_level": to.log_level.upper(),
        "events": to.events,
        "triggers": [
            {"name": name, "vrn": f"vast:dataengine:triggers:{name}"} for name in to.triggers.values()
        ],
        "trigger_names": list(to.triggers.values()),
        "secret_name": plan.settings.secret_name,
        "environment": _pairs("name", plan.environment),
        "entries": _pairs("key", plan.secrets),
        "environment_map": plan.environment,
        "secret_map": plan.secrets,
    }


def _pairs(key: str, values: Mapping[str, str]) -> list[dict[str, str]]:
    return [{key: name, "value": value} for name, value in values.items()]


def _names(plan: Plan) -> str:
    """What deploy.sh needs to know, `name=value`; no secret."""
    to = plan.deployment
    lower, upper = to.triggers.values()
    found = {
        **{name: getattr(to, name) for name in _SHELL},
        "trigger_lower": lower,
        "trigger_upper": upper,
        "sample_upload": "yes" if to.sample_upload else "",
        "database_bucket": plan.settings.vast_bucket,
    }
    return "".join(f"{name}={value}\n" for name, value in found.items())


_SHELL = (
    "name",
    "pipeline",
    "image",
    "registry_url",
    "container_registry",
    "kubernetes_cluster",
    "source_bucket",
    "broker",
    "topic",
    "python_version",
    "wait",
)


def _filled(template: Path, values: Mapping[str, Any]) -> str:
    try:
        lines = template.read_text("utf-8").splitlines()
    except OSError as error:
        raise InspectorError(
            BAD_SETTING, "no template is there; run in a clone of the repository", str(template)
        ) from error
    return "".join(f"{line}\n" for each in lines for line in _line(each, values))


def _line(line: str, values: Mapping[str, Any]) -> Iterable[str]:
    """The line with its value as YAML; a list or a mapping in lines of its own; none where it is empty."""
    found = _PLACE.search(line)
    if not found:
        return [line]
    value = values[found[1]]
    if isinstance(value, (list, dict)) and line.strip() == found[0]:
        return [line[: found.start()] + each for each in _items(value)]
    return [] if value == "" else [_PLACE.sub(lambda place: _yaml(values[place[1]]), line)]


def _items(value: Sequence[Any] | Mapping[str, Any]) -> Iterable[str]:
    if isinstance(value, Mapping):
        return [f"{name}: {_yaml(each)}" for name, each in value.items()]
    return [f"- {_yaml(each)}" for each in value]


def _yaml(value: Any) -> str:
    """JSON is YAML too, and quotes whatever a value holds: nothing in it can end the string."""
    return json.dumps(value, ensure_ascii=False)


def _write_private(path: Path, text: str) -> Path:
    """A new file of mode 600, put in the place of an older one, whatever that one's mode."""
    part = path.with_name(f"{path.name}.part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    return part.replace(path)
