"""benchmarks/mutants.py, which samples changes of the core: each mutant is one small change that compiles."""

from __future__ import annotations

import ast
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from benchmarks.mutants import PACKAGE, ROOT, TESTS, find_mutants


@pytest.mark.parametrize(
    ("source", "mutated"),
    [
        ("a < b", "a <= b"),
        ("a and b", "a or b"),
        ("a + b", "a - b"),
        ("a = True", "a = False"),
        ("a = 2", "a = 5"),
        ("if a:\n    b", "if not a:\n    b"),
        ("f(a)", "None"),
    ],
)
def test_each_kind_of_node_has_one_mutant(tmp_path: Path, source: str, mutated: str) -> None:
    module = tmp_path / "module.py"
    module.write_text(f"n = 1\ndef f(a, b):\n{textwrap.indent(source, '    ')}", "utf-8")
    (mutant,) = find_mutants(module)
    tree, lines, _ = mutant.make()
    assert ast.unparse(tree) == f"n = 1\n\ndef f(a, b):\n{textwrap.indent(mutated, '    ')}"
    assert list(lines) == [3]


@pytest.mark.parametrize("name", TESTS)
def test_the_core_has_mutants_and_tests(name: str) -> None:
    found = find_mutants(ROOT / PACKAGE / name)
    assert len(found) > 5
    for mutant in found[::25]:
        tree, _, change = mutant.make()
        source = ast.unparse(tree)
        ast.parse(source)
        assert source != ast.unparse(ast.parse(mutant.path.read_text("utf-8"))), change
    assert [each for each in TESTS[name].split() if not (ROOT / each).exists()] == []


@pytest.mark.slow
def test_a_sample_is_run_and_counted() -> None:
    command = [
        sys.executable,
        "-m",
        "benchmarks.mutants",
        "--only",
        "location.py",
        "--sample",
        "2",
        "--seed",
        "3",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.count("\n  1 noticed") == done.stdout.count("\n  2 noticed") == 1
    assert "2 of 2 mutants noticed" in done.stdout
