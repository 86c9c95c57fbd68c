"""Render the DataEngine manifests of a plan from the templates of this package."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

from exr_inspector.apps.deployment.env_file import Plan
from exr_inspector.errors import BAD_SETTING, InspectorError

# Only these manifests contain secrets.
WITH_SECRETS = ("secret.yaml", "config.yaml")
_PLACEHOLDER = re.compile(r"\$(\w+)")
# Fields of Deployment that deploy.sh reads from the file `names`.
_SHELL_FIELDS = (
    *("name", "pipeline", "image", "registry_url", "container_registry", "kubernetes_cluster"),
    *("source_bucket", "broker", "topic", "python_version", "wait"),
)


def render(
    plan: Plan, output: Path, *, revision: int = 1, tag: str = "latest", secrets: bool = True
) -> list[Path]:
    """Write the manifests into the folder `output`, readable only by their owner, and return their paths.

    The pipeline runs `revision` of the function, and the function runs the image with `tag`. If `secrets` is
    False, leave out the manifests that contain secrets. Raises InspectorError(BAD_SETTING) if the folder
    cannot be written.
    """
    texts = manifests(plan, revision=revision, tag=tag)
    try:
        output.mkdir(mode=0o700, parents=True, exist_ok=True)
        return [
            _write_private(output / name, text)
            for name, text in texts.items()
            if secrets or name not in WITH_SECRETS
        ]
    except OSError as error:
        raise InspectorError(BAD_SETTING, f"cannot write: {error.strerror}", str(output)) from error


def manifests(plan: Plan, *, revision: int = 1, tag: str = "latest") -> dict[str, str]:
    """Return the text of every manifest by file name. `names` has what deploy.sh needs, without secrets."""
    to = plan.deployment
    triggers = _triggers(plan)
    what = "Measures the pixels" if plan.measures_pixels else "Indexes the metadata"
    values = {
        **vars(to),
        "revision": revision,
        "image_tag": tag,
        "function_vrn": f"vast:dataengine:functions:{to.name}",
        "topic_vrn": f"vast:dataengine:topics:{to.broker}/{to.topic}",
        "pipeline": to.pipeline,
        "log_level": to.log_level.upper(),
        "events": to.events,
        "description": f"{what} of OpenEXR files",
        "triggers": [
            {"name": each.name, "vrn": f"vast:dataengine:triggers:{each.name}"} for each in triggers
        ],
        "trigger_names": [each.name for each in triggers],
        "secret_name": plan.settings.secret_name,
        "environment": [{"name": name, "value": value} for name, value in plan.environment.items()],
        "entries": [{"key": name, "value": value} for name, value in plan.secrets.items()],
        "environment_map": plan.local_environment,
        "secret_map": plan.secrets,
    }
    texts = {
        name: _fill(name, values) for name in ("function.yaml", "pipeline.yaml", "secret.yaml", "config.yaml")
    }
    for each in triggers:
        texts[each.file] = _fill(each.template, values | {"trigger": each.name, "suffix": each.suffix})
    names = {
        **{name: getattr(to, name) for name in _SHELL_FIELDS},
        "handler": "pixels_main.py" if plan.measures_pixels else "main.py",
        # Names have no spaces.
        "triggers": " ".join(each.name for each in triggers),
        "trigger_files": " ".join(each.file for each in triggers),
        "sample_upload": "yes" if to.sample_upload and not plan.measures_pixels else "",
        "database_bucket": plan.settings.vast_bucket,
        "ca_bundle": plan.ca_bundle,
    }
    return {**texts, "names": "".join(f"{name}={value}\n" for name, value in names.items())}


class _Trigger(NamedTuple):
    name: str
    file: str
    template: str
    suffix: str = ""


def _triggers(plan: Plan) -> list[_Trigger]:
    to = plan.deployment
    if plan.measures_pixels:
        return [_Trigger(f"{to.name}-schedule", "trigger-schedule.yaml", "schedule.yaml")]
    lower, upper = to.triggers.items()
    return [
        _Trigger(lower[1], "trigger-exr.yaml", "trigger.yaml", lower[0]),
        _Trigger(upper[1], "trigger-exr-upper.yaml", "trigger.yaml", upper[0]),
    ]


def _fill(template: str, values: Mapping[str, Any]) -> str:
    text = (files(__package__ or "") / "templates" / template).read_text("utf-8")
    return "".join(f"{line}\n" for each in text.splitlines() for line in _fill_line(each, values))


def _fill_line(line: str, values: Mapping[str, Any]) -> Iterable[str]:
    """Return `line` with its values as YAML: a list or mapping on several lines, empty text on none."""
    found = _PLACEHOLDER.search(line)
    if not found:
        return [line]
    value, indent = values[found[1]], line[: found.start()]
    if line.strip() == found[0] and isinstance(value, Mapping):
        return [f"{indent}{name}: {_yaml(each)}" for name, each in value.items()]
    if line.strip() == found[0] and isinstance(value, list):
        return [f"{indent}- {_yaml(each)}" for each in value]
    return [] if value == "" else [_PLACEHOLDER.sub(lambda place: _yaml(values[place[1]]), line)]


def _yaml(value: Any) -> str:
    """Return `value` as JSON, which is valid YAML and quotes every string: no value can end its string."""
    return json.dumps(value, ensure_ascii=False)


def _write_private(path: Path, text: str) -> Path:
    """Replace `path` by a new file of mode 600. O_EXCL refuses a link that was planted under the name."""
    part = path.with_name(f"{path.name}.part")
    part.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
    with os.fdopen(os.open(part, flags, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    return part.replace(path)
