"""deploy.sh against commands that stand for vastde and docker. All paths here hold spaces and a comma."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from base64 import b64encode
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.deploy.conftest import SECRETS, SETTINGS, Site, write_env

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


def test_a_whole_run_brings_everything_into_dataengine_in_order(first_run: Site) -> None:
    assert _headings(first_run.outputs[0]) == STEPS
    tag = first_run.state()["tag"]
    image = f"registry.example.com:5000/vfx/exr-inspector:{tag}"
    here = f"build/deploy/{first_run.out.name}"
    artefact = "--container-registry studio --artifact-source exr-inspector --artifact-type image"
    manifests = f"--config @{here}/pipeline.yaml --secret-file {here}/secret.yaml"
    looks = (" version", " info", " list", " get", " inspect")
    assert [line for line in first_run.said() if not any(look in line for look in looks)] == [
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


def test_the_image_is_built_for_linux_on_amd64_from_just_the_folder_that_is_deployed(first_run: Site) -> None:
    (build,) = (call for call in first_run.calls if call["argv"][:2] == ["functions", "build"])
    assert build["environment"]["DOCKER_DEFAULT_PLATFORM"] == "linux/amd64"
    source = first_run.out / "source"
    assert {each.name for each in source.iterdir()} >= {"main.py", "requirements.txt", "Aptfile"}
    assert not list(source.rglob("__pycache__"))
    # The image runs under another user than the one who built it.
    assert {each.stat().st_mode & 0o777 for each in source.rglob("*")} == {0o644, 0o755}


def test_the_options_of_the_function_are_those_of_its_manifest(first_run: Site) -> None:
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


def test_a_second_run_updates_everything_under_a_new_tag(deployed: Site) -> None:
    first = deployed.state()["tag"]
    deployed.forget_calls()
    done = deployed.run()
    assert done.returncode == 0
    assert _headings(done.stdout) == STEPS
    assert deployed.state()["tag"] != first
    assert not deployed.said("vastde functions create")
    assert len(deployed.said("vastde functions update exr-inspector ")) == 1
    assert len(deployed.said("vastde triggers update exr-inspector-exr")) == 2
    assert len(deployed.said("vastde pipelines update exr-inspector-pipeline ")) == 1
    assert "To go back: ./deploy.sh" in done.stdout
    assert "rollback 1" in done.stdout


def test_a_tag_is_never_used_twice_though_the_clock_stands_still(site: Site) -> None:
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


def test_the_same_image_makes_no_second_revision(deployed: Site) -> None:
    deployed.forget_calls()
    assert deployed.run("function").returncode == 0
    assert not deployed.said("vastde functions update")


def test_a_run_goes_on_where_the_one_before_failed(failed: Site) -> None:
    tag = failed.state()["tag"]
    done = failed.run()
    assert done.returncode == 0
    finished = [heading for heading in _headings(done.stdout) if heading.endswith(": done before")]
    assert finished == ["cluster: done before", "test: done before", "build: done before"]
    assert not failed.said("vastde functions build")
    assert failed.said("docker push") == [f"docker push registry.example.com:5000/vfx/exr-inspector:{tag}"]
    assert not [key for key in failed.state() if key.startswith("done_")]


def test_after_a_rollback_the_next_run_deploys_the_newest_image_again(deployed: Site) -> None:
    deployed.plan(vastde_pipelines_deploy={"say": "no"})
    assert deployed.run().returncode == 1
    assert deployed.run("rollback", "1").returncode == 0
    done = deployed.run()
    assert done.returncode == 0
    assert "build: done before" in _headings(done.stdout)
    assert "revision: 2\n" in deployed.objects["pipelines"]["exr-inspector-pipeline"]["manifest"]


def test_after_a_build_by_hand_the_next_run_pushes_and_deploys_that_image(deployed: Site) -> None:
    deployed.plan(vastde_pipelines_deploy={"say": "no"})
    assert deployed.run().returncode == 1
    assert deployed.run("build").returncode == 0
    tag = deployed.state()["tag"]
    deployed.forget_calls()
    done = deployed.run()
    assert done.returncode == 0
    assert deployed.said("docker push") == [f"docker push registry.example.com:5000/vfx/exr-inspector:{tag}"]
    assert "revision: 3\n" in deployed.objects["pipelines"]["exr-inspector-pipeline"]["manifest"]


def test_settings_of_one_name_in_two_folders_are_two_deployments(deployed: Site, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    config = write_env(tmp_path / "other" / deployed.config.name, SETTINGS | {"DEPLOY_NAME": "other"})
    other = Site(deployed.clone, config, deployed.engine)
    assert other.run().returncode == 0
    assert other.state()["tag"]
    assert deployed.run("pipeline").returncode == 0
    assert {"other-pipeline", "exr-inspector-pipeline"} <= set(deployed.objects["pipelines"])


def test_a_changed_setting_begins_the_run_anew(failed: Site) -> None:
    write_env(failed.config, SETTINGS | {"DEPLOY_RETRIES": "6"})
    assert _headings(failed.run("--dry-run").stdout) == STEPS


def test_a_changed_function_begins_the_run_anew(failed: Site) -> None:
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
    # step, the call that fails, how, what deploy.sh says, the next step
    "no vastde": ("check", "vastde version", {}, "vastde does not run", "DEPLOYMENT_AUTOMATION.md"),
    "no login": ("check", "vastde functions list", {}, "vastde cannot log in", "vastde config set"),
    "no docker": ("check", "docker version", {}, "docker does not answer", "start the Docker daemon"),
    "newer docker": (
        "check",
        "docker version",
        {"exit": 0, "say": "1.44"},
        "it wants API 1.44",
        '"min-api-version": "1.38"',
    ),
    "no cluster": ("cluster", "vastde compute-clusters", {}, "no farm among", "compute-clusters list"),
    "no registry": (
        "cluster",
        "vastde container-registries",
        {},
        "no studio among",
        "container-registries list",
    ),
    "no topic": (
        "cluster",
        "vastde topics",
        {},
        "no main among",
        "topics list --database-name render-broker",
    ),
    "no bucket": ("cluster", "vastde buckets get shots", {}, "no shots among", "buckets list"),
    "no tables": ("cluster", "vastde buckets get tables", {}, "no tables among", "buckets list"),
    "build": ("build", "vastde functions build", {}, "the image was not built", "source/build.log"),
    "other platform": (
        "build",
        "docker image inspect",
        {"exit": 0, "say": "linux/arm64"},
        "the image is for linux/arm64",
        "linux/amd64 machine",
    ),
    "nothing built": ("push", "", {}, "no image was built yet", "build"),
    "look-up": ("function", "vastde functions list", {}, "no answer is not a no", "./deploy.sh --config"),
    "create": ("function", "vastde functions create", {}, "was not brought into", "./deploy.sh --config"),
    "triggers": ("trigger", "vastde triggers create", {}, "exr-inspector-exr was not", "an administrator"),
    "unclear": (
        "pipeline",
        "vastde pipelines list",
        {"exit": 0, "say": "<html>"},
        "is not of a known form",
        "vastde pipelines list -o json",
    ),
    "pipeline": (
        "pipeline",
        "vastde pipelines create",
        {"say": "500"},
        "was not brought into",
        "pipeline.yaml",
    ),
    "deploy": ("deploy", "vastde pipelines deploy", {}, "was not deployed", "vastde pipelines get"),
    "not ready": ("deploy", "vastde pipelines get", READY_NOT, "is 'Failed', not Ready", "vastde logs get"),
}


@pytest.mark.parametrize("case", FAILURES)
def test_each_failure_says_what_and_what_next(case: str, site: Site) -> None:
    step, call, how, what, following = FAILURES[case]
    if step in ("function", "pipeline", "deploy"):
        site.built("a")
        pipelines: dict[str, Any] = {"pipelines": {"exr-inspector-pipeline": {}}}
        site.set_objects({} if step == "function" else _revisions("a") | pipelines)
    site.plan(**{call.replace(" ", "_"): {"say": "the command's own words", **how}} if call else {})
    done = site.run(step)
    assert done.returncode == 1
    message, _, advice = done.stdout.partition("\ndeploy.sh: ")[2].partition("\nNext: ")
    assert what in message
    assert following in advice
    if call and not how:
        assert "the command's own words" in done.stdout
    assert not list(site.out.glob("secret*"))


def test_a_fault_of_vastde_in_publishing_has_its_own_next_step(deployed: Site) -> None:
    deployed.plan(vastde_functions_update={"say": '422 {"last_published_revision_number": "Extra inputs"}'})
    done = deployed.run("build", "function")
    assert done.returncode == 1
    tag = deployed.state()["tag"]
    assert f"publish a revision with image tag {tag} in the web UI" in done.stdout
    # Once that is done, the step finds the revision.
    deployed.set_objects(deployed.objects | _revisions("first", tag))
    assert deployed.run("function").returncode == 0


def test_a_revision_that_is_not_published_is_not_deployed(site: Site) -> None:
    unpublished = {"revision_number": 1, "image_tag": "a", "is_published": False}
    site.set_objects({"functions": {"exr-inspector": {"name": "exr-inspector", "revisions": [unpublished]}}})
    done = site.run("pipeline")
    assert done.returncode == 1
    assert "exr-inspector has no published revision" in done.stdout
    assert not site.said("vastde pipelines create")


def test_a_function_that_does_not_work_here_is_not_built(site: Site) -> None:
    sample = site.out / "sample/shots/sq010/sh010/beauty.1001.exr"
    sample.parent.mkdir(parents=True)
    sample.write_text("not an EXR file")
    done = site.run("test")
    assert done.returncode == 1
    assert '"status": "unsupported"' in done.stdout
    assert "the function does not work on this machine" in done.stdout


def test_a_missing_command_is_named(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    (site.engine / "bin" / "vastde").unlink()
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    done = site.run("check")
    assert done.returncode == 1
    assert "vastde is not installed" in done.stdout


def test_wrong_settings_end_with_all_faults_and_code_2(site: Site) -> None:
    write_env(
        site.config, SETTINGS | {"DEPLOY_TIMEOUT": "soon", "DEPLOY_BROKER": "", "DEPLOY_TOPICS": "main"}
    )
    done = site.run()
    assert done.returncode == 2
    assert "DEPLOY_TIMEOUT is not a number" in done.stdout
    assert "DEPLOY_BROKER must be set" in done.stdout
    assert "DEPLOY_TOPICS is not a setting; did you mean DEPLOY_TOPIC?" in done.stdout
    assert not site.said("vastde pipelines")


def test_settings_that_are_no_text_end_with_code_2(site: Site) -> None:
    site.config.write_bytes(b"S3_SECRET_KEY=\xff\n")
    done = site.run("settings")
    assert done.returncode == 2
    assert "the file cannot be read as UTF-8 text" in done.stdout


# --- secrets ----------------------------------------------------------------------------------------------


def _shown(secret: str) -> list[str]:
    """The secret as it could appear: as it is, in JSON, in a URL, in a Kubernetes secret."""
    forms = (secret, json.dumps(secret)[1:-1], quote(secret, safe=""), b64encode(secret.encode()).decode())
    return list(forms)


def test_no_secret_is_ever_an_argument_an_environment_or_an_output(first_run: Site) -> None:
    seen = json.dumps(
        [[call["argv"], call["environment"], call["processes"], call["stdin"]] for call in first_run.calls],
        ensure_ascii=False,
    )
    files = [each for each in first_run.out.rglob("*") if each.is_file()]
    kept = "".join(each.read_text("utf-8", "replace") for each in files)
    for secret in SECRETS.values():
        for form in _shown(secret):
            for place in (seen, json.loads(json.dumps(seen)), kept, *first_run.outputs):
                assert form not in place


def test_the_secret_reaches_vastde_in_a_file_for_its_owner_alone(first_run: Site) -> None:
    (call,) = (call for call in first_run.calls if "secret" in call)
    assert call["secret_mode"] == 0o600
    for name, value in SECRETS.items():
        assert f'{{"key": "{name}", "value": {json.dumps(value, ensure_ascii=False)}}}' in call["secret"]
    assert not (first_run.out / "secret.yaml").exists()
    assert {each.stat().st_mode & 0o077 for each in first_run.out.iterdir() if each.is_file()} == {0}
    assert first_run.out.stat().st_mode & 0o077 == 0


def test_a_secret_that_a_command_prints_is_masked(site: Site) -> None:
    site.set_objects(_revisions("a"))
    forms = [form for secret in SECRETS.values() for form in _shown(secret)]
    site.plan(vastde_pipelines_create={"say": "\n".join(f"request body: <{form}>" for form in forms)})
    done = site.run("pipeline")
    assert done.returncode == 1
    assert done.stdout.count("request body: <***>") == len(forms)


def test_an_interrupted_run_leaves_no_secret_behind(site: Site) -> None:
    site.set_objects(_revisions("a"))
    slow = site.engine / "bin" / "vastde"
    text = slow.read_text("utf-8").replace(
        'if __name__ == "__main__":\n',
        'if __name__ == "__main__":\n    import time\n    "create" in WORDS and (record(), time.sleep(60))\n',
    )
    slow.write_text(text, "utf-8")
    environment = os.environ | {
        "PATH": f"{site.engine / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "PYTHON": sys.executable,
        "FAKE_DATAENGINE": str(site.engine),
    }
    with subprocess.Popen(
        [str(site.clone / "deploy.sh"), "--config", str(site.config), "pipeline"],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
        # Whoever runs the tests in the background has them ignore interrupts.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    ) as process:
        while not site.said("vastde pipelines create"):
            assert process.poll() is None
            time.sleep(0.05)
        assert (site.out / "secret.yaml").exists()
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait() != 0
    assert not (site.out / "secret.yaml").exists()


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
    }


def test_a_dry_run_of_what_is_done_on_request_calls_nothing(deployed: Site) -> None:
    done = deployed.run("--dry-run", "status", "rollback", "2", "destroy")
    assert done.returncode == 0, done.stdout
    assert deployed.calls == []
    assert deployed.out.exists()


def test_a_rollback_deploys_an_earlier_revision(site: Site) -> None:
    site.set_objects(_revisions("a", "b", "c"))
    done = site.run("rollback", "2")
    assert done.returncode == 0, done.stdout
    pipeline = site.objects["pipelines"]["exr-inspector-pipeline"]
    assert "revision: 2\n" in pipeline["manifest"]
    assert pipeline["status"] == "Ready"
    assert not site.said("vastde functions update")


def test_a_rollback_to_a_revision_that_is_not_there_changes_nothing(site: Site) -> None:
    site.set_objects(_revisions("a", "b"))
    done = site.run("rollback", "3")
    assert done.returncode == 1
    assert "no published revision with number 3" in done.stdout
    assert "pipelines" not in site.objects


def test_the_status_looks_everything_up_though_one_look_up_fails(deployed: Site) -> None:
    deployed.forget_calls()
    deployed.plan(vastde_triggers_get={"say": "no such trigger"})
    done = deployed.run("status")
    assert done.returncode == 1
    assert "1 of these could not be looked up" in done.stdout
    assert [line.split()[1:3] for line in deployed.said()] == [
        ["functions", "get"],
        ["triggers", "get"],
        ["triggers", "get"],
        ["pipelines", "get"],
        ["logs", "get"],
    ]


@pytest.mark.parametrize("typed", ["", "exr-inspector-pipeline\n"])
def test_destroy_asks_and_anything_but_the_name_is_a_no(typed: str, deployed: Site) -> None:
    done = deployed.run("destroy", typed=typed)
    assert done.returncode == 1
    assert "not confirmed, so nothing was removed" in done.stdout
    assert set(deployed.objects) == {"functions", "triggers", "pipelines"}


@pytest.mark.parametrize(("words", "typed"), [((), "exr-inspector\n"), (("--yes",), "")])
def test_destroy_removes_the_pipeline_first_and_then_what_it_ran(
    words: tuple[str, ...], typed: str, deployed: Site
) -> None:
    done = deployed.run("destroy", *words, typed=typed)
    assert done.returncode == 0, done.stdout
    assert deployed.objects == {}
    assert [line.split()[1] for line in deployed.said() if " delete " in line] == [
        "pipelines",
        "triggers",
        "triggers",
        "functions",
    ]
    assert not deployed.out.exists()


def test_destroy_of_what_is_gone_is_no_failure(site: Site) -> None:
    done = site.run("destroy", "--yes")
    assert done.returncode == 0
    assert not [line for line in site.said() if " delete " in line]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--config"], "--config needs a file"),
        (["push"], "--config needs a file"),
        (["--config", "{config}", "upload"], "there is no step upload"),
        (["--config", "{config}", "rollback"], "rollback needs the number of a revision"),
        (["--config", "{config}", "rollback", "push"], "rollback needs the number of a revision"),
    ],
)
def test_wrong_usage_ends_with_code_2(words: list[str], said: str, site: Site) -> None:
    done = site.start([str(site.clone / "deploy.sh"), *(each.format(config=site.config) for each in words)])
    assert done.returncode == 2
    assert said in done.stderr
    assert "Usage: ./deploy.sh" in done.stderr


def test_an_absent_settings_file_says_how_to_make_one(site: Site) -> None:
    site.config.unlink()
    done = site.run()
    assert done.returncode == 1
    assert "cp .env.example .env" in done.stderr


def test_nothing_in_the_settings_is_run(site: Site) -> None:
    (site.config.parent / "ran").unlink(missing_ok=True)
    write_env(site.config, SETTINGS | {"DEPLOY_PREFIX": "$(touch ran)`touch ran`"})
    assert site.run("--dry-run").returncode == 0
    assert not list(site.config.parent.rglob("ran"))
    assert "$(touch ran)`touch ran`" in (site.out / "trigger-exr.yaml").read_text("utf-8")
