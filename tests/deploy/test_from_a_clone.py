"""What a stranger does: a fresh clone, .env.example and docs/DEPLOYMENT_AUTOMATION.md, nothing else."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from exr_inspector.apps.deployment.settings import DEPLOYMENT
from tests.deploy.conftest import ROOT, copy_of_the_repository

SCRIPT = ROOT / "deploy.sh"
GUIDE = "docs/DEPLOYMENT_AUTOMATION.md"
FENCE = re.compile(r"^```(sh|ini)\n(.*?)^```", re.DOTALL | re.MULTILINE)


def _guide(clone: Path) -> list[tuple[str, str]]:
    """The fenced blocks of the first chapter that has commands, in order."""
    chapter = (clone / GUIDE).read_text("utf-8").partition("## From a clone to a dry run")[2]
    return FENCE.findall(chapter.partition("\n## ")[0])


def _fill_in(file: Path, lines: list[str]) -> None:
    text = file.read_text("utf-8")
    for line in lines:
        name = line.partition("=")[0]
        before = text
        text = re.sub(rf"^{name}=.*$", line, text, flags=re.MULTILINE)
        assert text != before, f"{name} has no line in .env.example"
    file.write_text(text, "utf-8")


def test_the_guide_leads_from_a_clone_to_a_rendered_dry_run(tmp_path: Path) -> None:
    clone = copy_of_the_repository(tmp_path / "clone")
    # No vastde and no docker: a dry run needs neither. The environment that runs this test serves.
    tools = {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "PYTHON": sys.executable,
        "LANG": "C.UTF-8",
    }
    printed = ""
    for kind, block in _guide(clone):
        if kind == "ini":
            _fill_in(clone / ".env", block.splitlines())
            continue
        for command in block.splitlines():
            if command != "make install":
                done = subprocess.run(
                    command, shell=True, cwd=clone, env=tools, capture_output=True, text=True, check=False
                )
                assert done.returncode == 0, done.stdout + done.stderr
                printed = done.stdout

    assert "  $ vastde pipelines deploy exr-inspector-pipeline" in printed
    made = clone / printed.splitlines()[-1].removeprefix("No command was run. The manifests are in ")
    pipeline = yaml.safe_load((made / "pipeline.yaml").read_text("utf-8"))
    assert pipeline["manifest"]["links"][0]["topic"] == "vast:dataengine:topics:render-broker/main"
    assert {each.name for each in made.glob("*.yaml")} == {
        *("function.yaml", "pipeline.yaml", "trigger-exr.yaml", "trigger-exr-upper.yaml")
    }
    assert not [each for each in made.iterdir() if "YOUR-SECRET-KEY" in each.read_text("utf-8")]


def _array(name: str) -> list[str]:
    found = re.search(rf"^{name}=\((.*)\)$", SCRIPT.read_text("utf-8"), re.MULTILINE)
    assert found
    return found[1].split()


def test_the_steps_of_the_script_are_those_of_its_lists_and_of_the_guide() -> None:
    functions = re.findall(r"^step_(\w+)\(\)", SCRIPT.read_text("utf-8"), re.MULTILINE)
    assert sorted(functions) == sorted([*_array("STEPS"), *_array("ON_REQUEST")])
    chapter = (ROOT / GUIDE).read_text("utf-8").partition("## The steps")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `(\w+)` \| ", chapter, re.MULTILINE) == _array("STEPS")
    assert [each for each in _array("ON_REQUEST") if f"`{each}" not in chapter] == []


@pytest.mark.parametrize("name", ["deploy.sh", GUIDE, "docs/deployment-checklist.md"])
def test_every_setting_that_is_named_is_one(name: str) -> None:
    named = set(re.findall(r"\bDEPLOY_[A-Z_]+\b", (ROOT / name).read_text("utf-8")))
    assert named <= {setting.env[0] for setting in DEPLOYMENT.values()}
