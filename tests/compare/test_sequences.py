"""Which sequences and frames correspond, and their difference as a whole."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from exr_inspector.compare.sequences import Frame, SequencePair, pair_frames, pair_sequences, summarize
from exr_inspector.sequences import Group, group


def groups(*paths: str) -> list[Group[str]]:
    return group(paths, lambda path: path)


def frames(name: str, numbers: Iterable[int]) -> list[str]:
    return [name.replace("#", f"{number:04}") for number in numbers]


def paired(
    a: list[str], b: list[str], roots: tuple[str, str] = ("", "")
) -> list[tuple[str | None, str | None]]:
    pairs = pair_sequences(groups(*a), groups(*b), roots)
    return [(pair.a.key if pair.a else None, pair.b.key if pair.b else None) for pair in pairs]


def test_versions_in_names_and_folders_do_not_count() -> None:
    a = frames("/v012/beauty_v012.#.exr", (1, 2)) + frames("/v012/id_v012.#.exr", (1, 2))
    b = frames("/v013/beauty_v013.#.exr", (1, 2)) + frames("/v013/id_v013.#.exr", (1, 2))
    assert paired(a, b) == [
        ("/v012/beauty_v012.#.exr", "/v013/beauty_v013.#.exr"),
        ("/v012/id_v012.#.exr", "/v013/id_v013.#.exr"),
    ]


def test_roots_with_other_names_do_not_count() -> None:
    a = ["/old/a/x.exr", "/old/y.exr"]
    assert paired(a, ["/new/a/x.exr", "/new/y.exr"], ("/old", "/new")) == [
        ("/old/a/x.exr", "/new/a/x.exr"),
        ("/old/y.exr", "/new/y.exr"),
    ]


def test_a_sequence_of_one_side_is_paired_with_none() -> None:
    a, b = ["/v1/x.exr", "/v1/z.exr"], ["/v2/x.exr", "/v2/y.exr"]
    assert paired(a, b) == [("/v1/x.exr", "/v2/x.exr"), (None, "/v2/y.exr"), ("/v1/z.exr", None)]


def test_a_letter_before_a_number_is_a_version_only_if_it_stands_alone() -> None:
    assert paired(["/a/rev2.exr", "/a/x.exr"], ["/a/rev3.exr", "/a/x.exr"])[0] == ("/a/rev2.exr", None)


def test_one_sequence_on_each_side_is_paired_whatever_its_name() -> None:
    assert len(paired(frames("/a.#.exr", (1, 2)), frames("/b.##.exr".replace("##", "#"), (1, 2)))) == 1


def pair(a: Iterable[int], b: Iterable[int]) -> SequencePair[str]:
    (found,) = pair_sequences(groups(*frames("/a.#.exr", a)), groups(*frames("/b.#.exr", b)))
    return found


def test_frames_are_paired_by_number() -> None:
    found = list(pair_frames(pair((1, 2, 4), (2, 3, 4))))
    assert [(each.frame, bool(each.a), bool(each.b)) for each in found] == [
        (1, True, False),
        (2, True, True),
        (3, False, True),
        (4, True, True),
    ]


def change(name: str, before: Any, after: Any, *, is_occasional: bool = False) -> Any:
    return {
        "what": "attribute",
        "kind": "changed",
        "part": None,
        "name": name,
        "before": before,
        "after": after,
        "is_occasional": is_occasional,
    }


def test_the_summary_has_the_frames_of_each_verdict_and_change() -> None:
    found = summarize(
        pair(range(1, 8), range(2, 9)),
        [
            Frame(2, "equal", [change("capDate", "a", "b", is_occasional=True)], None),
            Frame(3, "different", [change("compression", "zip", "piz")], None),
            Frame(4, "different", [change("compression", "zip", "piz")], None),
            Frame(5, "different", [change("gain", 1, 2)], None),
            Frame(6, "different", [change("gain", 1, 3)], None),
            Frame(7, "unknown", [], None),
        ],
    )
    assert (found["equal"], found["different"], found["unknown"]) == ("2", "3-6", "7")
    assert (found["added"], found["removed"], found["files"]) == ("8", "1", 6)
    compression, gain = found["changes"]
    assert (compression["name"], compression["frames"], compression["after"]) == ("compression", "3-4", "piz")
    assert (gain["frames"], gain["before"], gain["after"]) == ("5-6", None, None)


@pytest.mark.parametrize(
    ("verdicts", "status"),
    [(["equal"], "equal"), (["equal", "unknown"], "unknown"), (["unknown", "different"], "different")],
)
def test_the_gravest_frame_decides(verdicts: list[Any], status: str) -> None:
    numbers = range(1, len(verdicts) + 2)
    both = pair(numbers, numbers)
    assert summarize(both, [Frame(1, each, [], None) for each in verdicts])["status"] == status


def test_a_frame_of_one_side_makes_the_sequences_different() -> None:
    assert summarize(pair((1, 2), (1, 2, 3)), [Frame(1, "equal", [], None)])["status"] == "different"
