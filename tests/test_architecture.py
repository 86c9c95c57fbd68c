"""The house: who may import whom, how long things may be, and what importing the function costs."""

from __future__ import annotations

import ast
import re
import statistics
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "functions" / "exr_inspector"
PACKAGE = FOLDER / "exr_inspector"
MODULES = sorted(PACKAGE.rglob("*.py"))

# The import rules: a module or folder of the package, and what it may import from. For each module the
# longest matching name decides, and there must be one. `catalog/*` means the modules directly in `catalog`.
RULES = {
    "errors": "",
    "version": "",
    "parallel": "",
    "telemetry": "",
    "location": "errors exr/values",
    "mounts": "",
    "sequences": "exr/names",
    "shows": "errors location sequences show",
    "show": "errors location policy/schema policy/yaml_text sequences",
    "settings": "errors exr/limits location",
    "events": "errors events location settings",
    "sources": "errors location mounts settings sources",
    "exr": "errors exr",
    "document": "document errors exr location sources/protocol",
    "document/model": "exr/facts",
    "vectors": "vectors",
    "catalog": "catalog/* document errors exr location sequences vectors version",
    "catalog/connect": "catalog errors settings",
    "catalog/persist": "catalog document errors settings",
    "catalog/duckdb": "catalog/* catalog/duckdb errors location mounts sequences vectors",
    "catalog/vast": "catalog/* catalog/vast errors settings",
    "compare": "compare document errors exr pixels sequences vectors/attributes",
    "policy": "document/build document/serialize errors exr policy sequences",
    "extra_evidence": "errors exr location policy/collections sources version_reader",
    "checks/stored": "catalog/* checks document/serialize location policy/model sequences shows",
    "checks": "checks document/model document/serialize errors extra_evidence location parallel pipeline"
    " pixels/stats policy policy_files sequences settings show shows sources/opener version",
    "version_reader": "errors exr settings sources/read_ahead",
    "pixels": "errors exr location pixels settings sources vectors/look version_reader",
    "pixels/worker": "pixels/deep",
    "pixels/deep": "",
    "reader": "document errors events exr location settings sources telemetry version_reader",
    "policy_files": "errors location policy sources/local sources/protocol",
    "judge": "document/serialize errors extra_evidence measurer policy policy_files reader",
    "mattes": "catalog/* document errors parallel pixels/cryptomatte reader sources/protocol",
    "measurer": "catalog/* document errors mattes parallel pixels/stats reader settings sources/protocol",
    "writer": "catalog/* document/model errors location parallel reader sequences shows vectors",
    "pipeline": "* catalog/store document events sources",
    "response": "* catalog/connect catalog/store document events sources",
    "backlog": "* catalog/*",
    "library": "* document/model sources",
    "compat": "catalog/persist document/oiio_report events pipeline",
    "reading": "compat",
    "storage": "compat",
    "differences": "* compare document pixels sources",
    "similar": "* catalog/* document pixels/thumbnail vectors",
    "__init__": "* catalog/* checks/checker document pixels/cryptomatte pixels/stats vectors",
    "__main__": "apps/cli",
    "apps/cli": "* apps catalog checks compare document events pixels policy sources vectors",
    "apps/export": "apps/export catalog document/serialize exr/names sequences",
    "apps/web": "* apps/cli/terminal apps/cli/values apps/export/record apps/questions apps/web catalog"
    " checks compare document exr pixels policy/model sources vectors",
    "apps/index": "* apps/index catalog document events pixels/stats policy sources",
    "apps/deployment": "apps/deployment errors settings",
    "apps/devserver": "__init__ apps/devserver errors",
    "apps/questions": "apps/questions catalog/columns errors sequences",
    "apps/vast_check": "apps/index/vast_catalog catalog errors settings",
    "apps": "",
}
# Each library that reaches outside has one home.
HOMES: dict[str, str | tuple[str, ...]] = {
    "obstore": "sources/s3_listing",
    "botocore": "sources/s3",
    "OpenImageIO": "document/oiio_report",
    "OpenEXR": "pixels/worker",
    "mmh3": "exr/cryptomatte",
    "PIL": ("pixels/tone", "compare/heatmap"),
    "xxhash": "pixels/hashes",
    "dask": "apps/index/cluster",
    "distributed": "apps/index/cluster",
    "duckdb": ("catalog/duckdb", "catalog/nearest"),
    "vastdb": "catalog/vast/sdk",
    "watchfiles": "apps/index/watch",
    "click": "apps/cli",
    "cloudevents": "apps/devserver",
    "jinja2": "apps/web",
    "starlette": ("apps/devserver", "apps/web"),
    "uvicorn": ("apps/devserver", "apps/web"),
    "yaml": ("apps/devserver", "policy/yaml_text"),
    "pydantic": ("policy/schema", "show"),
    "re2": ("policy/operators", "show"),
}


def _name(path: Path) -> str:
    """Return a module's path in the package, as `catalog/rows`; a folder stands for its `__init__.py`."""
    name = path.relative_to(PACKAGE).with_suffix("").as_posix()
    return name.removesuffix("/__init__")


NAMES = {_name(path): path for path in MODULES}


def _imports(path: Path) -> list[str]:
    found: list[str] = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: imports are absolute here"
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return found


def _imported_modules(path: Path) -> set[str]:
    """Return the modules of the package that a module imports, at its top or inside a function."""
    found = set()
    for name in _imports(path):
        package, *steps = name.split(".")
        if package == "exr_inspector":
            while steps and "/".join(steps) not in NAMES:
                steps.pop()
            found.add("/".join(steps) or "__init__")
    return found


def _is_in(name: str, rule: str) -> bool:
    if rule.endswith("*"):
        return name.rpartition("/")[0] == rule.rstrip("/*")
    return name == rule or name.startswith(f"{rule}/")


def _rule(name: str) -> list[str]:
    return RULES[max((each for each in RULES if _is_in(name, each)), key=len)].split()


@pytest.mark.parametrize("name", NAMES)
def test_a_module_imports_only_what_the_rules_allow(name: str) -> None:
    refused = {
        each for each in _imported_modules(NAMES[name]) if not any(_is_in(each, rule) for rule in _rule(name))
    }
    assert refused == set(), f"{name} must not import {sorted(refused)}"


def test_no_module_imports_itself_through_others() -> None:
    graph = {name: _imported_modules(path) - {name} for name, path in NAMES.items()}
    TopologicalSorter(graph).prepare()  # raises CycleError, which names the cycle


def test_the_overview_states_the_rules() -> None:
    overview = (FOLDER.parents[1] / "docs" / "overview.md").read_text("utf-8")
    rows = re.findall(r"^\| `([\w/]+?)(?:\.py|/)` \| .* \| (.*) \|$", overview, re.MULTILINE)
    stated = {name: " ".join(re.findall(r"`(.*?)`", allowed)) for name, allowed in rows}
    # A module may import the others of its folder.
    assert stated == {
        name: " ".join(each for each in rule.split() if each != name) for name, rule in RULES.items()
    }


@pytest.mark.parametrize("name", NAMES)
def test_each_outer_library_has_one_home(name: str) -> None:
    for each in _imports(NAMES[name]):
        homes = HOMES.get(each.split(".")[0])
        assert homes is None or name.startswith(homes), f"{name} must not import {each}"


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
        "botocore",
        "OpenImageIO",
        "OpenEXR",
        "PIL",
        "xxhash",
        "exr_inspector.pixels",
        "exr_inspector.policy",
        "pydantic",
        "yaml",
        "re2",
        "click",
        "pandas",
        "vast_runtime",
        "vast",
    ]
    command = [sys.executable, "-c", script, *libraries]
    done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
