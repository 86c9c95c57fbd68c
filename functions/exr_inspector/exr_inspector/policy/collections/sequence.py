"""The collection `sequence`: one item, with the facts of the sequence and, as series, those of its frames."""

from __future__ import annotations

from collections.abc import Collection as Frames
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from exr_inspector.policy.collections.cryptomatte import find
from exr_inspector.policy.collections.header import has_header, part_attributes
from exr_inspector.policy.collections.pixels import stats_of
from exr_inspector.policy.evidence import Missing
from exr_inspector.policy.facts import NO_HEADER, Facts, Field, Items, collection
from exr_inspector.policy.model import Item

NO_FRAME = Missing("the fact of this frame is not known")

_PLAIN = {
    "key": Field("text", "The path with padding for the frame's digits."),
    "frame_count": Field("integer", "Number of existing frames."),
    "first_frame": Field("integer", "The first existing frame."),
    "last_frame": Field("integer", "The last existing frame."),
    "has_expected_range": Field("flag", "Whether the expected frames are stated."),
    "is_texture": Field("flag", "Whether the files have mip levels: the numbers may be UDIM tiles."),
}
_SERIES = {
    "frames": Field("series", "The frame numbers."),
    "status": Field("series", "The status of the file."),
    "size_bytes": Field("series", "Size of the file in bytes."),
    "compression": Field("series", "The compressions of the parts."),
    "display_window": Field(
        "series",
        "The display window of the first part, as `1920x1080`, or `1920x1080-8-8` if it does not begin at 0.",
    ),
    "data_window": Field("series", "The data window of the first part."),
    "pixel_aspect_ratio": Field("series", "The pixel aspect ratio of the first part."),
    "part_names": Field("series", "The names of the parts."),
    "views": Field("series", "The views."),
    "channels": Field("series", "The full names of the channels."),
    "channel_types": Field("series", "The pixel types of the channels, each once."),
    "cryptomattes": Field("series", "The name, key and number of ranks of each cryptomatte."),
    "color_space": Field("series", "The color space that the first part states."),
    "frames_per_second": Field("series", "The attribute framesPerSecond, as `24/1`."),
    "render_software": Field("series", "The program that wrote the file, if an attribute names it."),
    "timecode_frames": Field("series", "The time code as a number of frames, by framesPerSecond."),
    "image_counter": Field("series", "The attribute imageCounter."),
    "mean": Field("series", "Mean of the statistics of R, G and B, or of Y, without a layer."),
}


@collection(
    "sequence",
    _PLAIN | _SERIES,
    {"attributes.": Field("series", "The value of the first part's attribute with this name.")},
)
def sequence(_: Facts) -> Items:
    """A sequence of frames: always one item. Series have a value for each frame."""
    return []  # a single file is not a sequence; `evaluate_sequence` makes the item


@dataclass(frozen=True)
class FrameSequence:
    """A sequence: the facts of its frames as `frame_facts` gives them, by number.

    `expected` has the expected frames; None if they are not stated.
    """

    key: str
    frames: Mapping[int, Mapping[str, Any]]
    expected: Frames[int] | None = None

    def item(self) -> Item:
        """Return the sequence as an item."""
        return {
            "place": "sequence",
            "part_index": None,
            "key": self.key,
            "frame_count": len(self.frames),
            "first_frame": min(self.frames, default=None),
            "last_frame": max(self.frames, default=None),
            "has_expected_range": self.expected is not None,
            "is_texture": any(each.get("is_texture") is True for each in self.frames.values()),
        }

    def series(self, name: str) -> dict[int, Any]:
        """Return the values of a field by frame, in order."""
        return {frame: self.frames[frame].get(name, NO_FRAME) for frame in sorted(self.frames)}


def frame_facts(
    document: Mapping[str, Any], stats: Mapping[str, Any] | None = None, attributes: Sequence[str] = ()
) -> dict[str, Any]:
    """Return the facts of one file that rules for sequences look at, with the values of some attributes.

    They are small, so those of a whole sequence can be held.
    """
    facts = Facts(document, document["stats"] if stats is None else stats)
    about, parts = document["file"], document["parts"]
    found: dict[str, Any] = {
        "frames": about["frame_number"],
        "status": about["status"],
        "size_bytes": NO_FRAME if about["size_bytes"] is None else about["size_bytes"],
        "mean": _mean(facts),
    }
    if not has_header(facts) or not parts:
        names = (*_SERIES, *(f"attributes.{name}" for name in attributes))
        return {**dict.fromkeys(names, NO_HEADER), **found}
    (item,) = facts.items("file")  # type: ignore[misc]
    values = part_attributes(parts[0])
    rate = values.get("framesPerSecond")
    return {
        **found,
        "compression": ", ".join(dict.fromkeys(item["compressions"])),
        "display_window": _geometry(parts[0]["display_window"]),
        "data_window": _geometry(parts[0]["data_window"]),
        "pixel_aspect_ratio": parts[0]["pixel_aspect_ratio"],
        "part_names": item["part_names"],
        "views": item["views"],
        "channels": item["channel_names"],
        "channel_types": sorted({each["type"] for each in document["channels"]}),
        "cryptomattes": sorted(
            f"{each.name} {each.key} with {len(each.ranks)} ranks" for each in find(document).cryptomattes
        ),
        "color_space": parts[0]["color_space"],
        "frames_per_second": f"{rate['numerator']}/{rate['denominator']}" if isinstance(rate, dict) else None,
        "render_software": parts[0]["render_software"],
        "timecode_frames": _timecode_frames(values.get("timeCode"), rate),
        "image_counter": values.get("imageCounter"),
        "is_texture": parts[0]["level_mode"] in ("mipmap", "ripmap"),
        **{f"attributes.{name}": values.get(name) for name in attributes},
    }


def _geometry(window: Mapping[str, Any] | None) -> str | None:
    if window is None:
        return None
    low, high = window["min"], window["max"]
    size = f"{high['x'] - low['x'] + 1}x{high['y'] - low['y'] + 1}"
    return size if low == {"x": 0, "y": 0} else f"{size}{low['x']:+d}{low['y']:+d}"


def _timecode_frames(timecode: Any, rate: Any) -> int | Missing | None:
    """Return a time code as a number of frames, without those that a drop-frame code leaves out (ST 12-1)."""
    if not isinstance(timecode, dict):
        return None
    if not isinstance(rate, dict) or not rate["denominator"]:
        return Missing("framesPerSecond is absent")
    base = round(rate["numerator"] / rate["denominator"])
    hours, minutes, seconds, frames = map(int, timecode["time"].replace(";", ":").split(":"))
    count: int = ((hours * 60 + minutes) * 60 + seconds) * base + frames
    if ";" in timecode["time"]:
        total = hours * 60 + minutes
        count -= round(base / 15) * (total - total // 10)
    return count


def _mean(facts: Facts) -> Any:
    stats = stats_of(facts)
    if isinstance(stats, Missing):
        return stats
    if not stats["coverage"]["exact"]:
        return Missing("only a sample of the chunks was read")
    means = [each["mean"] for each in stats["channels"] if each["name"] in ("R", "G", "B", "Y")]
    known = [mean for mean in means if mean is not None]
    return sum(known) / len(known) if known else None
