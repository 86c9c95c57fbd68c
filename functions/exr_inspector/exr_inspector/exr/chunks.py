"""The chunk offset table: how many chunks a part promises, and whether the file holds them all.

Behind the header stands, for each part, one 64-bit file offset per chunk; a writer fills the table in
last. A file that was cut short, or whose writer died, still opens everywhere: only this table tells.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import accumulate
from struct import Struct

import numpy as np

from exr_inspector.exr.header import MULTIPART, NON_IMAGE, TILED, Header, Part
from exr_inspector.exr.values import COMPRESSIONS

# A larger table is not looked at: 16 MiB hold the offsets of two million chunks.
LARGEST_TABLE = 16 * 1024 * 1024

_LINES = dict(COMPRESSIONS.values())
# A negative size counts as a huge one, which no file holds.
_FLAT_SIZE = Struct("<I")
_DEEP_SIZES = Struct("<QQ")

Read = Callable[[int, int], "bytes | None"]


def part_type(header: Header, part: Part) -> str | None:
    """`scanlineimage`, `tiledimage`, `deepscanline` or `deeptile`; None where a needed `type` is absent.

    In a file with one flat part the version field decides, elsewhere the attribute (OpenEXR File Layout).
    """
    if header.version_field & (MULTIPART | NON_IMAGE):
        return part.value("type", "string") or None
    return "tiledimage" if header.version_field & TILED else "scanlineimage"


def chunk_count(header: Header, part: Part) -> int | None:
    """The number of chunks that a part's offset table has room for; None where it cannot be known."""
    stored = part.value("chunkCount", "int")
    if header.is_multipart and isinstance(stored, int):
        return stored if stored > 0 else None
    window = part.value("dataWindow", "box2i")
    if window is None:
        return None
    width = window["max"]["x"] - window["min"]["x"] + 1
    height: int = window["max"]["y"] - window["min"]["y"] + 1
    if width < 1 or height < 1:
        return None
    if (part_type(header, part) or "").endswith(("tiledimage", "deeptile")):
        return _tile_count(part, width, height)
    lines = _LINES.get(part.value("compression", "compression"))
    return -(-height // lines) if lines else None


def _tile_count(part: Part, width: int, height: int) -> int | None:
    tiles = part.value("tiles", "tiledesc")
    if tiles is None or not tiles["x_size"] or not tiles["y_size"]:
        return None
    up = tiles["rounding_mode"] == "up"
    columns: list[int] = [-(-size // tiles["x_size"]) for size in _level_sizes(width, up)]
    rows: list[int] = [-(-size // tiles["y_size"]) for size in _level_sizes(height, up)]
    if tiles["level_mode"] == "oneLevel":
        return columns[0] * rows[0]
    if tiles["level_mode"] == "ripmap":
        return sum(columns) * sum(rows)
    if tiles["level_mode"] == "mipmap":
        # The smaller side stays at one pixel, so at one tile, while the larger still shrinks.
        levels = max(len(columns), len(rows))
        columns += [1] * (levels - len(columns))
        rows += [1] * (levels - len(rows))
        return sum(x * y for x, y in zip(columns, rows, strict=True))
    return None


def _level_sizes(size: int, up: bool) -> list[int]:
    """The sizes of all levels: halved, rounded down or up, until one pixel is left."""
    sizes = [size]
    while sizes[-1] > 1:
        sizes.append((sizes[-1] + up) // 2)
    return sizes


def is_complete(header: Header, read: Read, file_size: int) -> bool | None:
    """Whether the file holds every chunk that its offset table promises; None where that cannot be told.

    `read(start, length)` gives bytes of the file, or None where they are not to be looked at. The whole
    table is looked at, and of the chunks the last one: the others end before it begins.
    """
    counts = [chunk_count(header, part) or 0 for part in header.parts]
    if 0 in counts:
        return None
    length = 8 * sum(counts)
    if header.size + length > file_size:
        return False
    if length > LARGEST_TABLE:
        return None
    table = read(header.size, length)
    if table is None:
        return None
    offsets = np.frombuffer(table[: len(table) // 8 * 8], "<u8")
    if len(table) < length or offsets.min() < header.size + length:
        return False
    last = int(offsets.argmax())
    part = next(part for part, end in zip(header.parts, accumulate(counts), strict=True) if last < end)
    start, size = int(offsets[last]), _chunk_head_size(header, part)
    if start + size > file_size:
        return False
    head = read(start, size)
    return None if head is None else start + size + _data_size(part_type(header, part), head) <= file_size


def _chunk_head_size(header: Header, part: Part) -> int:
    """Part number, coordinates and sizes: what stands in front of a chunk's data."""
    kind = part_type(header, part) or ""
    return (4 if header.is_multipart else 0) + (16 if "tile" in kind else 4) + (24 if "deep" in kind else 4)


def _data_size(kind: str | None, head: bytes) -> int:
    """The bytes of a chunk's data. Deep: sample counts and samples, each packed; then the unpacked size."""
    packed = _DEEP_SIZES.unpack(head[-24:-8]) if "deep" in (kind or "") else _FLAT_SIZE.unpack(head[-4:])
    return sum(packed)
