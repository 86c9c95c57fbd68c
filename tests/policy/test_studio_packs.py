"""The packs aces-container, aces-linear, color-interop and cryptomatte, rule by rule."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exr_inspector import inspect
from exr_inspector.exr.limits import Limits
from exr_inspector.extra_evidence import ExtraReader
from exr_inspector.location import path_location
from exr_inspector.policy.collections.sequence import FrameSequence, frame_facts
from exr_inspector.policy.evaluate import evaluate, evaluate_sequence
from exr_inspector.policy.evidence import Missing
from exr_inspector.policy.facts import Facts
from exr_inspector.policy.load import load_pack
from exr_inspector.policy.model import Rule
from exr_inspector.settings import Settings
from exr_inspector.sources.opener import Opener
from tests.exrfiles.writer import Part, write
from tests.policy import studio_files as files
from tests.policy.flips import Document, Flip, about, channel, part
from tests.policy.studio_files import File

PLAIN = Settings(openimageio=False)
SHIPPED: dict[str, tuple[dict[str, File], dict[str, File]]] = {
    "aces-container": (files.ACES_GOOD, files.ACES_BAD),
    "aces-linear": (files.LINEAR_GOOD, files.LINEAR_BAD),
    "color-interop": (files.COLOR_GOOD, files.COLOR_BAD),
    "cryptomatte": (files.CRYPTO_GOOD, files.CRYPTO_BAD),
}
RULES = {
    (name, rule.id): rule for name in SHIPPED for rule in load_pack(name).rules if rule.given != "sequence"
}

# What one defect breaks beside its own rule.
ALSO: dict[str, set[str]] = {
    "ACES-03": {"ACES-02"},  # the version field has the flag of tiles
    "ACES-10": {"ACES-13"},  # the lines lie backwards
}


class Evidence:
    """A file's document, and the evidence that is read besides."""

    def __init__(self, file: File, folder: Path) -> None:
        path = folder / file.name
        path.write_bytes(file.data)
        for name, text in file.beside.items():
            (folder / name).write_text(text)
        self.document: dict[str, Any] = dict(inspect(path, PLAIN))
        given = {rule.given for rule in RULES.values()}
        self.extra = ExtraReader(Opener(PLAIN), Limits(), given, with_pixels=True).read(
            self.document, path_location(path)
        )

    def verdicts(self, pack: str) -> dict[str, str]:
        found = evaluate([load_pack(pack)], self.document, None, self.extra)["findings"]
        return {each["rule_id"]: each["verdict"] for each in found}

    def applies(self, rule: Rule) -> bool:
        items = Facts(self.document, None, self.extra).items(rule.given)
        return not isinstance(items, Missing) and any(
            rule.when is None or rule.when.check(each) for each in items
        )


@pytest.mark.parametrize(
    ("pack", "name"), [(pack, name) for pack, (good, _) in SHIPPED.items() for name in good]
)
def test_a_good_file_has_no_finding(pack: str, name: str, tmp_path: Path) -> None:
    assert Evidence(SHIPPED[pack][0][name], tmp_path).verdicts(pack) == {}


@pytest.mark.parametrize(("pack", "rule"), RULES)
def test_every_rule_applies_to_a_good_file(pack: str, rule: str, tmp_path: Path) -> None:
    good = SHIPPED[pack][0].values()
    assert any(Evidence(each, tmp_path).applies(RULES[pack, rule]) for each in good)


@pytest.mark.parametrize(("pack", "rule"), RULES)
def test_every_rule_fails_the_file_that_breaks_it(pack: str, rule: str, tmp_path: Path) -> None:
    verdicts = Evidence(SHIPPED[pack][1][rule], tmp_path).verdicts(pack)
    failed = {name for name, verdict in verdicts.items() if verdict == "fail"}
    assert failed == {rule} | ALSO.get(rule, set())


# The name of a file is always known.
@pytest.mark.parametrize(("pack", "rule"), [each for each in RULES if each[1] != "ACES-17"])
def test_every_rule_is_unknown_if_the_header_is_cut(pack: str, rule: str, tmp_path: Path) -> None:
    assert Evidence(File(files.image()[:100]), tmp_path).verdicts(pack)[rule] == "unknown"


def test_every_rule_says_why_what_to_do_and_where_it_comes_from() -> None:
    lacking = [rule.id for rule in RULES.values() if not (rule.title and rule.why and rule.fix and rule.docs)]
    assert lacking == []


def test_the_aces_pack_never_calls_a_file_conformant() -> None:
    text = str([rule.source for (pack, _), rule in RULES.items() if pack == "aces-container"]).lower()
    pack = load_pack("aces-container")
    assert "conform" not in text + pack.title.lower() + pack.description.lower()
    assert "experimental" in pack.title


# --- evidence that is not there -------------------------------------------------------------------------


def _skipped(file: File, pack: str, folder: Path, extra: Mapping[str, Any] | None = None) -> list[str]:
    found = evaluate([load_pack(pack)], Evidence(file, folder).document, None, extra)
    return found["policies"][0]["skipped"]


def test_rules_whose_evidence_was_not_read_are_skipped(tmp_path: Path) -> None:
    checksums = files.ACES_GOOD["checksums"]
    assert _skipped(checksums, "aces-container", tmp_path) == ["ACES-13", "ACES-16-IMAGE"]
    sidecar = files.CRYPTO_GOOD["a side-car"]
    assert _skipped(sidecar, "cryptomatte", tmp_path) == [
        "CRY-05",
        "CRY-05-IDS",
        "CRY-05-FILE",
        "CRY-06",
        "CRY-06-CLAMP",
        "CRY-06-COLLISION",
    ]


def test_a_manifest_that_was_not_stored_whole_is_unknown(tmp_path: Path) -> None:
    document = Evidence(files.CRYPTO_GOOD["in the header"], tmp_path).document
    for each in document["parts"][0]["attributes"]:
        if each["name"].endswith("/manifest"):
            each["value"] = None
    found = evaluate([load_pack("cryptomatte")], document)["findings"]
    assert {(each["rule_id"], each["verdict"]) for each in found} == {
        ("CRY-05", "unknown"),
        ("CRY-05-IDS", "unknown"),
        ("CRY-06", "unknown"),
        ("CRY-06-CLAMP", "unknown"),
        ("CRY-06-COLLISION", "unknown"),
    }


def test_an_empty_manifest_is_not_valid(tmp_path: Path) -> None:
    file = File(files.crypto(texts={"manifest": ""}))
    assert Evidence(file, tmp_path).verdicts("cryptomatte") == {"CRY-05": "fail"}


def test_a_checksum_of_a_header_that_was_not_stored_whole_is_unknown(tmp_path: Path) -> None:
    document = Evidence(files.ACES_GOOD["checksums"], tmp_path).document
    document["parts"][0]["attributes"].pop()
    found = evaluate([load_pack("aces-container")], document)["findings"]
    assert ("ACES-16", "unknown") in {(each["rule_id"], each["verdict"]) for each in found}


def test_the_codec_of_a_cryptomatte_may_be_unknown(tmp_path: Path) -> None:
    document = Evidence(files.CRYPTO_GOOD["in the header"], tmp_path).document
    document["parts"][0]["compression"] = "unknown(99)"
    found = evaluate([load_pack("cryptomatte")], document)["findings"]
    assert {(each["rule_id"], each["verdict"]) for each in found} == {
        ("CRY-04-DAMAGED", "unknown"),
        ("CRY-04-LOSSY", "unknown"),
    }


def test_a_sidecar_that_is_not_there_is_no_valid_manifest(tmp_path: Path) -> None:
    file = files.CRYPTO_GOOD["a side-car"]._replace(beside={"crypto.json": "[]"})
    assert Evidence(file, tmp_path).verdicts("cryptomatte") == {"CRY-05": "fail"}


def test_scan_lines_out_of_order_are_found(tmp_path: Path) -> None:
    part = files.container()
    shuffled = Part(part.attributes, part.chunks, (1, 0, 2, 3))
    assert Evidence(File(write(shuffled)), tmp_path).verdicts("aces-container") == {"ACES-13": "fail"}


# --- sequences ------------------------------------------------------------------------------------------


def test_frames_with_other_ranks_are_odd_and_frames_without_a_header_unknown(tmp_path: Path) -> None:
    rest = {name: plane for name, plane in files.PLANES.items() if not name.startswith("crypto02")}
    good = frame_facts(Evidence(files.CRYPTO_GOOD["in the header"], tmp_path).document)
    odd = frame_facts(Evidence(File(files.crypto(rest)), tmp_path).document)
    cut = frame_facts(Evidence(File(files.crypto()[:100]), tmp_path).document)
    frames = {1: good, 2: good, 3: odd, 4: good, 5: cut}
    found = evaluate_sequence([load_pack("cryptomatte")], FrameSequence("x.#.exr", frames))["findings"]
    assert [(each["rule_id"], each["verdict"], each["frames"]) for each in found] == [
        ("CRY-03-SEQUENCE", "fail", [3]),
        ("CRY-03-SEQUENCE", "unknown", [5]),
    ]
    assert "with 4 ranks" in found[0]["message"]
    same = evaluate_sequence([load_pack("cryptomatte")], FrameSequence("x.#.exr", {1: good, 2: good}))
    assert same["findings"] == []


# --- mutations ------------------------------------------------------------------------------------------


def text(ending: str, value: str) -> Flip:
    """Give another value to the attribute whose name ends so."""

    def flip(document: Document) -> None:
        (found,) = (each for each in document["parts"][0]["attributes"] if each["name"].endswith(ending))
        found.update(value=value)

    return flip


# By pack: a good file, and facts that can be flipped together with the rules that react to each.
FLIPS: dict[str, tuple[str, dict[str, tuple[Flip, str]]]] = {
    "aces-container": (
        "RGB",
        {
            "line order": (part(line_order="randomY"), "ACES-10"),
            "a channel's type": (channel(0, type="uint"), "ACES-05"),
            "pLinear": (channel(1, p_linear=True), "ACES-05"),
            "a long header": (about(header_bytes=1_048_585), "ACES-12"),
            "the path": (about(path="/shots/beauty.1001.sxr"), "ACES-17"),
            "not complete": (about(complete=False), "ACES-13"),
            "tiles": (about(is_tiled=True), "ACES-03"),
            "flags": (about(version_field=0x202), "ACES-02"),
            "a channel's name": (channel(2, name="X"), "ACES-04"),
            "an empty window": (part(display_height=0), "ACES-11"),
        },
    ),
    "aces-linear": ("all", {"the id": (text("colorInteropID", "data"), "AP0-02")}),
    "color-interop": (
        "an ACES container",
        {"the id": (text("colorInteropID", "my-studio:my-space"), "CIF-06")},
    ),
    "cryptomatte": (
        "in the header",
        {
            "the hash": (text("/hash", "MD5"), "CRY-02"),
            "the conversion": (text("/conversion", ""), "CRY-02"),
            "an id": (text("/manifest", '{"a":"00800000"}'), "CRY-06"),
            "a channel's type": (channel(0, type="half"), "CRY-04"),
            "a channel's component": (channel(3, component_name="X"), "CRY-03"),
            "the codec": (part(compression="dwab"), "CRY-04-DAMAGED"),
        },
    ),
}


@pytest.fixture(scope="module", params=FLIPS)
def good(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Evidence]:
    pack: str = request.param
    return pack, Evidence(SHIPPED[pack][0][FLIPS[pack][0]], tmp_path_factory.mktemp(pack))


@given(st.data())
def test_flipped_facts_make_exactly_their_rules_react(
    good: tuple[str, Evidence], data: st.DataObject
) -> None:
    pack, evidence = good
    flips = FLIPS[pack][1]
    names = data.draw(st.sets(st.sampled_from(sorted(flips))))
    document = copy.deepcopy(evidence.document)
    for name in names:
        flips[name][0](document)
    found = evaluate([load_pack(pack)], document, None, evidence.extra)["findings"]
    failed = {each["rule_id"] for each in found if each["verdict"] == "fail"}
    also = {"CRY-04-LOSSY"} if "the codec" in names else set()  # alpha is kept
    assert failed == {flips[name][1] for name in names} | also
