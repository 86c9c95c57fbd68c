"""Dependencies: what a bare install can do, what the extras are, and what the lock files hold."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement

from exr_inspector.pixels.decode import MIN_VERSION

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
FUNCTION_LOCK = ROOT / "functions" / "exr_inspector" / "requirements.txt"
DEVELOPMENT_LOCK = ROOT / "requirements.txt"
PYTHONS = ("3.10", "3.11", "3.12", "3.13", "3.14")

# Runs a script in a process that cannot import the libraries of the extras.
_WITHOUT = """
import sys
class Absent:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name.split(".")[0] in {libraries}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Absent)
from exr_inspector.errors import InspectorError
from exr_inspector.settings import Settings
try:
    {statement}
except InspectorError as error:
    print(error)
"""
EXTRAS = {
    "s3": {"botocore"},
    "vast": {"vastdb", "ibis"},
    "cli": {"click", "duckdb"},
    "policy": {"pydantic", "yaml", "re2", "mmh3"},
    "serve": {"cloudevents", "pydantic", "yaml", "starlette", "uvicorn"},
}
SAMPLE = "shots/sq010/sh010/beauty.1001.exr"


def _without(libraries: set[str], statement: str) -> str:
    command = [sys.executable, "-c", _WITHOUT.format(libraries=libraries, statement=statement)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_library_inspects_a_file_without_any_extra(demo: Path) -> None:
    statement = (
        f"import exr_inspector; document = exr_inspector.inspect({str(demo / SAMPLE)!r});"
        " print(document['file']['status'], exr_inspector.metadata_embedding(document).shape)"
    )
    assert _without(set().union(*EXTRAS.values()), statement).split() == ["ok", "(384,)"]


VAST = "vast_endpoint='http://localhost', vast_bucket='b', vast_access_key='k', vast_secret_key='s'"


@pytest.mark.parametrize(
    ("extra", "library", "statement"),
    [
        ("s3", "botocore", "from exr_inspector.sources.opener import Opener; Opener(Settings()).client()"),
        ("vast", "vastdb", f"import exr_inspector; exr_inspector.open_store(Settings({VAST}))"),
        ("cli", "duckdb", "import exr_inspector; exr_inspector.open_store(Settings(db_file=':memory:'))"),
        ("policy", "re2", "import exr_inspector; exr_inspector.check(['a.exr'])"),
    ],
)
def test_a_missing_library_raises_an_error_that_names_its_extra(
    extra: str, library: str, statement: str
) -> None:
    message = _without(EXTRAS[extra], statement)
    assert message.startswith("NOT_INSTALLED: ")
    assert library.lower() in message.lower()
    assert f"pip install 'exr-inspector[{extra}]'" in message


# --- the lock files -------------------------------------------------------------------------------------


def _entries(lock: Path) -> list[str]:
    """Return the entries of a lock file: each a requirement and its options, without comments."""
    lines = [line for line in lock.read_text("utf-8").splitlines() if not line.lstrip().startswith("#")]
    return "\n".join(lines).replace("\\\n", " ").splitlines()


def _pins(lock: Path, python: str) -> dict[str, str]:
    """Return the version of each package that a lock file pins for one Python on Linux."""
    environment = _environment(python)
    requirements = [Requirement(entry.partition(" --hash")[0]) for entry in _entries(lock)]
    return {
        each.name.lower(): str(each.specifier).removeprefix("==")
        for each in requirements
        if each.marker is None or each.marker.evaluate(environment)
    }


def _environment(python: str) -> dict[str, str]:
    return {
        **{name: str(value) for name, value in default_environment().items()},
        "python_version": python,
        "python_full_version": f"{python}.0",
        "sys_platform": "linux",
        "platform_system": "Linux",
        "extra": "",
    }


def _declared(*extras: str) -> list[Requirement]:
    """Return the requirements that pyproject.toml declares for the base install and some extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    chosen = [text for extra in extras for text in project["optional-dependencies"][extra]]
    return [Requirement(text) for text in (*project["dependencies"], *chosen)]


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize(
    ("lock", "extras"),
    [
        (FUNCTION_LOCK, ("s3", "vast", "pixels", "policy")),
        (DEVELOPMENT_LOCK, ("s3", "vast", "cli", "serve", "pixels", "test")),
    ],
    ids=["function", "development"],
)
def test_a_lock_pins_what_is_declared_for_every_python(
    lock: Path, extras: tuple[str, ...], python: str
) -> None:
    pins, environment = _pins(lock, python), _environment(python)
    needed = [each for each in _declared(*extras) if each.marker is None or each.marker.evaluate(environment)]
    assert len(needed) >= 5
    assert [str(each) for each in needed if pins.get(each.name.lower(), "0") not in each.specifier] == []


def test_the_extra_installs_a_release_that_the_library_accepts() -> None:
    environment = _environment(f"{sys.version_info.major}.{sys.version_info.minor}")
    (needed,) = (
        each
        for each in _declared("pixels")
        if each.name == "OpenEXR" and (each.marker is None or each.marker.evaluate(environment))
    )
    assert str(needed.specifier) == f">={'.'.join(map(str, MIN_VERSION))}"


@pytest.mark.parametrize("python", PYTHONS)
def test_development_runs_the_versions_of_the_function(python: str) -> None:
    function = _pins(FUNCTION_LOCK, python)
    assert len(function) > 40
    assert function.items() <= _pins(DEVELOPMENT_LOCK, python).items()


def test_every_package_of_the_function_has_hashes_of_files_for_several_platforms() -> None:
    hashes = {entry.partition("==")[0]: entry.count("--hash=sha256:") for entry in _entries(FUNCTION_LOCK)}
    assert min(hashes.values()) >= 1
    # A compiled package has a file for each platform and Python, not only for the machine that locked it.
    assert min(hashes[name] for name in ("numpy", "pyarrow", "openimageio", "pydantic-core")) > 20


@pytest.mark.parametrize("lock", [FUNCTION_LOCK, DEVELOPMENT_LOCK], ids=["function", "development"])
def test_a_lock_names_no_registry_and_no_folder(lock: Path) -> None:
    text = re.sub("--hash=sha256:[0-9a-f]{64}", "", lock.read_text("utf-8"))
    assert re.findall(r"://|@|--[a-z]|(?<!functions/exr_inspector)/(?!exr_inspector/)", text) == []


def _check(root: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, ".ci/lock.py", "--check"]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)


def test_a_changed_requirement_makes_the_locks_stale(tmp_path: Path) -> None:
    for file in (ROOT / "pyproject.toml", ROOT / ".ci" / "lock.py", FUNCTION_LOCK, DEVELOPMENT_LOCK):
        copy = tmp_path / file.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, copy)
    assert _check(tmp_path).returncode == 0, "the repository's own locks are stale: run `make lock`"
    project = tmp_path / "pyproject.toml"
    project.write_text(project.read_text("utf-8").replace('s3 = ["botocore>=', 's3 = ["botocore>=9'), "utf-8")
    done = _check(tmp_path)
    assert done.returncode == 1
    assert "functions/exr_inspector/requirements.txt, requirements.txt" in done.stderr
    assert "make lock" in done.stderr
