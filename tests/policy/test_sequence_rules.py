"""The rules for sequences: one frame that differs, one that is missing, one that cannot be read."""

from __future__ import annotations

from typing import Any

import pytest

from exr_inspector import inspect
from exr_inspector.policy.collections.sequence import FrameSequence, frame_facts
from exr_inspector.policy.evaluate import evaluate_sequence
from exr_inspector.policy.load import load_pack
from exr_inspector.policy.model import SequenceFinding
from exr_inspector.settings import Settings
from tests.exrfiles.attributes import attribute
from tests.exrfiles.demo import simple, stereo_pair
from tests.exrfiles.metadata import shot_attributes

PLAIN = Settings(openimageio=False)
PACKS = [load_pack("default"), load_pack("sequence")]
KEY = "/show/beauty.#.exr"
RULES = {rule.id: rule for pack in PACKS for rule in pack.rules if rule.given == "sequence"}


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """The facts of a frame, and of frames that differ from it."""
    folder = tmp_path_factory.mktemp("sequence")
    usual = [attribute("colorInteropID", "string", "lin_ap1_scene")]
    files = {
        "usual": simple(8, 4, attributes=[*shot_attributes(1001), *usual]),
        "stereo": stereo_pair(),
        "cut": simple(4, 4)[:100],
    }
    found = {}
    for name, content in files.items():
        path = folder / f"{name}.exr"
        path.write_bytes(content)
        found[name] = frame_facts(inspect(path, PLAIN), {})
    return found


def frames(usual: dict[str, Any], count: int = 12) -> dict[int, dict[str, Any]]:
    """Frames from 1001, equal but for what steps with the frame."""
    return {
        1001 + index: {
            **usual,
            "timecode_frames": usual["timecode_frames"] + index,
            "image_counter": 1001 + index,
            "mean": 0.5,
        }
        for index in range(count)
    }


def findings(
    found: dict[int, dict[str, Any]], expected: range | None = None
) -> dict[str, list[SequenceFinding]]:
    by_rule: dict[str, list[SequenceFinding]] = {}
    for each in evaluate_sequence(PACKS, FrameSequence(KEY, found, expected))["findings"]:
        by_rule.setdefault(each["rule_id"], []).append(each)
    return by_rule


def test_a_sequence_without_faults_has_no_finding(facts: dict[str, dict[str, Any]]) -> None:
    assert findings(frames(facts["usual"]), range(1001, 1013)) == {}


# What makes a frame odd: the rule that finds it, and what the message says.
ODD: dict[str, tuple[dict[str, Any], str]] = {
    "SEQ-03": ({"display_window": "4x4"}, "4x4 (others 8x4)"),
    "SEQ-04": ({"channels": ["B", "G"]}, "lacks R"),
    "SEQ-05": ({"compression": "dwaa"}, "compression dwaa (others zip)"),
    "SEQ-06": ({"channel_types": ["float"]}, "lacks half and has also float"),
    "SEQ-10": ({"pixel_aspect_ratio": 2.0}, "pixel aspect ratio 2 (others 1)"),
    "SEQ-11": ({"part_names": ["a"]}, "has also a"),
    "SEQ-12": ({"views": ["left"]}, "has also left"),
    "SEQ-13": ({"color_space": None}, "color space absent (others lin_ap1_scene)"),
    "SEQ-14": ({"frames_per_second": "25/1"}, "frames per second 25/1 (others 24/1)"),
    "SEQ-15": ({"render_software": "Arnold 7"}, "render software Arnold 7 (others absent)"),
    "SEQ-20": ({"timecode_frames": 7}, "timecode frames 7, expected 86404"),
    "SEQ-21": ({"image_counter": 7}, "image counter 7, expected 1005"),
    "SEQ-30": ({"size_bytes": 10}, "size bytes 10 (neighbors "),
    "SEQ-31": ({"mean": 0.0}, "mean 0 (neighbors 0.5)"),
}


@pytest.mark.parametrize("rule", ODD)
def test_one_odd_frame_is_found_by_its_rule_and_by_no_other(
    rule: str, facts: dict[str, dict[str, Any]]
) -> None:
    found = frames(facts["usual"])
    changes, said = ODD[rule]
    found[1005] = {**found[1005], **changes}
    (finding,) = findings(found).pop(rule)
    assert set(findings(found)) == {rule}
    assert (finding["verdict"], finding["frames"], finding["place"]) == ("fail", [1005], "frames[1005]")
    assert finding["message"].startswith(said)
    assert finding["sequence_key"] == KEY


def test_gaps_are_found_without_a_frame_range_and_more_with_one(facts: dict[str, dict[str, Any]]) -> None:
    found = {frame: each for frame, each in frames(facts["usual"]).items() if frame not in (1003, 1004, 1008)}
    assert [each["message"] for each in findings(found)["SEQ-01"]] == ["missing 1003-1004, 1008"]
    by_rule = findings(found, range(1002, 1015))
    assert "SEQ-01" not in by_rule
    messages = [each["message"] for rule in ("SEQ-02", "SEQ-07") for each in by_rule[rule]]
    assert messages == ["missing 1003-1004, 1008, 1013-1014", "outside of the frame range: 1001"]


def test_a_lost_layer_is_named_once(facts: dict[str, dict[str, Any]]) -> None:
    whole = ["A", "B", "G", "R", "specular.B", "specular.G", "specular.R"]
    found = {frame: {**each, "channels": whole} for frame, each in frames(facts["usual"]).items()}
    found[1006] = {**found[1006], "channels": whole[:4]}
    assert [each["message"] for each in findings(found)["SEQ-04"]] == ["lacks specular"]


def test_frames_of_one_other_value_are_one_finding(facts: dict[str, dict[str, Any]]) -> None:
    found = frames(facts["usual"])
    for frame in (1003, 1004):
        found[frame] = {**found[frame], "compression": "dwaa"}
    (finding,) = findings(found)["SEQ-05"]
    assert (finding["frames"], finding["observed"], finding["expected"]) == ([1003, 1004], "dwaa", "zip")


def test_every_rule_is_unknown_for_a_frame_that_cannot_be_read(facts: dict[str, dict[str, Any]]) -> None:
    found = frames(facts["usual"])
    found[1005] = facts["cut"]
    unknown = {
        rule
        for rule, each in findings(found).items()
        if any((one["verdict"], one["frames"]) == ("unknown", [1005]) for one in each)
    }
    # A file that is cut has a size and a number, and pixels were not asked for.
    assert unknown == set(ODD) - {"SEQ-30", "SEQ-31"}


def test_the_frame_range_and_the_statistics_are_skipped_if_nobody_gives_them(
    facts: dict[str, dict[str, Any]],
) -> None:
    found = {
        frame: {**each, "mean": facts["usual"]["mean"]} for frame, each in frames(facts["usual"]).items()
    }
    validation = evaluate_sequence(PACKS, FrameSequence(KEY, found))
    assert [each["skipped"] for each in validation["policies"]] == [["SEQ-02", "SEQ-07"], ["SEQ-31"]]
    assert validation["findings"] == []


def test_numbers_of_textures_are_not_frames(facts: dict[str, dict[str, Any]]) -> None:
    found = {frame: {**facts["usual"], "is_texture": True} for frame in (1001, 1002, 1011)}
    assert "SEQ-01" not in findings(found)


def test_every_rule_for_sequences_has_a_case() -> None:
    assert set(RULES) == {*ODD, "SEQ-01", "SEQ-02", "SEQ-07"}
