"""The second function, which measures pixels: its manifests, and `deploy.sh --pixels`."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from exr_inspector.apps.deployment.env_file import read_plan
from exr_inspector.apps.deployment.render import render
from exr_inspector.settings import Settings
from tests.deploy.conftest import SECRETS, SETTINGS, Site, write_env

READ_ONLY = {"DEPLOY_PIXELS_S3_ACCESS_KEY": "reader", "DEPLOY_PIXELS_S3_SECRET_KEY": "reader's secret"}


def rendered(folder: Path, changes: Mapping[str, str]) -> dict[str, Any]:
    plan, faults = read_plan(write_env(folder / ".env", {**SETTINGS, **changes}))
    assert plan is not None, faults
    made = render(plan.for_pixels(), folder / "out")
    return {each.name: yaml.safe_load(each.read_text("utf-8")) for each in made if each.suffix == ".yaml"}


def test_it_has_more_memory_a_longer_timeout_and_one_instance(tmp_path: Path) -> None:
    made = rendered(tmp_path, {"DEPLOY_PIXELS_MAX_MEMORY": "8Gi", "DEPLOY_PIXELS_TIMEOUT": "1800"})
    (deployment,) = made["pipeline.yaml"]["manifest"]["function_deployments"]
    assert deployment["function_vrn"] == "vast:dataengine:functions:exr-inspector-pixels"
    assert deployment["resources"] == {
        "min_cpu": "250m",
        "max_cpu": "1000m",
        "min_memory": "512Mi",
        "max_memory": "8Gi",
        "min_concurrency": 0,
        "max_concurrency": 1,
        "timeout": 1800,
    }
    (link,) = made["pipeline.yaml"]["manifest"]["links"]
    assert (link["source"], link["config"]["retries"]) == (["exr-inspector-pixels-schedule"], 0)


def test_a_schedule_starts_it(tmp_path: Path) -> None:
    made = rendered(tmp_path, {"DEPLOY_PIXELS_SCHEDULE": "0 * * * *"})
    assert {name for name in made if name.startswith("trigger")} == {"trigger-schedule.yaml"}
    assert made["trigger-schedule.yaml"] == {
        "name": "exr-inspector-pixels-schedule",
        "type": "Schedule",
        "cron_schedule": "0 * * * *",
        "broker_type": "Internal",
        "broker_name": "render-broker",
        "topic": "main",
    }


@pytest.mark.parametrize("keys", [{}, READ_ONLY])
def test_it_reads_objects_with_its_own_keys_and_stores_rows_with_those_of_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keys: Mapping[str, str]
) -> None:
    made = rendered(tmp_path, keys)
    pipeline, secret = made["pipeline.yaml"]["manifest"]["config"], made["secret.yaml"]
    assert pipeline["secrets"] == [secret["name"]] == ["exr-inspector-pixels"]
    for each in pipeline["environment_variables"]:
        monkeypatch.setenv(each["name"], each["value"])
    secrets = {secret["name"]: {each["key"]: each["value"] for each in secret["entries"]}}
    configuration = importlib.import_module("main")._configuration(SimpleNamespace(secrets=secrets))
    read, first = Settings.from_mapping(configuration), Settings.from_mapping(SETTINGS)
    assert read.s3_access_key == (keys.get("DEPLOY_PIXELS_S3_ACCESS_KEY") or SECRETS["S3_ACCESS_KEY"])
    assert read.s3_secret_key == (keys.get("DEPLOY_PIXELS_S3_SECRET_KEY") or SECRETS["S3_SECRET_KEY"])
    stored = (read.vast_access_key, read.vast_secret_key, read.vast_endpoint, read.vast_bucket)
    assert stored == (first.vast_access_key, first.vast_secret_key, first.vast_endpoint, first.vast_bucket)
    assert read.stats_seconds == 720


def test_the_keys_of_the_second_are_not_in_the_secret_of_the_first(tmp_path: Path) -> None:
    plan, _ = read_plan(write_env(tmp_path / ".env", {**SETTINGS, **READ_ONLY}))
    assert plan is not None
    assert set(plan.secrets) == set(SECRETS)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"DEPLOY_PIXELS_S3_ACCESS_KEY": "reader"}, "must be set together"),
        ({"DEPLOY_PIXELS_MAX_MEMORY": "256Mi"}, "must not be less than DEPLOY_MIN_MEMORY"),
        ({"DEPLOY_PIXELS_SCHEDULE": "hourly"}, "five fields of cron"),
    ],
)
def test_wrong_settings_are_reported(tmp_path: Path, changes: Mapping[str, str], fault: str) -> None:
    plan, faults = read_plan(write_env(tmp_path / ".env", {**SETTINGS, **changes}))
    assert plan is None
    assert fault in faults[0]


def test_deploy_sh_deploys_it_beside_the_first(deployed: Site) -> None:
    deployed.forget_calls()
    done = deployed.run("--pixels")
    assert done.returncode == 0, done.stdout
    (build,) = deployed.commands("vastde functions build exr-inspector-pixels ")
    assert "-H pixels_main.py" in build
    (create,) = deployed.commands("vastde triggers create --name exr-inspector-pixels-schedule ")
    assert create.endswith("/trigger-schedule.yaml")
    assert deployed.commands("vastde pipelines create --name exr-inspector-pixels-pipeline ")
    assert set(deployed.objects["pipelines"]) == {"exr-inspector-pipeline", "exr-inspector-pixels-pipeline"}
    assert "The schedule starts this function" in done.stdout
    deployed.forget_calls()
    assert deployed.run("--pixels", "destroy", "--yes").returncode == 0
    assert set(deployed.objects["pipelines"]) == {"exr-inspector-pipeline"}
    assert set(deployed.objects["triggers"]) == {"exr-inspector-exr", "exr-inspector-exr-upper"}
