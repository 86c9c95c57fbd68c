"""Frames that do not belong to their sequence: compared with their neighbors, never with fixed limits.

A camera moves and lights change, so a frame is judged by the frames beside it. A value stands out if it is
beyond the medians of the three frames before and of the three after, on the same side of both, by many times
the sequence's typical change from one frame to the next. A cut or a step is on no side of both.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import copysign, log2
from typing import Any, NamedTuple, TypedDict

import numpy as np
import numpy.typing as npt

from exr_inspector.compare.header import is_occasional
from exr_inspector.document.serialize import to_json

THRESHOLD = 6.0
"""Typical changes from frame to frame by which an outlier differs, unless the caller says otherwise."""
NEIGHBORS = 3
MIN_FRAMES = 5
"""Shorter sequences are not judged."""
MAX_SETTING = 200
"""Characters of an attribute that is compared as a setting; longer ones are data."""

# A setting is one of the sequence if this share of the frames have it.
_MAJORITY = 0.8
# Changes that do not count even if the frames hardly differ: in stops, or for counts and looks as they are.
_FLOORS = {"value": 0.02, "count": 0.15, "size": 0.02, "look": 0.01}
_DARK = 0.01

Array = npt.NDArray[np.float64]


class FrameFacts(NamedTuple):
    """The facts of a frame. `look` is its look vector, `pixels` the hash of all of its pixels.

    `values` and `counts` are numbers by name, such as `mean of R`. `settings` are texts by name.
    """

    frame: int
    path: str
    values: Mapping[str, float]
    counts: Mapping[str, int]
    size: int | None
    look: Sequence[float] | None
    pixels: str | None
    settings: Mapping[str, str]


class Outlier(TypedDict):
    """A frame to review, with its reasons, the strongest first.

    `score` is that of the strongest: how many typical changes it is away. Settings and frozen frames have no
    number: their score is None, and they come first.
    """

    frame: int
    path: str
    score: float | None
    reasons: list[str]


def frame_facts(frame: int, document: Mapping[str, Any], stats: Mapping[str, Any] | None) -> FrameFacts:
    """Return the facts of a frame from its document and statistics. `stats` may have a `look`."""
    stats = stats or {}
    channels = [each for each in stats.get("channels", ()) if not each.get("is_cryptomatte")]
    values = {
        f"{name} of {each['name']}": number
        for each in channels
        for name, number in _numbers(each).items()
        if number is not None
    }
    counts = {
        what: sum((each.get(key) or {}).get("count", 0) for each in channels)
        for key, what in (
            ("fireflies", "fireflies"),
            ("holes", "holes"),
            ("flat_rectangles", "flat rectangles"),
        )
    }
    counts["NaN and infinite samples"] = sum(
        each[f"{kind}_count"] for each in channels for kind in ("nan", "pos_inf", "neg_inf")
    )
    look = (stats.get("look") or {}).get("look_vector")
    file = document["file"]
    return FrameFacts(
        frame,
        file["path"],
        values,
        counts,
        file["size_bytes"],
        look,
        stats.get("hash"),
        dict(_settings(document)),
    )


def _numbers(channel: Mapping[str, Any]) -> dict[str, float | None]:
    percentiles = channel.get("percentiles") or {}
    return {
        "mean": channel["mean"],
        "deviation": channel["stddev"],
        "99th percentile": percentiles.get("p99"),
    }


def _settings(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what all frames of a render have in common: structure, channels and short attributes."""
    for part in document["parts"]:
        label = f"{part['name']}: " if len(document["parts"]) > 1 else ""
        names = (each["name"] for each in document["channels"] if each["part_index"] == part["index"])
        yield f"{label}channels", " ".join(sorted(names))
        for each in part["attributes"]:
            name = each["name"]
            # A data window may follow the picture, and the table's length with it.
            if name in ("channels", "chunkCount", "dataWindow", "preview") or is_occasional(name):
                continue
            value = each["value"]
            text = value if isinstance(value, str) else to_json(value)
            if len(text) <= MAX_SETTING:
                yield f"{label}{name}", text


def find_outliers(frames: Iterable[FrameFacts], threshold: float = THRESHOLD) -> list[Outlier]:
    """Return the frames of one sequence that do not belong to it, the strongest first.

    Nothing is returned for fewer than MIN_FRAMES frames.
    """
    rising = sorted(frames, key=lambda each: each.frame)
    if len(rising) < MIN_FRAMES:
        return []
    reasons: dict[int, list[tuple[float, str]]] = {}
    found = (*_odd_settings(rising), *_frozen(rising), *_spikes(rising), *_other_looks(rising))
    for index, score, text in found:
        if score > threshold:
            reasons.setdefault(index, []).append((score, text))
    outliers: list[tuple[float, Outlier]] = []
    for index, each in reasons.items():
        each.sort(key=lambda reason: -reason[0])
        score, facts = each[0][0], rising[index]
        known = None if score == float("inf") else round(score, 1)
        texts = [text for _, text in each]
        outliers.append((score, {"frame": facts.frame, "path": facts.path, "score": known, "reasons": texts}))
    outliers.sort(key=lambda pair: (-pair[0], pair[1]["frame"]))
    return [outlier for _, outlier in outliers]


Reason = tuple[int, float, str]
"""The position of a frame, how far it is away in typical changes, and why."""


def _odd_settings(frames: Sequence[FrameFacts]) -> Iterator[Reason]:
    for name in sorted({name for each in frames for name in each.settings}):
        values = [each.settings.get(name) for each in frames]
        usual, count = Counter(values).most_common(1)[0]
        if count < _MAJORITY * len(frames):
            continue
        for index, value in enumerate(values):
            if value != usual:
                others = "nothing" if usual is None else usual
                yield (
                    index,
                    float("inf"),
                    f"{name} is {'absent' if value is None else value}, the others have {others}",
                )


def _frozen(frames: Sequence[FrameFacts]) -> Iterator[Reason]:
    same = [
        index
        for index in range(1, len(frames))
        if frames[index].pixels is not None and frames[index].pixels == frames[index - 1].pixels
    ]
    # A still, or renders on twos, are meant to repeat.
    if 4 * len(same) < len(frames):
        for index in same:
            yield index, float("inf"), f"its pixels are those of frame {frames[index - 1].frame}"


def _spikes(frames: Sequence[FrameFacts]) -> Iterator[Reason]:
    series: list[tuple[str, str, list[float | None]]] = [
        ("size", "size in bytes", [each.size for each in frames])
    ]
    names = dict.fromkeys(name for each in frames for name in each.values)
    series += (("value", name, [each.values.get(name) for each in frames]) for name in names)
    names = dict.fromkeys(name for each in frames for name in each.counts)
    series += (("count", name, [each.counts.get(name) for each in frames]) for name in names)
    for kind, name, numbers in series:
        known = [index for index, number in enumerate(numbers) if number is not None]
        if len(known) < MIN_FRAMES:
            continue
        values = np.array([_scaled(kind, numbers[index] or 0.0) for index in known])[:, None]
        for position, (score, left, right) in enumerate(_scores(values, _FLOORS[kind])):
            beside = [numbers[known[each]] for each in (left, right) if each is not None]
            text = " and ".join(map(_short, beside))
            yield known[position], score, f"{name} is {_short(numbers[known[position]])}, beside {text}"


def _short(value: float | None) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"


def _scaled(kind: str, value: float) -> float:
    """Return a value in stops, so that a change counts by its ratio; a count as its root."""
    if kind == "count":
        return float(np.sqrt(value))
    return copysign(log2(1 + abs(value) / (1 if kind == "size" else _DARK)), value)


def _other_looks(frames: Sequence[FrameFacts]) -> Iterator[Reason]:
    known = [index for index, each in enumerate(frames) if each.look is not None]
    if len(known) >= MIN_FRAMES:
        looks = np.array([frames[index].look for index in known], np.float64)
        for position, (score, _, _) in enumerate(_scores(looks, _FLOORS["look"])):
            yield known[position], score, "it looks unlike the frames before and after it"


def _scores(values: Array, floor: float) -> Iterator[tuple[float, int | None, int | None]]:
    """Yield for each row how many typical changes it is beyond its neighbors, and the positions beside it.

    At an end of the sequence, where neighbors are on one side only, their own spread is taken off.
    """
    steps = np.linalg.norm(np.diff(values, axis=0), axis=1)
    typical = float(np.median(steps)) + floor
    for index, value in enumerate(values):
        sides = [values[max(index - NEIGHBORS, 0) : index], values[index + 1 : index + 1 + NEIGHBORS]]
        beside = [index - 1 if index else None, index + 1 if index + 1 < len(values) else None]
        away = [value - np.median(side, axis=0) for side in sides if len(side)]
        distance = min(float(np.linalg.norm(each)) for each in away)
        if len(away) == 1:
            side = next(each for each in sides if len(each))
            distance -= (
                float(np.linalg.norm(np.diff(side, axis=0), axis=1).sum()) if len(side) > 1 else distance
            )
        elif float(away[0] @ away[1]) <= 0 or distance < float(np.linalg.norm(away[0] - away[1])):
            distance = 0.0
        yield max(distance, 0.0) / typical, beside[0], beside[1]
