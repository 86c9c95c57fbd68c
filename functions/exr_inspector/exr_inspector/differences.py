"""What differs between two files: the library's front door to `compare`."""

from __future__ import annotations

import glob
from collections.abc import Iterable, Sequence
from contextlib import closing
from typing import Literal

from exr_inspector.compare.channels import Hashes, Matched, recognize_renames
from exr_inspector.compare.files import ComparePixels, FileDiff, compare_hashes, diff_documents, hashes_of
from exr_inspector.compare.heatmap import HeatMap
from exr_inspector.compare.pixels import PixelDiff, diff_pixels
from exr_inspector.compare.samples import EXACT, Tolerance
from exr_inspector.document.model import Channel
from exr_inspector.location import Location, path_location
from exr_inspector.pipeline import Target, inspect
from exr_inspector.pixels.pixel_file import PixelFile
from exr_inspector.pixels.stats import pixel_stats
from exr_inspector.settings import Settings
from exr_inspector.sources.opener import Opener
from exr_inspector.version_reader import read_unchanged

PixelMode = Literal["none", "hash", "full"]


def diff(  # noqa: PLR0913 - the options of the command, by keyword
    a: Target,
    b: Target,
    *,
    pixels: PixelMode = "none",
    tolerance: Tolerance = EXACT,
    channels: Sequence[str] | None = None,
    settings: Settings | None = None,
    heat_maps: list[HeatMap] | None = None,
) -> FileDiff:
    """Compare two files: local paths, `s3://bucket/key`, or locations.

    `pixels`: `none` compares headers only; `hash` also compares hashes of the decoded channels; `full`
    compares every sample of corresponding channels, with bounded memory. `channels` are names or patterns,
    such as `*.R`, of the channels to compare. With `full`, a map of the differences of each pair of flat
    parts is appended to `heat_maps`.

    Raises InspectorError: NOT_INSTALLED without the extra `pixels`, BAD_EVENT for an invalid path, and
    transient faults of the file systems or object stores.

    >>> diff("beauty.1001.exr", "beauty.1002.exr")["status"]
    'equal'
    """
    settings = settings or Settings()
    files = [path_location(each, settings.paths) for each in (a, b)]
    documents = [inspect(each, settings) for each in files]
    compare = None if pixels == "none" else _comparison(files, pixels, tolerance, settings, heat_maps)
    return diff_documents(documents[0], documents[1], compare, channels)


def _comparison(
    files: Sequence[Location],
    mode: PixelMode,
    tolerance: Tolerance,
    settings: Settings,
    heat_maps: list[HeatMap] | None,
) -> ComparePixels:
    """Return the function that reads the pixels of two files and compares them."""

    def hashes(file: Location, channels: Iterable[Channel] | None) -> Hashes:
        names = None if channels is None else [glob.escape(each["name"]) for each in channels]
        return hashes_of(pixel_stats(file, channels=names, settings=settings))

    def by_hash(matched: Matched) -> PixelDiff:
        return compare_hashes(*(hashes(file, None) for file in files))(matched)

    def by_sample(matched: Matched) -> PixelDiff:
        if matched.only_a and matched.only_b:
            found = hashes(files[0], matched.only_a), hashes(files[1], matched.only_b)
            matched = recognize_renames(matched, *found)

        def compare() -> PixelDiff:
            if heat_maps is not None:
                heat_maps.clear()  # those of a file that was replaced meanwhile
            opener = Opener(settings)
            with (
                closing(PixelFile(opener(files[0]), settings.limits)) as ours,
                closing(PixelFile(opener(files[1]), settings.limits)) as theirs,
            ):
                return diff_pixels(ours, theirs, matched, tolerance, heat_maps)

        return read_unchanged(compare)

    return by_hash if mode == "hash" else by_sample
