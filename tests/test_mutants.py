"""benchmarks/mutants.py, which samples changes of the core: each mutant is one small change that compiles."""

from __future__ import annotations

import ast
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
    module.write_text(source, "utf-8")
    (mutant,) = find_mutants(module, "tests")
    assert mutant.make()[0] == mutated


@pytest.mark.parametrize("name", TESTS)
def test_the_core_has_mutants_and_tests(name: str) -> None:
    found = find_mutants(ROOT / PACKAGE / name, TESTS[name])
    assert len(found) > 5
    for mutant in found[::25]:
        source, change = mutant.make()
        ast.parse(source)
        assert source != ast.unparse(ast.parse(mutant.path.read_text("utf-8"))), change
    assert [each for each in TESTS[name].split() if not (ROOT / each).exists()] == []
