"""Operators on the series of a sequence: they find the frames that do not fit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from statistics import median
from typing import Any, NamedTuple

from exr_inspector.policy.collections.sequence import FrameSequence
from exr_inspector.policy.compile import Path, compile_condition, find_field, in_words
from exr_inspector.policy.evidence import Missing, known
from exr_inspector.policy.facts import Collection
from exr_inspector.policy.model import Condition, Find, Odd, Series, SeriesCheck
from exr_inspector.policy.operators import OperandError, is_number, must_be_true
from exr_inspector.policy.schema import FormError
from exr_inspector.sequences import format_frames, gaps

NEIGHBORS = 5
"""Frames on each side that a frame is compared with."""
MIN_FRAMES = 8
"""Frames with a number that `outlier` needs."""
NO_RANGE = Missing("no frame range is stated for this sequence", is_requested=False)


class SequenceOperator(NamedTuple):
    operand: str
    meaning: str
    make: Callable[[str, Any], Find]


def _words(name: str) -> str:
    return name.replace("_", " ")


def _hashable(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else repr(value) if isinstance(value, dict) else value


def _all_same(name: str, operand: Any) -> Find:
    must_be_true(operand)

    def find(_: FrameSequence, series: Series) -> list[Odd]:
        groups: dict[Any, list[int]] = {}
        for frame, value in series.items():
            groups.setdefault(_hashable(value), []).append(frame)
        if len(groups) < 2:
            return []
        usual = max(groups.values(), key=len)
        expected = series[usual[0]]
        return [
            Odd(frames, series[frames[0]], expected, difference(name, series[frames[0]], expected))
            for frames in groups.values()
            if frames is not usual
        ]

    return find


def difference(name: str, observed: Any, expected: Any) -> str:
    """Return in words how the value of an odd frame differs from that of the others."""
    if isinstance(observed, list) and isinstance(expected, list):
        lacks, adds = _folded(expected, observed), _folded(observed, expected)
        words = [f"lacks {', '.join(lacks)}"] * bool(lacks) + [f"has also {', '.join(adds)}"] * bool(adds)
        return " and ".join(words) or f"has another order of {name}"
    return f"{_words(name)} {in_words(observed)} (others {in_words(expected)})"


def _folded(names: list[Any], other: list[Any]) -> list[str]:
    """Return the names that the other list lacks; a layer whose channels are all absent is named once."""
    present = {str(each).rpartition(".")[0] for each in other}
    absent = [str(each) for each in names if each not in other]
    return list(
        dict.fromkeys(
            layer if (layer := each.rpartition(".")[0]) and layer not in present else each for each in absent
        )
    )


def _contiguous(_: str, operand: Any) -> Find:
    must_be_true(operand)

    def find(sequence: FrameSequence, _series: Series) -> list[Odd] | Missing:
        absent = gaps(list(sequence.frames))
        return (
            Missing("the numbers are too far apart to be frames") if absent is None else _missing(absent, ())
        )

    return find


def _missing(expected: Iterable[int], frames: Iterable[int]) -> list[Odd]:
    absent = sorted(set(expected) - set(frames))
    return [Odd(absent, None, None, f"missing {format_frames(absent)}")] if absent else []


def _expected_range(_: str, operand: Any) -> Find:
    must_be_true(operand)

    def find(sequence: FrameSequence, _series: Series) -> list[Odd] | Missing:
        if sequence.expected is None:
            return NO_RANGE
        return _missing(sequence.expected, sequence.frames)

    return find


def _within_range(_: str, operand: Any) -> Find:
    must_be_true(operand)

    def find(sequence: FrameSequence, _series: Series) -> list[Odd] | Missing:
        if sequence.expected is None:
            return NO_RANGE
        extra = sorted(set(sequence.frames) - set(sequence.expected))
        return [Odd(extra, None, None, f"outside of the frame range: {format_frames(extra)}")] * bool(extra)

    return find


def _steps_with_frame(name: str, operand: Any) -> Find:
    if operand is not True and not is_number(operand):
        raise OperandError("must be true, or the step for each frame")
    step = float(operand)

    def find(_: FrameSequence, series: Series) -> list[Odd]:
        numbers = {frame: value for frame, value in series.items() if is_number(value)}
        offsets = {frame: value - step * frame for frame, value in numbers.items()}
        if not offsets:
            return []
        (usual, _count), *_others = Counter(offsets.values()).most_common(1)
        return [
            Odd(
                [frame],
                numbers[frame],
                usual + step * frame,
                f"{_words(name)} {in_words(numbers[frame])}, expected {in_words(usual + step * frame)}",
            )
            for frame, offset in offsets.items()
            if offset != usual
        ]

    return find


def _outlier(name: str, operand: Any) -> Find:
    """Compare each frame with the median of its neighbors, in units of the usual difference."""
    if not is_number(operand) or operand <= 0:
        raise OperandError("must be the number of deviations from the neighbors, such as 8")

    def find(_: FrameSequence, series: Series) -> list[Odd] | Missing:
        numbers = {frame: float(value) for frame, value in series.items() if is_number(value)}
        if len(numbers) < MIN_FRAMES:
            return Missing(f"fewer than {MIN_FRAMES} frames have a number", is_requested=bool(series))
        frames, values = list(numbers), list(numbers.values())
        expected = [
            median(values[max(0, at - NEIGHBORS) : at] + values[at + 1 : at + 1 + NEIGHBORS])
            for at in range(len(values))
        ]
        residuals = [abs(value - local) for value, local in zip(values, expected, strict=True)]
        # A floor of 1 % keeps frames that are nearly equal from standing out.
        floor = 0.01 * median(map(abs, values))
        scale = max(1.4826 * median(residuals), floor)
        return [
            Odd(
                [frame],
                value,
                local,
                f"{_words(name)} {in_words(value)} (neighbors {in_words(local)})",
            )
            for frame, value, local, residual in zip(frames, values, expected, residuals, strict=True)
            if residual > operand * scale
        ]

    return find


SEQUENCE_OPERATORS: dict[str, SequenceOperator] = {
    "all_same": SequenceOperator("true", "All frames have the same value.", _all_same),
    "contiguous": SequenceOperator(
        "true", "No frame is missing between the first and the last, on their common step.", _contiguous
    ),
    "expected_range": SequenceOperator("true", "Every expected frame exists.", _expected_range),
    "within_range": SequenceOperator("true", "Every frame is an expected frame.", _within_range),
    "steps_with_frame": SequenceOperator(
        "true, or a number", "The number grows by this much with each frame.", _steps_with_frame
    ),
    "outlier": SequenceOperator(
        "a number",
        "No frame differs from the median of its neighbors by more than this many typical differences.",
        _outlier,
    ),
}


def compile_sequence_assert(
    source: Any, collection: Collection, path: Path
) -> tuple[Condition | None, tuple[SeriesCheck, ...]]:
    """Return the compiled form of what a rule for sequences asserts: plain facts, and series."""
    if not isinstance(source, dict) or not source:
        raise FormError(path, "must be a mapping of fields to values or operators")
    plain = {}
    checks = []
    for name, value in source.items():
        if name in ("all", "any", "not") or find_field(name, collection, (*path, name)).kind != "series":
            plain[name] = value
            continue
        if not isinstance(value, dict) or not value:
            raise FormError((*path, name), f"must have one of {', '.join(SEQUENCE_OPERATORS)}")
        for operator, operand in value.items():
            at = (*path, name, operator)
            if operator not in SEQUENCE_OPERATORS:
                raise FormError(at, f"series have the operators {', '.join(SEQUENCE_OPERATORS)}")
            try:
                checks.append(SeriesCheck(name, SEQUENCE_OPERATORS[operator].make(name, operand)))
            except OperandError as error:
                raise FormError(at, f"{operator} {error}") from None
    return compile_condition(plain, collection, path) if plain else None, tuple(checks)


def find_odd(check: SeriesCheck, sequence: FrameSequence) -> tuple[list[Odd], dict[int, Missing]]:
    """Return the frames that do not fit, and those whose value is not known."""
    series = sequence.series(check.field)
    certain = {frame: value for frame, value in series.items() if known(value)}
    uncertain = {
        frame: value if isinstance(value, Missing) else Missing("only bounds are known")
        for frame, value in series.items()
        if not known(value)
    }
    found = check.find(sequence, certain)
    if isinstance(found, Missing):
        reason = next(iter(uncertain.values()), found) if not certain else found
        return [], dict.fromkeys(sequence.frames or [0], reason)
    return found, uncertain
