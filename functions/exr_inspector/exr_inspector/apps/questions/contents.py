"""The order of the questions, in sections."""

from __future__ import annotations

from typing import NamedTuple


class Section(NamedTuple):
    title: str
    names: tuple[str, ...]
    """The questions, in order."""
    text: str = ""
    """What applies to all of them, in Markdown."""


SECTIONS = (
    Section("Finding renders", ("similar-renders", "same-channels", "lens", "header-text")),
    Section(
        "Channels and layers",
        ("channels", "most-layers", "missing-aovs", "lossy-ids", "object-frames", "missing-views"),
    ),
    Section("Storage", ("compression", "largest-sequences", "file-ages", "deep-renderers", "flat-textures")),
    Section("Color", ("color-spaces", "primaries")),
    Section(
        "Sequences",
        (
            "sequences",
            "missing-frames",
            "double-frames",
            "copied-frames",
            "uneven-sequences",
            "timecode-jumps",
        ),
    ),
    Section(
        "Health",
        (
            "faults",
            "bad-frames",
            "oiio-refuses",
            "odd-sizes",
            "odd-headers",
            "overscan",
            "missing-attributes",
            "software",
            "rendered-again",
            "older-vectors",
        ),
    ),
    Section(
        "Pixels",
        (
            "nan-frames",
            "frozen-frames",
            "black-frames",
            "fireflies",
            "odd-alpha",
            "depth-jumps",
            "look-jumps",
            "layer-bytes",
            "constant-channels",
            "unmeasured",
        ),
        "These questions need measured pixels: `exr-inspector stats --db`, or the\n"
        "function with `EXR_INSPECTOR_STATS`. Statistics of a sample (`pixels.exact` is false) are those of\n"
        'the chunks that were read: a count of 0 then means "none in the sample", and there are no hashes.\n'
        "Cryptomatte channels hold ids; leave them out with `NOT is_cryptomatte`.",
    ),
)
