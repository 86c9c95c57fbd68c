"""Every snippet of docs/POLICIES.md runs: policies load, commands print what the document says."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from exr_inspector.apps.cli import commands
from exr_inspector.apps.cli.terminal import json_text
from exr_inspector.catalog.duckdb.store import DuckDBStore
from exr_inspector.errors import InspectorError
from exr_inspector.events.parse import requests_of
from exr_inspector.location import PathMap
from exr_inspector.policy.load import load_policy
from tests.exrfiles.demo import write_demo

DOCUMENT = Path(__file__).parents[2] / "docs" / "POLICIES.md"
FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)
TUTORIAL, _, REFERENCE = DOCUMENT.read_text("utf-8").partition("## The format")


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clone")
    write_demo(folder / "build" / "demo")
    return folder


def test_the_tutorial_runs_from_top_to_bottom(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(clone)
    printed = ""
    kinds = []
    for kind, text in FENCE.findall(TUTORIAL):
        kinds.append(kind)
        if kind == "yaml":
            Path("studio.yaml").write_text(text, "utf-8")
        elif kind == "sh":
            printed = "".join(map(run, text.splitlines()))
        elif kind == "text":
            absent = [line for line in text.splitlines() if line not in printed]
            assert absent == [], printed
        elif kind == "json":
            (request,) = requests_of(json.loads(text), PathMap())
            assert (request.config.validate, request.config.policy_path) == (
                True,
                "s3://pipeline/studio.yaml",
            )
        elif kind == "sql":
            with_tables(clone).query(text)
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {
        "yaml": 5,
        "sh": 6,
        "text": 6,
        "json": 1,
        "sql": 1,
    }


def run(command: str) -> str:
    program, *arguments = command.split()
    assert program == "exr-inspector"
    done = CliRunner().invoke(commands, arguments)
    assert done.exit_code in (0, 1), done.output
    return done.output


def with_tables(folder: Path) -> DuckDBStore:
    store = DuckDBStore(str(folder / "rows.duckdb"))
    store.ensure_tables()
    return store


def test_the_quoted_error_is_that_of_the_loader() -> None:
    (quoted,) = (text for kind, text in FENCE.findall(REFERENCE) if kind == "text")
    wrong = (
        "policy: a\n\nrules:\n  - id: ST-02\n    title: Lossless\n    given: parts\n"
        "    assert:\n      compress: zip\n"
    )
    with pytest.raises(InspectorError) as caught:
        load_policy(wrong.encode(), "studio.yaml")
    assert str(caught.value) == quoted.strip()
    assert json_text({})
