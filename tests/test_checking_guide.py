"""docs/CHECKING.md: its commands run and its configuration is valid. Its output is that of `test_check`."""

from __future__ import annotations

import json
import os
from pathlib import Path

import jsonschema
import pytest
import yaml

from exr_inspector.checks.webhook import signature
from exr_inspector.show import ShowSource
from tests.checks.shows import faulty_sequence
from tests.test_docs import ROOT, _blocks, _commands, _run

GUIDE = "docs/CHECKING.md"
LONG_AGO = 1_700_000_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("guide")
    faulty_sequence(made / "sh020")
    for path in made.rglob("*.exr"):
        os.utime(path, (LONG_AGO, LONG_AGO))
    return made


def test_the_commands_run_in_order(folder: Path) -> None:
    for command in _commands(GUIDE)[1:]:
        done = _run(command, folder)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
    assert "SEQ" not in done.stdout
    assert "FILE-01" in done.stdout


def test_the_configuration_is_valid_and_names_every_key() -> None:
    (text,) = _blocks(GUIDE, "yaml")
    schema = json.loads((ROOT / "docs" / "show.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(yaml.safe_load(text), schema)
    assert not jsonschema.Draft202012Validator(schema).is_valid({"shows": "hill"})
    source = ShowSource.model_validate(yaml.safe_load(text))
    assert set(ShowSource.model_fields) - source.model_fields_set == {"root"}
    table = (ROOT / GUIDE).read_text().partition("| key | meaning |")[2]
    assert all(f"`{name}`" in table for name in ("patterns", "fields", "policies", "frames", "root"))


def test_the_receiver_of_the_guide_accepts_what_is_sent_and_nothing_else() -> None:
    names: dict[str, object] = {}
    exec(_blocks(GUIDE, "python")[0], names)
    is_genuine = names["is_genuine"]
    assert callable(is_genuine)
    timestamp = str(int(__import__("time").time()))
    headers = {
        "X-Exr-Inspector-Timestamp": timestamp,
        "X-Exr-Inspector-Signature": signature("key", timestamp, b"{}"),
    }
    assert is_genuine("key", headers, b"{}")
    assert not is_genuine("other", headers, b"{}")
    assert not is_genuine("key", headers, b"[]")
    assert not is_genuine("key", headers | {"X-Exr-Inspector-Timestamp": "1"}, b"{}")
