"""What differs between two documents, and between the pixels of their files if they are at hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, TypedDict, cast

from exr_inspector.compare.channels import Hashes, Matched, match_channels, recognize_renames
from exr_inspector.compare.header import Change, diff_headers
from exr_inspector.compare.pixels import PixelDiff, Status, diff_hashes
from exr_inspector.document.model import Channel, Document, ErrorEntry
from exr_inspector.errors import InspectorError

ComparePixels = Callable[[Matched], PixelDiff]


class FileDiff(TypedDict):
    """The difference of two files, `a` and `b`, as JSON values.

    `status` is `different` if a header or a pixel differs; differences that are only occasional do not count.
    It is `unknown` if nothing differs but something could not be compared, as `errors` or `pixels` say.
    `pixels` is None if pixels were not asked for.
    """

    a: str
    b: str
    status: Status
    header: list[Change]
    pixels: PixelDiff | None
    errors: list[ErrorEntry]


def diff_documents(
    a: Document,
    b: Document,
    compare_pixels: ComparePixels | None = None,
    channels: Sequence[str] | None = None,
) -> FileDiff:
    """Compare two documents, and with `compare_pixels` the channels that match `channels`, or all.

    A permanent fault of `compare_pixels` is part of the result; its other errors are raised.
    """
    errors: list[ErrorEntry] = [
        {**error, "where": error["where"] or document["file"]["path"]}
        for document in (a, b)
        for error in document["errors"]
        if not document["parts"]
    ]
    found = not_compared(a["file"]["path"], b["file"]["path"], errors)
    if not (a["parts"] and b["parts"]):
        return found
    found["header"] = diff_headers(a, b)
    if compare_pixels:
        try:
            found["pixels"] = compared = compare_pixels(_chosen(match_channels(a, b), channels))
        except InspectorError as error:
            if error.retry:
                raise
            errors.append(cast("ErrorEntry", error.entry()))
        else:
            found["header"] = _with_renames(found["header"], compared["renamed"])
    found["status"] = _status(found)
    return found


def not_compared(a: str, b: str, errors: list[ErrorEntry]) -> FileDiff:
    """Return the difference of two files of which only these errors are known."""
    return {"a": a, "b": b, "status": "unknown", "header": [], "pixels": None, "errors": errors}


def hashes_of(stats: Mapping[str, Any] | None) -> Hashes:
    """Return the hashes of the channels in the statistics of a file."""
    channels = stats.get("channels", ()) if stats else ()
    return {(each["part_index"], each["name"]): each["hash"] for each in channels}


def compare_hashes(hashes_a: Hashes, hashes_b: Hashes) -> ComparePixels:
    """Return the function that compares channels by these hashes."""
    return lambda matched: diff_hashes(recognize_renames(matched, hashes_a, hashes_b), hashes_a, hashes_b)


def _chosen(matched: Matched, patterns: Sequence[str] | None) -> Matched:
    def is_wanted(*channels: Channel) -> bool:
        names = [each["name"] for each in channels]
        return patterns is None or any(fnmatchcase(name, each) for name in names for each in patterns)

    return Matched(
        [pair for pair in matched.pairs if is_wanted(*pair)],
        [each for each in matched.only_a if is_wanted(each)],
        [each for each in matched.only_b if is_wanted(each)],
        [],
    )


def _with_renames(changes: list[Change], renamed: list[tuple[Channel, Channel]]) -> list[Change]:
    """Replace the removal and the addition of a channel by its renaming."""
    names = {before["name"]: after["name"] for before, after in renamed}
    found: list[Change] = []
    for each in changes:
        if each["what"] == "channel" and each["kind"] == "removed" and each["name"] in names:
            found.append({**each, "kind": "renamed", "before": each["name"], "after": names[each["name"]]})
        elif not (each["what"] == "channel" and each["kind"] == "added" and each["name"] in names.values()):
            found.append(each)
    return found


def _status(found: FileDiff) -> Status:
    pixels = found["pixels"]
    is_different = any(not each["is_occasional"] for each in found["header"])
    if is_different or (pixels and pixels["status"] == "different"):
        return "different"
    return "unknown" if found["errors"] or (pixels and pixels["status"] == "unknown") else "equal"
