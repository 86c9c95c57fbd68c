"""Every setting of a deployment: its name in .env, its default, its check and its meaning, once.

The function never reads these; its own stand in `exr_inspector.settings`. docs/CONFIGURATION.md and
.env.example are compared with both by tests.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields

from exr_inspector.errors import BAD_SETTING, InspectorError
from exr_inspector.settings import Setting, at_least, boolean, declare, one_of, read_setting

UNITS = {"": 1.0, "m": 0.001, "Mi": 2.0**20, "Gi": 2.0**30}
_AMOUNT = re.compile(r"(\d+(?:\.\d+)?)([A-Za-z]*)")


def shaped(pattern: str, words: str) -> Callable[[str], str]:
    """A text of one shape; `words` say which, after "must"."""

    def text(given: str) -> str:
        if not re.fullmatch(pattern, given):
            raise ValueError(f"must {words}")
        return given

    return text


def quantity(*units: str) -> Callable[[str], str]:
    """A quantity as Kubernetes writes it, in one of these units."""
    either = "|".join(map(re.escape, units))
    example = " or ".join(f"250{unit}" for unit in units)
    return shaped(rf"\d+(\.\d+)?({either})", f"be a number with its unit, such as {example}")


def amount(text: str | int) -> float:
    """What a quantity comes to: cores, bytes, or just the number."""
    found = _AMOUNT.fullmatch(str(text))
    assert found, "only what `quantity` and `at_least` let through comes here"
    return float(found[1]) * UNITS[found[2]]


# Every one of these becomes an argument of a command or a part of a name, so none begins with a dash.
label = shaped(
    r"[a-z0-9]([a-z0-9-]{0,51}[a-z0-9])?", "be lowercase letters, digits and hyphens, at most 53 of them"
)
word = shaped(r"[A-Za-z0-9][^\s/]*", "be one word without a slash, beginning with a letter or digit")
address = shaped(
    r"[A-Za-z0-9][A-Za-z0-9.-]*(:\d+)?(/[A-Za-z0-9._/-]+)?",
    "be a host, with its port or path if it has one, without http://",
)
image_path = shaped(r"[a-z0-9]+([._/-]+[a-z0-9]+)*", "be an image's path, in lowercase and without its tag")
cluster_vrn = shaped(
    r"vast:dataengine:kubernetes-clusters:[A-Za-z0-9]\S*", "be vast:dataengine:kubernetes-clusters:NAME"
)
key_prefix = shaped(r"[^/].*", "not begin with a slash: keys have none there")
python_version = shaped(r"3\.1[0-3]\.(\*|\d+)", "be a version such as 3.12.*, from 3.10 to 3.13")


@dataclass(frozen=True)
class Deployment:
    """Where and how the function runs on DataEngine. What has None as its default must be given."""

    kubernetes_cluster_vrn: str = declare(
        "DEPLOY_KUBERNETES_CLUSTER_VRN",
        None,
        "Kubernetes cluster that runs the function, as `vastde compute-clusters get NAME -o json` prints it.",
        cluster_vrn,
    )
    namespace: str = declare("DEPLOY_NAMESPACE", None, "Kubernetes namespace of the pipeline.", label)
    container_registry: str = declare(
        "DEPLOY_CONTAINER_REGISTRY",
        None,
        "Container registry as it is linked to DataEngine: its name, or its VRN.",
        word,
    )
    registry_url: str = declare(
        "DEPLOY_REGISTRY_URL", None, "Address of that registry, to which `docker push` goes.", address
    )
    source_bucket: str = declare("DEPLOY_SOURCE_BUCKET", None, "Bucket whose EXR files are inspected.", word)
    broker: str = declare("DEPLOY_BROKER", None, "Event broker: the name of its view.", word)
    topic: str = declare("DEPLOY_TOPIC", None, "Topic of the broker that carries the events.", word)
    name: str = declare(
        "DEPLOY_NAME",
        "exr-inspector",
        "Name of the function; pipeline and triggers are named after it.",
        label,
    )
    image: str = declare("DEPLOY_IMAGE", "exr-inspector", "Path of the image in the registry.", image_path)
    prefix: str = declare(
        "DEPLOY_PREFIX", "", "Only keys that begin so are inspected; empty for all.", key_prefix
    )
    removals: bool = declare(
        "DEPLOY_REMOVALS", True, "Take removals of objects too, so that their rows go.", boolean
    )
    python_version: str = declare("DEPLOY_PYTHON_VERSION", "3.12.*", "Python of the image.", python_version)
    min_cpu: str = declare("DEPLOY_MIN_CPU", "250m", "Cores that an instance is given.", quantity("", "m"))
    max_cpu: str = declare("DEPLOY_MAX_CPU", "1000m", "Cores that an instance may use.", quantity("", "m"))
    min_memory: str = declare(
        "DEPLOY_MIN_MEMORY", "512Mi", "Memory that an instance is given.", quantity("Mi", "Gi")
    )
    max_memory: str = declare(
        "DEPLOY_MAX_MEMORY", "2Gi", "Memory that an instance may use.", quantity("Mi", "Gi")
    )
    min_concurrency: int = declare(
        "DEPLOY_MIN_CONCURRENCY",
        1,
        "Fewest instances; with 0 the first event waits for a start.",
        at_least(0),
    )
    max_concurrency: int = declare(
        "DEPLOY_MAX_CONCURRENCY", 10, "Most instances, of up to 20 events at once each.", at_least(1)
    )
    timeout: int = declare(
        "DEPLOY_TIMEOUT", 120, "Seconds that one event may take before it counts as failed.", at_least(1)
    )
    retries: int = declare(
        "DEPLOY_RETRIES", 5, "Further deliveries of a failed event, after 2, 4, 8 ... seconds.", at_least(0)
    )
    log_level: str = declare(
        "DEPLOY_LOG_LEVEL",
        "info",
        "Least severe log line that is kept.",
        one_of("debug", "info", "warning", "error", "critical"),
    )
    sample_upload: bool = declare(
        "DEPLOY_SAMPLE_UPLOAD", False, "Let deploy.sh upload a small EXR file and wait for its row.", boolean
    )
    wait: int = declare(
        "DEPLOY_WAIT", 300, "Seconds to wait for the pipeline, and then for the sample's row.", at_least(1)
    )

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, str]) -> Deployment:
        """Read the settings that `mapping` names; empty text counts as not set.

        Raises InspectorError(BAD_SETTING) that names the variable.
        """
        found = {name: read_setting(setting, mapping) for name, setting in DEPLOYMENT.items()}
        absent = [DEPLOYMENT[name].env[0] for name in REQUIRED if found[name] is None]
        if absent:
            raise InspectorError(BAD_SETTING, f"{', '.join(absent)} must be set", absent[0])
        deployment = cls(**{name: value for name, value in found.items() if value is not None})
        for least, most in _RANGES:
            if amount(getattr(deployment, least)) > amount(getattr(deployment, most)):
                low, high = DEPLOYMENT[least].env[0], DEPLOYMENT[most].env[0]
                raise InspectorError(BAD_SETTING, f"{low} must not be more than {high}", low)
        return deployment

    @property
    def pipeline(self) -> str:
        return f"{self.name}-pipeline"

    @property
    def triggers(self) -> dict[str, str]:
        """Trigger names by suffix. Filters compare the text of the key, so each spelling needs its own."""
        return {".exr": f"{self.name}-exr", ".EXR": f"{self.name}-exr-upper"}

    @property
    def events(self) -> list[str]:
        return ["ObjectCreated:*", "ObjectRemoved:*"] if self.removals else ["ObjectCreated:*"]

    @property
    def kubernetes_cluster(self) -> str:
        """The cluster's name, the last part of its VRN."""
        return self.kubernetes_cluster_vrn.rpartition(":")[2]


_RANGES = (("min_cpu", "max_cpu"), ("min_memory", "max_memory"), ("min_concurrency", "max_concurrency"))
DEPLOYMENT: dict[str, Setting] = {each.name: each.metadata["setting"] for each in fields(Deployment)}
REQUIRED = [each.name for each in fields(Deployment) if each.default is None]
