from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from exr_inspector.apps.cli import commands
from exr_inspector.policy.load import load_pack, pack_names

STUDIO = """\
policy: studio
extends: [default]
overrides:
  PIX-02: {severity: warning}
rules:
  - id: ST-01
    title: The owner is stated
    given: parts
    assert:
      attributes.owner: {exists: true}
"""


def run(*arguments: str) -> Result:
    return CliRunner().invoke(commands, arguments)


def test_rules_lists_every_rule_of_the_packs_once() -> None:
    done = run("rules", "--json")
    listed = [json.loads(line) for line in done.output.splitlines()]
    ids = {rule.id for name in pack_names() for rule in load_pack(name).rules}
    assert sorted(each["id"] for each in listed) == sorted(ids)
    assert all(each["title"] and each["severity"] and each["policy"] for each in listed)


def test_rules_lists_those_of_a_policy_file_with_its_changes(tmp_path: Path) -> None:
    path = tmp_path / "studio.yaml"
    path.write_text(STUDIO)
    lines = run("rules", "--policy", str(path)).output.splitlines()
    (changed,) = (line for line in lines if line.startswith("PIX-02"))
    assert changed.split()[:3] == ["PIX-02", "warning", "default"]
    assert any(line.startswith("ST-01") for line in lines)
    assert not any(line.startswith("COMP-01") for line in lines)


@pytest.mark.parametrize("name", ["PIX-02", "pix-02"])
def test_explain_says_why_what_to_do_and_cites_its_source(name: str) -> None:
    done = run("explain", name)
    assert done.exit_code == 0
    (rule,) = (each for each in load_pack("default").rules if each.id == "PIX-02")
    text = " ".join(done.output.split())
    for said in (rule.title, rule.why, rule.fix, *rule.docs, "assert: {nan_count: 0}"):
        assert said in text


def test_explain_of_an_unknown_rule_says_how_to_find_them() -> None:
    done = run("explain", "NONE-01")
    assert done.exit_code == 2
    assert "`exr-inspector rules` lists all" in done.output
