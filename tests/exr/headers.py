"""Headers for the tests of reading: made by the suite's own writer, parsed by the product."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exr_inspector.exr.header import Header, parse_header
from exr_inspector.exr.limits import Limits
from tests.exrfiles.attributes import Attribute, Channel, attribute
from tests.exrfiles.writer import MULTIPART, header
from tests.exrfiles.writer import Header as Written

if TYPE_CHECKING:
    from collections.abc import Iterable

REQUIRED = (
    attribute("channels", "chlist", [Channel("R")]),
    attribute("compression", "compression", "zip"),
    attribute("dataWindow", "box2i", (0, 0, 63, 31)),
    attribute("displayWindow", "box2i", (0, 0, 63, 31)),
    attribute("lineOrder", "lineOrder", "increasingY"),
    attribute("pixelAspectRatio", "float", 1.0),
    attribute("screenWindowCenter", "v2f", (0.0, 0.0)),
    attribute("screenWindowWidth", "float", 1.0),
)
NAMED = (
    attribute("name", "string", "beauty"),
    attribute("type", "string", "scanlineimage"),
    attribute("chunkCount", "int", 2),
)


def window(width: int, height: int, x: int = 0, y: int = 0) -> Attribute:
    """A data window of this size, with its first pixel at x, y."""
    return attribute("dataWindow", "box2i", (x, y, x + width - 1, y + height - 1))


def compressed(name: str) -> Attribute:
    """The compression of this name."""
    return attribute("compression", "compression", name)


def plain(*more: Attribute, flags: int | None = None) -> Written:
    """A header of one part: what is required, with `more` instead of or behind it."""
    return header([replaced(REQUIRED, more)], flags)


def multipart(*parts: Iterable[Attribute]) -> Written:
    """A header of several parts: in each what is required, with the part's own attributes."""
    names = [attribute("name", "string", f"beauty{index or ''}") for index in range(len(parts))]
    bases = [(*REQUIRED, name, *NAMED[1:]) for name in names]
    return header([replaced(*each) for each in zip(bases, parts, strict=True)], MULTIPART)


def replaced(base: Iterable[Attribute], more: Iterable[Attribute]) -> tuple[Attribute, ...]:
    """The attributes of `base` that `more` does not name, then those of `more`."""
    others = tuple(more)
    names = {each.name for each in others}
    return (*(each for each in base if each.name not in names), *others)


def without(name: bytes) -> tuple[Attribute, ...]:
    """What is required, but for one attribute."""
    return tuple(each for each in REQUIRED if each.name != name)


def parsed(data: bytes | Written, limits: Limits | None = None) -> Header:
    """The header that these bytes are; AssertionError where the parser asks for more."""
    raw = data if isinstance(data, bytes) else data.data
    found = parse_header(raw, limits or Limits(), len(raw))
    assert isinstance(found, Header)
    return found
