"""The settings of a deployment, and the .env file that contains them."""

from __future__ import annotations

from pathlib import Path

import pytest

from exr_inspector.apps.deployment.env_file import Plan, read_plan, read_values
from exr_inspector.apps.deployment.settings import DEPLOYMENT, REQUIRED, Deployment, amount
from exr_inspector.errors import BAD_SETTING, InspectorError
from tests.deploy.conftest import SECRETS, SETTINGS, ca_certificate, private_key, write_env


def _plan(folder: Path, **changes: str) -> Plan:
    plan, faults = read_plan(write_env(folder / ".env", SETTINGS | changes))
    assert faults == []
    assert plan is not None
    return plan


def _faults(folder: Path, **changes: str) -> list[str]:
    plan, faults = read_plan(write_env(folder / ".env", SETTINGS | changes))
    assert plan is None
    return faults


def _read(folder: Path, text: str) -> tuple[dict[str, str], list[str]]:
    file = folder / ".env"
    file.write_bytes(text.encode())
    return read_values(file)


# --- the settings -----------------------------------------------------------------------------------------


def test_every_default_passes_its_own_check() -> None:
    for name, setting in DEPLOYMENT.items():
        default = getattr(Deployment, name)
        if name not in REQUIRED and default != "":
            text = str(default).lower() if isinstance(default, bool) else str(default)
            assert setting.parse(text) == default


def test_the_pipeline_and_the_triggers_are_named_after_the_function(tmp_path: Path) -> None:
    to = _plan(tmp_path, DEPLOY_NAME="exr-staging").deployment
    assert to.pipeline == "exr-staging-pipeline"
    assert to.triggers == {".exr": "exr-staging-exr", ".EXR": "exr-staging-exr-upper"}
    assert to.kubernetes_cluster == "farm"


def test_removals_are_subscribed_to_unless_they_are_turned_off(tmp_path: Path) -> None:
    assert _plan(tmp_path).deployment.events == ["ObjectCreated:*", "ObjectRemoved:*"]
    assert _plan(tmp_path, DEPLOY_REMOVALS="no").deployment.events == ["ObjectCreated:*"]


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("DEPLOY_NAME", "Exr_Inspector", "lowercase letters, digits and hyphens"),
        ("DEPLOY_NAME", "a" * 54, "at most 53"),
        ("DEPLOY_NAMESPACE", "-n", "lowercase letters"),
        ("DEPLOY_KUBERNETES_CLUSTER_VRN", "farm", "vast:dataengine:kubernetes-clusters:NAME"),
        ("DEPLOY_CONTAINER_REGISTRY", "--publish", "beginning with a letter or digit"),
        ("DEPLOY_SOURCE_BUCKET", "shots/incoming", "one word without a slash"),
        ("DEPLOY_REGISTRY_URL", "https://registry.example.com", "without http://"),
        ("DEPLOY_IMAGE", "vfx/exr-inspector:latest", "without a tag"),
        ("DEPLOY_PREFIX", "/incoming", "not begin with a slash"),
        ("DEPLOY_PYTHON_VERSION", "3.9.*", "from 3.10 to 3.13"),
        ("DEPLOY_MAX_CPU", "2Gi", "such as 250 or 250m"),
        ("DEPLOY_MAX_MEMORY", "2GB", "such as 250Mi or 250Gi"),
        ("DEPLOY_MAX_MEMORY", "2048", "such as 250Mi or 250Gi"),
        ("DEPLOY_RETRIES", "-1", "at least 0"),
        ("DEPLOY_TIMEOUT", "1.5", "is not a number"),
        ("DEPLOY_LOG_LEVEL", "loud", "must be one of debug"),
        ("DEPLOY_SAMPLE_UPLOAD", "perhaps", "true or false"),
        ("DEPLOY_MIN_CPU", "1001m", "DEPLOY_MIN_CPU must not be more than DEPLOY_MAX_CPU"),
        ("DEPLOY_MIN_MEMORY", "3Gi", "must not be more than DEPLOY_MAX_MEMORY"),
        ("DEPLOY_MIN_CONCURRENCY", "11", "must not be more than DEPLOY_MAX_CONCURRENCY"),
        ("EXR_INSPECTOR_SECRET", "My Secret", "EXR_INSPECTOR_SECRET must be lowercase"),
        ("S3_ENDPOINT", "vast.example.com", "S3_ENDPOINT must begin with http"),
        ("EXR_INSPECTOR_MAX_PARTS", "0", "at least 1"),
    ],
)
def test_an_invalid_value_is_reported_with_its_variable_and_rule(
    name: str, value: str, rule: str, tmp_path: Path
) -> None:
    (fault,) = _faults(tmp_path, **{name: value})
    assert fault.startswith(name)
    assert rule in fault


@pytest.mark.parametrize(
    ("text", "value"), [("250m", 0.25), ("1.5", 1.5), ("2Gi", 2.0**31), ("512Mi", 2.0**29), (7, 7)]
)
def test_quantities_are_compared_by_amount(text: str | int, value: float) -> None:
    assert amount(text) == value


def test_every_missing_required_setting_is_reported(tmp_path: Path) -> None:
    plan, faults = read_plan(write_env(tmp_path / ".env", {}))
    assert plan is None
    assert [fault.split()[0] for fault in faults] == [
        *("S3_ENDPOINT", "S3_ACCESS_KEY", "S3_SECRET_KEY", "VAST_DB_BUCKET"),
        *(DEPLOYMENT[name].env[0] for name in REQUIRED),
    ]


def test_from_mapping_names_the_missing_settings() -> None:
    with pytest.raises(InspectorError, match="DEPLOY_NAMESPACE, DEPLOY_CONTAINER_REGISTRY") as caught:
        Deployment.from_mapping({})
    assert caught.value.fault is BAD_SETTING


def test_an_alternative_name_sets_the_setting(tmp_path: Path) -> None:
    values = {name: value for name, value in SETTINGS.items() if name != "S3_ACCESS_KEY"}
    plan, _ = read_plan(write_env(tmp_path / ".env", values | {"AWS_ACCESS_KEY_ID": "other"}))
    assert plan is not None
    assert plan.settings.s3_access_key == "other"
    assert "AWS_ACCESS_KEY_ID" in plan.secrets


def test_the_environment_has_the_settings_that_differ_from_the_defaults_and_no_secret(tmp_path: Path) -> None:
    plan = _plan(
        tmp_path, S3_REGION="us-east-1", S3_CONNECTIONS="7", EXR_INSPECTOR_OIIO="no", EXR_INSPECTOR_DB="x.db"
    )
    assert plan.environment == {
        "EXR_INSPECTOR_OIIO": "no",
        "S3_ENDPOINT": SETTINGS["S3_ENDPOINT"],
        "S3_CONNECTIONS": "7",
        "VAST_DB_BUCKET": "tables",
        "EXR_INSPECTOR_LOCAL_ROOTS": "none",
    }
    assert plan.secrets == SECRETS


@pytest.mark.parametrize("roots", ["/mnt/renders", "none"])
def test_local_paths_are_refused_on_the_cluster_unless_the_file_names_folders(
    roots: str, tmp_path: Path
) -> None:
    assert _plan(tmp_path).environment["EXR_INSPECTOR_LOCAL_ROOTS"] == "none"
    plan = _plan(tmp_path, EXR_INSPECTOR_LOCAL_ROOTS=roots)
    assert plan.environment["EXR_INSPECTOR_LOCAL_ROOTS"] == roots


# --- combinations that cannot work ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        (
            {"DEPLOY_MAX_MEMORY": "64Mi", "DEPLOY_MIN_MEMORY": "64Mi"},
            "DEPLOY_MAX_MEMORY must be at least 256Mi",
        ),
        (
            {"DEPLOY_TIMEOUT": "5"},
            "DEPLOY_TIMEOUT must be at least S3_CONNECT_TIMEOUT plus S3_READ_TIMEOUT (25 s)",
        ),
        ({"DEPLOY_SOURCE_BUCKET": "tables"}, "DEPLOY_SOURCE_BUCKET and VAST_DB_BUCKET must differ"),
    ],
)
def test_a_deployment_that_cannot_work_is_refused(
    changes: dict[str, str], fault: str, tmp_path: Path
) -> None:
    (found,) = _faults(tmp_path, **changes)
    assert found.startswith(fault)


def test_shorter_s3_timeouts_allow_a_shorter_deployment_timeout(tmp_path: Path) -> None:
    plan = _plan(tmp_path, DEPLOY_TIMEOUT="5", S3_CONNECT_TIMEOUT="2", S3_READ_TIMEOUT="3")
    assert plan.deployment.timeout == 5


@pytest.mark.parametrize(
    ("changes", "warning"),
    [
        ({"S3_ENDPOINT": "http://localhost:9000"}, "S3_ENDPOINT is an address of this machine"),
        ({"S3_ENDPOINT": "https://127.0.0.1"}, "S3_ENDPOINT is an address of this machine"),
        ({"S3_ENDPOINT": "http://[::1]:9000"}, "S3_ENDPOINT is an address of this machine"),
        ({"VAST_DB_ENDPOINT": "http://0.0.0.0"}, "VAST_DB_ENDPOINT is an address of this machine"),
        ({"DEPLOY_MAX_MEMORY": "300Mi", "DEPLOY_MIN_MEMORY": "256Mi"}, "DEPLOY_MAX_MEMORY is below 512Mi"),
        ({"DEPLOY_TIMEOUT": "30"}, "DEPLOY_TIMEOUT is less than the S3 timeouts plus VAST_DB_TIMEOUT (55 s)"),
    ],
)
def test_a_setting_that_is_probably_wrong_is_a_warning(
    changes: dict[str, str], warning: str, tmp_path: Path
) -> None:
    (found,) = _plan(tmp_path, **{"S3_ENDPOINT": "http://vip.example.com", **changes}).warnings()
    assert found.startswith(warning)


def test_a_usual_deployment_has_no_warnings(tmp_path: Path) -> None:
    assert _plan(tmp_path, S3_ENDPOINT="http://vip.example.com").warnings() == []


# --- a private certificate authority ----------------------------------------------------------------------


def test_the_pipeline_has_the_path_of_the_ca_bundle_in_the_image(tmp_path: Path) -> None:
    bundle = tmp_path / "studio-ca.pem"
    bundle.write_bytes(ca_certificate())
    plan = _plan(tmp_path, EXR_INSPECTOR_CA_BUNDLE=str(bundle))
    assert plan.environment["EXR_INSPECTOR_CA_BUNDLE"] == "/workspace/ca-bundle.pem"
    assert plan.local_environment["EXR_INSPECTOR_CA_BUNDLE"] == str(bundle)


@pytest.mark.parametrize(
    ("contents", "fault"),
    [
        (None, "must name a readable file of certificates in PEM format"),
        (b"", "must name a readable file of certificates in PEM format"),
        (b"not a certificate", "must name a readable file of certificates in PEM format"),
        (ca_certificate() + private_key(), "must not contain a private key"),
    ],
    ids=["absent", "empty", "text", "with a private key"],
)
def test_a_file_that_is_no_ca_bundle_is_refused(contents: bytes | None, fault: str, tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    if contents is not None:
        bundle.write_bytes(contents)
    (found,) = _faults(tmp_path, EXR_INSPECTOR_CA_BUNDLE=str(bundle))
    assert found.startswith(f"EXR_INSPECTOR_CA_BUNDLE {fault}")


def test_a_relative_path_of_a_ca_bundle_is_refused(tmp_path: Path) -> None:
    (found,) = _faults(tmp_path, EXR_INSPECTOR_CA_BUNDLE="ca.pem")
    assert found == "EXR_INSPECTOR_CA_BUNDLE must be an absolute path"


# --- the file ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("NAME=plain", "plain"),
        ("  NAME=plain  ", "plain"),
        ("NAME=plain\r\n", "plain"),
        ("\ufeffNAME=plain", "plain"),
        ("NAME=", ""),
        ("NAME=a=b=c", "a=b=c"),
        ("NAME=a#b", "a#b"),
        ("NAME=$(rm -rf /) `id` ${HOME} \\n", "$(rm -rf /) `id` ${HOME} \\n"),
        ("NAME='a # b'", "a # b"),
        ('NAME=" a "', " a "),
        ('NAME="it\'s"', "it's"),
        ("NAME='say \"x\"'", 'say "x"'),
        ("NAME=caf\u00e9 \u6620\u753b", "caf\u00e9 \u6620\u753b"),
        ("# NAME=x\n\nNAME=y", "y"),
    ],
)
def test_a_value_is_read_literally(text: str, value: str, tmp_path: Path) -> None:
    assert _read(tmp_path, text) == ({"NAME": value}, [])


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("hunter2", "line 2 is not NAME=VALUE"),
        ("NAME = hunter2", "line 2 is not NAME=VALUE"),
        ("export NAME=hunter2", "line 2 is not NAME=VALUE"),
        ("2NAME=hunter2", "line 2 is not NAME=VALUE"),
        ("NAME='hunter2", "line 2 begins the value of NAME with a quote"),
        ("NAME=\"hunter2'", "line 2 begins the value of NAME with a quote"),
        ("NAME='", "line 2 begins the value of NAME with a quote"),
        ("NAME=hunter2 # mine", "line 2 has a # in the value of NAME"),
        ("NAME=hunter2\x07bell", "line 2 has a nonprintable character in the value of NAME"),
        ("NAME=hunter2\u2028x", "line 2 has a nonprintable character in the value of NAME"),
        ("NAME=hunter2\rx", "is not NAME=VALUE"),
        ("FIRST=hunter2", "line 2 sets FIRST a second time"),
    ],
)
def test_an_invalid_line_is_reported_without_its_value(line: str, fault: str, tmp_path: Path) -> None:
    _, faults = _read(tmp_path, f"FIRST=1\n{line}\n")
    assert fault in "\n".join(faults)
    assert "hunter2" not in "\n".join(faults)


def test_an_unknown_name_is_reported_with_the_most_similar_setting(tmp_path: Path) -> None:
    assert _faults(tmp_path, VAST_DB_BUCKETS="x") == [
        "VAST_DB_BUCKETS is not a setting; did you mean VAST_DB_BUCKET?"
    ]


def test_all_faults_are_reported_at_once_without_values(tmp_path: Path) -> None:
    faults = _faults(tmp_path, S3_READ_TIMEOUT="hunter2", DEPLOY_RETRIES="hunter2", S3_OIIO="hunter2")
    assert [fault.split()[0] for fault in faults] == ["S3_OIIO", "S3_READ_TIMEOUT", "DEPLOY_RETRIES"]
    assert "hunter2" not in "".join(faults)


def test_a_file_with_secrets_that_other_users_can_open_is_refused(tmp_path: Path) -> None:
    file = write_env(tmp_path / ".env", SETTINGS)
    file.chmod(0o644)
    plan, faults = read_plan(file)
    assert plan is None
    assert faults == [f"the file contains secrets and other users can open it: chmod 600 {file}"]


def test_a_file_that_is_not_text_is_a_coded_error(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(InspectorError, match="cannot be read as UTF-8"):
        read_values(file)
