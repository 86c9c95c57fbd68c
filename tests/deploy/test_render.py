"""The manifests that `exr-inspector deploy render` makes, read back by a YAML parser."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exr_inspector.apps.cli import commands
from exr_inspector.apps.deployment.env_file import read_plan
from exr_inspector.apps.deployment.render import render
from exr_inspector.apps.devserver.config import read_config
from exr_inspector.settings import Settings
from tests.deploy.conftest import SECRETS, SETTINGS, write_env

AWKWARD = [
    "colon: and space",
    "# hash",
    "- dash",
    "{brace",
    "quote\"s' both",
    "back\\slash \\n",
    "%percent &amp *star !bang |bar >gt @at `tick`",
    "yes",
    "null",
    "0x10",
    "1e3",
    "2026-01-01",
    "${HOME} $$ $name",
    "\u65e5\u672c\u8a9e \u00e9\u00df \U0001f3ac",
]


def _rendered(
    folder: Path, changes: Mapping[str, str] = MappingProxyType({}), revision: int = 1, tag: str = "latest"
) -> dict[str, Any]:
    plan, faults = read_plan(write_env(folder / ".env", {**SETTINGS, **changes}))
    assert plan is not None, faults
    made = render(plan, folder / "out", revision=revision, tag=tag)
    return {each.name: yaml.safe_load(each.read_text("utf-8")) for each in made if each.suffix == ".yaml"}


def _run(*words: str | Path) -> Result:
    return CliRunner().invoke(commands, ["deploy", *map(str, words)])


def test_the_pipeline_is_of_the_form_that_dataengine_takes(tmp_path: Path) -> None:
    assert _rendered(tmp_path, revision=7)["pipeline.yaml"] == {
        "name": "exr-inspector-pipeline",
        "kubernetes_cluster_vrn": "vast:dataengine:kubernetes-clusters:farm",
        "namespace": "vfx",
        "manifest": {
            "config": {
                "environment_variables": [
                    {"name": "S3_ENDPOINT", "value": "http://127.0.0.1:9000"},
                    {"name": "VAST_DB_BUCKET", "value": "tables"},
                    {"name": "EXR_INSPECTOR_LOCAL_ROOTS", "value": "none"},
                ],
                "secrets": ["exr-inspector"],
            },
            "function_deployments": [
                {
                    "function_vrn": "vast:dataengine:functions:exr-inspector",
                    "name": "exr-inspector",
                    "revision": 7,
                    "config": {"log_level": "INFO"},
                    "resources": {
                        "min_cpu": "250m",
                        "max_cpu": "1000m",
                        "min_memory": "512Mi",
                        "max_memory": "2Gi",
                        "min_concurrency": 1,
                        "max_concurrency": 10,
                        "timeout": 120,
                    },
                }
            ],
            "triggers": [
                {"name": name, "vrn": f"vast:dataengine:triggers:{name}"}
                for name in ("exr-inspector-exr", "exr-inspector-exr-upper")
            ],
            "links": [
                {
                    "source": ["exr-inspector-exr", "exr-inspector-exr-upper"],
                    "destination": ["exr-inspector"],
                    "topic": "vast:dataengine:topics:render-broker/main",
                    "config": {"events_order": "unordered", "retries": 5},
                }
            ],
        },
    }


def test_there_is_a_trigger_for_each_spelling_of_the_suffix(tmp_path: Path) -> None:
    made = _rendered(tmp_path, {"DEPLOY_PREFIX": "incoming/"})
    assert made["trigger-exr.yaml"] == {
        "name": "exr-inspector-exr",
        "type": "Element",
        "source_bucket": "shots",
        "events": ["ObjectCreated:*", "ObjectRemoved:*"],
        "name_prefix": "incoming/",
        "name_suffix": ".exr",
        "broker_type": "Internal",
        "broker_name": "render-broker",
        "topic": "main",
    }
    upper = {"name": "exr-inspector-exr-upper", "name_suffix": ".EXR"}
    assert made["trigger-exr-upper.yaml"] == made["trigger-exr.yaml"] | upper


def test_without_a_prefix_the_trigger_has_no_filter_for_one(tmp_path: Path) -> None:
    assert "name_prefix" not in _rendered(tmp_path)["trigger-exr.yaml"]


def test_the_function_is_the_image_with_its_tag(tmp_path: Path) -> None:
    assert _rendered(tmp_path, tag="20261001T091530Z")["function.yaml"] == {
        "name": "exr-inspector",
        "description": "Indexes the metadata of OpenEXR files",
        "container_registry": "studio",
        "artifact_source": "exr-inspector",
        "artifact_type": "image",
        "image_tag": "20261001T091530Z",
    }


def test_the_secret_holds_the_secrets_under_the_names_of_settings(tmp_path: Path) -> None:
    made = _rendered(tmp_path)
    assert made["secret.yaml"] == {
        "name": "exr-inspector",
        "kubernetes_cluster_vrn": "vast:dataengine:kubernetes-clusters:farm",
        "namespace": "vfx",
        "entries": [{"key": name, "value": value} for name, value in SECRETS.items()],
    }


def test_only_the_two_files_for_secrets_hold_any(tmp_path: Path) -> None:
    _rendered(tmp_path)
    for file in (tmp_path / "out").iterdir():
        held = [value for value in SECRETS.values() if value.split()[0] in file.read_text("utf-8")]
        assert bool(held) == (file.name in ("secret.yaml", "config.yaml")), file.name


def test_every_file_is_for_its_owner_alone_whatever_was_there_before(tmp_path: Path) -> None:
    out = tmp_path / "out"
    _rendered(tmp_path)
    assert out.stat().st_mode & 0o777 == 0o700
    for file in out.iterdir():
        file.chmod(0o666)
    _rendered(tmp_path)
    assert {file.stat().st_mode & 0o777 for file in out.iterdir()} == {0o600}


def test_what_the_function_reads_on_the_cluster_is_what_the_file_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = {"S3_VERIFY_TLS": "false", "EXR_INSPECTOR_SECRET": "other", "VAST_DB_TIMEOUT": "7"}
    made = _rendered(tmp_path, changes)
    pipeline, secret = made["pipeline.yaml"]["manifest"]["config"], made["secret.yaml"]
    for each in pipeline["environment_variables"]:
        monkeypatch.setenv(each["name"], each["value"])
    assert pipeline["secrets"] == [secret["name"]]
    secrets = {secret["name"]: {each["key"]: each["value"] for each in secret["entries"]}}
    configuration = importlib.import_module("main")._configuration(SimpleNamespace(secrets=secrets))
    cluster = {"EXR_INSPECTOR_LOCAL_ROOTS": "none"}
    assert Settings.from_mapping(configuration) == Settings.from_mapping(SETTINGS | changes | cluster)


def test_the_local_run_has_the_same_environment_and_secret(tmp_path: Path) -> None:
    made = _rendered(tmp_path)
    config = read_config(tmp_path / "out" / "config.yaml")
    pipeline = made["pipeline.yaml"]["manifest"]["config"]
    assert config.envs == {each["name"]: each["value"] for each in pipeline["environment_variables"]}
    assert config.secrets == {"exr-inspector": SECRETS}


@pytest.mark.parametrize("value", AWKWARD)
def test_yaml_reads_every_value_as_it_was_written(value: str, tmp_path: Path) -> None:
    quoted = f'"{value}"' if value.endswith("'") or "'" in value else f"'{value}'"
    file = write_env(tmp_path / ".env", SETTINGS)
    text = "".join(
        line for line in file.read_text("utf-8").splitlines(keepends=True) if "VAST_DB_SECRET" not in line
    )
    file.write_text(f"{text}DEPLOY_PREFIX={quoted}\nVAST_DB_SECRET_KEY={quoted}\n", "utf-8")
    plan, faults = read_plan(file)
    assert plan is not None, faults
    made = {each.name: each for each in render(plan, tmp_path / "out")}
    trigger, secret, config = (
        yaml.safe_load(made[name].read_text("utf-8"))
        for name in ("trigger-exr.yaml", "secret.yaml", "config.yaml")
    )
    assert trigger["name_prefix"] == value
    assert {"key": "VAST_DB_SECRET_KEY", "value": value} in secret["entries"]
    assert config["secrets"]["exr-inspector"]["VAST_DB_SECRET_KEY"] == value


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=st.text(min_size=1).filter(lambda text: text.isprintable() and text.strip()))
def test_yaml_reads_any_printable_secret_as_it_was_written(value: str, tmp_path: Path) -> None:
    secret = {"VAST_DB_SECRET_KEY": value}
    assert _rendered(tmp_path, secret)["config.yaml"]["secrets"]["exr-inspector"] == SECRETS | secret


def test_a_secret_of_blanks_alone_counts_as_not_set(tmp_path: Path) -> None:
    plan, faults = read_plan(write_env(tmp_path / ".env", SETTINGS | {"VAST_DB_SECRET_KEY": "  "}))
    assert plan is None
    assert faults == ["VAST DataBase is selected, so VAST_DB_SECRET_KEY must be set"]


# --- the commands -----------------------------------------------------------------------------------------


def test_check_says_what_is_asked_for_and_no_secret(tmp_path: Path) -> None:
    done = _run("check", "--config", write_env(tmp_path / ".env", SETTINGS))
    assert done.exit_code == 0
    assert "exr-inspector: S3_ACCESS_KEY, S3_SECRET_KEY, VAST_DB_SECRET_KEY" in done.output
    assert not [value for value in SECRETS.values() if value in done.output]


def test_check_ends_with_code_2_and_a_line_for_each_fault(tmp_path: Path) -> None:
    file = write_env(tmp_path / ".env", SETTINGS | {"DEPLOY_TOPIC": "", "S3_CONNECTIONS": "none"})
    done = _run("check", "--config", file)
    assert done.exit_code == 2
    lines = done.stderr.splitlines()
    assert lines[0] == f"{file}: S3_CONNECTIONS is not a number"
    assert lines[1].startswith(f"{file}: DEPLOY_TOPIC must be set")
    assert lines[2:] == ["docs/CONFIGURATION.md explains every setting."]


def test_render_names_the_files_that_it_wrote(tmp_path: Path) -> None:
    config = write_env(tmp_path / ".env", SETTINGS)
    done = _run("render", "--config", config, "--output", tmp_path / "out", "--revision", "3", "--tag", "t")
    assert done.exit_code == 0
    assert {Path(line) for line in done.output.splitlines()} == set((tmp_path / "out").iterdir())


def test_render_of_wrong_settings_writes_nothing(tmp_path: Path) -> None:
    done = _run("render", "--config", write_env(tmp_path / ".env", {}), "--output", tmp_path / "out")
    assert done.exit_code == 2
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written_is_an_error_without_a_trace(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    done = _run(
        "render", "--config", write_env(tmp_path / ".env", SETTINGS), "--output", tmp_path / "out" / "x"
    )
    assert done.exit_code == 2
    assert "BAD_SETTING: cannot write" in done.stderr
