"""Every setting of a deployment: its name in .env, default, check and meaning.

The function itself reads `exr_inspector.settings`, not these. Tests compare docs/CONFIGURATION.md and
.env.example with both.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields

from exr_inspector.errors import BAD_SETTING, InspectorError
from exr_inspector.settings import (
    Setting,
    access_key,
    at_least,
    boolean,
    declare,
    one_of,
    read_setting,
    secret_key,
)

UNITS = {"": 1.0, "m": 0.001, "Mi": 2.0**20, "Gi": 2.0**30}
# docs/PROD_RUNBOOK.md: an instance with 8 concurrent events was measured at 232 MiB.
MIN_MEMORY = "256Mi"
_AMOUNT = re.compile(r"(\d+(?:\.\d+)?)([A-Za-z]*)")


def shaped(pattern: str, rule: str) -> Callable[[str], str]:
    """Return a parser for text that matches `pattern`; its error is "must " and `rule`."""

    def parse(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(f"must {rule}")
        return text

    return parse


def quantity(*units: str) -> Callable[[str], str]:
    """Return a parser for a Kubernetes quantity in one of `units`."""
    pattern = rf"\d+(\.\d+)?({'|'.join(map(re.escape, units))})"
    return shaped(
        pattern, f"be a number with its unit, such as {' or '.join(f'250{unit}' for unit in units)}"
    )


def amount(text: str | int) -> float:
    """Return a checked quantity as cores, bytes or a plain number."""
    found = _AMOUNT.fullmatch(str(text))
    assert found, "`quantity` and `at_least` have checked the text"
    return float(found[1]) * UNITS[found[2]]


# Each value becomes a command's argument or part of a name, so none may begin with a dash.
label = shaped(
    r"[a-z0-9]([a-z0-9-]{0,51}[a-z0-9])?", "be lowercase letters, digits and hyphens, at most 53 of them"
)
word = shaped(r"[A-Za-z0-9][^\s/]*", "be one word without a slash, beginning with a letter or digit")
address = shaped(
    r"[A-Za-z0-9][A-Za-z0-9.-]*(:\d+)?(/[A-Za-z0-9._/-]+)?",
    "be a host with an optional port and path, without http://",
)
image_path = shaped(r"[a-z0-9]+([._/-]+[a-z0-9]+)*", "be an image path in lowercase, without a tag")
cluster_vrn = shaped(
    r"vast:dataengine:kubernetes-clusters:[A-Za-z0-9]\S*", "be vast:dataengine:kubernetes-clusters:NAME"
)
key_prefix = shaped(r"[^/].*", "not begin with a slash: object keys do not")
python_version = shaped(r"3\.1[0-3]\.(\*|\d+)", "be a version such as 3.12.*, from 3.10 to 3.13")


@dataclass(frozen=True)
class Deployment:
    """Where and how the function runs on DataEngine. A field whose default is None is required."""

    kubernetes_cluster_vrn: str = declare(
        "DEPLOY_KUBERNETES_CLUSTER_VRN",
        None,
        "VRN of the Kubernetes cluster that runs the function: `vastde compute-clusters get NAME -o json`.",
        cluster_vrn,
    )
    namespace: str = declare("DEPLOY_NAMESPACE", None, "Kubernetes namespace of the pipeline.", label)
    container_registry: str = declare(
        "DEPLOY_CONTAINER_REGISTRY",
        None,
        "Name or VRN of the container registry linked to DataEngine.",
        word,
    )
    registry_url: str = declare(
        "DEPLOY_REGISTRY_URL", None, "Address of that registry for `docker push`.", address
    )
    source_bucket: str = declare("DEPLOY_SOURCE_BUCKET", None, "Bucket whose EXR files are inspected.", word)
    broker: str = declare("DEPLOY_BROKER", None, "Event broker: the name of the broker's view.", word)
    topic: str = declare("DEPLOY_TOPIC", None, "Topic of the broker that carries the events.", word)
    name: str = declare(
        "DEPLOY_NAME",
        "exr-inspector",
        "Name of the function; the pipeline and the triggers are named after it.",
        label,
    )
    image: str = declare("DEPLOY_IMAGE", "exr-inspector", "Path of the image in the registry.", image_path)
    prefix: str = declare(
        "DEPLOY_PREFIX", "", "Inspect only keys with this prefix; empty for all keys.", key_prefix
    )
    removals: bool = declare(
        "DEPLOY_REMOVALS", True, "Also subscribe to object removals, and delete the objects' rows.", boolean
    )
    python_version: str = declare(
        "DEPLOY_PYTHON_VERSION", "3.12.*", "Python version of the image.", python_version
    )
    min_cpu: str = declare("DEPLOY_MIN_CPU", "250m", "CPU cores requested per instance.", quantity("", "m"))
    max_cpu: str = declare("DEPLOY_MAX_CPU", "1000m", "CPU core limit per instance.", quantity("", "m"))
    min_memory: str = declare(
        "DEPLOY_MIN_MEMORY", "512Mi", "Memory requested per instance.", quantity("Mi", "Gi")
    )
    max_memory: str = declare(
        "DEPLOY_MAX_MEMORY", "2Gi", f"Memory limit per instance, at least {MIN_MEMORY}.", quantity("Mi", "Gi")
    )
    min_concurrency: int = declare(
        "DEPLOY_MIN_CONCURRENCY",
        1,
        "Minimum number of instances. With 0, the first event waits for a cold start.",
        at_least(0),
    )
    max_concurrency: int = declare(
        "DEPLOY_MAX_CONCURRENCY",
        10,
        "Maximum number of instances; each handles up to 20 events at once.",
        at_least(1),
    )
    timeout: int = declare(
        "DEPLOY_TIMEOUT",
        120,
        "Seconds before DataEngine counts an event as failed; at least the sum of the two S3 timeouts.",
        at_least(1),
    )
    retries: int = declare(
        "DEPLOY_RETRIES",
        5,
        "Number of redeliveries of a failed event, after 2, 4, 8 ... seconds.",
        at_least(0),
    )
    log_level: str = declare(
        "DEPLOY_LOG_LEVEL",
        "info",
        "Lowest severity that is logged.",
        one_of("debug", "info", "warning", "error", "critical"),
    )
    pixels_schedule: str = declare(
        "DEPLOY_PIXELS_SCHEDULE",
        "*/15 * * * *",
        "Schedule of the second function, which measures pixels: five cron fields.",
        shaped(r"\S+( \S+){4}", "be the five fields of cron, such as */15 * * * *"),
    )
    pixels_max_memory: str = declare(
        "DEPLOY_PIXELS_MAX_MEMORY",
        "4Gi",
        "Memory limit of the second function; decoding a chunk takes about five times its size.",
        quantity("Mi", "Gi"),
    )
    pixels_timeout: int = declare(
        "DEPLOY_PIXELS_TIMEOUT",
        900,
        "Maximum run time of the second function, in seconds. It stops by itself after four fifths of this"
        " time.",
        at_least(60),
    )
    pixels_s3_access_key: str = declare(
        "DEPLOY_PIXELS_S3_ACCESS_KEY",
        "",
        "S3 access key of the second function, which only reads. Empty: that of the first function.",
        access_key,
        secret=True,
    )
    pixels_s3_secret_key: str = declare(
        "DEPLOY_PIXELS_S3_SECRET_KEY", "", "S3 secret key of the second function.", secret_key, secret=True
    )
    sample_upload: bool = declare(
        "DEPLOY_SAMPLE_UPLOAD",
        False,
        "Let `deploy.sh verify` upload a small EXR file and wait for its row.",
        boolean,
    )
    wait: int = declare(
        "DEPLOY_WAIT",
        300,
        "Seconds to wait for the pipeline to be Ready, and for the sample's row.",
        at_least(1),
    )

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, str]) -> Deployment:
        """Read the settings from `mapping`; empty text counts as not set.

        Raises InspectorError(BAD_SETTING) that names the variable.
        """
        found = {name: read_setting(setting, mapping) for name, setting in DEPLOYMENT.items()}
        absent = [DEPLOYMENT[name].env[0] for name in REQUIRED if found[name] is None]
        if absent:
            raise InspectorError(BAD_SETTING, f"{', '.join(absent)} must be set", absent[0])
        deployment = cls(**{name: value for name, value in found.items() if value is not None})
        for low, high in _RANGES:
            if amount(getattr(deployment, low)) > amount(getattr(deployment, high)):
                low_env, high_env = DEPLOYMENT[low].env[0], DEPLOYMENT[high].env[0]
                raise InspectorError(BAD_SETTING, f"{low_env} must not be more than {high_env}", low_env)
        return deployment

    @property
    def pipeline(self) -> str:
        return f"{self.name}-pipeline"

    @property
    def triggers(self) -> dict[str, str]:
        """Trigger names by key suffix. Trigger filters are case-sensitive, so each spelling has a trigger."""
        return {".exr": f"{self.name}-exr", ".EXR": f"{self.name}-exr-upper"}

    @property
    def events(self) -> list[str]:
        return ["ObjectCreated:*", "ObjectRemoved:*"] if self.removals else ["ObjectCreated:*"]

    @property
    def kubernetes_cluster(self) -> str:
        """The cluster's name: the last part of its VRN."""
        return self.kubernetes_cluster_vrn.rpartition(":")[2]


_RANGES = (("min_cpu", "max_cpu"), ("min_memory", "max_memory"), ("min_concurrency", "max_concurrency"))
DEPLOYMENT: dict[str, Setting] = {each.name: each.metadata["setting"] for each in fields(Deployment)}
REQUIRED = [each.name for each in fields(Deployment) if each.default is None]
