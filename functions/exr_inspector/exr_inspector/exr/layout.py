"""How a part is cut into chunks, from its header alone.

Sources: "OpenEXR File Layout" (chunks, offset tables, multi-part files) and, for the order of levels and the
number of samples of subsampled channels, the OpenEXR library (ImfTileOffsets.cpp, ImfMisc.cpp).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter, mul
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from exr_inspector.exr.codes import COMPRESSIONS
from exr_inspector.exr.header import MULTIPART, NON_IMAGE, TILED, Header, Part

if TYPE_CHECKING:  # numpy takes 100 ms to import, and the layout of one file does without
    import numpy as np
    import numpy.typing as npt

PART_TYPES = ("scanlineimage", "tiledimage", "deepscanline", "deeptile")
PIXEL_BYTES = {"uint": 4, "half": 2, "float": 4}

_LINES = dict(COMPRESSIONS.values())

_SAMPLING = itemgetter("type", "x_sampling", "y_sampling")

Number = TypeVar("Number", int, "npt.NDArray[np.int64]")


class ChannelLayout(NamedTuple):
    """Bytes of one sample, and the distance between samples in pixels."""

    sample_bytes: int
    x_sampling: int
    y_sampling: int


class Level(NamedTuple):
    """One resolution level: its numbers, its size in pixels, its tiles. Scan line parts have level 0, 0."""

    x: int
    y: int
    width: int
    height: int
    columns: int
    rows: int


class Chunk(NamedTuple):
    """The pixels of one chunk.

    `coordinates` are those of the chunk's head: (y,) for scan lines, (column, row, level x, level y) for
    tiles. `x` and `y` are pixel coordinates of the level, which begins at the data window's corner.
    """

    coordinates: tuple[int, ...]
    x: int
    y: int
    width: int
    height: int


@dataclass
class Layout:
    """The chunks of one part, in the order of its offset table.

    A chunk covers `chunk_width` by `chunk_height` pixels, fewer at the right and bottom edges of a level.
    `stored_channels` is the decoded value of the attribute `channels`.
    """

    type: str
    is_multipart: bool
    compression: str | int
    x: int
    y: int
    widths: tuple[int, ...]
    """The widths of the levels; `heights` their heights. A ripmap has a level for each pair."""
    heights: tuple[int, ...]
    level_mode: str
    chunk_width: int
    chunk_height: int
    stored_channels: Sequence[Mapping[str, Any]]

    def __post_init__(self) -> None:
        self.is_tiled = "tile" in self.type
        self.is_deep = "deep" in self.type
        self.head_size = 4 * self.is_multipart + (16 if self.is_tiled else 4) + (24 if self.is_deep else 4)
        """Bytes in front of a chunk's data: part number, coordinates and sizes."""
        columns = [-(-width // self.chunk_width) for width in self.widths]
        rows = [-(-height // self.chunk_height) for height in self.heights]
        is_ripmap = self.level_mode == "ripmap"
        self.count = sum(columns) * sum(rows) if is_ripmap else sum(map(mul, columns, rows))
        """The number of chunks; as a Python integer it has no upper limit."""

    @cached_property
    def channels(self) -> tuple[ChannelLayout, ...] | None:
        """The channels' sizes; None if a pixel type or sampling is not valid."""
        found = tuple(
            ChannelLayout(PIXEL_BYTES.get(type_, 0), *sampling)
            for type_, *sampling in map(_SAMPLING, self.stored_channels)
        )
        return found if found and all(min(each) > 0 for each in found) else None

    @cached_property
    def _kinds(self) -> list[tuple[ChannelLayout, int]] | None:
        """The different channels' sizes and the number of channels of each: most files have one or two."""
        counts = Counter(map(_SAMPLING, self.stored_channels))
        found = [(ChannelLayout(PIXEL_BYTES.get(kind[0], 0), *kind[1:]), n) for kind, n in counts.items()]
        return found if found and all(min(each) > 0 for each, _ in found) else None

    @cached_property
    def min_size(self) -> int:
        """The least number of bytes that any chunk can have, with its head."""
        return self.head_size + self.min_data_size

    @property
    def min_data_size(self) -> int:
        """The least number of bytes that the data of any chunk can have.

        A compressed chunk has at least one byte, unless it may hold no sample: a chunk with fewer scan lines
        than the vertical sampling of every channel.
        """
        if self.is_deep:
            return 1  # the table of sample counts
        kinds = self._kinds or ()
        always = [(each, count) for each, count in kinds if each.y_sampling <= self.chunk_height]
        if self.compression != "none":
            return 1 if always else 0
        width = 1 if self.is_tiled else self.widths[0]
        return sum(
            count * each.sample_bytes * _samples(self.x, width, each.x_sampling) for each, count in always
        )

    @cached_property
    def levels(self) -> tuple[Level, ...]:
        """The levels in the order of the offset table."""
        if self.level_mode == "ripmap":
            numbers = [(x, y) for y in range(len(self.heights)) for x in range(len(self.widths))]
        else:
            numbers = [(n, n) for n in range(len(self.widths))]
        found = []
        for x, y in numbers:
            width, height = self.widths[x], self.heights[y]
            columns, rows = -(-width // self.chunk_width), -(-height // self.chunk_height)
            found.append(Level(x, y, width, height, columns, rows))
        return tuple(found)

    def chunk(self, index: int) -> Chunk:
        """Return the chunk of an entry of the offset table. Raises IndexError if there is none."""
        first = 0
        for level in self.levels:
            if 0 <= index - first < level.columns * level.rows:
                row, column = divmod(index - first, level.columns)
                x, y = column * self.chunk_width, row * self.chunk_height
                coordinates = (column, row, level.x, level.y) if self.is_tiled else (self.y + y,)
                width = min(self.chunk_width, level.width - x)
                height = min(self.chunk_height, level.height - y)
                return Chunk(coordinates, self.x + x, self.y + y, width, height)
            first += level.columns * level.rows
        raise IndexError(index)

    def index(self, coordinates: tuple[int, ...]) -> int | None:
        """Return the entry of the offset table for a chunk head's coordinates; None if there is none."""
        if not self.is_tiled:
            row, rest = divmod(coordinates[0] - self.y, self.chunk_height)
            return row if not rest and 0 <= row * self.chunk_height < self.heights[0] else None
        column, row, *numbers = coordinates
        first = 0
        for level in self.levels:
            if [level.x, level.y] == numbers:
                inside = 0 <= column < level.columns and 0 <= row < level.rows
                return first + row * level.columns + column if inside else None
            first += level.columns * level.rows
        return None

    def unpacked_size(self, index: int) -> int | None:
        """Return the bytes of a chunk's pixels; None for deep parts, whose chunks state it themselves."""
        if self.is_deep or self._kinds is None:
            return None
        chunk = self.chunk(index)
        return sum(
            count
            * each.sample_bytes
            * _samples(chunk.x, chunk.width, each.x_sampling)
            * _samples(chunk.y, chunk.height, each.y_sampling)
            for each, count in self._kinds
        )

    def unpacked_sizes(self) -> npt.NDArray[np.int64] | None:
        """Return the bytes of each chunk's pixels, in the order of the offset table; None for deep parts."""
        import numpy as np  # noqa: PLC0415 - see above

        if self.is_deep or self._kinds is None:
            return None
        found = []
        for level in self.levels:
            x = np.arange(level.columns, dtype=np.int64) * self.chunk_width
            y = np.arange(level.rows, dtype=np.int64)[:, None] * self.chunk_height
            widths = np.minimum(self.chunk_width, level.width - x)
            heights = np.minimum(self.chunk_height, level.height - y)
            sizes = np.zeros((level.rows, level.columns), np.int64)
            for each, count in self._kinds:
                samples = _samples(self.x + x, widths, each.x_sampling)
                sizes += count * each.sample_bytes * samples * _samples(self.y + y, heights, each.y_sampling)
            found.append(sizes.ravel())
        return np.concatenate(found)


def _samples(first: Number, length: Number, sampling: int) -> Number:
    """Return how many of `length` coordinates from `first` are multiples of `sampling`."""
    return (first + length - 1) // sampling - (first - 1) // sampling


def part_type(header: Header, part: Part) -> str | None:
    """Return `scanlineimage`, `tiledimage`, `deepscanline` or `deeptile`; None if a needed `type` is absent.

    In a file with one flat part the version field decides, elsewhere the attribute (OpenEXR File Layout).
    """
    if header.version_field & (MULTIPART | NON_IMAGE):
        return part.standard.get("type") or None
    return "tiledimage" if header.version_field & TILED else "scanlineimage"


def part_layout(header: Header, part: Part) -> Layout | None:
    """Return how a part is cut into chunks; None if an attribute that decides it is absent or not valid.

    The part keeps the result, since several facts depend on it.
    """
    if part.layout is None:
        part.layout = _derived(header, part) or False
    return part.layout or None


def _derived(header: Header, part: Part) -> Layout | None:
    known = part.standard
    type_, window = part_type(header, part), known.get("dataWindow")
    compression: Any = known.get("compression")
    if type_ not in PART_TYPES or window is None:
        return None
    low, high = window["min"], window["max"]
    width, height = high["x"] - low["x"] + 1, high["y"] - low["y"] + 1
    if width < 1 or height < 1:
        return None
    if "tile" in type_:
        cut = _tiling(known.get("tiles"), width, height)
    else:
        lines = _LINES.get(compression)
        cut = ((width,), (height,), "oneLevel", width, lines) if lines else None
    if cut is None:
        return None
    channels = known.get("channels", ())
    return Layout(type_, header.is_multipart, compression, low["x"], low["y"], *cut, channels)


_Cut = tuple[tuple[int, ...], tuple[int, ...], str, int, int]


def _tiling(tiles: dict[str, Any] | None, width: int, height: int) -> _Cut | None:
    if tiles is None or not tiles["x_size"] or not tiles["y_size"]:
        return None
    mode, up = tiles["level_mode"], tiles["rounding_mode"] == "up"
    if mode == "oneLevel":
        widths, heights = [width], [height]
    else:
        widths, heights = _level_sizes(width, up), _level_sizes(height, up)
    if mode == "mipmap":  # the smaller side stays at one pixel while the larger one still shrinks
        longer = max(len(widths), len(heights))
        widths += [1] * (longer - len(widths))
        heights += [1] * (longer - len(heights))
    elif mode not in ("oneLevel", "ripmap"):
        return None
    return tuple(widths), tuple(heights), mode, tiles["x_size"], tiles["y_size"]


def _level_sizes(size: int, up: bool) -> list[int]:
    """Return the sizes of all levels: halved, rounded down or up, until one pixel is left."""
    sizes = [size]
    while sizes[-1] > 1:
        sizes.append((sizes[-1] + up) // 2)
    return sizes
