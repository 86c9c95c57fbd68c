"""Make files from short descriptions. Headers are real; pixels are filler, so a file can have any size."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from tests.exrfiles.attributes import Attribute, Channel, attribute
from tests.exrfiles.geometry import Tiling, blocks, level_sizes, tiles
from tests.exrfiles.writer import Part, write

Box = tuple[int, int, int, int]
HD: Box = (0, 0, 15, 8)

# Days before now.
RECENT, LAST_SEASON, LONG_AGO = 3, 100, 800


@dataclass(frozen=True)
class Picture:
    """One part. `kind` is its part type; `display` defaults to the data window."""

    channels: Sequence[Channel]
    attributes: Sequence[Attribute] = ()
    compression: str = "zip"
    window: Box = HD
    display: Box | None = None
    kind: str = "scanlineimage"
    tiling: Tiling | None = None

    def part(self, filler: int = 0) -> Part:
        """Return a part with one byte of data in each chunk, and `filler` more in the last one."""
        places = list(self._places())
        chunks = [self._chunk(place, 1) for place in places[:-1]]
        return Part(self._header(len(places)), (*chunks, self._chunk(places[-1], 1 + filler)))

    def _places(self) -> Iterator[bytes]:
        """Yield the coordinates of each chunk."""
        left, top, right, bottom = self.window
        width, height = right - left + 1, bottom - top + 1
        if not self.tiling:
            for first, _ in blocks(height, self.compression):
                yield struct.pack("<i", top + first)
            return
        for level, size in level_sizes(width, height, self.tiling).items():
            for tile in tiles(level, *size, self.tiling):
                yield struct.pack("<4i", tile.x, tile.y, *level)

    def _chunk(self, place: bytes, size: int) -> bytes:
        deep = self.kind.startswith("deep")
        sizes = struct.pack("<3Q", 1, size - 1, size - 1) if deep else struct.pack("<i", size)
        return place + sizes + bytes(size)

    def _header(self, chunk_count: int) -> tuple[Attribute, ...]:
        base = [
            attribute("channels", "chlist", sorted(self.channels)),
            attribute("chunkCount", "int", chunk_count),
            attribute("compression", "compression", self.compression),
            attribute("dataWindow", "box2i", self.window),
            attribute("displayWindow", "box2i", self.display or self.window),
            attribute("lineOrder", "lineOrder", "increasingY"),
            attribute("pixelAspectRatio", "float", 1.0),
            attribute("screenWindowCenter", "v2f", (0.0, 0.0)),
            attribute("screenWindowWidth", "float", 1.0),
            attribute("type", "string", self.kind),
        ]
        tiling = [attribute("tiles", "tiledesc", self.tiling)] if self.tiling else []
        version = [attribute("version", "int", 1)] if self.kind.startswith("deep") else []
        found = {each.name: each for each in (*base, *tiling, *version, *self.attributes)}
        return tuple(found[name] for name in sorted(found))


@dataclass(frozen=True)
class File:
    """An object in the bucket: its key below the shows' folder, and how many days ago it was written."""

    key: str
    content: bytes
    days: int = RECENT


def exr(size: int, *pictures: Picture) -> bytes:
    """Return a complete file of exactly `size` bytes."""
    *first, last = pictures
    before = [picture.part() for picture in first]
    return write(*before, last.part(size - len(write(*before, last.part()))))


def channels(names: str, type_: str = "half") -> tuple[Channel, ...]:
    """Return the channels of short forms: `diffuse.RGB` means three channels of the layer diffuse."""
    return tuple(Channel(name, type_) for word in names.split() for name in _components(word))


def text(name: str, value: str) -> Attribute:
    return attribute(name, "string", value)


def counted(picture: Picture, frame: int) -> Picture:
    """Return the picture with its frame number in it, so that no two frames are equal."""
    return replace(picture, attributes=(*picture.attributes, attribute("imageCounter", "int", frame)))


def _components(word: str) -> Iterator[str]:
    layer, dot, letters = word.rpartition(".")
    return (layer + dot + letter for letter in letters)
