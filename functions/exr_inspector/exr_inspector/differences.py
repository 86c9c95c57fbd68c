"""What differs between two files: the library's front door to `compare`."""

from __future__ import annotations

import glob
from collections.abc import Iterable, Sequence
from contextlib import closing
from fnmatch import fnmatchcase
from typing import Literal, TypedDict, cast

from exr_inspector.compare.channels import Hashes, Matched, match_channels, recognize_renames
from exr_inspector.compare.header import Change, diff_headers
from exr_inspector.compare.pixels import PixelDiff, Status, diff_hashes, diff_pixels
from exr_inspector.compare.samples import EXACT, Tolerance
from exr_inspector.document.model import Channel, ErrorEntry
from exr_inspector.errors import InspectorError
from exr_inspector.location import Location
from exr_inspector.pipeline import Target, inspect, request_for
from exr_inspector.pixels.pixel_file import PixelFile
from exr_inspector.pixels.stats import pixel_stats
from exr_inspector.settings import Settings
from exr_inspector.sources.opener import Opener
from exr_inspector.version_reader import read_unchanged

PixelMode = Literal["none", "hash", "full"]


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


def diff(  # noqa: PLR0913 - the options of the command, by keyword
    a: Target,
    b: Target,
    *,
    pixels: PixelMode = "none",
    tolerance: Tolerance = EXACT,
    channels: Sequence[str] | None = None,
    settings: Settings | None = None,
) -> FileDiff:
    """Compare two files: local paths, `s3://bucket/key`, or locations.

    `pixels`: `none` compares headers only; `full` compares every sample of channels that correspond, with
    bounded memory; `hash` compares hashes of the decoded channels. `channels` are names or patterns such as
    `*.R` of the channels whose pixels are compared.

    Raises InspectorError: NOT_INSTALLED without the extra `pixels`, BAD_EVENT for an impossible path, and
    transient faults of the files' stores.

    >>> diff("beauty.1001.exr", "beauty.1002.exr")["status"]
    'equal'
    """
    settings = settings or Settings()
    files = [_located(each, settings) for each in (a, b)]
    documents = [inspect(each, settings) for each in files]
    errors: list[ErrorEntry] = [
        {**error, "where": error["where"] or document["file"]["path"]}
        for document in documents
        for error in document["errors"]
        if not document["parts"]
    ]
    found: FileDiff = {
        "a": documents[0]["file"]["path"],
        "b": documents[1]["file"]["path"],
        "status": "unknown",
        "header": [],
        "pixels": None,
        "errors": errors,
    }
    if not all(document["parts"] for document in documents):
        return found
    found["header"] = diff_headers(*documents)
    if pixels != "none":
        matched = _chosen(match_channels(*documents), channels)
        try:
            found["pixels"] = compared = _diff_pixels(files, matched, pixels, tolerance, settings)
        except InspectorError as error:
            if error.retry:
                raise
            errors.append(cast("ErrorEntry", error.entry()))
        else:
            found["header"] = _with_renames(found["header"], compared["renamed"])
    found["status"] = _status(found)
    return found


def _located(target: Target, settings: Settings) -> Location:
    return target if isinstance(target, Location) else request_for(target, settings).locations[0]


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


def _diff_pixels(
    files: Sequence[Location], matched: Matched, mode: PixelMode, tolerance: Tolerance, settings: Settings
) -> PixelDiff:
    if mode == "hash":
        hashes = [_hashes(each, None, settings) for each in files]
        return diff_hashes(recognize_renames(matched, *hashes), *hashes)
    if matched.only_a and matched.only_b:
        hashes = [_hashes(files[0], matched.only_a, settings), _hashes(files[1], matched.only_b, settings)]
        matched = recognize_renames(matched, *hashes)

    def compare() -> PixelDiff:
        opener = Opener(settings)
        with (
            closing(PixelFile(opener(files[0]), settings.limits)) as ours,
            closing(PixelFile(opener(files[1]), settings.limits)) as theirs,
        ):
            return diff_pixels(ours, theirs, matched, tolerance)

    return read_unchanged(compare)


def _hashes(file: Location, channels: Iterable[Channel] | None, settings: Settings) -> Hashes:
    names = None if channels is None else [glob.escape(each["name"]) for each in channels]
    stats = pixel_stats(file, channels=names, settings=settings)
    return {(each["part_index"], each["name"]): each["hash"] for each in stats["channels"]}


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
