"""`python -m benchmarks.mutants [--sample 60] [--seed 1] [--only exr]`: do tests notice changes of the core?

A mutant is one small change of one module. The tests of the module's folder run on it, in a copy of the
repository. A survivor is equivalent to the original, or a test is missing. One process, at low priority.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import os
import random
import shutil
import subprocess
import sys
import tempfile
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[1]
PACKAGE = Path("functions", "exr_inspector", "exr_inspector")
TESTS = {
    "exr": "tests/exr tests/document/test_document.py tests/document/test_lossless.py",
    "document": "tests/document",
    "catalog": "tests/catalog tests/test_similar.py tests/apps/index/test_index.py",
    "vectors": "tests/vectors tests/test_similar.py",
    "events": "tests/events tests/service/test_names.py",
    "location.py": "tests/test_location.py tests/events",
    "reader.py": "tests/document tests/service tests/delivery",
    "writer.py": "tests/service tests/delivery tests/catalog",
}
SLOW = ("--ignore-glob=*_crash.py", "--ignore-glob=*_race.py", "--ignore-glob=*_soak.py")
SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.In: ast.NotIn,
    ast.NotEq: ast.Eq, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.And: ast.Or,
    ast.Or: ast.And, ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.FloorDiv: ast.Mult,
}  # fmt: skip


class Mutant(NamedTuple):
    """A syntax node to change: its module, its place in the order of `ast.walk`, and the tests to run."""

    path: Path
    place: int
    tests: str

    def make(self) -> tuple[str, str]:
        """Return the changed module's source, and a description of the change."""
        tree = ast.parse(self.path.read_text("utf-8"))
        node: Any = next(islice(ast.walk(tree), self.place, None))
        change = (
            f"{self.path.parent.name}/{self.path.name}:{node.lineno}: {ast.unparse(node).splitlines()[0]}"
        )
        mutate(node)
        return ast.unparse(tree), f"{change}  ->  {ast.unparse(node).splitlines()[0]}"


def find_mutants(path: Path, tests: str) -> list[Mutant]:
    """Return every mutant of a module, or of the modules in a folder."""
    paths = sorted(path.rglob("*.py")) if path.is_dir() else [path]
    trees = [(each, enumerate(ast.walk(ast.parse(each.read_text("utf-8"))))) for each in paths]
    return [Mutant(each, place, tests) for each, nodes in trees for place, node in nodes if mutate(node)]


def mutate(node: ast.AST) -> bool:
    """Change a node in place; return False if there is no change for its kind."""
    match node:
        case ast.Compare(ops=[operator, *rest]):
            node.ops = [SWAPS[type(operator)](), *rest]  # type: ignore[list-item]
        case ast.BoolOp(op=operator) | ast.BinOp(op=operator) if type(operator) in SWAPS:
            node.op = SWAPS[type(operator)]()  # type: ignore[assignment]
        case ast.Constant(value=bool(value) | int(value) | float(value)):
            node.value = not value if isinstance(value, bool) else 2 * value + 1
        case ast.If(test=test) | ast.IfExp(test=test) | ast.While(test=test):
            node.test = ast.UnaryOp(ast.Not(), test)
        case ast.Expr(value=ast.Call()):
            node.value = ast.Constant(None)
        case _:
            return False
    return True


def passes(tests: str, folder: Path) -> bool:
    """Run tests in a copy of the repository. Tests that do not end count as failed."""
    command = [sys.executable, "-B", "-m", "pytest", "-qx", "-pno:cacheprovider", *SLOW, *tests.split()]
    settings = os.environ | {"PYTHONPATH": str(folder / PACKAGE.parent), "CI": "true"}
    with contextlib.suppress(subprocess.SubprocessError):
        subprocess.run(command, cwd=folder, env=settings, capture_output=True, timeout=600, check=True)
        return True
    return False


def main() -> None:
    parser = argparse.ArgumentParser()
    for name, default in (("--sample", 60), ("--seed", 1)):
        parser.add_argument(name, type=int, default=default)
    parser.add_argument("--only", choices=TESTS, help="a module or folder of the core")
    options = parser.parse_args()
    os.nice(10)
    noticed = 0
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(ROOT, copy := Path(folder, "copy"), ignore=shutil.ignore_patterns(".[!e]*", "build"))
        names = [options.only] if options.only else TESTS
        found = [each for name in names for each in find_mutants(copy / PACKAGE / name, TESTS[name])]
        sample = random.Random(options.seed).sample(found, min(options.sample, len(found)))
        if failing := [tests for tests in {each.tests for each in sample} if not passes(tests, copy)]:
            sys.exit(f"these tests fail without a mutant: {', '.join(failing)}")
        for number, mutant in enumerate(sample, 1):
            original, (source, change) = mutant.path.read_text("utf-8"), mutant.make()
            mutant.path.write_text(source, "utf-8")
            noticed += (is_noticed := not passes(mutant.tests, copy))
            mutant.path.write_text(original, "utf-8")
            print(f"{number:3} {'noticed ' if is_noticed else 'SURVIVED'} {change}", flush=True)
    print(f"{noticed} of {len(sample)} mutants noticed, of {len(found)} possible; seed {options.seed}")


if __name__ == "__main__":
    main()
