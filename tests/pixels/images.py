"""Images for the tests of pixels: arrays, the files that libraries write of them, and chunks out of files."""

from __future__ import annotations

import io
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR

from exr_inspector.exr.chunks import ChunkTable, chunk_table
from exr_inspector.exr.header import Header, parse_header
from exr_inspector.pixels.fetch import ChunkReader
from exr_inspector.pixels.stitch import RawChunk
from exr_inspector.sources.protocol import Stat
from exr_inspector.sources.read_ahead import ReadAhead

CODECS = {
    "none": OpenEXR.NO_COMPRESSION,
    "rle": OpenEXR.RLE_COMPRESSION,
    "zips": OpenEXR.ZIPS_COMPRESSION,
    "zip": OpenEXR.ZIP_COMPRESSION,
    "piz": OpenEXR.PIZ_COMPRESSION,
    "pxr24": OpenEXR.PXR24_COMPRESSION,
    "b44": OpenEXR.B44_COMPRESSION,
    "b44a": OpenEXR.B44A_COMPRESSION,
    "dwaa": OpenEXR.DWAA_COMPRESSION,
    "dwab": OpenEXR.DWAB_COMPRESSION,
    "htj2k256": OpenEXR.HTJ2K256_COMPRESSION,
    "htj2k32": OpenEXR.HTJ2K32_COMPRESSION,
    "lj2k": OpenEXR.LJ2K_COMPRESSION,
    "zstd": OpenEXR.ZSTD_COMPRESSION,
}

Planes = dict[str, Any]


class Bytes:
    """A Source of bytes in memory."""

    location = "memory"

    def __init__(self, data: bytes) -> None:
        self.data = data

    def read(self, start: int, length: int) -> bytes:
        return self.data[start : start + length]

    def stat(self) -> Stat:
        return Stat(len(self.data), datetime(2026, 1, 1, tzinfo=timezone.utc))


def picture(height: int, width: int, seed: int = 1) -> Planes:
    """Smooth channels with noise, of all three types, with names that DWA compresses in different ways."""
    random = np.random.default_rng(seed)
    ramp = np.linspace(0.1, 2, height * width).reshape(height, width)
    noisy = {
        name: (ramp + random.normal(0, 0.05, ramp.shape)).astype(np.float16)
        for name in ("A", "B", "G", "R", "d.Y")
    }
    return {
        **noisy,
        "Z": (1000 * ramp).astype(np.float32),
        "id": random.integers(0, 9, ramp.shape, np.uint32),
    }


def library_file(planes: Planes, compression: str, path: Path, **header: Any) -> bytes:
    """The file that the OpenEXR library writes."""
    head = {"compression": CODECS[compression], "type": OpenEXR.scanlineimage, **header}
    with OpenEXR.File(head, dict(planes)) as file:  # it replaces the arrays
        file.write(str(path))
    return path.read_bytes()


def library_deep_file(compression: str, folder: Path) -> bytes:
    """8 by 31 deep pixels, one chunk a line."""
    random = np.random.default_rng(3)
    counts = random.integers(0, 40, (8, 31))
    planes: dict[str, Any] = {}
    for name, type_ in (("A", np.float16), ("Z", np.float32), ("id", np.uint32)):
        planes[name] = np.empty(counts.shape, object)
        for place, count in np.ndenumerate(counts):
            planes[name][place] = np.sort(random.integers(0, 50, count)).astype(type_)
    head = {"compression": CODECS[compression], "type": OpenEXR.deepscanline}
    with OpenEXR.File(head, planes) as file:
        file.write(str(folder / "deep.exr"))
    return (folder / "deep.exr").read_bytes()


def decoded(data: bytes, part: int = 0) -> Planes:
    """What the OpenEXR library decodes of a part from the whole file."""
    return decoded_parts(data)[part]


def decoded_parts(data: bytes) -> list[Planes]:
    with OpenEXR.File(io.BytesIO(data), separate_channels=True) as file:
        return [{name: channel.pixels for name, channel in part.channels.items()} for part in file.parts]


def opened(data: bytes) -> tuple[Header, ChunkTable]:
    header = parse_header(data)
    assert isinstance(header, Header)
    table = chunk_table(header, len(data))
    assert table is not None
    return header, table.with_offsets(data[table.start : table.end])


def chunks_of(data: bytes, part: int, indexes: list[int]) -> list[RawChunk]:
    """These chunks of a part, in this order."""
    _, table = opened(data)
    reader = ChunkReader(ReadAhead(Bytes(data)), table, part, 1 << 27)
    ((_, found),) = reader.read([[(index,) for index in indexes]])
    chunks = [each for index in indexes if isinstance(each := found[index], RawChunk)]
    assert len(chunks) == len(indexes)
    return chunks
