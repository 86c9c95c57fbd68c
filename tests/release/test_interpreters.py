"""The wheel in new environments: as a library, and with everything, as pipx installs `exr-inspector[all]`."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from exr_inspector.version import VERSION
from tests.deploy.conftest import SETTINGS, write_env
from tests.release.installed import PLAIN, environment, interpreters, run

SAMPLE = "shots/sq010/sh010/beauty.1001.exr"
INTERPRETERS = interpreters()
THIS = f"{sys.version_info.major}.{sys.version_info.minor}"

# Prints which modules a statement imports.
_COUNT = """
import contextlib, io, json, sys
before = set(sys.modules)
with contextlib.redirect_stdout(io.TextIOWrapper(io.BytesIO())), contextlib.suppress(SystemExit):
    exec(sys.argv.pop(1))
found = sorted(set(sys.modules) - before)
foreign = {name.partition(".")[0] for name in found} - set(sys.stdlib_module_names)
print(json.dumps([len(found), sorted(name for name in foreign if not name.startswith("_"))]))
"""
# Imports every module; some are imported only by the command that needs them.
_EVERYTHING = """
import importlib, pkgutil, exr_inspector
for each in pkgutil.walk_packages(exr_inspector.__path__, "exr_inspector."):
    importlib.import_module(each.name)
"""
_COMMAND = "from exr_inspector.__main__ import main; main()"


@pytest.fixture(scope="module")
def library(distributions: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` folder of an environment with the wheel and no extra."""
    folder = tmp_path_factory.mktemp("library")
    return environment(folder, Path(sys.executable), str(distributions[1]))


@pytest.mark.slow
def test_the_library_installs_alone_and_works(library: Path, demo: Path, tmp_path: Path) -> None:
    script = (
        "import sys, exr_inspector, pyarrow; document = exr_inspector.inspect(sys.argv[1]);"
        "tables = exr_inspector.to_arrow([document]);"
        "print(document['file']['status'], *sorted(tables)); import importlib.metadata as installed;"
        "print(*sorted(each.name.lower() for each in installed.distributions()))"
    )
    out = run(library / "python", "-I", "-c", script, demo / SAMPLE, folder=tmp_path)
    printed, packages = out.splitlines()
    assert printed.split() == [
        "ok", "attributes", "channel_stats", "channels", "cryptomatte_objects", "cryptomattes", "deep_stats",
        "facets", "files", "findings", "parts", "pixels",
    ]  # fmt: skip
    assert set(packages.split()) - {"pip", "setuptools"} == {
        "exr-inspector", "numpy", "openimageio", "pyarrow",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("statement", "arguments", "budget", "libraries"),
    [
        ("import exr_inspector", [], 75, []),
        ("import exr_inspector; exr_inspector.inspect(sys.argv[1])", [SAMPLE], 200, ["OpenImageIO"]),
        (_COMMAND, ["--version"], 125, ["click"]),
        (_COMMAND, ["inspect", SAMPLE], 240, ["OpenImageIO", "click"]),
    ],
    ids=["import", "inspect", "version", "inspect command"],
)
def test_starting_imports_few_modules(
    statement: str, arguments: list[str], budget: int, libraries: list[str], demo: Path
) -> None:
    """A budget of modules instead of seconds, which say more about the machine."""
    command = [sys.executable, "-c", _COUNT, f"import sys; {statement}", *arguments]
    done = subprocess.run(command, cwd=demo, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    count, foreign = json.loads(done.stdout)
    assert count <= budget
    assert foreign == [*libraries, "exr_inspector"]


def test_this_interpreter_is_among_those_of_the_machine() -> None:
    assert THIS in INTERPRETERS


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("python", INTERPRETERS)
def test_everything_installs_and_works_on_every_interpreter(
    python: str, distributions: tuple[Path, Path], demo: Path, tmp_path: Path
) -> None:
    """No clone is used: the handlers, the templates and the packs of rules are in the wheel."""
    binaries = environment(tmp_path / "all", INTERPRETERS[python], f"{distributions[1]}[all]")
    command = binaries / "exr-inspector"
    assert run(command, "--version").split()[-1] == VERSION
    assert f"Python {python}." in run(binaries / "python", "--version")
    run(binaries / "python", "-I", "-c", _EVERYTHING)
    for name in re.findall(r"^  ([a-z-]+)  ", run(command, "--help").partition("Commands:")[2], re.MULTILINE):
        assert f"exr-inspector {name}" in run(command, name, "--help")
    assert "ok" in run(command, "check", demo / SAMPLE, "--settle", "0", "--pixels", "full")
    assert "header: equal" in run(command, "diff", demo / SAMPLE, demo / SAMPLE, "--pixels", "full")
    run(command, "report", demo / SAMPLE, "--output", tmp_path / "report.html")
    assert "beauty" in (tmp_path / "report.html").read_text("utf-8")

    _serve_and_invoke(command, demo / SAMPLE, tmp_path)

    env_file = write_env(tmp_path / "deployment.env", SETTINGS)
    run(command, "deploy", "render", "--config", env_file, "--output", tmp_path / "manifests")
    assert "shots" in (tmp_path / "manifests" / "trigger-exr.yaml").read_text()


def _serve_and_invoke(command: Path, sample: Path, folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (folder / "event.json").write_text(json.dumps({"path": str(sample)}))
    server = subprocess.Popen(
        [command, "serve", "--port", str(port)],
        cwd=folder,
        env={**PLAIN, "EXR_INSPECTOR_DB": str(folder / "rows.duckdb")},
        stderr=subprocess.DEVNULL,
    )
    try:
        url = f"http://127.0.0.1:{port}"
        answer = run(command, "invoke", "--event", folder / "event.json", "--url", url, "--wait", "60")
    finally:
        server.terminate()
        server.wait()
    document = json.loads(answer)
    assert (document["file"]["status"], document["persistence"]["inserted"]) == ("ok", True)
