"""Hypothesis strategies for whole headers. What is drawn is a writer.Header.

Its `data` are the bytes from the magic number on, `size` their number, `parts` the attributes as
(name, type, value) in stored order: all that a parser should find.
"""

from __future__ import annotations

from typing import NamedTuple

from hypothesis import strategies as st

from tests.exrfiles.attributes import (
    COMPRESSIONS,
    LEVEL_MODES,
    ROUNDING_MODES,
    Attribute,
    Channel,
    as_bytes,
    attribute,
)
from tests.exrfiles.geometry import Tiling, scanline_chunk_count, tile_chunk_count
from tests.exrfiles.values import STRING, WELL_FORMED, attributes, channels, finite
from tests.exrfiles.writer import DEEP, LONG_NAME, LONG_NAMES, MULTIPART, SHORT_NAME, TILED, Header, header

DEEP_COMPRESSIONS = ("none", "rle", "zips")
TILED_TYPES = ("tiledimage", "deeptile")
PART_TYPES = ("scanlineimage", "deepscanline", *TILED_TYPES)
FAR = 1 << 20
LARGEST = 1 << 13

# Names that mean something to every reader. A valid header has them once, well-formed, or not at all.
RESERVED = (
    *(b"channels", b"compression", b"dataWindow", b"displayWindow", b"lineOrder", b"pixelAspectRatio"),
    *(b"screenWindowCenter", b"screenWindowWidth", b"tiles", b"name", b"type", b"version", b"chunkCount"),
    *(b"maxSamplesPerPixel", b"view", b"timeCode", b"chromaticities"),
)

SHARED_AT_WILL = ((b"timeCode", "timecode"), (b"chromaticities", "chromaticities"))

Attributes = tuple[Attribute, ...]
NO_EXTRAS: st.SearchStrategy[list[Attribute]] = st.just([])


class Area(NamedTuple):
    """A data window."""

    x: int
    y: int
    width: int
    height: int

    @property
    def box(self) -> tuple[int, int, int, int]:
        return (self.x, self.y, self.x + self.width - 1, self.y + self.height - 1)


@st.composite
def valid_headers(draw: st.DrawFn, extras: st.SearchStrategy[list[Attribute]] | None = None) -> Header:
    """A header that a reader must accept: single part or multipart, of any type, with long names or not.

    Every attribute that the format requires is there once and valid. `extras` draws the others; by
    default they are anything: any type or none, values that fit or do not, names that come twice.
    """
    longest = draw(st.sampled_from((SHORT_NAME, LONG_NAME)))
    others = st.lists(attributes(longest=longest).filter(_is_free), max_size=8) if extras is None else extras
    shared = draw(_shared())
    labels = draw(st.one_of(st.just([]), st.lists(STRING, min_size=1, max_size=4, unique=True)))
    parts = [draw(_parts(label, shared, others, longest)) for label in labels or (None,)]
    plain = header(parts)
    flags = plain.flags & ~TILED | MULTIPART if labels else plain.flags
    return Header(plain.parts, flags | (LONG_NAMES if longest == LONG_NAME else 0))


@st.composite
def wild_headers(draw: st.DrawFn) -> Header:
    """A header with a sound layout and any content.

    Attributes that the format requires may be absent, twice there, of another type or broken; flags
    need not agree with the parts. Names have up to 255 bytes, whatever the flags say.
    """
    multipart = draw(st.booleans())
    flags = sum(draw(st.sets(st.sampled_from((TILED, LONG_NAMES, DEEP)))))
    # An empty part would end a multipart header early.
    part = _wild_parts(min_size=int(multipart))
    parts = draw(st.lists(part, max_size=4)) if multipart else [draw(part)]
    return header(parts, flags | (MULTIPART if multipart else 0))


@st.composite
def _parts(
    draw: st.DrawFn,
    label: bytes | None,
    shared: list[Attribute],
    others: st.SearchStrategy[list[Attribute]],
    longest: int,
) -> Attributes:
    """One valid part in any order of its attributes; `label` is its name in a multipart file."""
    type_ = draw(st.sampled_from(PART_TYPES))
    return tuple(draw(st.permutations([*draw(_own(type_, label, longest)), *shared, *draw(others)])))


@st.composite
def _wild_parts(draw: st.DrawFn, min_size: int) -> Attributes:
    sound = draw(_own(draw(st.sampled_from(PART_TYPES)), None, LONG_NAME)) + draw(_shared())
    reserved = attributes(st.sampled_from(RESERVED))
    anything = st.one_of(st.sampled_from(sound), reserved, attributes(longest=LONG_NAME))
    fewest = draw(st.sampled_from((8, 4, min_size)))
    return tuple(draw(st.lists(anything, min_size=fewest, max_size=16)))


@st.composite
def _shared(draw: st.DrawFn) -> list[Attribute]:
    """The attributes that must be equal in all parts of a file; the last two need not be there."""
    window, aspect = draw(_areas()), draw(finite(0.015625, 64))
    some = [Attribute(n, t.encode(), draw(WELL_FORMED[t])) for n, t in SHARED_AT_WILL if draw(st.booleans())]
    return [
        attribute("displayWindow", "box2i", window.box),
        Attribute(b"pixelAspectRatio", b"float", aspect),
        *some,
    ]


@st.composite
def _own(draw: st.DrawFn, type_: str, label: bytes | None, longest: int) -> list[Attribute]:
    """What else the format requires of such a part, and at times what it allows."""
    deep, tiled = type_.startswith("deep"), type_ in TILED_TYPES
    samplings = (1,) if deep or tiled else (1, 2)
    listed = draw(st.lists(channels(longest, samplings), min_size=1, max_size=6, unique_by=_name_of))
    area = draw(_areas(max(step for each in listed for step in (each.x_sampling, each.y_sampling))))
    compression = draw(st.sampled_from(DEEP_COMPRESSIONS if deep else COMPRESSIONS))
    tiling = draw(_tilings()) if tiled else None
    count = _chunk_count(area, compression, tiling)
    return [
        attribute("channels", "chlist", sorted(listed, key=_name_of)),
        attribute("compression", "compression", compression),
        attribute("dataWindow", "box2i", area.box),
        attribute("lineOrder", "lineOrder", draw(st.integers(0, 2 if tiled else 1))),
        Attribute(b"screenWindowCenter", b"v2f", draw(WELL_FORMED["v2f"])),
        Attribute(b"screenWindowWidth", b"float", draw(finite(0, 1 << 20))),
        *([attribute("tiles", "tiledesc", tiling)] if tiling else []),
        *([attribute("version", "int", 1)] if deep or draw(st.booleans()) else []),
        *([attribute("maxSamplesPerPixel", "int", draw(st.integers(-1, 99)))] if deep else []),
        *([attribute("view", "string", draw(STRING))] if draw(st.booleans()) else []),
        *(draw(_named(type_, label, count)) if label is not None or deep or draw(st.booleans()) else []),
    ]


@st.composite
def _named(draw: st.DrawFn, type_: str, label: bytes | None, count: int) -> list[Attribute]:
    return [
        attribute("name", "string", draw(STRING) if label is None else label),
        attribute("type", "string", type_),
        attribute("chunkCount", "int", count),
    ]


@st.composite
def _areas(draw: st.DrawFn, step: int = 1) -> Area:
    """A window whose corner and size are multiples of `step`, as subsampled channels want it."""
    corner, extent = st.integers(-FAR, FAR), st.integers(1, LARGEST)
    x, y, width, height = (draw(each) * step for each in (corner, corner, extent, extent))
    return Area(x, y, width, height)


def _tilings() -> st.SearchStrategy[Tiling]:
    extent = st.integers(1, 512)
    return st.builds(Tiling, extent, extent, st.sampled_from(LEVEL_MODES), st.sampled_from(ROUNDING_MODES))


def _chunk_count(area: Area, compression: str, tiling: Tiling | None) -> int:
    if tiling is None:
        return scanline_chunk_count(area.height, compression)
    return tile_chunk_count(area.width, area.height, tiling)


def _is_free(attribute_: Attribute) -> bool:
    return attribute_.name not in RESERVED


def _name_of(channel: Channel) -> bytes:
    return as_bytes(channel.name)
