"""Flip facts of a file that passes: exactly the rules that look at them react."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exr_inspector import inspect
from exr_inspector.policy.evaluate import evaluate
from exr_inspector.policy.load import load_pack
from exr_inspector.settings import Settings
from tests.policy.files import UHD
from tests.policy.flips import Document, Flip, about, channel, part

PACKS = [load_pack(name) for name in ("openexr", "comp-friendly", "delivery-example")]
ALWAYS = {("DEL-02", "unknown")}  # the intended active area


def fault(code: str) -> Flip:
    return lambda document: document["errors"].append({"code": code, "message": "why", "where": "parts[0].x"})


def added(name: str, kind: str, value: Any) -> Flip:
    return lambda document: document["parts"][0]["attributes"].append(
        {"name": name, "type": kind, "value": value}
    )


def changed(name: str, **facts: Any) -> Flip:
    def flip(document: Document) -> None:
        next(each for each in document["parts"][0]["attributes"] if each["name"] == name).update(facts)

    return flip


# Facts that can be flipped together, and the verdicts that each brings about.
FLIPS: dict[str, tuple[Flip, set[tuple[str, str]]]] = {
    "not complete": (about(complete=False), {("FILE-01", "fail")}),
    "a long header": (about(header_bytes=2_000_000), {("COMP-06", "fail")}),
    "compressed with dwab": (part(compression="dwab"), {("COMP-02", "fail"), ("DEL-04", "fail")}),
    "narrow": (part(display_width=1920), {("DEL-01", "fail")}),
    "stretched": (part(pixel_aspect_ratio=0.0), {("EXR-24", "fail")}),
    "lines in random order": (part(line_order="randomY"), {("EXR-21", "fail")}),
    "logarithmic": (part(color_space="ACEScct"), {("DEL-05", "fail")}),
    "float": (channel(0, type="float"), {("DEL-03", "fail")}),
    "sampled by 7": (channel(1, x_sampling=7), {("EXR-20", "fail")}),
    "a missing attribute": (fault("REQUIRED_ATTRIBUTE"), {("EXR-02", "fail")}),
    "an unknown code": (fault("UNKNOWN_CODE"), {("EXR-03", "fail")}),
    "a broken value": (fault("BAD_ATTRIBUTE"), {("EXR-04", "fail")}),
    "a wrong number of chunks": (fault("CHUNK_COUNT_MISMATCH"), {("EXR-05", "fail")}),
    "a lost offset table": (fault("OFFSET_TABLE_REBUILT"), {("EXR-06", "fail")}),
    "an owner that is a number": (added("owner", "int", 3), {("EXR-12", "fail")}),
    "a deprecated attribute": (added("dwaCompressionLevel", "float", 45.0), {("EXR-13", "fail")}),
    "two attributes of one name": (added("compression", "compression", "zip"), {("EXR-08", "fail")}),
    "a long name": (added("x" * 40, "int", 1), {("EXR-10", "fail")}),
    "a date in words": (changed("capDate", value="yesterday"), {("EXR-26", "fail")}),
    "a view without channels": (changed("multiView", value=["left", "right"]), {("EXR-17", "fail")}),
    "a narrow screen": (changed("screenWindowWidth", value=-1.0), {("EXR-25", "fail")}),
}


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Document:
    path = tmp_path_factory.mktemp("mutations") / "beauty.1001.exr"
    path.write_bytes(UHD)
    return dict(inspect(path, Settings(openimageio=False)))


def verdicts(document: Document) -> set[tuple[str, str]]:
    return {(each["rule_id"], each["verdict"]) for each in evaluate(PACKS, document)["findings"]}


def test_the_file_passes_before_anything_is_flipped(document: Document) -> None:
    assert verdicts(document) == ALWAYS


@pytest.mark.parametrize("name", FLIPS)
def test_one_flipped_fact_makes_exactly_its_rules_react(name: str, document: Document) -> None:
    flip, expected = FLIPS[name]
    flipped = copy.deepcopy(document)
    flip(flipped)
    assert verdicts(flipped) == ALWAYS | expected


@given(names=st.sets(st.sampled_from(sorted(FLIPS))))
def test_several_flipped_facts_make_the_rules_of_each_react(names: set[str], document: Document) -> None:
    flipped = copy.deepcopy(document)
    expected = set(ALWAYS)
    for name in names:
        FLIPS[name][0](flipped)
        expected |= FLIPS[name][1]
    assert verdicts(flipped) == expected
    assert evaluate(PACKS, flipped) == evaluate(PACKS, copy.deepcopy(flipped))
