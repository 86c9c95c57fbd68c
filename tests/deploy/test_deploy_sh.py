"""deploy.sh with fake vastde and docker commands. All paths have spaces and a comma."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from deploy.state import save
from tests.deploy.conftest import SECRETS, SETTINGS, Site, ca_certificate, write_env

STEPS = [
    *("check", "settings", "cluster", "test", "build", "push"),
    *("function", "trigger", "pipeline", "deploy", "verify"),
]


def _revisions(*tags: str) -> dict[str, Any]:
    revisions = [
        {"revision_number": number, "image_tag": tag, "is_published": True}
        for number, tag in enumerate(tags, 1)
    ]
    return {"functions": {"exr-inspector": {"name": "exr-inspector", "revisions": revisions}}}


def _headings(output: str) -> list[str]:
    return [line.removeprefix("== ") for line in output.splitlines() if line.startswith("== ")]


def test_a_full_run_deploys_everything_in_order(first_run: Site) -> None:
    assert _headings(first_run.outputs[0]) == STEPS
    tag = first_run.state()["tag"]
    image = f"registry.example.com:5000/vfx/exr-inspector:{tag}"
    here = f"build/deploy/{first_run.out.name}"
    artefact = "--container-registry studio --artifact-source exr-inspector --artifact-type image"
    manifests = f"--config @{here}/pipeline.yaml --secret-file {here}/secret.yaml"
    queries = (" version", " info", " list", " get", " inspect")
    assert [line for line in first_run.commands() if not any(query in line for query in queries)] == [
        f"vastde functions build exr-inspector -t {here}/source -H main.py -V 3.12.* -T {tag}",
        f"docker tag exr-inspector:{tag} {image}",
        f"docker push {image}",
        f"vastde functions create --name exr-inspector {artefact} --image-tag {tag} --publish",
        f"vastde triggers create --name exr-inspector-exr --from-file {here}/trigger-exr.yaml",
        f"vastde triggers create --name exr-inspector-exr-upper --from-file {here}/trigger-exr-upper.yaml",
        f"vastde pipelines create --name exr-inspector-pipeline {manifests}",
        "vastde pipelines deploy exr-inspector-pipeline",
    ]
    assert set(first_run.objects) == {"functions", "triggers", "pipelines"}


def test_the_image_is_built_for_linux_amd64_from_the_packed_folder(first_run: Site) -> None:
    (build,) = (call for call in first_run.calls if call["argv"][:2] == ["functions", "build"])
    assert build["environment"]["DOCKER_DEFAULT_PLATFORM"] == "linux/amd64"
    source = first_run.out / "source"
    assert {each.name for each in source.iterdir()} >= {"main.py", "requirements.txt", "Aptfile"}
    assert not list(source.rglob("__pycache__"))
    # The image runs as another user.
    assert {each.stat().st_mode & 0o777 for each in source.rglob("*")} == {0o644, 0o755}


def test_a_private_ca_is_packed_into_the_image(site: Site, tmp_path: Path) -> None:
    bundle = tmp_path / "studio ca.pem"
    bundle.write_bytes(ca_certificate())
    write_env(site.config, SETTINGS | {"EXR_INSPECTOR_CA_BUNDLE": str(bundle)})
    done = site.run("build")
    assert done.returncode == 0, done.stdout
    assert (site.out / "source" / "ca-bundle.pem").read_bytes() == bundle.read_bytes()
    assert '"/workspace/ca-bundle.pem"' in (site.out / "pipeline.yaml").read_text("utf-8")


def test_the_options_of_the_function_match_its_manifest(first_run: Site) -> None:
    (create,) = (call["argv"] for call in first_run.calls if call["argv"][:2] == ["functions", "create"])
    lines = (first_run.out / "function.yaml").read_text("utf-8").splitlines()
    manifest = dict(line.split(": ", 1) for line in lines if not line.startswith("#"))
    given = {
        create[index].lstrip("-").replace("-", "_"): json.dumps(create[index + 1])
        for index in range(2, len(create) - 1, 2)
    }
    assert given == {name: manifest[name] for name in given} | {"artifact_type": '"image"'}
    assert set(manifest) - set(given) == {"description"}


def test_the_pipeline_runs_the_revision_that_was_published(site: Site) -> None:
    site.set_objects(_revisions("older", "newer"))
    assert site.run("build", "push", "function", "pipeline").returncode == 0
    assert "revision: 3\n" in site.objects["pipelines"]["exr-inspector-pipeline"]["manifest"]


def test_a_second_run_updates_everything_with_a_new_tag(deployed: Site) -> None:
    first = deployed.state()["tag"]
    deployed.forget_calls()
    done = deployed.run()
    assert done.returncode == 0
    assert _headings(done.stdout) == STEPS
    assert deployed.state()["tag"] != first
    assert not deployed.commands("vastde functions create")
    assert len(deployed.commands("vastde functions update exr-inspector ")) == 1
    assert len(deployed.commands("vastde triggers update exr-inspector-exr")) == 2
    assert len(deployed.commands("vastde pipelines update exr-inspector-pipeline ")) == 1
    assert "To go back: ./deploy.sh" in done.stdout
    assert "rollback 1" in done.stdout


def test_a_tag_is_never_reused_within_one_second(site: Site) -> None:
    site.built("20261001T091530Z")
    clock = site.engine / "bin" / "date"
    clock.write_text(
        "#!/usr/bin/env bash\n"
        'echo x >>"$FAKE_DATAENGINE/ticks"\n'
        '(($(wc -l <"$FAKE_DATAENGINE/ticks") < 3)) && echo 20261001T091530Z || echo 20261001T091531Z\n'
    )
    clock.chmod(0o755)
    assert site.run("build").returncode == 0
    assert site.state()["tag"] == "20261001T091531Z"


def test_an_image_is_published_once(deployed: Site) -> None:
    deployed.forget_calls()
    assert deployed.run("function").returncode == 0
    assert not deployed.commands("vastde functions update")


def test_a_run_resumes_where_the_last_one_failed(failed: Site) -> None:
    tag = failed.state()["tag"]
    done = failed.run()
    assert done.returncode == 0
    finished = [heading for heading in _headings(done.stdout) if heading.endswith(": already done")]
    assert finished == ["cluster: already done", "test: already done", "build: already done"]
    assert not failed.commands("vastde functions build")
    assert failed.commands("docker push") == [
        f"docker push registry.example.com:5000/vfx/exr-inspector:{tag}"
    ]
    assert not [key for key in failed.state() if key.startswith("done_")]


def test_after_a_rollback_the_next_run_deploys_the_newest_image_again(deployed: Site) -> None:
    deployed.plan(vastde_pipelines_deploy={"say": "no"})
    assert deployed.run().returncode == 1
    assert deployed.run("rollback", "1").returncode == 0
    done = deployed.run()
    assert done.returncode == 0
    assert "build: already done" in _headings(done.stdout)
    assert "revision: 2\n" in deployed.objects["pipelines"]["exr-inspector-pipeline"]["manifest"]


def test_after_a_separate_build_the_next_run_deploys_that_image(deployed: Site) -> None:
    deployed.plan(vastde_pipelines_deploy={"say": "no"})
    assert deployed.run().returncode == 1
    assert deployed.run("build").returncode == 0
    tag = deployed.state()["tag"]
    deployed.forget_calls()
    done = deployed.run()
    assert done.returncode == 0
    assert deployed.commands("docker push") == [
        f"docker push registry.example.com:5000/vfx/exr-inspector:{tag}"
    ]
    assert "revision: 3\n" in deployed.objects["pipelines"]["exr-inspector-pipeline"]["manifest"]


def test_env_files_of_one_name_in_two_folders_are_two_deployments(deployed: Site, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    config = write_env(tmp_path / "other" / deployed.config.name, SETTINGS | {"DEPLOY_NAME": "other"})
    other = Site(deployed.clone, config, deployed.engine)
    assert other.run().returncode == 0
    assert other.state()["tag"]
    assert deployed.run("pipeline").returncode == 0
    assert {"other-pipeline", "exr-inspector-pipeline"} <= set(deployed.objects["pipelines"])


def test_a_changed_setting_restarts_an_unfinished_run(failed: Site) -> None:
    write_env(failed.config, SETTINGS | {"DEPLOY_RETRIES": "6"})
    assert _headings(failed.run("--dry-run").stdout) == STEPS


def test_a_changed_function_restarts_an_unfinished_run(failed: Site) -> None:
    source = failed.clone / "functions" / "exr_inspector" / "main.py"
    before = source.read_text("utf-8")
    try:
        source.write_text(f"{before}\n# changed\n", "utf-8")
        done = failed.run("--dry-run")
    finally:
        source.write_text(before, "utf-8")
    assert _headings(done.stdout) == STEPS


READY_NOT = {"exit": 0, "say": '{"status": "Failed"}', "times": 9}
FAILURES: dict[str, tuple[str, str, dict[str, Any], str, str]] = {
    # step, failing call, its answer, what deploy.sh reports, the next step it suggests
    "no vastde": ("check", "vastde version", {}, "vastde does not run", "DEPLOYMENT_AUTOMATION.md"),
    "no login": ("check", "vastde functions list", {}, "vastde cannot log in", "vastde config set"),
    "no docker": ("check", "docker version", {}, "docker does not respond", "start the Docker daemon"),
    "newer docker": (
        "check",
        "docker version",
        {"exit": 0, "say": "1.44"},
        "it requires API 1.44",
        '"min-api-version": "1.38"',
    ),
    "no cluster": (
        "cluster",
        "vastde compute-clusters",
        {},
        "no farm in compute-clusters",
        "compute-clusters list",
    ),
    "no registry": (
        "cluster",
        "vastde container-registries",
        {},
        "no studio in container-registries",
        "container-registries list",
    ),
    "no topic": (
        "cluster",
        "vastde topics",
        {},
        "no main in topics",
        "topics list --database-name render-broker",
    ),
    "no bucket": ("cluster", "vastde buckets get shots", {}, "no shots in buckets", "buckets list"),
    "no tables": ("cluster", "vastde buckets get tables", {}, "no tables in buckets", "buckets list"),
    "build": ("build", "vastde functions build", {}, "the image was not built", "source/build.log"),
    "other platform": (
        "build",
        "docker image inspect",
        {"exit": 0, "say": "linux/arm64"},
        "the image is for linux/arm64",
        "linux/amd64 machine",
    ),
    "nothing built": ("push", "", {}, "no image was built yet", "build"),
    "query": ("function", "vastde functions list", {}, "functions list' failed", "./deploy.sh --config"),
    "create": (
        "function",
        "vastde functions create",
        {},
        "vastde could not create exr-inspector",
        "./deploy.sh --config",
    ),
    "triggers": (
        "trigger",
        "vastde triggers create",
        {},
        "vastde could not create exr-inspector-exr",
        "ask an administrator",
    ),
    "unclear": (
        "pipeline",
        "vastde pipelines list",
        {"exit": 0, "say": "<html>"},
        "has an unknown format",
        "vastde pipelines list -o json",
    ),
    "pipeline": (
        "pipeline",
        "vastde pipelines create",
        {"say": "500"},
        "vastde could not create exr-inspector-pipeline",
        "pipeline.yaml",
    ),
    "deploy": ("deploy", "vastde pipelines deploy", {}, "was not deployed", "vastde pipelines get"),
    "not ready": ("deploy", "vastde pipelines get", READY_NOT, "is 'Failed', not Ready", "vastde logs get"),
}


@pytest.mark.parametrize("case", FAILURES)
def test_each_failure_reports_what_happened_and_the_next_step(case: str, site: Site) -> None:
    step, call, answer, what, following = FAILURES[case]
    if step in ("function", "pipeline", "deploy"):
        site.built("a")
        pipelines: dict[str, Any] = {"pipelines": {"exr-inspector-pipeline": {}}}
        site.set_objects({} if step == "function" else _revisions("a") | pipelines)
    site.plan(**{call.replace(" ", "_"): {"say": "the command's own message", **answer}} if call else {})
    done = site.run(step)
    assert done.returncode == 1
    message, _, advice = done.stdout.partition("\ndeploy.sh: ")[2].partition("\nNext: ")
    assert what in message
    assert following in advice
    if call and not answer:
        assert "the command's own message" in done.stdout
    assert not list(site.out.glob("secret*"))


def test_the_publishing_bug_of_vastde_has_its_own_next_step(deployed: Site) -> None:
    deployed.plan(vastde_functions_update={"say": '422 {"last_published_revision_number": "Extra inputs"}'})
    done = deployed.run("build", "function")
    assert done.returncode == 1
    tag = deployed.state()["tag"]
    assert f"publish a revision with image tag {tag} in the web UI" in done.stdout
    # After that the step finds the revision.
    deployed.set_objects(deployed.objects | _revisions("first", tag))
    assert deployed.run("function").returncode == 0


def test_an_unpublished_revision_is_not_deployed(site: Site) -> None:
    unpublished = {"revision_number": 1, "image_tag": "a", "is_published": False}
    site.set_objects({"functions": {"exr-inspector": {"name": "exr-inspector", "revisions": [unpublished]}}})
    done = site.run("pipeline")
    assert done.returncode == 1
    assert "exr-inspector has no published revision" in done.stdout
    assert not site.commands("vastde pipelines create")


def test_a_function_that_fails_the_local_test_is_not_built(site: Site) -> None:
    sample = site.out / "sample/shots/sq010/sh010/beauty.1001.exr"
    sample.parent.mkdir(parents=True)
    sample.write_text("not an EXR file")
    done = site.run("test")
    assert done.returncode == 1
    assert '"status": "unsupported"' in done.stdout
    assert "the function does not work on this machine" in done.stdout


def test_a_missing_command_is_reported(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    (site.engine / "bin" / "vastde").unlink()
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    done = site.run("check")
    assert done.returncode == 1
    assert "vastde is not installed" in done.stdout


def test_invalid_settings_are_all_reported_with_exit_code_2(site: Site) -> None:
    write_env(
        site.config, SETTINGS | {"DEPLOY_TIMEOUT": "soon", "DEPLOY_BROKER": "", "DEPLOY_TOPICS": "main"}
    )
    done = site.run()
    assert done.returncode == 2
    assert "DEPLOY_TIMEOUT is not a number" in done.stdout
    assert "DEPLOY_BROKER must be set" in done.stdout
    assert "DEPLOY_TOPICS is not a setting; did you mean DEPLOY_TOPIC?" in done.stdout
    assert not site.commands("vastde pipelines")


def test_settings_that_are_not_text_end_with_exit_code_2(site: Site) -> None:
    site.config.write_bytes(b"S3_SECRET_KEY=\xff\n")
    done = site.run("settings")
    assert done.returncode == 2
    assert "the file cannot be read as UTF-8 text" in done.stdout


# --- secrets ----------------------------------------------------------------------------------------------


def _forms(secret: str) -> list[str]:
    """Return the secret in plain text, JSON, a URL, and a Kubernetes secret."""
    forms = (secret, json.dumps(secret)[1:-1], quote(secret, safe=""), b64encode(secret.encode()).decode())
    return list(forms)


def test_no_secret_is_an_argument_an_environment_variable_or_output(first_run: Site) -> None:
    seen = json.dumps(
        [[call["argv"], call["environment"], call["processes"], call["stdin"]] for call in first_run.calls],
        ensure_ascii=False,
    )
    files = [each for each in first_run.out.rglob("*") if each.is_file()]
    kept = "".join(each.read_text("utf-8", "replace") for each in files)
    for secret in SECRETS.values():
        for form in _forms(secret):
            for place in (seen, json.loads(json.dumps(seen)), kept, *first_run.outputs):
                assert form not in place


def test_vastde_reads_the_secret_from_a_file_that_only_its_owner_can_open(first_run: Site) -> None:
    (call,) = (call for call in first_run.calls if "secret" in call)
    assert call["secret_mode"] == 0o600
    for name, value in SECRETS.items():
        assert f'{{"key": "{name}", "value": {json.dumps(value, ensure_ascii=False)}}}' in call["secret"]
    assert not (first_run.out / "secret.yaml").is_symlink()
    assert {each.stat().st_mode & 0o077 for each in first_run.out.iterdir() if each.is_file()} == {0}
    assert first_run.out.stat().st_mode & 0o077 == 0


def test_a_secret_that_a_command_prints_is_masked(site: Site) -> None:
    site.set_objects(_revisions("a"))
    forms = [form for secret in SECRETS.values() for form in _forms(secret)]
    site.plan(vastde_pipelines_create={"say": "\n".join(f"request body: <{form}>" for form in forms)})
    done = site.run("pipeline")
    assert done.returncode == 1
    assert done.stdout.count("request body: <***>") == len(forms)


@contextmanager
def _creating_the_pipeline(site: Site) -> Iterator[subprocess.Popen[bytes]]:
    """Run the step `pipeline` until vastde has the secret. End vastde afterwards."""
    site.set_objects(_revisions("a"))
    site.make_slow("create")
    with subprocess.Popen(
        [str(site.clone / "deploy.sh"), "--config", str(site.config), "pipeline"],
        env=site.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
        # A test runner in the background ignores interrupts, and so would deploy.sh.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    ) as process:
        while not site.commands("vastde pipelines create"):
            assert process.poll() is None
            time.sleep(0.05)
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def _files_with_secrets(site: Site) -> list[Path]:
    files = [each for each in site.out.rglob("*") if each.is_file() and not each.is_symlink()]
    texts = {each: each.read_text("utf-8", "replace") for each in files}
    return [each for each, text in texts.items() for secret in SECRETS.values() if secret in text]


def test_an_interrupted_run_removes_the_link_to_the_secret(site: Site) -> None:
    with _creating_the_pipeline(site) as process:
        assert (site.out / "secret.yaml").is_symlink()
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait() != 0
    assert not (site.out / "secret.yaml").is_symlink()


def test_no_file_contains_a_secret_even_if_the_run_is_killed(site: Site) -> None:
    with _creating_the_pipeline(site) as process:
        (call,) = (call for call in site.calls if "secret" in call)
        assert SECRETS["VAST_DB_SECRET_KEY"] in call["secret"]
        assert _files_with_secrets(site) == []
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert _files_with_secrets(site) == []
    assert (site.out / "secret.yaml").readlink().parent == Path("/dev/fd")  # of no other process


def test_the_next_run_removes_the_secrets_that_release_1_0_left(site: Site) -> None:
    site.out.mkdir(parents=True)
    (site.out / "secret.yaml").write_text(SECRETS["S3_SECRET_KEY"])
    assert site.run("--dry-run").returncode == 0
    assert not (site.out / "secret.yaml").exists()


# --- concurrent runs and planted links --------------------------------------------------------------------


def test_a_second_run_is_refused_while_the_first_is_active(site: Site) -> None:
    with _creating_the_pipeline(site) as process:
        done = site.run("--dry-run")
        assert done.returncode == 1
        assert f"another run of deploy.sh with {site.config} is active, process {process.pid}" in done.stderr
        assert "Next: wait until it and the commands that it started have ended" in done.stderr
    assert site.run("--dry-run").returncode == 0


def test_two_deployments_run_at_the_same_time(site: Site, tmp_path: Path) -> None:
    other = Site(site.clone, write_env(tmp_path / "other.env", SETTINGS), site.engine)
    with _creating_the_pipeline(site):
        assert other.run("--dry-run").returncode == 0


@pytest.mark.parametrize("name", ["state", "state.part", "names", "lock", "pipeline.yaml.part"])
def test_a_planted_link_is_refused_and_its_target_is_unchanged(name: str, site: Site, tmp_path: Path) -> None:
    target = tmp_path / "victim"
    target.write_text("precious")
    site.out.mkdir(parents=True)
    (site.out / name).symlink_to(target)
    done = site.run("--dry-run")
    assert done.returncode == 1
    assert f"{name} is a link; remove it" in done.stderr
    assert target.read_text() == "precious"


def test_a_folder_that_is_a_link_is_refused(site: Site, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    site.out.parent.mkdir(parents=True, exist_ok=True)
    site.out.symlink_to(tmp_path / "elsewhere")
    done = site.run("--dry-run")
    assert done.returncode == 1
    assert "is a link or belongs to another user" in done.stderr
    assert not list((tmp_path / "elsewhere").iterdir())


def test_a_state_file_is_never_written_through_a_link(tmp_path: Path) -> None:
    target = tmp_path / "victim"
    target.write_text("precious")
    for name in ("state", "state.part"):
        (tmp_path / name).symlink_to(target)
    save(tmp_path / "state", "tag=a\n")
    assert target.read_text() == "precious"
    assert (tmp_path / "state").read_text() == "tag=a\n"
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o600


# --- dry run, rollback, status, destroy -------------------------------------------------------------------


def test_a_dry_run_calls_nothing_and_prints_every_command(site: Site) -> None:
    done = site.run("--dry-run")
    assert done.returncode == 0, done.stdout
    assert site.calls == []
    assert _headings(done.stdout) == STEPS
    commands = [line for line in done.stdout.splitlines() if line.startswith("  $ ")]
    for begin in ("vastde functions create --name exr-inspector", "vastde pipelines deploy", "docker push"):
        assert any(begin in line for line in commands)
    rendered = {each.name for each in site.out.iterdir()}
    assert rendered == {
        "function.yaml",
        "trigger-exr.yaml",
        "trigger-exr-upper.yaml",
        "pipeline.yaml",
        "names",
        "lock",
    }


def test_a_dry_run_of_the_steps_on_request_calls_nothing(deployed: Site) -> None:
    done = deployed.run("--dry-run", "status", "rollback", "1", "destroy")
    assert done.returncode == 0, done.stdout
    assert deployed.calls == []
    assert deployed.out.exists()


def _pipeline(site: Site) -> str:
    return str(site.objects["pipelines"]["exr-inspector-pipeline"]["manifest"])


def test_a_rollback_restores_the_settings_of_that_revision(deployed: Site) -> None:
    changes = {"S3_REGION": "us-west-2", "DEPLOY_RETRIES": "6", "DEPLOY_PREFIX": "incoming/"}
    write_env(deployed.config, SETTINGS | changes)
    assert deployed.run().returncode == 0
    assert "us-west-2" in _pipeline(deployed)
    deployed.forget_calls()
    done = deployed.run("rollback", "1")
    assert done.returncode == 0, done.stdout
    assert "revision: 1\n" in _pipeline(deployed)
    assert "retries: 5}" in _pipeline(deployed)
    assert "us-west-2" not in _pipeline(deployed)
    differences = [line for line in done.stdout.splitlines() if line.startswith(("- ", "+ "))]
    assert [line for line in differences if "us-west-2" in line and line.startswith("- ")]
    kept = f"build/deploy/{deployed.out.name}/revisions/exr-inspector/1"
    assert (
        f"vastde triggers update exr-inspector-exr --from-file {kept}/trigger-exr.yaml" in deployed.commands()
    )
    assert deployed.objects["pipelines"]["exr-inspector-pipeline"]["status"] == "Ready"
    assert not deployed.commands("vastde functions update")


def test_a_rollback_sends_the_current_keys(deployed: Site) -> None:
    write_env(deployed.config, SETTINGS | {"VAST_DB_SECRET_KEY": "rotated"})
    deployed.forget_calls()
    assert deployed.run("rollback", "1").returncode == 0
    (call,) = (call for call in deployed.calls if "secret" in call)
    assert '{"key": "VAST_DB_SECRET_KEY", "value": "rotated"}' in call["secret"]


def test_a_rollback_without_the_settings_of_the_revision_is_refused_with_a_choice(site: Site) -> None:
    site.set_objects(_revisions("a", "b", "c"))
    done = site.run("rollback", "2")
    assert done.returncode == 1
    assert "the settings of revision 2 are not on this machine" in done.stdout
    assert "rollback 2 --current-settings' runs it with the settings of" in done.stdout
    assert "pipelines" not in site.objects


def test_a_rollback_uses_the_current_settings_on_request(site: Site) -> None:
    site.set_objects(_revisions("a", "b", "c"))
    done = site.run("rollback", "2", "--current-settings")
    assert done.returncode == 0, done.stdout
    assert "revision: 2\n" in _pipeline(site)
    assert not site.commands("vastde functions update")


def test_a_rollback_to_a_revision_with_another_secret_is_refused(deployed: Site) -> None:
    write_env(deployed.config, SETTINGS | {"EXR_INSPECTOR_SECRET": "renamed"})
    before = _pipeline(deployed)
    done = deployed.run("rollback", "1")
    assert done.returncode == 1
    assert "revision 1 reads another secret than EXR_INSPECTOR_SECRET names" in done.stdout
    assert _pipeline(deployed) == before


def test_a_rollback_to_an_unknown_revision_changes_nothing(site: Site) -> None:
    site.set_objects(_revisions("a", "b"))
    done = site.run("rollback", "3")
    assert done.returncode == 1
    assert "no published revision with number 3" in done.stdout
    assert "pipelines" not in site.objects


def test_status_runs_every_query_although_one_fails(deployed: Site) -> None:
    deployed.forget_calls()
    deployed.plan(vastde_triggers_get={"say": "no such trigger"})
    done = deployed.run("status")
    assert done.returncode == 1
    assert "1 of 5 queries failed" in done.stdout
    assert [line.split()[1:3] for line in deployed.commands()] == [
        ["functions", "get"],
        ["triggers", "get"],
        ["triggers", "get"],
        ["pipelines", "get"],
        ["logs", "get"],
    ]


@pytest.mark.parametrize("typed", ["", "exr-inspector-pipeline\n"])
def test_destroy_removes_nothing_unless_the_name_is_typed(typed: str, deployed: Site) -> None:
    done = deployed.run("destroy", typed=typed)
    assert done.returncode == 1
    assert "not confirmed, so nothing was removed" in done.stdout
    assert set(deployed.objects) == {"functions", "triggers", "pipelines"}


@pytest.mark.parametrize(("words", "typed"), [((), "exr-inspector\n"), (("--yes",), "")])
def test_destroy_removes_the_pipeline_before_the_function_that_it_runs(
    words: tuple[str, ...], typed: str, deployed: Site
) -> None:
    done = deployed.run("destroy", *words, typed=typed)
    assert done.returncode == 0, done.stdout
    assert deployed.objects == {}
    assert [line.split()[1] for line in deployed.commands() if " delete " in line] == [
        "pipelines",
        "triggers",
        "triggers",
        "functions",
    ]
    assert not deployed.out.exists()


def test_destroy_succeeds_if_everything_is_already_gone(site: Site) -> None:
    done = site.run("destroy", "--yes")
    assert done.returncode == 0
    assert not [line for line in site.commands() if " delete " in line]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--config"], "--config needs a file"),
        (["push"], "--config needs a file"),
        (["--config", "{config}", "upload"], "there is no step upload"),
        (["--config", "{config}", "rollback"], "rollback needs a revision number"),
        (["--config", "{config}", "rollback", "push"], "rollback needs a revision number"),
    ],
)
def test_wrong_usage_ends_with_exit_code_2(words: list[str], message: str, site: Site) -> None:
    done = site.start([str(site.clone / "deploy.sh"), *(each.format(config=site.config) for each in words)])
    assert done.returncode == 2
    assert message in done.stderr
    assert "Usage: ./deploy.sh" in done.stderr


def test_a_missing_settings_file_is_reported_with_the_way_to_create_it(site: Site) -> None:
    site.config.unlink()
    done = site.run()
    assert done.returncode == 1
    assert "cp .env.example .env" in done.stderr


def test_nothing_in_the_settings_is_executed(site: Site) -> None:
    (site.config.parent / "ran").unlink(missing_ok=True)
    write_env(site.config, SETTINGS | {"DEPLOY_PREFIX": "$(touch ran)`touch ran`"})
    assert site.run("--dry-run").returncode == 0
    assert not list(site.config.parent.rglob("ran"))
    assert "$(touch ran)`touch ran`" in (site.out / "trigger-exr.yaml").read_text("utf-8")
