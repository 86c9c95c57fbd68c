"""The house: who may import whom, how long things may be, and what importing the function costs."""

from __future__ import annotations

import ast
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "functions" / "exr_inspector"
PACKAGE = FOLDER / "exr_inspector"
MODULES = sorted(PACKAGE.rglob("*.py"))

CORE = {"errors", "settings", "version", "naming"}
# Each room, and the rooms it may import from. Arrows point one way: what is not named here is refused.
ROOMS: dict[str, set[str]] = {
    "errors": set(),
    "version": set(),
    "naming": set(),
    "telemetry": set(),
    "settings": {"errors"},
    "events": {"errors", "settings"},
    "reading": {"errors", "settings"},
    "document": CORE | {"reading"},
    "analysis": set(),
    "storage": CORE | {"reading", "document", "analysis"},
    "elision": {"document", "storage"},
    "pipeline": CORE | {"events", "reading", "document", "storage", "telemetry"},
    "service": CORE | {"events", "reading", "document", "elision", "storage", "pipeline", "telemetry"},
    "standin": {"errors", "settings"},
    "similar": CORE | {"analysis", "pipeline", "storage"},
    "cli": CORE | {"reading", "document", "analysis", "storage", "pipeline", "service", "similar", "standin"},
    "__init__": CORE | {"analysis", "document", "pipeline", "similar", "storage"},
    "__main__": {"cli"},
}
# Each library that reaches outside has one home.
HOMES = {
    "boto3": ("reading/s3.py",),
    "botocore": ("reading/s3.py",),
    "OpenImageIO": ("reading/oiio_view.py",),
    "duckdb": ("storage/duckdb_",),
    "vastdb": ("storage/vast_",),
    "click": ("cli/",),
    "rich": ("cli/",),
    "cloudevents": ("standin/",),
    "starlette": ("standin/",),
    "uvicorn": ("standin/",),
    "yaml": ("standin/",),
}


def _name(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def _room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def _imports(path: Path) -> list[str]:
    found: list[str] = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: imports are absolute here"
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return found


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_imports_follow_the_arrows(path: Path) -> None:
    ours = {name.split(".")[1] for name in _imports(path) if name.startswith("exr_inspector.")}
    allowed = ROOMS[_room(path)] | {_room(path)}
    assert ours <= allowed, f"{_name(path)} must not import {sorted(ours - allowed)}"


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_each_outer_library_has_one_home(path: Path) -> None:
    for name in _imports(path):
        homes = HOMES.get(name.split(".")[0])
        assert homes is None or _name(path).startswith(homes), f"{_name(path)} must not import {name}"


def _bodies() -> list[tuple[str, int]]:
    found = []
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                first = node.body[1] if ast.get_docstring(node) and len(node.body) > 1 else node.body[0]
                assert node.end_lineno is not None
                found.append((f"{_name(path)}:{node.name}", node.end_lineno - first.lineno + 1))
    return found


def test_functions_are_small() -> None:
    bodies = _bodies()
    lengths = sorted(length for _, length in bodies)
    assert statistics.median(lengths) <= 8
    assert lengths[len(lengths) * 9 // 10] <= 30
    assert [body for body in bodies if body[1] > 60] == []


def test_modules_are_small() -> None:
    lengths = {_name(path): len(path.read_text().splitlines()) for path in MODULES}
    assert statistics.median(lengths.values()) <= 150
    assert {name: length for name, length in lengths.items() if length > 400} == {}


def test_importing_the_function_loads_no_library_that_the_settings_do_not_select() -> None:
    script = "import sys, main; print(*(each for each in sys.argv[1:] if each in sys.modules))"
    libraries = [
        "vastdb",
        "duckdb",
        "boto3",
        "OpenImageIO",
        "click",
        "rich",
        "pandas",
        "vast_runtime",
        "vast",
    ]
    command = [sys.executable, "-c", script, *libraries]
    done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
