"""Every rule of the packs: a file that passes, one that fails, and one that leaves it unknown."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from exr_inspector import inspect
from exr_inspector.document.build import Reading, make_document
from exr_inspector.errors import STORAGE_DENIED, InspectorError
from exr_inspector.policy.evaluate import evaluate
from exr_inspector.policy.evidence import Missing
from exr_inspector.policy.facts import Facts
from exr_inspector.policy.load import load_pack
from exr_inspector.policy.model import Rule
from exr_inspector.settings import Settings
from tests.exrfiles.demo import simple
from tests.policy.files import BAD, GOOD

HERE = ("openexr", "default", "comp-friendly", "delivery-example")
PLAIN = Settings(openimageio=False)
RULES = {rule.id: rule for pack in HERE for rule in load_pack(pack).rules}
FILE_RULES = [name for name, rule in RULES.items() if rule.given not in ("sequence", "statistics", "pixels")]

# What one defect breaks beside its own rule.
ALSO = {each: {"EXR-13"} for each in ("EXR-22", "EXR-23")}  # deep parts have maxSamplesPerPixel


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("policy")


@cache
def document_of(content: bytes, folder: Path, settings: Settings = PLAIN) -> Mapping[str, Any]:
    path = folder / "beauty.1001.exr"
    path.write_bytes(content)
    return inspect(path, settings)


def found(document: Mapping[str, Any], pack: str) -> dict[str, str]:
    """The verdicts other than pass, by rule."""
    validation = evaluate([load_pack(pack)], document)
    return {each["rule_id"]: each["verdict"] for each in validation["findings"]}


def verdicts(document: Mapping[str, Any], pack: str, verdict: str) -> set[str]:
    return {rule for rule, each in found(document, pack).items() if each == verdict}


def pack_of(rule: str) -> str:
    return next(pack for pack in HERE if any(each.id == rule for each in load_pack(pack).rules))


def applies(rule: Rule, document: Mapping[str, Any]) -> bool:
    """Whether a rule has something to judge; a header without faults is what rules for faults look for."""
    items = Facts(document).items(rule.given)
    if isinstance(items, Missing):
        return False
    return rule.given == "faults" or any(rule.when is None or rule.when.check(item) for item in items)


# No header can state the intended active area, so no file passes DEL-02.
@pytest.mark.parametrize("rule", [each for each in FILE_RULES if each != "DEL-02"])
def test_every_rule_passes_a_file_that_it_applies_to(rule: str, folder: Path) -> None:
    documents = [document_of(each, folder) for each in GOOD.values()]
    judged = [each for each in documents if applies(RULES[rule], each)]
    passed = [each for each in judged if rule not in found(each, pack_of(rule))]
    assert passed


@pytest.mark.parametrize("rule", BAD)
def test_every_rule_fails_the_file_that_breaks_it_and_no_other_rule_does(rule: str, folder: Path) -> None:
    document = document_of(BAD[rule], folder)
    assert verdicts(document, pack_of(rule), "fail") == {rule} | ALSO.get(rule, set())


def test_every_rule_has_a_file_that_breaks_it() -> None:
    assert set(FILE_RULES) - set(BAD) == {"FILE-02", "DEL-02"}


CUT = simple(4, 4)[:100]


@pytest.mark.parametrize("rule", FILE_RULES)
def test_every_rule_is_unknown_for_a_file_that_does_not_show_it(rule: str, folder: Path) -> None:
    pack = pack_of(rule)
    document: Mapping[str, Any]
    if rule == "FILE-01":
        unexamined = Settings(openimageio=False, completeness="never")
        document = document_of(simple(4, 4), folder, unexamined)
    elif rule == "EXR-01":
        document = document_of(simple(4, 4, "ABC"), folder, Settings(openimageio=False, max_channels=2))
    elif rule in ("FILE-02", "FILE-03"):
        denied = InspectorError(STORAGE_DENIED, "no")
        document = make_document(Reading(None, errors=(denied,)))
    else:
        document = document_of(CUT, folder)
    assert rule in verdicts(document, pack, "unknown")


def test_a_file_that_does_not_exist_is_an_error(folder: Path) -> None:
    document = inspect(folder / "absent.exr", PLAIN)
    assert verdicts(document, "default", "fail") == {"FILE-02"}


def test_every_rule_of_the_packs_says_why_what_to_do_and_where_it_comes_from() -> None:
    lacking = [rule.id for rule in RULES.values() if not (rule.title and rule.why and rule.fix and rule.docs)]
    assert lacking == []
