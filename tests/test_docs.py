"""Check the documents: commands run, links resolve, tables match the code."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from docs.generate import GENERATED, stale
from exr_inspector.apps.deployment.env_file import read_values
from exr_inspector.apps.deployment.settings import DEPLOYMENT, Deployment
from exr_inspector.errors import FAULTS
from exr_inspector.settings import SETTINGS, Settings

ROOT = Path(__file__).parents[1]
DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "functions").rglob("*.md")]
BIN = Path(sys.executable).parent
FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)


def _blocks(document: str, language: str) -> list[str]:
    return [text for kind, text in FENCE.findall((ROOT / document).read_text()) if kind == language]


def _commands(document: str) -> list[str]:
    """Return each line of the shell blocks. A block with a background process is one command."""
    blocks = _blocks(document, "sh")
    return [part for block in blocks for part in ([block] if "&\n" in block else block.splitlines())]


def unprinted(shown: str, printed: str) -> list[str]:
    """Return the lines of a document that are not printed, or not in this order."""
    at = 0
    missing: list[str] = []
    for line in shown.splitlines():
        found = printed.find(line, at)
        if found < 0:
            missing.append(line)
        else:
            at = found + len(line)
    return missing


def _run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    # `make` uses the environment that runs this test; it does not create another one.
    environment = os.environ | {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    if command.startswith("make "):
        command += " -o .venv/.ready"
    process = subprocess.Popen(
        ["bash", "-ec", command],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        out, errors = process.communicate(timeout=120)
    finally:
        # End background processes of a failed command.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    return subprocess.CompletedProcess(command, process.returncode, out, errors)


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy what git would clone, and run the README's first command in it."""
    folder = tmp_path_factory.mktemp("clone")
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    (folder / ".venv").symlink_to(sys.prefix)
    done = _run("make demo", folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "11 files: 10 ok, 1 incomplete; 11 stored" in done.stdout
    assert "beauty.#.exr" in done.stdout
    return folder


def test_the_demo_can_be_looked_at_in_a_browser(clone: Path) -> None:
    environment = os.environ | {"BROWSER": "true", "PYTHONUNBUFFERED": "1"}
    command = ["make", "demo-web", "-o", ".venv/.ready", "-o", ".venv/.demo-web"]
    with subprocess.Popen(
        command, cwd=clone, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            assert process.stdout
            url = next(found[0] for line in process.stdout if (found := re.search(r"http://\S+", line)))
            opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
            page = opener.open(url).read().decode()
        finally:
            os.killpg(process.pid, signal.SIGTERM)
    assert "Everything" in page
    assert "incomplete 1004" in " ".join(re.sub("<[^>]*>", " ", page).split())
    assert page.count("/thumbnail?") >= 6


def test_the_readme_starts_with_the_two_commands() -> None:
    assert _blocks("README.md", "sh")[0].splitlines() == ["make demo", "make test"]


# `make test` runs these tests; the others would change the environment that they run in.
NOT_RUN_HERE = ("make test", "make install", "make check", "make format", "pip install .")


@pytest.mark.parametrize(
    ("document", "command"),
    [
        (document, command)
        for document in ("README.md", "CONTRIBUTING.md", "docs/DEV_RUNBOOK.md")
        for command in _commands(document)
        if command not in NOT_RUN_HERE
    ],
)
def test_every_shell_command_of_the_readme_and_the_runbook_runs(
    document: str, command: str, clone: Path
) -> None:
    done = _run(command, clone)
    # The exit code is 1 if the demo's truncated frame is among the files.
    assert done.returncode == int("inspect build/demo" in command and "stereo" not in command), done.stderr
    assert done.stdout.strip()
    assert "Traceback" not in done.stderr


def test_the_python_of_the_readme_runs(clone: Path) -> None:
    (script,) = _blocks("README.md", "python")
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=clone, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_resolves(document: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)", document.read_text())
    missing = [each for each in targets if "://" not in each and not (document.parent / each).exists()]
    assert missing == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_test_that_is_named_exists(document: Path) -> None:
    for file, name in re.findall(r"`(tests/[\w/]+\.py)(?:::(test_\w+))?`", document.read_text()):
        assert (ROOT / file).is_file(), file
        defined = re.search(rf"^ *def {name}\(", (ROOT / file).read_text(), re.MULTILINE)
        assert not name or defined, f"{file}::{name}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_target_of_make_that_is_named_exists(document: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)", document.read_text())) <= targets


def test_the_overview_names_every_module() -> None:
    package = ROOT / "functions" / "exr_inspector" / "exr_inspector"
    files = {each.name for each in package.glob("[a-z]*.py")}
    folders = {f"{each.parent.name}/" for each in package.glob("*/__init__.py")}
    text = (ROOT / "docs" / "overview.md").read_text()
    assert {name for name in files | folders if f"`{name}`" not in text} == set()


@pytest.mark.parametrize("name", GENERATED)
def test_generated_documents_are_up_to_date(name: str) -> None:
    assert name not in stale()


def test_the_example_environment_names_every_setting_and_its_default() -> None:
    values, faults = read_values(ROOT / ".env.example")
    settings = {
        setting.env[0]: (setting, getattr(defaults, name))
        for defaults, table in ((Settings, SETTINGS), (Deployment, DEPLOYMENT))
        for name, setting in table.items()
    }
    assert faults == []
    assert set(values) == set(settings)
    for name, text in values.items():
        setting, default = settings[name]
        # The example names a DuckDB file; by default nothing is stored.
        assert not text or name == "EXR_INSPECTOR_DB" or setting.parse(text) == default


SYMPTOMS = re.findall(r"^### `(.*)`$", (ROOT / "docs/TROUBLESHOOTING.md").read_text(), re.MULTILINE)
SOURCES = (
    "\n".join(
        path.read_text() for folder in ("functions", "deploy") for path in (ROOT / folder).rglob("*.py")
    )
    + (ROOT / "deploy.sh").read_text()
)
# OpenImageIO's own messages, which tests/document/test_oiio_report.py produces.
OPENIMAGEIO_MESSAGES = {"Subsampled channels are not supported"}


def test_troubleshooting_has_thirty_entries_with_cause_and_cure() -> None:
    text = (ROOT / "docs/TROUBLESHOOTING.md").read_text()
    entries = text.split("\n### ")[1:]
    assert len(entries) >= 30
    assert [
        entry.splitlines()[0] for entry in entries if "**Cause.**" not in entry or "**Cure.**" not in entry
    ] == []


def test_troubleshooting_has_one_entry_for_each_message() -> None:
    assert [each for each in SYMPTOMS if SYMPTOMS.count(each) > 1] == []


@pytest.mark.parametrize("symptom", [each for each in SYMPTOMS if each not in OPENIMAGEIO_MESSAGES])
def test_every_message_that_troubleshooting_quotes_is_in_the_code(symptom: str) -> None:
    code, colon, message = symptom.partition(": ")
    message = message if colon and code.isupper() else symptom
    if colon and code.isupper():
        assert code in FAULTS
    fragments = [fragment.strip() for fragment in message.split("…")]
    assert [fragment for fragment in fragments if fragment not in SOURCES] == []
    assert any(len(fragment) > 3 for fragment in (*fragments, code if code in FAULTS else ""))
