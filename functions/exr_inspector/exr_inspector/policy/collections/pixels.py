"""Collections of pixel statistics: channel by channel, and the reading as a whole.

Of a file that was sampled, counts are lower bounds and extremes are inner bounds.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import Any

from exr_inspector.policy.evidence import Bounds, Missing
from exr_inspector.policy.facts import NO_STATS, Facts, Field, Items, collection

_COUNTS = {
    "nan_count": Field("integer", "Samples that are NaN."),
    "pos_inf_count": Field("integer", "Samples that are +Inf."),
    "neg_inf_count": Field("integer", "Samples that are -Inf."),
    "zero_count": Field("integer", "Samples that are 0."),
    "negative_count": Field("integer", "Samples below 0."),
    "subnormal_count": Field("integer", "Samples that are subnormal."),
    "inf_count": Field("integer", "Samples that are +Inf or -Inf."),
}


NOT_INCLUDED = Missing("the statistics do not include this")

_CORRUPT = frozenset({"CHUNK_CORRUPT", "DECODER_LOST"})


def _why_unread(stats: Mapping[str, Any] | None) -> Missing | None:
    """Return why there are no statistics; None if there are."""
    if not stats or stats["status"] == "planned":
        return NO_STATS
    return None if "coverage" in stats else Missing(f"the pixels were not read: {stats['reason']}")


def stats_of(facts: Facts) -> Mapping[str, Any] | Missing:
    """Return the statistics of a file, or why there are none."""
    stats = facts.stats
    if why := _why_unread(stats):
        return why
    assert stats is not None
    if not stats["channels"] and stats["failures"]:
        return Missing(f"no pixel could be read: {stats['failures'][0]['message']}")
    return stats


def _coverage(stats: Mapping[str, Any]) -> str | None:
    """Return in words how much was read; None if it was everything."""
    coverage = stats["coverage"]
    if coverage["exact"]:
        return None
    return f"{coverage['chunks_read']} of {coverage['chunks']} chunks were read"


@collection(
    "statistics",
    {
        "name": Field("text", "Full name of the channel."),
        "layer": Field("text", "The layer; absent for channels without one."),
        "component": Field("text", "The name after the last dot, or the full name."),
        "type": Field("text", "`half`, `float` or `uint`."),
        "count": Field("integer", "Samples of the channel."),
        **_COUNTS,
        "min": Field("number", "Smallest finite sample; absent if no sample is finite."),
        "max": Field("number", "Largest finite sample."),
        "mean": Field("number", "Mean of the finite samples."),
        "stddev": Field("number", "Standard deviation of the finite samples."),
        "is_constant": Field("flag", "Whether all samples have one finite value."),
        "first_nonfinite": Field("any", "The first pixel that is not finite, as x and y."),
        "firefly_count": Field(
            "integer", "Pixels much brighter than all their neighbors; absent if they were not looked for."
        ),
        "hole_count": Field(
            "integer",
            "Pixels of 0 or less, or not finite, among brighter ones; absent if they were not looked for.",
        ),
        "alpha_outside": Field(
            "number", "Share of the finite samples below 0 or above 1; absent if the channel is not alpha."
        ),
    },
    {"percentiles.": Field("number", "A percentile, such as `percentiles.p99`.")},
)
def statistics(facts: Facts) -> Items:
    """The pixel statistics of each channel."""
    stats = stats_of(facts)
    if isinstance(stats, Missing):
        return stats
    names = {(each["part_index"], each["name"]): each for each in facts.document["channels"]}
    sampled = _coverage(stats)
    return [
        _statistics(each, names.get((each["part_index"], each["name"])), sampled)
        for each in stats["channels"]
    ]


def _statistics(
    found: Mapping[str, Any], channel: Mapping[str, Any] | None, sampled: str | None
) -> dict[str, Any]:
    counts = {name: found[name] for name in _COUNTS if name != "inf_count"}
    counts["inf_count"] = found["pos_inf_count"] + found["neg_inf_count"]
    exact: dict[str, Any] = {
        "count": found["count"],
        "min": found["min"],
        "max": found["max"],
        "mean": found["mean"],
        "stddev": found["stddev"],
        "is_constant": found["constant"],
        "percentiles": found["percentiles"] or {},
        **counts,
    }
    if sampled:
        gap = Missing(sampled)
        exact = {
            **{name: Bounds(value, inf, sampled) for name, value in counts.items()},
            "count": gap,
            "min": gap if found["min"] is None else Bounds(-inf, found["min"], sampled),
            "max": gap if found["max"] is None else Bounds(found["max"], inf, sampled),
            "mean": gap,
            "stddev": gap,
            "is_constant": False if found["constant"] is False else gap,
            "percentiles": gap,
        }
    return {
        "place": f"parts[{found['part_index']}].channels[{found['name']}]",
        "part_index": found["part_index"],
        "name": found["name"],
        "layer": channel["layer_name"] if channel else None,
        "component": channel["component_name"] if channel else found["name"],
        "type": found["type"],
        "first_nonfinite": found["first_nonfinite"],
        "firefly_count": _suspects(found, "fireflies", sampled),
        "hole_count": _suspects(found, "holes", sampled),
        "alpha_outside": _alpha_outside(found, sampled),
        **exact,
    }


def _suspects(found: Mapping[str, Any], name: str, sampled: str | None) -> int | Missing | None:
    """Return how many there are; a sample is not searched, since it lacks the neighbors."""
    held = Missing(sampled) if sampled else found.get(name, NOT_INCLUDED)
    return held if isinstance(held, Missing) or held is None else int(held["count"])


def _alpha_outside(found: Mapping[str, Any], sampled: str | None) -> float | Missing | None:
    held = found.get("alpha", NOT_INCLUDED)
    if isinstance(held, Missing) or held is None:
        return held
    return Missing(sampled) if sampled and not held["outside"] else float(held["outside"])


@collection(
    "pixels",
    {
        "status": Field("text", "`ok`, `partial` or `failed`."),
        "mode": Field("text", "`full` or `sampled`."),
        "chunks": Field("integer", "Chunks of the full-resolution images."),
        "chunks_read": Field("integer", "Chunks that were read."),
        "corrupt_chunks": Field("integer", "Chunks that could not be decoded."),
        "failure_codes": Field("list", "The codes of the faults, as in docs/TROUBLESHOOTING.md."),
        "failures": Field("list", "The messages of the faults."),
    },
)
def pixels(facts: Facts) -> Items:
    """The result of reading the pixels: one item, if requested."""
    stats = facts.stats
    if why := _why_unread(stats):
        return why
    assert stats is not None
    failures, coverage = stats["failures"], stats["coverage"]
    failed = sum(each["chunks"] or 1 for each in failures if each["code"] in _CORRUPT)
    sampled = stats["mode"] == "sampled" and coverage["chunks_read"] < coverage["chunks"]
    reason = f"{coverage['chunks_read']} of {coverage['chunks']} chunks were read"
    return [
        {
            "place": "file",
            "part_index": None,
            "status": stats["status"],
            "mode": stats["mode"],
            "chunks": coverage["chunks"],
            "chunks_read": coverage["chunks_read"],
            "corrupt_chunks": Bounds(failed, inf, reason) if sampled else failed,
            "failure_codes": [each["code"] for each in failures],
            "failures": [each["message"] for each in failures],
        }
    ]
