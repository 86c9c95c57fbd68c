"""`python -m benchmarks.mutants [--sample 60] [--seed 1] [--only exr]`: do tests notice changes of the core?

A mutant is one small change within one function. All tests run once, to learn which lines each of them
reaches. Then each mutant is a fork of that process with the changed function: the tests that reach the
changed lines run, quick ones first, until one fails. A survivor is equivalent, or a test is missing, or only
tests that start processes or load the module again would notice it.
"""

from __future__ import annotations

import argparse
import ast
import gc
import multiprocessing
import os
import random
import sys
import time
from collections import defaultdict
from functools import partial
from itertools import islice
from pathlib import Path
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from coverage import Coverage

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
PACKAGE = Path("functions", "exr_inspector", "exr_inspector")
TESTS = {
    "exr": "tests/exr tests/document/test_document.py tests/document/test_lossless.py",
    "document": "tests/document",
    "catalog": "tests/catalog tests/test_similar.py tests/apps/cli/test_forget.py tests/apps/export"
    " tests/apps/index tests/apps/web tests/checks tests/service/test_cryptomatte.py",
    "vectors": "tests/vectors tests/test_similar.py",
    "events": "tests/events tests/service/test_names.py",
    "location.py": "tests/test_location.py tests/events",
    "reader.py": "tests/document tests/service tests/delivery tests/catalog/test_any_order.py",
    "writer.py": "tests/service tests/delivery tests/catalog",
}
SLOW = ("--ignore-glob=*_crash.py", "--ignore-glob=*_race.py", "--ignore-glob=*_soak.py")
SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.In: ast.NotIn,
    ast.NotEq: ast.Eq, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.And: ast.Or,
    ast.Or: ast.And, ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.FloorDiv: ast.Mult,
}  # fmt: skip


class Mutant(NamedTuple):
    """A syntax node to change: its module, and its place in the order of `ast.walk`."""

    path: Path
    place: int

    def make(self) -> tuple[ast.Module, range, str]:
        """Return the changed module, the lines of the change, and a description of it."""
        tree = ast.parse(self.path.read_text("utf-8"))
        node: Any = next(islice(ast.walk(tree), self.place, None))
        place, before = f"{self.path.parent.name}/{self.path.name}:{node.lineno}", ast.unparse(node)
        changed: Any = node.test if isinstance(node, (ast.If, ast.While)) else node
        lines = range(changed.lineno, changed.end_lineno + 1)
        mutate(node)
        after = ast.unparse(node).splitlines()[0]
        return ast.fix_missing_locations(tree), lines, f"{place}: {before.splitlines()[0]}  ->  {after}"


def find_mutants(path: Path) -> list[Mutant]:
    """Return every mutant of the functions of a module, or of the modules in a folder."""
    found = []
    for each in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
        tree = ast.parse(each.read_text("utf-8"))
        functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
        inner = {node for function in functions for part in function.body for node in ast.walk(part)}
        places = [place for place, node in enumerate(ast.walk(tree)) if node in inner and mutate(node)]
        found += [Mutant(each, place) for place in places]
    return found


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


class MutantRun:
    """A pytest plugin: what it does with the collected tests instead of only running them."""

    def __init__(self, sample: list[Mutant]) -> None:
        self.sample = sample
        self.noticed = 0

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        reaching = find_reaching(session)
        if session.testsfailed:
            return True
        terminal = session.config.pluginmanager.getplugin("terminalreporter")
        terminal.write_line("")
        for number, mutant in enumerate(self.sample, 1):
            tree, lines, change = mutant.make()
            tests = list(dict.fromkeys(test for line in lines for test in reaching[str(mutant.path), line]))
            check = partial(check_mutant, session, mutant.path, tree, tests)
            child = multiprocessing.get_context("fork").Process(target=check)
            child.start()
            child.join(1800)
            child.kill()
            child.join()
            self.noticed += (is_noticed := child.exitcode != 0)
            terminal.write_line(f"{number:3} {'noticed ' if is_noticed else 'SURVIVED'} {change}")
        return True


def find_reaching(session: pytest.Session) -> dict[tuple[str, int], list[pytest.Item]]:
    """Run all tests; return those that reach a line of a module, the quickest first."""
    coverage = Coverage(data_file=None, config_file=False, include=[str(ROOT / PACKAGE / "*")])
    seconds: dict[str, float] = {}
    coverage.start()
    for number, test in enumerate(session.items, 1):
        coverage.switch_context(test.nodeid)
        start = time.process_time()
        run_test(test, *session.items[number : number + 1])
        seconds[test.nodeid] = time.process_time() - start
    coverage.stop()
    tests = {test.nodeid: test for test in sorted(session.items, key=lambda test: seconds[test.nodeid])}
    data = coverage.get_data()
    reaching = defaultdict(list)
    for path in data.measured_files():
        for line, names in data.contexts_by_lineno(path).items():
            reaching[path, line] = [test for name, test in tests.items() if name in names]
    return reaching


def run_test(test: pytest.Item, following: pytest.Item | None = None) -> None:
    """Run a test; `following` says which fixtures are needed again."""
    test.config.hook.pytest_runtest_protocol(item=test, nextitem=following)


def check_mutant(session: pytest.Session, path: Path, tree: ast.Module, tests: list[pytest.Item]) -> None:
    """Change the functions of a module in this process and run tests; exit with 1 if one fails."""
    session.config.pluginmanager.unregister(name="terminalreporter")
    codes = {(code.co_name, code.co_firstlineno): code for code in find_codes(compile(tree, path, "exec"))}
    for each in gc.get_objects():
        if isinstance(each, FunctionType) and each.__code__.co_filename == str(path):
            code = codes.get((each.__code__.co_name, each.__code__.co_firstlineno))
            if code and code.co_freevars == each.__code__.co_freevars:
                each.__code__ = code
    for number, test in enumerate(tests, 1):
        run_test(test, *tests[number : number + 1])
        if session.testsfailed:
            sys.exit(1)


def find_codes(code: CodeType) -> Iterator[CodeType]:
    """Yield the code of all functions within some code."""
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield each
            yield from find_codes(each)


def main() -> None:
    parser = argparse.ArgumentParser()
    for name, default in (("--sample", 60), ("--seed", 1)):
        parser.add_argument(name, type=int, default=default)
    parser.add_argument("--only", choices=TESTS, help="a module or folder of the core")
    options = parser.parse_args()
    os.nice(10)
    os.chdir(ROOT)
    os.environ["CI"] = "true"  # Hypothesis tries the same examples each time
    parts = [options.only] if options.only else list(TESTS)
    found = [each for part in parts for each in find_mutants(ROOT / PACKAGE / part)]
    sample = random.Random(options.seed).sample(found, min(options.sample, len(found)))
    tests = dict.fromkeys(test for part in parts for test in TESTS[part].split())
    run = MutantRun(sample)
    settings = ("-q", "-mnot slow", "-pno:cacheprovider", "--timeout=120", *SLOW)
    if status := pytest.main([*settings, *tests], plugins=[run]):
        sys.exit(status)
    print(f"{run.noticed} of {len(sample)} mutants noticed, of {len(found)} possible; seed {options.seed}")


if __name__ == "__main__":
    main()
